/**
 * What every checker is: it sees what happened, in order, and says at any time whether its invariant holds.
 *
 * A checker keeps the first thing that broke it and nothing it could be asked to explain away: a broken run stays broken.
 * `finish` changes nothing, so a run that still goes on may be asked as well.
 */
import type { Happening } from './happening.ts';

export type CheckName = 'no-lost-write' | 'one-guest' | 'legal-arcs' | 'final-order' | 'trackers-cover' | 'accounted';

export interface CheckResult {
  readonly name: CheckName;
  readonly held: boolean;
  /** Why it did not hold; or why nothing could be said against it, where there was nothing to measure. */
  readonly because?: string;
  /** The record that broke it. */
  readonly position?: number;
}

/** What only a model knows. Anything that it did not measure is left out, and never taken for zero. */
export interface ModelTruth {
  /** Pages whose content differed between source and destination at the hand-over. */
  readonly lostPages?: number;
  /** Pages that were written and that no sync reported, over all syncs. */
  readonly underReportedPages?: number;
  /** Bytes that went over the link, headers included. */
  readonly wireBytes?: number;
}

export interface Checker {
  readonly name: CheckName;
  see(happening: Happening): void;
  finish(truth: ModelTruth): CheckResult;
}

/** The first break of one invariant, by position. */
export class FirstBreak {
  private readonly name: CheckName;
  private found: { readonly position: number; readonly because: string } | undefined;

  constructor(name: CheckName) {
    this.name = name;
  }

  at(position: number, because: string): void {
    if (this.found === undefined || position < this.found.position) this.found = { position, because };
  }

  result(): CheckResult {
    return this.found === undefined ? { name: this.name, held: true } : { name: this.name, held: false, ...this.found };
  }
}
