/**
 * Whether a promise is kept in at least 95 of 100 runs, decided from as many runs as it takes. Two of Wald's sequential tests
 * (Abraham Wald, "Sequential Tests of Statistical Hypotheses", Annals of Mathematical Statistics 16, 1945), each with at most
 * 5 % of wrong answers however often one looks, because what each counts is a fair bet where its answer would be wrong, and
 * is at least 20 times the stake in at most one of 20 such cases:
 *
 * - it holds: run by run the bet is on 99 % against 95 %. 73 runs without a failure decide; each failure takes 39 more.
 * - it fails: the bet is on 80 % against 95 %. Three failures in the first few runs decide.
 *
 * What is between may stay open for long, so whoever asks says when to stop. What the bets are on changes how many runs it
 * takes, not how often it is wrong; both are this project's own.
 */

/** Of all runs, those that keep the promise: what has to be shown. */
export const SHARE = 0.95;
/** How often an answer may be wrong. */
export const ERROR = 0.05;

const HOPED = 0.99;
const FEARED = 0.8;

export type Verdict = 'holds' | 'fails' | 'open';

export function verdictOf(kept: number, broken: number): Verdict {
  const sure = Math.log(1 / ERROR);
  if (winnings(HOPED, kept, broken) >= sure) return 'holds';
  return winnings(FEARED, kept, broken) >= sure ? 'fails' : 'open';
}

/** The logarithm of what a stake of 1 on this share is worth by now. */
function winnings(share: number, kept: number, broken: number): number {
  return kept * Math.log(share / SHARE) + broken * Math.log((1 - share) / (1 - SHARE));
}

/** Runs without a failure that decide. */
export function runsToHold(): number {
  return Math.ceil(Math.log(1 / ERROR) / Math.log(HOPED / SHARE));
}
