/** `switchover list WHAT`: what there is to name on the command line, and the deadlines of all commands. */
import { Argument, type Command } from 'commander';
import { machines, managers, policies, throttles } from '../../machines/index.ts';
import { listDeadlines } from '../lab/deadlines.ts';
import { DEVICES } from '../lab/devices.ts';
import { listExperiments, listSweeps } from '../lab/experiment/shipped.ts';
import { wrapped } from '../lab/report/wrapped.ts';
import { listScenarios } from '../lab/scenario/shipped-files.ts';
import { TRACKERS } from '../lab/trackers.ts';

const WHAT = [
  'scenarios',
  'experiments',
  'sweeps',
  'policies',
  'machines',
  'devices',
  'trackers',
  'deadlines',
] as const;
type What = (typeof WHAT)[number];

interface Listed {
  readonly name: string;
  readonly description: string;
  readonly source?: string;
  /** Of a policy: a rule inside the vmm, or who watches it. */
  readonly role?: 'vmm' | 'throttle' | 'manager';
  readonly hypothetical?: boolean;
}

const EXAMPLES = `
Examples:
  $ switchover list scenarios
  $ switchover list policies --json`;

export function listCommand(program: Command): void {
  program
    .command('list')
    .description(
      'list what can be named: scenarios, experiments, sweeps, policies, machines, devices, trackers, deadlines',
    )
    .addArgument(new Argument('<what>', 'what to list').choices(WHAT))
    .option('--json', 'as JSON')
    .addHelpText('after', EXAMPLES)
    .action((what: What, { json }: { readonly json?: boolean }) => {
      const listed = things(what);
      process.stdout.write(json === true ? `${JSON.stringify(listed, null, 2)}\n` : text(listed));
    });
}

function things(what: What): readonly Listed[] {
  switch (what) {
    case 'scenarios':
      return listScenarios();
    case 'experiments':
      return listExperiments();
    case 'sweeps':
      return listSweeps();
    case 'policies':
      return listPolicies();
    case 'machines':
      return Object.entries(machines).map(([name, machine]) => ({
        name,
        description: machine.config.description ?? '',
      }));
    case 'devices':
      return DEVICES;
    case 'trackers':
      return TRACKERS;
    case 'deadlines':
      return listDeadlines();
    default:
      return what satisfies never;
  }
}

/** The vmm's own rules, its throttles, and then the managers above it, each with where it is published. */
function listPolicies(): readonly Listed[] {
  const rules = Object.values(policies).map(({ name, role, description, machine, source }) => ({
    name,
    role,
    description,
    source: source ?? machine.config.description ?? '',
  }));
  const above = Object.values(managers).map(({ name, role, description, source }) => ({
    name,
    role,
    description,
    source,
  }));
  const slowing = Object.values(throttles).map((entry) => ({ ...entry, role: 'throttle' as const }));
  return [...rules, ...slowing, ...above];
}

function text(listed: readonly Listed[]): string {
  const width = Math.max(...listed.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 2);
  return listed
    .map(({ name, role, description, source, hypothetical }) => {
      const told = `${role === undefined ? '' : `${role}: `}${hypothetical === true ? 'HYPOTHETICAL: ' : ''}${description}`;
      const lines = [`${name.padEnd(width)}  ${told}`, ...(source === undefined ? [] : [`${indent}${source}`])];
      return `${wrapped(lines.join('\n'), indent)}\n`;
    })
    .join('');
}
