/**
 * What a bench is: a name to run it by, one sentence, and tables of what it measured. And the package as it is built,
 * because that is what users run: tsx keeps functions' names by wrapping them, which would be measured, too.
 */

export interface Bench {
  /** `npm run bench -- <name>` runs it alone. */
  readonly name: string;
  readonly about: string;
  run(): Promise<readonly Table[]>;
}

/** Texts, ready to be printed; the first column names the row. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes?: readonly string[];
}

/** A module of the build, by its path without extension: `await built<typeof import('../../src/a.ts')>('src/a')`. */
export async function built<M>(path: string): Promise<M> {
  return (await import(new URL(`../../dist/${path}.js`, import.meta.url).href)) as M;
}

/** Three digits that matter, thousands apart: `0.0123`, `4.56`, `12,300`. */
export function figure(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const places = 2 - Math.floor(Math.log10(Math.abs(value)));
  if (places > 0) return value.toFixed(places);
  const rounded = Math.round(value / 10 ** -places) * 10 ** -places;
  return String(Math.round(rounded)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** How many times the first: `x 3.2`. */
export function times(value: number, reference: number): string {
  return `x ${figure(value / reference)}`;
}
