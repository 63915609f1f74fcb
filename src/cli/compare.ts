/**
 * `switchover compare EXPERIMENT`: run every cell of an experiment and end with a sentence that says which side is ahead where,
 * and where that changes. It decides nothing: the experiment's file says what is varied and what is measured.
 */
import type { Command } from 'commander';
import { wholeNumber } from './whole-number.ts';

interface CompareOptions {
  readonly seed?: number;
  readonly json?: boolean;
  readonly progress: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover compare kvm-ring-by-rate
  $ switchover compare my-experiment.yaml --seed 7 --json`;

export function compareCommand(program: Command): void {
  program
    .command('compare')
    .description('run an experiment: sides against each other along an axis, and where the better one changes')
    .argument('<experiment>', 'a YAML or JSON file, or the name of a shipped experiment (switchover list experiments)')
    .option('--seed <n>', "of the first run of each cell, in place of the scenario's own", wholeNumber)
    .option('--json', 'print every figure as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((experiment: string, options: CompareOptions) => compare(experiment, options));
}

async function compare(name: string, { seed, json, progress }: CompareOptions): Promise<void> {
  const { readExperiment } = await import('../lab/experiment/read.ts');
  const { runExperiment } = await import('../lab/experiment/run.ts');
  const experiment = readExperiment(name);
  const { runsBarOf } = await import('./runs-bar.ts');
  const format = '{bar} {value} of {total} runs  {eta_formatted} left';
  const bar = await runsBarOf(progress && process.stderr.isTTY === true, format, experiment.cells.length);
  try {
    const result = await runExperiment(experiment, { seed, onProgress: bar.update });
    bar.stop();
    if (json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else {
      const { experimentText } = await import('../lab/experiment/text.ts');
      const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
      process.stdout.write(experimentText(result, { colour }));
    }
    process.exitCode = result.broken.length > 0 ? 1 : 0;
  } finally {
    bar.stop();
  }
}
