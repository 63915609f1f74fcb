/** Writes that are told late: the same distribution as those told at once, wherever somebody looks in between. */
import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';
import { RandomWriter } from '../../../src/hardware/workloads/random-writer.ts';
import { createWorld, type World } from '../../../src/hardware/world.ts';
import type { PageWrites } from '../../../src/streams/page-writes.ts';

/** Around a hole, on no word boundary, and over several pieces. */
const set = [
  { firstPage: 37, pages: 9000 },
  { firstPage: 12_000, pages: 7001 },
];
const W = 16_001;
const PAGES = 19_100;
const WRITES_PER_SECOND = 1e6;
const TENTH = 1e8;

function writer(stream: string, writesPerSecond = WRITES_PER_SECOND): RandomWriter {
  const spec = { kind: 'random', set, rate: { writesPerSecond } } as const;
  return new RandomWriter(spec, 'vcpu:0', 4096, createRandom(33, stream));
}

/** How many standard deviations a binomial count is off. */
const z = (count: number, n: number, p: number) => (count - n * p) / Math.sqrt(n * p * (1 - p));

describe('told late', () => {
  test.each([
    [0.0005, []],
    [0.02, [[0, 5000]]],
    [
      0.02,
      [
        [100, 101],
        [9000, 12_001],
        [0, 19_100],
      ],
    ],
    [
      0.3,
      [
        [0, 4096],
        [0, 4096],
        [4096, 8192],
        [13_000, 30_000],
      ],
    ],
  ] as const)(
    '%d s with looks at %j: as many pages as drawn at once, each of the set, none outside',
    (seconds, looks) => {
      let total = 0;
      const runs = 60;
      for (let run = 0; run < runs; run++) {
        const one = writer(`${seconds} ${looks.length} ${run}`);
        const dirty = new PageBitmap(PAGES);
        const emit = (batch: PageWrites) => void dirty.applyWrites(batch);
        const step = Math.round((seconds * 1e9) / (looks.length + 1));
        for (const [i, look] of [...looks, [0, Number.POSITIVE_INFINITY] as const].entries()) {
          expect(one.owe(i * step, (i + 1) * step, 100, emit)).toBe(true);
          one.settle(look[0], look[1], emit);
        }
        const inSet = set.reduce((sum, { firstPage, pages }) => sum + dirty.countRange(firstPage, pages), 0);
        expect(dirty.count).toBe(inSet);
        total += dirty.count;
      }
      expect(Math.abs(z(total, runs * W, -Math.expm1((-WRITES_PER_SECOND * seconds) / W)))).toBeLessThan(4);
    },
  );

  test('nothing is told twice, and a look tells what was owed of the pages looked at', () => {
    const one = writer('once');
    const batches: PageWrites[] = [];
    const emit = (batch: PageWrites) => void batches.push(batch);
    one.owe(0, TENTH, 100, emit);
    expect(batches).toEqual([]);
    one.settle(0, 4000, emit);
    const told = batches.length;
    expect(told).toBeGreaterThan(0);
    one.settle(0, 4000, emit);
    expect(batches).toHaveLength(told);
    one.settle(0, Number.POSITIVE_INFINITY, emit);
    const all = batches.length;
    one.settle(0, Number.POSITIVE_INFINITY, emit);
    expect(batches).toHaveLength(all);
  });

  test('a span straddles neither a pause nor a change of speed', () => {
    const one = writer('spans');
    const spans = new Set<string>();
    const emit = ({ fromNs, toNs }: PageWrites) => void spans.add(`${fromNs / TENTH} ${toNs / TENTH}`);
    one.owe(0, TENTH, 100, emit);
    one.owe(TENTH, 2 * TENTH, 100, emit);
    one.owe(2 * TENTH, 3 * TENTH, 50, emit);
    one.owe(7 * TENTH, 8 * TENTH, 50, emit);
    one.settle(0, Number.POSITIVE_INFINITY, emit);
    expect([...spans]).toEqual(['0 2', '2 3', '7 8']);
  });

  test('a slow writer tells at once', () => {
    expect(writer('slow', 99_000).owe(0, TENTH, 100, () => {})).toBe(false);
  });
});

describe('in a world', () => {
  const memory = { pageBytes: 4096, slots: [{ firstPage: 0, pages: 32_768 }], nonZeroPages: 32_768 };
  const worldOf = (seed: number, kvm = {}): World =>
    createWorld({
      ...memory,
      ...kvm,
      seed,
      truth: 'both',
      vcpus: {
        workloads: [
          {
            kind: 'random',
            vcpus: '0',
            set: [{ firstPage: 0, pages: 32_768 }],
            rate: { writesPerSecond: WRITES_PER_SECOND },
          },
        ],
      },
      containers: [],
    });

  test('a page that was sent at t is dirty again with the chance of what is left; the log has the whole span', () => {
    const p = (seconds: number) => -Math.expm1((-WRITES_PER_SECOND * seconds) / 32_768);
    let [early, late, logged] = [0, 0, 0];
    for (let seed = 0; seed < 20; seed++) {
      const world = worldOf(seed);
      world.kvmLog.start();
      world.advanceTo(10_000_000);
      world.truth.sentRange(0, 10_000);
      world.advanceTo(25_000_000);
      world.truth.sentRange(10_000, 22_768);
      world.advanceTo(30_000_000);
      const lost = world.truth.lostPages(32_768);
      early += lost.firstPages.filter((page) => page < 10_000).length;
      late += lost.firstPages.filter((page) => page >= 10_000).length;
      const found = new PageBitmap(world.memory.pages);
      world.kvmLog.get(found);
      logged += found.count;
      expect(lost.firstPages.filter((page) => !found.get(page))).toEqual([]);
    }
    expect(Math.abs(z(early, 20 * 10_000, p(0.02)))).toBeLessThan(4);
    expect(Math.abs(z(late, 20 * 22_768, p(0.005)))).toBeLessThan(4);
    expect(Math.abs(z(logged, 20 * 32_768, p(0.03)))).toBeLessThan(4);
  });

  test('a log that charges hears of each write in its time', () => {
    const kvm = {
      kvm: {
        log: 'bitmap',
        faultNs: 1,
        exitNs: 0,
        harvestNs: 0,
        initiallySet: true,
        clearPages: 2 ** 18,
        ring: { entries: 4096, pml: true, reapEveryNs: 1e9, backupBitmap: false, heldBack: 8 },
      },
    };
    for (const [options, waits] of [
      [{}, true],
      [kvm, false],
    ] as const) {
      const world = worldOf(1, options);
      let batches = 0;
      world.pages$.subscribe(() => batches++);
      world.advanceTo(TENTH);
      expect(batches === 0).toBe(waits);
    }
  });
});
