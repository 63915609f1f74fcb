/** Every law can be broken: a run that was sound is bent in one place, and that law names it. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CommandName } from '../../../machines/words.ts';
import { type CaseRun, type RunOptions, runCase } from '../../../src/lab/check/run-case.ts';
import { type Broken, judge, LAWS, type Law } from '../../../src/lab/check/verdict.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { nic0, smallInput } from '../small-scenario.ts';
import { doesNotStop, pretends, throws } from './planted.ts';

type ContainerInput = NonNullable<ScenarioInput['containers']>[number];

async function run(changes: Partial<ScenarioInput> = {}, options: RunOptions = {}): Promise<CaseRun> {
  const input = { ...smallInput(), ...changes } as ScenarioInput;
  return runCase({ seed: 1, input }, scenarioFrom(input), options);
}

let completed: CaseRun;
let cancelled: CaseRun;
let timedOut: CaseRun;
beforeAll(async () => {
  timedOut = await run({ faults: [{ command: 'stopVcpus', hangs: true }] });
  completed = await run();
  cancelled = await run({ cancelAt: { record: 12 } });
});

test('sound runs break nothing', () => {
  expect([completed.report.outcome, judge(completed)]).toEqual(['completed', undefined]);
  expect([cancelled.report.outcome, judge(cancelled)]).toEqual(['cancelled', undefined]);
  expect([timedOut.report.outcome, judge(timedOut)]).toEqual(['failed', undefined]);
});

describe('a run whose ending is bent', () => {
  const bent: readonly (readonly [Law, () => CaseRun])[] = [
    ['never-two-guests', () => ({ ...completed, twoGuestsAt: 40 })],
    ['no-write-lost', () => withInspection(completed, { lost: { count: 2, firstPages: [7, 9] } })],
    ['no-exception', () => ({ ...completed, stop: { kind: 'threw', error: new Error('planted') } })],
    ['no-silence', () => ({ ...completed, stop: { kind: 'silent', atNs: 5 } })],
    ['comes-to-an-end', () => ({ ...completed, stop: { kind: 'endless', atNs: 5, records: 20_001 } })],
    ['every-check-holds', () => withReport(completed, { checks: [{ name: 'accounted', held: false }] })],
    ['completed-there', () => withInspection(completed, { storage: 'nobody' })],
    ['completed-there', () => withInspection(completed, { destinationRuns: false })],
    ['completed-there', () => withInspection(completed, { devices: { source: {}, destination: { nic0: 'STOP' } } })],
    ['else-back-here', () => withInspection(cancelled, { sourceRuns: false })],
    ['else-back-here', () => withInspection(cancelled, { storage: 'destination' })],
    ['as-it-was', () => withInspection(cancelled, { devices: { source: { nic0: 'STOP' }, destination: {} } })],
    ['as-it-was', () => leftBehind(cancelled, 'device nic0 is STOP')],
    ['doubt-has-a-cause', () => withReport(completed, { outcome: 'in-doubt', reason: 'who knows' })],
    ['undisturbed-succeeds', () => ({ ...cancelled, cancelled: false })],
    ['on-time', () => laterBy(timedOut, 1)],
    ['on-time', () => laterBy(timedOut, -1)],
    ['on-time', () => withDeadline(completed, 1)],
    ['completed-there', () => ({ ...completed, one: { ...completed.one, own: 'throws' } })],
    ['shares-the-link', () => withNeighbour(completed, { tooMuch: '2 bytes' })],
    ['shares-the-link', () => withNeighbour(completed, { report: undefined })],
    ['shares-the-link', () => withNeighbour(completed, { report: cancelled.report })],
    ['shares-the-link', () => withNeighbour(completed, { lostPages: 1 })],
    ['replays', () => ({ ...completed, records: completed.records.slice(0, -1) })],
    ['replays', () => withReport(completed, { totalMs: 1 })],
  ];

  test.each(bent)('breaks %s', (law, make) => {
    expect(judge(make())?.law).toBe(law);
  });

  test('there is one for every law', () => {
    expect([...new Set(bent.map(([law]) => law))].sort()).toEqual([...LAWS].sort());
  });
});

describe('a driver with a mistake', () => {
  const found = async (wrap: NonNullable<RunOptions['wrap']>): Promise<Broken | undefined> =>
    judge(await run({}, { wrap }));

  test('a source that does not stop is a second guest', async () => {
    expect((await found(doesNotStop))?.law).toBe('never-two-guests');
  });

  test('an exception is found', async () => {
    expect(await found(throws(({ name }) => name === 'loadDestination'))).toEqual({
      law: 'no-exception',
      because: 'planted',
    });
  });

  test('a log that sees nothing loses writes', async () => {
    const blind: NonNullable<RunOptions['wrap']> = (model, clock) => {
      clock.at(100_000_000, () => model.subscriptions.get('kvm-log')!.unsubscribe());
      return model;
    };
    expect((await found(blind))?.law).toBe('no-write-lost');
  });
});

describe('a log that is left on by a driver that says it is off', () => {
  const container = (iommu: ContainerInput['iommu'], dmaLogging: boolean) =>
    smallInput({ iommu, devices: [nic0({ dmaLogging })] });
  const iommufd = { kind: 'iommufd', dirtyTracking: true } as const;
  const type1 = { kind: 'type1', dirtyTracking: true } as const;

  test.each<[string, ScenarioInput, CommandName, RegExp]>([
    ["a device's", container(iommufd, true), 'stopTracking', /the DMA log of nic0/],
    ["the IOMMU's", container(iommufd, false), 'stopTracking', /the IOMMU of container 0/],
    ["type1's", container(type1, false), 'stopTracking', /the IOMMU of container 0/],
    ["KVM's", container(iommufd, true), 'stopDirtyLog', /KVM's dirty log/],
  ])('%s', async (_, input, name, because) => {
    const changes = { ...input, cancelAt: { record: 14 } };
    expect(judge(await run(changes))).toBeUndefined();
    expect(judge(await run(changes, { wrap: pretends(name) }))).toEqual({
      law: 'as-it-was',
      because: expect.stringMatching(because),
    });
  });
});

function withInspection(run: CaseRun, changes: Partial<CaseRun['inspection']>): CaseRun {
  return { ...run, inspection: { ...run.inspection, ...changes } };
}

function withNeighbour(run: CaseRun, changes: Partial<NonNullable<CaseRun['neighbour']>>): CaseRun {
  return { ...run, neighbour: { report: run.report, lostPages: 0, tooMuch: undefined, ...changes } };
}

function withReport(run: CaseRun, changes: Partial<CaseRun['report']>): CaseRun {
  return { ...run, report: { ...run.report, ...changes } };
}

/** A device that was given up without a reset, and told. */
function leftBehind(run: CaseRun, warning: string): CaseRun {
  const told = withReport(run, { warnings: [...run.report.warnings, warning] });
  return withInspection(told, { devices: { source: { nic0: 'STOP' }, destination: {} } });
}

/** What timers say comes so much later, ns; the deadlines stay. */
function laterBy(run: CaseRun, ns: number): CaseRun {
  const recorded = run.recorded.map((one) => {
    const byTimer = one.record.kind === 'input' && one.record.by === 'timer';
    return byTimer ? { ...one, record: { ...one.record, atNs: one.record.atNs + ns } } : one;
  });
  return { ...run, recorded };
}

/** The first round has a time limit of so many ns, and is not failed by it. */
function withDeadline(run: CaseRun, limitNs: number): CaseRun {
  const recorded = run.recorded.map((one) => ({
    ...one,
    effects: one.effects.map((effect) => {
      const isIt = effect.kind === 'command' && effect.name === 'sendRound' && effect.params.round === 1;
      return isIt ? { ...effect, deadlineNs: one.record.atNs + limitNs } : effect;
    }),
  }));
  return { ...run, recorded };
}
