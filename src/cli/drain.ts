/**
 * `switchover drain SCENARIO|LIST`: empty a host of its VMs over one shared link, so many at a time, and say when it is empty
 * and what it cost the guests.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { DrainPlan, Order } from '../lab/drain/plan.ts';
import { wholeNumber } from './whole-number.ts';

interface DrainOptions {
  readonly vms?: number;
  readonly atOnce: number;
  readonly order: Order;
  readonly policy?: string;
  readonly link?: string;
  readonly seed: number;
  readonly seeds: number;
  readonly json?: boolean;
}

const ORDERS = ['smallest-first', 'largest-first', 'as-listed', 'least-dirty-first'] as const;

const HELP = `
A list is a YAML file; paths start from its folder:
  link: 25Gbit/s
  vms:
    - { scenario: two-nics, count: 3 }
    - { scenario: my-vm.yaml, count: 5 }

Examples:
  $ switchover drain two-nics --vms 8 --at-once 2
  $ switchover drain my-host.yaml --at-once 4 --order least-dirty-first --policy nova --json`;

export function drainCommand(program: Command): void {
  program
    .command('drain')
    .description('empty a host: many VMs over one link, so many at a time')
    .argument('<scenario|list>', 'a scenario (a file or a shipped name), or a file that lists several')
    .option('--vms <n>', 'of a scenario: how many of it; of a list: only the first so many', counted)
    .option('--at-once <k>', 'how many migrate at the same time', counted, 1)
    .addOption(new Option('--order <order>', 'who goes first').choices(ORDERS).default('as-listed'))
    .option('--policy <name>', 'in place of their own, for all of them (switchover list policies)')
    .option('--link <rate>', "of the link that all share; the scenarios' own unless given")
    .option('--seed <n>', 'of the first VM', wholeNumber, 1)
    .option('--seeds <n>', 'drain it so many times with other seeds', counted, 1)
    .option('--json', 'print every figure as JSON')
    .addHelpText('after', HELP)
    .action((name: string, options: DrainOptions) => drainHost(name, options));
}

function counted(text: string): number {
  const count = wholeNumber(text);
  if (count < 1) throw new InvalidArgumentError('expected a whole number from 1, such as 4');
  return count;
}

async function drainHost(name: string, options: DrainOptions): Promise<void> {
  const { readDrain } = await import('../lab/drain/plan.ts');
  const link = await linkOf(options.link);
  const plan = await withPolicy(name, readDrain(name, { vms: options.vms, bytesPerSecond: link }), options.policy);
  const { drains } = await import('../lab/drain/drains.ts');
  const { atOnce, order, seed, seeds } = options;
  const drained = drains(plan, { atOnce, order, seed, seeds });
  if (options.json === true) process.stdout.write(`${JSON.stringify(drained, null, 2)}\n`);
  else {
    const { drainText } = await import('../lab/drain/text.ts');
    process.stdout.write(drainText(drained));
  }
  process.exitCode = drained.notEmpty.length === 0 ? 0 : 1;
}

async function linkOf(text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const { LINK_RATE, readQuantity } = await import('../lab/scenario/quantity.ts');
  const read = readQuantity(LINK_RATE, text);
  if ('value' in read && read.value > 0) return read.value;
  const { UsageError } = await import('./usage-error.ts');
  throw new UsageError(`--link: expected a bandwidth such as 25Gbit/s, got "${text}"`);
}

/** A policy's name means what it means to `run` and `compare`. */
async function withPolicy(name: string, plan: DrainPlan, policy: string | undefined): Promise<DrainPlan> {
  if (policy === undefined) return plan;
  const { planOfVms } = await import('../lab/drain/plan.ts');
  const { toInput } = await import('../lab/scenario/print.ts');
  const { namedScenario } = await import('../lab/trial/fitting.ts');
  const changed = new Map(plan.vms.map(({ scenario }) => [scenario, scenario]));
  for (const scenario of changed.keys()) changed.set(scenario, namedScenario(policy, { scenario: toInput(scenario) }));
  const vms = plan.vms.map((vm) => ({ name: vm.name, scenario: changed.get(vm.scenario) ?? vm.scenario, count: 1 }));
  return planOfVms(name, vms, plan.bytesPerSecond);
}
