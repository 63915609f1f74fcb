/**
 * The same sweep over the hardware model, pages and all: one fault at every command, a cancel after every record. Every end
 * is legal, every checker holds, and whoever took over has lost no write.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { type Fault, withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver, type ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { smallInput } from '../lab/small-scenario.ts';
import { illegalitiesAndLeftovers } from './illegal-end.ts';

const scenario = scenarioFrom({ ...smallInput(), checks: { truth: 'both' } });
/** A device that only the guest's driver can tell about, in the place of both. */
const cooperative = scenarioFrom({
  ...smallInput({
    iommu: { kind: 'none' },
    devices: [
      {
        id: 'vf0',
        kind: 'guest-cooperative',
        features: ['stop-copy', 'p2p', 'pre-copy'],
        dma: { rate: '20MiB/s', ring: '4MiB', late: '256KiB', at: '32MiB' },
        cooperation: { halt: '2ms', writePage: '1us', resume: '3ms' },
        state: { initial: '1MiB', stopCopy: '2MiB' },
      },
    ],
  }),
  checks: { truth: 'both' },
});

interface Ran {
  readonly report: Report;
  readonly model: ModelDriver;
  readonly commands: number;
  readonly records: number;
}

function run(what: { fault?: { nth: number; fault: Fault }; cancelAfter?: number }, of: Scenario = scenario): Ran {
  const clock = new VirtualClock();
  const model = createModelDriver(modelSpecOf(of), clock);
  let commands = 0;
  const faulty = withFaults(model, clock, what.fault === undefined ? [] : [what.fault]);
  const driver = {
    ...faulty,
    perform(...given: Parameters<typeof faulty.perform>) {
      commands++;
      faulty.perform(...given);
    },
  };
  const prepared = prepareRun(of, { clock, driver: () => driver, strict: true });
  let records = 0;
  prepared.runner.recorded$.subscribe(({ record }) => {
    records++;
    if (record.position === what.cancelAfter) prepared.cancel();
  });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  expect(prepared.runner.ended, 'the run did not end').toBe(true);
  return { report: prepared.report(), model, commands, records };
}

const FAULTS: readonly Fault[] = [
  { kind: 'error', errno: 'EIO' },
  { kind: 'hang' },
  { kind: 'slow', byNs: 45_000_000_000 },
  { kind: 'twice' },
  { kind: 'silent' },
  { kind: 'done-error', errno: 'EIO' },
];

describe.each([
  ['devices that log', scenario],
  ['a device whose guest driver helps', cooperative],
] as const)('%s', (_, of) => {
  const plain = run({}, of);

  test('it completes when nothing goes wrong', () => {
    expect(plain.report.outcome).toBe('completed');
    expect(illegalitiesAndLeftovers(plain)).toEqual([]);
  });

  test('a cancel after every record', () => {
    for (let cancelAfter = 0; cancelAfter < plain.records; cancelAfter++) {
      const ran = run({ cancelAfter }, of);
      expect(illegalitiesAndLeftovers(ran), `cancel after record ${cancelAfter}: ${ran.report.outcome}`).toEqual([]);
    }
  });

  describe.each(FAULTS)('$kind', (fault) => {
    test('at every command', () => {
      for (let nth = 1; nth <= plain.commands; nth++) {
        const ran = run({ fault: { nth, fault } }, of);
        expect(
          illegalitiesAndLeftovers(ran),
          `at command ${nth}: ${ran.report.outcome} (${ran.report.reason})`,
        ).toEqual([]);
      }
    });
  });
});
