/** `switchover list WHAT`: what there is to name on the command line, and the deadlines of all commands. */
import { Argument, type Command } from 'commander';
import { machines, managers, policies } from '../../machines/index.ts';
import { listDeadlines } from '../lab/deadlines.ts';
import { DEVICES } from '../lab/devices.ts';
import { listExperiments } from '../lab/experiment/shipped.ts';
import { listScenarios } from '../lab/scenario/shipped-files.ts';
import { TRACKERS } from '../lab/trackers.ts';

const WHAT = ['scenarios', 'experiments', 'policies', 'machines', 'devices', 'trackers', 'deadlines'] as const;
type What = (typeof WHAT)[number];

interface Listed {
  readonly name: string;
  readonly description: string;
  readonly source?: string;
  /** Of a policy: a rule inside the vmm, or who watches it. */
  readonly role?: 'vmm' | 'manager';
  readonly hypothetical?: boolean;
  /** More than a line. */
  readonly paragraph?: true;
}

const EXAMPLES = `
Examples:
  $ switchover list scenarios
  $ switchover list policies --json`;

export function listCommand(program: Command): void {
  program
    .command('list')
    .description('list what can be named: scenarios, experiments, policies, machines, devices, trackers, deadlines')
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

/** The vmm's own rules and then the managers above it, each with where it is published. */
function listPolicies(): readonly Listed[] {
  const rules = Object.values(policies).map(({ name, role, description, machine }) => ({
    name,
    role,
    description,
    source: machine.config.description ?? '',
  }));
  const above = Object.values(managers).map(({ name, role, description, source }) => ({
    name,
    role,
    description,
    source,
  }));
  return [...rules, ...above];
}

/** What a line of a paragraph may be long, its indent aside. */
const TEXT_WIDTH = 90;

function text(listed: readonly Listed[]): string {
  const width = Math.max(...listed.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 2);
  return listed
    .map(({ name, role, description, source, hypothetical, paragraph }) => {
      const told = `${role === undefined ? '' : `${role}: `}${hypothetical === true ? 'HYPOTHETICAL: ' : ''}${description}`;
      const lines = [
        ...(source === undefined && paragraph !== true ? [told] : wrapped(told)),
        ...(source === undefined ? [] : [source]),
      ];
      return `${name.padEnd(width)}  ${lines.join(`\n${indent}`)}\n`;
    })
    .join('');
}

/** A paragraph in lines; one that is not much longer than a line stays one. */
function wrapped(paragraph: string): readonly string[] {
  if (paragraph.length <= 2 * TEXT_WIDTH) return [paragraph];
  const lines: string[] = [];
  for (const word of paragraph.split(' ')) {
    const longer = lines.length === 0 ? word : `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= TEXT_WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
