/** `switchover recover`: a journal whose process died goes on to its end; what a person can get wrong is one message. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { smallScenario } from '../lab/small-scenario.ts';
import { expectMistake, inProcess } from './switchover.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-recover-'));
afterAll(() => rmSync(root, { recursive: true }));

const { opened, journal: memory } = rehearse(smallScenario());
const records = [...memory.read(opened.run)];
const path = join(root, 'runs.db');
const two = join(root, 'two.db');
const doubt = rehearse(smallScenario(), { run: 'other' });
for (const file of [path, two]) {
  const journal = new SqliteJournal(file);
  journal.append(opened.run, 0, records.slice(0, 25));
  if (file === two) journal.append('other', 0, [...doubt.journal.read('other')]);
  journal.close();
}

test('goes on to a report, says so, and has nothing to do the second time', async () => {
  await inProcess(['recover', two, '--run', opened.run]);
  const first = await inProcess(['recover', path, '--json']);
  expect(first.stderr).toContain(`run "${opened.run}" was taken up after record 24; `);
  const report = JSON.parse(first.stdout);
  expect(first.code).toBe(report.outcome === 'completed' ? 0 : 1);
  const second = await inProcess(['recover', path, '--json']);
  expect(second.stderr).toContain('had ended: there was nothing to recover');
  expect(JSON.parse(second.stdout).outcome).toBe(report.outcome);
  const replayed = await inProcess(['replay', path, '--re-run']);
  expect(replayed.stdout).toContain('replayed and re-run, every one as it was');
});

test.each([
  [['recover', join(root, 'none.db')], 'there is no such file'],
  [['recover', two], `which run to recover? --run ${opened.run} | --run other`],
  [['recover', two, '--run', 'third'], `has no run "third": it has ${opened.run}, other`],
  [['recover', two, '--run', 'other', '--source-fenced'], 'run "other" has ended: nothing is in doubt'],
  [['recover', path, '--source-fenced', '--destination-fenced'], 'both hosts are said to be fenced'],
])('%j', async (args, message) => {
  expectMistake(await inProcess(args), message);
});

test('help has two examples', async () => {
  const { stdout } = await inProcess(['recover', '--help']);
  expect(stdout.match(/\$ switchover recover/g)).toHaveLength(2);
});
