/**
 * Whether SQLite's log beside a journal holds all that was committed to it.
 *
 * After a crash the last records are in the log, and SQLite reads a log up to the first frame that it cannot believe: right
 * for a commit that was cut short, yet it would silently drop every later one if a bit has flipped in an old frame, or if the
 * log was cut or taken away. Two witnesses tell these apart. A commit is begun only when the one before is synced, so a good
 * frame of a later commit shows that a bad one was whole once; and the index that the processes shared (`-shm`) counts the
 * frames that were committed, each after its sync. Of a last commit that is bad, with the index gone too, nobody can tell: that
 * is what a commit cut short by a loss of power looks like. Nothing is opened, changed or repaired here.
 *
 * Layouts: sections 4.1 to 4.3 of sqlite.org/fileformat2.html for the log, and sqlite.org/walformat.html for the index.
 */
import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

/** Of the log's header; one more is in its last bit: whether checksums add up big-endian words. */
const MAGIC = 0x377f0682;
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** Two copies of the index's header, then how far the log is folded into the file. */
const INDEX_HEADER_BYTES = 48;
const BACKFILL_AT = 96;
/** Somebody may be writing while we look; what is wrong for a moment only is no damage. */
const LOOKS = 3;

/** A log with a flaw. `goodBytes`: up to the end of the last commit that SQLite would read. */
export interface LogFlaw {
  readonly message: string;
  readonly goodBytes: number;
}

/** Looks at the log of the SQLite file at `path`. Undefined when all is well, and when there is none and none is missed. */
export function logFlaw(path: string): LogFlaw | undefined {
  let flaw: LogFlaw | undefined;
  for (let look = 0; look < LOOKS; look++) {
    // The index first: while it is older than the log it can only count fewer frames.
    const index = indexOf(bytesOf(`${path}-shm`));
    const now = flawOf(bytesOf(`${path}-wal`), index, `${path}-wal`);
    if (now === undefined || (flaw !== undefined && flaw.message !== now.message)) return undefined;
    flaw = now;
  }
  return flaw;
}

interface Index {
  readonly frames: number;
  /** How many of them are in the file itself. */
  readonly folded: number;
  readonly salts: string;
}

function flawOf(log: Buffer | undefined, index: Index | undefined, name: string): LogFlaw | undefined {
  const missed = index !== undefined && index.frames > index.folded;
  if (log === undefined || log.length < LOG_HEADER_BYTES) {
    if (!missed) return undefined;
    const message = `${name} is ${log === undefined ? 'gone' : 'empty'}, which held ${index.frames} frames of commits`;
    return { message, goodBytes: 0 };
  }
  const read = framesOf(log);
  if (read === undefined) {
    const behind = log.length > LOG_HEADER_BYTES ? 'and what is behind it cannot be read' : 'and nothing is behind it';
    return log.length > LOG_HEADER_BYTES || missed
      ? { message: `${name} is damaged at its beginning, ${behind}`, goodBytes: 0 }
      : undefined;
  }
  const { frameBytes, committed, bad, later, salts } = read;
  const goodBytes = LOG_HEADER_BYTES + committed * frameBytes;
  const counted = missed && index.salts === salts ? index.frames : 0;
  const lost = Math.max(later, counted);
  if (lost <= committed) return undefined;
  const at = LOG_HEADER_BYTES + (bad - 1) * frameBytes;
  const message = `${name} is damaged at byte ${at}: of ${lost} frames of commits the first ${committed} can be read`;
  return { message, goodBytes };
}

interface Frames {
  readonly frameBytes: number;
  /** Frames up to the last commit that SQLite would read. */
  readonly committed: number;
  /** The first frame that does not hold, from 1; one more than there are when all do. */
  readonly bad: number;
  /** The last whole frame of a later commit than that which it was in; 0 for none. */
  readonly later: number;
  readonly salts: string;
}

/** Undefined when the log's own header does not hold. */
function framesOf(log: Buffer): Frames | undefined {
  const magic = log.readUInt32BE(0);
  if (magic >>> 1 !== MAGIC >>> 1) return undefined;
  const words = (magic & 1) === 1 ? bigEndian : littleEndian;
  if (!sumsTo(log, 24, summed(log, 0, 24, [0, 0], words))) return undefined;
  const size = log.readUInt32BE(8);
  const frameBytes = FRAME_HEADER_BYTES + size;
  const salts = log.toString('hex', 16, 24);
  const count = Math.floor((log.length - LOG_HEADER_BYTES) / frameBytes);
  let [committed, bad, badCommit, later] = [0, count + 1, count + 1, 0];
  let before: Sums = [log.readUInt32BE(24), log.readUInt32BE(28)];
  for (let frame = 1; frame <= count; frame++) {
    const at = LOG_HEADER_BYTES + (frame - 1) * frameBytes;
    const sums = summed(log, at + FRAME_HEADER_BYTES, size, summed(log, at, 8, before, words), words);
    const holds = log.toString('hex', at + 8, at + 16) === salts && sumsTo(log, at + 16, sums);
    const isCommit = log.readUInt32BE(at + 4) !== 0;
    if (!holds) bad = Math.min(bad, frame);
    if (holds && frame > badCommit) later = frame;
    if (isCommit && frame < bad) committed = frame;
    if (isCommit && frame >= bad) badCommit = Math.min(badCommit, frame);
    // Whether the next one was written after this one is in what this one says, damaged or not.
    before = [log.readUInt32BE(at + 16), log.readUInt32BE(at + 20)];
  }
  return { frameBytes, committed, bad, later, salts };
}

/** Undefined when it is not there, was never filled, or was being written. */
function indexOf(bytes: Buffer | undefined): Index | undefined {
  if (bytes === undefined || bytes.length < BACKFILL_AT + 4) return undefined;
  const words = endianness() === 'LE' ? littleEndian : bigEndian;
  const isFilled = bytes[12] === 1;
  const twice = bytes.compare(bytes, INDEX_HEADER_BYTES, 2 * INDEX_HEADER_BYTES, 0, INDEX_HEADER_BYTES) === 0;
  const [first, second] = summed(bytes, 0, 40, [0, 0], words);
  if (!isFilled || !twice || words(bytes, 40) !== first || words(bytes, 44) !== second) return undefined;
  return { frames: words(bytes, 16), folded: words(bytes, BACKFILL_AT), salts: bytes.toString('hex', 32, 40) };
}

type Sums = readonly [number, number];
type Words = (bytes: Buffer, at: number) => number;

const littleEndian: Words = (bytes, at) => bytes.readUInt32LE(at);
const bigEndian: Words = (bytes, at) => bytes.readUInt32BE(at);

/** The checksum of section 4.2, going on from `from`. `length` is a multiple of 8. */
function summed(bytes: Buffer, at: number, length: number, from: Sums, words: Words): Sums {
  let [first, second] = from;
  for (let word = at; word < at + length; word += 8) {
    first = (first + words(bytes, word) + second) >>> 0;
    second = (second + words(bytes, word + 4) + first) >>> 0;
  }
  return [first, second];
}

/** Checksums are kept big-endian, whatever they add up. */
function sumsTo(bytes: Buffer, at: number, [first, second]: Sums): boolean {
  return bytes.readUInt32BE(at) === first && bytes.readUInt32BE(at + 4) === second;
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    // Not there, or not for us to read, which SQLite will say better.
    return undefined;
  }
}
