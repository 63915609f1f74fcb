/**
 * The race of a cancel with the rest of the migration. At the instant of any record, a nanosecond before or after it, or right
 * after it has been written: the migration is cancelled and the guest runs on the source, or it is completed and the guest
 * runs on the destination. There is no third end, and a cancel that came too late is said.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Rec } from '../../src/core/record.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { recordText } from '../../src/journal/record-text.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import { cancelsIn, rehearse } from '../../src/lab/rehearse.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { compareRecords } from '../../src/run/re-run.ts';
import { smallScenario } from './small-scenario.ts';

/** Every step of the switchover takes its time, so that a cancel can come in the middle of each. */
const slow = {
  hosts: {
    source: { stopVcpus: '1ms', resumeVcpus: '1ms', startDirtyLog: '1ms' },
    destination: { prepare: '2ms', load: '3ms', resume: '2ms' },
  },
  storage: { release: '2ms', acquire: '2ms' },
} as const;

const SCENARIOS = {
  'at once': smallScenario(),
  slow: smallScenario({ rest: slow }),
  'slow, with a pause': smallScenario({ vmm: { pauseBeforeSwitchover: true }, rest: slow }),
  'slow, in the status names of 11.1': smallScenario({ vmm: { loop: 'qemu-11.1' }, rest: slow }),
};

interface Ran {
  readonly records: readonly Rec[];
  readonly report: ReturnType<ReturnType<typeof prepareRun>['report']>;
  readonly world: ReturnType<ReturnType<typeof createModelDriver>['inspect']>;
}

function run(scenario: Scenario, cancelAfter: readonly number[] = []): Ran {
  const clock = new VirtualClock();
  const model = createModelDriver(modelSpecOf(scenario), clock);
  const prepared = prepareRun(scenario, { clock, driver: () => model, strict: true });
  const records: Rec[] = [];
  prepared.runner.recorded$.subscribe(({ record }) => {
    records.push(record);
    if (cancelAfter.includes(record.position)) prepared.cancel();
  });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  const ran = { records, report: prepared.report(), world: model.inspect() };
  model.close();
  return ran;
}

function expectOneGuest({ report, world }: Ran, when: string): void {
  const { outcome, guestRunsOn, cancels = [], checks } = report;
  const { sourceRuns, destinationRuns, storage } = world;
  const end = { outcome, guestRunsOn, sourceRuns, destinationRuns, storage };
  if (outcome === 'cancelled') {
    const onTheSource = { guestRunsOn: 'source', sourceRuns: true, destinationRuns: false, storage: 'source' };
    expect(end, when).toEqual({ outcome, ...onTheSource });
  } else {
    const onTheDestination = { guestRunsOn: 'destination', sourceRuns: false, destinationRuns: true };
    expect(end, when).toEqual({ outcome: 'completed', ...onTheDestination, storage: 'destination' });
  }
  expect(
    cancels.map(({ inTime }) => inTime),
    when,
  ).toEqual(cancels.length === 0 ? [] : [outcome === 'cancelled']);
  // A run that had ended takes no cancel any more; any other says what became of it.
  expect(report.sentence.includes('came too late'), when).toBe(cancels.length > 0 && outcome === 'completed');
  expect(
    checks.filter(({ held }) => !held),
    when,
  ).toEqual([]);
}

describe.each(Object.entries(SCENARIOS))('%s', (_, scenario) => {
  const plain = run(scenario);
  const instants = [...new Set(plain.records.map(({ atNs }) => atNs))];

  test('it completes when nobody cancels', () => {
    expect(plain.report).toMatchObject({ outcome: 'completed', guestRunsOn: 'destination' });
  });

  // The first record opens the run, before the order to migrate.
  const rightAfter = plain.records
    .slice(1)
    .map(({ position }) => ({ position, ran: run({ ...scenario, cancelAfterRecord: position }) }));

  test('a cancel right after every record', () => {
    for (const { position, ran } of rightAfter) expectOneGuest(ran, `after record ${position}`);
  });

  test('a cancel at the instant of every record, and a nanosecond before and after', () => {
    for (const atNs of instants) {
      for (const cancelAtNs of [atNs - 1, atNs, atNs + 1].filter((ns) => ns > 0)) {
        expectOneGuest(run({ ...scenario, cancelAtNs }), `at ${cancelAtNs} ns`);
      }
    }
  });

  test('what is in time is in time for good: after the first cancel that is too late none is in time', () => {
    const inTime = rightAfter.map(({ ran }) => ran.report.outcome === 'cancelled');
    expect(inTime).toContain(true);
    expect(inTime).toContain(false);
    expect(inTime.lastIndexOf(true)).toBe(inTime.indexOf(false) - 1);
  });
});

test('too late is from the order to the destination to acquire the storage on, and the report says why', () => {
  const plain = run(SCENARIOS.slow);
  const position = (name: string) => plain.records.find((r) => r.kind === 'input' && r.event.type === name)?.position;
  const released = position('DONE.releaseStorage') as number;
  const started = position('DONE.startDestination') as number;
  const sentences = [released - 1, released, started].map(
    (cancelAfterRecord) => run({ ...SCENARIOS.slow, cancelAfterRecord }).report,
  );
  expect(sentences.map(({ outcome }) => outcome)).toEqual(['cancelled', 'completed', 'completed']);
  expect(sentences[0]?.sentence).toContain('the source took its storage again and the vCPUs were resumed');
  expect(sentences[1]?.cancels?.[0]?.because).toBe('the storage was being handed over');
  expect(sentences[2]?.cancels?.[0]?.because).toBe('the guest ran on the destination already');
});

test('a second cancel changes nothing, and the report says that it came on the way back', () => {
  const { report } = run({ ...SCENARIOS.slow, cancelAfterRecord: 12 }, [13]);
  expect(report.outcome).toBe('cancelled');
  expect(report.cancels).toMatchObject([
    { inTime: true },
    { inTime: false, because: 'the way back had begun already' },
  ]);
});

describe('made again from its journal', () => {
  function expectSame(scenario: Scenario, records: readonly Rec[]): void {
    const again = rehearse(scenario, { cancels: cancelsIn(records, scenario) });
    expect(compareRecords(records, again.journal.read(again.opened.run), recordText)).toBeUndefined();
  }
  const scenario = SCENARIOS.slow;
  const { records } = run(scenario);
  const somewhere = fc.integer({ min: 1, max: records.length - 1 });

  test('a run that a person cancelled, anywhere, is the same again', () => {
    fc.assert(
      fc.property(somewhere, (position) => expectSame(scenario, run(scenario, [position]).records)),
      { numRuns: 12 },
    );
  });

  test("and one with the scenario's own cancel and a person's, also at the same instant", () => {
    const own = fc.oneof(
      somewhere.map((cancelAfterRecord) => ({ cancelAfterRecord })),
      somewhere.map((position) => ({ cancelAtNs: (records[position] as Rec).atNs })),
    );
    fc.assert(
      fc.property(own, somewhere, (cancel, position) => {
        const both = { ...scenario, ...cancel };
        expectSame(both, run(both, [position]).records);
      }),
      { numRuns: 20 },
    );
  });
});
