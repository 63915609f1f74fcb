/** `switchover import FILE`: figures of a real VM as a scenario; what they do not hold is asked for on stderr. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from './usage-error.ts';

/** A log of days of polls; what is larger is some other file. */
const FILE_MAX_BYTES = 64 * 2 ** 20;

const FORMATS = `
Formats, told apart by their content:
  calc-dirty-rate   one JSON object with page-size, n-total-pages, n-sampled-pages, n-zero-pages, and the lists periods (ms)
                    and n-dirty-pages (sampled pages dirty by then), by itself or as a reply's "return"
  QMP log           one JSON object a line: MIGRATION_PASS events with timestamps, replies to query-migrate with ram
                    (total, dirty-sync-count, dirty-pages-rate; page-size, duplicate, mbps if there) and total-time
  virsh domjobinfo  as it is printed during a migration: Memory total, Dirty rate; Page size, Memory bandwidth if there

Examples:
  $ virsh domjobinfo my-vm > job.txt
  $ switchover import job.txt -o my-vm.yaml
  $ switchover run my-vm.yaml`;

export function importCommand(program: Command): void {
  program
    .command('import')
    .description('make a scenario from figures of a real VM, with how sure they are in its comments')
    .argument('<file>', 'calc-dirty-rate samples, a QMP log, or the output of virsh domjobinfo')
    .option('-o, --output <scenario.yaml>', 'write it to a new file instead of stdout')
    .addHelpText('after', FORMATS)
    .action((file: string, { output }: { readonly output?: string }) => importFile(file, output));
}

async function importFile(name: string, output: string | undefined): Promise<void> {
  const { importScenario } = await import('../lab/import/import.ts');
  const { text, from, asks } = importScenario({ name, text: readText(name) });
  if (output === undefined) process.stdout.write(text);
  else write(output, text);
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

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: 'wx' });
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
