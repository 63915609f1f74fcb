/**
 * What one record changed: charts that came, went or moved, what is other in their contexts, and what is waited for since.
 *
 * Two systems are compared and nothing is remembered, so that it is the same from any checkpoint. Contexts are compared key by
 * key down to what is no mapping and no list; a list is compared element by element.
 */
import type { Snapshot } from '../../core/chart.ts';
import type { Command, Timer } from '../../core/effect.ts';
import type { Address } from '../../core/record.ts';
import type { System } from '../../core/system.ts';
import { activePaths, leavesOf } from './active.ts';

export interface Difference {
  /** In the order in which they were opened; a chart that changed in nothing is left out. */
  readonly charts: readonly ChartDifference[];
  /** Commands that are waited for since, and those that are not any more. */
  readonly issued: readonly Command[];
  readonly settled: readonly Command[];
  readonly armed: readonly Timer[];
  readonly disarmed: readonly Timer[];
}

export interface ChartDifference {
  readonly address: Address;
  readonly how: 'opened' | 'changed' | 'closed';
  /** Active leaves; absent: there was, or is, no such chart. */
  readonly before?: string;
  readonly after?: string;
  readonly context: readonly KeyDifference[];
}

/** `before` absent: the key has come; `after` absent: it has gone. */
export interface KeyDifference {
  /** Dotted; an element of a list by its number: `rounds[2].sentPages`. */
  readonly key: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** `before` is absent for the first record of a run. */
export function differenceOf(before: System | undefined, after: System): Difference {
  const addresses = new Set([...(before?.charts.keys() ?? []), ...after.charts.keys()]);
  const charts = [...addresses].flatMap((address) =>
    chartDifference(address, before?.charts.get(address), after.charts.get(address)),
  );
  const [commands, timers] = [before?.pending ?? new Map(), before?.timers ?? new Map()];
  return {
    charts,
    issued: [...after.pending.values()].filter(({ id }) => !commands.has(id)),
    settled: [...commands.values()].filter(({ id }) => !after.pending.has(id)),
    armed: [...after.timers.values()].filter(({ id }) => !timers.has(id)),
    disarmed: [...timers.values()].filter(({ id }) => !after.timers.has(id)),
  };
}

function chartDifference(
  address: Address,
  before: Snapshot | undefined,
  after: Snapshot | undefined,
): readonly ChartDifference[] {
  if (before === after) return [];
  const context = keyDifferences(before?.context, after?.context);
  if (after === undefined) return [{ address, how: 'closed', ...stateOf('before', before), context: [] }];
  if (before === undefined) return [{ address, how: 'opened', ...stateOf('after', after), context }];
  const states = { ...stateOf('before', before), ...stateOf('after', after) } as { before: string; after: string };
  if (states.before === states.after && context.length === 0) return [];
  return [{ address, how: 'changed', ...states, context }];
}

function stateOf(when: 'before' | 'after', snapshot: Snapshot | undefined) {
  return snapshot === undefined ? {} : { [when]: leavesOf(activePaths(snapshot)) };
}

/** Of two contexts, in the order of their keys: what only the older one has stands last. */
export function keyDifferences(before: unknown, after: unknown): readonly KeyDifference[] {
  const found: KeyDifference[] = [];
  compare('', before, after, found);
  return found;
}

function compare(key: string, before: unknown, after: unknown, found: KeyDifference[]): void {
  if (Object.is(before, after)) return;
  const [old, now] = [partsOf(before), partsOf(after)];
  // A mapping that came out of nothing is told key by key at the top only: a new element is one thing.
  const isTop = key === '' && (old ?? now) !== undefined && (before === undefined || after === undefined);
  if (!isTop && (old === undefined || now === undefined || Array.isArray(before) !== Array.isArray(after))) {
    found.push({ key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) });
    return;
  }
  const inside = (part: string) => (Array.isArray(after ?? before) ? `${key}[${part}]` : dotted(key, part));
  for (const part of new Set([...Object.keys(now ?? {}), ...Object.keys(old ?? {})])) {
    compare(inside(part), own(old, part), own(now, part), found);
  }
}

type Parts = Readonly<Record<string, unknown>>;

function partsOf(value: unknown): Parts | undefined {
  return typeof value === 'object' && value !== null ? (value as Parts) : undefined;
}

/** A key such as `__proto__` of a hostile journal is a key like any other. */
function own(parts: Parts | undefined, key: string): unknown {
  return parts !== undefined && Object.hasOwn(parts, key) ? parts[key] : undefined;
}

const dotted = (key: string, part: string) => (key === '' ? part : `${key}.${part}`);
