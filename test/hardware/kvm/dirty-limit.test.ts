/**
 * The control of a vCPU's quota, transcribed from system/dirtylimit.c: 25 MB/s of tolerance, more than 50 % off in proportion,
 * nearer by a tenth, at most 99 times the time in which the ring fills. And that it does what it is for.
 */
import { describe, expect, test } from 'vitest';
import { DEFAULT_KVM } from '../../../src/hardware/kvm/create-log.ts';
import { adjustedSleepUs } from '../../../src/hardware/kvm/dirty-limit.ts';
import { createWorld, type WorldSpec } from '../../../src/hardware/world.ts';
import { pagesIn } from '../../../src/streams/page-writes.ts';

describe('the sleep at a full ring', () => {
  test.each([
    // Sleep, quota, rate, full time in us -> sleep.
    ['within the tolerance', 700, 100, 125, 1000, 700],
    ['just outside it: 20 % off', 700, 104, 130, 1000, 800],
    ['just outside it, below the quota', 700, 130, 104, 1000, 600],
    ['exactly half off is near', 700, 100, 200, 1000, 800],
    ['51 % off: 1000 x 51 / 49', 0, 98, 200, 1000, 1040],
    ['80 % above: four times the full time', 0, 40, 200, 1000, 4000],
    ['99 %: ninety-nine times', 0, 1, 100, 1000, 99_000],
    ['never longer than that', 98_000, 1, 100, 1000, 99_000],
    ['80 % below', 5000, 200, 40, 1000, 1000],
    ['never below nothing', 100, 200, 40, 1000, 0],
    ['a vCPU that writes nothing sleeps no more', 5000, 100, 0, 1000, 0],
  ])('%s', (_, sleepUs, quotaMb, currentMb, fullUs, expected) => {
    expect(adjustedSleepUs(sleepUs, quotaMb, currentMb, fullUs)).toBe(expected);
  });
});

/** vCPU 0 dirties 200 MiB/s, vCPU 1 next to nothing. */
const spec = (dirtyLimit: boolean): WorldSpec => ({
  seed: 1,
  truth: 'bit',
  pageBytes: 4096,
  slots: [{ firstPage: 0, pages: 2 ** 18 }],
  nonZeroPages: 2 ** 18,
  vcpus: {
    workloads: [
      { vcpus: '0', kind: 'cycle', set: [{ firstPage: 0, pages: 2 ** 17 }], rate: { writesPerSecond: 51_200 } },
      { vcpus: '1', kind: 'cycle', set: [{ firstPage: 2 ** 17, pages: 64 }], rate: { writesPerSecond: 1000 } },
    ],
    ...(dirtyLimit ? { dirtyLimit: true as const } : {}),
  },
  kvm: { ...DEFAULT_KVM, log: 'ring' },
  containers: [],
});

/** Pages that each vCPU writes in each second. */
function written(seconds: number, quota: number): readonly (readonly [number, number])[] {
  const world = createWorld(spec(true));
  world.kvmLog.start();
  const pages: Record<string, number> = {};
  world.pages$.subscribe((batch) => {
    pages[batch.source] = (pages[batch.source] ?? 0) + pagesIn(batch);
  });
  if (quota > 0) expect(world.limitDirtyRate(quota * 2 ** 20, 1000)).toBeUndefined();
  return Array.from({ length: seconds }, (_, s) => {
    const before = { ...pages };
    world.advanceTo((s + 1) * 1e9);
    const more = (source: string) => (pages[source] ?? 0) - (before[source] ?? 0);
    return [more('vcpu:0'), more('vcpu:1')] as const;
  });
}

describe('a quota', () => {
  test('brings a vCPU to within the tolerance of it in a few periods, and leaves who writes little alone', () => {
    const limited = written(12, 60);
    const free = written(12, 0);
    expect(free.map(([busy]) => busy)).toEqual(Array(12).fill(51_200));
    // The first period only measures.
    expect(limited[0]?.[0]).toBe(51_200);
    const mean = limited.slice(6).reduce((sum, [busy]) => sum + busy, 0) / 6 / 256;
    expect(mean).toBeGreaterThan(60 - 26);
    expect(mean).toBeLessThan(60 + 26);
    expect(limited.map(([, calm]) => calm)).toEqual(free.map(([, calm]) => calm));
  });

  test('ends with its sleeps', () => {
    const world = createWorld(spec(true));
    world.kvmLog.start();
    world.limitDirtyRate(2 ** 20, 1000);
    world.advanceTo(5e9);
    expect(world.limitDirtyRate(0, 0)).toBeUndefined();
    expect(world.kvmLog.limit?.sleepNs(0)).toBe(0);
  });

  test('needs a ring', () => {
    expect(createWorld({ ...spec(false), kvm: DEFAULT_KVM }).limitDirtyRate(2 ** 20, 1000)).toBe('ENOTTY');
    expect(createWorld(spec(false)).limitDirtyRate(2 ** 20, 1000)).toBe('ENOTTY');
  });
});
