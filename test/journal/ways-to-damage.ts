/** Accidents that happen to files, each a function of chance; what comes out may be equal to what went in. */
import type { Random } from '../../src/hardware/random.ts';

/** The disk's and the file system's units; SQLite's pages are 4096 bytes too. */
const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

type Damaged = (good: Buffer, random: Random) => Buffer;
type DamagedLines = (lines: readonly string[], other: readonly string[], random: Random) => readonly string[];

function flipped(good: Buffer, random: Random, bits: number): Buffer {
  const bytes = Buffer.from(good);
  for (let bit = 0; bit < bits; bit++) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
  return bytes;
}

function filled(good: Buffer, random: Random, unit: number, fill: (random: Random) => number): Buffer {
  const bytes = Buffer.from(good);
  const at = unit * random.below(Math.ceil(bytes.length / unit));
  for (let index = at; index < Math.min(at + unit, bytes.length); index++) bytes[index] = fill(random);
  return bytes;
}

/** A block is written to a place that is another's, or two change places. */
function copied(good: Buffer, random: Random, unit: number, swap: boolean): Buffer {
  const bytes = Buffer.from(good);
  const blocks = Math.floor(bytes.length / unit);
  const [from, to] = [unit * random.below(blocks), unit * random.below(blocks)];
  good.copy(bytes, to, from, from + unit);
  if (swap) good.copy(bytes, from, to, to + unit);
  return bytes;
}

export const BYTES: Readonly<Record<string, Damaged>> = {
  'a flipped bit': (good, random) => flipped(good, random, 1),
  'some flipped bits': (good, random) => flipped(good, random, 2 + random.below(30)),
  'a byte that is another': (good, random) => filled(good, random, 1, () => random.below(256)),
  'a sector of zeros': (good, random) => filled(good, random, SECTOR_BYTES, () => 0),
  'a sector of noise': (good, random) => filled(good, random, SECTOR_BYTES, () => random.below(256)),
  'a page of zeros': (good, random) => filled(good, random, PAGE_BYTES, () => 0),
  'a page written over another': (good, random) => copied(good, random, PAGE_BYTES, false),
  'two sectors exchanged': (good, random) => copied(good, random, SECTOR_BYTES, true),
  'cut short': (good, random) => good.subarray(0, random.below(good.length)),
  'cut at a page': (good, random) => good.subarray(0, PAGE_BYTES * random.below(Math.ceil(good.length / PAGE_BYTES))),
  'noise at its end': (good, random) =>
    Buffer.concat([good, Buffer.from(Array.from({ length: 1 + random.below(9_000) }, () => random.below(256)))]),
  'bytes lost inside': (good, random) => {
    const at = random.below(good.length);
    return Buffer.concat([good.subarray(0, at), good.subarray(at + 1 + random.below(5_000))]);
  },
};

/** `other`: the lines of another run of the same name. */
export const LINES: Readonly<Record<string, DamagedLines>> = {
  'a line lost': (lines, _, random) => lines.toSpliced(random.below(lines.length), 1),
  'lines lost at the end': (lines, _, random) => lines.slice(0, random.below(lines.length)),
  'lines lost at the beginning': (lines, _, random) => lines.slice(1 + random.below(lines.length)),
  'a line twice': (lines, _, random) => {
    const at = random.below(lines.length);
    return lines.toSpliced(at, 0, lines[at]!);
  },
  'a line at another place': (lines, _, random) => {
    const at = random.below(lines.length);
    return lines.toSpliced(at, 1).toSpliced(random.below(lines.length), 0, lines[at]!);
  },
  'two lines exchanged': (lines, _, random) => {
    const [a, b] = [random.below(lines.length), random.below(lines.length)];
    return lines.with(a, lines[b]!).with(b, lines[a]!);
  },
  'in any order': (lines, _, random) => lines.toSorted(() => random.unit() - 0.5),
  'everything twice': (lines) => [...lines, ...lines],
  'a line of another run': (lines, other, random) => {
    const at = random.below(Math.min(lines.length, other.length));
    return lines.with(at, other[at]!);
  },
  'the beginning of another run': (lines, other, random) => {
    const at = random.below(Math.min(lines.length, other.length));
    return [lines[0]!, ...other.slice(1, 1 + at), ...lines.slice(1 + at)];
  },
  'a line of noise': (lines, _, random) =>
    lines.toSpliced(random.below(lines.length), 0, `${String.fromCharCode(random.below(0xffff))}{"position":3}\n`),
  'line ends of another system': (lines) => lines.map((line) => line.replace('\n', '\r\n')),
};

/** What happens to rows when a page of the tree is damaged, or by hand. `#`: a position. */
export const ROWS: Readonly<Record<string, string>> = {
  'a record lost': 'DELETE FROM records WHERE position = #',
  'records lost at the end': 'DELETE FROM records WHERE position >= #',
  'records lost at the beginning': 'DELETE FROM records WHERE position <= #',
  'two records exchanged':
    'UPDATE OR REPLACE records SET position = -1 WHERE position = #; UPDATE OR IGNORE records SET position = # WHERE position = 5; UPDATE records SET position = 5 WHERE position = -1',
  'records moved': 'UPDATE OR IGNORE records SET position = position + 1 WHERE position > # AND position % 2 = 0',
  'a record twice':
    'INSERT OR REPLACE INTO records SELECT run, position + 1, text, crc FROM records WHERE position = #',
  "a record of the file's other run":
    "UPDATE OR IGNORE records SET (text, crc) = (SELECT text, crc FROM records AS o WHERE o.run = 'other' AND o.position = #) WHERE run <> 'other' AND position = #",
  'runs exchanged':
    "UPDATE runs SET run = 'x' WHERE run = 'other'; UPDATE runs SET run = 'other' WHERE run <> 'x'; UPDATE runs SET run = 'y' WHERE run = 'x'",
  'a run lost from the table of runs': "DELETE FROM runs WHERE run = 'other'",
  'all runs lost from the table of runs': 'DELETE FROM runs',
  'a run cut, in both tables':
    "DELETE FROM records WHERE run = 'other' AND position >= #; UPDATE runs SET records = # WHERE run = 'other'",
  'a text that is none': "UPDATE records SET text = CAST(x'ff00fe' AS TEXT) WHERE position = #",
  'a record made longer': "UPDATE records SET text = text || ' ' WHERE position = #",
};
