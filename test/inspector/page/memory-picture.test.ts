/** The memory map's picture: who touched what where, nothing thin is lost, and addresses are where their pages are. */
import { expect, test } from 'vitest';
import {
  addressTicks,
  cellAt,
  decoded,
  LAYERS,
  pictureOf,
  type Rgb,
} from '../../../src/inspector/page/dock/memory-picture.ts';
import type { MemoryLayer, MemoryMap } from '../../../src/inspector/page-data.ts';

const [TIMES, ADDRESSES, PAGES_A_ROW] = [40, 64, 4096];
const GIB_PAGES = 2 ** 18;
/** A hole of one GiB after the 31st row: rows stand for pages that are there. */
const firstPages = Array.from({ length: ADDRESSES + 1 }, (_, row) => row * PAGES_A_ROW + (row >= 32 ? GIB_PAGES : 0));

/** vCPUs touch the bottom half all the time, DMA one row; the sender goes up as a diagonal. */
function mapOf(shareOf: (layer: MemoryLayer, row: number, bin: number) => number): MemoryMap {
  const cells = Object.fromEntries(
    LAYERS.map((layer) => {
      const bytes = Buffer.alloc(TIMES * ADDRESSES);
      for (let row = 0; row < ADDRESSES; row++)
        for (let bin = 0; bin < TIMES; bin++) bytes[row * TIMES + bin] = shareOf(layer, row, bin);
      return [layer, bytes.toString('base64')];
    }),
  ) as unknown as MemoryMap['cells'];
  const pages = firstPages.at(-1) ?? 0;
  return { pages, pageBytes: 4096, fromNs: 0, toNs: 4e9, timeBins: TIMES, addressBins: ADDRESSES, firstPages, cells };
}

const map = mapOf((layer, row, bin) => {
  if (layer === 'vcpu') return row < 32 ? 255 : 0;
  if (layer === 'dma') return row === 50 ? 1 : 0;
  return layer === 'sent' && row === Math.floor((bin * ADDRESSES) / TIMES) ? 128 : 0;
});

const COLOURS: Readonly<Record<MemoryLayer, Rgb>> = {
  vcpu: [255, 0, 0],
  dma: [0, 255, 0],
  other: [9, 9, 9],
  sent: [0, 0, 255],
  sentAgain: [7, 7, 7],
};

test.each([
  { width: TIMES, height: ADDRESSES },
  { width: 13, height: 20 },
])('at $width x $height pixels every layer that is shown is seen, and no other', ({ width, height }) => {
  const pixelsOf = (shown: readonly MemoryLayer[]) =>
    pictureOf(decoded(map), new Set(shown), COLOURS, { width, height });
  const columnsWith = (pixels: Uint8ClampedArray, channel: number) => {
    const columns = new Set<number>();
    for (let at = 0; at < pixels.length; at += 4)
      if ((pixels[at + 3] as number) > 60 && (pixels[at + channel] as number) > 60) columns.add((at / 4) % width);
    return columns.size;
  };
  expect(columnsWith(pixelsOf(['dma']), 1)).toBe(width);
  expect(columnsWith(pixelsOf(['sent']), 2)).toBe(width);
  expect(columnsWith(pixelsOf(['vcpu']), 1)).toBe(0);
  // Low addresses are at the bottom.
  const vcpu = pixelsOf(['vcpu']);
  expect(vcpu[4 * (height - 1) * width + 3]).toBe(255);
  expect(vcpu[3]).toBe(0);
  expect(pixelsOf([]).every((one) => one === 0)).toBe(true);
});

test('a cell says its pages and who touched how many of them', () => {
  const cell = cellAt(decoded(map), 2e9, 50.5 / ADDRESSES);
  expect(cell).toEqual({
    firstPage: firstPages[50],
    pages: PAGES_A_ROW,
    shares: [{ layer: 'dma', percent: 100 / 255 }],
  });
  expect(cellAt(decoded(map), 5e9, 0.5)).toBeUndefined();
});

test('addresses are round and beside their rows, with none in a hole', () => {
  const ticks = addressTicks(map, 10);
  expect(ticks.map(({ bytes }) => bytes / 2 ** 30)).toEqual(
    [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75].filter((gib) => gib < 0.5 || gib >= 1.5),
  );
  expect(ticks.find(({ bytes }) => bytes === 1.5 * 2 ** 30)?.up).toBeCloseTo(0.5, 6);
});

test('a map whose cells are not what it says is refused in words', () => {
  expect(() => decoded({ ...map, timeBins: 41 })).toThrow('layer vcpu of the memory map has 2560 cells, not 2624');
});
