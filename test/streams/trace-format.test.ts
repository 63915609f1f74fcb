/** The trace's text: what is written is read back exactly, and what is wrong is told with its line. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { forEachPage, type PageWrites, type WriteSource } from '../../src/streams/page-writes.ts';
import { readTrace, traceHead, traceLine } from '../../src/streams/trace-format.ts';

function pagesOf(batch: PageWrites): number[] {
  const pages: number[] = [];
  forEachPage(batch, (page) => pages.push(page));
  return pages;
}

const page = fc.integer({ min: 0, max: 2 ** 31 });
const form = fc.oneof(
  fc
    .array(page, { minLength: 1, maxLength: 20 })
    .map((pages) => ({ form: 'list' as const, pages: Uint32Array.from(pages) })),
  fc
    .array(fc.tuple(page, fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 8 })
    .map((pairs) => ({ form: 'extents' as const, pairs: Uint32Array.from(pairs.flat()) })),
  fc
    .tuple(fc.integer({ min: 0, max: 1000 }), fc.array(fc.integer(), { minLength: 1, maxLength: 8 }))
    .filter(([, words]) => words.some((word) => word !== 0))
    .map(([at, words]) => {
      const bits = words.reduce((sum, word) => sum + (word >>> 0).toString(2).replaceAll('0', '').length, 0);
      return { form: 'bitmap' as const, firstPage: at * 32, words: Int32Array.from(words), count: bits };
    }),
);
const batches: fc.Arbitrary<PageWrites[]> = fc
  .array(
    fc.record({
      step: fc.integer({ min: 0, max: 2 ** 40 }),
      length: fc.integer({ min: 0, max: 2 ** 40 }),
      source: fc.constantFrom<WriteSource>('vcpu:0-3,7', 'dma:nic0', 'host:vhost-net', 'kvm:its'),
      form,
    }),
    { maxLength: 12 },
  )
  .map((parts) => {
    let toNs = 0;
    return parts.map(({ step, length, source, form: pages }) => {
      toNs += step;
      return { fromNs: Math.max(0, toNs - length), toNs, source, ...pages };
    });
  });

const text = (pageBytes: number, all: readonly PageWrites[]) => traceHead(pageBytes) + all.map(traceLine).join('');

test('a batch of any form is read back: its span, its source, its pages in their order and number', () => {
  fc.assert(
    fc.property(batches, fc.constantFrom(4096, 16_384, 65_536), (all, pageBytes) => {
      const read = readTrace(text(pageBytes, all).split('\n'));
      if ('problem' in read) throw new Error(`${read.line}: ${read.problem}`);
      expect(read.pageBytes).toBe(pageBytes);
      expect(read.writes.map((one) => ({ ...one, pages: pagesOf(one) }))).toMatchObject(
        all.map((one) => ({ fromNs: one.fromNs, toNs: one.toNs, source: one.source, pages: pagesOf(one) })),
      );
      // A list stays one, and what has been read is written as the same text again.
      read.writes.forEach((one, i) => {
        if (all[i]?.form === 'list') expect(one.form).toBe('list');
      });
      expect(text(pageBytes, read.writes)).toBe(text(pageBytes, all));
    }),
  );
});

test('what is dense and in order is read as a bitmap of the same pages; what repeats or falls back is not', () => {
  const dense = Array.from({ length: 100 }, (_, i) => 1007 + 3 * i);
  const form = (words: readonly (number | string)[]) => {
    const read = readTrace(['switchover-trace 1', 'page 4096', `5 vcpu:0 ${words.join(' ')}`]);
    if ('problem' in read) throw new Error(read.problem);
    return { form: read.writes[0]!.form, pages: pagesOf(read.writes[0]!) };
  };
  expect(form(dense)).toEqual({ form: 'bitmap', pages: dense });
  expect(form([...dense, '1400+40'])).toEqual({
    form: 'bitmap',
    pages: [...dense, ...Array.from({ length: 40 }, (_, i) => 1400 + i)],
  });
  expect(form([...dense, 1007])).toEqual({ form: 'list', pages: [...dense, 1007] });
  expect(form(dense.map((page) => page * 100)).form).toBe('list');
});

test('comments, empty lines and instants', () => {
  const read = readTrace(['# made by hand', 'switchover-trace 1', '', 'page 4096', '  7 host:vhost 3 4', '# end', '']);
  expect(read).toEqual({
    pageBytes: 4096,
    writes: [{ fromNs: 7, toNs: 7, source: 'host:vhost', form: 'list', pages: Uint32Array.of(3, 4) }],
  });
});

describe('a wrong line is named', () => {
  const head = ['switchover-trace 1', 'page 4096'];
  test.each([
    [['elf'], 1, /must be "switchover-trace 1"/],
    [['switchover-trace 2'], 1, /must be "switchover-trace 1"/],
    [[], 1, /ends before/],
    [['switchover-trace 1'], 2, /ends before/],
    [['switchover-trace 1', 'page 4k'], 2, /page size/],
    [[...head, 'vcpu:0 3'], 3, /no time/],
    [[...head, '-1 vcpu:0 3'], 3, /no time/],
    [[...head, '5 3 vcpu:0 3'], 3, /no span/],
    [[...head, '99999999999999999999 vcpu:0 3'], 3, /no span/],
    [[...head, '1 5 disk:0 3'], 3, /no source/],
    [[...head, '1 5'], 3, /end of the line/],
    [[...head, '1 5 vcpu:0'], 3, /no page/],
    [[...head, '1 5 vcpu:0 x'], 3, /x is no page/],
    [[...head, '1 5 vcpu:0 1 7+0'], 3, /7\+0 is no page/],
    [[...head, '1 5 vcpu:0 4294967295+2'], 3, /is no page/],
    [[...head, '# fine', '1 5 vcpu:0 1', '2 dma:nic0 7', '4 vcpu:0 1'], 6, /at 5 ns already/],
  ] as const)('%j: line %i', (lines, line, problem) => {
    expect(readTrace(lines)).toEqual({ line, problem: expect.stringMatching(problem) });
  });
});
