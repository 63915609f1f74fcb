/** What a chart waits for: commands without an answer, and armed timers, each with the time that is left. */
import type { ChartGraph } from '../../chart/graph.ts';
import type { Instant } from '../../view/instant.ts';
import { duration } from '../format.ts';
import { ValueTree } from '../parts/value-tree.tsx';
import { useStore } from '../store.ts';
import { Mark } from './action-list.tsx';

interface WaitsProps {
  readonly instant: Instant;
  readonly address: string;
  readonly graph: ChartGraph | undefined;
}

export function Waits({ instant, address, graph }: WaitsProps) {
  const commands = instant.pending.filter(({ by }) => by === address);
  const timers = instant.timers.filter(({ by }) => by === address);
  if (commands.length + timers.length === 0) return <p class="soft">Nothing: it goes on when it is told something.</p>;
  return (
    <ul class="waits">
      {commands.map(({ id, name, params, deadlineNs }) => (
        <li key={id}>
          <div class="wait-head">
            <Mark icon="command" />
            <b>{name}</b>
            <Left untilNs={deadlineNs} what="to its deadline" />
          </div>
          {hasData(params) && <ValueTree value={params} depth={1} />}
        </li>
      ))}
      {timers.map(({ id, timer, event, dueNs }) => (
        <li key={id}>
          <div class="wait-head">
            <Mark icon="timer" />
            <b>{graph?.transitions.find(({ descriptor }) => descriptor === event.type)?.event ?? timer}</b>
            <Left untilNs={dueNs} what="left" />
          </div>
        </li>
      ))}
    </ul>
  );
}

/** Between two records the cursor goes on, and time with it. */
function Left({ untilNs, what }: { readonly untilNs: number; readonly what: string }) {
  const { cursor } = useStore();
  return (
    <span class="left">
      <span class="amount">{duration(Math.max(0, untilNs - cursor.value.atNs))}</span> {what}
    </span>
  );
}

const hasData = (data: unknown) => typeof data === 'object' && data !== null && Object.keys(data).length > 0;
