import { describe, expect, test } from 'vitest';
import { HostLog } from '../../src/hardware/host-log.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { MigrationBitmap } from '../../src/hardware/migration-bitmap.ts';
import type { PageWrites, WriteSource } from '../../src/streams/page-writes.ts';

/** 100 pages of RAM with a hole of 50 before the last 40. */
const slots = [
  { firstPage: 0, pages: 60 },
  { firstPage: 110, pages: 40 },
];
const bitmap = () => new MigrationBitmap(new GuestMemory({ pageBytes: 4096, slots, nonZeroPages: 0 }));

function write(source: WriteSource, ...pages: number[]): PageWrites {
  return { fromNs: 0, toNs: 1, source, form: 'list', pages: Uint32Array.from(pages) };
}

describe('the migration bitmap', () => {
  test('has all of RAM in it after the first sync of an epoch, and counts zero pages whole', () => {
    const one = bitmap();
    expect(one.merge(false)).toEqual({ newDirtyPages: 100, dirtyPagesBySource: {} });
    expect([one.unsent.count, one.remainingBytes, one.dirtySet]).toEqual([100, 100 * 4096, 1]);
  });

  test('counts as new only what did not wait already, and each source whole', () => {
    const one = bitmap();
    one.merge(false);
    one.unsent.clearAll();
    one.unsent.set(1);
    for (const page of [1, 2, 3]) one.collected.set(page);
    one.note('vcpu', 2);
    one.note('dma:nic0', 2);
    expect(one.merge(false)).toEqual({ newDirtyPages: 2, dirtyPagesBySource: { vcpu: 2, 'dma:nic0': 2 } });
    expect(one.merge(false)).toEqual({ newDirtyPages: 0, dirtyPagesBySource: {} });
    expect(one.dirtySet).toBe(3);
  });

  test('everything, when a log has failed', () => {
    const one = bitmap();
    one.merge(false);
    one.unsent.clearAll();
    one.collected.set(2);
    expect(one.merge(true).newDirtyPages).toBe(100);
  });

  test('a new epoch forgets what was collected in the old one', () => {
    const one = bitmap();
    one.merge(false);
    one.unsent.clearAll();
    one.collected.set(2);
    one.note('vcpu', 1);
    one.begin();
    expect(one.merge(false)).toEqual({ newDirtyPages: 100, dirtyPagesBySource: {} });
  });
});

describe("the vmm's own log", () => {
  test('sees what the host writes while it is on, and nothing else', () => {
    const one = bitmap();
    const log = new HostLog(150);
    log.receive(write('host:vhost', 1));
    log.start();
    log.receive(write('host:vhost', 2, 3));
    log.receive(write('host:emulation', 3));
    log.receive(write('vcpu:0', 4));
    log.receive(write('dma:nic0', 5));
    log.start();
    expect(log.takeInto(one.collected)).toBe(2);
    expect(log.takeInto(one.collected)).toBe(0);
    log.receive(write('host:vhost', 9));
    log.stop();
    log.start();
    expect(log.takeInto(one.collected)).toBe(0);
  });
});
