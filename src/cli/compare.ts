/**
 * `switchover compare EXPERIMENT`: run every cell of an experiment and end with a sentence that says which side is ahead where,
 * and where that changes. It decides nothing: the experiment's file says what is varied and what is measured.
 */
import { type Command, InvalidArgumentError } from 'commander';

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
  const bar = await barOf(progress && process.stderr.isTTY === true, experiment.cells.length);
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

interface Bar {
  update(done: number, all: number): void;
  stop(): void;
}

async function barOf(shown: boolean, all: number): Promise<Bar> {
  if (!shown) return { update() {}, stop() {} };
  const { Presets, SingleBar } = await import('cli-progress');
  const bar = new SingleBar(
    {
      format: '{bar} {value} of {total} runs  {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 28,
      noTTYOutput: false,
    },
    Presets.shades_classic,
  );
  bar.start(all, 0);
  let running = true;
  return {
    update(done, total) {
      bar.setTotal(total);
      bar.update(done);
    },
    stop() {
      if (running) bar.stop();
      running = false;
    },
  };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 0xffff_ffff)
    throw new InvalidArgumentError('expected a whole number from 0 to 4294967295, such as 7.');
  return number;
}
