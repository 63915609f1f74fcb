import { Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { type DirtyPagesBySource, dirtyPagesBySource } from '../../src/streams/dirty-pages-by-source.ts';
import type { PageWrites, WriteSource } from '../../src/streams/page-writes.ts';

const list = (source: WriteSource, fromNs: number, toNs: number, ...pages: number[]): PageWrites => ({
  fromNs,
  toNs,
  source,
  form: 'list',
  pages: Uint32Array.from(pages),
});

describe('dirtyPagesBySource', () => {
  const collect = () => {
    const batches$ = new Subject<PageWrites>();
    const reset$ = new Subject<void>();
    const seen: DirtyPagesBySource[] = [];
    let ended: unknown = false;
    batches$.pipe(dirtyPagesBySource(() => new PageBitmap(1000), reset$)).subscribe({
      next: (counts) => seen.push(counts),
      error: (error) => (ended = error),
      complete: () => (ended = true),
    });
    const last = () => Object.fromEntries(seen.at(-1)?.dirtyPages ?? []);
    return { batches$, reset$, seen, last, ended: () => ended };
  };

  test('counts distinct pages; one written by two counts for both', () => {
    const { batches$, seen, last } = collect();
    batches$.next(list('vcpu:0', 0, 10, 1, 2, 1));
    batches$.next(list('dma:nic0', 0, 10, 2, 3, 4));
    batches$.next(list('vcpu:0', 10, 20, 2, 5));
    expect(last()).toEqual({ 'vcpu:0': 3, 'dma:nic0': 3 });
    expect(seen.map(({ atNs }) => atNs)).toEqual([10, 10, 20]);
  });

  test('is silent about a batch that changes nothing', () => {
    const { batches$, seen } = collect();
    batches$.next(list('vcpu:0', 0, 10, 1));
    batches$.next(list('vcpu:0', 10, 20, 1));
    expect(seen).toHaveLength(1);
  });

  test('a reset begins again, and keeps the sources', () => {
    const { batches$, reset$, last } = collect();
    batches$.next(list('vcpu:0', 0, 10, 1, 2));
    batches$.next(list('dma:nic0', 0, 10, 9));
    reset$.next();
    batches$.next(list('vcpu:0', 10, 20, 2));
    expect(last()).toEqual({ 'vcpu:0': 1, 'dma:nic0': 0 });
  });

  test('ends and fails with its source, and lets go of both', () => {
    const ending = collect();
    ending.batches$.complete();
    expect([ending.ended(), ending.reset$.observed]).toEqual([true, false]);
    const failing = collect();
    failing.batches$.error('lost');
    expect([failing.ended(), failing.reset$.observed]).toEqual(['lost', false]);
  });
});
