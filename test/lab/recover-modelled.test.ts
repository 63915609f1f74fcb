/**
 * Recovery of modelled runs: a run in doubt settled by asking and by fencing, what the operator had planned for the time when
 * nobody was there, and what is refused.
 */
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { recoverRun } from '../../src/lab/recover-modelled.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { smallScenario } from './small-scenario.ts';

const strict = { strict: true };
/** The destination starts too late for its time limit. */
const late = smallScenario({
  rest: { hosts: { destination: { resume: '2s' } }, deadlines: { startDestination: '1s' } },
});

function inDoubt(scenario: Scenario = late) {
  const { opened, journal, ended } = rehearse(scenario, strict);
  expect(ended.outcome).toBe('in-doubt');
  return { run: opened.run, journal };
}

function broken(scenario: Scenario, keep: (record: Rec) => boolean) {
  const { opened, journal } = rehearse(scenario, strict);
  const records = [...journal.read(opened.run)];
  const kept = new MemoryJournal();
  kept.append(
    opened.run,
    0,
    records.slice(
      0,
      records.findIndex((record) => !keep(record)),
    ),
  );
  return { run: opened.run, journal: kept };
}

const held = (report: { readonly checks: readonly { readonly held: boolean }[] }) =>
  report.checks.every((one) => one.held);

describe('a run in doubt', () => {
  test('is settled by asking: the destination came to run', async () => {
    const { journal, run } = inDoubt();
    const { report, was, is } = await recoverRun(journal, run, strict);
    expect([was, is, report.outcome]).toEqual(['rests', 'ended', 'completed']);
    expect(held(report)).toBe(true);
    expect(report.status.map(({ status }) => status).slice(-2)).toEqual(['failed', 'completed']);
  });

  test('goes back to the source when the destination is fenced', async () => {
    const { journal, run } = inDoubt();
    const { report, is } = await recoverRun(journal, run, { ...strict, fenced: 'destination' });
    expect([is, report.outcome]).toEqual(['ended', 'failed']);
    expect(report.reason).toContain('the destination was fenced');
    expect(held(report)).toBe(true);
  });

  test('is completed when the source is fenced', async () => {
    const { journal, run } = inDoubt();
    const { report, is } = await recoverRun(journal, run, { ...strict, fenced: 'source' });
    expect([is, report.outcome]).toEqual(['ended', 'completed']);
    expect(held(report)).toBe(true);
  });

  test('that has been settled is reported as it is, and takes no fencing', async () => {
    const { journal, run } = inDoubt();
    await recoverRun(journal, run, strict);
    const records = [...journal.read(run)].length;
    const { report, was } = await recoverRun(journal, run, strict);
    expect([was, report.outcome, [...journal.read(run)].length]).toEqual(['ended', 'completed', records]);
    await expect(recoverRun(journal, run, { ...strict, fenced: 'source' })).rejects.toThrow('nothing is in doubt');
  });
});

test('a run that is not in doubt takes no fencing', async () => {
  const { journal, run } = broken(smallScenario(), ({ position }) => position < 30);
  await expect(recoverRun(journal, run, { fenced: 'destination' })).rejects.toThrow(
    'the run is not in doubt, so that fencing the destination decides nothing',
  );
});

test('a cancel by plan that came while nobody was there is given as soon as somebody is', async () => {
  const scenario = smallScenario({ rest: { cancelAt: '300ms' } });
  const { journal, run } = broken(scenario, ({ atNs }) => atNs < 300e6);
  const { report } = await recoverRun(journal, run, strict);
  const cancels = [...journal.read(run)].filter((record) => record.kind === 'input' && record.event.type === 'CANCEL');
  expect(cancels).toHaveLength(1);
  expect(['cancelled', 'failed']).toContain(report.outcome);
});

test('a paused switchover is continued', async () => {
  const scenario = smallScenario({ vmm: { pauseBeforeSwitchover: true } });
  const { journal, run } = broken(scenario, (record) => record.kind === 'opened' || record.event.type !== 'CONTINUE');
  const { report } = await recoverRun(journal, run, { ...strict, fate: 'done' });
  expect(report.outcome).toBe('completed');
  expect(held(report)).toBe(true);
});

test('a run that cannot be made again says where it came out otherwise', async () => {
  const { opened, journal } = rehearse(smallScenario(), strict);
  const records = [...journal.read(opened.run)].slice(0, 20);
  const other = records.map((record) => (record.position === 12 ? { ...record, atNs: record.atNs + 1 } : record));
  const changed = new MemoryJournal();
  changed.append(opened.run, 0, other);
  await expect(recoverRun(changed, opened.run)).rejects.toMatchObject({
    problem: 'diverged',
    divergence: { position: 12 },
  });
});
