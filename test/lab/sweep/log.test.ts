/** The log of a sweep, where the system takes only a part of what it is given. */
import fs, { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SweepLog } from '../../../src/lab/sweep/log.ts';
import { sweepFrom } from '../../../src/lab/sweep/read.ts';
import { sweepRow } from '../../../src/lab/sweep/sweep.ts';
import { trialRow } from '../trial/trial-row.ts';

const TAKEN_BYTES = 5;
const { writeSync } = fs;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sweep-log-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

beforeEach(() => {
  // POSIX lets a write end early, with the count of what was taken.
  const short = (file: number, content: string | Uint8Array, from?: number | null) => {
    const [bytes, offset] = typeof content === 'string' ? [Buffer.from(content), 0] : [content, from ?? 0];
    return writeSync(file, bytes, offset, Math.min(TAKEN_BYTES, bytes.length - offset));
  };
  fs.writeSync = short as typeof writeSync;
  syncBuiltinESMExports();
});
afterEach(() => {
  fs.writeSync = writeSync;
  syncBuiltinESMExports();
});

test('a header and a row are whole lines all the same', () => {
  const scenario = { name: 'small', vm: { memory: '4MiB' } };
  const sweep = sweepFrom({ name: 'small', question: 'Which?', scenario, sweep: { seeds: 2 } });
  const path = join(folder, 'rows.ndjson');
  const log = new SweepLog(path, sweep, false);
  const row = sweepRow(sweep, 0, trialRow('qemu', 1, {}));
  log.append(row);
  log.close();
  const [header, line, rest] = readFileSync(path, 'utf8').split('\n');
  expect(JSON.parse(header!)).toMatchObject({ sweep: 'small', trials: 2 });
  expect([JSON.parse(line!), rest]).toEqual([row, '']);
  const again = new SweepLog(path, sweep, true);
  expect([...again.rows.keys()]).toEqual([0]);
  again.close();
});
