/** One state of a chart: what it is for, what it does, how often it was visited and when, and what leads out of it. */

import type { ChartGraph, ChartState } from '../../chart/graph.ts';
import type { ChartAt } from '../../view/instant.ts';
import { useStore } from '../store.ts';
import { useAnswer } from '../use-answer.ts';
import { ActionList } from './action-list.tsx';
import { Description } from './description.tsx';
import { ExitList } from './exit-list.tsx';

interface StateDetailsProps {
  readonly graph: ChartGraph;
  readonly state: ChartState;
  /** Undefined: the chart is not open at this record. */
  readonly chart: ChartAt | undefined;
  readonly address: string;
  readonly isChosen: boolean;
}

export function StateDetails({ graph, state, chart, address, isChosen }: StateDetailsProps) {
  const { engine, run, instant, selection } = useStore();
  const id = run.value?.header.id ?? '';
  const position = instant.value?.position ?? 0;
  const subject = `${id} ${address}`;
  const exits = useAnswer(subject, chart === undefined ? undefined : String(position), () =>
    engine.ask('exits', id, address, position),
  );
  const visits = useAnswer(subject, String(position), () => engine.ask('visits', id, address, position));
  const isActive = chart?.active.includes(state.id) === true;
  return (
    <section
      class="state-details"
      aria-label={`State ${state.id}`}
      data-state-details={state.id}
      data-exits-at={exits?.key}
    >
      <h3>
        <span class={isActive ? 'lamp is-lit' : 'lamp'} />
        <span class="path">{state.id === '' ? 'the whole chart' : state.id}</span>
        <span class="soft">{isActive ? 'active' : 'not active'}</span>
        {isChosen && (
          <button
            type="button"
            class="link"
            title="Back to what is active (Esc in the picture)"
            onClick={() => {
              selection.value = { chart: address };
            }}
          >
            close
          </button>
        )}
      </h3>
      <StateFacts state={state} />
      <VisitsOf address={address} state={state.id} />
      <h4 class="leads">Leads out</h4>
      <ExitList
        graph={graph}
        state={state.id}
        active={chart?.active ?? []}
        exits={exits?.answer ?? {}}
        counts={visits?.answer.transitions ?? {}}
      />
    </section>
  );
}

/** What the machine itself says of it. */
export function StateFacts({ state }: { readonly state: ChartState }) {
  const { description, tags, entry, exit, invokes, kind } = state;
  return (
    <>
      <Description text={description} />
      <dl class="facts">
        {kind !== 'atomic' && kind !== 'compound' && (
          <div>
            <dt>kind</dt>
            <dd>{kind === 'parallel' ? 'parallel: all of its regions are active at once' : kind}</dd>
          </div>
        )}
        {tags.length > 0 && (
          <div>
            <dt>tags</dt>
            <dd>{tags.join(', ')}</dd>
          </div>
        )}
        {entry.length > 0 && (
          <div>
            <dt>entry</dt>
            <dd>
              <ActionList actions={entry} />
            </dd>
          </div>
        )}
        {exit.length > 0 && (
          <div>
            <dt>exit</dt>
            <dd>
              <ActionList actions={exit} />
            </dd>
          </div>
        )}
        {invokes.length > 0 && (
          <div>
            <dt>runs</dt>
            <dd>{invokes.join(', ')}</dd>
          </div>
        )}
      </dl>
    </>
  );
}

function VisitsOf({ address, state }: { readonly address: string; readonly state: string }) {
  const store = useStore();
  const { engine, run, instant } = store;
  const id = run.value?.header.id ?? '';
  const position = instant.value?.position ?? 0;
  // The next one is known when it has been folded.
  const folded = run.value?.course.value?.folded ?? 0;
  const found = useAnswer(`${id} ${address} ${state}`, `${position} ${folded}`, () =>
    engine.ask('visitsAround', id, address, { kind: 'state', id: state }, position),
  )?.answer;
  const to = (label: string, at: number | undefined) => (
    <button
      type="button"
      class="visit"
      disabled={at === undefined || at === position}
      title={at === undefined ? undefined : `Go to record ${at}`}
      onClick={() => store.seek(at ?? 0)}
    >
      {label}: {at ?? '–'}
    </button>
  );
  const times = found?.count ?? 0;
  return (
    <div class="visits">
      <p>
        entered <b class="count">{times}</b> of {found?.total ?? 0} {(found?.total ?? 0) === 1 ? 'time' : 'times'}
      </p>
      {to('last', found?.last)}
      {to('before', found?.before)}
      {to('next', found?.next)}
    </div>
  );
}
