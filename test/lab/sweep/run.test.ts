/** A sweep that runs: its file is the same however often it was interrupted, and CSV and Parquet say what NDJSON says. */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweepHtml } from '../../../src/lab/html/index.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import { sweepFrom } from '../../../src/lab/sweep/read.ts';
import { type RunSweepOptions, runSweep } from '../../../src/lab/sweep/run.ts';
import { sweepText } from '../../../src/lab/sweep/text.ts';
import { smallInput } from '../small-scenario.ts';

const INPUT = {
  name: 'small',
  question: 'Which?',
  scenario: {
    name: 'small',
    vm: { memory: '4MiB', workloads: [{ kind: 'random', set: '512KiB', rate: '1k/s' }] },
    vmm: { downtimeLimit: '4ms', maxBandwidth: 'unlimited' },
    giveUpAfter: '600ms',
  },
  sweep: {
    axes: [
      { name: 'bandwidth', path: 'link.bandwidth', values: ['100Mbit/s', '1Gbit/s'] },
      { name: 'rate', path: 'vm.workloads[0].rate', values: ['1k/s', '40k/s'] },
    ],
    policies: ['qemu', 'no-progress'],
    seeds: 2,
    pareto: { per: ['rate'] },
  },
};
const TRIALS = 16;
const resumed: RunSweepOptions = { resume: true };
const same = (text: string) => text;
const sweep = sweepFrom(INPUT);

let folder: string;
let whole: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sweep-'));
  const out = join(folder, 'whole.ndjson');
  expect((await run({ out })).done).toBe(TRIALS);
  whole = readFileSync(out, 'utf8');
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (options: RunSweepOptions) => runSweep(sweep, { workers: 1, ...options });
const rowsIn = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('a row for each trial, in order, with its keys, its figures and the mark', () => {
  const rows = rowsIn(whole);
  expect(rows.map(({ trial }) => trial)).toEqual(Array.from({ length: TRIALS }, (_, trial) => trial));
  expect(rows[15]).toMatchObject({ point: 3, bandwidth: '1Gbit/s', rate: '40k/s', policy: 'no-progress', seed: 2 });
  for (const { rate } of rows) expect(rows.some((row) => row.rate === rate && row.pareto === true)).toBe(true);
  // What cannot converge is on no front, and says so.
  const stuck = rows.filter((row) => row.bandwidth === '100Mbit/s' && row.rate === '40k/s' && row.policy === 'qemu');
  expect(stuck.map(({ outcome, pareto }) => [outcome, pareto])).toEqual(Array(2).fill(['unconverged', false]));
});

test('interrupted, torn and resumed it is the same file, byte by byte, and nothing is run twice', async () => {
  const out = join(folder, 'again.ndjson');
  let done = 0;
  const first = await run({ out, onProgress: (now) => (done = now), enough: () => done >= 7 });
  expect(first).toMatchObject({ done: 7, finished: null });
  appendFileSync(out, readFileSync(out, 'utf8').split('\n')[1]!.slice(0, 40));
  const begun: number[] = [];
  const second = await run({ out, resume: true, onProgress: (now) => begun.push(now), enough: () => begun.length > 4 });
  expect(second).toMatchObject({ found: 7, finished: null });
  expect(begun[0]).toBe(7);
  const third = await run({ out, resume: true });
  expect(third).toMatchObject({ found: second.done, done: TRIALS });
  expect(readFileSync(out, 'utf8')).toBe(whole);
  const fourth = await run({ out, resume: true });
  expect(fourth).toMatchObject({ found: TRIALS, done: TRIALS });
  expect(readFileSync(out, 'utf8')).toBe(whole);
  expect(existsSync(`${out}.new`)).toBe(false);
});

test('a log that was torn in its first line is begun anew', async () => {
  const out = join(folder, 'torn.ndjson');
  writeFileSync(out, whole.slice(0, 20));
  await run({ out, resume: true });
  expect(readFileSync(out, 'utf8')).toBe(whole);
});

describe('a file that cannot be used is refused, and left as it is', () => {
  test.each([
    ['is there', same, {}, /is there already; --resume goes on with it/],
    [
      "another sweep's",
      (text) => text.replace('"small"', '"large"').replace(/t":"../, 't":"zz'),
      resumed,
      /:1: holds rows of the sweep "large"/,
    ],
    [
      'of other seeds',
      (text) => text.replace(/"fingerprint":"../, '"fingerprint":"zz'),
      resumed,
      /:1: holds rows of "small" as it was before/,
    ],
    ['no log at all', () => '{"name":"x"}\n', resumed, /:1: is no log of a sweep/],
    [
      'a row with nothing in it',
      (text) => text.replace(/\{"trial":1,.*/, '{"trial":1}'),
      resumed,
      /:3: is no row of this sweep/,
    ],
    ['damaged', (text) => text.replace('{"trial":1,', '{"trial":1;'), resumed, /:3: is no row of this sweep/],
  ] as const satisfies readonly (readonly [string, (text: string) => string, RunSweepOptions, RegExp])[])(
    '%s',
    async (name, change, options, message) => {
      const out = join(folder, `${name}.ndjson`);
      const text = change(whole);
      writeFileSync(out, text);
      await expect(run({ out, ...options })).rejects.toThrow(message);
      await expect(run({ out, ...options })).rejects.toBeInstanceOf(ScenarioError);
      expect(readFileSync(out, 'utf8')).toBe(text);
    },
  );

  test('a folder, gone on with or not', async () => {
    const out = join(folder, 'folder.ndjson');
    mkdirSync(out);
    await expect(run({ out, resume: true })).rejects.toThrow(/folder\.ndjson: cannot be read \(EISDIR\)/);
    await expect(run({ out })).rejects.toThrow(/folder\.ndjson: is there already/);
  });

  test.each(['.ndjson', '.csv'])('one that can no longer be written at the end: %s', async (ending) => {
    const inside = mkdtempSync(join(folder, 'gone-'));
    const out = join(inside, `rows${ending}`);
    const onProgress = (done: number, all: number) => done === all && rmSync(inside, { recursive: true });
    const error: unknown = await run({ out, onProgress }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ScenarioError);
    expect((error as Error).message).toBe(`${out}: cannot be written (ENOENT)`);
  });

  test('an ending that says nothing', async () => {
    await expect(run({ out: join(folder, 'rows.txt') })).rejects.toThrow(
      /expected a name that ends in \.ndjson, \.csv/,
    );
  });
});

test('CSV and Parquet have the same rows, and leave no log behind', async () => {
  const csv = join(folder, 'rows.csv');
  const parquet = join(folder, 'rows.parquet');
  await run({ out: csv, enough: after(5) });
  expect(existsSync(csv)).toBe(false);
  await run({ out: csv, resume: true });
  await run({ out: parquet });
  for (const file of [csv, parquet]) expect(existsSync(`${file}.ndjson`)).toBe(false);
  const rows = rowsIn(whole);
  const bytes = readFileSync(parquet);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  expect(await parquetReadObjects({ file })).toEqual(rows);
  const [head, ...lines] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(TRIALS);
  expect(head).toBe(Object.keys(rows[0]!).join(','));
  expect(lines[0]!.split(',')[0]).toBe('0');
  const downtime = head!.split(',').indexOf('pareto');
  expect(lines[0]).toMatch(new RegExp(`,${rows[0]!.pareto}$`));
  expect(downtime).toBe(Object.keys(rows[0]!).length - 1);
});

test('the text has the front and says what did not complete', async () => {
  const { finished } = await run({});
  const text = sweepText(finished!.result);
  expect(text).toMatch(/16 migrations \(4 points, 2 policies, 2 seeds\): 14 completed, 2 unconverged\./);
  expect(text).toMatch(/Pareto front, downtime against total time for each rate/);
  expect(text).toMatch(/100Mbit\/s +40k\/s +qemu +unconverged\n/);
});

test('a front of what single devices do without', async () => {
  const of = ['serviceDowntimeMs.nic0', 'serviceDowntimeMs.nic1'];
  const axes = [{ path: 'link.bandwidth', values: ['1Gbit/s', '4Gbit/s'] }];
  const scenario = smallInput({ rest: { giveUpAfter: '2s' } });
  const input = { ...INPUT, scenario, sweep: { ...INPUT.sweep, axes, seeds: 1, pareto: { of } } };
  const { finished } = await runSweep(sweepFrom(input), { workers: 1 });
  const { result, rows } = finished!;
  expect(rows.some(({ pareto }) => pareto)).toBe(true);
  const [first] = result.settings.filter(({ pareto }) => pareto);
  const row = rows.find(({ point, policy }) => point === first!.point && policy === first!.policy)!;
  const column = 'serviceDowntimeMs.nic1';
  expect(row[column]).toBeGreaterThan(0);
  expect(first!.figures[column]?.mean).toBe(row[column]);
  const text = sweepText(result);
  expect(text).toMatch(/least service downtime of nic0 +least service downtime of nic1/);
  expect(text).toMatch(/Pareto front, service downtime of nic0 against service downtime of nic1: \d/);
  expect(await sweepHtml({ result, command: '' })).toContain('service downtime of nic1');
});

function after(trials: number): () => boolean {
  let asked = 0;
  return () => asked++ >= trials;
}
