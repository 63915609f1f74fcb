/** `switchover draw`: where a machine is found, and what is refused. */
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { machines } from '../../machines/index.ts';
import { drawCommand } from '../../src/cli/draw.ts';
import { findMachine } from '../../src/cli/find-machine.ts';
import { UsageError } from '../../src/cli/usage-error.ts';
import { chartGraph, graphMark } from '../../src/inspector/chart/index.ts';
import { COMMAND, GALLERY } from '../docs/generated.ts';

const shape = (id: string) => `{ id: '${id}', root: {}, implementations: {} }`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'switchover-draw-'));
  await writeFile(join(folder, 'one.mjs'), `export const a = ${shape('a')}; export const other = 1;`);
  await writeFile(join(folder, 'two.mjs'), `export const a = ${shape('a')}; export const b = ${shape('b')};`);
  await writeFile(join(folder, 'default.mjs'), `export default ${shape('d')}; export const b = ${shape('b')};`);
  await writeFile(join(folder, 'none.mjs'), 'export const x = 1;');
  await writeFile(join(folder, 'broken.mjs'), 'throw new Error("no luck");');
});

async function run(...args: string[]): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  drawCommand(program);
  let out = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const say = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    await program.parseAsync(['draw', ...args], { from: 'user' });
  } finally {
    write.mockRestore();
    say.mockRestore();
  }
  return out;
}

describe('finding a machine', () => {
  test('in the gallery, by every name', async () => {
    for (const [name, machine] of Object.entries(machines)) expect(await findMachine(name)).toBe(machine);
  });

  test.each([
    ['one.mjs', 'a'],
    ['two.mjs#b', 'b'],
    ['default.mjs', 'd'],
    ['default.mjs#b', 'b'],
  ])('in a module: %s', async (file, id) => {
    expect((await findMachine(join(folder, file))).id).toBe(id);
  });

  test.each([
    ['two.mjs', /several machines.*\(a, b\)/],
    ['one.mjs#b', /no machine "b", but a/],
    ['none.mjs', /exports no XState machine/],
    ['broken.mjs', /cannot import.*no luck/],
    ['missing.mjs', /no machine and no file.*migration/],
  ])('refuses %s', async (file, message) => {
    const found = findMachine(join(folder, file));
    await expect(found).rejects.toThrow(UsageError);
    await expect(found).rejects.toThrow(message);
  });
});

describe('the command', () => {
  test.each([
    ['svg', /^<svg /],
    ['mermaid', /^---\ntitle: "guest"/],
    ['scxml', /^<\?xml /],
    ['json', /^\{\n {2}"id": "guest"/],
  ])('--format %s on stdout', async (format, start) => {
    expect(await run('guest', '--format', format)).toMatch(start);
  });

  test('-o writes a file and nothing on stdout', async () => {
    const file = join(folder, 'guest.mmd');
    expect(await run('guest', '-f', 'mermaid', '-o', file)).toBe('');
    expect(await readFile(file, 'utf8')).toContain('stateDiagram-v2');
  });

  test('--all writes one file for each machine', async () => {
    const directory = join(folder, 'all');
    await run('--all', directory, '--format', 'mermaid');
    expect((await readdir(directory)).sort()).toEqual(
      Object.keys(machines)
        .map((name) => `${name}.mmd`)
        .sort(),
    );
    expect(await readFile(join(directory, 'guest.mmd'), 'utf8')).toBe(await run('guest', '-f', 'mermaid'));
  });

  test('the gallery has a picture of each machine, drawn from what the machine is today', async () => {
    expect((await readdir(GALLERY)).sort()).toEqual(
      Object.keys(machines)
        .map((name) => `${name}.svg`)
        .sort(),
    );
    for (const [name, machine] of Object.entries(machines)) {
      const kept = await readFile(join(GALLERY, `${name}.svg`), 'utf8');
      const said = /data-graph="([0-9a-f]{8})"/.exec(kept)?.[1];
      expect(said, `${name}.svg is not what the chart looks like now: ${COMMAND}`).toBe(graphMark(chartGraph(machine)));
    }
  });

  // A layout takes a second: a few of them tell whether the painter is still the one of the gallery.
  test.each(['guest', 'convergence-qemu', 'auto-converge', 'manager-nova'])(
    '%s is painted as it is there',
    async (name) => {
      const kept = await readFile(join(GALLERY, `${name}.svg`), 'utf8');
      expect((await run(name)) === kept, `not what is painted now: ${COMMAND}`).toBe(true);
    },
  );

  test.each([[[]], [['guest', '--all', 'x']], [['guest', '-o', '/nowhere/at/all.svg']]])('refuses %j', async (args) => {
    await expect(run(...args)).rejects.toThrow(UsageError);
  });
});
