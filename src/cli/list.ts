/** `switchover list scenarios|policies|machines|devices|trackers`: what there is to name on the command line. */
import { Argument, type Command } from 'commander';
import { machines, policies } from '../../machines/index.ts';
import { listScenarios } from '../lab/scenario/shipped-files.ts';
import { TRACKERS } from '../lab/trackers.ts';

const WHAT = ['scenarios', 'policies', 'machines', 'devices', 'trackers'] as const;
type What = (typeof WHAT)[number];

interface Listed {
  readonly name: string;
  readonly description: string;
  readonly source?: string;
  readonly hypothetical?: boolean;
}

const DEVICES: readonly Listed[] = [
  { name: 'nic', description: 'receives into a ring of buffers; logs its own DMA if it can' },
  { name: 'vgpu', description: 'a mediated GPU: everything that it has mapped is dirty at every query' },
];

const EXAMPLES = `
Examples:
  $ switchover list scenarios
  $ switchover list policies --json`;

export function listCommand(program: Command): void {
  program
    .command('list')
    .description('list what can be named: scenarios, policies, machines, devices, trackers')
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
    case 'policies':
      return Object.values(policies).map(({ name, description }) => ({ name, description }));
    case 'machines':
      return Object.entries(machines).map(([name, machine]) => ({
        name,
        description: machine.config.description ?? '',
      }));
    case 'devices':
      return DEVICES;
    case 'trackers':
      return TRACKERS;
    default:
      return what satisfies never;
  }
}

function text(listed: readonly Listed[]): string {
  const width = Math.max(...listed.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 2);
  return listed
    .map(({ name, description, source, hypothetical }) => {
      const mark = hypothetical === true ? 'HYPOTHETICAL: ' : '';
      return `${name.padEnd(width)}  ${mark}${description}\n${source === undefined ? '' : `${indent}${source}\n`}`;
    })
    .join('');
}
