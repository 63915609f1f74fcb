/** `switchover check`: its exit codes, its JSON, and what a person gets in hand when something was found. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { Vcpus } from '../../src/hardware/vcpus.ts';
import { Coverage } from '../../src/lab/check/coverage.ts';
import { drawCase } from '../../src/lab/check/draw/case.ts';
import { verdictOf } from '../../src/lab/check/job.ts';
import { runCase } from '../../src/lab/check/run-case.ts';
import { parseScenario } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { expectMistake, inProcess } from './switchover.ts';

afterEach(() => vi.restoreAllMocks());

describe('nothing to find', () => {
  test('is exit code 0, and says how much was tried and reached', async () => {
    const { stdout, stderr, code } = await inProcess(['check', '--seeds', '4', '--seed', '7', '--no-progress']);
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout).toContain('4 seeds from 7');
    expect(stdout).toContain('Nothing was found.');
    expect(stdout).toMatch(/transitions of charts +\d+ of \d+, \d+\.\d %/);
    expect(stdout).toContain('Out of reach, transitions of charts');
  });

  test('--json has the counts and what was not reached, with the reason where there is one', async () => {
    const { stdout, code } = await inProcess(['check', '--seeds', '3', '--json', '--no-progress']);
    const { runs, found, tally, reached } = JSON.parse(stdout);
    expect({ code, runs, found }).toEqual({ code: 0, runs: 3, found: [] });
    expect(tally.runs).toBe(3);
    const { taken, all, missing } = reached.transitions;
    expect(taken + missing.length).toBe(all);
    expect(missing.some(({ because }: { because?: string }) => because !== undefined)).toBe(true);
    expect(missing.some(({ because }: { because?: string }) => because === undefined)).toBe(true);
  });
});

test.each([
  [['check', '--seeds', 'many'], 'expected a whole number'],
  [['check', '--seed', '-1'], 'expected a whole number'],
  [['check', '--workers', '0'], 'expected a number of threads'],
  [['check', '--exhaustive', 'some'], 'Allowed choices are singles, pairs'],
] as const)('%j is a mistake', async (args, message) => {
  expectMistake(await inProcess(args), message);
});

/** The first seed that comes to a hand-over with nothing in its way. */
async function seedThatCompletes(): Promise<number> {
  for (let seed = 1; seed < 100; seed++) {
    const { one, scenario } = drawCase(seed);
    const { report, struck } = await runCase(one, scenario);
    if (report.outcome === 'completed' && struck.length === 0 && report.rounds.length < 5) return seed;
  }
  throw new Error('no seed completes undisturbed');
}

test('a guest that does not stop is found: exit code 1, a scenario made small, and the command that repeats it', async () => {
  const seed = await seedThatCompletes();
  vi.spyOn(Vcpus.prototype, 'stop').mockImplementation(() => {});
  const folder = mkdtempSync(join(tmpdir(), 'check-'));
  const args = ['check', '--seeds', '1', '--seed', `${seed}`, '--no-progress'];
  const { stdout, code } = await inProcess(args, { cwd: folder });
  expect(code).toBe(1);
  expect(stdout).toContain('Broken: never two running guests');
  expect(readdirSync(folder)).toEqual([`check-${seed}.yaml`]);
  const text = readFileSync(join(folder, `check-${seed}.yaml`), 'utf8');
  expect(text).toContain(`switchover check --seed ${seed} --seeds 1`);
  expect(parseScenario(text, `check-${seed}.yaml`).name).toBe(`check ${seed}`);
  // The file is enough to see it again, and it has nothing that does not matter.
  const input = parse(text) as ScenarioInput;
  expect((await verdictOf({ seed, input }, new Coverage()))?.law).toBe('never-two-guests');
  expect([input.faults, input.cancelAt]).toEqual([undefined, undefined]);
});
