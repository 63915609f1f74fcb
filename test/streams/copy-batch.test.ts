import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { copyBatch } from '../../src/streams/copy-batch.ts';
import type { PageWrites, WriteSource } from '../../src/streams/page-writes.ts';

const list = (source: WriteSource, fromNs: number, toNs: number, ...pages: number[]): PageWrites => ({
  fromNs,
  toNs,
  source,
  form: 'list',
  pages: Uint32Array.from(pages),
});
const forms = (): PageWrites[] => [
  list('vcpu:0', 0, 1, 7, 8, 7),
  { fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'extents', pairs: Uint32Array.of(5, 10, 100, 3) },
  { fromNs: 0, toNs: 1, source: 'vcpu:0', form: 'bitmap', firstPage: 32, words: Int32Array.of(-1, 1), count: 33 },
];

describe('copyBatch', () => {
  test.each(forms())('a kept $form survives its writer’s next use of the buffer', (batch) => {
    const kept: PageWrites[] = [];
    of(batch)
      .pipe(copyBatch())
      .subscribe((own) => kept.push(own));
    const expected = structuredClone(batch);
    const borrowed = batch.form === 'list' ? batch.pages : batch.form === 'extents' ? batch.pairs : batch.words;
    borrowed.fill(0);
    expect(kept).toEqual([expected]);
  });

  test('copies a view, not the buffer behind it', () => {
    const buffer = new Uint32Array(10_000);
    const batch: PageWrites = { ...list('vcpu:0', 0, 1), form: 'list', pages: buffer.subarray(0, 4) };
    of(batch)
      .pipe(copyBatch())
      .subscribe((own) => expect(own.form === 'list' && own.pages.buffer.byteLength).toBe(16));
    expect.assertions(1);
  });
});
