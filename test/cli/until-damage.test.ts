/**
 * What `switchover replay` does with what is good of a damaged journal: nothing, unless it is asked to, and then it says where
 * the damage is, on stderr, in the export, and with exit code 4.
 */
import fs, {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { leaveBehind } from '../journal/left-behind.ts';
import { smallScenario } from '../lab/small-scenario.ts';
import { expectMistake, inProcess } from './switchover.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-until-damage-'));
afterAll(() => rmSync(root, { recursive: true }));

const RUN = 'small-1';
const one = join(root, 'one.db');
const two = join(root, 'two.db');
let records: readonly Rec[];
let exported: string;

beforeAll(async () => {
  records = [...rehearse(smallScenario()).journal.read(RUN)];
  const other = rehearse(smallScenario({ rest: { cancelAt: '500ms' } }), { run: 'other' }).journal;
  for (const path of [one, two]) {
    const journal = new SqliteJournal(path);
    journal.append(RUN, 0, records);
    if (path === two) journal.append('other', 0, [...other.read('other')]);
    journal.close();
  }
  exported = (await inProcess(['replay', one, '--export', '-'])).stdout;
});

let folders = 0;
function folder(): string {
  const path = join(root, String(folders++));
  mkdirSync(path);
  return path;
}

describe('damage in one run of several', () => {
  const damagedRun = () => {
    const path = join(folder(), 'two.db');
    copyFileSync(two, path);
    const db = new Database(path);
    db.prepare('DELETE FROM records WHERE run = ? AND position = 20').run(RUN);
    db.close();
    return path;
  };
  const WORDS = `journal: run "${RUN}", position 20: expected position 20, found 21: 1 before it missing. The 20 records before are good: replay --until-damage proves or exports what is good\n`;

  test('keeps no other from being proved, and nothing of the damaged one is', async () => {
    const { stdout, stderr, code } = await inProcess(['replay', damagedRun()]);
    expect(stdout).toMatch(/^other: \d+ records replayed, every one as it was\. Cancelled/);
    expect({ stderr, code }).toEqual({ stderr: WORDS, code: 4 });
  });

  test('with --until-damage is proved as far as it is good, and made again, and the exit code is the same', async () => {
    const path = damagedRun();
    const { stdout, stderr, code } = await inProcess(['replay', path, '--until-damage', '--re-run', '--run', RUN]);
    expect(stdout).toMatch(
      /^Until the damage: small-1: 20 records replayed and re-run, every one as it was\. Has not ended/,
    );
    expect({ stderr, code }).toEqual({ stderr: WORDS, code: 4 });
    const json = await inProcess(['replay', path, '--until-damage', '--json', '--run', RUN]);
    expect(json.code).toBe(4);
    expect(JSON.parse(json.stdout)).toMatchObject({ run: RUN, records: 20, damage: WORDS.slice(9).split('. ')[0] });
  });

  test('is exported only with --until-damage, and the export says so and is damaged there too', async () => {
    const path = damagedRun();
    const cwd = folder();
    const refused = await inProcess(['replay', path, '--run', RUN, '--export', 'x.ndjson'], { cwd });
    expectMistake(refused, 'position 20', 4);
    expect(readdirSync(cwd)).toEqual([]);
    const args = ['replay', path, '--run', RUN, '--until-damage', '--export', 'x.ndjson'];
    expect(await inProcess(args, { cwd })).toEqual({ stdout: '', stderr: WORDS, code: 4 });
    expect(readFileSync(join(cwd, 'x.ndjson'), 'utf8').split('\n').slice(1, 21)).toEqual(
      exported.split('\n').slice(1, 21),
    );
    expectMistake(await inProcess(['replay', 'x.ndjson'], { cwd }), /line 22: exported as far as it was good: run/, 4);
    const again = await inProcess(['replay', 'x.ndjson', '--until-damage'], { cwd });
    expect(again.stdout).toMatch(/^Until the damage: small-1: 20 records/);
    expect(again.code).toBe(4);
  });

  test('of the log beside the file is read until there from a copy', async () => {
    const open = new SqliteJournal(join(folder(), 'open.db'));
    for (const record of records) open.append(RUN, record.position, [record]);
    const path = join(folder(), 'left.db');
    leaveBehind(open.path, path);
    open.close();
    const log = readFileSync(`${path}-wal`);
    log[Math.floor(log.length / 2)]! ^= 4;
    writeFileSync(`${path}-wal`, log);
    const refused = await inProcess(['replay', path]);
    expectMistake(
      refused,
      /left\.db-wal is damaged at byte \d+: of \d+ frames of commits the first \d+ can be read\./,
      4,
    );
    const { stdout, stderr, code } = await inProcess(['replay', path, '--until-damage', '--re-run']);
    expect(stdout).toMatch(/^Until the damage: small-1: \d\d records replayed and re-run, every one as it was/);
    expect(stderr).toContain('left.db-wal is damaged at byte');
    expect(code).toBe(4);
  });
});

describe('an export', () => {
  test('onto a device or a pipe is written to it, and does not take its place', async () => {
    const { stderr, code } = await inProcess(['replay', one, '--export', '/dev/null']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('onto a full disk says so', async () => {
    expectMistake(await inProcess(['replay', one, '--export', '/dev/full']), /cannot write \/dev\/full: ENOSPC/);
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  test('that cannot be finished leaves the file as it was, and nothing beside it', async () => {
    const cwd = folder();
    const path = join(cwd, 'run.ndjson');
    writeFileSync(path, 'an older export');
    const rename = vi.spyOn(fs, 'renameSync').mockImplementation(() => {
      throw Object.assign(new Error('ENOSPC: no space left on device, rename'), { code: 'ENOSPC' });
    });
    syncBuiltinESMExports();
    try {
      expectMistake(await inProcess(['replay', one, '--export', path]), `cannot write ${path}: ENOSPC`);
    } finally {
      rename.mockRestore();
      syncBuiltinESMExports();
    }
    expect(readFileSync(path, 'utf8')).toBe('an older export');
    expect(readdirSync(cwd)).toEqual(['run.ndjson']);
  });
});
