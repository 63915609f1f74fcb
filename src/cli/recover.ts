/**
 * `switchover recover JOURNAL`: go on with a run whose process died, or settle one that is in doubt, and print its report.
 *
 * The run goes on in the same journal. With `--source-fenced` or `--destination-fenced` an operator says that a host is dead
 * and stays so: only a run in doubt takes it, and nothing here checks it. A run that has ended is reported as it is.
 */
import type { Command } from 'commander';
import type { RecoveredRun } from '../lab/recover-modelled.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';
import { showsColour } from './terminal.ts';
import { UsageError } from './usage-error.ts';

interface RecoverOptions {
  readonly run?: string;
  readonly sourceFenced?: boolean;
  readonly destinationFenced?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover run fault-lost-start --journal doubt.db
  $ switchover recover doubt.db
  $ switchover recover doubt.db --run lost-answer-to-the-start-1 --destination-fenced --json`;

export function recoverCommand(program: Command): void {
  program
    .command('recover')
    .description('go on with a run whose process died, or settle one that is in doubt')
    .argument('<journal>', 'an SQLite journal')
    .option('--run <name>', 'which run of the file; needed unless it holds one')
    .option('--source-fenced', 'of a run in doubt: the source is dead and stays so')
    .option('--destination-fenced', 'of a run in doubt: the destination is dead and stays so')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', EXAMPLES)
    .action((path: string, options: RecoverOptions) => recoverOne(path, options));
}

async function recoverOne(path: string, options: RecoverOptions): Promise<void> {
  const fenced = fencedOf(options);
  const { openJournal } = await import('../journal/open.ts');
  // Asked for reading first: a file that is not there is not made.
  const reading = openJournal(path, { readonly: true });
  let run: string;
  try {
    run = chosenRun(
      path,
      reading.runs().map((summary) => summary.run),
      options.run,
    );
  } finally {
    reading.close();
  }
  const journal = openJournal(path);
  try {
    const { recoverRun } = await import('../lab/recover-modelled.ts');
    const recovered = settled(await recoverRun(journal, run, { fenced }));
    const [first] = journal.read(run);
    if (first?.kind !== 'opened') throw new UsageError(`run "${run}" has no first record`);
    const { exitCodeOf } = await import('./exit-code.ts');
    await print(recovered, { path, run, json: options.json === true });
    const { expect } = first.opened.scenario as Scenario;
    const hoped = recovered.was === 'ended' ? expect : { ...expect, outcome: 'completed' as const };
    process.exitCode = exitCodeOf(recovered.report, { expect: hoped });
  } finally {
    journal.close();
  }
}

/** A scenario that expects doubt has had it: whoever recovers hopes for another end. */
function settled(recovered: RecoveredRun): RecoveredRun {
  if (recovered.was === 'ended') return recovered;
  const expectations = recovered.report.expectations.filter(({ name }) => name !== 'outcome');
  return { ...recovered, report: { ...recovered.report, expectations } };
}

function fencedOf({ sourceFenced, destinationFenced }: RecoverOptions): 'source' | 'destination' | undefined {
  if (sourceFenced === true && destinationFenced === true) {
    throw new UsageError(
      'both hosts are said to be fenced: then nobody runs the guest, and nothing is left to be recovered; say --source-fenced or --destination-fenced',
    );
  }
  if (sourceFenced === true) return 'source';
  return destinationFenced === true ? 'destination' : undefined;
}

function chosenRun(path: string, present: readonly string[], wanted: string | undefined): string {
  if (present.length === 0) throw new UsageError(`${path} holds no runs`);
  if (wanted !== undefined) {
    if (present.includes(wanted)) return wanted;
    throw new UsageError(`${path} has no run "${wanted}": it has ${present.join(', ')}`);
  }
  const [only, ...others] = present;
  if (others.length > 0) throw new UsageError(`which run to recover? --run ${present.join(' | --run ')}`);
  return only as string;
}

async function print(
  { report, was, is, position, outage }: RecoveredRun,
  { path, run, json }: { readonly path: string; readonly run: string; readonly json: boolean },
): Promise<void> {
  if (was === 'ended') process.stderr.write(`run "${run}" had ended: there was nothing to recover\n`);
  else {
    const commands = Object.keys(outage?.fates ?? {}).length;
    const open =
      commands === 0 ? 'no command was open' : `${commands} ${commands === 1 ? 'command was' : 'commands were'} open`;
    process.stderr.write(`run "${run}" was taken up after record ${position}; ${open}\n`);
  }
  if (json) {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
    return;
  }
  const { reportText } = await import('../lab/report/text.ts');
  const { commandLine } = await import('../lab/report/command-line.ts');
  const verb = is === 'rests' ? 'recover' : 'replay';
  process.stdout.write(
    reportText(report, {
      colour: showsColour(),
      narrow: true,
      next: `${is === 'rests' ? 'Settle' : 'Replay'} it:  ${commandLine(['npx', 'switchover', verb, path, '--run', run])}`,
    }),
  );
}
