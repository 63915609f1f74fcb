/** Commands that are printed to be copied: every word is one for a shell, too. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { SqliteJournal } from '../../../src/journal/sqlite-journal.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { commandLine } from '../../../src/lab/report/command-line.ts';
import { inProcess } from '../../cli/switchover.ts';
import { smallScenario } from '../small-scenario.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover words '));
afterAll(() => rmSync(root, { recursive: true }));

test('a shell gives the words back', () => {
  const words = [
    'plain',
    'a/b.db',
    'my runs.db',
    "it's",
    '$HOME',
    '`id`',
    '*',
    '{ initial: 20% }',
    '',
    'a\nb',
    '#1',
    '~',
  ];
  const text = execFileSync('sh', ['-c', `printf '%s\\0' ${commandLine(words)}`], { encoding: 'utf8' });
  expect(text.split('\0').slice(0, -1)).toEqual(words);
  expect(commandLine(['run', 'a/b.db', '--set', 'x=1'])).toBe('run a/b.db --set x=1');
});

test('a journal with a space in its name is printed in quotes by branch, recover and import', async () => {
  const path = 'my runs.db';
  const { opened, journal: memory } = rehearse(smallScenario());
  const journal = new SqliteJournal(join(root, path));
  journal.append(opened.run, 0, [...memory.read(opened.run)]);
  journal.close();
  const branched = await inProcess(['branch', path, '--at', '20', '--journal', 'my branches.db'], { cwd: root });
  expect(branched.stdout).toMatch(/Replay it: {2}npx switchover replay 'my branches\.db' --run \S+ --re-run\n/);
  const recovered = await inProcess(['recover', path], { cwd: root });
  expect(recovered.stdout).toContain(`npx switchover replay 'my runs.db' --run ${opened.run}`);
  const status = { event: 'MIGRATION', data: { status: 'active' }, timestamp: { seconds: 1, microseconds: 0 } };
  const done = { event: 'MIGRATION', data: { status: 'completed' }, timestamp: { seconds: 9, microseconds: 0 } };
  writeFileSync(join(root, 'vm.log'), [status, done].map((one) => JSON.stringify(one)).join('\n'));
  const imported = await inProcess(['import', 'vm.log', '--journal', 'my seen.db'], { cwd: root });
  expect(imported.stdout, imported.stderr).toMatch(/npx switchover replay 'my seen\.db' --run \S+\n/);
});
