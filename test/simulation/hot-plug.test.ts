/**
 * Devices that come and go during a migration lose no write, whichever, whenever and however it goes wrong: random changes, a
 * fault at every command, a cancel after every record. Mutants show that a wrong order does lose one.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../src/drivers/faulty.ts';
import { illegalitiesAndLeftovers } from './illegal-end.ts';
import { AMD, changing, nic, run, withTracking } from './run-hot-plug.ts';

const CANNOT = { dmaLogging: false } as const;
const chosen = ({ report }: ReturnType<typeof run>) => report.trackers.map(({ tracker }) => tracker);

describe('a change of devices', () => {
  const comes = changing([nic(0), nic(1, { ...CANNOT, pluggedAt: '10ms' })]);
  const goes = changing([nic(0), nic(1, { ...CANNOT, unpluggedAt: '10ms' })]);

  test('is chosen for anew, says when and why, and the device takes part in everything', () => {
    const ran = run(comes);
    expect(illegalitiesAndLeftovers(ran)).toEqual([]);
    const { outcome, trackers, devices, warnings } = ran.report;
    expect(outcome).toBe('completed');
    expect(warnings).toEqual([]);
    expect(trackers).toEqual([
      { container: '0', tracker: 'device', because: 'every device of the container logs its DMA' },
      {
        container: '0',
        tracker: 'iommu',
        because: 'nic1 was plugged: nic1 cannot log DMA, the IOMMU tracks',
        atMs: expect.any(Number),
      },
    ]);
    // In the first sync after it was asked for, which is at the end of the first round.
    const [bulk] = ran.report.rounds;
    expect(trackers[1]?.atMs).toBeCloseTo((bulk?.startMs ?? 0) + (bulk?.durationMs ?? 0), 3);
    expect(devices.find(({ id }) => id === 'nic1')?.stateBytes).toBeGreaterThan(0);
    expect(devices.find(({ id }) => id === 'nic1')?.serviceDowntimeMs).toBeGreaterThan(0);
    expect(ran.model.inspect().devices.destination).toMatchObject({ nic1: 'RUNNING' });
  });

  test('makes everything dirty once where a device came that nobody saw, and not where one went', () => {
    const all = 12 * 256;
    expect(run(comes).report.rounds[0]?.dirtyPages).toBe(all);
    expect(run(goes).report.rounds[0]?.dirtyPages).toBeLessThan(all / 2);
    expect(chosen(run(goes))).toEqual(['iommu', 'device']);
  });

  test('of a device that went is none of the destination any more', () => {
    const ran = run(goes);
    expect(illegalitiesAndLeftovers(ran)).toEqual([]);
    expect(ran.report.outcome).toBe('completed');
    expect(Object.keys(ran.model.inspect().devices.destination)).toEqual(['nic0']);
    expect(ran.report.devices.find(({ id }) => id === 'nic1')?.serviceDowntimeMs).toBeNull();
  });

  test.each(['qemu-8.2', 'qemu-9.2', 'qemu-10.2', 'qemu-11.1'] as const)(
    'is refused by %s, and changes nothing',
    (loop) => {
      const vmm = { loop, downtimeLimit: '30ms', maxBandwidth: 'unlimited' } as const;
      const devices = [nic(0), nic(1, { pluggedAt: '10ms', unpluggedAt: '20ms' })];
      const ran = run(changing([], { vmm, containers: [{ iommu: { kind: 'none' }, devices }] }));
      expect(illegalitiesAndLeftovers(ran)).toEqual([]);
      expect(ran.report.outcome).toBe('completed');
      expect(ran.report.warnings).toEqual([
        `plug of nic1 refused: ${loop} refuses device_add while a migration runs (QEMU, qdev-monitor.c, qdev_device_add_from_qdict)`,
        `unplug of nic1 refused: ${loop} refuses device_del while a migration runs (QEMU, qdev-monitor.c, qdev_unplug)`,
      ]);
      expect(ran.commands.filter((name) => /plug|eject|remove/.test(name))).toEqual([]);
      expect(Object.keys(ran.model.inspect().devices.destination)).toEqual(['nic0']);
    },
  );

  test('that comes too late is told', () => {
    const hosts = { source: { stopVcpus: '50ms' } } as const;
    const { totalMs, downtimeMs } = run(changing([nic(0)], { hosts })).report;
    const pluggedAt = `${Math.round(totalMs - (downtimeMs ?? 0) + 10)}ms`;
    const ran = run(changing([nic(0), nic(1, { pluggedAt } as Parameters<typeof nic>[1])], { hosts }));
    expect(ran.report.warnings).toEqual(['plug of nic1 not carried out: the switchover had begun']);
    expect(illegalitiesAndLeftovers(ran)).toEqual([]);
  });

  test('in a type1 container sets every bit when the last group that is not pinned leaves', () => {
    const type1 = { kind: 'type1', dirtyTracking: true } as const;
    const ran = run(
      changing([], { containers: [{ iommu: type1, devices: [nic(1, { ...CANNOT, unpluggedAt: '10ms' })] }] }),
    );
    expect(illegalitiesAndLeftovers(ran)).toEqual([]);
    expect(chosen(ran)).toEqual(['iommu', 'device']);
  });
});

describe('loses no write', () => {
  const time = fc.integer({ min: 1, max: 250 });
  const device = (nth: number) =>
    fc
      .record({
        logs: fc.boolean(),
        plugged: fc.option(time, { nil: undefined }),
        stays: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
        preCopy: fc.boolean(),
      })
      .map(({ logs, plugged, stays, preCopy }) =>
        nic(nth, {
          dmaLogging: logs,
          features: preCopy ? ['stop-copy', 'p2p', 'pre-copy'] : ['stop-copy', 'p2p'],
          ...(preCopy ? {} : { state: { stopCopy: '128KiB' } }),
          ...(plugged === undefined ? {} : { pluggedAt: `${plugged}ms` }),
          ...(stays === undefined ? {} : { unpluggedAt: `${(plugged ?? 0) + stays}ms` }),
        } as Parameters<typeof nic>[1]),
      );

  test('whatever comes and goes, in one container or two, however long a tracker takes', () => {
    fc.assert(
      fc.property(
        fc.tuple(device(0), device(1), device(2)),
        fc.constantFrom('iommufd', 'type1', 'none'),
        fc.constantFrom('qemu', 'iommu-first', 'per-device'),
        fc.boolean(),
        fc.integer({ min: 0, max: 8_000_000 }),
        (devices, kind, trackerChoice, apart, trackerNs) => {
          const iommu =
            kind === 'iommufd'
              ? AMD
              : kind === 'none'
                ? ({ kind } as const)
                : ({ kind: 'type1', dirtyTracking: true } as const);
          const one = { iommu, trackerChoice } as const;
          const containers = apart
            ? [
                { ...one, devices: devices.slice(0, 1) },
                { ...one, devices: devices.slice(1) },
              ]
            : [{ ...one, devices }];
          const ran = run(changing([], { containers }), { trackerNs });
          expect(illegalitiesAndLeftovers(ran)).toEqual([]);
          expect(ran.report.outcome).toBe('completed');
        },
      ),
      { numRuns: 25, seed: 4 },
    );
  });
});

describe('when something goes wrong', () => {
  const both = changing([nic(0), nic(1, { ...CANNOT, pluggedAt: '10ms' }), nic(2, { unpluggedAt: '20ms' })]);
  const whole = run(both);
  const FAULTS: readonly Fault[] = [
    { kind: 'error', errno: 'EIO' },
    { kind: 'hang' },
    { kind: 'twice' },
    { kind: 'silent' },
    { kind: 'done-error', errno: 'EIO' },
  ];

  test('without a fault it completes, with every change made', () => {
    expect(illegalitiesAndLeftovers(whole)).toEqual([]);
    expect(whole.report.outcome).toBe('completed');
    for (const name of ['plugDevice', 'ejectDevice', 'removeDevice']) expect(whole.commands).toContain(name);
  });

  test.each(FAULTS)('$kind at every command up to the end of the change ends legally', (fault) => {
    // What comes after is swept elsewhere, with other devices.
    const until = whole.commands.lastIndexOf('removeDevice') + 4;
    for (let nth = 1; nth <= until; nth++) {
      const ran = run(both, { fault: { nth, fault } });
      expect(
        illegalitiesAndLeftovers(ran),
        `at command ${nth} ${whole.commands[nth - 1]}: ${ran.report.reason}`,
      ).toEqual([]);
    }
  });

  test('a cancel after every record ends legally', () => {
    for (let cancelAfter = 0; cancelAfter < whole.records; cancelAfter++) {
      const ran = run(both, { cancelAfter });
      expect(illegalitiesAndLeftovers(ran), `after record ${cancelAfter}: ${ran.report.outcome}`).toEqual([]);
    }
  });
});

describe('mutants are found out', () => {
  const goes = changing([nic(0), nic(1, { ...CANNOT, unpluggedAt: '10ms' })]);
  const comes = changing([nic(0), nic(1, { pluggedAt: '10ms' })]);
  type State = { always: { guard?: string }[]; on: Record<string, unknown>; entry: unknown };
  const states = (config: Record<string, never>) => config.states as unknown as Record<string, State>;

  test('the old tracker is stopped before the new one is started', () => {
    const charts = withTracking((config) => {
      const { always } = states(config).comparing as State;
      const [missing, surplus, ...rest] = always;
      always.splice(0, always.length, surplus as never, missing as never, ...rest);
    });
    const ran = run(goes, { charts });
    expect(ran.model.inspect().lost?.count).toBeGreaterThan(0);
    const broken = ran.report.checks.filter(({ held }) => !held).map(({ name }) => name);
    expect(broken).toEqual(expect.arrayContaining(['no-lost-write', 'trackers-cover', 'final-order']));
  });

  test('the old tracker is stopped without a last report', () => {
    const charts = withTracking((config) => {
      const { always } = states(config).comparing as State;
      const surplus = always.find(({ guard }) => guard === 'someAreSurplus') as { target: string };
      surplus.target = 'dismissing';
    });
    const ran = run(goes, { charts });
    expect(ran.model.inspect().lost?.count).toBeGreaterThan(0);
    expect(ran.report.checks.some(({ name, held }) => name === 'trackers-cover' && !held)).toBe(true);
  });

  test('a device that comes is believed to have written nothing before its log began', () => {
    const charts = withTracking((config) => {
      const { always } = states(config).comparing as State;
      const done = always.find(({ guard }) => guard === 'isChanging') as { actions: unknown[] };
      done.actions = done.actions.map((action) => (action === 'finishChange' ? 'forgetChange' : action));
    });
    expect(illegalitiesAndLeftovers(run(comes))).toEqual([]);
    expect(run(comes, { charts }).model.inspect().lost?.count).toBeGreaterThan(0);
  });
});
