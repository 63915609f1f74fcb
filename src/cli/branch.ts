/**
 * `switchover branch JOURNAL --at POSITION|TIME`: make a modelled run again up to that moment, change something, go on, and
 * print the two side by side. The new run is a whole one; `--journal` keeps it.
 */
import type { Command } from 'commander';
import type { Branched } from '../lab/branch/branch.ts';
import type { Change } from '../lab/branch/change.ts';
import { changesOf, collected } from './set-option.ts';
import { UsageError } from './usage-error.ts';

interface BranchOptions {
  readonly at: string;
  readonly run?: string;
  readonly set: readonly string[];
  readonly policy?: string;
  readonly journal?: string;
  readonly json?: boolean;
}

const NOTHING_SAID = { set: [] } as const;

const HELP = `
KEY is one of these; anything else was made with the run's past:
  link.bandwidth     for what is sent from now on
  vmm.downtimeLimit  vmm.maxBandwidth  vmm.policy
  manager.policy     and the parameters of that manager: manager.poll=1s
  faults             what goes wrong from now on: 'faults=[{ happens: link-down, at: 3s, for: 1s }]'
  cancel=now         cancelAt=TIME

Examples:
  $ switchover run two-nics --journal runs.db
  $ switchover branch runs.db --at 20 --set link.bandwidth=40Gbit/s
  $ switchover branch runs.db --at 2.5s --policy nova --set vmm.maxBandwidth=1GiB/s --json`;

export function branchCommand(program: Command): void {
  program
    .command('branch')
    .description('what if: make a run again up to a moment, change something, go on, and compare the two')
    .argument('<journal>', 'an SQLite journal, or an NDJSON export of one run')
    .requiredOption('--at <moment>', 'after this record (20), or at this time of the run (2.5s)')
    .option('--run <name>', 'which run of the file; needed unless it holds one')
    .option('--set <key=value>', 'what is other from there on; may be repeated', collected)
    .option('--policy <name>', 'the manager or the policy of the vmm from there on (switchover list policies)')
    .option('--journal <file>', 'keep the new run in this SQLite file; it may be the same one')
    .option('--json', 'print both reports and the comparison as JSON')
    .addHelpText('after', HELP)
    .action((path: string, options: BranchOptions) => branchOne(path, { ...NOTHING_SAID, ...options }));
}

async function branchOne(path: string, options: BranchOptions): Promise<void> {
  const at = await momentOf(options.at);
  const change = await changeOf(options);
  const { openJournal } = await import('../journal/open.ts');
  const journal = openJournal(path, { readonly: true });
  try {
    const { branch } = await import('../lab/branch/branch.ts');
    const into = options.journal === undefined ? undefined : openJournal(options.journal);
    try {
      const branched = branch(journal, { run: options.run, at, change, into });
      await print(branched, options);
      const { exitCodeOfChanged } = await import('./exit-code.ts');
      process.exitCode = exitCodeOfChanged(branched.branch);
    } finally {
      into?.close();
    }
  } finally {
    journal.close();
  }
}

async function momentOf(text: string): Promise<number | { readonly ns: number }> {
  if (/^\d+$/.test(text)) return Number(text);
  const { DURATION, readQuantity } = await import('../lab/scenario/quantity.ts');
  const read = readQuantity(DURATION, text);
  if ('value' in read) return { ns: read.value };
  throw new UsageError(`--at: expected the position of a record such as 20, or a time such as 2.5s, got "${text}"`);
}

async function changeOf({ set, policy }: BranchOptions): Promise<Change> {
  const { policyChange } = await import('../lab/branch/change.ts');
  return { ...(policy === undefined ? {} : policyChange(policy)), ...Object.fromEntries(await changesOf(set)) };
}

async function print({ run, origin, parent, branch, comparison }: Branched, options: BranchOptions): Promise<void> {
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ run, origin, comparison, parent, branch }, null, 2)}\n`);
    return;
  }
  const { branchText } = await import('../lab/branch/text.ts');
  process.stdout.write(branchText({ run, origin, parent, branch, comparison }, { journal: options.journal }));
}
