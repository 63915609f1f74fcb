/** `npm run bench [-- NAME...]`: runs the benches, all or those named, and prints what they measured. Judges nothing. */
import { availableParallelism, cpus, loadavg } from 'node:os';
import Table from 'cli-table3';
import type { Bench, Table as Measured } from './bench.ts';
import { bigRandom } from './big-random.ts';
import { checkers } from './checkers.ts';
import { clock } from './clock.ts';
import { journal } from './journal.ts';
import { oneTib } from './one-tib.ts';
import { pages } from './pages.ts';
import { step } from './step.ts';
import { vgpu } from './vgpu.ts';

const BENCHES: readonly Bench[] = [bigRandom, oneTib, vgpu, checkers, step, clock, journal, pages];

/** No lines: what is piped into a file stays readable. */
const PLAIN = {
  ...Object.fromEntries(
    ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'].map((at) => [
      at,
      '',
    ]),
  ),
  ...{ left: '', right: '', middle: ' ', mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
};

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    process.stderr.write(`no bench ${unknown.join(', ')}; there are ${BENCHES.map(({ name }) => name).join(', ')}\n`);
    return 2;
  }
  const model = cpus()[0]?.model ?? 'an unknown CPU';
  print(`${model}, ${availableParallelism()} cores, Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)}`);
  print('Medians of several rounds; rivals take turns. CPU time unless it says wall.');
  for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    print(`\n${bench.name}: ${bench.about}`);
    for (const table of await bench.run()) printTable(table);
  }
  return 0;
}

function printTable({ title, columns, rows, notes = [] }: Measured): void {
  const table = new Table({
    head: [...columns],
    colAligns: columns.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], 'padding-left': 1, 'padding-right': 1 },
    chars: PLAIN,
  });
  table.push(...rows.map((row) => [...row]));
  print(`\n  ${title}`);
  for (const line of table.toString().split('\n')) print(`  ${line.trimEnd()}`);
  for (const note of notes) print(`    ${note}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main(process.argv.slice(2));
