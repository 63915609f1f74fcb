/**
 * A trace of page writes as text, so that it can be recorded here, made elsewhere, read, cut and compared by anybody:
 *
 *     switchover-trace 1
 *     page 4096
 *     # fromNs toNs source pages: what was written in (fromNs, toNs]
 *     0 50000000 vcpu:0-3 17 18 512+64
 *     # toNs source pages: at that instant
 *     60000000 host:vhost 3
 *
 * The first line names the format and its version, the second the page size in bytes. Then one batch a line, its parts
 * apart by spaces: times in whole ns from the start of the trace, who wrote, and page numbers, `first+count` for a run of
 * pages. A source's lines stand in the order of their ends. Pages keep their order and come as often as they are named;
 * what is dense and in order is read as a bitmap.
 * Empty lines and lines that begin with # are passed over.
 *
 * Reading says the line that is wrong; it does no I/O and guesses nothing.
 */
import { forEachPage, type PageWrites, type WriteSource } from './page-writes.ts';

const MAGIC = 'switchover-trace';
const VERSION = 1;
const SOURCE = /^(?:vcpu|dma|host|kvm|mdev):[\w.,/-]+$/;
const PAGE_MAX = 2 ** 32 - 1;
/** Fewer runs are no bitmap, however close they lie. This project's own. */
const DENSE_RUNS = 64;

export interface Trace {
  readonly pageBytes: number;
  /** In the order of the file, each with an array of its own. */
  readonly writes: readonly PageWrites[];
}

export interface TraceProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/** The first two lines. */
export function traceHead(pageBytes: number): string {
  return `${MAGIC} ${VERSION}\npage ${pageBytes}\n`;
}

/** One batch as its line, with its end. A batch of no pages is no line. */
export function traceLine(batch: PageWrites): string {
  const pages = runsOf(batch);
  if (pages.length === 0) return '';
  const time = batch.fromNs === batch.toNs ? `${batch.toNs}` : `${batch.fromNs} ${batch.toNs}`;
  return `${time} ${batch.source} ${pages.join(' ')}\n`;
}

/** A list keeps each page as it stands; the other forms are runs. */
function runsOf(batch: PageWrites): readonly string[] {
  if (batch.form === 'list') return Array.from(batch.pages, String);
  const runs: string[] = [];
  let [first, count] = [0, 0];
  const flush = () => {
    if (count > 0) runs.push(count === 1 ? `${first}` : `${first}+${count}`);
  };
  forEachPage(batch, (page) => {
    if (count > 0 && page === first + count) {
      count += 1;
      return;
    }
    flush();
    [first, count] = [page, 1];
  });
  flush();
  return runs;
}

/** Reads a whole trace, line by line; lines come without their ends. */
export function readTrace(lines: Iterable<string>): Trace | TraceProblem {
  let line = 0;
  let pageBytes: number | undefined;
  let version: number | undefined;
  const writes: PageWrites[] = [];
  const endsNs = new Map<WriteSource, number>();
  for (const raw of lines) {
    line += 1;
    const text = raw.trim();
    if (text === '' || text.startsWith('#')) continue;
    if (version === undefined) {
      const read = readHead(text, MAGIC);
      if (read !== VERSION) return { line, problem: `must be "${MAGIC} ${VERSION}"` };
      version = read;
    } else if (pageBytes === undefined) {
      pageBytes = readHead(text, 'page');
      if (pageBytes === undefined) return { line, problem: 'must be the page size in bytes, such as "page 4096"' };
    } else {
      const batch = readBatch(text);
      if ('problem' in batch) return { line, problem: batch.problem };
      const endNs = endsNs.get(batch.source) ?? 0;
      if (batch.toNs < endNs) return { line, problem: `${batch.source} was at ${endNs} ns already` };
      endsNs.set(batch.source, batch.toNs);
      writes.push(batch);
    }
  }
  if (pageBytes === undefined) return { line: line + 1, problem: 'ends before its head does' };
  return { pageBytes, writes };
}

function readHead(text: string, key: string): number | undefined {
  const [name, number = '', ...rest] = text.split(/\s+/);
  return name === key && rest.length === 0 && /^[1-9]\d*$/.test(number) ? Number(number) : undefined;
}

function readBatch(text: string): PageWrites | { readonly problem: string } {
  const words = text.split(/\s+/);
  const times: number[] = [];
  while (times.length < 2 && /^\d+$/.test(words[times.length] ?? '')) times.push(Number(words[times.length]));
  const [firstNs, lastNs] = times;
  if (firstNs === undefined) return { problem: `${words[0]} is no time in whole ns` };
  const toNs = lastNs ?? firstNs;
  if (!Number.isSafeInteger(toNs) || firstNs > toNs) return { problem: `(${firstNs}, ${toNs}] is no span of time` };
  const source = words[times.length];
  if (source === undefined || !SOURCE.test(source)) {
    return { problem: `${source ?? 'the end of the line'} is no source, such as vcpu:0-3, dma:nic0 or host:vhost` };
  }
  const pages = readPages(words, times.length + 1);
  return 'problem' in pages ? pages : { fromNs: firstNs, toNs, source: source as WriteSource, ...pages };
}

type Pages =
  | { readonly form: 'list'; readonly pages: Uint32Array }
  | { readonly form: 'extents'; readonly pairs: Uint32Array }
  | { readonly form: 'bitmap'; readonly firstPage: number; readonly words: Int32Array; readonly count: number };

function readPages(words: readonly string[], from: number): Pages | { readonly problem: string } {
  const n = words.length - from;
  if (n === 0) return { problem: 'names no page' };
  const pairs = new Uint32Array(2 * n);
  let isList = true;
  let endPage = 0;
  let ascends = true;
  for (let i = 0; i < n; i++) {
    const word = words[from + i]!;
    const match = /^(\d+)(?:\+(\d+))?$/.exec(word);
    const first = Number(match?.[1]);
    const count = Number(match?.[2] ?? 1);
    if (!(count >= 1 && first + count - 1 <= PAGE_MAX)) return { problem: `${word} is no page and no run first+count` };
    if (match?.[2] !== undefined) isList = false;
    ascends &&= first >= endPage;
    endPage = first + count;
    pairs[2 * i] = first;
    pairs[2 * i + 1] = count;
  }
  if (ascends && n >= DENSE_RUNS && n >= (endPage - pairs[0]!) / 32) return bitmapOf(pairs, endPage);
  return isList ? { form: 'list', pages: pairs.filter((_, i) => i % 2 === 0) } : { form: 'extents', pairs };
}

/** Runs in order, about one a word or more: a bitmap says the same in less. */
function bitmapOf(pairs: Uint32Array, endPage: number): Pages {
  const firstPage = pairs[0]! - (pairs[0]! % 32);
  const words = new Int32Array(Math.ceil((endPage - firstPage) / 32));
  let count = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    for (let page = pairs[i]! - firstPage, left = pairs[i + 1]!; left > 0; page++, left--) {
      words[page >>> 5]! |= 1 << (page & 31);
    }
    count += pairs[i + 1]!;
  }
  return { form: 'bitmap', firstPage, words, count };
}
