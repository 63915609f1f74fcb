/** `switchover import FILE`: figures of a real VM as a scenario; what they do not hold is asked for on stderr. */
import { readFileSync, statSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from './usage-error.ts';

/** A log of days of polls; what is larger is some other file. */
const FILE_MAX_BYTES = 64 * 2 ** 20;

const FORMATS = `
Formats, told apart by their content:
  calc-dirty-rate   one JSON object with page-size, n-total-pages, n-sampled-pages, n-zero-pages,
                    and the lists periods (ms) and n-dirty-pages (sampled pages dirty by then), by
                    itself or as a reply's "return"
  QMP log           one JSON object a line: MIGRATION_PASS events with timestamps, replies to
                    query-migrate with total-time and ram (total, dirty-sync-count,
                    dirty-pages-rate; page-size, duplicate, mbps if there)
  virsh domjobinfo  as it is printed during a migration: Memory total, Dirty rate; Page size and
                    Memory bandwidth if there

Examples:
  $ virsh domjobinfo my-vm > job.txt
  $ switchover import job.txt -o my-vm.yaml
  $ switchover run my-vm.yaml
  $ switchover import source.log --destination destination.log --journal seen.db
  $ switchover replay seen.db`;

export function importCommand(program: Command): void {
  program
    .command('import')
    .description('make a scenario from figures of a real VM, or of a QMP log a journal that can be read')
    .argument('<file>', 'calc-dirty-rate samples, a QMP log, or the output of virsh domjobinfo')
    .option('-o, --output <scenario.yaml>', 'write it to a new file instead of stdout')
    .option('--journal <file>', 'of a QMP log: write what it tells as a read-only run into this SQLite file instead')
    .option('--destination <log>', "with --journal: the destination's QMP log, which has the RESUME")
    .addHelpText('after', FORMATS)
    .action((file: string, options: ImportOptions) =>
      options.journal === undefined ? importFile(file, options) : importJournal(file, options.journal, options),
    );
}

interface ImportOptions {
  readonly output?: string;
  readonly journal?: string;
  readonly destination?: string;
}

async function importJournal(name: string, path: string, { output, destination }: ImportOptions): Promise<void> {
  if (output !== undefined)
    throw new UsageError('--output writes a scenario and --journal a journal: name one of them');
  const source = { name, text: readText(name) };
  const there = destination === undefined ? undefined : { name: destination, text: readText(destination) };
  const { importObserved } = await import('../lab/import/observe.ts');
  const { MemoryJournal } = await import('../journal/memory-journal.ts');
  // Read once without the file: a log that cannot be read leaves no journal behind.
  importObserved({ source, destination: there }, new MemoryJournal());
  const { openJournal } = await import('../journal/open.ts');
  const journal = openJournal(path);
  try {
    const { run, records } = importObserved({ source, destination: there }, journal);
    const { commandLine } = await import('../lab/report/command-line.ts');
    const story = commandLine(['npx', 'switchover', 'replay', path, '--run', run]);
    process.stdout.write(`${run}: ${records.length} records, read-only.\nIts story:  ${story}\n`);
  } finally {
    journal.close();
  }
}

async function importFile(name: string, { output, destination }: ImportOptions): Promise<void> {
  if (destination !== undefined)
    throw new UsageError('--destination goes with --journal: a scenario is made of one log');
  const { importScenario } = await import('../lab/import/import.ts');
  const { text, from, asks } = importScenario({ name, text: readText(name) });
  if (output === undefined) process.stdout.write(text);
  else await write(output, text);
  process.stderr.write([`Imported from ${from}.`, ...asks, ''].join('\n'));
}

function readText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > FILE_MAX_BYTES) throw new UsageError(`${file}: is ${size} bytes; at most ${FILE_MAX_BYTES} are read`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file}: ${why((error as NodeJS.ErrnoException).code)}`);
  }
}

async function write(file: string, text: string): Promise<void> {
  const { writeWholeNew } = await import('../lab/whole-file.ts');
  try {
    writeWholeNew(file, text);
  } catch (error) {
    throw new UsageError(`${file}: ${why((error as NodeJS.ErrnoException).code)}`);
  }
}

function why(code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'no such file or folder';
    case 'EISDIR':
      return 'is a directory';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'EEXIST':
      return 'is there already; name a new file';
    default:
      return `cannot be used (${code ?? 'unknown error'})`;
  }
}
