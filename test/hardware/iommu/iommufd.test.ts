import { describe, expect, test } from 'vitest';
import { Iommu } from '../../../src/hardware/iommu/iommufd.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import type { WriteSource } from '../../../src/streams/page-writes.ts';

const GIB = 262_144;
const memory = new GuestMemory({
  pageBytes: 4096,
  slots: [
    { firstPage: 0, pages: GIB },
    { firstPage: 2 * GIB, pages: GIB / 2 },
  ],
  nonZeroPages: 0,
});
const written = (source: WriteSource, ...pages: number[]) =>
  ({ fromNs: 0, toNs: 1, source, form: 'list', pages: Uint32Array.from(pages) }) as const;
const started = (leafPages: number) => {
  const iommu = new Iommu({ dirtyTracking: true, leafPages }, memory, ['nic0', 'nic1']);
  expect(iommu.setDirtyTracking(true)).toBeUndefined();
  return iommu;
};

test.each([
  [1, 1],
  [512, 512],
  [GIB, GIB],
])('one 4 KiB write into a leaf of %i pages is %i dirty pages', (leafPages, dirtyPages) => {
  const iommu = started(leafPages);
  iommu.receive(written('dma:nic0', 700));
  expect(iommu.report(new PageBitmap(memory.pages))).toEqual({ dirtyPages, newPages: dirtyPages });
  expect(iommu.report(new PageBitmap(memory.pages))).toEqual({ dirtyPages: 0, newPages: 0 });
});

test('sees every device of its container, and nobody else', () => {
  const iommu = started(1);
  for (const [i, source] of (['dma:nic0', 'dma:nic1', 'dma:other', 'vcpu:0', 'host:vhost'] as const).entries()) {
    iommu.receive(written(source, i));
  }
  const into = new PageBitmap(memory.pages);
  iommu.report(into);
  expect([0, 1, 2, 3, 4].map((page) => into.get(page))).toEqual([true, true, false, false, false]);
});

test('a leaf that reaches beyond RAM reports RAM only', () => {
  const iommu = started(GIB);
  iommu.receive(written('dma:nic0', 2 * GIB + 5));
  expect(iommu.report(new PageBitmap(memory.pages))).toEqual({ dirtyPages: GIB / 2, newPages: GIB / 2 });
});

test('without the capability nothing works', () => {
  const iommu = new Iommu({ dirtyTracking: false, leafPages: 1 }, memory, ['nic0']);
  expect(iommu.setDirtyTracking(true)).toBe('EOPNOTSUPP');
  expect(iommu.report(new PageBitmap(memory.pages))).toEqual({ errno: 'EOPNOTSUPP' });
});

test('enabling is a fresh epoch; enabling what is on changes nothing; off it sees nothing', () => {
  const iommu = started(1);
  iommu.receive(written('dma:nic0', 1));
  iommu.setDirtyTracking(true);
  expect(iommu.report(new PageBitmap(memory.pages))).toMatchObject({ dirtyPages: 1 });
  iommu.receive(written('dma:nic0', 2));
  iommu.setDirtyTracking(false);
  iommu.receive(written('dma:nic0', 3));
  expect(iommu.report(new PageBitmap(memory.pages))).toEqual({ dirtyPages: 0, newPages: 0 });
  iommu.setDirtyTracking(true);
  expect(iommu.report(new PageBitmap(memory.pages))).toEqual({ dirtyPages: 0, newPages: 0 });
});

describe('queries', () => {
  test('NO_CLEAR twice gives the same, and clears nothing', () => {
    const iommu = started(512);
    iommu.receive(written('dma:nic0', 700));
    const [a, b] = [new PageBitmap(memory.pages), new PageBitmap(memory.pages)];
    expect(iommu.report(a, { noClear: true })).toEqual(iommu.report(b, { noClear: true }));
    expect(a.or(b)).toBe(0);
    expect(iommu.report(new PageBitmap(memory.pages))).toMatchObject({ dirtyPages: 512 });
  });

  test('a query that cuts a leaf clears all of it: the other half is lost', () => {
    const iommu = started(512);
    iommu.receive(written('dma:nic0', 500));
    const half = { ranges: [{ firstPage: 0, pages: 256 }] };
    expect(iommu.report(new PageBitmap(memory.pages), half)).toMatchObject({ dirtyPages: 256 });
    expect(iommu.report(new PageBitmap(memory.pages))).toMatchObject({ dirtyPages: 0 });
  });
});
