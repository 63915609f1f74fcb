/**
 * Post-copy in a scenario: whether the capability postcopy-ram is on, and what the scenario's own operator orders and when.
 * QEMU never starts post-copy by itself, so without a time or a round somebody else has to order it.
 */
import { z } from 'zod';
import { count, section, truth } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import { duration, printDuration } from './values.ts';

export interface Postcopy {
  /** migrate-start-postcopy after this round, or at this time; null: the scenario's operator does not order it. */
  readonly afterRound: number | null;
  readonly atNs: number | null;
  /** migrate-pause at this time; null: never. */
  readonly pauseAtNs: number | null;
  /** migrate-recover so long after each pause, whoever caused it; null: never. */
  readonly recoverAfterNs: number | null;
}

/** Passes that a run can have at most before a count of them is a mistake in typing: this project's own. */
const ROUNDS_MAX = 1_000_000;

export const postcopySchema = z
  .union([
    truth("QEMU's postcopy-ram capability; on, somebody may order post-copy."),
    section({
      after: count(1, ROUNDS_MAX, 'The operator orders post-copy after this round.').optional(),
      at: duration('The operator orders post-copy then.').optional(),
      pauseAt: duration('The operator pauses it then (migrate-pause).').optional(),
      recoverAfter: duration('The operator recovers it so long after each pause (migrate-recover).').optional(),
    }),
  ])
  .optional();

const ON: Postcopy = { afterRound: null, atNs: null, pauseAtNs: null, recoverAfterNs: null };

export function normalisePostcopy(read: z.output<typeof postcopySchema>): { readonly postcopy?: Postcopy } {
  if (read === undefined || read === false) return {};
  if (read === true) return { postcopy: ON };
  const { after, at, pauseAt, recoverAfter } = read;
  const postcopy = {
    afterRound: after ?? null,
    atNs: at ?? null,
    pauseAtNs: pauseAt ?? null,
    recoverAfterNs: recoverAfter ?? null,
  };
  return { postcopy };
}

export function checkPostcopy({ afterRound, atNs, pauseAtNs }: Postcopy, path: Path): readonly Finding[] {
  const found: Finding[] = [];
  if (afterRound !== null && atNs !== null) found.push(finding([...path, 'at'], 'after says already when it starts'));
  if (atNs !== null && pauseAtNs !== null && pauseAtNs <= atNs) {
    found.push(finding([...path, 'pauseAt'], 'must come after it has started'));
  }
  return found;
}

export function printPostcopy(postcopy: Postcopy): z.input<typeof postcopySchema> {
  const { afterRound, atNs, pauseAtNs, recoverAfterNs } = postcopy;
  const keys = {
    ...(afterRound === null ? {} : { after: afterRound }),
    ...(atNs === null ? {} : { at: printDuration(atNs) }),
    ...(pauseAtNs === null ? {} : { pauseAt: printDuration(pauseAtNs) }),
    ...(recoverAfterNs === null ? {} : { recoverAfter: printDuration(recoverAfterNs) }),
  };
  return Object.keys(keys).length === 0 ? true : keys;
}
