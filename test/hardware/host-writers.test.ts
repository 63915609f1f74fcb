/** Host-side writers: who sees them, and when they stand. */
import { describe, expect, test } from 'vitest';
import { HostLog } from '../../src/hardware/host-log.ts';
import type { HostWriterSpec } from '../../src/hardware/host-writers.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { createWorld } from '../../src/hardware/world.ts';
import type { PageWrites } from '../../src/streams/page-writes.ts';

const vhost: HostWriterSpec = {
  id: 'vhost',
  kind: 'cycle',
  set: [{ firstPage: 100, pages: 50 }],
  rate: { writesPerSecond: 10_000 },
};

const world = (hostWriters: readonly HostWriterSpec[] = [vhost]) =>
  createWorld({
    seed: 1,
    truth: 'both',
    pageBytes: 4096,
    slots: [{ firstPage: 0, pages: 1000 }],
    nonZeroPages: 0,
    vcpus: {
      workloads: [{ kind: 'cycle', vcpus: '0', set: [{ firstPage: 0, pages: 10 }], rate: { writesPerSecond: 1000 } }],
    },
    hostWriters,
    containers: [],
  });

test('I5, T13: KVM’s log does not see them; the union with the host’s own log does', () => {
  const one = world();
  const hostLog = new HostLog(1000);
  one.pages$.subscribe((batch) => hostLog.receive(batch));
  one.kvmLog.start();
  hostLog.start();
  const kvm = new PageBitmap(1000);
  // What is dirty because logging began says nothing about writes.
  one.kvmLog.get(kvm);
  kvm.clearAll();
  one.advanceTo(5e6);
  one.kvmLog.get(kvm);
  expect(kvm.count).toBe(5);
  expect(kvm.countRange(100, 50)).toBe(0);
  expect(hostLog.takeInto(kvm)).toBe(50);
  expect(kvm.countRange(100, 50)).toBe(50);
});

describe('they stand', () => {
  const written = (one: ReturnType<typeof world>, toNs: number) => {
    const batches: PageWrites[] = [];
    const watching = one.pages$.subscribe((batch) => batches.push({ ...batch }));
    one.advanceTo(toNs);
    watching.unsubscribe();
    return batches.filter(({ source }) => source === 'host:vhost').length;
  };

  test('with the vCPUs, and go on with them', () => {
    const one = world();
    expect(written(one, 1e6)).toBe(1);
    one.vcpus.stop();
    expect(written(one, 1e9)).toBe(0);
    one.vcpus.resume();
    expect(written(one, 1.001e9)).toBe(1);
  });

  test('but are not slowed by a throttle', () => {
    const pages = (throttle: number) => {
      const one = world();
      one.vcpus.throttle(throttle);
      let count = 0;
      one.pages$.subscribe((batch) => {
        if (batch.source === 'host:vhost' && batch.form === 'extents') count += batch.pairs[1]!;
      });
      one.advanceTo(1e6);
      return count;
    };
    expect([pages(0), pages(99)]).toEqual([10, 10]);
  });
});

test('each draws from its own stream of the seed', () => {
  const random = (id: string): HostWriterSpec => {
    return { id, kind: 'random', set: [{ firstPage: 0, pages: 1000 }], rate: { writesPerSecond: 1e5 } };
  };
  const pages = (...ids: string[]) => {
    const seen = new Map(ids.map((id) => [`host:${id}`, new PageBitmap(1000)]));
    const one = world(ids.map(random));
    one.pages$.subscribe((batch) => seen.get(batch.source)?.applyWrites(batch));
    one.advanceTo(1e6);
    return [...seen.values()].map((set) => set.toWords().join());
  };
  const [a, b] = pages('a', 'b');
  expect(a).not.toBe(b);
  expect(pages('b', 'a')).toEqual([b, a]);
});

test.each([
  ['two of one name', [vhost, vhost], /two host writers vhost/],
  ['outside RAM', [{ ...vhost, set: [{ firstPage: 999, pages: 2 }] }], /host:vhost/],
] as const)('%s: refused', (_, specs, message) => {
  expect(() => world(specs)).toThrow(message);
});
