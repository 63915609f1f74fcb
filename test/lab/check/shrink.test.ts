/** Shrinking finds the one thing that matters, keeps the law that was broken, and stops in time. */
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Case } from '../../../src/lab/check/case.ts';
import { Coverage } from '../../../src/lab/check/coverage.ts';
import { writeFailure } from '../../../src/lab/check/failure-file.ts';
import { verdictOf } from '../../../src/lab/check/job.ts';
import { shrink } from '../../../src/lab/check/shrink.ts';
import { parseScenario } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { smallInput } from '../small-scenario.ts';
import { doesNotStop } from './planted.ts';

const large: Case = {
  seed: 7,
  input: {
    ...smallInput(),
    sender: { sync: '2ms' },
    storage: { release: '1ms' },
    giveUpAfter: '4s',
    faults: [
      { command: 'startDestination', twice: true },
      { command: 'getDirtyLog', nth: 2, slowBy: '3ms' },
      { after: 'sendRound', happens: 'link-slow', percent: '50%', for: '5ms' },
    ],
  } as ScenarioInput,
  crash: { after: 8, effects: 'sent', deadMs: 1 },
};

describe('a mistake that shows in every run', () => {
  const coverage = new Coverage();
  const verdict = (one: Case) => verdictOf(one, coverage, { wrap: doesNotStop });

  test('everything that does not matter is left out', async () => {
    const broken = await verdict(large);
    expect(broken?.law).toBe('never-two-guests');
    const shrunk = await shrink(large, broken!, verdict, 250);
    expect(shrunk.broken.law).toBe('never-two-guests');
    expect(shrunk.one.crash).toBeUndefined();
    expect(shrunk.one.input.faults ?? []).toEqual([]);
    expect(shrunk.one.input.containers ?? []).toEqual([]);
    expect(shrunk.one.input.vm.workloads ?? []).toEqual([]);
    expect(shrunk.tries).toBeLessThanOrEqual(250);
  });

  test('its file is a scenario, whole, and says how to see it again', async () => {
    const broken = (await verdict(large))!;
    const shrunk = await shrink(large, broken, verdict, 250);
    const folder = mkdtempSync(join(tmpdir(), 'check-'));
    const written = writeFailure({ one: large, broken, shrunk, job: 'seeds', subject: undefined }, folder);
    expect(readdirSync(folder)).toEqual(['check-7.yaml']);
    const text = readFileSync(written.file, 'utf8');
    expect(text).toContain('# Broken: never two running guests.');
    expect(text).toContain('switchover check --seed 7 --seeds 1');
    expect(written.run).toBe('switchover run check-7.yaml');
    expect(parseScenario(text, 'check-7.yaml').name).toBe('small');
  });
});

test('the one fault that matters is kept', async () => {
  const matters = (one: Case) =>
    Promise.resolve(
      (one.input.faults ?? []).some(({ command, nth }) => command === 'getDirtyLog' && nth === 2)
        ? { law: 'no-silence' as const, because: 'planted' }
        : undefined,
    );
  const shrunk = await shrink(large, (await matters(large))!, matters);
  expect(shrunk.one.input.faults).toEqual([{ command: 'getDirtyLog', nth: 2 }]);
  expect(shrunk.one.crash).toBeUndefined();
});

test('a crash that matters is kept whole', async () => {
  const matters = (one: Case) =>
    Promise.resolve(one.crash === undefined ? undefined : { law: 'no-silence' as const, because: 'planted' });
  const shrunk = await shrink(large, (await matters(large))!, matters);
  expect(shrunk.one.crash).toEqual({ after: 8, effects: 'sent', deadMs: 0 });
});

test('no more cases are tried than it was given', async () => {
  let tries = 0;
  const always = () => {
    tries++;
    return Promise.resolve(undefined);
  };
  await shrink(large, { law: 'no-silence', because: 'planted' }, always, 9);
  expect(tries).toBe(9);
});
