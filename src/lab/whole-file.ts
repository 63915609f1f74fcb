/**
 * A file that is whole or as it was before: written under another name beside it, synced, and then renamed. A link is kept,
 * and what it leads to is replaced. What is no plain file (`/dev/stdout`, a pipe) is written to, not replaced.
 */
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Throws what the file system throws, and leaves nothing behind then. */
export function writeWhole(path: string, content: string | Uint8Array): void {
  writePieces(path, [content]);
}

/** As `writeWhole`, of a content that is never there as one. What making its pieces throws leaves nothing behind, either. */
export function writePieces(path: string, pieces: Iterable<string | Uint8Array>): void {
  written(new WholeFile(path), pieces);
}

/** The same for a file that must not be there yet: else EEXIST is thrown. */
export function writeWholeNew(path: string, content: string | Uint8Array): void {
  written(new WholeFile(path, { isNew: true }), [content]);
}

function written(file: WholeFile, pieces: Iterable<string | Uint8Array>): void {
  try {
    for (const piece of pieces) file.write(piece);
    file.commit();
  } finally {
    file.abandon();
  }
}

/** Small pieces of text are kept until there are so many characters: each write is a call. This project's own. */
const KEPT_CHARACTERS = 2 ** 20;

/** Tells the parts of one process from each other. */
let parts = 0;

/** One that is written as its content comes. Each method throws what the file system throws. */
export class WholeFile {
  readonly #path: string;
  /** Its name until it is committed; undefined: it is written into. */
  readonly #part: string | undefined;
  readonly #isNew: boolean;
  readonly #descriptor: number;
  #text = '';
  #ended = false;

  /** Of a pipe that nobody reads it waits until somebody does. */
  constructor(path: string, { isNew = false } = {}) {
    this.#isNew = isNew;
    this.#path = isNew ? path : placeOf(path);
    this.#part = isNew || isReplaced(this.#path) ? `${this.#path}.${process.pid}-${++parts}.part` : undefined;
    this.#descriptor = openSync(this.#part ?? this.#path, 'w');
  }

  write(piece: string | Uint8Array): void {
    if (typeof piece === 'string') this.#text += piece;
    if (typeof piece !== 'string' || this.#text.length >= KEPT_CHARACTERS) this.#flush();
    if (typeof piece !== 'string') writeFileSync(this.#descriptor, piece);
  }

  /** It is whole and takes its name. Leaves nothing behind where it cannot. */
  commit(): void {
    try {
      this.#flush();
      if (this.#part !== undefined) this.#name(this.#part);
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#end();
  }

  /** Nothing was written, unless it is written into. Harmless after the end. */
  abandon(): void {
    if (this.#ended) return;
    this.#end();
    if (this.#part !== undefined) rmSync(this.#part, { force: true });
  }

  #flush(): void {
    const text = this.#text;
    this.#text = '';
    if (text !== '') writeFileSync(this.#descriptor, text);
  }

  #name(part: string): void {
    fsyncSync(this.#descriptor);
    if (this.#isNew) {
      // A second name, because a rename would replace what is there.
      linkSync(part, this.#path);
      rmSync(part);
    } else renameSync(part, this.#path);
  }

  #end(): void {
    this.#ended = true;
    closeSync(this.#descriptor);
  }
}

/** Where a file of this name is written: for a link, where it leads, whether there is something yet or not. */
export function placeOf(path: string): string {
  if (isDescriptor(path)) return path;
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) {
    const real = realpathSync(path);
    // What has no path of its own, as the other end of a pipe has none, is written by the name that it has.
    return isDescriptor(real) || statSync(real, { throwIfNoEntry: false }) === undefined ? path : real;
  }
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
  return placeOf(resolve(realpathSync(dirname(path)), readlinkSync(path)));
}

/** Whether this place is replaced, and not written into. */
function isReplaced(place: string): boolean {
  const there = statSync(place, { throwIfNoEntry: false });
  return there === undefined || (there.isFile() && !isDescriptor(place));
}

/** `/dev/stdout`: this process's own, open already, whatever file it leads to. */
function isDescriptor(path: string): boolean {
  return /^\/dev\/(stdin|stdout|stderr|fd\/\d+)$|^\/proc\/[^/]+\/fd\/\d+$/.test(path);
}
