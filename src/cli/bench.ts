/** `switchover bench`: how fast this build is on this machine, its page kernels and whole migrations. It judges nothing. */
import { type Command, InvalidArgumentError } from 'commander';
import type { KernelBench } from './bench-kernels.ts';
import type { PartsBench } from './bench-parts.ts';
import type { ScenarioTime } from './bench-scenarios.ts';
import type { Scaling } from './bench-workers.ts';

interface BenchOptions {
  readonly json?: boolean;
  readonly migrations: number;
}

const EXAMPLES = `
Examples:
  $ switchover bench
  $ switchover bench --migrations 50 --json`;

export function benchCommand(program: Command): void {
  program
    .command('bench')
    .description('measure the page kernels against their twins in TypeScript, whole migrations and their parts')
    .option('--migrations <n>', 'how often each migration is timed', migrations, 30)
    .option('--json', 'as JSON')
    .addHelpText('after', EXAMPLES)
    .action((options: BenchOptions) => bench(options));
}

async function bench({ json, migrations }: BenchOptions): Promise<void> {
  const { availableParallelism, cpus, loadavg } = await import('node:os');
  const { benchKernels } = await import('./bench-kernels.ts');
  const { benchInput, benchScenarios } = await import('./bench-scenarios.ts');
  const { benchParts } = await import('./bench-parts.ts');
  const { scalingOf } = await import('./bench-workers.ts');
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
    load: loadavg()[0]!,
  };
  const kernels = benchKernels();
  const scenarios = benchScenarios(migrations);
  const parts = benchParts(benchInput('S2'), benchInput('S2 in 4 TiB'), migrations);
  const workers = await scalingOf('S2');
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ machine, kernels, scenarios, parts, workers }, null, 2)}\n`);
    return;
  }
  const { default: Table } = await import('cli-table3');
  const table = (head: readonly string[], rows: readonly (readonly string[])[]) => {
    const colAligns = head.map((_, column) => (column === 0 ? ('left' as const) : ('right' as const)));
    const made = new Table({ head: [...head], colAligns, style: { head: [], border: [] }, chars: PLAIN });
    made.push(...rows.map((row) => [...row]));
    return `${made
      .toString()
      .split('\n')
      .map((line) => line.trimEnd())
      .join('\n')}\n`;
  };
  const { cpu, cores, node, load } = machine;
  process.stdout.write(`${cpu}, ${cores} cores, Node ${node}, load ${load.toFixed(1)}\n\n`);
  process.stdout.write(`Page kernels; the fastest of several rounds\n${table(...kernelTable(kernels))}`);
  const { firstInstanceMs, instanceMs } = kernels;
  process.stdout.write(`  An instance takes ${figure(instanceMs)} ms, the first ${figure(firstInstanceMs)} ms.\n\n`);
  process.stdout.write(`Migrations; CPU time of one, ${migrations} timed\n${table(...scenarioTable(scenarios))}`);
  for (const { name, about } of scenarios) process.stdout.write(`  ${name}: ${about}.\n`);
  process.stdout.write(
    `\nS2 in its parts; CPU time unless it says so\n${table(...partsTable(parts))}${partsLines(parts)}${workersLine(workers)}`,
  );
  if (load > cores / 2) {
    process.stdout.write(
      `\nOthers keep this machine busy (load ${load.toFixed(1)}): ratios hold, speeds are lower than it has.\n`,
    );
  }
}

function partsTable({ migrationsPerSecond, deliveriesPerSecond }: PartsBench): [string[], string[][]] {
  const rows = (['charts', 'core', 'whole'] as const).map((part) => [
    { charts: 'charts alone', core: 'charts, core and journal', whole: 'the whole' }[part],
    migrationsPerSecond[part].toFixed(0),
    deliveriesPerSecond[part].toFixed(0),
  ]);
  return [['', 'migrations/s', 'deliveries/s'], rows];
}

function partsLines(parts: PartsBench): string {
  const { records, deliveries, replayRecordsPerSecond, subscribers, largerGuest } = parts;
  const { rounds, batches, costPercent } = subscribers;
  return [
    `  A migration has ${records} records and ${deliveries} deliveries; ${replayRecordsPerSecond.toFixed(0)} records/s are replayed.`,
    `  Subscribers to its ${rounds} rounds and ${batches} batches cost ${costPercent.toFixed(1)} %.`,
    `  In 4 TiB it takes x ${largerGuest.ratio.toFixed(2)} (${figure(largerGuest.largeMs)} ms for ${figure(largerGuest.smallMs)} ms).`,
    '',
  ].join('\n');
}

function workersLine(workers: Scaling): string {
  if ('because' in workers) return `  Two workers: not measured; ${workers.because}.\n`;
  const { migrations, ratio, oneMs, twoMs, processesRatio } = workers;
  return `  Two workers do ${migrations} of them x ${ratio.toFixed(2)} as fast as one (${figure(twoMs)} ms for ${figure(oneMs)} ms, wall time); two processes that share nothing, x ${processesRatio.toFixed(2)}.\n`;
}

function kernelTable({ times }: KernelBench): [readonly string[], readonly (readonly string[])[]] {
  const rows = times.map(({ kernel, bitmapBytes, unit, wasm, typescript, ratio }) => [
    kernel,
    bitmapBytes < 2 ** 20 ? `${bitmapBytes / 2 ** 10} KiB` : `${bitmapBytes / 2 ** 20} MiB`,
    figure(wasm),
    figure(typescript),
    unit,
    `x ${figure(ratio)}`,
  ]);
  return [['kernel', 'bitmap', 'wasm', 'typescript', 'unit', 'faster'], rows];
}

function scenarioTable(times: readonly ScenarioTime[]): [readonly string[], readonly (readonly string[])[]] {
  const rows = times.map((time) => [
    time.name,
    figure(time.medianMs),
    figure(time.leastMs),
    String(time.rounds),
    beside(time.totalMs, time.analytic?.totalMs),
    beside(time.downtimeMs, time.analytic?.downtimeMs),
    String(time.records),
    String(time.deliveries),
    time.lostWritesChecked ? 'held' : 'not held',
  ]);
  const head = [
    '',
    'median ms',
    'least ms',
    'rounds',
    'total ms',
    'downtime ms',
    'records',
    'deliveries',
    'no lost write',
  ];
  return [head, rows];
}

/** What came out, and the closed form with how far it is off. */
function beside(ms: number | null, analyticMs: number | undefined): string {
  if (ms === null) return '-';
  if (analyticMs === undefined) return ms.toFixed(1);
  return `${ms.toFixed(1)} (analytic ${analyticMs.toFixed(1)}, ${(100 * (ms / analyticMs - 1)).toFixed(3)} %)`;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function migrations(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > 10_000)
    throw new InvalidArgumentError('expected a whole number from 1 to 10000, such as 50.');
  return number;
}

/** No lines: what is piped into a file stays readable. */
const PLAIN = {
  ...{
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    mid: '',
    'left-mid': '',
    'mid-mid': '',
    'right-mid': '',
  },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '', left: '', right: '', middle: ' ' },
};
