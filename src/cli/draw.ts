/**
 * `switchover draw MACHINE`: a chart of the gallery, or of anybody's own module, as a picture or as text.
 *
 * The drawing goes to stdout or to a file; everything else that is said goes to stderr. A module is imported, so its code
 * runs: draw only what you would also run.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { AnyStateMachine } from 'xstate';
import { machines } from '../../machines/index.ts';
import { wrapped } from '../lab/report/wrapped.ts';
import { writeWhole } from '../lab/whole-file.ts';
import { findMachine } from './find-machine.ts';
import { UsageError } from './usage-error.ts';

const FORMATS = ['svg', 'mermaid', 'scxml', 'json'] as const;
type Format = (typeof FORMATS)[number];

interface DrawOptions {
  readonly format: Format;
  readonly output?: string;
  readonly all?: string;
}

const EXAMPLES = `
Examples:
  $ switchover draw migration -o migration.svg
  $ switchover draw ./my-machine.ts#checkout --format mermaid
  $ switchover draw --all charts/

${wrapped(`Machines: ${Object.keys(machines).join(', ')}`)}`;

/** Adds the command to a program. Errors of use are thrown as UsageError. */
export function drawCommand(program: Command): void {
  program
    .command('draw')
    .description('draw a chart: one of the gallery, or an XState machine that a module exports')
    .argument('[machine]', "a name of the gallery, or FILE or FILE#EXPORT for a module's machine")
    .addOption(new Option('-f, --format <format>', 'what to write').choices(FORMATS).default('svg'))
    .option('-o, --output <file>', 'write to this file instead of stdout')
    .option('--all <directory>', 'write every chart of the gallery into this directory')
    .addHelpText('after', EXAMPLES)
    .action((machine: string | undefined, options: DrawOptions) => draw(machine, options));
}

async function draw(wanted: string | undefined, { format, output, all }: DrawOptions): Promise<void> {
  if (all !== undefined) {
    if (wanted !== undefined || output !== undefined)
      throw new UsageError('--all draws every machine: name none, and no -o');
    return drawAll(all, format);
  }
  if (wanted === undefined)
    throw new UsageError(`which machine? One of ${Object.keys(machines).join(', ')}, or a file`);
  const text = await drawAs(await findMachine(wanted), format);
  if (output === undefined) process.stdout.write(text);
  else save(output, text);
}

/** One machine in one format; always ends with a newline. */
export async function drawAs(machine: AnyStateMachine, format: Format): Promise<string> {
  const { chartGraph, drawMermaid, drawScxml, drawSvg } = await drawing();
  switch (format) {
    case 'svg':
      return drawSvg(machine);
    case 'mermaid':
      return drawMermaid(machine);
    case 'scxml':
      return drawScxml(machine);
    case 'json':
      return `${JSON.stringify(chartGraph(machine), null, 2)}\n`;
    default:
      throw new UsageError(`unknown format ${format satisfies never}`);
  }
}

/** Loaded when something is drawn: the layout is large, and every command comes by here. */
const drawing = () => import('../inspector/chart/index.ts');

const EXTENSIONS: Readonly<Record<Format, string>> = { svg: 'svg', mermaid: 'mmd', scxml: 'scxml', json: 'json' };

async function drawAll(directory: string, format: Format): Promise<void> {
  await mkdir(directory, { recursive: true }).catch(refuse(`cannot make ${directory}`));
  for (const [name, machine] of Object.entries(machines)) {
    const file = join(directory, `${name}.${EXTENSIONS[format]}`);
    save(file, await drawAs(machine, format));
    process.stderr.write(`${file}\n`);
  }
}

function save(file: string, text: string): void {
  try {
    writeWhole(file, text);
  } catch (error) {
    refuse(`cannot write ${file}`)(error);
  }
}

function refuse(what: string): (cause: unknown) => never {
  return (cause) => {
    throw new UsageError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  };
}
