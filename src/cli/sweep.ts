/**
 * `switchover sweep EXPERIMENT`: every point of a scenario's keys under every policy with every seed, on all cores. With `--out`
 * each run is in the file as soon as it is done, and `--resume` goes on where an earlier go was interrupted, by Ctrl-C or a crash.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { commandLine } from '../lab/report/command-line.ts';
import { reportFile } from './report-file.ts';
import { changesOf, collected } from './set-option.ts';
import { showsColour, showsProgress } from './terminal.ts';
import { runCount, threads } from './whole-number.ts';

interface SweepOptions {
  readonly out?: string;
  readonly resume?: boolean;
  readonly workers?: number;
  readonly seeds?: number;
  readonly pareto?: readonly string[];
  readonly set: readonly string[];
  readonly axis: readonly string[];
  readonly report?: string;
  readonly json?: boolean;
  readonly progress: boolean;
}

const EXAMPLES = `
A sweep is a file such as this; a distribution can only be drawn from, and without sample it is all
combinations:
  name: my sweep
  question: Which limit?
  scenario: vgpu-fits              # one that ships, or a scenario
  sweep:
    axes:
      - { path: link.bandwidth, values: [10Gbit/s, 25Gbit/s] }
      - { name: limit, path: vmm.downtimeLimit,
          values: { from: 50ms, to: 1s, steps: 5, scale: log, multipleOf: 1ms } }
      - { name: rate, path: 'vm.workloads[0].rate',
          values: { distribution: normal, mean: 2k/s, sd: 500/s } }
      - { name: cap, path: vmm.maxBandwidth, of: link.bandwidth, values: [0.5, 1] } # times it
      - { name: guest,
          choices: { small: { vm.memory: 4GiB, vm.vcpus: 1 },
                     large: { vm.memory: 8GiB, vm.vcpus: 4 } } }
    sample: { kind: latin-hypercube, n: 100, seed: 1 }
    policies: [qemu, nova]         # or all
    seeds: 20                      # how many, or a list
    pareto: { of: [downtimeMs, totalMs], per: [guest] }

Examples:
  $ switchover sweep policies-by-load --out rows.ndjson
  $ switchover sweep policies-by-load --out rows.ndjson --resume
  $ switchover sweep stall-or-ramp --report study.html
  $ switchover sweep stall-or-ramp --set link.bandwidth=2Gbit/s --axis load=0.2,0.5,0.8
  $ switchover sweep my-sweep.yaml --seeds 50 --pareto downtimeMs,bytesTotal --out rows.parquet`;

const INTERRUPTED = 130;
const NOTHING_SAID = { set: [], axis: [] } as const;

export function sweepCommand(program: Command): void {
  program
    .command('sweep')
    .description('run every point of a sweep under every policy with every seed, and find the Pareto front')
    .argument('<experiment>', 'a YAML or JSON file with a sweep, or the name of a shipped one (switchover list sweeps)')
    .option('--out <file>', 'a row for each run: .ndjson, .csv or .parquet')
    .option('--resume', 'go on with what an earlier go left in the file')
    .option('--workers <n>', 'threads; one a core unless given', threads)
    .option('--seeds <n>', "runs of each setting, in place of the sweep's own", runCount)
    .option('--pareto <a,b>', "columns of the front, in place of the sweep's own", columns)
    .option('--set <key=value>', "what is other in the sweep's scenario; may be repeated", collected)
    .option('--axis <name=a,b>', 'values of an axis in place of its own; may be repeated', collected)
    .option('--report <file>', 'write a page with plots and tables: one HTML file that needs no network')
    .option('--json', 'print the means of every setting as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((experiment: string, options: SweepOptions) => sweep(experiment, { ...NOTHING_SAID, ...options }));
}

async function sweep(name: string, options: SweepOptions): Promise<void> {
  const { out, resume, workers, seeds, pareto, json } = options;
  if (resume === true && out === undefined) {
    const { UsageError } = await import('./usage-error.ts');
    throw new UsageError('--resume goes on with a file: say which with --out');
  }
  const page = reportFile(options.report);
  const { readSweep } = await import('../lab/sweep/read.ts');
  const { runSweep } = await import('../lab/sweep/run.ts');
  const [set, axes] = [await changesOf(options.set), await axesOf(options.axis)];
  const read = readSweep(name, { seeds, pareto, set, axes });
  const { runsBarOf } = await import('./runs-bar.ts');
  const format = '{bar} {value} of {total} runs  {eta_formatted} left';
  const bar = await runsBarOf(showsProgress(options.progress), format, 1);
  const interrupts = { count: 0 };
  const onInterrupt = () => {
    interrupts.count++;
    if (interrupts.count > 1) process.exit(INTERRUPTED);
  };
  process.on('SIGINT', onInterrupt);
  const beganMs = performance.now();
  try {
    const onProgress = bar.update;
    const ended = await runSweep(read, { out, resume, workers, onProgress, enough: () => interrupts.count > 0 });
    bar.stop();
    const seconds = (performance.now() - beganMs) / 1000;
    const ran = ended.done - ended.found;
    const rate = `${ran} runs in ${seconds.toFixed(1)} s, ${Math.round(ran / seconds)} a second`;
    if (ended.finished === null) {
      const next =
        out === undefined ? 'nothing was kept; --out FILE keeps every run' : `go on with: ${again(name, options)}`;
      process.stderr.write(`\ninterrupted after ${ended.done} of ${ended.trials} runs; ${next}\n`);
      process.exitCode = INTERRUPTED;
      return;
    }
    const { result } = ended.finished;
    if (page !== undefined) {
      const { sweepHtml } = await import('../lab/html/index.ts');
      const words = ['switchover', 'sweep', name, ...settingOptions(options), '--report', 'report.html'];
      page.write(await sweepHtml({ result, command: commandLine(words) }));
    }
    if (json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else {
      const { sweepText } = await import('../lab/sweep/text.ts');
      process.stdout.write(sweepText(result, { colour: showsColour() }));
    }
    const found = ended.found === 0 ? '' : `; ${ended.found} were there already`;
    process.stderr.write(`${rate}${found}${out === undefined ? '' : `; rows in ${out}`}\n`);
    process.exitCode = result.broken.length > 0 ? 1 : 0;
  } finally {
    process.off('SIGINT', onInterrupt);
    bar.stop();
  }
}

/** What the rows and the fronts depend on. */
function settingOptions({ seeds, pareto, set, axis }: SweepOptions): readonly string[] {
  return [
    ...set.flatMap((change) => ['--set', change]),
    ...axis.flatMap((values) => ['--axis', values]),
    ...(seeds === undefined ? [] : ['--seeds', String(seeds)]),
    ...(pareto === undefined ? [] : ['--pareto', pareto.join(',')]),
  ];
}

/** The command that goes on. */
function again(name: string, options: SweepOptions): string {
  const { out = '', workers, report, json } = options;
  const own = [
    ...(workers === undefined ? [] : ['--workers', String(workers)]),
    ...(report === undefined ? [] : ['--report', report]),
    ...(json === true ? ['--json'] : []),
  ];
  return commandLine(['switchover', 'sweep', name, '--out', out, ...settingOptions(options), ...own, '--resume']);
}

/** `NAME=V1,V2`, the values as YAML has them. */
async function axesOf(given: readonly string[]): Promise<readonly (readonly [string, readonly unknown[]])[]> {
  const { parse } = await import('yaml');
  const { UsageError } = await import('./usage-error.ts');
  return given.map((text) => {
    const equals = text.lastIndexOf('=');
    const name = text.slice(0, Math.max(0, equals)).trim();
    const values = text.slice(equals + 1).split(',');
    if (name === '' || values.some((one) => one.trim() === ''))
      throw new UsageError(`--axis: expected NAME=VALUES such as "dirty rate=1k/s,8k/s", got "${text}"`);
    try {
      return [name, values.map((one) => parse(one.trim()) as unknown)] as const;
    } catch (error) {
      throw new UsageError(`--axis ${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  });
}

function columns(text: string): readonly string[] {
  const named = text.split(',').map((one) => one.trim());
  if (named.length < 2 || named.includes(''))
    throw new InvalidArgumentError('expected two columns or more such as downtimeMs,totalMs.');
  return named;
}
