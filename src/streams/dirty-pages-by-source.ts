/**
 * How many different pages each source has written: what a plot of a run's writers shows, and what a report splits a
 * round's dirty pages into. A page that two sources wrote counts for both.
 *
 * The sets themselves are the caller's (`() => new PageBitmap(pages)`): streams know batches, not memory.
 */
import { Observable, type OperatorFunction, type Subscription } from 'rxjs';
import type { PageWrites, WriteSource } from './page-writes.ts';

/** The little that is asked of a set of pages. */
export interface DirtySet {
  applyWrites(batch: PageWrites): number;
  readonly count: number;
  clearAll(): void;
}

export interface DirtyPagesBySource {
  /** End of the span of the batch that this count includes. */
  readonly atNs: number;
  /** Distinct pages since the start or the last reset, by source, in the order in which the sources first wrote. */
  readonly dirtyPages: ReadonlyMap<WriteSource, number>;
}

/**
 * Counts distinct pages per source, and emits after each batch that changed a count. `reset$` empties all sets, as a
 * sync does; the sources stay listed, with 0 pages. One `createSet()` is called for each source that appears.
 */
export function dirtyPagesBySource(
  createSet: () => DirtySet,
  reset$?: Observable<unknown>,
): OperatorFunction<PageWrites, DirtyPagesBySource> {
  return (batches$) =>
    new Observable<DirtyPagesBySource>((subscriber) => {
      const sets = new Map<WriteSource, DirtySet>();
      const resets: Subscription | undefined = reset$?.subscribe({
        next: () => {
          for (const set of sets.values()) set.clearAll();
        },
        error: (error) => subscriber.error(error),
      });
      subscriber.add(resets);
      subscriber.add(
        batches$.subscribe({
          next: (batch) => {
            let set = sets.get(batch.source);
            if (set === undefined) sets.set(batch.source, (set = createSet()));
            if (set.applyWrites(batch) === 0) return;
            const dirtyPages = new Map([...sets].map(([source, { count }]) => [source, count]));
            subscriber.next({ atNs: batch.toNs, dirtyPages });
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      );
    });
}
