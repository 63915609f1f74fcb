/** A walk through one chart: what can be sent, what was, what the last step did, and what the chart remembers. */

import { useState } from 'preact/hooks';
import type { MachineHeader } from '../../page-data.ts';
import { Description } from '../details/description.tsx';
import { ExitList } from '../details/exit-list.tsx';
import { StateFacts } from '../details/state-details.tsx';
import { stateIn } from '../details/use-graph.ts';
import { ValueTree } from '../parts/value-tree.tsx';
import { StepList } from './step-list.tsx';
import type { Walker, WalkState } from './walks.ts';

interface WalkPanelProps {
  readonly machine: MachineHeader;
  readonly state: WalkState | undefined;
  readonly walker: Walker;
  /** A state that somebody clicked. */
  readonly chosen: string | undefined;
  choose(state: string | undefined): void;
}

export function WalkPanel({ machine, state, walker, chosen, choose }: WalkPanelProps) {
  const { name, graph, description } = machine;
  const walk = state?.walk;
  return (
    <aside class="walk" aria-label={`Walk through ${name}`} data-walk={name} data-at={state?.at}>
      <h2>{name.replace(/^own\//, '')}</h2>
      <Description text={description} />
      {state?.trouble !== undefined && (
        <p class="trouble" role="alert">
          {state.trouble}
        </p>
      )}
      {chosen !== undefined && <Chosen machine={machine} state={state} path={chosen} choose={choose} />}
      {walk !== undefined && (
        <>
          <h3>
            {walk.status === 'active'
              ? 'What can happen now'
              : `It is ${walk.status === 'done' ? 'done' : walk.status}`}
          </h3>
          {walk.next.length === 0 && walk.status === 'active' && <p class="soft">Nothing leads on from here.</p>}
          <StepList key={state?.at} steps={walk.next} graph={graph} send={(event) => void walker.send(name, event)} />
          <History name={name} state={state as WalkState} walker={walker} />
          <h3>Done by the last step</h3>
          {walk.actions.length === 0 ? (
            <p class="soft">nothing</p>
          ) : (
            <ul class="walk-actions">
              {walk.actions.map((action, index) => (
                <li key={index}>{action}</li>
              ))}
            </ul>
          )}
          <h3>Context</h3>
          <ValueTree value={walk.context} />
        </>
      )}
    </aside>
  );
}

function Chosen({
  machine: { graph },
  state,
  path,
  choose,
}: Omit<WalkPanelProps, 'walker' | 'chosen'> & { readonly path: string }) {
  const found = stateIn(graph, path);
  if (found === undefined) return null;
  const next = state?.walk?.next ?? [];
  const active = state?.walk?.active ?? [];
  return (
    <section class="state-details" aria-label={`State ${path}`} data-state-details={path}>
      <h3>
        <span class={active.includes(path) ? 'lamp is-lit' : 'lamp'} />
        <span class="path">{path}</span>
        <button type="button" class="link" onClick={() => choose(undefined)}>
          close
        </button>
      </h3>
      <StateFacts state={found} />
      <h4 class="leads">Leads out</h4>
      <ExitList
        graph={graph}
        state={path}
        active={active}
        exits={Object.fromEntries(next.map(({ id, holds }) => [id, holds]))}
        counts={state?.walk?.visits ?? {}}
      />
    </section>
  );
}

function History({
  name,
  state: { events, at, input },
  walker,
}: {
  readonly name: string;
  readonly state: WalkState;
  readonly walker: Walker;
}) {
  return (
    <>
      <h3 class="with-buttons">
        Steps
        <span class="room" />
        <button type="button" disabled={at === 0} onClick={() => void walker.goTo(name, at - 1)}>
          Undo
        </button>
        <button type="button" disabled={at >= events.length} onClick={() => void walker.goTo(name, at + 1)}>
          Redo
        </button>
        <button type="button" disabled={events.length === 0} onClick={() => void walker.reset(name, input)}>
          Reset
        </button>
      </h3>
      <ol class="history" start={0}>
        {[undefined, ...events].map((event, index) => (
          <li key={index}>
            <button
              type="button"
              class={index > at ? 'link is-undone' : 'link'}
              aria-current={index === at ? 'step' : undefined}
              title={event === undefined ? 'Before the first event' : JSON.stringify(event)}
              onClick={() => void walker.goTo(name, index)}
            >
              {event?.type ?? 'started'}
            </button>
          </li>
        ))}
      </ol>
      <Input name={name} input={input} walker={walker} />
    </>
  );
}

/** What the chart is started with; it starts anew with another one. */
function Input({ name, input, walker }: { readonly name: string; readonly input: unknown; readonly walker: Walker }) {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const [trouble, setTrouble] = useState<string | undefined>(undefined);
  const start = () => {
    try {
      const wanted = draft?.trim() ? (JSON.parse(draft) as unknown) : undefined;
      setTrouble(undefined);
      void walker.reset(name, wanted);
    } catch (error) {
      setTrouble(`This is not JSON: ${(error as Error).message}`);
    }
  };
  return (
    <details class="walk-input">
      <summary>Started with {input === undefined ? 'an example input' : 'an input of yours'}</summary>
      <textarea
        rows={5}
        aria-label="Input as JSON"
        placeholder="Another input, as JSON; nothing: the example"
        spellcheck={false}
        value={draft ?? (input === undefined ? '' : JSON.stringify(input, undefined, 2))}
        onInput={({ currentTarget }) => setDraft(currentTarget.value)}
      />
      {trouble !== undefined && <p class="trouble">{trouble}</p>}
      <button type="button" onClick={start}>
        Start anew
      </button>
    </details>
  );
}
