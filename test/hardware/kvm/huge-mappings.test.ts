/**
 * Huge mappings under each log: when they are split, who stands still for it, and that they come back. Sources:
 * arch/x86/kvm/mmu/tdp_mmu.c; David Matlack, "KVM: x86/mmu: Eager Page Splitting for the TDP MMU" v1 (December 2021).
 */
import { describe, expect, test } from 'vitest';
import { createKvmLog, DEFAULT_KVM } from '../../../src/hardware/kvm/create-log.ts';
import type { KvmSpec } from '../../../src/hardware/kvm/dirty-log.ts';
import type { HugeMappings } from '../../../src/hardware/kvm/huge-mappings.ts';
import { HugeMappings as Mappings } from '../../../src/hardware/kvm/huge-mappings.ts';
import { DEFAULT_MAPPINGS, type MappingSpec } from '../../../src/hardware/kvm/mapping-spec.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { Stalls } from '../../../src/hardware/stalls.ts';
import type { PageWrites } from '../../../src/streams/page-writes.ts';

/** Leaves of 512 pages: 0 to 3 whole, then a ragged end; the second slot begins and ends inside leaves 5 and 8. */
const SLOTS = [
  { firstPage: 0, pages: 2100 },
  { firstPage: 2600, pages: 1800 },
];
const PAGES = 4400;
const memory = (slots = SLOTS, pageBytes = 4096) => new GuestMemory({ pageBytes, slots, nonZeroPages: 0 });
const spec = (changes: Partial<MappingSpec> = {}): MappingSpec => ({ ...DEFAULT_MAPPINGS, leafPages: 512, ...changes });
const written = (...pages: number[]): PageWrites => ({
  fromNs: 0,
  toNs: 1,
  source: 'vcpu:0',
  form: 'list',
  pages: Uint32Array.from(pages),
});

function made(kind: KvmSpec['log'], mappings: Partial<MappingSpec>, changes: Partial<KvmSpec> = {}) {
  const { log, stalls } = createKvmLog(memory(), {
    ...DEFAULT_KVM,
    log: kind,
    faultNs: 100,
    clearPages: 512,
    mappings: spec({ splitPageNs: 10, splitFaultNs: 1000, collapseFaultNs: 50, ...mappings }),
    ...changes,
  });
  const got = () => {
    const into = new PageBitmap(PAGES);
    log.get(into);
    return into;
  };
  return { log, stalls, got, owed: () => stalls.owedNs(0) };
}

describe('which leaves are mapped as a whole', () => {
  test.each([
    ['those that lie in one slot', 512, SLOTS, 4 + 2],
    ['none where a leaf is larger than every slot', 2 ** 18, SLOTS, 0],
    ['none where a mapping is a page', 1, SLOTS, 0],
    [
      'neighbours in two slots are two',
      512,
      [
        { firstPage: 0, pages: 768 },
        { firstPage: 768, pages: 768 },
      ],
      2,
    ],
  ] as const)('%s', (_, leafPages, slots, leaves) => {
    const mappings: HugeMappings = new Mappings(memory([...slots]), spec({ leafPages }), new Stalls());
    expect(mappings.hugeLeaves).toBe(leaves);
  });

  test.each([3, 2 ** 19, 0])('%i pages are no mapping', (leafPages) => {
    expect(() => new Mappings(memory(), spec({ leafPages }), new Stalls())).toThrow(RangeError);
  });
});

describe('eager', () => {
  test.each(['bitmap', 'pml', 'ring'] as const)(
    '%s: the start takes the time of every page in a whole leaf',
    (kind) => {
      const { log, owed } = made(kind, { split: 'eager' });
      expect(log.start()).toBe(6 * 512 * 10);
      expect(log.start()).toBe(0);
      log.receive(written(7));
      expect(owed()).toBe(kind === 'bitmap' ? 100 : 0);
    },
  );

  test('bitmap-manual without INITIALLY_SET: the start, too, and CLEAR splits nothing any more', () => {
    const { log, got } = made('bitmap-manual', { split: 'eager' }, { initiallySet: false });
    expect(log.start()).toBe(6 * 512 * 10);
    log.receive(written(7));
    got();
    log.rearmBefore!(0);
    expect(log.takeRearmNs!()).toBe(0);
  });

  test('bitmap-manual with INITIALLY_SET: the first CLEAR of each piece, which is the sender’s time', () => {
    const { log, got, owed } = made('bitmap-manual', { split: 'eager' }, { initiallySet: true, protectPageNs: 1 });
    expect(log.start()).toBe(0);
    got();
    log.rearmBefore!(600);
    // 512 pages split and protected; then nothing until the next GET; then only what was written.
    expect(log.takeRearmNs!()).toBe(512 * 10 + 512);
    log.rearmBefore!(600);
    expect(log.takeRearmNs!()).toBe(0);
    log.receive(written(600));
    expect(owed()).toBe(100);
    got();
    log.rearmBefore!(600);
    expect(log.takeRearmNs!()).toBe(1);
  });

  // Matlack's table: 96 vCPUs, 1 GiB each, in 1 GiB pages: enabling takes 1.547 s, 0.00168 s without the split.
  test('the default cost gives the published start', () => {
    const pages = 96 * 2 ** 18;
    const mappings = new Mappings(memory([{ firstPage: 0, pages }]), spec({ leafPages: 2 ** 18 }), new Stalls());
    expect(mappings.start() / 1e9 / (1.547 - 0.00168)).toBeCloseTo(1, 1);
  });
});

describe('lazy', () => {
  test('bitmap: the first write to each page of a leaf splits, the next after a GET is an ordinary fault', () => {
    const { log, got, owed } = made('bitmap', { split: 'lazy' });
    expect(log.start()).toBe(0);
    log.receive(written(7));
    expect(owed()).toBe(1100);
    log.receive(written(8));
    expect(owed()).toBe(2200);
    got();
    log.receive(written(7));
    expect(owed()).toBe(2300);
    // In no whole leaf: nothing to split.
    log.receive(written(2090));
    expect(owed()).toBe(2400);
  });

  test('bitmap-manual: a page that CLEAR has not protected does not fault', () => {
    const { log, got, owed } = made('bitmap-manual', { split: 'lazy' }, { initiallySet: true });
    log.start();
    log.receive(written(7));
    expect(owed()).toBe(0);
    got();
    log.rearmBefore!(7);
    expect(log.takeRearmNs!()).toBe(0);
    log.receive(written(7));
    expect(owed()).toBe(1100);
  });

  test.each(['pml', 'ring'] as const)('%s: the fault logs the page itself, and PML lists it from then on', (kind) => {
    const { log, got, owed } = made(kind, { split: 'lazy' });
    log.start();
    log.receive(written(7));
    expect(owed()).toBe(1100);
    expect(got().get(7)).toBe(true);
    log.receive(written(7));
    expect(owed()).toBe(1100);
    expect(got().get(7)).toBe(true);
  });
});

describe('none (hypothetical): one bit stands for a whole mapping', () => {
  test.each(['bitmap', 'bitmap-manual', 'pml', 'ring', 'range-ring'] as const)('%s', (kind) => {
    const { log, got } = made(kind, { split: 'none' }, { initiallySet: false });
    log.start();
    log.receive(written(7, 2090));
    const first = got();
    expect([first.count, first.get(0), first.get(511), first.get(512), first.get(2090)]).toEqual([
      513,
      true,
      true,
      false,
      true,
    ]);
    for (let page = 0; page < PAGES && log.rearmBefore !== undefined; ) page = log.rearmBefore(page);
    expect(got().count).toBe(0);
    log.receive(written(300));
    expect(got().count).toBe(512);
  });

  test('bitmap: one fault for the 512 pages', () => {
    const { log, owed } = made('bitmap', { split: 'none' });
    log.start();
    log.receive(written(0, 1, 2, 511));
    expect(owed()).toBe(100);
  });

  test('KVM’s own write sets its page’s bit and makes nothing writable', () => {
    const { log, got } = made('bitmap', { split: 'none' });
    log.start();
    log.receive({ ...written(0), source: 'kvm:clock' });
    log.receive(written(5));
    expect(got().count).toBe(512);
  });
});

describe('after logging has ended, as after a cancel', () => {
  test('what was split is dropped, and comes back as a whole in the first fault of each leaf', () => {
    const { log, owed } = made('bitmap', { split: 'eager' });
    log.start();
    log.stop();
    log.receive(written(7, 8, 600));
    expect(owed()).toBe(2 * 50);
    log.receive(written(7, 600));
    expect(owed()).toBe(2 * 50);
  });

  test('eager: a second start splits only what has come back', () => {
    const { log } = made('bitmap', { split: 'eager' });
    expect(log.start()).toBe(6 * 512 * 10);
    log.stop();
    expect(log.start()).toBe(0);
    log.stop();
    log.receive(written(7));
    expect(log.start()).toBe(512 * 10);
  });

  test('lazy: a leaf that has come back is split again, one that has not is mapped page by page', () => {
    const { log, owed } = made('bitmap', { split: 'lazy' });
    log.start();
    log.receive(written(7, 600));
    log.stop();
    log.receive(written(7));
    const before = owed();
    log.start();
    log.receive(written(7));
    expect(owed() - before).toBe(1100);
    log.receive(written(600));
    expect(owed() - before).toBe(1200);
  });
});

describe('pages that PML cannot log', () => {
  test.each(['pml', 'ring'] as const)('%s: they fault each time, and are in no buffer', (kind) => {
    const { log, owed } = made(kind, { leafPages: 1 }, { pmlFallback: [{ firstPage: 0, pages: 10 }] });
    log.start();
    log.receive(written(7, 20));
    expect(owed()).toBe(100);
    const unkicked = new PageBitmap(PAGES);
    const halves = log as unknown as { harvest?(): number; take(into: PageBitmap): unknown };
    halves.harvest?.();
    halves.take(unkicked);
    expect([unkicked.get(7), unkicked.get(20)]).toEqual([true, false]);
  });

  test('they are RAM', () => {
    expect(() => made('pml', {}, { pmlFallback: [{ firstPage: 2200, pages: 1 }] })).toThrow(RangeError);
  });
});

describe('what a fetch takes of the sender', () => {
  test.each([
    ['bitmap', 3900 * 2 + 3 * 5],
    // Protects nothing: CLEAR does.
    ['bitmap-manual', 3900 * 2],
    ['pml', 3900 * 2 + 3 * 5],
    // Follows the entries.
    ['ring', 3 * 7],
  ] as const)('%s', (kind, workNs) => {
    const costs = { scanPageNs: 2, protectPageNs: 5, harvestNs: 7, initiallySet: false };
    const { log } = made(kind, { leafPages: 1 }, costs);
    log.start();
    log.receive(written(1, 2, 3));
    expect(log.get(new PageBitmap(PAGES))).toMatchObject({ dirtyPages: 3, workNs });
  });

  test('ring with a backup bitmap: its entries, and the bitmap whatever is in it', () => {
    const ring = { ...DEFAULT_KVM.ring, backupBitmap: true };
    const { log } = made('ring', { leafPages: 1 }, { scanPageNs: 2, harvestNs: 7, ring });
    log.start();
    log.receive(written(1));
    expect(log.get(new PageBitmap(PAGES))).toMatchObject({ workNs: 3900 * 2 + 7 });
  });
});
