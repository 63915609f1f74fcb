/** A run that cannot be recovered, or not in the way that was asked for. */
import type { Divergence } from './replay.ts';

/**
 * `diverged`: the run that was made again is not the run in the journal. `not-in-doubt`, `fenced-already`: a host was fenced
 * where that decides nothing. `foreign`: what it was made with is not here: another driver, other charts.
 */
export type RecoveryProblem = 'diverged' | 'not-in-doubt' | 'fenced-already' | 'foreign';

export class RecoveryError extends Error {
  override readonly name = 'RecoveryError';
  readonly problem: RecoveryProblem;
  /** Of a run that diverged. */
  readonly divergence: Divergence | undefined;

  constructor(problem: RecoveryProblem, message: string, divergence?: Divergence) {
    super(message);
    this.problem = problem;
    this.divergence = divergence;
  }
}
