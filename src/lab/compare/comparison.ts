/**
 * Policies side by side, from the rows of their trials. A run that did not complete has no downtime, and what it sent bought
 * nothing: figures are of those that completed, how many did is a figure of its own, and a difference is taken only between
 * runs of the same seed that both completed. Who is different from the first is decided by all that is looked at together.
 */
import { holm } from '../statistics/holm.ts';
import { type Difference, differenceOf } from '../statistics/paired.ts';
import { mcnemar, type Proportion, proportionOf } from '../statistics/proportion.ts';
import { type Sample, sampleOf } from '../statistics/sample.ts';
import { CONFIDENCE } from '../statistics/student.ts';
import { COMPARED, type ServiceColumn, serviceColumn, type TrialRow } from '../trial/row.ts';

export type ComparedName = (typeof COMPARED)[number];

/** Against the first policy, pair by pair. */
export interface Against extends Difference {
  /** The chance after the correction for everything that was looked at; null of one pair. */
  readonly corrected: number | null;
  readonly significant: boolean;
}

export interface PolicyFigures {
  readonly policy: string;
  readonly loop: string;
  readonly rule: string;
  readonly throttle: string;
  readonly manager: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly downtimeLimitMs: number;
  readonly outcomes: Readonly<Record<string, Proportion>>;
  readonly completed: Proportion;
  /** Of runs that did not complete, in the charts' words, the most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  /** Of runs that completed; null where none has it. */
  readonly figures: Readonly<Record<ComparedName, Sample | null>>;
  /** Without service, by device. */
  readonly services: Readonly<Record<string, Sample | null>>;
  /** What runs that did not complete had cost when they ended; null where all did. */
  readonly unfinished: { readonly totalMs: Sample; readonly bytesTotal: Sample; readonly rounds: Sample } | null;
  /** Null for the first policy itself. */
  readonly against: {
    readonly completed: { readonly p: number; readonly corrected: number; readonly significant: boolean };
    readonly figures: Readonly<Record<ComparedName, Against | null>>;
  } | null;
  /** Another policy, before this one, of which every run had the same figures. */
  readonly sameAs: string | null;
  /** Laws that runs broke, with their seeds; any makes the figures void. */
  readonly broken: readonly string[];
}

export interface Comparison {
  readonly confidence: number;
  readonly seeds: readonly number[];
  /** What the others are set against. */
  readonly reference: string;
  /** Differences that were tested, so many that the correction is for. */
  readonly tests: number;
  readonly policies: readonly PolicyFigures[];
}

/** `rows`: every policy with every seed, in any order; policies come in the order in which they are first seen. */
export function comparisonOf(rows: readonly TrialRow[]): Comparison {
  const seeds = [...new Set(rows.map(({ seed }) => seed))].sort((a, b) => a - b);
  const names = [...new Set(rows.map(({ policy }) => policy))];
  const bySeed = names.map((name) => {
    const own = new Map(rows.filter(({ policy }) => policy === name).map((row) => [row.seed, row]));
    return seeds.map((seed) => own.get(seed)!);
  });
  const [first = []] = bySeed;
  const differences = bySeed.map((own, index) => (index === 0 ? null : differencesOf(first, own)));
  const tests = differences.flatMap((one) => (one === null ? [] : [one.completed, ...Object.values(one.figures)]));
  const corrected = holm(tests.map((one) => (typeof one === 'number' ? one : (one?.p ?? null))));
  let at = 0;
  const policies = bySeed.map((own, index): PolicyFigures => {
    const found = differences[index] ?? null;
    const against = found === null ? null : correctedOf(found, () => corrected[at++] ?? null);
    const same = bySeed.slice(0, index).findIndex((other) => other.every((row, nth) => isSame(row, own[nth]!)));
    return { ...figuresOf(own), against, sameAs: names[same] ?? null };
  });
  const tested = corrected.filter((p) => p !== null).length;
  return { confidence: CONFIDENCE, seeds, reference: names[0] ?? '', tests: tested, policies };
}

interface Differences {
  readonly completed: number;
  readonly figures: Readonly<Record<ComparedName, Difference | null>>;
}

function differencesOf(first: readonly TrialRow[], later: readonly TrialRow[]): Differences {
  const only = (a: readonly TrialRow[], b: readonly TrialRow[]) =>
    a.filter((row, index) => isCompleted(row) && !isCompleted(b[index]!)).length;
  return {
    completed: mcnemar(only(first, later), only(later, first)),
    figures: each((measure) => differenceOf(first.map(figure(measure)), later.map(figure(measure)))),
  };
}

/** `next` gives the corrected chance of one test after the other. */
function correctedOf({ completed, figures }: Differences, next: () => number | null): PolicyFigures['against'] {
  const isSignificant = (p: number | null) => p !== null && p < 1 - CONFIDENCE;
  const ofCompleted = next() ?? 1;
  return {
    completed: { p: completed, corrected: ofCompleted, significant: isSignificant(ofCompleted) },
    figures: each((measure) => {
      const corrected = next();
      const difference = figures[measure];
      return difference === null ? null : { ...difference, corrected, significant: isSignificant(corrected) };
    }),
  };
}

function figuresOf(rows: readonly TrialRow[]): Omit<PolicyFigures, 'against' | 'sameAs'> {
  const [{ policy, loop, rule, throttle, manager, parameters, downtimeLimitMs }] = rows as [TrialRow];
  const done = rows.filter(isCompleted);
  const undone = rows.filter((row) => !isCompleted(row));
  const costOf = (measure: 'totalMs' | 'bytesTotal' | 'rounds') => sampleOf(undone.map((row) => row[measure]))!;
  const columns = Object.keys(rows[0] ?? {}).filter((key): key is ServiceColumn => key.startsWith(serviceColumn('')));
  return {
    policy,
    loop,
    rule,
    throttle,
    manager,
    parameters: JSON.parse(parameters) as Readonly<Record<string, unknown>>,
    downtimeLimitMs,
    outcomes: Object.fromEntries(
      counted(rows.map(({ outcome }) => outcome)).map(([outcome, count]) => [
        outcome,
        proportionOf(count, rows.length),
      ]),
    ),
    completed: proportionOf(done.length, rows.length),
    reasons: counted(undone.map(({ reason }) => reason)).map(([reason, count]) => ({ reason, count })),
    figures: each((measure) => sampleOf(known(rows.map(figure(measure))))),
    services: Object.fromEntries(
      columns.map((column) => [
        column.slice(serviceColumn('').length),
        sampleOf(known(done.map((row) => row[column] ?? null))),
      ]),
    ),
    unfinished:
      undone.length === 0
        ? null
        : { totalMs: costOf('totalMs'), bytesTotal: costOf('bytesTotal'), rounds: costOf('rounds') },
    broken: rows.filter(({ broken }) => broken !== '').map(({ seed, broken }) => `seed ${seed}: ${broken}`),
  };
}

function figure(measure: ComparedName): (row: TrialRow) => number | null {
  return (row) => (isCompleted(row) ? row[measure] : null);
}

function isCompleted({ outcome }: TrialRow): boolean {
  return outcome === 'completed';
}

function isSame(a: TrialRow, b: TrialRow): boolean {
  return a.outcome === b.outcome && COMPARED.every((measure) => a[measure] === b[measure]);
}

function each<T>(make: (measure: ComparedName) => T): Readonly<Record<ComparedName, T>> {
  return Object.fromEntries(COMPARED.map((measure) => [measure, make(measure)])) as Record<ComparedName, T>;
}

function known(figures: readonly (number | null)[]): readonly number[] {
  return figures.filter((one) => one !== null);
}

/** The most frequent first. */
function counted(words: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}
