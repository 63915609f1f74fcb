/**
 * What is generated in the documentation of the charts: the pictures in machines/gallery, and the table in
 * machines/README.md between its two marks. `npx tsx test/docs/generate.ts` writes both; tests hold the files to them.
 */
import { join } from 'node:path';
import { ROOT } from './consumer.ts';
import { whoTellsWhom } from './who-tells-whom.ts';

export const GALLERY = join(ROOT, 'machines', 'gallery');
export const PAGE = join(ROOT, 'machines', 'README.md');
export const COMMAND = 'npx tsx test/docs/generate.ts';

const BEGIN = '<!-- who tells whom: generated -->';
const END = '<!-- end -->';

/** The page with today's table. Throws when the marks are gone. */
export function withTable(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`machines/README.md has no "${BEGIN}" followed by "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n${whoTellsWhom()}\n${page.slice(end)}`;
}
