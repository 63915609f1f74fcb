/**
 * `switchover replay JOURNAL`: fold a journal again and hold every record to what it caused then; with `--re-run`, make a
 * modelled run once more and compare record by record; with `--export`, write it as NDJSON.
 *
 * Damage in one run keeps no other from being proved. Of a damaged run nothing is proved or exported, unless `--until-damage`
 * asks for what is good of it; the exit code is 4 all the same.
 */
import type { Command } from 'commander';
import { describeError } from './describe-error.ts';
import { UsageError } from './usage-error.ts';

interface ReplayOptions {
  readonly run?: string;
  readonly reRun?: boolean;
  readonly export?: string;
  readonly allowDrift?: boolean;
  readonly untilDamage?: boolean;
  readonly report?: string;
  readonly trace?: string;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover run vgpu-10g --journal runs.db
  $ switchover replay runs.db
  $ switchover replay runs.db --run vgpu-on-10-gb-s-1 --re-run --json`;

const DIVERGED = 3;
const DAMAGED = 4;

export function replayCommand(program: Command): void {
  program
    .command('replay')
    .description('prove a journal: fold it to the same states, or name the first record that differs')
    .argument('<journal>', 'an SQLite journal, or an NDJSON export of one run')
    .option('--run <name>', 'which run of the file; all of them unless given')
    .option('--re-run', 'make the modelled run once more, and compare every record')
    .option('--export <file>', 'write the run as NDJSON to this file, or - for stdout')
    .option('--allow-drift', 'replay although the charts have changed since')
    .option('--until-damage', 'of a damaged run take the records before the damage (the exit code is still 4)')
    .option('--report <file>', 'write a page of the run with plots and tables: one HTML file that needs no network')
    .option('--trace <file>', 'write a timeline of the run as a Chrome trace, which https://ui.perfetto.dev opens')
    .option('--json', 'print reports as JSON, one a line')
    .addHelpText('after', EXAMPLES)
    .action((path: string, options: ReplayOptions) => replayAll(path, options));
}

/** An export neither proves a run nor tells of it. */
function refuseBesideExport({ reRun, allowDrift, report, trace, json }: ReplayOptions): void {
  const said = { '--re-run': reRun, '--allow-drift': allowDrift, '--report': report, '--trace': trace, '--json': json };
  const [other] = Object.entries(said).find(([, value]) => value !== undefined) ?? [];
  if (other === undefined) return;
  throw new UsageError(`${other} proves or tells a run, and --export only writes it: name one of them`);
}

async function replayAll(path: string, options: ReplayOptions): Promise<void> {
  if (options.export !== undefined) refuseBesideExport(options);
  const { openJournal } = await import('../journal/open.ts');
  const untilDamage = options.untilDamage === true;
  const journal = openJournal(path, { readonly: true, untilDamage });
  try {
    const summaries = journal.runs();
    const present = summaries.map(({ run }) => run);
    const chosen = options.run === undefined ? present : present.filter((run) => run === options.run);
    if (chosen.length === 0) {
      const known = present.length === 0 ? 'it has none' : `it has ${present.join(', ')}`;
      throw new UsageError(
        options.run === undefined ? `${path} holds no runs` : `${path} has no run "${options.run}": ${known}`,
      );
    }
    if (options.export !== undefined) {
      const [only, ...others] = chosen;
      if (others.length > 0) throw new UsageError(`which run to export? --run ${chosen.join(' | --run ')}`);
      const { exportRun } = await import('./export-run.ts');
      const damage = await exportRun(journal, only as string, options.export, { untilDamage });
      if (damage !== undefined) tellDamage(damage);
      return;
    }
    if (options.report !== undefined && chosen.length > 1)
      throw new UsageError(`which run to report? --run ${chosen.join(' | --run ')}`);
    if (options.trace !== undefined && chosen.length > 1)
      throw new UsageError(`which run to trace? --run ${chosen.join(' | --run ')}`);
    const page = await pageAt(options.report);
    const timeline = await timelineAt(options.trace);
    const { proveRun } = await import('./prove-run.ts');
    const { goodRecords } = await import('../journal/good-records.ts');
    for (const run of chosen) {
      const { records, damage } = goodRecords(journal, summaries.find((one) => one.run === run) ?? { run });
      if (damage !== undefined) tellDamage(damage);
      if (damage !== undefined && !(untilDamage && records.length > 0)) continue;
      const proof = await proveRun(records, run, {
        reRun: options.reRun === true,
        allowDrift: options.allowDrift === true,
        onRecorded: page === undefined ? undefined : (recorded) => page.see(recorded),
      });
      await page?.writeReplayed(records, proof.report, ['replay', path, '--run', run]);
      if (proof.divergence === undefined) timeline?.write(records);
      const { sentence, divergence } = proof;
      const told = { ...proof, ...(damage === undefined ? {} : { damage: damage.message }) };
      if (options.json === true) process.stdout.write(`${JSON.stringify(told)}\n`);
      // A line for each run, however wide.
      else process.stdout.write(`${damage === undefined ? '' : 'Until the damage: '}${sentence}\n`);
      if (divergence !== undefined && process.exitCode !== DAMAGED) process.exitCode = DIVERGED;
    }
  } finally {
    journal.close();
  }
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

function tellDamage(damage: Error): void {
  process.stderr.write(`${describeError(damage).message}\n`);
  process.exitCode = DAMAGED;
}
