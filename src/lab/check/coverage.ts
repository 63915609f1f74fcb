/**
 * What a check has reached: transitions of charts, faults that struck by kind and errno, events, statuses, outcomes. A tally
 * is plain counts, so that those of several workers add up to the same, whoever ran which seed.
 */
import type { AnyTransitionDefinition } from 'xstate';
import { chartsFor } from '../../../machines/index.ts';
import { type ChartSet, chartSet } from '../../core/system.ts';
import { keyOf } from '../../core/transitions.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type Case, kindOfFault } from './case.ts';
import type { CaseRun } from './run-case.ts';

export type Counts = Readonly<Record<string, number>>;

/** Counts by name; a name that is not there was never reached. */
export interface Tally {
  readonly runs: number;
  readonly transitions: Counts;
  /** `fails`, `hangs`, ...: faults that struck; `cancel`, `crash sent`, `crash unsent`, and events of the world. */
  readonly disturbances: Counts;
  /** `setDeviceState hangs`. */
  readonly faults: Counts;
  /** `setDeviceState EIO`. */
  readonly errnos: Counts;
  /** `qemu-10.2: active -> device`. */
  readonly statuses: Counts;
  readonly outcomes: Counts;
}

export const EMPTY_TALLY: Tally = {
  runs: 0,
  transitions: {},
  disturbances: {},
  faults: {},
  errnos: {},
  statuses: {},
  outcomes: {},
};

export function addTallies(one: Tally, other: Tally): Tally {
  const added: Record<string, unknown> = {};
  for (const key of Object.keys(EMPTY_TALLY) as (keyof Tally)[]) {
    const [a, b] = [one[key], other[key]];
    added[key] = typeof a === 'number' ? a + (b as number) : addCounts(a, b as Counts);
  }
  return added as unknown as Tally;
}

function addCounts(one: Counts, other: Counts): Counts {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Whose charts a run has beside those that every run has. */
export interface Judges {
  readonly policy: string;
  readonly manager: string | undefined;
}

export function judgesOf({ own }: Case, { vmm, manager }: Scenario): Judges {
  return {
    policy: own === undefined ? vmm.policy.name : 'own-policy',
    manager: manager.policy === 'none' ? undefined : manager.policy,
  };
}

export class Coverage {
  readonly #chartSets = new Map<string, ChartSet>();
  readonly #taken = new Map<AnyTransitionDefinition, number>();
  readonly #counts: { [K in Exclude<keyof Tally, 'runs' | 'transitions'>]: Map<string, number> } = {
    disturbances: new Map(),
    faults: new Map(),
    errnos: new Map(),
    statuses: new Map(),
    outcomes: new Map(),
  };
  #runs = 0;

  /** Warm charts for every run with the same policy and manager, whose transitions are counted. */
  charts({ policy, manager }: Judges): ChartSet {
    const key = `${policy} ${manager ?? ''}`;
    let charts = this.#chartSets.get(key);
    if (charts === undefined) {
      charts = chartSet(chartsFor(policy, manager), (taken) => {
        for (const transition of taken) {
          if (transition.eventType !== null) this.#taken.set(transition, (this.#taken.get(transition) ?? 0) + 1);
        }
      });
      this.#chartSets.set(key, charts);
    }
    return charts;
  }

  see(run: CaseRun): void {
    this.#runs++;
    const { disturbances, faults, outcomes } = this.#counts;
    count(outcomes, run.report.outcome);
    if (run.cancelled) count(disturbances, 'cancel');
    if (run.crashed) count(disturbances, `crash, effects ${run.one.crash?.effects}`);
    for (const doubt of run.settled) count(disturbances, `doubt ${doubt}`);
    for (const fault of run.struck) {
      count(disturbances, kindOfFault(fault));
      if (fault.command === undefined) continue;
      count(faults, `${fault.command} ${kindOfFault(fault)}`);
      if (fault.fails !== undefined) count(this.#counts.errnos, `${fault.command} ${fault.fails}`);
    }
    let before: string | undefined;
    for (const { status } of run.report.status) {
      if (before !== undefined) count(this.#counts.statuses, `${run.scenario.vmm.loop}: ${before} -> ${status}`);
      before = status;
    }
  }

  tally(): Tally {
    const transitions = new Map([...this.#taken].map(([transition, taken]) => [keyOf(transition), taken]));
    const plain = Object.entries({ ...this.#counts, transitions }).map(([name, counts]) => [
      name,
      Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    ]);
    return { runs: this.#runs, ...Object.fromEntries(plain) } as Tally;
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
