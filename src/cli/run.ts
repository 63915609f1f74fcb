/**
 * `switchover run SCENARIO`: rehearse one migration and print its report.
 *
 * Ctrl-C cancels the migration, which still ends legally and is reported; a second one kills. The journal stays in memory
 * unless a file is named.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from './whole-number.ts';

interface RunOptions {
  readonly seed?: number;
  readonly journal?: string;
  readonly recordTrace?: string;
  readonly pace: number | 'max';
  readonly json?: boolean;
  readonly progress: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover run vgpu-10g --pace 1x
  $ switchover run my-vm.yaml --seed 7 --journal runs.db --json`;

const INTERRUPTED = 130;

export function runCommand(program: Command): void {
  program
    .command('run')
    .description('rehearse the migration that a scenario describes')
    .argument('<scenario>', 'a YAML or JSON file, or the name of a shipped scenario (switchover list scenarios)')
    .option('--seed <n>', "in place of the scenario's own", wholeNumber)
    .option('--journal <file>', 'keep every record in this SQLite file; many runs may share one')
    .option('--record-trace <file>', 'write down every page write; a workload of kind trace replays it')
    .option('--pace <factor>', 'virtual time against wall time: 1x, 10x, 0.5x, or max', paceFactor, 'max')
    .option('--json', 'print the report as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((scenario: string, options: RunOptions) => run(scenario, options));
}

async function run(name: string, options: RunOptions): Promise<void> {
  const { readScenario } = await import('../lab/scenario/read.ts');
  const { migrate } = await import('../lab/migrate.ts');
  const scenario = readScenario(name);
  const journal = await journalAt(options.journal);
  const trace = await traceAt(options.recordTrace, scenario.vm.pageSizeBytes);
  const { progressOf } = await import('./progress.ts');
  const progress = progressOf(options.progress && process.stderr.isTTY === true);
  const interrupts = { count: 0 };
  try {
    const migration = migrate(scenario, {
      pace: options.pace,
      seed: options.seed,
      journal,
      onRefresh: () => progress.refresh(),
    });
    progress.follow(migration);
    if (trace !== undefined) migration.pages$.subscribe((batch) => trace.receive(batch));
    const onInterrupt = () => {
      interrupts.count++;
      if (interrupts.count > 1) process.exit(INTERRUPTED);
      process.stderr.write('\ncancelling; once more kills\n');
      migration.cancel();
    };
    process.on('SIGINT', onInterrupt);
    const report = await migration.report.finally(() => process.off('SIGINT', onInterrupt));
    progress.stop();
    trace?.finish();
    const { exitCodeOf } = await import('./exit-code.ts');
    if (options.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else {
      const { reportText } = await import('../lab/report/text.ts');
      const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
      process.stdout.write(
        reportText(report, { colour, next: nextCommand(name, report.seed, options, migration.run) }),
      );
    }
    process.exitCode = interrupts.count > 0 ? INTERRUPTED : exitCodeOf(report, scenario);
  } finally {
    progress.stop();
    trace?.abandon();
    journal?.close();
  }
}

async function journalAt(path: string | undefined) {
  if (path === undefined) return undefined;
  const { openJournal } = await import('../journal/open.ts');
  return openJournal(path);
}

async function traceAt(path: string | undefined, pageBytes: number) {
  if (path === undefined) return undefined;
  const { TraceRecorder } = await import('./trace-recorder.ts');
  return new TraceRecorder(path, pageBytes);
}

/** A report ends with what to do next with this run. */
function nextCommand(name: string, seed: number, { journal }: RunOptions, run: string): string {
  if (journal !== undefined) return `Replay it:  npx switchover replay ${quoted(journal)} --run ${quoted(run)}`;
  return `Keep it:  npx switchover run ${quoted(name)} --seed ${seed} --journal runs.db && npx switchover replay runs.db`;
}

function quoted(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function paceFactor(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const factor = Number(/^(\d+(?:\.\d+)?)x$/.exec(text)?.[1]);
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a factor such as 1x, 10x or 0.5x, or max.');
  return factor;
}
