/**
 * Charts of the user's own where their code cannot run: what they did was written down beside the records, and is given back.
 *
 * A chart is a function of what it was opened with and of what it was told since. So a snapshot here is the steps of the tape
 * that fit its past so far (more than one only after equal pasts, and then any is right), and a fold from a checkpoint finds
 * the same step as one from the start. What is told to it and is not on the tape is an error: nobody knows what it would do.
 */
import type { AnyStateMachine } from 'xstate';
import { chartsFor } from '../../../machines/index.ts';
import type { Kind } from '../../../machines/messages.ts';
import type { Plan } from '../../../machines/plan.ts';
import type { Chart, ChartOutput, Snapshot, WatchTransitions } from '../../core/chart.ts';
import { crc32 } from '../../core/checksum.ts';
import type { Address } from '../../core/record.ts';
import { type ChartSet, chartSet } from '../../core/system.ts';
import type { TapeStep } from '../page-data.ts';

/** One run's tapes, as far as they have come. */
export class Tapes {
  readonly #steps = new Map<Address, TapeStep[]>();
  readonly #pictures: Readonly<Record<Address, string>>;

  /** Names of pictures by address, as a run's header has them. */
  constructor(pictures: Readonly<Record<Address, string>>) {
    this.#pictures = pictures;
    for (const address of Object.keys(pictures)) this.#steps.set(address, []);
  }

  add(tape: Readonly<Record<Address, readonly TapeStep[]>>): void {
    for (const [address, steps] of Object.entries(tape)) this.#steps.get(address)?.push(...steps);
  }

  /** The charts of the run. `took` is told of each step of the tape, `watch` of transitions of the charts that run here. */
  charts(plan: Plan, took: (step: TapeStep) => void, watch?: WatchTransitions): ChartSet {
    const own = new Map([...this.#steps].map(([address, steps]) => [address, this.#chart(address, steps, took)]));
    return withOwnCharts(plan, own, watch);
  }

  #chart(address: Address, steps: readonly TapeStep[], took: (step: TapeStep) => void): Chart {
    const name = this.#pictures[address] ?? '';
    const machine = { id: name.slice(name.indexOf('/') + 1), config: {} } as AnyStateMachine;
    const played = (at: readonly number[], what: string) => {
      const step = steps[at[0] ?? -1];
      if (step === undefined) throw new Error(`what ${address} did when it was ${what} was not written down`);
      took(step);
      const { value, context, status, taken } = step;
      const snapshot = { value, context, status, machine, tags: NO_TAGS, hasTag: () => false, at };
      return { snapshot: snapshot as unknown as Snapshot, outputs: step.outputs as readonly ChartOutput[], taken };
    };
    return {
      machine,
      start(input) {
        const told = toldOf(input);
        return played(
          [...steps.keys()].filter((index) => steps[index]?.opens === true && steps[index].told === told),
          'opened',
        );
      },
      step(snapshot, event) {
        const told = toldOf(event);
        const next = (snapshot as unknown as { readonly at: readonly number[] }).at.map((index) => index + 1);
        const fitting = next.filter((index) => steps[index]?.opens !== true && steps[index]?.told === told);
        return played(fitting, `told ${event.type}`);
      },
    };
  }
}

const NO_TAGS: ReadonlySet<string> = new Set();

/** What tells one event, or input, from another on a tape. */
export function toldOf(told: unknown): number {
  return crc32(JSON.stringify(told) ?? '');
}

/** This package's charts of a run, and in their places those of the user's own. */
export function withOwnCharts(plan: Plan, own: ReadonlyMap<Address, Chart>, watch?: WatchTransitions): ChartSet {
  // Another one stands in where the user's own stands before it.
  const policy = own.has('policy') ? 'qemu' : plan.policy.name;
  const manager = own.has('manager') ? undefined : plan.manager?.name;
  const base = chartSet(chartsFor(policy, manager) as Readonly<Partial<Record<Kind, AnyStateMachine>>>, watch);
  return { root: base.root, chart: (kind, address) => own.get(address) ?? base.chart(kind, address) };
}
