/**
 * A batch of page writes is borrowed: its writer fills the same array again. Whoever keeps one past `next` (a buffer, a
 * delay, another thread) puts this operator first. It copies only what the batch names, not the buffer behind it.
 */
import { map, type OperatorFunction } from 'rxjs';
import type { PageWrites } from './page-writes.ts';

/** The same batch with an array of its own. */
export function ownBatch(batch: PageWrites): PageWrites {
  switch (batch.form) {
    case 'list':
      return { ...batch, pages: batch.pages.slice() };
    case 'extents':
      return { ...batch, pairs: batch.pairs.slice() };
    case 'bitmap':
      return { ...batch, words: batch.words.slice() };
    default:
      return batch satisfies never;
  }
}

/** Every batch, with an array of its own: may be kept. */
export function copyBatch(): OperatorFunction<PageWrites, PageWrites> {
  return map(ownBatch);
}
