/**
 * `switchover run SCENARIO`: rehearse one migration and print its report.
 *
 * Ctrl-C cancels the migration, which still ends legally and is reported; a second one kills. The journal stays in memory
 * unless a file is named.
 */
import type { Command } from 'commander';
import { commandLine } from '../lab/report/command-line.ts';
import { type Choices, chosenScenario, paceFactor, settingWords } from './chosen-scenario.ts';
import { collected } from './set-option.ts';
import { showsColour, showsProgress } from './terminal.ts';
import { wholeNumber } from './whole-number.ts';

interface RunOptions extends Choices {
  readonly seed?: number;
  readonly journal?: string;
  readonly recordTrace?: string;
  readonly trace?: string;
  readonly report?: string;
  readonly pace: number | 'max';
  readonly json?: boolean;
  readonly progress: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover run vgpu-10g --pace 1x
  $ switchover run two-nics --policy nova+auto-converge --set vmm.downtimeLimit=100ms
  $ switchover run two-nics --policy ./mine.mjs --shadow qemu
  $ switchover run my-vm.yaml --seed 7 --journal runs.db --json`;

const INTERRUPTED = 130;
const NOTHING_SAID = { set: [], shadow: [] } as const;

export function runCommand(program: Command): void {
  program
    .command('run')
    .description('rehearse the migration that a scenario describes')
    .argument('<scenario>', 'a YAML or JSON file, or the name of a shipped scenario (switchover list scenarios)')
    .option('--seed <n>', "in place of the scenario's own", wholeNumber)
    .option('--journal <file>', 'keep every record in this SQLite file; many runs may share one')
    .option('--record-trace <file>', 'write down every page write, for a workload of kind trace (no timeline: --trace)')
    .option('--trace <file>', 'write a timeline of the run as a Chrome trace, which https://ui.perfetto.dev opens')
    .option('--report <file>', 'write a page with plots and tables: one HTML file that needs no network')
    .option('--policy <name|file>', "in place of the scenario's own: (switchover list policies), or a module of yours")
    .option('--set <key=value>', 'what is other in the scenario; may be said again', collected)
    .option('--shadow <name|file>', 'a policy that watches and decides nothing; may be said again', collected)
    .option('--pace <factor>', 'virtual time against wall time: 1x, 10x, 0.5x, or max', paceFactor, 'max')
    .option('--json', 'print the report as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((scenario: string, options: RunOptions) => run(scenario, { ...NOTHING_SAID, ...options }));
}

async function run(name: string, options: RunOptions): Promise<void> {
  const { migrate } = await import('../lab/migrate.ts');
  const scenario = await chosenScenario(name, options);
  const page = await pageAt(options.report);
  const timeline = await timelineAt(options.trace);
  const trace = await traceAt(options.recordTrace, scenario.vm.pageSizeBytes);
  const { progressOf } = await import('./progress.ts');
  const progress = progressOf(showsProgress(options.progress));
  const interrupts = { count: 0 };
  let journal: Awaited<ReturnType<typeof journalAt>>;
  try {
    // The last one, because a new journal is a file from here on: what else is wrong has been told.
    journal = await journalAt(options.journal);
    const migration = migrate(scenario, {
      pace: options.pace,
      seed: options.seed,
      journal,
      onRefresh: () => progress.refresh(),
    });
    progress.follow(migration);
    page?.follow(migration);
    timeline?.follow(migration);
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
    timeline?.write();
    await page?.write(report, { ...scenario, seed: report.seed }, [
      'run',
      name,
      '--seed',
      String(report.seed),
      ...settingWords(options),
    ]);
    const { exitCodeOf } = await import('./exit-code.ts');
    if (options.json === true) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    else {
      const { reportText } = await import('../lab/report/text.ts');
      process.stdout.write(
        reportText(report, {
          colour: showsColour(),
          narrow: true,
          next: nextCommand(name, report.seed, options, migration.run),
        }),
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

async function pageAt(path: string | undefined) {
  if (path === undefined) return undefined;
  const { RunPage } = await import('./run-page.ts');
  return new RunPage(path);
}

async function timelineAt(path: string | undefined) {
  if (path === undefined) return undefined;
  const { RunTraceFile } = await import('./run-trace.ts');
  return new RunTraceFile(path);
}

async function traceAt(path: string | undefined, pageBytes: number) {
  if (path === undefined) return undefined;
  const { TraceRecorder } = await import('./trace-recorder.ts');
  return new TraceRecorder(path, pageBytes);
}

/** A report ends with what to do next with this run. */
function nextCommand(name: string, seed: number, options: RunOptions, run: string): string {
  const { journal } = options;
  if (journal !== undefined) {
    const withIt = (command: string) => commandLine(['npx', 'switchover', command, journal, '--run', run]);
    return `Look at it:  ${withIt('inspect')}\nReplay it:   ${withIt('replay')}`;
  }
  const words = ['npx', 'switchover', 'run', name, '--seed', String(seed), ...settingWords(options)];
  return `Keep it:  ${commandLine([...words, '--journal', 'runs.db'])} && npx switchover replay runs.db`;
}
