/**
 * DMA_LOGGING_REPORT as a program calls it: a bitmap of 64-bit words in, with a page size of the caller's own choice.
 *
 * Bit k of word w stands for [iova + (64 w + k) page_size, + page_size). The page size of the query and that of the tracker
 * are independent: a coarser tracker sets many bits for one write, a coarser query folds many pages into one bit
 * (include/uapi/linux/vfio.h, struct vfio_device_feature_dma_logging_report). Bits are only ever set, never cleared, so a
 * buffer that is not zeroed keeps old dirt; and only what was asked for is taken from the log.
 */
import type { Errno } from '../../machines/words.ts';
import type { DmaLog } from './dma-log.ts';
import { checkReport, type IovaRange } from './dma-log-checks.ts';
import type { GuestMemory } from './memory.ts';
import { PageBitmap } from './page-bitmap.ts';

export interface ReportQuery extends IovaRange {
  /** Bytes that one bit stands for: a power of two, 4096 or more. */
  readonly pageBytes: number;
}

/** Words that the bitmap of a query needs. */
export function reportWords({ lengthBytes, pageBytes }: ReportQuery): number {
  const bits = (lengthBytes + BigInt(pageBytes) - 1n) / BigInt(pageBytes);
  return Number((bits + 63n) / 64n);
}

/**
 * Sets the bits of what is dirty in the query; undefined when it worked. EFAULT when the bitmap is too short for the query.
 * After any error the whole log is worthless: what was taken before it is in the bitmap or nowhere.
 */
export function reportBits(
  log: DmaLog,
  memory: GuestMemory,
  query: ReportQuery,
  bitmap: BigUint64Array,
): Errno | undefined {
  const refused = checkReport(log.capable, query);
  if (refused !== undefined) return refused;
  if (bitmap.length < reportWords(query)) return 'EFAULT';
  const size = BigInt(memory.pageBytes);
  const limit = BigInt(memory.pages);
  const firstPage = query.iova / size;
  const endPage = (query.iova + query.lengthBytes + size - 1n) / size;
  const first = Number(firstPage < limit ? firstPage : limit);
  const range = { firstPage: first, pages: Number(endPage < limit ? endPage : limit) - first };
  // With an arena of its own: what it takes of the world's is not given back before the world ends.
  const dirty = new PageBitmap(memory.pages);
  const found = log.report(dirty, range);
  const start = Number(query.iova % size);
  dirty.forEach((page) => {
    // A guest page may be several bits of a finer query; the first and last may reach out of it.
    const from = Math.max(0, (page - first) * memory.pageBytes - start);
    const to = Math.min(Number(query.lengthBytes), (page - first + 1) * memory.pageBytes - start);
    for (let bit = Math.floor(from / query.pageBytes); bit * query.pageBytes < to; bit++) {
      bitmap[Math.floor(bit / 64)]! |= 1n << BigInt(bit % 64);
    }
  });
  return 'errno' in found ? found.errno : undefined;
}
