/** A memory map as a picture: each cell the mixture of those who touched it, the more of its pages the stronger. */
import type { MemoryLayer, MemoryMap } from '../../page-data.ts';

export const LAYERS = ['vcpu', 'dma', 'other', 'sent', 'sentAgain'] as const satisfies readonly MemoryLayer[];

/** What a cell's share is a share of. */
export const LAYER_NAMES: Readonly<Record<MemoryLayer, string>> = {
  vcpu: 'dirtied by vCPUs',
  dma: 'dirtied by DMA',
  other: 'dirtied by others',
  sent: 'sent',
  sentAgain: 'sent again',
};

export type Rgb = readonly [number, number, number];

export interface DecodedMap {
  readonly map: MemoryMap;
  readonly cells: Readonly<Record<MemoryLayer, Uint8Array>>;
}

/** Throws for one whose cells are not what it says. */
export function decoded(map: MemoryMap): DecodedMap {
  const count = map.timeBins * map.addressBins;
  const cellsOf = (layer: MemoryLayer) => {
    const bytes = Uint8Array.from(atob(map.cells[layer]), (letter) => letter.charCodeAt(0));
    if (bytes.length !== count)
      throw new Error(`layer ${layer} of the memory map has ${bytes.length} cells, not ${count}`);
    return bytes;
  };
  return { map, cells: Object.fromEntries(LAYERS.map((layer) => [layer, cellsOf(layer)])) as DecodedMap['cells'] };
}

/** A page in a thousand is to be seen, too. */
const LEAST_ALPHA = 0.3;

export interface Raster {
  readonly width: number;
  readonly height: number;
}

/**
 * RGBA, the lowest addresses at the bottom. Where there are more cells than pixels, of all that fall into one the greatest share
 * counts: a line that is one cell thin is not lost.
 */
export function pictureOf(
  decoded: DecodedMap,
  shown: ReadonlySet<MemoryLayer>,
  colours: Readonly<Record<MemoryLayer, Rgb>>,
  { width, height }: Raster,
): Uint8ClampedArray<ArrayBuffer> {
  const layers = LAYERS.filter((layer) => shown.has(layer)).map((layer) => ({
    shares: pooled(decoded, layer, { width, height }),
    rgb: colours[layer],
  }));
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let [red, green, blue, weight, clear] = [0, 0, 0, 0, 1];
      for (const { shares, rgb } of layers) {
        const share = shares[row * width + column] as number;
        if (share === 0) continue;
        const alpha = LEAST_ALPHA + (1 - LEAST_ALPHA) * Math.sqrt(share / 255);
        red += alpha * rgb[0];
        green += alpha * rgb[1];
        blue += alpha * rgb[2];
        weight += alpha;
        clear *= 1 - alpha;
      }
      if (weight === 0) continue;
      const pixel = 4 * ((height - 1 - row) * width + column);
      pixels[pixel] = red / weight;
      pixels[pixel + 1] = green / weight;
      pixels[pixel + 2] = blue / weight;
      pixels[pixel + 3] = 255 * (1 - clear);
    }
  }
  return pixels;
}

function pooled(
  { map: { timeBins, addressBins }, cells }: DecodedMap,
  layer: MemoryLayer,
  { width, height }: Raster,
): Uint8Array {
  const of = cells[layer];
  if (width === timeBins && height === addressBins) return of;
  const shares = new Uint8Array(width * height);
  for (let row = 0; row < addressBins; row++) {
    const to = Math.floor((row * height) / addressBins) * width;
    for (let bin = 0; bin < timeBins; bin++) {
      const share = of[row * timeBins + bin] as number;
      const pixel = to + Math.floor((bin * width) / timeBins);
      if (share > (shares[pixel] as number)) shares[pixel] = share;
    }
  }
  return shares;
}

/** What is where: of each layer the share of the cell's pages in percent, those with none left out. */
export function cellAt({ map, cells }: DecodedMap, ns: number, up: number) {
  const { timeBins, addressBins, fromNs, toNs, firstPages } = map;
  const bin = Math.floor(((ns - fromNs) / (toNs - fromNs)) * timeBins);
  const row = Math.floor(up * addressBins);
  if (bin < 0 || bin >= timeBins || row < 0 || row >= addressBins) return undefined;
  const firstPage = firstPages[row] ?? 0;
  return {
    firstPage,
    pages: pagesOf(map, row),
    shares: LAYERS.flatMap((layer) => {
      const share = cells[layer][row * timeBins + bin] as number;
      return share === 0 ? [] : [{ layer, percent: (100 * share) / 255 }];
    }),
  };
}

export interface AddressTick {
  /** From the bottom, as a share of the height. */
  readonly up: number;
  readonly bytes: number;
}

/** Round addresses, a power of two apart, where memory is; about `most`. */
export function addressTicks(map: MemoryMap, most: number): readonly AddressTick[] {
  const { firstPages, pageBytes, addressBins, pages } = map;
  const last = firstPages[addressBins] ?? pages;
  const least = ((last - (firstPages[0] ?? 0)) * pageBytes) / Math.max(1, most);
  const step = 2 ** Math.ceil(Math.log2(Math.max(1, least)));
  const ticks: AddressTick[] = [];
  for (let bytes = 0; bytes < last * pageBytes; bytes += step) {
    const page = bytes / pageBytes;
    const row = firstPages.findIndex(
      (first, nth) => nth < addressBins && page >= first && page < first + pagesOf(map, nth),
    );
    if (row === -1) continue;
    ticks.push({ up: (row + (page - (firstPages[row] as number)) / pagesOf(map, row)) / addressBins, bytes });
  }
  return ticks;
}

/** Of a row: up to the next one, or less where a hole lies between them. Rows have as many each, give or take one. */
function pagesOf({ firstPages, addressBins, pages }: MemoryMap, row: number): number {
  const most = usualPages(firstPages, addressBins, pages);
  return Math.max(1, Math.min(most, (firstPages[row + 1] ?? pages) - (firstPages[row] ?? 0)));
}

const usual = new WeakMap<readonly number[], number>();

function usualPages(firstPages: readonly number[], addressBins: number, pages: number): number {
  let found = usual.get(firstPages);
  if (found === undefined) {
    const all = Array.from(
      { length: addressBins },
      (_, row) => (firstPages[row + 1] ?? pages) - (firstPages[row] ?? 0),
    );
    all.sort((a, b) => a - b);
    found = all[Math.floor(all.length / 2)] ?? 0;
    usual.set(firstPages, found);
  }
  return found;
}
