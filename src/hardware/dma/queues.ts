/**
 * What an NVMe controller writes into guest memory: the data of each read into its buffers, and for every command, reads
 * and writes alike, a completion entry into one of the completion queues, which are rings. The queues are few pages that
 * are always dirty; the buffers are as many as the reads touch.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageSet } from '../page-set.ts';
import type { Random } from '../random.ts';
import { WriteHead } from '../workloads/write-head.ts';
import type { Emit, Writer } from '../workloads/writer.ts';
import { createBlocks } from './blocks.ts';

/** Bytes of a completion queue entry: NVM Express base specification, "Completion Queue Entry", 4 dwords. */
export const COMPLETION_ENTRY_BYTES = 16;

export interface QueuesPattern {
  readonly pattern: 'queues';
  /** The completion queues: each range is one, and they share the commands evenly. */
  readonly queues: readonly PageRange[];
  /** Where the data of reads goes, anywhere in it. */
  readonly buffers: readonly PageRange[];
  readonly readsPerSecond: number;
  /** Bytes of one read. */
  readonly readBytes: number;
  /** Commands that write no data into the guest: the guest's own writes and flushes. */
  readonly otherCommandsPerSecond: number;
}

export class Queues implements Writer {
  readonly #parts: readonly Writer[];

  constructor(spec: QueuesPattern, source: WriteSource, pageBytes: number, random: Random) {
    if (spec.queues.length === 0) throw new RangeError(`${source}: commands complete in a queue, and there is none`);
    const commandsPerSecond = spec.readsPerSecond + spec.otherCommandsPerSecond;
    const rate = { bytesPerSecond: (commandsPerSecond * COMPLETION_ENTRY_BYTES) / spec.queues.length };
    const { buffers, readBytes, readsPerSecond } = spec;
    this.#parts = [
      ...spec.queues.map((queue) => new WriteHead(source, { set: new PageSet([queue]), rate, pageBytes })),
      createBlocks({ set: buffers, blockBytes: readBytes, blocksPerSecond: readsPerSecond }, source, pageBytes, random),
    ];
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    for (const part of this.#parts) part.advance(fromNs, toNs, speedPercent, emit);
  }
}
