/**
 * `switchover replay`: a journal proves itself, is exported, is made again, or says at which position it is not what it was.
 * Damage (a checksum that does not hold) is exit code 4, a record that folds to something else is 3.
 */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { ndjsonLines } from '../../src/journal/export.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { parsedRecord, recordText } from '../../src/journal/record-text.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { migrate } from '../../src/lab/migrate.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { smallScenario } from '../lab/small-scenario.ts';
import { positionOf } from '../run/journals.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { expectMistake, inProcess, switchover } from './switchover.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-replay-'));
afterAll(() => rmSync(root, { recursive: true }));

/** `small-1` alone, as its records, as an SQLite journal that is copied for each test, and as an export. */
const RUN = 'small-1';
const one = join(root, 'one.db');
const two = join(root, 'two.db');
let records: readonly Rec[];
let exported: string;

beforeAll(async () => {
  const memory = rehearse(smallScenario()).journal;
  records = [...memory.read(RUN)];
  const journals = [new SqliteJournal(one), new SqliteJournal(two)];
  // In one transaction: a run appends record by record, which costs a sync of the disk each time.
  for (const journal of journals) journal.append(RUN, 0, records);
  const other = rehearse(smallScenario({ rest: { cancelAt: '500ms' } }), { run: 'other' });
  journals[1]?.append('other', 0, [...other.journal.read('other')]);
  for (const journal of journals) journal.close();
  exported = (await inProcess(['replay', one, '--export', '-'])).stdout;
});

let folders = 0;
function folder(): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
}

/** The records with one of them edited. */
function withEdited(position: number, edit: (text: string) => string): readonly Rec[] {
  const text = edit(recordText(records[position]!));
  expect(text).not.toBe(recordText(records[position]!));
  const parsed = parsedRecord(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return records.with(position, parsed.record);
}

/** A copy of the journal in which this record's text was edited in place, all checksums left or made to fit. */
function edited(position: number, edit: (text: string) => string, crc: 'left' | 'made to fit'): string {
  const path = join(folder(), 'edited.db');
  if (crc === 'made to fit') {
    const journal = new SqliteJournal(path);
    journal.append(RUN, 0, withEdited(position, edit));
    journal.close();
    return path;
  }
  copyFileSync(one, path);
  const db = new Database(path);
  const { text } = db.prepare('SELECT text FROM records WHERE run = ? AND position = ?').get(RUN, position) as {
    readonly text: string;
  };
  expect(edit(text)).not.toBe(text);
  db.prepare('UPDATE records SET text = ? WHERE run = ? AND position = ?').run(edit(text), RUN, position);
  db.close();
  return path;
}

/** The same of a line of the export. */
function editedLine(position: number, edit: (text: string) => string, crc: 'left' | 'made to fit'): string {
  const path = join(folder(), 'edited.ndjson');
  if (crc === 'made to fit') {
    const journal = new MemoryJournal();
    journal.append(RUN, 0, withEdited(position, edit));
    writeFileSync(path, ndjsonLines(journal, RUN).join(''));
    return path;
  }
  const lines = exported.split('\n');
  const line = lines[position + 1] as string;
  lines[position + 1] =
    `${edit(`${line.slice(0, line.lastIndexOf(',"crc"'))}}`).slice(0, -1)},"crc":"${line.slice(-10, -2)}"}`;
  expect(lines[position + 1]).not.toBe(line);
  writeFileSync(path, lines.join('\n'));
  return path;
}

const FORMS = [
  ['SQLite', edited],
  ['NDJSON', editedLine],
] as const;

describe('a sound journal', () => {
  test('proves every run in it, on stdout', async () => {
    const { stdout, stderr, code } = await inProcess(['replay', two]);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^small-1: 53 records replayed, every one as it was\. Completed in 689 ms: 3 rounds/);
    expect(lines[1]).toMatch(/^other: \d+ records replayed, every one as it was\. Cancelled after /);
  });

  test('proves the one that is named, again in its model, as JSON', async () => {
    const { stdout, stderr, code } = await inProcess(['replay', two, '--run', 'other', '--re-run', '--json']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    const proof = JSON.parse(stdout);
    expect(proof).toMatchObject({ run: 'other', report: { outcome: 'cancelled' } });
    expect(proof.sentence).toContain('replayed and re-run');
    expect(proof).not.toHaveProperty('divergence');
  });

  test('is one JSON value a line with --json', async () => {
    const { stdout } = await inProcess(['replay', two, '--json']);
    const proofs = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(proofs.map(({ run }) => run)).toEqual([RUN, 'other']);
    const { ended } = rehearse(smallScenario());
    const fromHandOver = ended.checks.filter(({ name }) => name === 'no-lost-write');
    expect(proofs[0].report).toEqual({ ...JSON.parse(JSON.stringify(ended)), checks: fromHandOver });
  });

  test('is exported, and its export replays and is exported to the same bytes', async () => {
    expect(exported.trimEnd().split('\n')).toHaveLength(1 + records.length);
    const cwd = folder();
    const written = await inProcess(['replay', one, '--export', 'run.ndjson'], { cwd });
    expect(written).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(readFileSync(join(cwd, 'run.ndjson'), 'utf8')).toBe(exported);
    expect(readdirSync(cwd)).toEqual(['run.ndjson']);
    const again = await inProcess(['replay', 'run.ndjson', '--export', '-'], { cwd });
    expect(again).toEqual({ stdout: exported, stderr: '', code: 0 });
    const proved = await inProcess(['replay', 'run.ndjson', '--re-run'], { cwd });
    expect(proved).toMatchObject({ stderr: '', code: 0 });
  });

  test('is only read: not a byte of it changes', async () => {
    const before = readFileSync(two);
    await inProcess(['replay', two, '--re-run']);
    expect(readFileSync(two).equals(before)).toBe(true);
    expect(readdirSync(root).filter((name) => name.startsWith('two.db'))).toEqual(['two.db']);
  });

  test('of a run that somebody cancelled by hand is made again with that', async () => {
    for (const when of ['at once', 'after the first round', 'paced'] as const) {
      const journal = new SqliteJournal(join(folder(), 'cancelled.db'));
      const migration = migrate(smallScenario(), { journal, pace: when === 'paced' ? 2 : 'max' });
      if (when === 'at once') migration.cancel();
      if (when === 'after the first round') migration.rounds$.subscribe(() => migration.cancel());
      if (when === 'paced') setTimeout(() => migration.cancel(), 100);
      expect((await migration.report).outcome).toBe('cancelled');
      journal.close();
      const { stdout, code } = await inProcess(['replay', journal.path, '--re-run']);
      expect(stdout, when).toContain('replayed and re-run, every one as it was');
      expect(code).toBe(0);
    }
  });

  test('of a run whose process died is proved as far as it goes, and says that it has not ended', async () => {
    const path = join(folder(), 'died.db');
    const journal = new SqliteJournal(path);
    journal.append(RUN, 0, records.slice(0, 30));
    journal.close();
    const { stdout, code } = await inProcess(['replay', path, '--re-run']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      'small-1: 30 records replayed and re-run, every one as it was. Has not ended: its last record is at 617 ms.\n',
    );
  });
});

describe.each(FORMS)('one changed byte in a record of an %s journal', (_, edit) => {
  const positions = [0, 1, 13, 52];

  test.each(positions)('is damage, with exit code 4 and its position: record %d', async (position) => {
    // The time of the record: a digit for another.
    const path = edit(
      position,
      (text) => text.replace(/"atNs":(\d)/, (_, digit) => `"atNs":${digit === '9' ? 8 : 9}`),
      'left',
    );
    const finished = await inProcess(['replay', path]);
    expectMistake(finished, 'checksum', 4);
    expect(finished.stderr).toMatch(new RegExp(`position ${position}\\b|line ${position + 2}\\b`));
  });

  test('is damage too where it is no JSON any more', async () => {
    const path = edit(7, (text) => text.replace('{', '['), 'left');
    expectMistake(await inProcess(['replay', path]), /position 7|line 9/, 4);
  });

  test('that its checksum was made to fit to is a divergence, with exit code 3 and the position', async () => {
    const position = positionOf(records, 'DONE.sendRound');
    const path = edit(
      position,
      (text) =>
        text
          .replace(/"sentBytes":\d/, '"sentBytes":9')
          .replace(/"remainingPages":\d/, '"remainingPages":9')
          .replace(/"bandwidthBytesPerSecond":1/, '"bandwidthBytesPerSecond":9'),
      'made to fit',
    );
    const { stdout, stderr, code } = await inProcess(['replay', path]);
    expect(code).toBe(3);
    expect(stderr).toBe('');
    const at = Number(
      /^small-1: the replay diverged at record (\d+)\n {2}expected effects [0-9a-f]{8}\n {2}got {6}effects/.exec(
        stdout,
      )?.[1],
    );
    // The figures decide when the round is judged, three records later.
    expect(at).toBeGreaterThanOrEqual(position);
    expect(at).toBeLessThanOrEqual(position + 4);
    const { stdout: json } = await inProcess(['replay', path, '--json']);
    expect(JSON.parse(json)).toMatchObject({ run: RUN, divergence: { position: at } });
  });

  test('that no chart looks at is found by --re-run, at its position', async () => {
    const position = positionOf(records, 'DONE.sendRound', 1);
    const path = edit(position, (text) => text.replace('"zeroPages":0', '"zeroPages":7'), 'made to fit');
    expect(await inProcess(['replay', path])).toMatchObject({ stderr: '', code: 0 });
    const { stdout, code } = await inProcess(['replay', path, '--re-run']);
    expect(code).toBe(3);
    expect(stdout).toMatch(new RegExp(`^small-1: the re-run diverged at record ${position}\n`));
    expect(stdout).toContain('"zeroPages":7');
    expect(stdout).toContain('"zeroPages":0');
  });

  test('that makes it of other charts is refused, unless drift is allowed', async () => {
    const path = edit(
      0,
      (text) =>
        text
          .replace(/"fingerprint":"."/, '"fingerprint":"')
          .replace(/"fingerprint":"[0-9a-f]+"/, '"fingerprint":"0123456789abcdef"'),
      'made to fit',
    );
    expectMistake(await inProcess(['replay', path]), /charts 0123456789abcdef.*--allow-drift/);
    const { stdout, code } = await inProcess(['replay', path, '--allow-drift', '--re-run']);
    expect(stdout).toContain('replayed and re-run, every one as it was');
    expect(code).toBe(0);
  });
});

describe('what else can happen to a journal', () => {
  const copy = (name: string) => {
    const path = join(folder(), name);
    copyFileSync(one, path);
    return path;
  };

  test('a record is gone from the middle', async () => {
    const path = copy('gone.db');
    const db = new Database(path);
    db.prepare('DELETE FROM records WHERE position = 20').run();
    db.close();
    expectMistake(await inProcess(['replay', path]), /20/, 4);
  });

  test('a line is gone from the middle of an export, or torn at its end', async () => {
    const gone = join(folder(), 'gone.ndjson');
    writeFileSync(gone, exported.split('\n').toSpliced(21, 1).join('\n'));
    expectMistake(await inProcess(['replay', gone]), /line 22: expected position 20, found 21/, 4);
    writeFileSync(gone, exported.slice(0, -30));
    expectMistake(await inProcess(['replay', gone]), /line 54: the last line is torn/, 4);
  });

  test.each([0.9, 0.5, 0.1])('a file is cut to %d of its length', async (share) => {
    const path = copy('cut.db');
    const { length } = readFileSync(path);
    truncateSync(path, Math.floor(share * length));
    const { stderr, stdout, code } = await inProcess(['replay', path]);
    expect(code).toBe(4);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^journal: /);
    expect(stderr).not.toContain('    at ');
  });

  test('its beginning is overwritten', async () => {
    const path = copy('overwritten.db');
    const bytes = readFileSync(path);
    bytes.fill(0, 0, 16);
    writeFileSync(path, bytes);
    expectMistake(await inProcess(['replay', path]), /is not a journal.*its beginning is damaged/);
  });

  test('a run of a driver of somebody else is replayed, and cannot be made again', async () => {
    const memory = new MemoryJournal();
    const migration = migrate(smallScenario(), { journal: memory, driver: (_, clock) => scriptedDriver(clock) });
    await migration.report;
    const path = join(folder(), 'scripted.db');
    const journal = new SqliteJournal(path);
    journal.append(migration.run, 0, [...memory.read(migration.run)]);
    journal.close();
    expect(await inProcess(['replay', path])).toMatchObject({ stderr: '', code: 0 });
    expectMistake(
      await inProcess(['replay', path, '--re-run']),
      'was driven by scripted: only a modelled run can be made again',
    );
  });
});

describe('a mistake is one message on stderr and exit code 2, and leaves no file', () => {
  const other = (name: string, content: string) => {
    const path = join(folder(), name);
    writeFileSync(path, content);
    return path;
  };

  test.each([
    ['no journal', () => ['replay'], /missing required argument 'journal'/],
    ['a file that is not there', () => ['replay', 'none.db'], /none\.db: there is no such file/],
    ['a folder', () => ['replay', '.'], /is not a file/],
    ['a file that is no journal', () => ['replay', other('x.db', 'hello')], /is not a journal/],
    ['an empty file', () => ['replay', other('x.db', '')], /is empty/],
    ['no name at all', () => ['replay', ''], /journal/],
    ['a run that is not in it', () => ['replay', two, '--run', 'none'], /has no run "none": it has small-1, other/],
    [
      'an export of two runs at once',
      () => ['replay', two, '--export', '-'],
      /which run to export\? --run small-1 \| --run other/,
    ],
    ['an export into a missing folder', () => ['replay', one, '--export', 'no/x.ndjson'], /cannot write no\/x\.ndjson/],
    ['an export onto a folder', () => ['replay', one, '--export', '.'], /cannot write \./],
    ...['--re-run', '--json', '--allow-drift', '--report r.html', '--trace t.json'].map(
      (option) =>
        [
          `an export with ${option}`,
          () => ['replay', one, '--export', 'x.ndjson', ...option.split(' ')],
          new RegExp(`${option.split(' ')[0]} proves or tells a run, and --export only writes it: name one of them`),
        ] as const,
    ),
    ['an unknown option', () => ['replay', one, '--rerun'], /unknown option '--rerun'[\s\S]*--re-run/],
    ['two journals', () => ['replay', one, two], /too many arguments/],
  ] as const)('%s', async (_, args, message) => {
    const cwd = folder();
    expectMistake(await inProcess(args(), { cwd }), message);
    expect(readdirSync(cwd)).toEqual([]);
  });

  test.concurrent('exit codes 3 and 4 reach the shell', async () => {
    const damaged = edited(13, (text) => text.replace('"zeroPages":0', '"zeroPages":1'), 'left');
    const diverged = edited(13, (text) => text.replace('DONE.', 'FAILED.'), 'made to fit');
    const [four, three] = await Promise.all([damaged, diverged].map((path) => switchover(['replay', path])));
    expectMistake(four as NonNullable<typeof four>, /position 13/, 4);
    expect(three).toMatchObject({ stderr: '', code: 3 });
    expect(three?.stdout).toContain('diverged at record 13');
  });
});

test('the text of every record is what the journal holds', () => {
  const lines = exported.trimEnd().split('\n').slice(1);
  expect(lines.map((line) => `${line.slice(0, line.lastIndexOf(',"crc"'))}}`)).toEqual(records.map(recordText));
  for (const line of lines)
    expect(parsedRecord(`${line.slice(0, line.lastIndexOf(',"crc"'))}}`)).toHaveProperty('record');
});
