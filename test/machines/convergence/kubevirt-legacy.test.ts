/**
 * KubeVirt's first rule against figures that were worked out by hand from its source, the migration monitor of
 * pkg/virt-launcher/virtwrap (`handleLegacyConvergence`): it looks every 400 ms, and whole seconds must be exceeded.
 *
 * 1 GiB is 1.07 decimal GB and counts as 2: 300 s are acceptable, 300.8 are not more than 300 whole ones, and 301.2 are.
 */
import { expect, test } from 'vitest';
import { type Watching, watched } from './watched.ts';

const legacy = (rest: Partial<Watching> = {}) => watched('kubevirt-legacy', { untilS: 1000, ...rest });
const shrinking = (atMs: number) => 1e10 - atMs;
const disrupting = { allowWorkloadDisruption: true };

test('it looks every 400 ms', () => {
  expect(legacy({ untilS: 1.7 }).askedMs).toEqual([400, 800, 1200, 1600]);
});

test.each([
  ['no disruption', {}, {}, [[301_200, 'abort']]],
  ['post-copy is not without disruption', {}, { postCopy: true }, [[301_200, 'abort']]],
  ['post-copy, and that is all', disrupting, { postCopy: true }, [[301_200, 'postcopy']]],
  [
    'suspend has the time again',
    disrupting,
    {},
    [
      [301_200, 'suspend'],
      [601_200, 'abort'],
    ],
  ],
  [
    'VFIO: twice the time as a limit',
    disrupting,
    { vfio: true },
    [
      [301_200, 600_000],
      [601_200, 'abort'],
    ],
  ],
  [
    'VFIO has no post-copy',
    disrupting,
    { vfio: true, postCopy: true },
    [
      [301_200, 600_000],
      [601_200, 'abort'],
    ],
  ],
  ['a disk of 0.9 GB makes it 2 GB still', { diskGb: 0.9 }, {}, [[301_200, 'abort']]],
  ['a disk of 1 GB makes it 3 GB', { diskGb: 1 }, {}, [[451_200, 'abort']]],
  ['a time of 0 is none', { ...disrupting, completionTimeoutPerGbMs: 0 }, {}, []],
] as const)('time: %s', (_, parameters, vm, expected) => {
  expect(legacy({ parameters, vm, remaining: shrinking }).orders).toEqual(expected);
});

test('a forced limit is 2000 s at most', () => {
  const rest = { parameters: disrupting, vm: { vfio: true, ramBytes: 64e9 }, remaining: shrinking, untilS: 9700 };
  expect(legacy(rest).orders).toEqual([[9_601_200, 2_000_000]]);
});

// The first poll is progress, 0.4 s; 150.8 s later are not more than 150 whole ones.
test.each([
  ['150 s', () => 5, {}, [[151_600, 'abort']]],
  [
    // The last progress is at the first poll from 101 s on, 101.2 s.
    'less than at the poll before, not than ever',
    (ms: number) => (ms < 1e5 ? 5 : ms < 101e3 ? 9 : 8),
    {},
    [[252_400, 'abort']],
  ],
  ['after nothing remained', () => 0, {}, []],
  ['a time of 0 is none', () => 5, { progressTimeoutMs: 0 }, []],
] as const)('without progress: %s', (_, remaining, parameters, expected) => {
  expect(legacy({ parameters, vm: { ramBytes: 64e9 }, remaining }).orders).toEqual(expected);
});

// It shrinks until 2 s: at 151.2 s it has been stuck for 149 whole seconds and has taken 151 of 150.
test.each([
  [disrupting, { postCopy: true }, 'postcopy', undefined],
  [disrupting, {}, 'suspend', undefined],
  [{}, { postCopy: true }, 'abort', 'aborted by kubevirt-legacy: no progress for 148 s'],
] as const)('stuck and late at one poll: %j %j, %s', (parameters, vm, order, reason) => {
  const both = legacy({
    parameters: { ...parameters, progressTimeoutMs: 148_000 },
    vm: { ramBytes: 1e9, ...vm },
    remaining: (atMs) => 1e9 - Math.min(atMs, 2000),
    untilS: 151.2,
  });
  expect(both.orders).toEqual([[151_200, order]]);
  expect(both.reasons[0]).toBe(reason);
});

test('one that was suspended and is stuck then is given up', () => {
  const remaining = (atMs: number) => 1e10 - Math.min(atMs, 310_000);
  // The last progress is at 310 s.
  expect(legacy({ parameters: disrupting, remaining }).orders).toEqual([
    [301_200, 'suspend'],
    [461_200, 'abort'],
  ]);
});
