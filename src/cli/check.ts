/**
 * `switchover check`: random migrations with random faults, one for each seed, all of them judged; and exhaustive ones. It ends
 * with what was reached and, for everything that was found, a scenario file and the one command that makes it happen again.
 */
import { type Command, Option } from 'commander';
import type { CheckOptions as WhatToCheck } from '../lab/check/check.ts';
import { showsProgress } from './terminal.ts';
import { threads, wholeNumber } from './whole-number.ts';

interface CheckOptions {
  readonly seeds: number;
  readonly seed: number;
  readonly exhaustive: WhatToCheck['exhaustive'];
  readonly json?: boolean;
  readonly workers?: number;
  readonly progress: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover check --seeds 20000
  $ switchover check --seed 17 --seeds 1
  $ switchover check --seeds 0 --exhaustive --json`;

/** Enough for a first look, in seconds; this project's own. */
const SEEDS_BY_DEFAULT = 1000;

export function checkCommand(program: Command): void {
  program
    .command('check')
    .description('look for a fault, a cancel or a crash that a migration does not survive, in random migrations')
    .option('--seeds <n>', 'how many random migrations', wholeNumber, SEEDS_BY_DEFAULT)
    .option('--seed <n>', 'the first seed', wholeNumber, 1)
    .addOption(
      new Option(
        '--exhaustive [cases]',
        'small scenarios as well: everything that can go wrong at each step, alone and in pairs, or as singles only',
      )
        .choices(['singles', 'pairs'] satisfies WhatToCheck['exhaustive'][])
        .preset('pairs')
        .default('no', 'none'),
    )
    .option('--workers <n>', 'threads; one a core unless given', threads)
    .option('--json', 'print what was found and reached as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((options: CheckOptions) => runCheck(options));
}

async function runCheck({ seeds, seed, exhaustive, json, workers, progress }: CheckOptions): Promise<void> {
  const { check } = await import('../lab/check/check.ts');
  const { writeFailure } = await import('../lab/check/failure-file.ts');
  const { workersByDefault } = await import('../lab/pool/pool.ts');
  const bar = await barOf(showsProgress(progress));
  try {
    const checked = await check({
      seed,
      seeds,
      exhaustive,
      workers: workers ?? workersByDefault(),
      onProgress: bar.update,
    });
    bar.stop();
    const written = checked.found.map((found) => writeFailure(found, '.'));
    if (json === true) {
      const { reachedOf } = await import('../lab/check/reached.ts');
      process.stdout.write(`${JSON.stringify({ ...checked, written, reached: reachedOf(checked.tally) }, null, 2)}\n`);
    } else {
      const { checkText } = await import('../lab/check/text.ts');
      process.stdout.write(checkText(checked, written));
    }
    process.exitCode = checked.found.length > 0 ? 1 : 0;
  } finally {
    bar.stop();
  }
}

/** Updated with the runs done, all of them, and how many failed. */
async function barOf(shown: boolean) {
  const { runsBarOf } = await import('./runs-bar.ts');
  const beganMs = performance.now();
  const format = '{bar} {value} of {total} runs  {perSecond}/s  {failures} found  {eta_formatted} left';
  const bar = await runsBarOf(shown, format, 1, { perSecond: 0, failures: 0 });
  return {
    update(done: number, all: number, failures: number) {
      const perSecond = Math.round((1000 * done) / Math.max(1, performance.now() - beganMs));
      bar.update(done, all, { perSecond, failures });
    },
    stop: () => bar.stop(),
  };
}
