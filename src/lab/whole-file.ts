/**
 * A file that is whole or as it was before: written under another name beside it, synced, and then renamed. What is no plain
 * file (`/dev/stdout`, a pipe) is written to, not replaced.
 */
import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/** Throws what the file system throws, and leaves nothing behind then. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  writePieces(path, [content]);
}

/** As `writeWhole`, of a content that is never there as one. What making its pieces throws leaves nothing behind, either. */
export function writePieces(path: string, pieces: Iterable<string | Uint8Array>): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isFile()) written(path, pieces, (part) => renameSync(part, path));
  else writeInto(path, pieces);
}

/** The same for a file that must not be there yet: else EEXIST is thrown. */
export function writeWholeNew(path: string, content: string | Uint8Array): void {
  written(path, [content], (part) => {
    // A second name, because a rename would replace what is there.
    linkSync(part, path);
    rmSync(part);
  });
}

function written(path: string, pieces: Iterable<string | Uint8Array>, name: (part: string) => void): void {
  const part = `${path}.${process.pid}.part`;
  try {
    writeInto(part, pieces, fsyncSync);
    name(part);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function writeInto(path: string, pieces: Iterable<string | Uint8Array>, sync?: (descriptor: number) => void): void {
  const descriptor = openSync(path, 'w');
  try {
    for (const piece of gathered(pieces)) writeFileSync(descriptor, piece);
    sync?.(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Written at once. This project's own. */
const GATHERED_CHARACTERS = 2 ** 20;

/** Small pieces of text together: each write is a call. */
function* gathered(pieces: Iterable<string | Uint8Array>): Generator<string | Uint8Array> {
  let text = '';
  for (const piece of pieces) {
    if (typeof piece === 'string') text += piece;
    if (text !== '' && (typeof piece !== 'string' || text.length >= GATHERED_CHARACTERS)) {
      yield text;
      text = '';
    }
    if (typeof piece !== 'string') yield piece;
  }
  if (text !== '') yield text;
}
