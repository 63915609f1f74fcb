/**
 * Pages a second by source, one value for each span that batches share. The model's writers all emit for the same span
 * and may cut one span's pages into several batches, so a rate is known when the next span begins, or at the end.
 *
 * A list counts every write, extents and bitmaps count pages: this is a rate of page writes as carried, not of distinct
 * pages (that is `dirtyPagesBySource`). A batch without duration, one write at an instant, has no rate and is left out.
 */
import { Observable, type OperatorFunction } from 'rxjs';
import { type PageWrites, pagesIn, type WriteSource } from './page-writes.ts';

export interface WriteRate {
  readonly fromNs: number;
  readonly toNs: number;
  readonly pagesPerSecond: ReadonlyMap<WriteSource, number>;
}

export function writeRate(): OperatorFunction<PageWrites, WriteRate> {
  return (batches$) =>
    new Observable<WriteRate>((subscriber) => {
      let fromNs = 0;
      let toNs = 0;
      let pages = new Map<WriteSource, number>();
      const flush = () => {
        if (pages.size === 0) return;
        const perSecond = 1e9 / (toNs - fromNs);
        const pagesPerSecond = new Map([...pages].map(([source, n]) => [source, n * perSecond]));
        pages = new Map();
        subscriber.next({ fromNs, toNs, pagesPerSecond });
      };
      return batches$.subscribe({
        next: (batch) => {
          if (batch.toNs <= batch.fromNs) return;
          if (batch.fromNs !== fromNs || batch.toNs !== toNs) {
            flush();
            fromNs = batch.fromNs;
            toNs = batch.toNs;
          }
          pages.set(batch.source, (pages.get(batch.source) ?? 0) + pagesIn(batch));
        },
        error: (error) => subscriber.error(error),
        complete: () => {
          flush();
          subscriber.complete();
        },
      });
    });
}
