import { describe, expect, test } from 'vitest';
import { DeviceDma, type DeviceDmaSpec } from '../../../src/hardware/dma/device-dma.ts';
import { GuestMemory } from '../../../src/hardware/memory.ts';
import { PageBitmap } from '../../../src/hardware/page-bitmap.ts';
import { createRandom } from '../../../src/hardware/random.ts';

const memory = new GuestMemory({
  pageBytes: 4096,
  slots: [
    { firstPage: 0, pages: 2000 },
    { firstPage: 3000, pages: 2000 },
  ],
  nonZeroPages: 0,
});
const create = (spec: DeviceDmaSpec) => new DeviceDma(spec, memory, createRandom(1, `dma:${spec.id}`));
const nic: DeviceDmaSpec = {
  id: 'nic0',
  dma: { kind: 'nic', buffers: [{ firstPage: 100, pages: 64 }], bytesPerSecond: 4096 * 1000 },
};
const vgpu = (writesPerSecond: number): DeviceDmaSpec => ({
  id: 'gpu0',
  dma: {
    kind: 'vgpu',
    mapped: {
      ranges: [
        { firstPage: 10, pages: 5 },
        { firstPage: 3000, pages: 5 },
      ],
    },
    writesPerSecond,
  },
});

/** Pages written in the given steps of ns. */
function writtenIn(device: DeviceDma, ...stepsNs: number[]): number[] {
  const dirty = new PageBitmap(memory.pages);
  let at = 0;
  for (const step of stepsNs) {
    device.advance(at, at + step, (batch) => {
      expect(batch.source).toBe(`dma:${device.id}`);
      dirty.applyWrites(batch);
    });
    at += step;
  }
  const pages = new Uint32Array(dirty.count);
  dirty.listInto(pages);
  return [...pages];
}

describe('run states', () => {
  test.each([
    ['running', false, 5],
    ['running', true, 5],
    ['p2pQuiet', false, 5],
    ['p2pQuiet', true, 0],
    ['stopped', false, 0],
    ['stopped', true, 0],
  ] as const)('%s, quietStopsAllDma %s: %i pages', (state, quietStopsAllDma, pages) => {
    const device = create({ ...nic, quietStopsAllDma });
    device.set(state);
    expect(writtenIn(device, 5e6)).toHaveLength(pages);
  });

  test('a stopped device resumes where it stood', () => {
    const device = create(nic);
    expect(writtenIn(device, 3e6)).toEqual([100, 101, 102]);
    device.set('stopped');
    expect(writtenIn(device, 3e9)).toEqual([]);
    device.set('running');
    expect(writtenIn(device, 2e6)).toEqual([103, 104]);
  });
});

test('a NIC goes round its buffers', () => {
  expect(writtenIn(create(nic), 70e6)).toEqual(Array.from({ length: 64 }, (_, i) => 100 + i));
  const device = create(nic);
  writtenIn(device, 63e6);
  expect(writtenIn(device, 3e6)).toEqual([100, 101, 163]);
});

describe('a vGPU', () => {
  test('goes over its mapped pages in turn, however time is cut', () => {
    const whole = create(vgpu(1000));
    expect(writtenIn(whole, 7e6)).toEqual([10, 11, 12, 13, 14, 3000, 3001]);
    expect(writtenIn(whole, 6e6)).toEqual([10, 11, 12, 3002, 3003, 3004]);
    const cut = create(vgpu(1000));
    expect(writtenIn(cut, 2.5e6, 2.5e6, 2e6)).toEqual([10, 11, 12, 13, 14, 3000, 3001]);
    const turns = create(vgpu(1000));
    expect(writtenIn(turns, 37e6)).toHaveLength(10);
    expect(writtenIn(turns, 1e6)).toEqual([3002]);
  });

  test('scatters its pages over RAM by the seed, holes left out', () => {
    const spec: DeviceDmaSpec = {
      id: 'gpu0',
      dma: { kind: 'vgpu', mapped: { scatteredPages: 500 }, writesPerSecond: 1e6 },
    };
    const pages = writtenIn(create(spec), 1e6);
    expect(pages).toHaveLength(500);
    expect(pages.every((page) => memory.isRam(page))).toBe(true);
    expect(pages.filter((page) => page >= 3000).length).toBeGreaterThan(200);
    expect(writtenIn(create(spec), 1e6)).toEqual(pages);
  });

  test('writes only what is mapped at the time', () => {
    const device = create(vgpu(1e6));
    device.mapped?.unmap({ firstPage: 0, pages: 2000 });
    expect(writtenIn(device, 1e6)).toEqual([3000, 3001, 3002, 3003, 3004]);
    device.mapped?.unmap({ firstPage: 3000, pages: 5 });
    expect(writtenIn(device, 1e6)).toEqual([]);
    device.mapped?.map({ firstPage: 40, pages: 1 });
    expect(writtenIn(device, 1e6)).toEqual([40]);
  });
});

test('a device that would write outside RAM is refused by name', () => {
  const hole = [{ firstPage: 1990, pages: 20 }];
  expect(() => create({ id: 'nic9', dma: { kind: 'nic', buffers: hole, bytesPerSecond: 1 } })).toThrow(/dma:nic9/);
  expect(() => create({ id: 'gpu9', dma: { kind: 'vgpu', mapped: { ranges: hole }, writesPerSecond: 1 } })).toThrow(
    /dma:gpu9/,
  );
});
