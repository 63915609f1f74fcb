/** Journals of many kinds of runs, and the ways in which a record can be changed after it was written. */
import type { Outcome } from '../../machines/messages.ts';
import type { Rec } from '../../src/core/record.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { nic0, nic1, smallScenario } from '../lab/small-scenario.ts';

export const RUNS: readonly (readonly [string, Outcome, Scenario])[] = [
  ['two NICs', 'completed', smallScenario()],
  ['two NICs behind the IOMMU', 'completed', smallScenario({ devices: [nic0(), nic1({ dmaLogging: false })] })],
  ['switchover-ack', 'completed', smallScenario({ vmm: { switchoverAck: true } })],
  ['a pause before the switchover', 'completed', smallScenario({ vmm: { pauseBeforeSwitchover: true } })],
  ['no-progress', 'completed', smallScenario({ vmm: { loop: 'textbook', policy: 'no-progress' } })],
  ['cancelled in pre-copy', 'cancelled', smallScenario({ rest: { cancelAt: '500ms' } })],
  ['cancelled in the downtime', 'cancelled', smallScenario({ rest: { cancelAt: '660ms' } })],
  ['unconverged', 'unconverged', smallScenario({ vmm: { downtimeLimit: '1ms' }, rest: { giveUpAfter: '600ms' } })],
  ['blocked', 'blocked', scenarios['two-nics-no-p2p']],
  [
    'perpetual',
    'completed',
    smallScenario({
      iommu: { kind: 'type1' },
      devices: [nic0({ dmaLogging: false })],
      vmm: { enableMigration: 'on', downtimeLimit: '2s' },
    }),
  ],
  ['failed by a deadline', 'failed', smallScenario({ rest: { deadlines: { sendRemaining: '10ms' } } })],
  [
    'in doubt',
    'in-doubt',
    smallScenario({ rest: { hosts: { destination: { resume: '2s' } }, deadlines: { startDestination: '1s' } } }),
  ],
  ['QEMU 7.2', 'completed', scenarios['qemu-32mib']],
  ['a vGPU', 'completed', scenarios['vgpu-10g']],
];

export interface Made {
  readonly run: string;
  readonly records: readonly Rec[];
  readonly report: Report;
}

export function made(scenario: Scenario): Made {
  const { opened, journal, ended } = rehearse(scenario);
  return { run: opened.run, records: [...journal.read(opened.run)], report: ended };
}

/** The position of the nth record (from 0) that is an answer or order of this type. */
export function positionOf(records: readonly Rec[], type: string, nth = 0): number {
  const record = records.filter((one) => one.kind === 'input' && one.event.type === type)[nth];
  if (record === undefined) throw new Error(`no record ${nth} is ${type}`);
  return record.position;
}

/** The same records, with other data in the event of one of them. */
export function withEvent(records: readonly Rec[], position: number, data: Readonly<Record<string, unknown>>): Rec[] {
  return records.map((record) => {
    if (record.position !== position) return record;
    if (record.kind !== 'input') throw new Error(`record ${position} is no input`);
    return { ...record, event: { ...record.event, ...data } };
  });
}
