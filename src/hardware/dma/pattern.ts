/**
 * The parts that a device's DMA is put together from, as plain data: a device is a list of them. A NIC is a ring, an NVMe
 * controller a `queues`, an accelerator a `zipf` or `random`; a device that nobody has written code for is whatever list
 * describes it. What is written into a peer's memory is no guest memory and is counted apart (peer-writes.ts).
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import type { GuestMemory } from '../memory.ts';
import { PageSet } from '../page-set.ts';
import type { Random } from '../random.ts';
import type { TraceSpec } from '../workloads/trace.ts';
import { createWriter, requireRamOf } from '../workloads/workload.ts';
import { WriteHead } from '../workloads/write-head.ts';
import type { Writer } from '../workloads/writer.ts';
import { createBlocks } from './blocks.ts';
import type { PeerPattern } from './peer-writes.ts';
import { Queues, type QueuesPattern } from './queues.ts';

/** Buffers that are filled one after the other, for ever. */
export interface RingPattern {
  readonly pattern: 'ring';
  readonly set: readonly PageRange[];
  readonly bytesPerSecond: number;
}

/** Blocks at random places of a set, each aligned to its size. */
export interface RandomPattern {
  readonly pattern: 'random';
  readonly set: readonly PageRange[];
  readonly blockBytes: number;
  readonly blocksPerSecond: number;
}

/** Pages of a set by Zipf's law (../workloads/zipf.ts). */
export interface ZipfPattern {
  readonly pattern: 'zipf';
  readonly set: readonly PageRange[];
  readonly skew: number;
  readonly writesPerSecond: number;
  /** Default `scattered`. */
  readonly order?: 'address' | 'scattered';
}

/** What was recorded of a device, again. Its clock stands while the device's DMA does. */
export interface TracePattern {
  readonly pattern: 'trace';
  readonly writes: TraceSpec['writes'];
}

export type MemoryPattern = RingPattern | RandomPattern | ZipfPattern | QueuesPattern | TracePattern;
export type DmaPattern = MemoryPattern | PeerPattern;

/** Throws a RangeError when it would write outside RAM, or has nothing to write to. */
export function createPattern(spec: MemoryPattern, source: WriteSource, memory: GuestMemory, random: Random): Writer {
  const { pageBytes } = memory;
  switch (spec.pattern) {
    case 'ring': {
      memory.requireRam(spec.set, source);
      const rate = { bytesPerSecond: spec.bytesPerSecond };
      return new WriteHead(source, { set: new PageSet(spec.set), rate, pageBytes });
    }
    case 'random':
      memory.requireRam(spec.set, source);
      return createBlocks(spec, source, pageBytes, random);
    case 'zipf': {
      const { set, skew, writesPerSecond, order } = spec;
      const zipf = { kind: 'zipf', set, skew, rate: { writesPerSecond }, ...(order && { order }) } as const;
      requireRamOf(zipf, memory, source);
      return createWriter(zipf, source, pageBytes, random);
    }
    case 'queues':
      memory.requireRam([...spec.queues, ...spec.buffers], source);
      return new Queues(spec, source, pageBytes, random);
    case 'trace': {
      const trace = { kind: 'trace', writes: spec.writes } as const;
      requireRamOf(trace, memory, source);
      return createWriter(trace, source, pageBytes, random);
    }
    default:
      return spec satisfies never;
  }
}
