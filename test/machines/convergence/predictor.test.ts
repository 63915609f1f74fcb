/**
 * The rule of "Migration time prediction using calc-dirty-rate" (A. Gudkov, qemu-devel, April 2023), against its own published
 * example: at 10 Gbps (2^30 bit/s to the Gbps) and a limit of 125 ms the copies hold 3,241,984, 457,732, 144,157, 69,551 and
 * 33,055 pages of 4096 + 8 bytes, and the fifth, of 101.1 ms, is the first that fits.
 */
import { describe, expect, test } from 'vitest';
import { predictor, predictorPolicy } from '../../../machines/convergence/predictor.ts';
import type { Observation } from '../../../machines/words.ts';
import { given } from '../given.ts';

const observe = (remainingPages: number, more: Partial<Observation> = {}): Observation => ({
  cause: 'round',
  round: 1,
  remainingBytes: remainingPages * 4096,
  remainingPages,
  dirtyPagesBySource: {},
  bandwidthBytesPerSecond: (10 * 2 ** 30) / 8,
  downtimeLimitMs: 125,
  throttlePercent: 0,
  ...more,
});
const assess = (pages: number, more?: Partial<Observation>) => ({
  type: 'ASSESS',
  from: 'pre-copy',
  observation: observe(pages, more),
});
const policy = (pageHeaderBytes: number) => given(predictor, { parameters: { pageHeaderBytes } });

test('the published example: the fifth copy is the last', () => {
  const { told } = policy(8).when(...[457_732, 144_157, 69_551, 33_055].map((pages) => assess(pages)));
  expect(told.map(({ verdict }) => verdict)).toEqual(['continue', 'continue', 'continue', 'switchover']);
  const took = told.map(({ because }) => (because as { nextCopyMs: number }).nextCopyMs.toFixed(1));
  expect(took).toEqual(['1399.6', '440.8', '212.7', '101.1']);
});

describe('a copy fits', () => {
  // 1000 pages of 4104 bytes take 1 s at 4,104,000 bytes/s.
  const at = (bandwidthBytesPerSecond: number, downtimeLimitMs = 1000) => ({
    bandwidthBytesPerSecond,
    downtimeLimitMs,
  });

  test.each([
    ['that takes just as long as the limit', 8, 1000, at(4_104_000), 'switchover'],
    ['not that takes longer by a byte', 8, 1000, at(4_103_999), 'continue'],
    ['not if only its content does: the headers count', 8, 1000, at(4_096_000), 'continue'],
    ['without headers, if its content does', 0, 1000, at(4_096_000), 'switchover'],
    ['of nothing, even where no bandwidth is known', 8, 0, at(0), 'switchover'],
    ['never otherwise where no bandwidth is known', 8, 1, at(0), 'continue'],
    ['of one page within no time: never', 8, 1, at(4_104_000, 0), 'continue'],
  ] as const)('%s', (_, header, pages, more, verdict) => {
    const { told } = policy(header).when(assess(pages, more));
    expect(told.map((one) => one.verdict)).toEqual([verdict]);
  });
});

test('what devices have left counts as it is, without headers', () => {
  const more = { remainingBytes: 4096 + 1_000_000, bandwidthBytesPerSecond: 1_004_104, downtimeLimitMs: 1000 };
  expect(policy(8).when(assess(1, more)).told[0]?.verdict).toBe('switchover');
  expect(policy(9).when(assess(1, more)).told[0]?.verdict).toBe('continue');
});

test('the entry names the chart and the 8 bytes of a header', () => {
  expect(predictorPolicy).toMatchObject({ name: 'predictor', machine: predictor, defaults: { pageHeaderBytes: 8 } });
});
