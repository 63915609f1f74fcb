import { expect, test } from 'vitest';
import { Vcpus } from '../../src/hardware/vcpus.ts';
import type { WorkloadSpec } from '../../src/hardware/workloads/workload.ts';
import { pagesIn } from '../../src/streams/page-writes.ts';

const set = [{ firstPage: 0, pages: 1 << 16 }];
const rate = { writesPerSecond: 100_000 };
const workloads: WorkloadSpec[] = [
  { vcpus: '0', kind: 'cycle', set, rate },
  { vcpus: '1-3', kind: 'sequential', set, rate },
  { vcpus: '4', kind: 'idle' },
];

/** Pages by source in 100 ms. */
function pagesBySource(vcpus: Vcpus): Record<string, number> {
  const pages: Record<string, number> = {};
  vcpus.advance(0, 1e8, (batch) => (pages[batch.source] = (pages[batch.source] ?? 0) + pagesIn(batch)));
  return pages;
}

test('each workload writes under its own vCPUs’ name', () => {
  expect(pagesBySource(new Vcpus(workloads, 4096, 1))).toEqual({ 'vcpu:0': 10_000, 'vcpu:1-3': 10_000 });
});

test('stopped vCPUs write nothing, and resume', () => {
  const vcpus = new Vcpus(workloads, 4096, 1);
  vcpus.stop();
  expect([vcpus.running, pagesBySource(vcpus)]).toEqual([false, {}]);
  vcpus.resume();
  expect(pagesBySource(vcpus)['vcpu:0']).toBe(10_000);
});

test.each([
  [0, 10_000],
  [20, 8000],
  [50, 5000],
  [99, 100],
])('a throttle of %i %% leaves %i of 10,000 pages', (percent, pages) => {
  const vcpus = new Vcpus(workloads, 4096, 1);
  vcpus.throttle(percent);
  expect(vcpus.throttlePercent).toBe(percent);
  expect(pagesBySource(vcpus)['vcpu:0']).toBe(pages);
});

test.each([-1, 100, 12.5, Number.NaN])('a throttle of %d %% is refused', (percent) => {
  expect(() => new Vcpus([], 4096, 1).throttle(percent)).toThrow(RangeError);
});

test.each(['', 'a', '0-', '3-1', '1,', '-1'])('vCPUs called "%s" are refused', (vcpus) => {
  expect(() => new Vcpus([{ vcpus, kind: 'idle' }], 4096, 1)).toThrow(RangeError);
});
