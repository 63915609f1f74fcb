/**
 * Journals to which accidents happen, thousands of them, from a fixed seed. Each is read to its last record and either refused
 * with a word of where, after good records only, or is to the record what was written: never a crash, never a state that was
 * not, never a run that is missing without a word. What came of how many is printed.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { createRandom, type Random } from '../../src/hardware/random.ts';
import { ndjsonLines } from '../../src/journal/export.ts';
import { goodRecords } from '../../src/journal/good-records.ts';
import { JournalError } from '../../src/journal/journal-error.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { openJournal } from '../../src/journal/open.ts';
import { recordText } from '../../src/journal/record-text.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { inProcess } from '../cli/switchover.ts';
import { smallScenario } from '../lab/small-scenario.ts';
import { leaveBehind } from './left-behind.ts';
import { BYTES, LINES, ROWS } from './ways-to-damage.ts';

const SEED = 20261121;
/** Of each way to damage. */
const CASES = { sqlite: 40, leftBehind: 6, ndjson: 60, lines: 30, rows: 4 };
/** Every so many a case goes through the command line as well. */
const THROUGH_THE_COMMAND_LINE = 40;

const root = mkdtempSync(join(tmpdir(), 'switchover-fuzz-'));
const RUN = 'small-1';
const file = join(root, 'good.db');
/** The texts of each run's records. */
const written = new Map<string, readonly string[]>();
let exported: readonly string[];
let exportedOther: readonly string[];
let bytes: Buffer;
let seen = 0;

type Outcome = 'refused' | 'harmless';
const tally = new Map<string, Record<Outcome, number>>();

beforeAll(() => {
  const one = [...rehearse(smallScenario()).journal.read(RUN)];
  const cancelled = smallScenario({ rest: { cancelAt: '500ms' } });
  const two = [...rehearse(cancelled, { run: 'other' }).journal.read('other')];
  const journal = new SqliteJournal(file, { wallMs: () => 1_700_000_000_000 });
  for (const [run, records] of [
    [RUN, one],
    ['other', two],
  ] as const) {
    journal.append(run, 0, records);
    written.set(run, records.map(recordText));
  }
  journal.close();
  bytes = readFileSync(file);
  exported = linesOf(one);
  exportedOther = linesOf([...rehearse(smallScenario({ rest: { seed: 2 } }), { run: RUN }).journal.read(RUN)]);
});

afterAll(() => {
  rmSync(root, { recursive: true });
  const groups = new Map<string, string[]>();
  for (const [way, { refused, harmless }] of tally) {
    const [group, name] = way.split(': ') as [string, string];
    groups.set(group, [...(groups.get(group) ?? []), `${name} ${refused}/${harmless}`]);
  }
  const told = [...groups].map(([group, ways]) => `  ${group}: ${ways.join(', ')}`);
  process.stdout.write(`\n${seen} damaged journals, seed ${SEED}; refused/harmless\n${told.join('\n')}\n`);
});

function linesOf(records: readonly Rec[]): readonly string[] {
  const journal = new MemoryJournal();
  journal.append(RUN, 0, records);
  return ndjsonLines(journal, RUN);
}

/** What reading everything in a file comes to; fails the test for anything but a refusal or exactly what was written. */
function outcomeOf(path: string, expected: ReadonlyMap<string, readonly string[]>): Outcome {
  let journal: ReturnType<typeof openJournal>;
  try {
    journal = openJournal(path, { readonly: true });
  } catch (error) {
    return refusal(error);
  }
  try {
    const listed = journal.runs();
    const outcomes = listed.map((summary) => {
      const { records, damage } = goodRecords(journal, summary);
      const good = expected.get(summary.run) ?? [];
      // Whatever is given, before damage or not, is what was written there.
      if (records.some((record, position) => recordText(record) !== good[position])) {
        expect(records.map(recordText)).toEqual(good.slice(0, records.length));
      }
      if (damage !== undefined) {
        expect([damage.run, damage.position]).toEqual([summary.run, records.length]);
        return refusal(damage);
      }
      expect([records.length, summary.records]).toEqual([good.length, good.length]);
      return 'harmless';
    });
    if (outcomes.includes('refused')) return 'refused';
    expect(listed.map(({ run }) => run)).toEqual([...expected.keys()]);
    return 'harmless';
  } catch (error) {
    return refusal(error);
  } finally {
    journal.close();
  }
}

function refusal(error: unknown): 'refused' {
  if (!(error instanceof JournalError)) throw error;
  if (!/position \d+|\.(db|ndjson)/.test(error.message)) expect(error.message).toContain('where');
  return 'refused';
}

async function expectOneOfTwo(way: string, path: string, expected = written): Promise<void> {
  const outcome = outcomeOf(path, expected);
  const counts = tally.get(way) ?? { refused: 0, harmless: 0 };
  counts[outcome]++;
  tally.set(way, counts);
  if (seen++ % THROUGH_THE_COMMAND_LINE !== 0) return;
  const { stdout, stderr, code } = await inProcess(['replay', path]);
  if (outcome === 'harmless') expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  else expect([2, 4]).toContain(code);
  expect(stderr).not.toMatch(/ {4}at |this is a bug/);
  expect(stdout.split('\n').length - 1).toBeLessThanOrEqual(expected.size);
  if (outcome === 'refused') expect(stderr).toMatch(/^(journal: |\S+ holds no runs)/);
}

async function times(count: number, way: string, work: (random: Random, nth: number) => Promise<void>): Promise<void> {
  for (let nth = 0; nth < count; nth++) await work(createRandom(SEED + nth, way), nth);
}

describe('an SQLite file', () => {
  test.each(Object.entries(BYTES))('%s', async (name, damaged) => {
    const path = join(root, 'damaged.db');
    const way = `SQLite: ${name}`;
    await times(CASES.sqlite, way, async (random) => {
      writeFileSync(path, damaged(bytes, random));
      await expectOneOfTwo(way, path);
    });
  });

  test.each(Object.entries(ROWS))('%s', async (name, statements) => {
    const path = join(root, 'rows.db');
    const way = `SQLite rows: ${name}`;
    await times(CASES.rows, way, async (random) => {
      writeFileSync(path, bytes);
      const db = new Database(path);
      db.exec(statements.replaceAll('#', String(random.below(40))));
      db.close();
      await expectOneOfTwo(way, path);
    });
  });
});

describe('what a killed process leaves', () => {
  const ENDS = ['', '-wal', '-shm'] as const;
  const left = join(root, 'left.db');

  beforeAll(() => {
    const journal = new SqliteJournal(join(root, 'open.db'));
    const memory = rehearse(smallScenario()).journal;
    for (const record of memory.read(RUN)) journal.append(RUN, record.position, [record]);
    leaveBehind(join(root, 'open.db'), left);
    journal.close();
  });

  test.each(Object.entries(BYTES))('%s', async (name, damaged) => {
    const expected = new Map([[RUN, written.get(RUN)!]]);
    for (const end of ENDS) {
      const way = `left behind, ${end === '' ? 'file' : end.slice(1)}: ${name}`;
      await times(CASES.leftBehind, way, async (random, nth) => {
        const folder = join(root, `${end}${nth}`);
        mkdirSync(folder);
        const path = join(folder, 'left.db');
        leaveBehind(left, path);
        writeFileSync(`${path}${end}`, damaged(readFileSync(`${left}${end}`), random));
        await expectOneOfTwo(way, path, expected);
        rmSync(folder, { recursive: true });
      });
    }
  });
});

describe('an export', () => {
  const path = join(root, 'damaged.ndjson');
  const only = () => new Map([[RUN, written.get(RUN)!]]);

  test.each(Object.entries(BYTES))('%s', async (name, damaged) => {
    const good = Buffer.from(exported.join(''));
    const way = `export: ${name}`;
    await times(CASES.ndjson, way, async (random) => {
      writeFileSync(path, damaged(good, random));
      await expectOneOfTwo(way, path, only());
    });
  });

  test.each(Object.entries(LINES))('%s', async (name, damaged) => {
    const way = `export lines: ${name}`;
    await times(CASES.lines, way, async (random) => {
      writeFileSync(path, damaged(exported, exportedOther, random).join(''));
      await expectOneOfTwo(way, path, only());
    });
  });
});

test('most of these accidents are real damage, and some are not', () => {
  const all = [...tally.values()];
  const refused = all.reduce((sum, one) => sum + one.refused, 0);
  expect(refused).toBeGreaterThan(seen * 0.6);
  expect(refused).toBeLessThan(seen);
});
