/** Paths into scenarios and reports: what may be put where, and which figures come out. */
import { describe, expect, test } from 'vitest';
import { figureAt, isPath, partsOf, put } from '../../../src/lab/experiment/path.ts';

const put2 = (root: unknown, path: string, value: unknown) => put(root, partsOf(path), value);

test.each([
  ['a', ['a']],
  ['a.b', ['a', 'b']],
  ['a[0].b[12]', ['a', 0, 'b', 12]],
  ['a[].b', ['a', -1, 'b']],
] as const)('%s', (text, parts) => {
  expect(isPath(text)).toBe(true);
  expect(partsOf(text)).toEqual(parts);
});

test.each(['', '.a', 'a.', 'a..b', '[0]', 'a[x]', 'a b', 7, null])('%j is no path', (text) => {
  expect(isPath(text)).toBe(false);
});

describe('put', () => {
  test.each([
    ['in place of what was there', { a: { b: 1, c: 2 } }, 'a.b', 3, { a: { b: 3, c: 2 } }],
    ['a mapping, merged', { a: { b: 1, c: 2 } }, 'a', { b: { d: 4 } }, { a: { b: { d: 4 }, c: 2 } }],
    ['a list, whole', { a: [1, 2] }, 'a', [3], { a: [3] }],
    ['into a list', { a: [{ b: 1 }, { b: 2 }] }, 'a[1].b', 3, { a: [{ b: 1 }, { b: 3 }] }],
    ['on a new way', {}, 'a.b', 1, { a: { b: 1 } }],
    ['null takes away', { a: 1, b: 2 }, 'a', null, { b: 2 }],
    ['null in a mapping takes away', { a: { b: 1, c: 2 } }, 'a', { b: null }, { a: { c: 2 } }],
  ] as const)('%s', (_, root, path, value, expected) => {
    const before = structuredClone(root);
    expect(put2(root, path, value)).toEqual({ value: expected });
    expect(root).toEqual(before);
  });

  test.each([
    ['beyond a list', { a: [1] }, 'a[1]', { reached: ['a'], because: 'has 1 elements, counted from 0' }],
    ['an element of no list', { a: {} }, 'a[0]', { reached: ['a'], because: 'is no list' }],
    ['a key of a list', { a: [1] }, 'a.b', { reached: ['a'], because: 'is no mapping' }],
  ] as const)('leads nowhere: %s', (_, root, path, expected) => {
    expect(put2(root, path, 1)).toEqual(expected);
  });
});

describe('figureAt', () => {
  const report = {
    totalMs: 5,
    rounds: [1, 2],
    downtimeMs: null,
    guest: { a: 1 },
    devices: [{ x: 1 }, { x: 4 }],
    of: 'it',
  };

  test.each([
    ['totalMs', 5],
    ['rounds', 2],
    ['downtimeMs', null],
    ['downtimeMs.part', null],
    ['devices[1].x', 4],
    ['devices[].x', 2.5],
  ])('%s', (path, figure) => {
    expect(figureAt(report, partsOf(path))).toEqual({ figure });
  });

  test.each([
    ['totalms', [], 'totalMs'],
    ['guest.b', ['guest'], 'a'],
    ['devices[].y', ['devices', -1], 'x'],
    ['devices[2].x', ['devices'], '[0]'],
  ])('%s is none, and what there is instead is told', (path, reached, instead) => {
    const found = figureAt(report, partsOf(path));
    expect(found).toMatchObject({ reached });
    expect((found as { known: readonly string[] }).known).toContain(instead);
  });

  test.each(['of', 'guest'])('%s is no number', (path) => {
    expect(figureAt(report, partsOf(path))).not.toHaveProperty('figure');
  });
});
