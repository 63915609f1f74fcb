/** The same drain over several seeds, and what they come to together. */
import { type Drained, type DrainOptions, drain } from './drain.ts';
import type { DrainPlan } from './plan.ts';

/** Of several runs: the mean, the least and the most. */
export interface Spread {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

export interface Drains {
  /** The first one, VM by VM. */
  readonly first: Drained;
  readonly seeds: readonly number[];
  /** Over those that emptied the host; null: none did. */
  readonly emptyMs: Spread | null;
  /** Over those in which it is known of every VM; null: in none. */
  readonly downtimeSumMs: Spread | null;
  readonly downtimeWorstMs: Spread | null;
  /** Seeds with which it is not known of somebody. */
  readonly downtimeUnknown: readonly number[];
  /** Seeds with which somebody stayed. */
  readonly notEmpty: readonly number[];
}

/** Seeds are as far apart as there are VMs, so that no two migrations have the same. */
export function drains(
  plan: DrainPlan,
  options: DrainOptions & { readonly seeds: number; readonly onDone?: ((done: number) => void) | undefined },
): Drains {
  const all = Array.from({ length: options.seeds }, (_, index) => {
    const seed = (options.seed + index * plan.vms.length) % 2 ** 32;
    const drained = drain(plan, { ...options, seed });
    options.onDone?.(index + 1);
    return { seed, drained };
  });
  const [first] = all;
  if (first === undefined) throw new RangeError('a drain has one seed at least');
  const emptied = all.flatMap(({ drained }) => (drained.emptyMs === null ? [] : [drained.emptyMs]));
  const downtimes = all.flatMap(({ drained: { downtime } }) => (downtime.unknown > 0 ? [] : [downtime]));
  return {
    first: first.drained,
    seeds: all.map(({ seed }) => seed),
    emptyMs: spread(emptied),
    downtimeSumMs: spread(downtimes.map(({ sumMs }) => sumMs)),
    downtimeWorstMs: spread(downtimes.map(({ worstMs }) => worstMs)),
    downtimeUnknown: all.flatMap(({ seed, drained }) => (drained.downtime.unknown > 0 ? [seed] : [])),
    notEmpty: all.flatMap(({ seed, drained }) => (drained.emptyMs === null ? [seed] : [])),
  };
}

function spread(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sum = values.reduce((total, value) => total + value, 0);
  return { mean: sum / values.length, least: Math.min(...values), most: Math.max(...values) };
}
