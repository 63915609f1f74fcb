/** Journals of many kinds of runs, and the ways in which a record can be changed after it was written. */
import type { Rec } from '../../src/core/record.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { nic0, nic1, smallScenario } from '../lab/small-scenario.ts';

export const RUNS: readonly (readonly [string, Scenario])[] = [
  ['two NICs', smallScenario()],
  ['two NICs behind the IOMMU', smallScenario({ devices: [nic0(), nic1({ dmaLogging: false })] })],
  ['switchover-ack', smallScenario({ vmm: { switchoverAck: true } })],
  ['a pause before the switchover', smallScenario({ vmm: { pauseBeforeSwitchover: true } })],
  ['no-progress', smallScenario({ vmm: { loop: 'textbook', policy: 'no-progress' } })],
  ['cancelled in pre-copy', smallScenario({ rest: { cancelAt: '500ms' } })],
  ['cancelled in the downtime', smallScenario({ rest: { cancelAt: '660ms' } })],
  ['unconverged', smallScenario({ vmm: { downtimeLimit: '1ms' }, rest: { giveUpAfter: '2s' } })],
  ['blocked', scenarios['two-nics-no-p2p']],
  [
    'perpetual',
    smallScenario({
      iommu: { kind: 'type1' },
      devices: [nic0({ dmaLogging: false })],
      vmm: { enableMigration: 'on', downtimeLimit: '2s' },
    }),
  ],
  ['failed by a deadline', smallScenario({ rest: { deadlines: { sendRemaining: '10ms' } } })],
  [
    'in doubt',
    smallScenario({ rest: { hosts: { destination: { resume: '2s' } }, deadlines: { startDestination: '1s' } } }),
  ],
  ['QEMU 7.2', scenarios['qemu-32mib']],
  ['a vGPU', scenarios['vgpu-10g']],
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
