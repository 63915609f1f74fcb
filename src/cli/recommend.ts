/**
 * `switchover recommend SCENARIO`: which policy, with which numbers, keeps the downtime, the time and the slowdown that were
 * promised; or which of them cannot be kept, and by how much. Exit code 1 where nothing was shown to hold.
 */
import { type Command, InvalidArgumentError } from 'commander';
import type { GoalLimits } from '../lab/recommend/goals.ts';
import { showsColour, showsProgress } from './terminal.ts';
import { runCount, threads } from './whole-number.ts';

interface RecommendOptions {
  readonly maxDowntime?: string;
  readonly maxServiceDowntime?: string;
  readonly within?: string;
  readonly maxSlowdown?: string;
  readonly policy?: readonly string[];
  readonly seeds: number;
  readonly maxSeeds: number;
  readonly workers?: number;
  readonly json?: boolean;
  readonly progress: boolean;
}

const EXAMPLES = `
Each policy is tried as published and with a few constants aimed at the goals; the best are run
until it is decided whether at least 95 % of runs keep every goal.

Examples:
  $ switchover recommend vgpu-10g --max-downtime 500ms --within 10m --max-slowdown 20%
  $ switchover recommend my-vm.yaml --max-downtime 300ms --policy qemu,nova+auto-converge --json`;

/** Both as in src/lab/recommend/recommend.ts. */
const SEEDS = 20;
const SEEDS_MAX = 400;

export function recommendCommand(program: Command): void {
  program
    .command('recommend')
    .description('find the policy and the numbers that keep a promised downtime, total time and slowdown')
    .argument('<scenario>', 'a YAML or JSON file, or the name of a shipped scenario (switchover list scenarios)')
    .option('--max-downtime <time>', 'the guest stands for no longer, such as 500ms')
    .option('--max-service-downtime <time>', 'no device is without service for longer')
    .option('--within <time>', 'the migration is over after that, such as 10m')
    .option('--max-slowdown <percent>', 'the vCPUs stand for no more of the time, downtime included, such as 20%')
    .option('--policy <names>', 'only these, with commas (switchover list policies); two together with a +', names)
    .option('--seeds <n>', 'runs of each setting before the best are chosen', runCount, SEEDS)
    .option('--max-seeds <n>', 'runs of each of the best, at most', runCount, SEEDS_MAX)
    .option('--workers <n>', 'threads; one a core unless given', threads)
    .option('--json', 'print every setting as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((scenario: string, options: RecommendOptions) => recommendFor(scenario, options));
}

async function recommendFor(name: string, options: RecommendOptions): Promise<void> {
  const goals = await goalsFrom(options);
  const { readWritten } = await import('../lab/scenario/read.ts');
  const { recommend } = await import('../lab/recommend/recommend.ts');
  const written = readWritten(name);
  const { runsBarOf } = await import('./runs-bar.ts');
  const format = '{bar} {value} of {total} runs so far';
  const bar = await runsBarOf(showsProgress(options.progress), format, 1);
  try {
    const told = await recommend(written, {
      goals,
      policies: options.policy,
      seeds: options.seeds,
      seedsMax: options.maxSeeds,
      workers: options.workers,
      onProgress: bar.update,
    });
    bar.stop();
    if (options.json === true) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    else {
      const { recommendText } = await import('../lab/recommend/text.ts');
      process.stdout.write(recommendText(told, { colour: showsColour(), scenario: name }));
    }
    process.exitCode = told.holding.length > 0 && told.broken.length === 0 ? 0 : 1;
  } finally {
    bar.stop();
  }
}

async function goalsFrom(options: RecommendOptions): Promise<GoalLimits> {
  const { DURATION, PERCENT, readQuantity } = await import('../lab/scenario/quantity.ts');
  const { UsageError } = await import('./usage-error.ts');
  const read = (text: string | undefined, option: string, quantity: typeof DURATION) => {
    if (text === undefined) return undefined;
    const reading = readQuantity(quantity, text);
    if ('value' in reading) return reading.value;
    const hint = reading.hint === null ? '' : `; ${reading.hint}`;
    throw new UsageError(`${option}: expected ${quantity.noun} such as ${quantity.example}, got "${text}"${hint}`);
  };
  const ms = (ns: number | undefined) => (ns === undefined ? undefined : ns / 1e6);
  const goals = {
    maxDowntimeMs: ms(read(options.maxDowntime, '--max-downtime', DURATION)),
    maxServiceDowntimeMs: ms(read(options.maxServiceDowntime, '--max-service-downtime', DURATION)),
    withinMs: ms(read(options.within, '--within', DURATION)),
    maxSlowdownPercent: read(options.maxSlowdown, '--max-slowdown', PERCENT),
  };
  if (Object.values(goals).some((goal) => goal !== undefined)) return goals;
  throw new UsageError(
    'say what is to be kept: --max-downtime 500ms, --within 10m, --max-slowdown 20%, or some of them',
  );
}

function names(text: string): readonly string[] | undefined {
  if (text === 'all') return undefined;
  const named = text.split(',').map((one) => one.trim());
  if (named.includes('')) throw new InvalidArgumentError('expected names with commas such as qemu,nova.');
  return named;
}
