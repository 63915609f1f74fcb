/**
 * The guest with pages missing: who waits for what and for how long, what is asked for once, and what counts as lost. Laws over
 * random sets and orders of arrival; the exact ones by sets of a page or two.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { PostCopyGuest } from '../../src/hardware/post-copy-guest.ts';
import type { WorkloadSpec } from '../../src/hardware/workloads/workload.ts';
import { createWorld, type World } from '../../src/hardware/world.ts';

const PAGES = 256;
const MS = 1_000_000;

function worldOf(workloads: readonly WorkloadSpec[], more: object = {}): World {
  return createWorld({
    seed: 1,
    truth: 'both',
    pageBytes: 4096,
    slots: [{ firstPage: 0, pages: PAGES }],
    nonZeroPages: PAGES,
    vcpus: { workloads },
    containers: [],
    ...more,
  });
}

function setOf(pages: readonly number[]): PageBitmap {
  const set = new PageBitmap(PAGES);
  for (const page of pages) set.set(page);
  return set;
}

const busy = (vcpus: string, firstPage = 0, pages = PAGES): WorkloadSpec => ({
  kind: 'random',
  vcpus,
  set: [{ firstPage, pages }],
  rate: { writesPerSecond: 20_000 },
});

describe('a vCPU that touches a missing page', () => {
  test('asks for it once and waits until it is there', () => {
    const guest = new PostCopyGuest(worldOf([busy('0', 7, 1)]), setOf([7, 8]), 0);
    guest.advanceTo(5 * MS);
    const [request, ...more] = guest.takeRequests();
    expect(request?.page).toBe(7);
    expect(more).toEqual([]);
    guest.advanceTo(20 * MS);
    expect(guest.takeRequests()).toEqual([]);
    guest.arrive([7]);
    expect(guest.blocktimesNs().get(0)).toBe(20 * MS - request!.atNs);
    expect(guest.requestedPages).toBe(1);
    guest.advanceTo(40 * MS);
    expect(guest.blocktimesNs().get(0)).toBe(20 * MS - request!.atNs);
    expect(guest.missing.get(8)).toBe(true);
  });

  test('holds up nobody else', () => {
    const guest = new PostCopyGuest(worldOf([busy('0', 0, 1), busy('1', 100, 1)]), setOf([0]), 0);
    guest.advanceTo(50 * MS);
    const blocktimes = guest.blocktimesNs();
    expect(blocktimes.get(0)).toBeGreaterThan(40 * MS);
    expect(blocktimes.get(1)).toBe(0);
  });

  test('goes on to the next page that it had begun to touch, and asks for that', () => {
    const guest = new PostCopyGuest(
      worldOf([busy('0', 0, 64)]),
      setOf(Array.from({ length: 64 }, (_, page) => page)),
      0,
    );
    guest.advanceTo(2 * MS);
    const first = guest.takeRequests();
    expect(first).toHaveLength(1);
    guest.advanceTo(3 * MS);
    guest.arrive([first[0]!.page]);
    const second = guest.takeRequests();
    expect(second).toHaveLength(1);
    expect(second[0]!.page).not.toBe(first[0]!.page);
    expect(second[0]!.atNs).toBe(3 * MS);
  });

  test('is woken by a push as well as by what it asked for', () => {
    const guest = new PostCopyGuest(worldOf([busy('0', 0, 4)]), setOf([0, 1, 2, 3]), 0);
    guest.advanceTo(5 * MS);
    guest.arrive([0, 1, 2, 3]);
    expect(guest.missing.count).toBe(0);
    const blocked = guest.blocktimesNs().get(0)!;
    guest.advanceTo(500 * MS);
    expect(guest.blocktimesNs().get(0)).toBe(blocked);
  });

  test('asks again after a connection was lost', () => {
    const guest = new PostCopyGuest(worldOf([busy('0', 9, 1)]), setOf([9]), 0);
    guest.advanceTo(5 * MS);
    expect(guest.takeRequests()).toHaveLength(1);
    guest.askAgain();
    expect(guest.takeRequests().map(({ page }) => page)).toEqual([9]);
    expect(guest.requestedPages).toBe(1);
  });
});

test('a page that arrives twice is a write lost', () => {
  const guest = new PostCopyGuest(worldOf([busy('0', 3, 1)]), setOf([3, 4]), 0);
  guest.arrive([3, 4]);
  expect(guest.wrongPages).toEqual([]);
  guest.advanceTo(5 * MS);
  guest.arrive([3]);
  expect(guest.wrongPages).toEqual([3]);
});

test('writers on the host ask for pages and nobody waits for them', () => {
  const hostWriters = [
    { id: 'vhost', kind: 'cycle', set: [{ firstPage: 0, pages: 8 }], rate: { writesPerSecond: 10_000 } },
  ];
  const guest = new PostCopyGuest(worldOf([{ kind: 'idle', vcpus: '0' }], { hostWriters }), setOf([0, 1, 2]), 0);
  guest.advanceTo(10 * MS);
  expect(
    guest
      .takeRequests()
      .map(({ page }) => page)
      .sort(),
  ).toEqual([0, 1, 2]);
  expect([...guest.blocktimesNs().values()].every((ns) => ns === 0)).toBe(true);
});

test('nobody who watches the source learns of what is written on the destination', () => {
  const world = worldOf([busy('0')]);
  world.vcpus.stop();
  const seen: string[] = [];
  world.pages$.subscribe(({ source }) => seen.push(source));
  const everything = setOf([]);
  world.memory.setAllRam(everything);
  world.truth.sentAll(everything);
  const guest = new PostCopyGuest(world, setOf([1]), 0);
  guest.advanceTo(100 * MS);
  expect(seen).toEqual([]);
  expect(world.truth.lostPages(1).count).toBe(0);
});

test('time does not run backwards', () => {
  const guest = new PostCopyGuest(worldOf([busy('0')]), setOf([1]), 10);
  expect(() => guest.advanceTo(9)).toThrow(RangeError);
});

test('law: whatever arrives when, every page asked for was missing and is asked once, nobody waits at the end, nothing is lost', () => {
  const page = fc.integer({ min: 0, max: PAGES - 1 });
  fc.assert(
    fc.property(
      fc.uniqueArray(page, { minLength: 1, maxLength: 120 }),
      fc.array(fc.record({ afterNs: fc.integer({ min: 0, max: 3 * MS }), pages: fc.integer({ min: 1, max: 20 }) }), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      (missing, arrivals, seed) => {
        const world = worldOf([busy('0-1', 0, 128), busy('2', 64, 192)], { seed });
        const guest = new PostCopyGuest(world, setOf(missing), 0);
        const waiting = [...missing];
        const asked: number[] = [];
        let nowNs = 0;
        const arrive = (count: number) => {
          // What was asked for goes first, the rest in order.
          waiting.sort((a, b) => Number(asked.includes(b)) - Number(asked.includes(a)) || a - b);
          guest.arrive(waiting.splice(0, count));
          asked.push(...guest.takeRequests().map((request) => request.page));
        };
        for (const { afterNs, pages } of arrivals) {
          nowNs += afterNs;
          guest.advanceTo(nowNs);
          asked.push(...guest.takeRequests().map((request) => request.page));
          arrive(pages);
        }
        arrive(waiting.length);
        expect(guest.missing.count).toBe(0);
        expect(guest.wrongPages).toEqual([]);
        expect(new Set(asked).size).toBe(asked.length);
        expect(asked.every((one) => missing.includes(one))).toBe(true);
        expect(guest.requestedPages).toBe(asked.length);
        const before = [...guest.blocktimesNs().values()];
        for (const ns of before) expect(ns).toBeLessThanOrEqual(nowNs);
        guest.advanceTo(nowNs + 100 * MS);
        expect([...guest.blocktimesNs().values()]).toEqual(before);
      },
    ),
    { numRuns: 150, seed: 4 },
  );
});
