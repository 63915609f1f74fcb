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

/** Pages by source in so many times 100 ms. */
function pagesBySource(vcpus: Vcpus, times = 1): Record<string, number> {
  const pages: Record<string, number> = {};
  for (let at = 0; at < times; at++) {
    vcpus.advance(at * 1e8, (at + 1) * 1e8, ({ source, ...batch }) => {
      pages[source] = (pages[source] ?? 0) + pagesIn({ source, ...batch });
    });
  }
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
  [0, 100_000],
  [20, 80_000],
  [50, 50_000],
  [99, 1000],
])('a throttle of %i %% leaves %i of 100,000 pages in a second', (percent, pages) => {
  const vcpus = new Vcpus(workloads, 4096, 1);
  vcpus.throttle(percent);
  expect(vcpus.throttlePercent).toBe(percent);
  expect(pagesBySource(vcpus, 10)['vcpu:0']).toBe(pages);
});

test.each([-1, 100, 12.5, Number.NaN])('a throttle of %d %% is refused', (percent) => {
  expect(() => new Vcpus([], 4096, 1).throttle(percent)).toThrow(RangeError);
});

test.each(['', 'a', '0-', '3-1', '1,', '-1'])('vCPUs called "%s" are refused', (vcpus) => {
  expect(() => new Vcpus([{ vcpus, kind: 'idle' }], 4096, 1)).toThrow(RangeError);
});
