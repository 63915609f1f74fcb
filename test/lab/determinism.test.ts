/**
 * The same scenario and seed give the same bytes, report and journal, in another process, another folder, paced or not; and
 * another seed gives others.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { merge } from 'rxjs';
import { afterAll, describe, expect, test } from 'vitest';
import { ndjsonLines } from '../../src/journal/export.ts';
import { migrate } from '../../src/lab/migrate.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { switchover } from '../cli/switchover.ts';
import { smallScenario } from './small-scenario.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** One process runs and writes a journal, another one exports it. */
async function bytesOf(name: string, seed: number): Promise<{ readonly report: string; readonly journal: string }> {
  const cwd = mkdtempSync(join(tmpdir(), 'switchover-determinism-'));
  folders.push(cwd);
  const ran = await switchover(['run', name, '--seed', String(seed), '--json', '--journal', 'runs.db'], { cwd });
  expect(ran).toMatchObject({ stderr: '', code: 0 });
  const exported = await switchover(['replay', 'runs.db', '--export', '-'], { cwd });
  expect(exported).toMatchObject({ stderr: '', code: 0 });
  return { report: ran.stdout, journal: exported.stdout };
}

describe('across processes', () => {
  test('the same seed gives the same bytes, and another seed gives others', async () => {
    const [first, second, other] = await Promise.all([
      bytesOf('vgpu-10g', 1),
      bytesOf('vgpu-10g', 1),
      bytesOf('vgpu-10g', 2),
    ]);
    expect(first.report.length).toBeGreaterThan(1_000);
    expect(first.journal.split('\n').length).toBeGreaterThan(20);
    expect(second.report).toBe(first.report);
    expect(second.journal).toBe(first.journal);

    // The seeds differ in the first record anyway: what counts is that the runs do.
    expect(JSON.parse(other.report).bytes).not.toEqual(JSON.parse(first.report).bytes);
    const later = (journal: string) => journal.split('\n').slice(1).join('\n');
    expect(later(other.journal)).not.toBe(later(first.journal));

    // And this process, another one again, makes the same.
    const { ended, journal, opened } = rehearse(scenarios['vgpu-10g']);
    expect(first.report).toBe(`${JSON.stringify(ended, null, 2)}\n`);
    expect(first.journal).toBe([...ndjsonLines(journal, opened.run)].join(''));
  });
});

describe('within a process', () => {
  const lines = ({ journal, opened }: ReturnType<typeof rehearse>) => [...ndjsonLines(journal, opened.run)];

  test.each([
    ['vCPU and NICs', smallScenario()],
    ['cancelled', smallScenario({ rest: { cancelAt: '500ms' } })],
    ['a measured cycle', scenarios['qemu-32mib']],
  ] as readonly (readonly [string, Scenario])[])('a run before it changes nothing: %s', (_, scenario) => {
    const first = lines(rehearse(scenario));
    rehearse({ ...smallScenario(), seed: 99 });
    expect(lines(rehearse(scenario))).toEqual(first);
  });

  test('ten seeds are ten runs', () => {
    const journals = Array.from({ length: 10 }, (_, seed) =>
      lines(rehearse({ ...smallScenario(), seed }))
        .slice(1)
        .join(''),
    );
    expect(new Set(journals).size).toBe(10);
  });

  test('who watches and how fast it goes changes nothing', async () => {
    const { ended, journal, opened } = rehearse(smallScenario());
    const watched = migrate(smallScenario(), { pace: 20 });
    let seen = 0;
    merge(watched.records$, watched.rounds$, watched.pages$, watched.progress$).subscribe(() => seen++);
    expect(await watched.report).toEqual(ended);
    expect(seen).toBeGreaterThan([...journal.read(opened.run)].length);
  });
});
