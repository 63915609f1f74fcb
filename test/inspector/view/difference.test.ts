/** What a record changed, held to a second account: contexts as flat lists of leaves, and states as XState's own values. */
import { describe, expect, test } from 'vitest';
import type { System } from '../../../src/core/system.ts';
import {
  type Difference,
  differenceOf,
  type KeyDifference,
  keyDifferences,
} from '../../../src/inspector/view/difference.ts';
import { replay } from '../../../src/run/replay.ts';
import { recordsOf } from './folded.ts';

type Leaves = ReadonlyMap<string, string>;

/** Every leaf of a value as JSON, by its path; what is empty has none. */
function leavesOf(value: unknown, at = ''): Leaves {
  if (value === undefined) return new Map();
  if (typeof value !== 'object' || value === null) return new Map([[at, JSON.stringify(value)]]);
  const inside = (key: string) => (Array.isArray(value) ? `${at}[${key}]` : at === '' ? key : `${at}.${key}`);
  return new Map(Object.entries(value).flatMap(([key, inner]) => [...leavesOf(inner, inside(key))]));
}

/** Lines such as `rounds[1].sentPages 3 -> 4` for every leaf that is other. */
function changedLeaves(before: Leaves, after: Leaves): readonly string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])];
  return paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `${path} ${before.get(path)} -> ${after.get(path)}`)
    .sort();
}

function saidLeaves(keys: readonly KeyDifference[]): readonly string[] {
  return keys.flatMap(({ key, before, after }) => changedLeaves(leavesOf(before, key), leavesOf(after, key))).sort();
}

/** The innermost keys of a state's value. */
function innermost(value: unknown, above = ''): string {
  if (typeof value === 'string') return above === '' ? value : `${above}.${value}`;
  const entries = Object.entries(value as object);
  return entries.map(([key, inner]) => innermost(inner, above === '' ? key : `${above}.${key}`)).join(', ');
}

interface Step {
  readonly before: System | undefined;
  readonly after: System;
}

function stepsOf(scenario: string): readonly Step[] {
  const steps: Step[] = [];
  let before: System | undefined;
  replay(recordsOf(scenario), ({ system }) => {
    steps.push({ before, after: system });
    before = system;
  });
  return steps;
}

describe.each(['two-nics', 'fault-destination-dies'])('in %s', (scenario) => {
  const steps = stepsOf(scenario);
  const differences = steps.map(({ before, after }) => differenceOf(before, after));

  test('each chart that came, went or changed is there, and no other', () => {
    for (const [position, { before, after }] of steps.entries()) {
      const all = [...new Set([...(before?.charts.keys() ?? []), ...after.charts.keys()])];
      const expected = all.flatMap((address) => {
        const [old, now] = [before?.charts.get(address), after.charts.get(address)];
        if (old === undefined) return [`${address} opened ${innermost(now?.value)}`];
        if (now === undefined) return [`${address} closed ${innermost(old.value)}`];
        const isSame = JSON.stringify([old.value, old.context]) === JSON.stringify([now.value, now.context]);
        return isSame ? [] : [`${address} changed ${innermost(old.value)} to ${innermost(now.value)}`];
      });
      expect(differences[position]?.charts.map(said), `record ${position}`).toEqual(expected);
    }
  });

  test('every leaf of a context that is other is said, with what it was and is, and nothing else', () => {
    let leaves = 0;
    for (const [position, { before, after }] of steps.entries()) {
      for (const { address, context, how } of differences[position]?.charts ?? []) {
        if (how === 'closed') continue;
        const of = (system: System | undefined) => leavesOf(system?.charts.get(address)?.context);
        const expected = changedLeaves(of(before), of(after));
        leaves += expected.length;
        expect(saidLeaves(context), `record ${position}, ${address}`).toEqual(expected);
      }
    }
    expect(leaves).toBeGreaterThan(100);
  });

  test('commands and timers since, and those no more, lead from one record to the next', () => {
    const waiting = new Set<string>();
    for (const [position, { after }] of steps.entries()) {
      const { issued, settled, armed, disarmed } = differences[position] as Difference;
      for (const { id } of [...settled, ...disarmed]) expect(waiting.delete(id)).toBe(true);
      for (const { id } of [...issued, ...armed]) waiting.add(id);
      expect([...waiting].sort()).toEqual([...after.pending.keys(), ...after.timers.keys()].sort());
    }
  });
});

function said({ address, how, before, after }: Difference['charts'][number]): string {
  return `${address} ${how} ${how === 'changed' ? `${before} to ${after}` : (after ?? before)}`;
}

describe('keys', () => {
  test.each<readonly [string, unknown, unknown, readonly KeyDifference[]]>([
    ['nothing', { a: 1, b: [{ c: 2 }] }, { a: 1, b: [{ c: 2 }] }, []],
    [
      'a leaf deep inside',
      { a: { b: [1, { c: 2 }] } },
      { a: { b: [1, { c: 3 }] } },
      [{ key: 'a.b[1].c', before: 2, after: 3 }],
    ],
    ['a key that comes', {}, { a: { b: 1 } }, [{ key: 'a', after: { b: 1 } }]],
    ['a key that goes', { a: 1 }, {}, [{ key: 'a', before: 1 }]],
    ['an element more', { a: [1] }, { a: [1, 2] }, [{ key: 'a[1]', after: 2 }]],
    ['a mapping in place of a list', { a: [1] }, { a: { 0: 1 } }, [{ key: 'a', before: [1], after: { 0: 1 } }]],
    ['null in place of a mapping', { a: { b: 1 } }, { a: null }, [{ key: 'a', before: { b: 1 }, after: null }]],
    ['no number', { a: Number.NaN }, { a: Number.NaN }, []],
    [
      'a key that prototypes have',
      JSON.parse('{"__proto__":1}'),
      JSON.parse('{"__proto__":2}'),
      [{ key: '__proto__', before: 1, after: 2 }],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(keyDifferences(before, after)).toEqual(expected);
  });
});
