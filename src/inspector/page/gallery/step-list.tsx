/** What can be sent now, each with the transitions that it may lead to, in the order in which XState tries them. */
import { useState } from 'preact/hooks';
import type { ChartGraph } from '../../chart/graph.ts';
import type { WalkStep } from '../../page-data.ts';
import { Mark } from '../details/action-list.tsx';
import type { WalkEvent } from './walks.ts';

interface StepListProps {
  readonly steps: readonly WalkStep[];
  readonly graph: ChartGraph;
  send(event: WalkEvent): void;
}

export function StepList({ steps, graph, send }: StepListProps) {
  const byType = new Map<string, WalkStep[]>();
  for (const step of steps) {
    const key = step.trigger === 'always' ? '' : step.event.type;
    byType.set(key, [...(byType.get(key) ?? []), step]);
  }
  return (
    <ul class="steps">
      {[...byType].map(([type, ways]) => (
        <Step key={type} ways={ways} graph={graph} send={send} />
      ))}
    </ul>
  );
}

interface StepProps {
  readonly ways: readonly WalkStep[];
  readonly graph: ChartGraph;
  send(event: WalkEvent): void;
}

function Step({ ways, graph, send }: StepProps) {
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const first = ways[0] as WalkStep;
  const isSent = first.trigger !== 'always';
  const { type: _, ...data } = first.event;
  const hasData = Object.keys(data).length > 0;
  const edited = draft === undefined ? undefined : eventOf(draft);
  const trouble = typeof edited === 'string' ? edited : undefined;
  return (
    <li class="step" data-step={first.event.type}>
      <div class="step-head">
        <button
          type="button"
          class="send"
          disabled={!isSent || trouble !== undefined}
          title={isSent ? `Send ${first.event.type}` : 'It is taken by itself as soon as its guard holds'}
          onClick={() => send(typeof edited === 'object' ? edited : first.event)}
        >
          {first.trigger === 'timer' && <Mark icon="timer" />}
          {first.label}
        </button>
        {isSent && (
          <button
            type="button"
            class="edit"
            aria-expanded={draft !== undefined}
            aria-label={`Edit what is sent with ${first.event.type}`}
            title="Edit what is sent"
            onClick={() => setDraft(draft === undefined ? JSON.stringify(first.event, undefined, 2) : undefined)}
          >
            {'{ }'}
          </button>
        )}
      </div>
      {draft === undefined && hasData && <code class="step-data">{JSON.stringify(data)}</code>}
      {draft !== undefined && (
        <>
          <textarea
            aria-label={`${first.event.type} as JSON`}
            rows={Math.min(12, draft.split('\n').length + 1)}
            spellcheck={false}
            value={draft}
            onInput={({ currentTarget }) => setDraft(currentTarget.value)}
          />
          {trouble !== undefined && <p class="trouble">{trouble}</p>}
        </>
      )}
      <ul class="ways">
        {ways.map((way, index) => (
          <Way key={index} way={way} graph={graph} />
        ))}
      </ul>
    </li>
  );
}

function Way({ way, graph }: { readonly way: WalkStep; readonly graph: ChartGraph }) {
  const drawn = graph.transitions.find(({ id }) => id === way.id);
  const targets = drawn?.targets ?? [];
  const guard = way.guard ?? (drawn?.otherwise === true ? 'else' : undefined);
  return (
    <li class="way" data-way={way.id}>
      {guard !== undefined && (
        <span class="guard">
          [{guard}]{' '}
          {way.guard !== undefined && (
            <span class={`holds ${way.holds}`} title={HOLDS[way.holds]}>
              {way.holds}
            </span>
          )}
        </span>
      )}
      <span class="where">
        {targets.length === 0 ? 'stays' : `→ ${targets.map((one) => one || 'the whole chart').join(', ')}`}
      </span>
    </li>
  );
}

const HOLDS: Readonly<Record<WalkStep['holds'], string>> = {
  yes: 'its guard holds now',
  no: 'its guard does not hold now',
  unknown: 'whether its guard holds depends on what the event carries',
};

/** A text says what is wrong. */
export function eventOf(draft: string): WalkEvent | string {
  let read: unknown;
  try {
    read = JSON.parse(draft);
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`;
  }
  const type = (read as { readonly type?: unknown } | null)?.type;
  if (typeof type !== 'string' || type === '') return 'An event is an object with a type, such as { "type": "START" }';
  return read as WalkEvent;
}
