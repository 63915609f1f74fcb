/**
 * I1, I2, I3 for every log over every way to split, page size and layout of slots: no write is lost, and a collect holds at
 * least what was written. Mutants made here show that each of the parts that the laws stand on is needed.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { DEFAULT_KVM } from '../../../src/hardware/kvm/create-log.ts';
import { KVM_LOGS, type KvmLogKind, type KvmSpec } from '../../../src/hardware/kvm/dirty-log.ts';
import { DEFAULT_MAPPINGS, SPLITS, type Split } from '../../../src/hardware/kvm/mapping-spec.ts';
import { PmlPath } from '../../../src/hardware/kvm/pml-path.ts';
import { Protection } from '../../../src/hardware/kvm/protection.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld, type World } from '../../../src/hardware/world.ts';

interface Guest {
  readonly log: KvmLogKind;
  readonly split: Split;
  readonly leafPages: number;
  readonly pageBytes: number;
  readonly slotPages: readonly [number, number];
  readonly holePages: number;
  readonly seed: number;
  readonly writesPerSecond: number;
  readonly gapsNs: readonly number[];
  readonly pml: boolean;
  readonly initiallySet: boolean;
}

const guests = (log: KvmLogKind) =>
  fc.record({
    log: fc.constant(log),
    split: fc.constantFrom(...SPLITS),
    leafPages: fc.constantFrom(32, 512, 1024),
    pageBytes: fc.constantFrom(4096, 16_384, 65_536),
    slotPages: fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 3000 })),
    holePages: fc.nat(1500),
    seed: fc.nat(),
    writesPerSecond: fc.integer({ min: 100, max: 500_000 }),
    gapsNs: fc.array(fc.integer({ min: 1, max: 20_000_000 }), { minLength: 1, maxLength: 4 }),
    pml: fc.boolean(),
    initiallySet: fc.boolean(),
  });

function worldOf({ slotPages, holePages, ...guest }: Guest): World {
  const [first, second] = slotPages;
  const slots = [
    { firstPage: 0, pages: first },
    { firstPage: first + holePages, pages: second },
  ];
  const kvm: KvmSpec = {
    ...DEFAULT_KVM,
    log: guest.log,
    faultNs: 300,
    exitNs: 1000,
    harvestNs: 20,
    initiallySet: guest.initiallySet,
    clearPages: 192,
    mappings: { ...DEFAULT_MAPPINGS, leafPages: guest.leafPages, split: guest.split },
    pmlFallback: [{ firstPage: 0, pages: Math.min(first, 40) }],
    ring: { ...DEFAULT_KVM.ring, entries: 4096, pml: guest.pml, reapEveryNs: 3e6 },
  };
  const rate = { writesPerSecond: guest.writesPerSecond };
  return createWorld({
    seed: guest.seed,
    pageBytes: guest.pageBytes,
    slots,
    nonZeroPages: 0,
    truth: 'both',
    kvm,
    vcpus: { workloads: [{ vcpus: '0-1', kind: 'random', set: slots, rate }] },
    containers: [],
  });
}

/** Bulk, rounds with the guest running, the last one with it stopped; returns the pages that were lost. */
function migrate(world: World, gapsNs: readonly number[]): readonly number[] {
  const { pages } = world.memory;
  const dirty = new PageBitmap(pages);
  world.advanceTo(1e6);
  world.kvmLog.start();
  world.kvmLog.get(dirty);
  world.memory.setAllRam(dirty);
  const copy = (stepNs: number) => {
    for (let page = dirty.next(0); page !== -1; page = dirty.next(page)) {
      const end = Math.min(world.kvmLog.rearmBefore?.(page) ?? page + 700, pages);
      world.truth.sentAll(dirty, page, end);
      dirty.clearRange(page, end - page);
      world.advanceTo(world.nowNs + stepNs);
    }
  };
  for (const gapNs of gapsNs) {
    copy(Math.ceil(gapNs / 10));
    world.advanceTo(world.nowNs + gapNs);
    world.kvmLog.get(dirty);
  }
  world.vcpus.stop();
  world.kvmLog.get(dirty);
  copy(0);
  return world.truth.lostPages(3).firstPages;
}

afterEach(() => void vi.restoreAllMocks());

describe.each(KVM_LOGS)('%s', (log) => {
  test('I1, I2: no write is lost, however mappings are split, in pages and slots of any size', () => {
    fc.assert(
      fc.property(guests(log), (guest) => {
        expect([...migrate(worldOf(guest), guest.gapsNs)]).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  test('I3: a collect holds at least what was written since the one before', () => {
    fc.assert(
      fc.property(guests(log), (guest) => {
        const world = worldOf({ ...guest, initiallySet: false });
        const { pages } = world.memory;
        world.kvmLog.start();
        const written = new PageBitmap(pages);
        world.pages$.subscribe((batch) => void written.applyWrites(batch));
        for (const gapNs of guest.gapsNs) {
          world.advanceTo(world.nowNs + gapNs);
          const found = new PageBitmap(pages);
          world.kvmLog.get(found);
          written.clearWhere(found);
          expect(written.count).toBe(0);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('mutants', () => {
  const guest: Guest = {
    log: 'bitmap-manual',
    split: 'none',
    leafPages: 512,
    pageBytes: 4096,
    slotPages: [2048, 2048],
    holePages: 0,
    seed: 1,
    writesPerSecond: 50_000,
    gapsNs: [5e6, 5e6, 5e6],
    pml: true,
    initiallySet: false,
  };
  const lost = (changes: Partial<Guest>) => migrate(worldOf({ ...guest, ...changes }), guest.gapsNs).length;

  test('the guest of these mutants loses nothing as it is', () => {
    for (const log of KVM_LOGS) expect(lost({ log })).toBe(0);
  });

  test('I2: a CLEAR that leaves its huge mapping writable', () => {
    vi.spyOn(Protection.prototype, 'protectCleared').mockImplementation(() => {});
    expect(lost({})).toBeGreaterThan(0);
  });

  test('I2: a GET that leaves huge mappings writable', () => {
    vi.spyOn(Protection.prototype, 'protectAll').mockImplementation(() => {});
    expect(lost({ log: 'bitmap' })).toBeGreaterThan(0);
  });

  test.each(['pml', 'ring'] as const)('I3: a huge mapping whose entry is taken for one page: %s', (log) => {
    vi.spyOn(PmlPath.prototype, 'pagesOf').mockImplementation(() => 1);
    expect(lost({ log })).toBeGreaterThan(0);
  });
});
