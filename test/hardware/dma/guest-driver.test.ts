/**
 * The guest's driver of a device without tracking. Its laws hold for any interleaving of its device's writes, its steps and
 * the collects of KVM's log between them; a mutant of each is made here and loses a page (kvm list, December 2015).
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PageRange } from '../../../machines/words.ts';
import type { CooperativeDmaSpec, GuestDriver } from '../../../src/hardware/dma/guest-driver.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createWorld, type World } from '../../../src/hardware/world.ts';
import type { PageWrites } from '../../../src/streams/page-writes.ts';
import { forEachPage } from '../../../src/streams/page-writes.ts';

const PAGES = 512;
const MS = 1_000_000;
const BUFFERS = { firstPage: 64, pages: 96 };
const LATE = { firstPage: 256, pages: 32 };
const COHERENT = { firstPage: 400, pages: 3 };
const DRIVER = { mode: 'quiesce', notifyNs: 0, haltNs: 0, resumeNs: 0, writePageNs: 10_000 } as const;

interface Case {
  readonly bytesPerSecond: number;
  readonly mode: 'suspend' | 'quiesce';
  readonly dmaApi: 'plain' | 'dirtyAtUnmap';
  readonly seed: number;
}

function dmaOf({ bytesPerSecond, mode, dmaApi }: Omit<Case, 'seed'>): CooperativeDmaSpec {
  const driver = { ...DRIVER, mode, dmaApi };
  return {
    kind: 'guest-cooperative',
    buffers: [BUFFERS],
    lateBuffers: [LATE],
    coherent: [COHERENT],
    bytesPerSecond,
    driver,
  };
}

function worldOf(one: Case): World {
  return createWorld({
    seed: one.seed,
    truth: 'both',
    pageBytes: 4096,
    slots: [{ firstPage: 0, pages: PAGES }],
    nonZeroPages: PAGES,
    vcpus: {
      workloads: [
        { kind: 'random', vcpus: '0', set: [{ firstPage: 0, pages: 64 }], rate: { writesPerSecond: 20_000 } },
      ],
    },
    containers: [
      { id: '0', iommu: { dirtyTracking: false, leafPages: 1 }, devices: [{ id: 'nic0', dma: dmaOf(one) }] },
    ],
  });
}

/** A migration's page side: collects KVM's log and copies what it found. */
class Copier {
  readonly world: World;
  readonly driver: GuestDriver;
  readonly #dirty = new PageBitmap(PAGES);

  constructor(one: Case) {
    this.world = worldOf(one);
    this.driver = this.world.dma('nic0').driver!;
    this.world.kvmLog.start();
    this.world.truth.sentRange(0, PAGES);
  }

  pass(ms: number): void {
    this.world.advanceTo(this.world.nowNs + Math.round(ms * MS));
  }

  collect(): void {
    this.world.kvmLog.get(this.#dirty);
  }

  copy(): void {
    this.world.truth.sentAll(this.#dirty);
    this.#dirty.clearAll();
  }

  get lost(): readonly number[] {
    return this.world.truth.lostPages(PAGES).firstPages;
  }
}

const cases = fc.record({
  bytesPerSecond: fc.integer({ min: 0, max: 400_000_000 }),
  mode: fc.constantFrom('suspend' as const, 'quiesce' as const),
  dmaApi: fc.constantFrom('plain' as const, 'dirtyAtUnmap' as const),
  seed: fc.nat(1000),
});
/** ms between two steps, and whether the log is collected and its pages copied meanwhile. */
const pauses = fc.array(fc.record({ ms: fc.double({ min: 0, max: 4, noNaN: true }), collects: fc.boolean() }), {
  minLength: 6,
  maxLength: 6,
});
type Pauses = readonly { readonly ms: number; readonly collects: boolean }[];

function pause(copier: Copier, pauses: Pauses, at: number): void {
  const { ms, collects } = pauses[at]!;
  copier.pass(ms);
  if (!collects) return;
  copier.collect();
  copier.copy();
}

function untilWritten(copier: Copier): void {
  while (copier.driver.pagesLeft > 0) copier.pass(copier.driver.nsLeft(100) / MS);
}

/** The right order with pauses between its steps; `dirty` and `last` are what mutants change. */
function migrate(
  one: Case,
  between: Pauses,
  dirty: (copier: Copier, known: readonly PageRange[]) => void = ({ driver }) => expect(driver.dirty()).toBeUndefined(),
  last: (copier: Copier) => void = (copier) => {
    untilWritten(copier);
    pause(copier, between, 4);
    copier.world.vcpus.stop();
    copier.collect();
    copier.copy();
  },
): readonly number[] {
  const copier = new Copier(one);
  pause(copier, between, 0);
  const known = copier.driver.dmaRanges;
  copier.driver.notify();
  pause(copier, between, 1);
  copier.driver.halt();
  pause(copier, between, 2);
  dirty(copier, known);
  pause(copier, between, 3);
  last(copier);
  pause(copier, between, 5);
  return copier.lost;
}

const busy: Case = { bytesPerSecond: 100_000_000, mode: 'quiesce', dmaApi: 'plain', seed: 1 };
const steady: Pauses = Array.from({ length: 6 }, (_, i) => ({ ms: 3, collects: i === 0 }));

describe('laws', () => {
  test('G1-G7, I1: in the right order no write is lost, whenever the log is collected in between', () => {
    fc.assert(
      fc.property(cases, pauses, (one, between) => {
        expect(migrate(one, between)).toEqual([]);
      }),
    );
  });

  test('G1: no dummy write begins while bus mastering is on', () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { driver } = new Copier(one);
        expect(driver.dirty()).toBe('EBUSY');
        expect(driver.pagesLeft).toBe(0);
      }),
    );
  });

  test('G3: after the halt the device writes nothing until it goes on', () => {
    fc.assert(
      fc.property(cases, pauses, (one, between) => {
        const copier = new Copier(one);
        pause(copier, between, 0);
        copier.driver.halt();
        let writes = 0;
        copier.world.pages$.subscribe(({ source }) => {
          if (source === 'dma:nic0') writes += 1;
        });
        copier.pass(between[1]!.ms);
        expect(writes).toBe(0);
      }),
    );
  });

  test('G4, G6: the dummy writes are vCPU writes to exactly what the DMA reaches, late buffers included', () => {
    fc.assert(
      fc.property(cases, pauses, (one, between) => {
        const copier = new Copier({ ...one, bytesPerSecond: 1 });
        copier.driver.notify();
        copier.driver.halt();
        const written = new PageBitmap(PAGES);
        copier.world.pages$.subscribe((batch) => {
          if (batch.source === 'vcpu:0') forEachPage(batch, (page) => page >= 64 && written.set(page));
        });
        copier.driver.dirty();
        copier.pass(between[0]!.ms);
        untilWritten(copier);
        const expected = [BUFFERS, LATE, COHERENT].flatMap(({ firstPage, pages }) =>
          Array.from({ length: pages }, (_, i) => firstPage + i),
        );
        const list = new Uint32Array(written.count);
        written.listInto(list);
        expect([...list]).toEqual(expected);
        expect(copier.driver.pagesWritten).toBe(expected.length);
      }),
    );
  });

  test('G5: with stopped vCPUs no page is written, however long it takes', () => {
    fc.assert(
      fc.property(cases, pauses, (one, between) => {
        const copier = new Copier(one);
        copier.driver.halt();
        copier.driver.dirty();
        copier.pass(between[0]!.ms / 10);
        copier.world.vcpus.stop();
        const { pagesLeft } = copier.driver;
        copier.pass(between[1]!.ms);
        expect(copier.driver.pagesLeft).toBe(pagesLeft);
      }),
    );
  });

  test('however time is cut, the same pages are written', () => {
    fc.assert(
      fc.property(cases, fc.array(fc.integer({ min: 1, max: 300_000 }), { maxLength: 20 }), (one, steps) => {
        const run = (cuts: readonly number[]) => {
          const copier = new Copier(one);
          copier.driver.halt();
          copier.driver.dirty();
          for (const ns of cuts) copier.pass(ns / MS);
          return copier.driver.pagesWritten;
        };
        expect(run(steps)).toBe(run([steps.reduce((sum, ns) => sum + ns, 0)]));
      }),
    );
  });
});

describe('mutants of the law lose pages', () => {
  const mutants: readonly (readonly [string, Parameters<typeof migrate>[2], Parameters<typeof migrate>[3]])[] = [
    ['G4: no dummy write at all', () => {}, undefined],
    ['G4: late buffers left out', ({ driver }, known) => driver.beginWriting(known), undefined],
    ['G4: coherent memory left out', ({ driver }) => driver.beginWriting([BUFFERS, LATE]), undefined],
    [
      'G6: a hole in the first buffer',
      ({ driver }) => driver.beginWriting([{ firstPage: 65, pages: 95 }, LATE]),
      undefined,
    ],
    [
      'G2: collected before the dummy writes',
      ({ driver }) => driver.dirty(),
      (copier) => {
        copier.collect();
        untilWritten(copier);
        copier.world.vcpus.stop();
        copier.copy();
      },
    ],
    [
      'G3: the device goes on after the dummy writes',
      ({ driver }) => driver.dirty(),
      (copier) => {
        untilWritten(copier);
        copier.collect();
        copier.driver.resume();
        copier.copy();
        copier.pass(2);
        copier.world.vcpus.stop();
        copier.collect();
        copier.copy();
      },
    ],
    [
      'G5: vCPUs stopped in between',
      ({ driver }) => driver.dirty(),
      (copier) => {
        copier.world.vcpus.stop();
        copier.pass(100);
        copier.collect();
        copier.copy();
      },
    ],
  ];
  const short: Pauses = steady.map((one, i) => (i === 3 ? { ...one, ms: 0.1 } : one));

  test.each(mutants)('%s', (_, dirty, last) => {
    expect(migrate(busy, short)).toEqual([]);
    // Pages below are the vCPUs' own.
    const lost = migrate(busy, short, dirty, last).filter((page) => page >= BUFFERS.firstPage);
    expect(lost.length).toBeGreaterThan(0);
  });
});

describe("the guest's DMA API that writes at unmap", () => {
  const run = (dmaApi: Case['dmaApi']) => {
    // 1 MB/s: a page every 4.096 ms, so that after 10 ms two buffers are completed and the third is in flight.
    const copier = new Copier({ ...busy, bytesPerSecond: 1_000_000, dmaApi });
    copier.pass(10);
    copier.collect();
    copier.copy();
    return copier;
  };

  test('makes completed buffers known at once, and neither those in flight nor coherent memory', () => {
    expect(run('plain').lost).toEqual([64, 65, 66, 400]);
    expect(run('dirtyAtUnmap').lost).toEqual([66, 400]);
  });

  test('and the dummy writes cover what it misses', () => {
    const copier = run('dirtyAtUnmap');
    copier.driver.halt();
    copier.driver.dirty();
    untilWritten(copier);
    copier.collect();
    copier.copy();
    expect(copier.lost).toEqual([]);
  });

  test('does not unmap while the vCPUs stand still', () => {
    const copier = new Copier({ ...busy, dmaApi: 'dirtyAtUnmap' });
    copier.world.vcpus.stop();
    const sources: string[] = [];
    copier.world.pages$.subscribe((batch: PageWrites) => sources.push(batch.source));
    copier.pass(10);
    expect(sources.length).toBeGreaterThan(0);
    expect(new Set(sources)).toEqual(new Set(['dma:nic0']));
  });
});

describe('suspend and quiesce', () => {
  test.each([
    ['suspend', BUFFERS.firstPage],
    ['quiesce', BUFFERS.firstPage + 24],
  ] as const)('%s: the ring goes on at page %d', (mode, first) => {
    const copier = new Copier({ ...busy, mode });
    copier.pass(1);
    copier.driver.halt();
    copier.pass(1);
    copier.driver.resume();
    const pages: number[] = [];
    copier.world.pages$.subscribe((batch) => {
      if (batch.source === 'dma:nic0') forEachPage(batch, (page) => pages.push(page));
    });
    copier.pass(0.01);
    expect(pages[0]).toBe(first);
  });
});

test.each([
  ['pages outside RAM', { buffers: [{ firstPage: PAGES, pages: 1 }] }],
  ['a page twice', { coherent: [BUFFERS] }],
  ['a time below 0', { driver: { ...DRIVER, haltNs: -1 } }],
])('%s is refused', (_, changes) => {
  const dma = { ...dmaOf(busy), ...changes } as CooperativeDmaSpec;
  const world = () =>
    createWorld({
      seed: 1,
      truth: 'bit',
      pageBytes: 4096,
      slots: [{ firstPage: 0, pages: PAGES }],
      nonZeroPages: 0,
      vcpus: { workloads: [] },
      containers: [{ id: '0', iommu: { dirtyTracking: false, leafPages: 1 }, devices: [{ id: 'nic0', dma }] }],
    });
  expect(world).toThrow(RangeError);
});
