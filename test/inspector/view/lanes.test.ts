/** Lanes are what the charts were in: held to the charts themselves at every record, and to the report where it says the same. */
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../../src/core/record.ts';
import { FoldedRun } from '../../../src/inspector/view/folded-run.ts';
import { type Lane, type LaneSpan, Lanes } from '../../../src/inspector/view/lanes.ts';
import type { Mark } from '../../../src/inspector/view/marks.ts';
import { PHASE_KEYS, type Report } from '../../../src/lab/report/report.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { fold, recordsOf, reportsAt } from './folded.ts';

interface Seen {
  readonly records: readonly Rec[];
  readonly lanes: ReadonlyMap<string, Lane>;
  readonly marks: readonly Mark[];
  readonly report: Report;
}

function seen(records: readonly Rec[]): Seen {
  const book = new Lanes();
  fold(records, (folded) => book.see(folded));
  const report = reportsAt(records, 1).get(records.length - 1);
  if (report === undefined) throw new Error('no report');
  return { records, lanes: new Map(book.all().map((lane) => [lane.id, lane])), marks: book.marks(), report };
}

const spansOf = ({ lanes }: Seen, id: string): readonly LaneSpan[] => lanes.get(id)?.spans ?? [];
const statesOf = (one: Seen, id: string) => spansOf(one, id).map(({ state }) => state);
const lastOf = (records: readonly Rec[]) => records.at(-1)?.atNs ?? 0;

const SCENARIOS = [
  'two-nics',
  'vgpu-10g',
  'guest-cooperative',
  'postcopy-link-lost',
  'fault-link-outage',
  'fault-destination-dies',
  'fault-device-midway',
  'fault-guest-reset',
  'cloud-hypervisor',
];

describe.each(SCENARIOS)('%s', (name) => {
  const one = seen(recordsOf(name));

  test('the parts of the downtime are those of the report, to the nanosecond', () => {
    const split: Record<string, number> = {};
    for (const { state, fromNs, toNs } of spansOf(one, 'downtime')) {
      const key = PHASE_KEYS[state as keyof typeof PHASE_KEYS];
      split[key] = (split[key] ?? 0) + ((toNs ?? Number.NaN) - fromNs);
    }
    const wanted = Object.entries(one.report.downtime ?? {});
    expect(wanted.length > 0 || name === 'fault-device-midway' || name === 'fault-guest-reset').toBe(true);
    for (const [key, ms] of wanted) expect(split[key] ?? 0, key).toBe(Math.round(ms * 1e6));
  });

  test('the migration goes through the statuses of the report', () => {
    const startedNs = one.records.find((record) => record.kind === 'input' && record.event.type === 'MIGRATE')?.atNs;
    const statuses = spansOf(one, 'phases').map(({ state, fromNs }) => [state, fromNs - (startedNs ?? 0)]);
    // Those that take no time at all within one record are not drawn.
    const told = one.report.status.map(({ status, atMs }) => [status, Math.round(atMs * 1e6)]);
    for (const status of statuses) expect(told).toContainEqual(status);
    expect(statuses.at(-1)).toEqual(told.at(-1));
  });

  test('a device serves nobody for as long as the report says', () => {
    for (const { id, serviceDowntimeMs } of one.report.devices) {
      if (serviceDowntimeMs === null || serviceDowntimeMs === undefined) continue;
      const apart = spansOf(one, `service/${id}`).filter(({ state }) => state === 'nobody' || state === 'DMA halted');
      const ns = apart.reduce((sum, { fromNs, toNs }) => sum + ((toNs ?? Number.NaN) - fromNs), 0);
      expect(ns, id).toBe(Math.round(serviceDowntimeMs * 1e6));
    }
  });

  test('spans follow each other, in time and in records', () => {
    for (const { id, spans } of one.lanes.values()) {
      expect(spans.length, id).toBeGreaterThan(0);
      spans.forEach(({ fromNs, toNs, position }, index) => {
        const before = spans[index - 1];
        expect(fromNs, `${id} ${index}`).toBeGreaterThanOrEqual(before?.toNs ?? 0);
        expect(position, `${id} ${index}`).toBeGreaterThanOrEqual(before?.position ?? 0);
        expect(toNs ?? lastOf(one.records), `${id} ${index}`).toBeGreaterThanOrEqual(fromNs);
        expect(toNs !== undefined || index === spans.length - 1, `${id} ${index} is open`).toBe(true);
      });
    }
  });
});

test.each(['two-nics', 'fault-destination-dies'])('%s: at every record a lane says what its chart is in', (name) => {
  const records = recordsOf(name);
  const run = new FoldedRun();
  run.append(records);
  while (run.fold(1000));
  const { lanes } = seen(records);
  const at = (id: string, position: number) => lanes.get(id)?.spans.findLast((span) => span.position <= position);
  let compared = 0;
  for (const { position } of records) {
    for (const { address, value, active } of run.at(position).charts) {
      const [kind = '', ...names] = address.split('/');
      if (kind === 'vfio') expect(at(`device/${names.join('/')}`, position)?.state).toBe(value);
      if (kind === 'device') expect(at(address, position)?.towards !== undefined).toBe(value !== 'resting');
      if (address === 'guest' && active.includes('stopped')) expect(at('guest/source', position)?.state).toBe('stands');
      if (kind === 'tracking' && active.includes('off')) expect(at(address, position)?.state).toBe('off');
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(300);
});

test('what the scenario lets happen is in the lanes of who it happens to', () => {
  const outage = seen(recordsOf('fault-link-outage'));
  expect(spansOf(outage, 'link').map(({ state, fromNs, toNs }) => [state, fromNs, toNs])).toEqual([
    ['down', 1e9, 6e9],
    ['up', 6e9, undefined],
  ]);
  expect(outage.marks).toContainEqual(
    expect.objectContaining({ kind: 'fault', label: 'the link goes down', lane: 'link', atNs: 1e9 }),
  );
  const death = seen(recordsOf('fault-destination-dies'));
  expect(statesOf(death, 'host/destination')).toEqual(['alive', 'dead']);
  expect(statesOf(death, 'storage').at(-1)).toBe('source');
  expect(statesOf(death, 'roll-back')).toContain('returning devices');
  const reset = seen(recordsOf('fault-guest-reset'));
  expect(reset.marks.some(({ kind, label }) => kind === 'fault' && label.endsWith('reset by the guest'))).toBe(true);
});

test('who does not answer in time is silent, not dead', () => {
  const one = seen(recordsOf('fault-lost-start'));
  expect(statesOf(one, 'host/destination')).toEqual(['alive', 'silent']);
  expect(statesOf(one, 'guest/destination').at(-1)).toBe('in doubt');
  const timeout = one.marks.find(({ kind }) => kind === 'timeout');
  expect(timeout).toMatchObject({ label: 'destination: no answer to startDestination in time' });
});

test('orders and the end are marked, and the sender says what is on the wire', () => {
  const one = seen(recordsOf('postcopy-link-lost'));
  const orders = one.marks.filter(({ kind }) => kind === 'order').map(({ label, atNs }) => [label, atNs / 1e9]);
  expect(orders.slice(0, 3)).toEqual([
    ['migrate', 0],
    ['start postcopy', 5],
    ['pause', 7],
  ]);
  expect(one.marks.at(-1)).toMatchObject({ kind: 'end', label: 'ended: completed' });
  const wire = statesOf(one, 'sender').filter((state) => state !== 'idle');
  expect(wire).toEqual(['pass 1', 'discards', 'missing pages', 'reconnects', 'compares', 'missing pages']);
});

test('a shadow is marked where it would have switched over, and only while there was something to decide', () => {
  const vmm = { downtimeLimit: '20ms', policy: 'no-progress' } as const;
  const shadows = ['qemu', { name: 'no-progress', shrink: '80%' }, 'predictor'] as const;
  const one = seen(recordsOf(smallScenario({ vmm, rest: { shadows } })));
  const marked = shadows.map((_, index) =>
    one.marks.find(
      ({ kind, lane, label }) => kind === 'shadow' && lane === `shadow/${index}` && /switchover/.test(label),
    ),
  );
  const told = one.report.shadows?.map(({ wouldSwitchOver }) => wouldSwitchOver?.atMs);
  expect(marked.map((mark) => (mark === undefined ? undefined : mark.atNs / 1e6))).toEqual(told);
  expect(marked.some((mark) => mark !== undefined)).toBe(true);
  expect(one.lanes.get('shadow/0')?.label).toBe('shadow: qemu');
});

test('a guest that is slowed down says by how much', () => {
  const vm = { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '32MiB', rate: '200k/s' }] } as const;
  const vmm = { downtimeLimit: '1ms', autoConverge: true } as const;
  const one = seen(recordsOf(smallScenario({ vmm, devices: [], rest: { vm, giveUpAfter: '6s' } })));
  const slowed = statesOf(one, 'guest/source').filter((state) => state.startsWith('throttled'));
  expect(slowed.slice(0, 2)).toEqual(['throttled 20 %', 'throttled 30 %']);
  expect(statesOf(one, 'throttle').slice(0, 2)).toEqual(['20 %', '30 %']);
});
