/**
 * Compares policies on one scenario: every policy with the same seeds, so with the same random numbers, on all cores. What comes
 * back depends on the scenario, the policies and the seeds, and on nothing else.
 */
import { openPool } from '../pool/pool.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { policiesFor } from '../trial/fitting.ts';
import type { Change } from '../trial/policy-choice.ts';
import type { TrialRow } from '../trial/row.ts';
import { type Comparison, comparisonOf } from './comparison.ts';
import { comparisonSentences } from './sentence.ts';

export interface CompareOptions {
  /** Names as policy-choice.ts has them; `all` is every one that fits. The first is what the others are set against. */
  readonly policies: readonly string[];
  /** Runs of each policy. One says nothing of how much the next would differ. */
  readonly seeds: number;
  /** The first seed, the others follow it; the scenario's own unless given. */
  readonly seed?: number | undefined;
  /** Put into the scenario, whatever the policy. */
  readonly set?: readonly Change[] | undefined;
  /** What relative paths in the scenario start from. */
  readonly folder?: string | undefined;
  readonly workers?: number | undefined;
  /** Told after each run: done of all. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

/** Plain JSON. */
export interface ComparisonResult extends Comparison {
  readonly scenario: string;
  /** Policies that do not fit, where all that fit were asked for. */
  readonly leftOut: readonly { readonly name: string; readonly because: string }[];
  /** In words, one finding each. */
  readonly sentences: readonly string[];
  /** Every run: the policies in order with the first seed, then with the next. */
  readonly rows: readonly TrialRow[];
}

/** Throws a ScenarioError for a scenario, a policy or a change that cannot be, before anything runs. */
export async function comparePolicies(scenario: ScenarioInput, options: CompareOptions): Promise<ComparisonResult> {
  const { policies, seeds, set = [], folder, workers, onProgress } = options;
  const setting = { scenario, set, ...(folder === undefined ? {} : { folder }) };
  const { chosen, leftOut } = policiesFor(policies, setting);
  const [first] = chosen;
  if (first === undefined) throw new RangeError('no policy to compare; all is every one that fits');
  const { name, seed } = first.scenario;
  const firstSeed = options.seed ?? seed;
  // Seed by seed, so that what is left to do is like what is done, and the time that is left can be told from it.
  const trials = Array.from({ length: seeds }, (_, nth) => (firstSeed + nth) % 2 ** 32).flatMap((own) =>
    chosen.map((one) => ({ ...setting, policy: one.name, seed: own })),
  );
  const pool = openPool(workers);
  try {
    let done = 0;
    const onDone = () => onProgress?.(++done, trials.length);
    const rows = await pool.run('trial', trials, { onDone });
    const comparison = comparisonOf(rows);
    const sentences = comparisonSentences(comparison);
    return { scenario: name, ...comparison, leftOut, sentences, rows };
  } finally {
    await pool.close();
  }
}
