/**
 * Pages of results, each one file that opens anywhere. The drawing library is loaded when the first page is asked for and not
 * before, so that a program that only migrates does not pay for it.
 */
import type { ComparisonPageInput } from './comparison-page.ts';
import type { ExperimentPageInput } from './experiment-page.ts';
import type { RunPageInput } from './run-page.ts';
import type { SweepPageInput } from './sweep-page.ts';

export type { ComparisonPageInput } from './comparison-page.ts';
export type { ExperimentPageInput } from './experiment-page.ts';
export type { RunPageInput } from './run-page.ts';
export type { SweepPageInput } from './sweep-page.ts';

/** The page of one migration, as HTML. */
export async function runHtml(input: RunPageInput): Promise<string> {
  const { runPage } = await import('./run-page.ts');
  return runPage(input);
}

/** The page of policies that were compared on one scenario. */
export async function comparisonHtml(input: ComparisonPageInput): Promise<string> {
  const { comparisonPage } = await import('./comparison-page.ts');
  return comparisonPage(input);
}

/** The page of an experiment: sides against each other. */
export async function experimentHtml(input: ExperimentPageInput): Promise<string> {
  const { experimentPage } = await import('./experiment-page.ts');
  return experimentPage(input);
}

/** The page of a finished sweep. */
export async function sweepHtml(input: SweepPageInput): Promise<string> {
  const { sweepPage } = await import('./sweep-page.ts');
  return sweepPage(input);
}
