/**
 * What each kind of KVM log does by its own rules: when a page is armed, what a collect sees, and what the vCPU pays.
 * Sources: Documentation/virt/kvm/api.rst; virt/kvm/{kvm_main,dirty_ring}.c; arch/x86/kvm/vmx/vmx.c.
 */
import { describe, expect, test } from 'vitest';
import { DEFAULT_KVM } from '../../../src/hardware/kvm/create-log.ts';
import type { KvmSpec, RingSpec } from '../../../src/hardware/kvm/dirty-log.ts';
import { ManualLog } from '../../../src/hardware/kvm/manual-log.ts';
import { PmlLog } from '../../../src/hardware/kvm/pml-log.ts';
import { RangeHold } from '../../../src/hardware/kvm/range-hold.ts';
import { RingLog } from '../../../src/hardware/kvm/ring-log.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { Stalls } from '../../../src/hardware/stalls.ts';
import type { PageWrites, WriteSource } from '../../../src/streams/page-writes.ts';

/** A hole from 1000 to 2000: slots whose pages are not numbered from 0, and one whose end is not aligned. */
const slots = [
  { firstPage: 0, pages: 1000 },
  { firstPage: 2000, pages: 4000 },
];
const memory = () => new GuestMemory({ pageBytes: 4096, slots, nonZeroPages: 0 });
const costs = () => new Stalls(['dirtyFaults', 'pmlExits', 'ringFull']);
const written = (source: WriteSource, ...pages: number[]): PageWrites => ({
  fromNs: 0,
  toNs: 1,
  source,
  form: 'list',
  pages: Uint32Array.from(pages),
});
const run = (source: WriteSource, firstPage: number, pages: number): PageWrites => ({
  fromNs: 0,
  toNs: 1,
  source,
  form: 'extents',
  pairs: Uint32Array.of(firstPage, pages),
});
const pagesOf = (bits: PageBitmap) => {
  const pages: number[] = [];
  bits.forEach((page) => {
    pages.push(page);
  });
  return pages;
};
const got = (log: { get(into: PageBitmap): unknown }) => {
  const into = new PageBitmap(6000);
  log.get(into);
  return pagesOf(into);
};

describe('bitmap-manual', () => {
  const manual = (changes: Partial<KvmSpec> = {}, stalls = costs()) => {
    const log = new ManualLog(
      memory(),
      { ...DEFAULT_KVM, initiallySet: false, clearPages: 128, faultNs: 100, ...changes },
      stalls,
    );
    log.start();
    return log;
  };

  // T7
  test('GET copies: without CLEAR the same pages come again, and their writes do not fault', () => {
    const stalls = costs();
    const log = manual({}, stalls);
    log.receive(written('vcpu:0', 1, 2000));
    expect([got(log), got(log)]).toEqual([
      [1, 2000],
      [1, 2000],
    ]);
    log.receive(written('vcpu:0', 1));
    expect(stalls.owedNs(0)).toBe(200);
  });

  test('CLEAR takes what is in the mask and in the log, and those pages fault again', () => {
    const stalls = costs();
    const log = manual({}, stalls);
    log.receive(written('vcpu:0', 1, 2, 70));
    const mask = new PageBitmap(6000);
    for (const page of [1, 3, 70]) mask.set(page);
    expect(log.clear({ slot: 0, firstPage: 0, pages: 64 }, mask)).toEqual({ clearedPages: 1 });
    expect(got(log)).toEqual([2, 70]);
    log.receive(written('vcpu:0', 1, 2));
    expect(stalls.owedNs(0)).toBe(400);
    expect(log.clear({ slot: 1, firstPage: 1, pages: 64 }, mask)).toEqual({ errno: 'EINVAL' });
  });

  test('the vmm re-arms a chunk once a sync, before the copy, and only what the sync found', () => {
    const log = manual();
    log.receive(written('vcpu:0', 2000, 2100, 2130));
    expect(got(log)).toEqual([2000, 2100, 2130]);
    log.receive(written('vcpu:0', 2001));
    expect(log.rearmBefore(2050)).toBe(2128);
    // 2001 was not found yet, 2130 lies in the next chunk: both are still set.
    expect(got(log)).toEqual([2001, 2130]);
    log.rearmBefore(2100);
    log.receive(written('vcpu:0', 2001));
    log.rearmBefore(2100);
    expect(got(log)).toEqual([2001, 2130]);
  });

  test('chunks count from the slot, and the last ends with it', () => {
    const log = manual();
    expect([log.rearmBefore(999), log.rearmBefore(2000), log.rearmBefore(5999)]).toEqual([1000, 2128, 6000]);
  });

  // T9
  test('INITIALLY_SET: the first GET says all, by definition and not because of the guest; protection comes with CLEAR', () => {
    const stalls = costs();
    const log = manual({ initiallySet: true }, stalls);
    log.receive(run('vcpu:0', 0, 1000));
    expect(stalls.owedNs(0)).toBe(0);
    expect(log.get(new PageBitmap(6000))).toEqual({ dirtyPages: 5000, newPages: 5000, byDefinitionPages: 5000 });
    log.rearmBefore(0);
    log.receive(written('vcpu:0', 5, 500));
    expect(stalls.owedNs(0)).toBe(100);
    expect(log.get(new PageBitmap(6000))).toMatchObject({ dirtyPages: 5000 - 127, byDefinitionPages: 5000 - 128 });
  });

  test('a chunk that CLEAR would refuse throws', () => {
    expect(() => manual({ clearPages: 100 })).toThrow(RangeError);
  });
});

describe('pml', () => {
  // T10
  test('hides up to 512 pages of each vCPU until it exits: taking without a kick finds none of them', () => {
    const log = new PmlLog(memory(), { exitNs: 1, faultNs: 0 }, costs());
    log.start();
    log.receive(run('vcpu:0', 0, 512));
    log.receive(run('vcpu:1', 2000, 512));
    const into = new PageBitmap(6000);
    expect(log.take(into)).toEqual({ dirtyPages: 0, newPages: 0 });
    log.kick();
    expect(log.take(into)).toEqual({ dirtyPages: 1024, newPages: 1024 });
  });

  test('a full buffer exits before the next page is logged, and its vCPU pays; nothing else does', () => {
    const stalls = costs();
    const log = new PmlLog(memory(), { exitNs: 700, faultNs: 0 }, stalls);
    log.start();
    log.receive(run('vcpu:0', 0, 512));
    log.receive(run('vcpu:0', 0, 512));
    expect([log.exits, stalls.owedNs(0)]).toEqual([0, 0]);
    log.receive(written('vcpu:0', 2000));
    expect([log.exits, stalls.owedNs(0)]).toEqual([1, 700]);
    const into = new PageBitmap(6000);
    expect(log.take(into).dirtyPages).toBe(512);
    expect(got(log)).toEqual([2000]);
  });

  test('a GET clears D bits: the page is listed again', () => {
    const log = new PmlLog(memory(), { exitNs: 0, faultNs: 0 }, costs());
    log.start();
    log.receive(written('vcpu:0', 3, 3));
    expect([got(log), got(log)]).toEqual([[3], []]);
    log.receive(written('vcpu:0', 3));
    expect(got(log)).toEqual([3]);
  });
});

const ringLog = (ring: Partial<RingSpec> = {}, changes: Partial<KvmSpec> = {}, stalls = costs()) => {
  const spec = {
    ...DEFAULT_KVM,
    log: 'ring' as const,
    ...changes,
    ring: { ...DEFAULT_KVM.ring, entries: 256, pml: false, ...ring },
  };
  const log = new RingLog(memory(), spec, stalls);
  log.start();
  return log;
};

describe('ring', () => {
  test('a vCPU that fills its ring exits, harvests and resets all rings, and pays for every entry', () => {
    const stalls = costs();
    const log = ringLog({}, { exitNs: 1000, harvestNs: 10, faultNs: 0 }, stalls);
    log.receive(run('vcpu:1', 0, 50));
    log.receive(run('vcpu:0', 2000, 191));
    expect([log.counts.fullExits, stalls.owedNs(0)]).toEqual([0, 0]);
    log.receive(written('vcpu:0', 5000));
    expect([log.counts.fullExits, stalls.owedNs(0), stalls.owedNs(1)]).toEqual([1, 1000 + 10 * 242, 0]);
    expect(got(log)).toHaveLength(242);
  });

  // T12
  test('the write that filled it was logged before it happened: it is logged again', () => {
    const log = ringLog();
    log.receive(run('vcpu:0', 2000, 192));
    expect(log.counts).toMatchObject({ fullExits: 1, published: 193 });
    expect(got(log)).toHaveLength(192);
    // Harvested, reset and logged again; nobody wrote since this GET.
    expect(got(log)).toEqual([]);
  });

  // T11
  test('without a reset it is as full as before', () => {
    const log = ringLog();
    log.receive(run('vcpu:0', 2000, 191));
    expect(log.harvest()).toBe(191);
    log.receive(written('vcpu:0', 3000));
    expect(log.counts.fullExits).toBe(1);
  });

  test('every harvest arms again: a page is logged once per reset, also by the reaper', () => {
    const stalls = costs();
    const log = ringLog({}, { faultNs: 100 }, stalls);
    for (let i = 0; i < 3; i++) {
      log.receive(written('vcpu:0', 7, 7));
      log.reaper.reap();
    }
    expect(log.counts).toMatchObject({ published: 3, flushes: 3 });
    expect(stalls.owedNs(0)).toBe(300);
    expect(got(log)).toEqual([7]);
  });

  test('with PML 512 entries hide in front of it, and its reserve takes them when it is softly full', () => {
    const log = ringLog({ entries: 1024, pml: true }, { harvestNs: 10 });
    log.receive(run('vcpu:0', 2000, 900));
    expect(log.harvest()).toBe(0);
    log.kick();
    expect(log.harvest()).toBe(388);
    expect(log.counts).toMatchObject({ pmlExits: 1, fullExits: 1 });
    log.reset();
    expect(got(log)).toHaveLength(900);
  });

  test('a sync takes the time of its entries', () => {
    const log = ringLog({}, { harvestNs: 10 });
    log.receive(run('vcpu:0', 0, 100));
    expect(log.get(new PageBitmap(6000))).toEqual({ dirtyPages: 100, newPages: 100, workNs: 1000 });
  });

  // T31
  test('a reset that a signal cut short leaves pages unarmed: their next writes are in no log', () => {
    const log = ringLog();
    log.receive(written('vcpu:0', 1, 300, 600));
    expect(log.harvest()).toBe(3);
    expect(log.reset(2)).toBe(2);
    log.receive(written('vcpu:0', 1, 300, 600));
    log.take(new PageBitmap(6000));
    // Page 1 was armed when page 300 came; 300 was pending when the signal came; 600 was not looked at.
    expect(got(log)).toEqual([1]);
  });

  // T14
  test.each([
    [false, [], 2],
    [true, [10, 11], 0],
  ])('KVM’s own writes without a vCPU, backup bitmap %s', (backupBitmap, found, unrecorded) => {
    const log = ringLog({ backupBitmap });
    log.receive(written('kvm:its', 10, 11));
    expect(got(log)).toEqual(found);
    expect(log.counts.unrecorded).toBe(unrecorded);
  });

  test('a size that KVM refuses throws with its errno', () => {
    expect(() => ringLog({ entries: 512, pml: true })).toThrow(/EINVAL/);
    expect(() => ringLog({ entries: 131_072 })).toThrow(/E2BIG/);
  });
});

describe('range-ring (hypothetical)', () => {
  test('merges into what is held back, and publishes the oldest', () => {
    const hold = new RangeHold(2);
    const published: unknown[] = [];
    const add = (offset: number) => hold.add(0, offset, (range) => published.push(range));
    for (const offset of [10, 11, 50, 9, 51]) add(offset);
    expect([published, hold.held]).toEqual([[], 2]);
    add(100);
    expect(published).toEqual([{ slot: 0, offset: 9, pages: 3 }]);
    // Published ranges never change: 12 begins a new one.
    add(12);
    hold.flush((range) => published.push(range));
    expect(published.slice(1)).toEqual([
      { slot: 0, offset: 50, pages: 2 },
      { slot: 0, offset: 100, pages: 1 },
      { slot: 0, offset: 12, pages: 1 },
    ]);
  });

  test('a run of pages is one entry, unseen until a kick; a reset arms all of it', () => {
    const log = ringLog({ heldBack: 4 }, { log: 'range-ring' });
    log.receive(run('vcpu:0', 2000, 1000));
    expect([log.harvest(), log.counts.published]).toEqual([0, 0]);
    expect(got(log)).toHaveLength(1000);
    expect(log.counts.published).toBe(1);
    log.receive(written('vcpu:0', 2500));
    expect(got(log)).toEqual([2500]);
  });
});
