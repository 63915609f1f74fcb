/**
 * Each page kernel against its twin in TypeScript, in one run and in turns, so that a busy machine is busy for both. Bitmaps
 * of 64 KiB, 2 MiB and 32 MiB: a guest of 2 GiB, 64 GiB and 1 TiB. The fastest of several rounds counts, because what else
 * runs on the machine can only add to it.
 */
import { createKernels } from '../hardware/kernels/create-kernels.ts';
import { lanesFrom } from '../hardware/kernels/lanes.ts';
import type { PageKernels } from '../hardware/kernels/page-kernels.ts';
import { createRandom } from '../hardware/random.ts';

export interface KernelTime {
  readonly kernel: string;
  readonly bitmapBytes: number;
  /** GB of bitmap a second, or ns for a mark or a page. */
  readonly unit: 'GB/s' | 'ns/mark' | 'ns/page';
  readonly wasm: number;
  readonly typescript: number;
  /** How many times faster WebAssembly is. */
  readonly ratio: number;
}

export interface KernelBench {
  /** ms of the first kernels of this process, compilation included, and of another's. */
  readonly firstInstanceMs: number;
  readonly instanceMs: number;
  readonly times: readonly KernelTime[];
}

const SIZES_BYTES = [2 ** 16, 2 ** 21, 2 ** 25] as const;
const MARKS = 2 ** 18;
const ROUNDS = 20;
/** So many rounds at least, and then as many as begin within this time: the twin takes a second for one of the longest. */
const LEAST_ROUNDS = 3;
const ROUNDS_MS = 300;
/** A round works on so many bytes of bitmap at least, so that the clock's own error is small; where pages count, on fewer. */
const ROUND_BYTES = 2 ** 26;
const SAMPLED_SHARE = 256;
const MEMORY_BYTES = 2 ** 27;

/** What one kernel does over and over; `reset` makes the arrays ready and is not timed. */
interface Work {
  readonly kernel: string;
  readonly unit: KernelTime['unit'];
  readonly reset?: () => void;
  run(): void;
}

interface Effort {
  /** How many count at each size, at most. */
  readonly rounds: number;
  readonly roundBytes: number;
}

export function benchKernels(
  sizesBytes: readonly number[] = SIZES_BYTES,
  effort: Effort = { rounds: ROUNDS, roundBytes: ROUND_BYTES },
): KernelBench {
  const startMs = performance.now();
  createKernels({ memoryBytes: 2 ** 17 });
  const firstInstanceMs = performance.now() - startMs;
  const nextMs = performance.now();
  for (let i = 0; i < 10; i++) createKernels({ memoryBytes: 2 ** 17 });
  const instanceMs = (performance.now() - nextMs) / 10;
  return { firstInstanceMs, instanceMs, times: sizesBytes.flatMap((bitmapBytes) => timesAt(bitmapBytes, effort)) };
}

function timesAt(bitmapBytes: number, effort: Effort): readonly KernelTime[] {
  const wasm = createKernels({ memoryBytes: MEMORY_BYTES });
  const both = [wasm, createKernels({ kind: 'typescript', memoryBytes: MEMORY_BYTES })];
  const [first, second] = both.map((kernels) => worksOf(kernels, bitmapBytes / 4));
  return first!.map(({ kernel, unit }, i) => {
    const ns = fastestNs([first![i]!, second![i]!], bitmapBytes, effort);
    const [fast, slow] = ns.map((each) => figureOf(unit, each, bitmapBytes));
    return { kernel, bitmapBytes, unit, wasm: fast!, typescript: slow!, ratio: ns[1]! / ns[0]! };
  });
}

function worksOf(kernels: PageKernels, words: number): readonly Work[] {
  const pages = 32 * words;
  const [into, from] = [kernels.words(words), kernels.words(words)];
  const [list, out] = [kernels.list(MARKS), kernels.list(MARKS)];
  const random = createRandom(1, 'bench');
  for (let i = 0; i < MARKS; i++) list[i] = random.below(pages);
  const lanes = lanesFrom(random);
  kernels.sampleBits(lanes, 0.3, from, words / 4);
  const kept = from.slice();
  return [
    { kernel: 'or', unit: 'GB/s', run: () => kernels.or(into, from) },
    { kernel: 'or and count', unit: 'GB/s', run: () => void kernels.orCount(into, from) },
    { kernel: 'sync', unit: 'GB/s', reset: () => from.set(kept), run: () => void kernels.sync(into, from) },
    { kernel: 'popcount', unit: 'GB/s', run: () => void kernels.count(into) },
    {
      kernel: 'scan, 1 % set',
      unit: 'GB/s',
      reset: () => void kernels.sampleBits(lanes, 0.01, from, words / 4),
      run: () => {
        for (let at = 0; ; ) {
          const n = kernels.scan(from, at, out);
          if (n < out.length) break;
          at = out[n - 1]! + 1;
        }
      },
    },
    {
      kernel: 'mark',
      unit: 'ns/mark',
      reset: () => void into.fill(0),
      run: () => kernels.mark(into, pages, list, MARKS),
    },
    {
      kernel: 'mark and count',
      unit: 'ns/mark',
      reset: () => void into.fill(0),
      run: () => void kernels.markCount(into, pages, list, MARKS),
    },
    { kernel: 'sample, p 0.63', unit: 'ns/page', run: () => void kernels.sampleBits(lanes, 0.63, from, words / 4) },
    {
      kernel: 'sample, p 0.001',
      unit: 'ns/page',
      run: () => {
        for (let at = 0; at < pages; ) {
          const n = kernels.sampleGaps(lanes, 0.001, at, pages, out);
          at = n < out.length ? pages : out[n - 1]! + 1;
        }
      },
    },
  ];
}

/** ns of one run of each, in turns. */
function fastestNs(rivals: readonly Work[], bitmapBytes: number, { rounds, roundBytes }: Effort): readonly number[] {
  const repeats = repeatsOf(rivals[0]!.unit, bitmapBytes, roundBytes);
  const best = rivals.map(() => Number.POSITIVE_INFINITY);
  const endMs = performance.now() + ROUNDS_MS;
  for (let round = 0; round < rounds && (round < LEAST_ROUNDS || performance.now() < endMs); round++) {
    for (const [i, { reset, run }] of rivals.entries()) {
      let ms = 0;
      for (let repeat = 0; repeat < repeats; repeat++) {
        reset?.();
        const startMs = performance.now();
        run();
        ms += performance.now() - startMs;
      }
      best[i] = Math.min(best[i]!, (1e6 * ms) / repeats);
    }
  }
  return best;
}

function repeatsOf(unit: KernelTime['unit'], bitmapBytes: number, roundBytes: number): number {
  switch (unit) {
    case 'GB/s':
      return Math.max(1, roundBytes / bitmapBytes);
    case 'ns/mark':
      return 1;
    case 'ns/page':
      return Math.max(1, roundBytes / SAMPLED_SHARE / bitmapBytes);
    default:
      return unit satisfies never;
  }
}

function figureOf(unit: KernelTime['unit'], ns: number, bitmapBytes: number): number {
  switch (unit) {
    case 'GB/s':
      return bitmapBytes / ns;
    case 'ns/mark':
      return ns / MARKS;
    case 'ns/page':
      return ns / (8 * bitmapBytes);
    default:
      return unit satisfies never;
  }
}
