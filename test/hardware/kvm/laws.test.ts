/**
 * Laws that every KVM log keeps over random schedules: nothing that was written since the page was armed is missing from a
 * collect, and a page that is copied was armed again before. The truth, which knows no log, is the judge. Then the same
 * schedules with the order broken by the test: the truth names what was lost.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_KVM } from '../../../src/hardware/kvm/create-log.ts';
import { KVM_LOGS, type KvmLogKind, type KvmSpec } from '../../../src/hardware/kvm/dirty-log.ts';
import type { PmlLog } from '../../../src/hardware/kvm/pml-log.ts';
import type { RingLog } from '../../../src/hardware/kvm/ring-log.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld, type World } from '../../../src/hardware/world.ts';

const slots = [
  { firstPage: 0, pages: 3000 },
  { firstPage: 4096, pages: 4096 },
];
const PAGES = 8192;
const SET = [
  { firstPage: 100, pages: 2500 },
  { firstPage: 5000, pages: 2000 },
];

const kvmSpec = (log: KvmLogKind, changes: Partial<KvmSpec> = {}): KvmSpec => ({
  ...DEFAULT_KVM,
  log,
  clearPages: 512,
  faultNs: 500,
  exitNs: 2000,
  harvestNs: 20,
  ring: { ...DEFAULT_KVM.ring, entries: 1024, reapEveryNs: 7e6 },
  ...changes,
});

function worldOf(kvm: KvmSpec, seed: number, writesPerSecond: number): World {
  return createWorld({
    seed,
    pageBytes: 4096,
    slots,
    nonZeroPages: 0,
    truth: 'both',
    kvm,
    vcpus: {
      workloads: [
        { vcpus: '0-1', kind: 'random', set: SET, rate: { writesPerSecond } },
        { vcpus: '2', kind: 'cycle', set: [{ firstPage: 4200, pages: 300 }], rate: { writesPerSecond: 20_000 } },
      ],
    },
    containers: [],
  });
}

const FREELY = { copyChunk: 700, copy: true };

/** Copies what is dirty, chunk by chunk with the guest running, arming as a sender does. */
function copy(world: World, dirty: PageBitmap, stepNs: number): void {
  for (let page = dirty.next(0); page !== -1; page = dirty.next(page)) {
    const end = Math.min(page + FREELY.copyChunk, PAGES);
    for (let at = page; at < end; ) at = world.kvmLog.rearmBefore?.(at) ?? end;
    world.truth.sentAll(dirty, page, end);
    dirty.clearRange(page, end - page);
    world.advanceTo(world.nowNs + stepNs);
  }
}

/** Bulk, then a round after each gap, then everything stopped and the rest copied. `collect` is one sync. */
function migrate(world: World, gapsNs: readonly number[], collect: (into: PageBitmap) => void): number {
  world.advanceTo(1e6);
  world.kvmLog.start();
  const dirty = new PageBitmap(PAGES);
  collect(dirty);
  world.memory.setAllRam(dirty);
  for (const gapNs of gapsNs) {
    copy(world, dirty, Math.ceil(gapNs / 10));
    world.advanceTo(world.nowNs + gapNs);
    collect(dirty);
  }
  world.vcpus.stop();
  collect(dirty);
  copy(world, dirty, 0);
  return world.truth.lostPages(1).count;
}

const schedule = fc.record({
  seed: fc.nat(),
  writesPerSecond: fc.integer({ min: 100, max: 3_000_000 }),
  gapsNs: fc.array(fc.integer({ min: 1, max: 20_000_000 }), { minLength: 1, maxLength: 5 }),
});

describe.each(KVM_LOGS)('%s', (kind) => {
  test('never under-reports, and arms before the copy: no write is lost', () => {
    const options = fc.record({ initiallySet: fc.boolean(), pml: fc.boolean(), heldBack: fc.nat(5) });
    fc.assert(
      fc.property(schedule, options, ({ seed, writesPerSecond, gapsNs }, { initiallySet, pml, heldBack }) => {
        const base = kvmSpec(kind);
        const world = worldOf({ ...base, initiallySet, ring: { ...base.ring, pml, heldBack } }, seed, writesPerSecond);
        expect(migrate(world, gapsNs, (into) => world.kvmLog.get(into))).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test('costs nothing that changes what is found: the same guest with free logging loses nothing either', () => {
    const free = kvmSpec(kind, { faultNs: 0, exitNs: 0, harvestNs: 0 });
    const world = worldOf(free, 3, 500_000);
    expect(migrate(world, [5e6, 5e6], (into) => world.kvmLog.get(into))).toBe(0);
    expect(world.stalls.takeStood()).toBeUndefined();
  });
});

describe('broken on purpose, it loses writes and the truth names them', () => {
  const GAPS = [5e6, 5e6, 5e6];

  test('pml: the bitmap is taken without a kick', () => {
    const world = worldOf(kvmSpec('pml'), 1, 100_000);
    const log = world.kvmLog as PmlLog;
    expect(migrate(world, GAPS, (into) => log.take(into))).toBeGreaterThan(0);
  });

  test('ring with PML: the rings are read without a kick', () => {
    const world = worldOf(kvmSpec('ring'), 1, 100_000);
    const log = world.kvmLog as RingLog;
    const lost = migrate(world, GAPS, (into) => {
      log.harvest();
      log.reset();
      log.take(into);
    });
    expect(lost).toBeGreaterThan(0);
  });

  // T6
  test('ring: copied before the reset', () => {
    const base = kvmSpec('ring');
    // The reaper would arm in between and hide the mistake.
    const world = worldOf({ ...base, ring: { ...base.ring, pml: false, reapEveryNs: 1e12 } }, 1, 100_000);
    const log = world.kvmLog as RingLog;
    const lost = migrate(world, GAPS, (into) => {
      log.kick();
      log.harvest();
      log.take(into);
      if (world.vcpus.running) copy(world, into, 1e5);
      log.reset();
    });
    expect(lost).toBeGreaterThan(0);
  });

  test('bitmap-manual: copied before the CLEAR', () => {
    const world = worldOf(kvmSpec('bitmap-manual', { initiallySet: false }), 1, 100_000);
    const log = world.kvmLog;
    const late = new PageBitmap(PAGES);
    world.kvmLog.start();
    world.memory.setAllRam(late);
    log.get(late);
    world.truth.sentAll(late);
    world.advanceTo(5e6);
    log.get(late);
    world.truth.sentAll(late);
    world.advanceTo(1e7);
    for (let page = 0; page < PAGES; ) page = log.rearmBefore!(page);
    world.vcpus.stop();
    const last = new PageBitmap(PAGES);
    log.get(last);
    world.truth.sentAll(last);
    expect(world.truth.lostPages(1).count).toBeGreaterThan(0);
  });
});

// T32: KVM_GET_DIRTY_LOG takes the bits before it copies them out; -EFAULT there loses them (virt/kvm/kvm_main.c).
describe('bitmap: a GET whose copy-out faults has taken the bits', () => {
  const faultOnce = (remedy: (world: World, into: PageBitmap) => void) => {
    const world = worldOf(kvmSpec('bitmap'), 1, 100_000);
    let syncs = 0;
    return migrate(world, [5e6, 5e6, 5e6], (into) => {
      syncs += 1;
      if (syncs !== 3) {
        world.kvmLog.get(into);
        return;
      }
      world.kvmLog.get(new PageBitmap(PAGES));
      remedy(world, into);
    });
  };

  test('asking again loses them', () => {
    expect(faultOnce((world, into) => world.kvmLog.get(into))).toBeGreaterThan(0);
  });

  test('taking everything as dirty does not', () => {
    expect(faultOnce((world, into) => world.memory.setAllRam(into))).toBe(0);
  });
});
