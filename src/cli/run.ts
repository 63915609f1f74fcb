/**
 * `switchover run SCENARIO`: rehearse one migration and print its report.
 *
 * Ctrl-C cancels the migration, which still ends legally and is reported; a second one kills. The journal stays in memory
 * unless a file is named.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { commandLine } from './report-file.ts';
import { changesOf, collected } from './set-option.ts';
import { showsColour, showsProgress } from './terminal.ts';
import { wholeNumber } from './whole-number.ts';

interface RunOptions {
  readonly seed?: number;
  readonly journal?: string;
  readonly recordTrace?: string;
  readonly report?: string;
  readonly pace: number | 'max';
  readonly policy?: string;
  readonly set: readonly string[];
  readonly shadow: readonly string[];
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
    .option('--record-trace <file>', 'write down every page write; a workload of kind trace replays it')
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
  const journal = await journalAt(options.journal);
  const trace = await traceAt(options.recordTrace, scenario.vm.pageSizeBytes);
  const { progressOf } = await import('./progress.ts');
  const progress = progressOf(showsProgress(options.progress));
  const interrupts = { count: 0 };
  try {
    const migration = migrate(scenario, {
      pace: options.pace,
      seed: options.seed,
      journal,
      onRefresh: () => progress.refresh(),
    });
    progress.follow(migration);
    page?.follow(migration);
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

/** The scenario with what is said here in the place of its own. A policy's name means what it means to `compare`. */
async function chosenScenario(name: string, { policy, set, shadow }: RunOptions) {
  const { readScenario, readWritten } = await import('../lab/scenario/read.ts');
  const { isPolicyFile, withPolicies } = await import('../lab/policy/named-policies.ts');
  const named = policy === undefined || isPolicyFile(policy) ? undefined : policy;
  const other = named === undefined ? policy : undefined;
  if (named === undefined && set.length === 0) return withPolicies(readScenario(name), other, shadow);
  const { scenarioOf } = await import('../lab/trial/trial.ts');
  const { input, folder } = readWritten(name);
  const setting = { scenario: input, folder, set: await changesOf(set) };
  return withPolicies(scenarioOf(named === undefined ? setting : { ...setting, policy: named }), other, shadow);
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

async function traceAt(path: string | undefined, pageBytes: number) {
  if (path === undefined) return undefined;
  const { TraceRecorder } = await import('./trace-recorder.ts');
  return new TraceRecorder(path, pageBytes);
}

/** What was said in the place of the scenario's own. */
function settingWords({ policy, set, shadow }: RunOptions): readonly string[] {
  return [
    ...(policy === undefined ? [] : ['--policy', policy]),
    ...set.flatMap((one) => ['--set', one]),
    ...shadow.flatMap((one) => ['--shadow', one]),
  ];
}

/** A report ends with what to do next with this run. */
function nextCommand(name: string, seed: number, options: RunOptions, run: string): string {
  const { journal } = options;
  if (journal !== undefined)
    return `Replay it:  ${commandLine(['npx', 'switchover', 'replay', journal, '--run', run])}`;
  const words = ['npx', 'switchover', 'run', name, '--seed', String(seed), ...settingWords(options)];
  return `Keep it:  ${commandLine([...words, '--journal', 'runs.db'])} && npx switchover replay runs.db`;
}

function paceFactor(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const factor = Number(/^(\d+(?:\.\d+)?)x$/.exec(text)?.[1]);
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a factor such as 1x, 10x or 0.5x, or max.');
  return factor;
}
