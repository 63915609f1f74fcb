/**
 * `switchover compare WHAT`. Of a scenario with `--policy`: policies against each other on the same random numbers
 * (compare-policies.ts). Of an experiment: every cell of it, ending with a sentence that says which side is ahead where, and
 * where that changes; the experiment's file says what is varied and what is measured.
 */
import type { Command } from 'commander';
import { EXPORTS } from '../lab/compare/export/targets.ts';
import { commandLine } from '../lab/report/command-line.ts';
import type { PolicyOptions } from './compare-policies.ts';
import { reportFile } from './report-file.ts';
import { collected } from './set-option.ts';
import { showsColour, showsProgress } from './terminal.ts';
import { runCount, threads, wholeNumber } from './whole-number.ts';

interface CompareOptions extends Omit<PolicyOptions, 'policy' | 'set'> {
  readonly policy?: string;
  readonly set?: readonly string[];
}

const EXAMPLES = `
Examples:
  $ switchover compare vgpu-10g --policy all --seeds 20
  $ switchover compare two-nics --policy qemu,nova+auto-converge --set vmm.downtimeLimit=100ms
  $ switchover compare my-vm.yaml --policy nova --set manager.downtime=800ms --export nova
  $ switchover compare kvm-ring-by-rate

A policy is a name that switchover list policies prints (a rule, a throttle, a manager),
post-copy, as-written (what the scenario says itself), a file of your own (./mine.mjs), or two
together (nova+auto-converge). A policy that never ends runs until the scenario gives up, which
takes long: --set giveUpAfter=5m ends it sooner. +post-copy orders it after the first pass; what
Nova or KubeVirt may do when their time is over is --set vmm.postcopy=true (for KubeVirt with
--set manager.allowWorkloadDisruption=true).`;

export function compareCommand(program: Command): void {
  program
    .command('compare')
    .description('policies against each other on one scenario; or an experiment, side against side along an axis')
    .argument('<what>', 'a scenario (with --policy) or an experiment: a YAML or JSON file, or a name that ships')
    .option('--policy <a,b,c|all>', 'policies to compare on the scenario; the first is what others are set against')
    .option('--seeds <n>', 'runs of each policy', runCount, 20)
    .option('--seed <n>', "the first seed, in place of the scenario's own", wholeNumber)
    .option('--set <key=value>', 'what is other in the scenario; may be repeated', collected)
    .option('--workers <n>', 'threads; one a core unless given', threads)
    .option('--report <file>', 'write a page with plots and tables: one HTML file that needs no network')
    .option('--csv <file>', 'write every run as a row')
    .option('--export <system>', `print the settings of a policy as ${EXPORTS.join(', ')} takes them; nothing runs`)
    .option('--row <policy>', 'which of several policies to export')
    .option('--json', 'print every figure as JSON')
    .option('--no-progress', 'no progress bar, even on a terminal')
    .addHelpText('after', EXAMPLES)
    .action((what: string, options: CompareOptions, command: Command) => compare(what, options, command));
}

async function compare(name: string, options: CompareOptions, command: Command): Promise<void> {
  const { policy, set = [] } = options;
  if (policy !== undefined) {
    const { comparePolicies } = await import('./compare-policies.ts');
    return comparePolicies(name, { ...options, policy, set });
  }
  await refuseWithoutPolicy(name, command);
  return runExperiment(name, options);
}

/** What goes with policies only, and a scenario where an experiment should be. */
async function refuseWithoutPolicy(name: string, command: Command): Promise<void> {
  const { UsageError } = await import('./usage-error.ts');
  const strays = ['seeds', 'set', 'workers', 'csv', 'export', 'row'].filter(
    (option) => command.getOptionValueSource(option) === 'cli',
  );
  if (strays[0] !== undefined)
    throw new UsageError(
      `--${strays[0]} goes with a scenario and --policy, such as --policy qemu,nova or --policy all`,
    );
  const { isExperimentName } = await import('../lab/experiment/shipped.ts');
  const { isShippedName } = await import('../lab/scenario/shipped-files.ts');
  if (isShippedName(name) && !isExperimentName(name))
    throw new UsageError(`${name} is a scenario: say which policies to compare, --policy qemu,nova or --policy all`);
}

async function runExperiment(name: string, { seed, report, json, progress }: CompareOptions): Promise<void> {
  const { readExperiment } = await import('../lab/experiment/read.ts');
  const { runExperiment } = await import('../lab/experiment/run.ts');
  const experiment = readExperiment(name);
  const page = reportFile(report);
  const { runsBarOf } = await import('./runs-bar.ts');
  const format = '{bar} {value} of {total} runs  {eta_formatted} left';
  const bar = await runsBarOf(showsProgress(progress), format, experiment.cells.length);
  try {
    const result = await runExperiment(experiment, { seed, onProgress: bar.update });
    bar.stop();
    if (page !== undefined) {
      const { experimentHtml } = await import('../lab/html/index.ts');
      const seeded = seed === undefined ? [] : ['--seed', String(seed)];
      const command = commandLine(['switchover', 'compare', name, ...seeded, '--report', 'report.html']);
      page.write(await experimentHtml({ result, command }));
    }
    if (json === true) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else {
      const { experimentText } = await import('../lab/experiment/text.ts');
      process.stdout.write(experimentText(result, { colour: showsColour() }));
    }
    process.exitCode = result.broken.length > 0 ? 1 : 0;
  } finally {
    bar.stop();
  }
}
