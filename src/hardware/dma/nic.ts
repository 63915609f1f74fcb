/**
 * A NIC's receive side: packets land in its ring's buffers, one after the other, round and round, at the rate of the
 * traffic. It never writes outside its buffers, and it fills all of them every `ring / rate` seconds.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageSet } from '../page-set.ts';
import { WriteHead } from '../workloads/write-head.ts';

export interface NicDmaSpec {
  readonly kind: 'nic';
  /** The buffers behind its receive ring. */
  readonly buffers: readonly PageRange[];
  readonly bytesPerSecond: number;
}

export function createNicDma(spec: NicDmaSpec, source: WriteSource, pageBytes: number): WriteHead {
  return new WriteHead(source, {
    set: new PageSet(spec.buffers),
    rate: { bytesPerSecond: spec.bytesPerSecond },
    pageBytes,
  });
}
