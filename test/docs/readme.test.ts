/**
 * README.md, and the example of machines/README.md, are true: examples compile against what ships and print what the
 * page says, commands run, figures are those of the runs.
 */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { Consumer, type Ended, manifest, ROOT } from './consumer.ts';
import { type Block, fencedBlocks, missingLines, withOutput } from './fenced-blocks.ts';

const page = read('README.md');
const charts = read('machines/README.md');
const blocks = fencedBlocks(page);
const consumer = new Consumer();

beforeAll(() => consumer.install());
afterAll(() => consumer.remove());

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** All that the page shows was printed; what was printed may be more. */
function printedAll(output: Block, { stdout }: Ended): void {
  expect(
    missingLines(output, stdout),
    `line ${output.line} of the page shows what was not printed:\n${stdout}`,
  ).toEqual([]);
}

describe('examples', () => {
  const examples = [
    ...withOutput(blocks, 'ts').map((shown) => ({ of: 'README.md', ...shown })),
    ...withOutput(fencedBlocks(charts), 'ts').map((shown) => ({ of: 'machines/README.md', ...shown })),
  ];
  const nameOf = ({ of, block }: { readonly of: string; readonly block: Block }) =>
    `${of.replace(/\W/g, '-')}-${block.line}`;
  let compiled: Ended;

  beforeAll(async () => {
    for (const example of examples) consumer.write(`${nameOf(example)}.ts`, example.block.text);
    compiled = await consumer.compile();
  });

  test('there are some, and they compile', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
    expect(compiled).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  test.each(examples)('$of:$block.line prints what the page says', async (example) => {
    const ended = await consumer.node(`${nameOf(example)}.js`);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    if (example.output === undefined) throw new Error('an example says what it prints');
    printedAll(example.output, ended);
  });
});

describe('commands', () => {
  const sessions = withOutput(blocks, 'sh').map(({ block, output }) => ({
    line: block.line,
    commands: block.text.split('\n').filter((line) => line !== ''),
    output,
  }));

  beforeAll(() => {
    const named = /`([\w-]+\.yaml)` above/.exec(page)?.[1];
    const scenario = blocks.find(({ language }) => language === 'yaml');
    if (named === undefined || scenario === undefined) throw new Error('README.md has no scenario with a name');
    consumer.write(named, scenario.text);
  });

  test.each(sessions)('README.md:$line run as they stand', async ({ commands, output }) => {
    let stdout = '';
    for (const command of commands) {
      const ended = await consumer.switchover(...wordsOf(command));
      expect(ended.code, `${command}\n${ended.stderr}`).toBe(0);
      stdout += ended.stdout;
    }
    if (output !== undefined) printedAll(output, { code: 0, stdout, stderr: '' });
  });

  /** `npm start` is the command of package.json, without waiting for the wall's time. */
  function wordsOf(command: string): readonly string[] {
    const line = command === 'npm ci && npm start' ? (manifest.scripts.start ?? '') : command;
    const [, args] = /^(?:switchover|node dist\/src\/cli\/main\.js) (.*)$/.exec(line) ?? [];
    if (args === undefined) throw new Error(`not a command of ours: ${line}`);
    return args.replace('--pace 1x', '--pace max').split(' ');
  }

  test('npx finds the command in a checkout', () => {
    const file = join(ROOT, manifest.bin.switchover);
    expect(existsSync(file), 'npm run build').toBe(true);
    expect(() => accessSync(file, constants.X_OK), 'the build must make the command executable').not.toThrow();
  });

  test('what is shown besides is a part of a scenario', () => {
    const [whole, ...parts] = blocks.filter(({ language }) => language === 'yaml').map(({ text }) => parse(text));
    expect(parts.length).toBeGreaterThan(0);
    for (const part of parts) expect(() => scenarioFrom({ ...whole, ...part })).not.toThrow();
  });

  test('the example of a mistake is what is said', async () => {
    const [, name = '', line = '', message = ''] = /`([\w-]+\.yaml):(\d+): ([^`]+)`/.exec(page) ?? [];
    const scenario = blocks.find(({ language }) => language === 'yaml')?.text ?? '';
    const wrong = scenario.replace('downtimeLimit', 'downtimelimit');
    consumer.write(name, wrong);
    const ended = await consumer.shell('run', name);
    consumer.write(name, scenario);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr.trim()).toBe(`${name}:${line}: ${message}`);
  });
});

describe('the table of measured and modelled figures', () => {
  const rows = [...page.matchAll(/^\| `(qemu-\w+)` \| (.+) \|$/gm)].map(([, name = '', cells = '']) => ({
    name: name as 'qemu-idle',
    figures: cells.split(' | ').map((cell) => cell.replaceAll(',', '')),
  }));
  const { runs } = JSON.parse(read('test/fixtures/qemu-7.2-runs.json')) as { readonly runs: Record<string, Measured> };

  interface Measured {
    readonly final: {
      readonly downtime: number;
      readonly 'total-time': number;
      readonly ram: { readonly transferred: number; readonly 'dirty-sync-count': number };
    };
  }

  test('has every run that was measured', () => {
    expect(rows.map(({ name }) => name)).toEqual(Object.keys(runs).map((name) => `qemu-${name}`));
  });

  test.each(rows)('$name', ({ name, figures }) => {
    const measured = (runs[name.slice('qemu-'.length)] as Measured).final;
    const modelled: Report = rehearse(scenarios[name]).ended;
    expect(figures).toEqual([
      String(measured['total-time']),
      modelled.totalMs.toFixed(0),
      String(measured.downtime),
      modelled.vmmDowntimeMs?.toFixed(1),
      String(measured.ram.transferred),
      String(modelled.bytes.total),
      String(measured.ram['dirty-sync-count']),
      String(modelled.dirtySyncCount),
    ]);
  });
});

describe('what else can be counted', () => {
  test('every folder of the code is in the table of folders', () => {
    const listed = [...page.matchAll(/^\| \[([\w/]+)\]\(\1\) \|/gm)].map(([, folder]) => folder);
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(listed.sort()).toEqual(['machines', ...folders.map(({ name }) => `src/${name}`)].sort());
  });

  test('every field of a report that is named exists', () => {
    const { ended } = rehearse(scenarios['fault-device-midway']);
    const table = /^\| field \| what \|[\s\S]*?\n\n/m.exec(page)?.[0] ?? '';
    const names = table.split('\n').flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+)/g)]);
    expect(names.length).toBeGreaterThan(5);
    for (const [, name = ''] of names) expect(ended).toHaveProperty(name);
  });

  test('the versions agree', () => {
    expect(/^## (\d+\.\d+\.\d+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(manifest.version);
  });
});
