import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { Type1 } from '../../src/hardware/type1.ts';
import type { WriteSource } from '../../src/streams/page-writes.ts';

/** Two mappings with a hole between them. */
const slots = [
  { firstPage: 0, pages: 200 },
  { firstPage: 256, pages: 100 },
];
const PAGES = 356;
const MAPPED = 300;
const memory = new GuestMemory({ pageBytes: 4096, slots, nonZeroPages: 0 });
const page = (firstPage: number, pages = 1) => ({ firstPage, pages });
const written = (source: WriteSource, ...pages: number[]) =>
  ({ fromNs: 0, toNs: 1, source, form: 'list', pages: Uint32Array.from(pages) }) as const;
const GET = (iova: bigint, pages: number) => ({
  iova,
  sizeBytes: BigInt(pages) * 4096n,
  bitmap: { pageBytes: 4096, bytes: Math.ceil(pages / 64) * 8 },
});

function listOf(bitmap: PageBitmap): number[] {
  const pages: number[] = [];
  bitmap.forEach((one) => {
    pages.push(one);
  });
  return pages;
}

function reported(type1: Type1): number[] {
  const into = new PageBitmap(PAGES);
  expect(type1.report(into)).toEqual({ dirtyPages: into.count, newPages: into.count });
  return listOf(into);
}

/** A container with a mediated device, tracked. Its driver unpins what is unmapped under it. */
function mediated(): Type1 {
  const type1 = new Type1(memory);
  type1.attachGroup('gpu0', 'emulated', (range) => type1.unpinPages('gpu0', range));
  expect(type1.start()).toBeUndefined();
  return type1;
}

describe('pinned scope', () => {
  test('an emulated group has it from the start, an IOMMU-backed one from its first pin on, for good', () => {
    const type1 = new Type1(memory);
    type1.attachGroup('gpu0', 'emulated', () => {});
    expect(type1.nonPinnedGroups).toBe(0);
    type1.attachGroup('nic0', 'iommu', () => {});
    type1.attachGroup('nic1', 'iommu');
    expect(type1.nonPinnedGroups).toBe(2);
    expect(type1.pinPages('nic0', page(5))).toBeUndefined();
    expect(type1.nonPinnedGroups).toBe(1);
    type1.unpinPages('nic0', page(5));
    expect(type1.nonPinnedGroups).toBe(1);
  });

  test('a pin that fails promotes nobody', () => {
    const type1 = new Type1(memory);
    type1.attachGroup('nic0', 'iommu', () => {});
    type1.attachGroup('nic1', 'iommu');
    expect(type1.pinPages('nic0', page(199, 2))).toBe('EINVAL');
    expect(type1.pinPages('nic1', page(5))).toBe('EINVAL');
    expect([type1.nonPinnedGroups, type1.pinned.count]).toEqual([2, 0]);
  });

  test('one group without it makes all that is mapped dirty, at every GET, whatever anyone writes', () => {
    const type1 = mediated();
    type1.attachGroup('nic0', 'iommu');
    type1.receive(written('dma:nic0', 7));
    for (let i = 0; i < 3; i++) expect(reported(type1)).toHaveLength(MAPPED);
  });

  test('with it, writes of the device say nothing: only pins, and what its driver writes', () => {
    const type1 = mediated();
    type1.pinPages('gpu0', page(10, 2));
    type1.receive(written('dma:gpu0', 50));
    type1.receive(written('vcpu:0', 51));
    type1.receive(written('host:vhost', 52));
    type1.receive(written('mdev:elsewhere', 53));
    type1.receive(written('mdev:gpu0', 300));
    expect(reported(type1)).toEqual([10, 11, 300]);
    expect(reported(type1)).toEqual([10, 11]);
  });

  test('a page that two drivers pinned is pinned until both have let go', () => {
    const type1 = mediated();
    type1.attachGroup('gpu1', 'emulated', () => {});
    type1.pinPages('gpu0', page(10, 3));
    type1.pinPages('gpu1', page(11, 5));
    type1.unpinPages('gpu0', page(10, 3));
    expect(listOf(type1.pinned)).toEqual([11, 12, 13, 14, 15]);
    type1.unpinPages('gpu1', page(11, 5));
    expect(type1.pinned.count).toBe(0);
  });
});

describe('tracking', () => {
  test('START finds what is pinned already; START and STOP again change nothing', () => {
    const type1 = new Type1(memory);
    type1.attachGroup('gpu0', 'emulated', () => {});
    type1.pinPages('gpu0', page(10));
    expect(type1.start()).toBeUndefined();
    type1.receive(written('mdev:gpu0', 20));
    expect(type1.start()).toBeUndefined();
    expect(reported(type1)).toEqual([10, 20]);
    type1.stop();
    type1.stop();
    expect(type1.report(new PageBitmap(PAGES))).toEqual({ errno: 'EINVAL' });
  });

  test('the ioctl: one flag, version 2, and memory for the bitmaps', () => {
    const type1 = new Type1(memory);
    expect(type1.dirtyPages(3)).toEqual({ errno: 'EINVAL' });
    expect(type1.dirtyPages(4, GET(0n, 200), new PageBitmap(PAGES))).toEqual({ errno: 'EINVAL' });
    expect(type1.start({ outOfMemory: true })).toBe('ENOMEM');
    expect(type1.tracking).toBe(false);
    expect(type1.dirtyPages(1)).toEqual({ dirtyPages: 0, newPages: 0 });
    expect(type1.dirtyPages(4, GET(0n, 200), new PageBitmap(PAGES))).toEqual({ dirtyPages: 0, newPages: 0 });
    expect(type1.dirtyPages(4)).toEqual({ errno: 'EINVAL' });
    expect(type1.dirtyPages(2)).toEqual({ dirtyPages: 0, newPages: 0 });
    expect(type1.tracking).toBe(false);
    expect(new Type1(memory, { version: 1 }).dirtyPages(1)).toEqual({ errno: 'EACCES' });
  });

  test('a GET of one mapping leaves the others as they are', () => {
    const type1 = mediated();
    type1.receive(written('mdev:gpu0', 20, 300));
    const into = new PageBitmap(PAGES);
    expect(type1.getBitmap(GET(0n, 200), into)).toEqual({ dirtyPages: 1, newPages: 1 });
    expect(type1.getBitmap(GET(0n, 100), into)).toEqual({ errno: 'EINVAL' });
    expect(reported(type1)).toEqual([300]);
  });

  test('a mapping made while it is on is clean until a page of it is pinned', () => {
    const type1 = mediated();
    expect(type1.map(page(190, 20))).toBe('EEXIST');
    expect(type1.map(page(210, 0))).toBe('EINVAL');
    expect(type1.map(page(210, 20))).toBeUndefined();
    expect(reported(type1)).toEqual([]);
    type1.pinPages('gpu0', page(215));
    expect(reported(type1)).toEqual([215]);
  });

  test('UNMAP with the bitmap returns what the mapping had as it goes, after its drivers have let go', () => {
    const type1 = mediated();
    type1.pinPages('gpu0', page(260, 2));
    reported(type1);
    type1.unpinPages('gpu0', page(261));
    type1.receive(written('mdev:gpu0', 300, 20));
    const into = new PageBitmap(PAGES);
    const request = { ...GET(256n * 4096n, 100) };
    expect(type1.unmap(request, into)).toEqual({ dirtyPages: 3, newPages: 3, unmappedBytes: 409_600n });
    expect(listOf(into)).toEqual([260, 261, 300]);
    expect([type1.pinned.count, type1.mappings]).toEqual([0, [slots[0]]]);
    expect(reported(type1)).toEqual([20]);
    expect(type1.pinPages('gpu0', page(260))).toBe('EINVAL');
  });

  test('a plain UNMAP loses what the mapping had: the pages are not reported again', () => {
    const type1 = mediated();
    type1.receive(written('mdev:gpu0', 300));
    const into = new PageBitmap(PAGES);
    expect(type1.unmap({ iova: 0n, sizeBytes: 0n, all: true }, into)).toMatchObject({ unmappedBytes: 1_228_800n });
    expect(into.count).toBe(0);
    expect(type1.unmap({ iova: 0n, sizeBytes: 1n }, into)).toEqual({ errno: 'EINVAL' });
  });

  test('a driver that keeps its pins under an unmap is a mistake', () => {
    const type1 = new Type1(memory);
    type1.attachGroup('gpu0', 'emulated', () => {});
    type1.pinPages('gpu0', page(10));
    const all = { iova: 0n, sizeBytes: 0n, all: true };
    expect(() => type1.unmap(all, new PageBitmap(PAGES))).toThrow(/still pinned/);
  });
});

// T27
describe('T27: it never converges', () => {
  test('below what is pinned, nor below what is mapped with one group that pins nothing', () => {
    const type1 = mediated();
    type1.pinPages('gpu0', page(0, 120));
    for (let i = 0; i < 4; i++) expect(reported(type1)).toHaveLength(120);
    type1.attachGroup('nic0', 'iommu');
    for (let i = 0; i < 4; i++) expect(reported(type1)).toHaveLength(MAPPED);
  });
});

// T28
describe('T28: a group that pinned nothing leaves while tracking is on', () => {
  const leaving = (leave: (type1: Type1) => void) => {
    const type1 = mediated();
    type1.pinPages('gpu0', page(0, 3));
    type1.attachGroup('nic0', 'iommu');
    reported(type1);
    // The device writes, and nobody hears it: only "everything" covers this page.
    type1.receive(written('dma:nic0', 280));
    leave(type1);
    return [reported(type1), reported(type1)] as const;
  };

  test('everything is dirty once more, and then only what is pinned', () => {
    const [first, second] = leaving((type1) => type1.detachGroup('nic0'));
    expect(first).toHaveLength(MAPPED);
    expect(second).toEqual([0, 1, 2]);
  });

  test('a container that takes the small bitmap at face value has lost the page', () => {
    const [first] = leaving((type1) => expect(type1.removeGroup('nic0')).toBe(true));
    expect(first).toEqual([0, 1, 2]);
    expect(first).not.toContain(280);
  });

  test('while tracking is off, or of a group of pinned scope, nothing is set', () => {
    const [first] = leaving((type1) => {
      type1.stop();
      type1.detachGroup('nic0');
      type1.start();
    });
    expect(first).toEqual([0, 1, 2]);
    const type1 = mediated();
    type1.attachGroup('gpu1', 'emulated', () => {});
    type1.detachGroup('gpu1');
    expect(reported(type1)).toEqual([]);
  });
});

describe('V8: what was pinned at a GET is dirty at this one and at the next; what was unpinned since, once more', () => {
  type Action = { readonly kind: 'pin' | 'unpin' | 'write' | 'get'; readonly at: number; readonly pages: number };
  const action: fc.Arbitrary<Action> = fc.record({
    kind: fc.constantFrom('pin', 'unpin', 'write', 'get'),
    at: fc.integer({ min: 0, max: 150 }),
    pages: fc.integer({ min: 1, max: 50 }),
  });

  /** The rule by itself, over sets: pinned at some time since the last GET, or written by the driver. */
  function run(actions: readonly Action[], get: (type1: Type1) => number[]): void {
    const type1 = mediated();
    const pins = new Map<number, number>();
    let since = new Set<number>();
    for (const { kind, at, pages } of actions) {
      const all = Array.from({ length: pages }, (_, i) => at + i);
      switch (kind) {
        case 'pin':
          type1.pinPages('gpu0', page(at, pages));
          for (const one of all) pins.set(one, (pins.get(one) ?? 0) + 1);
          for (const one of all) since.add(one);
          break;
        case 'unpin':
          type1.unpinPages('gpu0', page(at, pages));
          for (const one of all) pins.set(one, Math.max(0, (pins.get(one) ?? 0) - 1));
          break;
        case 'write':
          type1.receive(written('mdev:gpu0', ...all));
          for (const one of all) since.add(one);
          break;
        case 'get':
          expect(get(type1)).toEqual([...since].sort((a, b) => a - b));
          since = new Set([...pins].filter(([, n]) => n > 0).map(([one]) => one));
          break;
      }
    }
  }

  test('over random pins, writes and GETs', () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 40 }), (actions) => run(actions, reported)));
  });

  const [first] = slots as [{ firstPage: number; pages: number }];
  const pieces = (parts: (type1: Type1, into: PageBitmap) => void) => (type1: Type1) => {
    const into = new PageBitmap(PAGES);
    parts(type1, into);
    return listOf(into);
  };
  const actions: readonly Action[] = [
    { kind: 'pin', at: 5, pages: 1 },
    { kind: 'write', at: 9, pages: 1 },
    { kind: 'get', at: 0, pages: 1 },
    { kind: 'unpin', at: 5, pages: 1 },
    { kind: 'get', at: 0, pages: 1 },
    { kind: 'get', at: 0, pages: 1 },
  ];

  test.each<[string, (type1: Type1, into: PageBitmap) => void]>([
    [
      'without the refill an unpinned page is lost',
      (type1, into) => {
        type1.copyBits(first, into);
        type1.clearBits(first);
      },
    ],
    [
      'refilled before it is cleared',
      (type1, into) => {
        type1.copyBits(first, into);
        type1.refill(first);
        type1.clearBits(first);
      },
    ],
    [
      'cleared before it is copied',
      (type1, into) => {
        type1.clearBits(first);
        type1.refill(first);
        type1.copyBits(first, into);
      },
    ],
    [
      'never cleared',
      (type1, into) => {
        type1.copyBits(first, into);
        type1.refill(first);
      },
    ],
  ])('broken on purpose, %s', (_, parts) => {
    expect(() => run(actions, pieces(parts))).toThrow();
  });

  test('the parts in their order are the GET', () => {
    const right = pieces((type1, into) => {
      type1.copyBits(first, into);
      type1.clearBits(first);
      type1.refill(first);
    });
    run(actions, right);
  });
});
