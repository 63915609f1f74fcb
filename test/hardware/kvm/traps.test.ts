/**
 * Traps of KVM's dirty logs, each with the order that keeps every page and, made from the same halves, the order that loses
 * one: the truth, which knows no log, names it. Where a trap costs no data but time, the test shows that.
 */
import { describe, expect, test } from 'vitest';
import { HostLog } from '../../../src/hardware/host-log.ts';
import { DEFAULT_KVM } from '../../../src/hardware/kvm/create-log.ts';
import type { KvmSpec } from '../../../src/hardware/kvm/dirty-log.ts';
import { DirtyRing } from '../../../src/hardware/kvm/dirty-ring.ts';
import type { ManualLog } from '../../../src/hardware/kvm/manual-log.ts';
import type { PmlLog } from '../../../src/hardware/kvm/pml-log.ts';
import type { RingLog } from '../../../src/hardware/kvm/ring-log.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld } from '../../../src/hardware/world.ts';
import type { WriteSource } from '../../../src/streams/page-writes.ts';

/** A hole from 1000 to 2000, and a slot whose end is not aligned. */
const SLOTS = [
  { firstPage: 0, pages: 1000 },
  { firstPage: 2000, pages: 1000 },
];
const PAGES = 3000;
const [A, B, C] = [7, 300, 2600];

type Changes = Omit<Partial<KvmSpec>, 'ring'> & { readonly ring?: Partial<KvmSpec['ring']> };

/** A guest whose log has just begun and whose memory has all been sent once. */
function guest<Log>(log: KvmSpec['log'], changes: Changes = {}) {
  const ring = { ...DEFAULT_KVM.ring, pml: false, entries: 256, ...changes.ring };
  const world = createWorld({
    seed: 1,
    pageBytes: 4096,
    slots: SLOTS,
    nonZeroPages: 0,
    truth: 'both',
    kvm: { ...DEFAULT_KVM, log, initiallySet: false, clearPages: 64, ...changes, ring },
    vcpus: { workloads: [] },
    containers: [],
  });
  world.kvmLog.start();
  const all = new PageBitmap(PAGES);
  world.memory.setAllRam(all);
  world.truth.sentAll(all);
  return {
    world,
    log: world.kvmLog as unknown as Log,
    write: (source: WriteSource, ...pages: number[]) => {
      for (const firstPage of pages) world.write(source, [{ firstPage, pages: 1 }]);
    },
    copy: (dirty: PageBitmap) => world.truth.sentAll(dirty),
    lost: () => [...world.truth.lostPages(9).firstPages],
  };
}

const pagesOf = (bits: PageBitmap) => {
  const pages: number[] = [];
  bits.forEach((page) => void pages.push(page));
  return pages;
};
const empty = () => new PageBitmap(PAGES);

describe('T6: arm again first, copy after', () => {
  test.each([
    ['ring: reset, copy', true, []],
    ['ring: copy, reset', false, [A]],
  ] as const)('%s', (_, isRight, lost) => {
    const { log, write, copy, lost: found } = guest<RingLog>('ring');
    write('vcpu:0', A);
    const dirty = empty();
    log.kick();
    log.harvest();
    if (isRight) log.reset();
    log.take(dirty);
    copy(dirty);
    write('vcpu:0', A);
    if (!isRight) log.reset();
    const last = empty();
    log.get(last);
    copy(last);
    expect(found()).toEqual(lost);
  });

  test.each([
    ['manual: CLEAR, copy', true, []],
    ['manual: copy, CLEAR', false, [A]],
  ] as const)('%s', (_, isRight, lost) => {
    const { log, write, copy, lost: found } = guest<ManualLog>('bitmap-manual');
    write('vcpu:0', A);
    const dirty = empty();
    log.get(dirty);
    if (isRight) log.clear({ slot: 0, firstPage: 0, pages: 64 }, dirty);
    copy(dirty);
    write('vcpu:0', A);
    if (!isRight) log.clear({ slot: 0, firstPage: 0, pages: 64 }, dirty);
    const last = empty();
    log.get(last);
    copy(last);
    expect(found()).toEqual(lost);
  });
});

test.each([
  ['CLEAR between', true, []],
  ['GET believed to clear: what it finds again is taken for old', false, [A]],
] as const)('T7: a GET in manual mode clears nothing: %s', (_, isRight, lost) => {
  const { log, write, copy, lost: found } = guest<ManualLog>('bitmap-manual');
  write('vcpu:0', A);
  const first = empty();
  log.get(first);
  if (isRight) log.clear({ slot: 0, firstPage: 0, pages: 64 }, first);
  copy(first);
  write('vcpu:0', A, B);
  const second = empty();
  log.get(second);
  expect(pagesOf(second)).toEqual([A, B]);
  if (!isRight) second.clearWhere(first);
  copy(second);
  expect(found()).toEqual(lost);
});

test('T8: CLEAR counts in 64 pages from the slot, whatever its address; a refused one protects nothing', () => {
  const { log, write, copy, lost } = guest<ManualLog>('bitmap-manual');
  write('vcpu:0', C);
  const dirty = empty();
  log.get(dirty);
  for (const request of [
    { slot: 1, firstPage: 1, pages: 64 },
    { slot: 1, firstPage: 576, pages: 63 },
    { slot: 1, firstPage: 960, pages: 64 },
    { slot: 2, firstPage: 0, pages: 64 },
  ]) {
    expect(log.clear(request, dirty)).toEqual({ errno: 'EINVAL' });
  }
  // Copied in spite of that: the bit stands, so the page comes again. Late, not lost.
  copy(dirty);
  write('vcpu:0', C);
  const again = empty();
  log.get(again);
  expect(pagesOf(again)).toEqual([C]);
  expect(log.clear({ slot: 1, firstPage: 576, pages: 64 }, again)).toEqual({ clearedPages: 1 });
  expect(log.clear({ slot: 1, firstPage: 960, pages: 40 }, again)).toEqual({ clearedPages: 0 });
  copy(again);
  expect(lost()).toEqual([]);
});

test('T9: with INITIALLY_SET the first GET is all ones by definition: none of it is the guest’s', () => {
  const { log, write } = guest<ManualLog>('bitmap-manual', { initiallySet: true });
  write('vcpu:0', A);
  const found = log.get(empty());
  expect(found).toMatchObject({ dirtyPages: 2000, byDefinitionPages: 2000 });
});

describe('T10: the last collect with pages in PML buffers', () => {
  test.each([
    ['kick, take', true, []],
    ['take', false, [A, C]],
  ] as const)('bitmap: %s', (_, isRight, lost) => {
    const { log, write, copy, lost: found } = guest<PmlLog>('pml');
    write('vcpu:0', A);
    write('vcpu:1', C);
    const last = empty();
    if (isRight) log.kick();
    log.take(last);
    copy(last);
    expect(found()).toEqual(lost);
  });

  test.each([
    ['kick, harvest', true, []],
    ['harvest', false, [A, C]],
  ] as const)('ring: %s', (_, isRight, lost) => {
    const { log, write, copy, lost: found } = guest<RingLog>('ring', { ring: { pml: true, entries: 1024 } });
    write('vcpu:0', A);
    write('vcpu:1', C);
    const last = empty();
    if (isRight) log.kick();
    log.harvest();
    log.reset();
    log.take(last);
    copy(last);
    expect(found()).toEqual(lost);
  });
});

test('T11: a vCPU that runs again without a RESET exits at once, however much was harvested', () => {
  const ring = new DirtyRing(256, 64);
  for (let offset = 0; offset < ring.softLimit; offset++) ring.push(0, offset);
  expect(ring.softFull).toBe(true);
  expect(ring.harvest(() => {})).toBe(192);
  expect(ring.softFull).toBe(true);
  expect(ring.reset(() => {})).toBe(192);
  expect(ring.softFull).toBe(false);
});

test.each([
  ['RESET, so that the store is logged when it happens', true, []],
  ['no RESET: the entry is taken for a store that has happened', false, [A]],
] as const)('T12: an entry may come before its store: %s', (_, isRight, lost) => {
  const { world, log, write, copy, lost: found } = guest<RingLog>('ring');
  // Logged: the fault was taken and the entry published. The store has not happened, so the truth is not told.
  log.receive({ fromNs: 0, toNs: 0, source: 'vcpu:0', form: 'list', pages: Uint32Array.of(A) });
  const dirty = empty();
  log.harvest();
  if (isRight) log.reset();
  log.take(dirty);
  expect(pagesOf(dirty)).toEqual([A]);
  copy(dirty);
  write('vcpu:0', A);
  world.vcpus.stop();
  const last = empty();
  log.get(last);
  copy(last);
  expect(found()).toEqual(lost);
});

test.each([
  ['host:vhost', true, []],
  ['host:vhost', false, [B]],
  ['dma:nic0', false, [B]],
] as const)('T13: %s is in no KVM log; its own log asked: %s', (source, asked, lost) => {
  const { world, log, write, copy, lost: found } = guest<RingLog>('bitmap');
  const hostLog = new HostLog(PAGES);
  hostLog.start();
  world.pages$.subscribe((batch) => hostLog.receive(batch));
  write('vcpu:0', A);
  write(source, B);
  const last = empty();
  log.get(last);
  if (asked) hostLog.takeInto(last);
  copy(last);
  expect(found()).toEqual(lost);
});

describe('T14: KVM’s own writes with no vCPU, as an arm64 ITS saves its tables', () => {
  test.each([
    ['ring only', false, 'last', [B]],
    ['backup bitmap, fetched before the ITS is saved', true, 'first', [B]],
    ['backup bitmap, fetched last', true, 'last', []],
  ] as const)('%s', (_, backupBitmap, order, lost) => {
    const { log, write, copy, lost: found } = guest<RingLog>('ring', { ring: { backupBitmap } });
    write('vcpu:0', A);
    const last = empty();
    log.kick();
    log.harvest();
    log.reset();
    if (order === 'first') log.takeBackup();
    write('kvm:its', B);
    if (order === 'last') log.takeBackup();
    log.takeHarvested(last);
    copy(last);
    expect(found()).toEqual(lost);
    expect(log.counts.unrecorded).toBe(backupBitmap ? 0 : 1);
  });
});

test('T15: an entry that is skipped because its page is known already stops RESET there, and the ring fills', () => {
  const ring = new DirtyRing(256, 64);
  for (let offset = 0; offset < 192; offset++) ring.push(0, offset);
  for (let index = 1; index < 192; index++) ring.harvestAt(index);
  expect(ring.reset(() => {})).toBe(0);
  expect(ring.softFull).toBe(true);
  ring.harvestAt(0);
  expect(ring.reset(() => {})).toBe(192);
  expect(ring.softFull).toBe(false);
});

// virt/kvm/dirty_ring.c since Linux 6.17: a pending signal ends the walk, and the mask that was pending is dropped.
describe('T31: RESET says fewer than were harvested', () => {
  test.each([
    ['signals blocked: all are armed', 'blocked', []],
    ['ignored', 'ignored', [B]],
    ['those pages are dirty in every sync from now on', 'dirty for good', []],
  ] as const)('%s', (_, remedy, lost) => {
    const { log, write, copy, lost: found } = guest<RingLog>('ring');
    write('vcpu:0', A, B, C);
    log.kick();
    const harvested = log.harvest();
    const reset = remedy === 'blocked' ? log.reset() : log.reset(2);
    expect(reset === harvested).toBe(remedy === 'blocked');
    const dirty = empty();
    log.take(dirty);
    copy(dirty);
    write('vcpu:0', B);
    const last = empty();
    log.get(last);
    if (remedy === 'dirty for good') dirty.orInto(last);
    copy(last);
    expect(found()).toEqual(lost);
  });
});

// virt/kvm/kvm_main.c, kvm_get_dirty_log_protect: the bits are taken before they are copied out.
test.each([
  ['asked again', [A]],
  ['the whole slot is dirty', []],
] as const)('T32: a GET fails with EFAULT: %s', (remedy, lost) => {
  const { world, log, write, copy, lost: found } = guest<RingLog>('bitmap');
  write('vcpu:0', A);
  log.get(empty());
  const last = empty();
  if (remedy === 'asked again') log.get(last);
  else world.memory.setAllRam(last);
  copy(last);
  expect(found()).toEqual(lost);
});
