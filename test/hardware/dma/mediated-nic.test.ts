import { describe, expect, test } from 'vitest';
import { MediatedNic, type MediatedNicSpec } from '../../../src/hardware/dma/mediated-nic.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';

const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: 1000 }], nonZeroPages: 0 });
const all = [{ firstPage: 0, pages: 1000 }];

/** One page of traffic a ms, 4 descriptors over a pool of 10 pages in two places. */
function create(changes: Partial<MediatedNicSpec> = {}) {
  const pool = [
    { firstPage: 100, pages: 6 },
    { firstPage: 200, pages: 4 },
  ];
  const nic = new MediatedNic(
    { kind: 'mediated-nic', pool, descriptors: 4, bytesPerSecond: 4096 * 1000, ...changes },
    'dma:nic0',
    memory,
  );
  let now = 0;
  return {
    nic,
    /** What it wrote in so many ms with the guest at that speed. */
    run(ms: number, guestPercent = 100): number[] {
      const written = new PageBitmap(1000);
      const until = now + ms * 1e6;
      nic.guestAdvances(now, until, guestPercent);
      nic.advance(now, until, 100, (batch) => void written.applyWrites(batch));
      now = until;
      return listOf(written);
    },
    report(): number[] {
      const into = new PageBitmap(1000);
      nic.mapped.report(into, all, 0);
      return listOf(into);
    },
  };
}

function listOf(bitmap: PageBitmap): number[] {
  const pages: number[] = [];
  bitmap.forEach((page) => {
    pages.push(page);
  });
  return pages;
}

describe('a buffer is dirty', () => {
  test('from its posting on, empty or not, and once more after its completion', () => {
    const { run, report } = create();
    expect(report()).toEqual([100, 101, 102, 103]);
    expect(run(1.5)).toEqual([100, 101]);
    expect(report()).toEqual([100, 101, 102, 103, 104]);
    expect(report()).toEqual([101, 102, 103, 104]);
  });

  test('completed and posted again in between, it is reported once', () => {
    const { run, report } = create();
    expect(run(13)).toHaveLength(10);
    expect(report()).toHaveLength(10);
    expect(report()).toEqual([103, 104, 105, 200]);
  });
});

test('however time is cut, the same buffers are filled', () => {
  const [whole, cut] = [create(), create()];
  whole.run(7.25);
  for (let i = 0; i < 29; i++) cut.run(0.25);
  expect(cut.report()).toEqual(whole.report());
  expect(cut.report()).toEqual(whole.report());
});

test('a guest that stands posts nothing: what is posted is filled, and the rest is dropped', () => {
  const { nic, run, report } = create();
  expect(run(20, 0)).toEqual([100, 101, 102, 103]);
  expect(run(5, 0)).toEqual([]);
  expect(nic.mapped.pages.count).toBe(0);
  expect(report()).toEqual([100, 101, 102, 103]);
  expect(report()).toEqual([]);
  expect(run(2)).toEqual([104, 105]);
});

test('all of the pool may be posted', () => {
  const { run, report } = create({ descriptors: 10 });
  expect(run(25)).toHaveLength(10);
  expect(report()).toHaveLength(10);
  expect(report()).toHaveLength(10);
});

test('a report costs what it finds posted or completed', () => {
  const { nic, run } = create({ descriptorNs: 30 });
  run(3);
  expect(nic.mapped.report(new PageBitmap(1000), all, 0)).toEqual({ dirtyPages: 7, newPages: 7, workNs: 210 });
  expect(nic.mapped.report(new PageBitmap(1000), all, 0)).toEqual({ dirtyPages: 4, newPages: 4, workNs: 120 });
});

test.each([0, 11, 1.5])('%d descriptors for 10 buffers are refused', (descriptors) => {
  expect(() => create({ descriptors })).toThrow(RangeError);
});
