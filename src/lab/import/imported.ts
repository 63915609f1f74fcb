/** What a measurement of a real VM says about it, whatever it was measured with, and what goes wrong in reading one. */

import { ScenarioError } from '../scenario/error.ts';
import type { PageSizeBytes } from '../scenario/scenario.ts';
import { PAGE_SIZES_BYTES } from '../scenario/scenario.ts';

export interface ImportedPoint {
  /** Time since the clean state, or since the sync before. */
  readonly afterMs: number;
  readonly pages: number;
  /** Half the width of the interval that holds the true figure in 95 of 100 cases; absent: not known. */
  readonly plusMinusPages?: number;
}

export interface Imported {
  /** In words: `calc-dirty-rate samples`. */
  readonly from: string;
  readonly pageBytes: PageSizeBytes;
  readonly memoryBytes: number;
  /** Absent: not known, so all of it. */
  readonly nonZeroBytes?: number;
  /** By ascending time, no page count lower than the one before; at least one. */
  readonly points: readonly ImportedPoint[];
  /** What the link has carried; absent: not known. */
  readonly bandwidthBytesPerSecond?: number;
  /** Each a sentence: how sure the figures are, and what had to be assumed. */
  readonly notes: readonly string[];
}

/** A file as it is read: lines are counted from 1. */
export interface ImportFile {
  readonly name: string;
  readonly text: string;
}

/** Throws: one problem, with its place. */
export function refuse(
  { name }: Pick<ImportFile, 'name'>,
  line: number | null,
  path: string,
  expected: string,
  example: string,
  got: string,
): never {
  const message = `expected ${expected} such as ${example}, got ${got}`;
  throw new ScenarioError([{ file: name, line, column: null, path, message, expected, example }]);
}

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In one line, short enough for a message. */
export function shownValue(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

/** On which line a key stands first; null where it does not. */
export function lineOfKey({ text }: Pick<ImportFile, 'text'>, key: string): number | null {
  const at = text.indexOf(`"${key}"`);
  return at === -1 ? null : text.slice(0, at).split('\n').length;
}

/** 4096 where nothing is said: what x86 has, and QEMU assumed before it printed the size. */
export function pageSizeOf(file: ImportFile, line: number | null, path: string, value: unknown): PageSizeBytes {
  if (value === undefined) return 4096;
  const size = PAGE_SIZES_BYTES.find((bytes) => bytes === value);
  return size ?? refuse(file, line, path, `one of ${PAGE_SIZES_BYTES.join(', ')} bytes`, '4096', shownValue(value));
}

/** By time; where a later figure is lower than an earlier one it takes that one's, since distinct pages cannot become fewer. */
export function rising(points: readonly ImportedPoint[]): {
  readonly points: readonly ImportedPoint[];
  readonly raised: number;
} {
  const byTime = [...points].sort((a, b) => a.afterMs - b.afterMs || b.pages - a.pages);
  const rose: ImportedPoint[] = [];
  let raised = 0;
  for (const point of byTime) {
    const before = rose.at(-1);
    if (before?.afterMs === point.afterMs) continue;
    const pages = Math.max(before?.pages ?? 0, point.pages);
    if (pages > point.pages) raised++;
    rose.push({ ...point, pages });
  }
  return { points: rose, raised };
}
