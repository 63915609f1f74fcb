/**
 * The page's own files: these and no others, whatever a request names. Nothing of a request ever becomes a path.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RefusedError } from './answer.ts';

interface PageFile {
  readonly file: string;
  readonly type: string;
}

const FILES: ReadonlyMap<string, PageFile> = new Map([
  ['/', { file: 'index.html', type: 'text/html; charset=utf-8' }],
  ['/index.html', { file: 'index.html', type: 'text/html; charset=utf-8' }],
  ['/app.js', { file: 'app.js', type: 'text/javascript; charset=utf-8' }],
  ['/app.css', { file: 'app.css', type: 'text/css; charset=utf-8' }],
]);

export const NOT_BUILT = 'the page of the inspector is not there: npm run build makes it';

export function pageFile(path: string): PageFile | undefined {
  return FILES.get(path);
}

/** Throws a RefusedError where the page was not built. */
export async function readPageFile(folder: string, { file }: Pick<PageFile, 'file'>): Promise<Buffer> {
  try {
    return await readFile(join(folder, file));
  } catch {
    throw new RefusedError(503, NOT_BUILT);
  }
}
