/**
 * Which leaves a batch of writes goes through, in its order: a device that stays in a leaf looks it up once. What a mapping
 * costs a device is counted by this.
 */
import type { PageWrites } from '../../streams/page-writes.ts';
import type { IoPageTable } from './io-page-table.ts';

/** Calls `visit` with the first page of each leaf, once for each stay in it. What is not mapped is passed over. */
export function visitLeaves(batch: PageWrites, table: IoPageTable, visit: (leaf: number) => void): void {
  switch (batch.form) {
    case 'list': {
      let latest: number | undefined;
      for (let i = 0; i < batch.pages.length; i++) {
        const leaf = table.leafOf(batch.pages[i]!);
        if (leaf !== undefined && leaf !== latest) visit(leaf);
        latest = leaf;
      }
      return;
    }
    case 'extents': {
      const { pairs } = batch;
      for (let i = 0; i + 1 < pairs.length; i += 2) visitExtent(pairs[i]!, pairs[i + 1]!, table, visit);
      return;
    }
    case 'bitmap':
      visitWords(batch.firstPage, batch.words, table, visit);
      return;
    default:
      batch satisfies never;
  }
}

function visitExtent(firstPage: number, pages: number, table: IoPageTable, visit: (leaf: number) => void): void {
  const end = firstPage + pages;
  for (let page = firstPage; page < end; ) {
    const area = table.areaOf(page);
    if (area === undefined) {
      page += 1;
      continue;
    }
    const leaf = area.leafOf(page);
    visit(leaf);
    page = area.isSplit(page) ? page + 1 : leaf + area.leafPages;
  }
}

function visitWords(firstPage: number, words: Int32Array, table: IoPageTable, visit: (leaf: number) => void): void {
  let latest: number | undefined;
  for (let w = 0; w < words.length; w++) {
    for (let word = words[w]!; word !== 0; word &= word - 1) {
      const page = firstPage + 32 * w + 31 - Math.clz32(word & -word);
      const leaf = table.leafOf(page);
      if (leaf !== undefined && leaf !== latest) visit(leaf);
      latest = leaf;
      // The rest of this word lies in the same leaf.
      if (leaf !== undefined && table.areaOf(page)!.holdsWord(firstPage + 32 * w)) break;
    }
  }
}
