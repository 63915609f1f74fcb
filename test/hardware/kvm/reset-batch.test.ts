/** How RESET joins entries: virt/kvm/dirty_ring.c, kvm_dirty_ring_reset. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ResetBatch } from '../../../src/hardware/kvm/reset-batch.ts';

/** What is applied, as slot, offset and mask. */
function applied(entries: readonly (readonly [slot: number, offset: number])[], end: 'flush' | 'drop' = 'flush') {
  const masks: [number, number, bigint][] = [];
  const batch = new ResetBatch((slot, offset, low, high) =>
    masks.push([slot, offset, (BigInt(high) << 32n) | BigInt(low)]),
  );
  for (const [slot, offset] of entries) batch.add(slot, offset);
  batch[end]();
  return masks;
}

test.each([
  ['one entry', [[0, 100]], [[0, 100, 1n]]],
  [
    'the same page twice',
    [
      [0, 100],
      [0, 100],
    ],
    [[0, 100, 1n]],
  ],
  [
    'up to 63 above the base',
    [
      [0, 100],
      [0, 101],
      [0, 163],
    ],
    [[0, 100, (1n << 63n) | 3n]],
  ],
  [
    '64 above begins anew',
    [
      [0, 100],
      [0, 164],
    ],
    [
      [0, 100, 1n],
      [0, 164, 1n],
    ],
  ],
  [
    'below the base shifts',
    [
      [0, 100],
      [0, 99],
      [0, 60],
    ],
    [[0, 60, (1n << 40n) | (1n << 39n) | 1n]],
  ],
  [
    '63 below',
    [
      [0, 100],
      [0, 37],
    ],
    [[0, 37, (1n << 63n) | 1n]],
  ],
  [
    '64 below begins anew',
    [
      [0, 100],
      [0, 36],
    ],
    [
      [0, 100, 1n],
      [0, 36, 1n],
    ],
  ],
  [
    'a shift that would lose a bit begins anew',
    [
      [0, 100],
      [0, 140],
      [0, 76],
    ],
    [
      [0, 100, (1n << 40n) | 1n],
      [0, 76, 1n],
    ],
  ],
  [
    'another slot begins anew',
    [
      [0, 100],
      [1, 101],
    ],
    [
      [0, 100, 1n],
      [1, 101, 1n],
    ],
  ],
  ['nothing', [], []],
] as const)('%s', (_, entries, masks) => {
  expect(applied(entries)).toEqual(masks);
});

test('a signal drops what is pending', () => {
  expect(
    applied(
      [
        [0, 1],
        [0, 2],
        [0, 500],
      ],
      'drop',
    ),
  ).toEqual([[0, 1, 3n]]);
});

test('law: every page of every entry is applied, and no other', () => {
  const near = fc.array(fc.tuple(fc.nat(1), fc.nat(200)), { maxLength: 100 });
  fc.assert(
    fc.property(near, (entries) => {
      const pages = new Set<string>();
      for (const [slot, offset, mask] of applied(entries)) {
        for (let bit = 0n; bit < 64n; bit++) if ((mask >> bit) & 1n) pages.add(`${slot}:${offset + Number(bit)}`);
      }
      expect(pages).toEqual(new Set(entries.map(([slot, offset]) => `${slot}:${offset}`)));
    }),
  );
});
