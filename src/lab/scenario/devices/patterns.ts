/**
 * The parts of which a device's DMA is put together, as a scenario names them. `nvme` and `accelerator` are presets of
 * these; `custom` is a list of them. Sizes and places are guest memory, but for `peer`, which is another device's.
 */
import { z } from 'zod';
import { COMPLETION_ENTRY_BYTES } from '../../../hardware/dma/queues.ts';
import { count, quantity, section, word, workRate } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkRange, finding, type Path, sizeText } from '../places.ts';
import { WRITE_RATE, type WriteRateText } from '../quantity.ts';
import { dataRate, printDataRate, printSize, printText, size } from '../values.ts';
import type { Vm } from '../vm.ts';
import { normaliseTraceFile, printTraceFile, type TraceFile, traceKeys } from '../workloads/trace.ts';
import { writesPerSecond } from '../workloads/writing.ts';
import { checkScattered, type PageOrder, pageOrder, skew } from '../workloads/zipf.ts';
import { id } from './common.ts';

interface Place {
  readonly setBytes: number;
  readonly atBytes: number;
}

export interface RingDma extends Place {
  readonly pattern: 'ring';
  readonly bytesPerSecond: number;
}

export interface RandomDma extends Place {
  readonly pattern: 'random';
  readonly blockBytes: number;
  readonly bytesPerSecond: number;
}

export interface ZipfDma extends Place {
  readonly pattern: 'zipf';
  readonly skew: number;
  readonly order: PageOrder;
  readonly writesPerSecond: number;
}

export interface QueuesDma {
  readonly pattern: 'queues';
  readonly queues: number;
  /** Entries of each queue. */
  readonly depth: number;
  /** Where the first queue begins; each begins on a page. */
  readonly atBytes: number;
  readonly buffersBytes: number;
  readonly buffersAtBytes: number;
  readonly readsPerSecond: number;
  readonly readBytes: number;
  readonly otherCommandsPerSecond: number;
}

export interface PeerDma {
  readonly pattern: 'peer';
  readonly to: string;
  readonly bytesPerSecond: number;
}

export interface TraceDma extends TraceFile {
  readonly pattern: 'trace';
}

export type Dma = RingDma | RandomDma | ZipfDma | QueuesDma | PeerDma | TraceDma;

const commands = (description: string) => quantity<WriteRateText>(WRITE_RATE, description);
const at = size('Where the set begins; a whole number of pages.').prefault(0);
const set = size('Size of the set of pages.');

export const ringKeys = { rate: dataRate('What is written, to one buffer after the other.'), set, at };
export const randomKeys = {
  rate: dataRate('What is written, in blocks.'),
  block: size('One block, aligned to its size; a page by default.').optional(),
  set,
  at,
};
export const zipfKeys = {
  rate: workRate('Writes, most of them to few pages.'),
  skew: skew.prefault(0),
  order: pageOrder,
  set,
  at,
};
export const queuesKeys = {
  queues: count(1, 65_535, 'Completion queues, which share the commands evenly.').prefault(1),
  depth: count(2, 65_536, 'Entries of each queue, 16 bytes each.').prefault(1024),
  at: size('Where the first queue begins; each begins on a page.').prefault(0),
  reads: commands('Reads, each of which writes its data and an entry.'),
  readSize: size('Data of one read.').prefault('4KiB'),
  otherCommands: commands('Commands that only write an entry: writes and flushes.').prefault(0),
  buffers: size('Where the data of reads goes, anywhere in it.'),
  buffersAt: size('Where the buffers begin; behind the queues by default.').optional(),
};
export const peerKeys = {
  to: id.describe('The device that is written to.'),
  rate: dataRate('What is written into its memory, which is no guest memory.'),
};

export const patternSchema = z.discriminatedUnion('pattern', [
  section({ pattern: z.literal('ring'), ...ringKeys }),
  section({ pattern: z.literal('random'), ...randomKeys }),
  section({ pattern: z.literal('zipf'), ...zipfKeys }),
  section({ pattern: z.literal('queues'), ...queuesKeys }),
  section({ pattern: z.literal('peer'), ...peerKeys }),
  section({ pattern: z.literal('trace'), ...traceKeys }),
]);
export type ReadPattern = z.output<typeof patternSchema>;
type PatternInput = z.input<typeof patternSchema>;

/** What a P2P state stops: only writes to peers, or all DMA, for a device that cannot tell them apart. */
export const P2P_STOPS = ['peers', 'all'] as const;
export type P2pStops = (typeof P2P_STOPS)[number];
export const p2pStopsKey = {
  p2pStops: word(
    P2P_STOPS,
    'What a P2P state stops: writes to peers, or all DMA (include/uapi/linux/vfio.h).',
  ).prefault('peers'),
};

/** Bytes of all queues: each is whole pages. */
function queuesBytes({ queues, depth }: Pick<QueuesDma, 'queues' | 'depth'>, pageSizeBytes: number): number {
  return queues * queueBytes(depth, pageSizeBytes);
}

export function queueBytes(depth: number, pageSizeBytes: number): number {
  return Math.ceil((depth * COMPLETION_ENTRY_BYTES) / pageSizeBytes) * pageSizeBytes;
}

export function normalisePattern(read: ReadPattern, pageSizeBytes: number): Dma {
  switch (read.pattern) {
    case 'ring':
      return { pattern: 'ring', bytesPerSecond: read.rate, setBytes: read.set, atBytes: read.at };
    case 'random': {
      const blockBytes = read.block ?? pageSizeBytes;
      return { pattern: 'random', bytesPerSecond: read.rate, blockBytes, setBytes: read.set, atBytes: read.at };
    }
    case 'zipf':
      return {
        pattern: 'zipf',
        writesPerSecond: writesPerSecond(read.rate, pageSizeBytes),
        skew: read.skew,
        order: read.order,
        setBytes: read.set,
        atBytes: read.at,
      };
    case 'queues':
      return {
        pattern: 'queues',
        queues: read.queues,
        depth: read.depth,
        atBytes: read.at,
        buffersBytes: read.buffers,
        buffersAtBytes: read.buffersAt ?? read.at + queuesBytes(read, pageSizeBytes),
        readsPerSecond: read.reads,
        readBytes: read.readSize,
        otherCommandsPerSecond: read.otherCommands,
      };
    case 'peer':
      return { pattern: 'peer', to: read.to, bytesPerSecond: read.rate };
    case 'trace':
      return { pattern: 'trace', ...normaliseTraceFile(read) };
    default:
      return read satisfies never;
  }
}

export function checkPattern(dma: Dma, vm: Vm, path: Path): readonly Finding[] {
  switch (dma.pattern) {
    case 'ring':
      return checkRange(path, 'set', dma.atBytes, dma.setBytes, vm);
    case 'random':
      return [
        ...checkRange(path, 'set', dma.atBytes, dma.setBytes, vm),
        ...(dma.blockBytes === 0 ? [finding([...path, 'block'], 'must be larger than 0')] : []),
      ];
    case 'zipf':
      return [...checkRange(path, 'set', dma.atBytes, dma.setBytes, vm), ...checkScattered(dma, vm, [...path, 'set'])];
    case 'queues':
      return checkQueues(dma, vm, path);
    case 'peer':
    case 'trace':
      return [];
    default:
      return dma satisfies never;
  }
}

function checkQueues(dma: QueuesDma, vm: Vm, path: Path): readonly Finding[] {
  const bytes = queuesBytes(dma, vm.pageSizeBytes);
  const buffers = checkRange(path, 'buffers', dma.buffersAtBytes, dma.buffersBytes, vm);
  return [
    ...checkRange(path, 'queues', dma.atBytes, bytes, vm),
    // `checkRange` speaks of `at`, which is the queues' here.
    ...buffers.map((found) => (found.path.at(-1) === 'at' ? { ...found, path: [...path, 'buffersAt'] } : found)),
    ...(dma.readBytes === 0 ? [finding([...path, 'readSize'], 'must be larger than 0')] : []),
    ...(dma.buffersAtBytes < dma.atBytes + bytes && dma.atBytes < dma.buffersAtBytes + dma.buffersBytes
      ? [
          finding(
            [...path, 'buffersAt'],
            `lies in the queues, which take ${sizeText(bytes)} at ${sizeText(dma.atBytes)}`,
          ),
        ]
      : []),
  ];
}

export function printPattern(dma: Dma): PatternInput {
  switch (dma.pattern) {
    case 'ring':
      return { pattern: 'ring', rate: printDataRate(dma.bytesPerSecond), ...printPlace(dma) };
    case 'random':
      return {
        pattern: 'random',
        rate: printDataRate(dma.bytesPerSecond),
        block: printSize(dma.blockBytes),
        ...printPlace(dma),
      };
    case 'zipf':
      return {
        pattern: 'zipf',
        rate: printText<WriteRateText>(WRITE_RATE, dma.writesPerSecond),
        skew: dma.skew,
        order: dma.order,
        ...printPlace(dma),
      };
    case 'queues':
      return {
        pattern: 'queues',
        queues: dma.queues,
        depth: dma.depth,
        at: printSize(dma.atBytes),
        reads: printText<WriteRateText>(WRITE_RATE, dma.readsPerSecond),
        readSize: printSize(dma.readBytes),
        otherCommands: printText<WriteRateText>(WRITE_RATE, dma.otherCommandsPerSecond),
        buffers: printSize(dma.buffersBytes),
        buffersAt: printSize(dma.buffersAtBytes),
      };
    case 'peer':
      return { pattern: 'peer', to: dma.to, rate: printDataRate(dma.bytesPerSecond) };
    case 'trace':
      return { pattern: 'trace', ...printTraceFile(dma) };
    default:
      return dma satisfies never;
  }
}

function printPlace({ setBytes, atBytes }: Place) {
  return { set: printSize(setBytes), at: printSize(atBytes) };
}

/** The preset says which pattern it is. */
export function withoutPattern(printed: PatternInput): object {
  const { pattern: _, ...keys } = printed;
  return keys;
}
