/** Which events lead out of a state and of its parents, and whether the guard of each would hold now. */

import type { ChartGraph, ChartTransition } from '../../chart/graph.ts';
import type { Exits } from '../../view/exits.ts';
import { ActionList, Mark } from './action-list.tsx';
import { Description } from './description.tsx';
import { withParents } from './use-graph.ts';

type Holds = Exits[string];

interface ExitListProps {
  readonly graph: ChartGraph;
  readonly state: string;
  readonly active: readonly string[];
  readonly exits: Exits;
  readonly counts: Readonly<Record<string, number>>;
}

export function ExitList({ graph, state, active, exits, counts }: ExitListProps) {
  const owners = withParents(state)
    .map((owner) => ({ owner, ways: graph.transitions.filter(({ source }) => source === owner) }))
    .filter(({ ways }) => ways.length > 0);
  if (owners.length === 0) return <p class="soft">Nothing: it is an end.</p>;
  return (
    <>
      {owners.map(({ owner, ways }) => (
        <section key={owner} class="owner">
          {owner !== state && <h4>of {owner === '' ? 'the whole chart' : owner}, around it</h4>}
          <ul class="exits">
            {ways.map((way) => (
              <Exit
                key={way.id}
                way={way}
                holds={active.includes(owner) ? holdsOf(way, ways, exits) : undefined}
                times={counts[way.id] ?? 0}
              />
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

interface ExitProps {
  readonly way: ChartTransition;
  /** Undefined: its state is not active, so nothing asks. */
  readonly holds: Holds | undefined;
  readonly times: number;
}

function Exit({ way, holds, times }: ExitProps) {
  const { trigger, event, guard, otherwise, targets, source, actions, description } = way;
  const where = targets.length === 0 ? 'stays' : `→ ${targets.map((one) => shortened(one, source)).join(', ')}`;
  const isGuarded = guard !== undefined || otherwise;
  return (
    <li class="exit" data-exit={way.id} data-holds={isGuarded ? holds : undefined}>
      <div class="exit-head">
        {trigger === 'timer' && <Mark icon="timer" />}
        <b>{trigger === 'always' ? 'always' : event}</b>
        {times > 0 && (
          <span class="times" title={`taken ${times} times up to here`}>
            ×{times}
          </span>
        )}
        <span class="where" title={targets.join(', ')}>
          {where}
        </span>
      </div>
      {isGuarded && (
        <div class="guard">
          <span>[{guard ?? 'else'}]</span>
          {holds !== undefined && <span class={`holds ${holds}`}>{HOLDS[holds]}</span>}
        </div>
      )}
      <Description text={description} />
      <ActionList actions={actions} />
    </li>
  );
}

const HOLDS: Readonly<Record<Holds, string>> = {
  yes: '✓ holds now',
  no: '✕ does not hold now',
  unknown: '? depends on the event',
};

/** What has no guard after guarded ones is taken where none of those before it holds. */
function holdsOf(way: ChartTransition, ways: readonly ChartTransition[], exits: Exits): Holds | undefined {
  if (!way.otherwise) return exits[way.id];
  const same = ways.filter(({ descriptor }) => descriptor === way.descriptor);
  const earlier = same.slice(0, same.indexOf(way)).map(({ id }) => exits[id]);
  if (earlier.includes('yes')) return 'no';
  if (earlier.some((one) => one !== 'no')) return earlier.includes('unknown') ? 'unknown' : undefined;
  return 'yes';
}

/** A sibling by its own name. */
function shortened(target: string, source: string): string {
  const parent = source.slice(0, source.lastIndexOf('.') + 1);
  return target !== '' && parent !== '' && target.startsWith(parent) ? target.slice(parent.length) : target || 'itself';
}
