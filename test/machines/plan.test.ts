/**
 * What may not start: the conditions under which QEMU adds a migration blocker or refuses to realize a device
 * (hw/vfio/migration.c: vfio_migration_realize, vfio_block_multiple_devices_migration, at v8.0.0 to v11.1.0-rc2). What those
 * have that a plan cannot say (postcopy, background snapshots, a kernel without STOP_COPY) is not a row here.
 */
import { describe, expect, test } from 'vitest';
import type { LoopName } from '../../machines/loops.ts';
import { blockers, type Plan, type PlanDevice, plannedDevices } from '../../machines/plan.ts';
import type { FeatureMask } from '../../machines/words.ts';

function plan(
  changes: Partial<Plan> & { readonly devices?: readonly PlanDevice[]; readonly iommuTracks?: boolean },
): Plan {
  const { devices = [], iommuTracks = false, ...rest } = changes;
  return {
    loop: 'qemu-10.2',
    policy: { name: 'qemu', version: '1', parameters: {} },
    downtimeLimitMs: 300,
    availSwitchoverBytesPerSecond: 0,
    switchoverAck: false,
    pauseBeforeSwitchover: false,
    enableMigration: 'auto',
    afterSyncError: 'fail',
    giveUpAfterMs: 60_000,
    pageBytes: 4096,
    sections: [],
    containers: [{ id: 'c0', iommuTracks, devices }],
    deadlinesMs: {},
    ...rest,
  };
}
const device = (id: string, features: FeatureMask, logsDma = true): PlanDevice => ({ id, features, logsDma });

const OFF = /enable-migration=off/;
const UNTRACKED = /no dirty tracking/;
const NO_P2P = /P2P states/;
const SINGLE = /qemu-8\.2 is the first/;
const NO_VFIO = /qemu-8\.0 is the first/;

type Row = readonly [
  condition: string,
  plan: Parameters<typeof plan>[0],
  auto: readonly RegExp[],
  on: readonly RegExp[],
  off: readonly RegExp[],
];
const tracked = device('nic0', 7);
const untracked = device('nic0', 7, false);
/** One row for each condition; columns are the values of enable-migration. */
const ROWS: readonly Row[] = [
  ['no VFIO device', {}, [], [], []],
  ['no VFIO device, 7.2', { loop: 'qemu-7.2' }, [], [], []],
  ['one tracked device', { devices: [tracked] }, [], [], [OFF]],
  ['one device, tracked by the IOMMU', { devices: [untracked], iommuTracks: true }, [], [], [OFF]],
  ['neither device nor IOMMU tracks', { devices: [untracked] }, [UNTRACKED], [], [OFF]],
  ['one of two devices tracks, nor the IOMMU', { devices: [device('nic1', 7), untracked] }, [UNTRACKED], [], [OFF]],
  ['two devices with P2P', { devices: [device('a', 7), device('b', 3)] }, [], [], [OFF]],
  ['two devices, one without P2P', { devices: [device('a', 7), device('b', 5)] }, [NO_P2P], [NO_P2P], [OFF]],
  ['one device without P2P', { devices: [device('a', 1)] }, [], [], [OFF]],
  [
    'two without P2P and untracked',
    { devices: [device('a', 1, false), device('b', 1, false)] },
    [NO_P2P, UNTRACKED],
    [NO_P2P],
    [OFF],
  ],
  ['8.0 and one device', { loop: 'qemu-8.0', devices: [tracked] }, [], [], [OFF]],
  [
    '8.0 and two devices with P2P',
    { loop: 'qemu-8.0', devices: [device('a', 7), device('b', 7)] },
    [SINGLE],
    [SINGLE],
    [OFF],
  ],
  ['8.2 and two devices with P2P', { loop: 'qemu-8.2', devices: [device('a', 7), device('b', 7)] }, [], [], [OFF]],
  ['7.2 and a device', { loop: 'qemu-7.2', devices: [tracked] }, [NO_VFIO], [NO_VFIO], [NO_VFIO]],
];

describe('blockers', () => {
  const cells = ROWS.flatMap(([condition, changes, auto, on, off]) => [
    { condition, changes, enableMigration: 'auto' as const, reasons: auto },
    { condition, changes, enableMigration: 'on' as const, reasons: on },
    { condition, changes, enableMigration: 'off' as const, reasons: off },
  ]);
  test.each(cells)('$condition, enable-migration=$enableMigration', ({ changes, enableMigration, reasons }) => {
    const found = blockers(plan({ ...changes, enableMigration }));
    expect(found).toHaveLength(reasons.length);
    for (const [at, reason] of reasons.entries()) expect(found[at]).toMatch(reason);
  });

  test('name the devices and the container that are in the way', () => {
    const containers = [
      { id: 'good', iommuTracks: true, devices: [device('a', 7)] },
      { id: 'bad', iommuTracks: false, devices: [device('b', 7), device('c', 1, false)] },
    ];
    const [p2p, untrackedReason] = blockers(plan({ containers }));
    expect(p2p).toContain('3 VFIO devices need P2P states on every one, and c has none');
    expect(untrackedReason).toContain('container bad has no dirty tracking: c cannot log DMA');
  });

  test('each untracked container is a blocker of its own', () => {
    const containers = ['x', 'y', 'z'].map((id) => ({
      id,
      iommuTracks: id === 'y',
      devices: [device(`nic-${id}`, 7, false)],
    }));
    const reasons = blockers(plan({ containers }));
    expect(reasons.map((reason) => reason.split(' ', 2)[1])).toEqual(['x', 'z']);
  });
});

/** Cloud Hypervisor, docs/vfio.md: devices that log, behind IOMMUFD; Xen migrates none. */
describe('another vmm', () => {
  const one = (logsDma: boolean, more: object = {}) => [
    { id: 'c0', iommuTracks: true, devices: [device('nic0', 7, logsDma)], ...more },
  ];
  test.each([
    ['cloud-hypervisor', one(true), []],
    ['cloud-hypervisor', one(false), ['cloud-hypervisor needs devices that log their own DMA, and nic0 cannot']],
    ['cloud-hypervisor', one(true, { type1: true }), ['cloud-hypervisor needs IOMMUFD, and container c0 has type1']],
    ['xen', one(true), ['xen does not migrate VFIO devices']],
  ] as const)('%s', (loop, containers, reasons) => {
    expect(blockers(plan({ loop, containers }))).toEqual(reasons);
  });

  test('two devices without P2P states', () => {
    const containers = [{ id: 'c0', iommuTracks: true, devices: [device('a', 7, true), device('b', 7, true)] }];
    const [reason] = blockers(plan({ loop: 'cloud-hypervisor', containers }));
    expect(reason).toContain('2 VFIO devices need P2P states, which cloud-hypervisor does not use');
  });
});

/**
 * A vIOMMU: always a blocker up to 10.2; from 11.0 on only where the device would be the tracker (hw/vfio/migration.c,
 * vfio_viommu_preset). With enable-migration=on the device is not realized, which is no better.
 */
describe('a vIOMMU', () => {
  const ALWAYS = /behind a vIOMMU, which qemu-\S+ does not migrate/;
  const BY_DEVICE = /log their own DMA, which qemu-11\.1 does not migrate/;
  type Cell = readonly [loop: LoopName, logsDma: boolean, iommuTracks: boolean, blocked: RegExp | undefined];
  const CELLS: readonly Cell[] = [
    ['qemu-8.0', true, false, ALWAYS],
    ['qemu-8.0', false, true, ALWAYS],
    ['qemu-8.2', false, true, ALWAYS],
    ['qemu-9.2', false, true, ALWAYS],
    ['qemu-10.2', true, true, ALWAYS],
    ['qemu-10.2', false, true, ALWAYS],
    ['qemu-11.1', true, true, BY_DEVICE],
    ['qemu-11.1', true, false, BY_DEVICE],
    ['qemu-11.1', false, true, undefined],
    ['textbook', true, false, undefined],
  ];
  const behind = (logsDma: boolean, iommuTracks: boolean) => [
    { id: 'c0', iommuTracks, viommu: { aperturePages: 1024 }, devices: [device('nic0', 7, logsDma)] },
  ];

  test.each(CELLS)('%s, the device logs: %s, the IOMMU tracks: %s', (loop, logsDma, iommuTracks, blocked) => {
    for (const enableMigration of ['auto', 'on'] as const) {
      const found = blockers(plan({ loop, enableMigration, containers: behind(logsDma, iommuTracks) }));
      expect(found).toHaveLength(blocked === undefined ? 0 : 1);
      if (blocked !== undefined) expect(found[0]).toMatch(blocked);
    }
  });

  test('without a device behind it is in nobody’s way', () => {
    expect(
      blockers(plan({ containers: [{ id: 'c0', iommuTracks: true, viommu: { aperturePages: 8 }, devices: [] }] })),
    ).toEqual([]);
  });

  test('a device that cannot log, and an IOMMU that cannot track, are still without a tracker', () => {
    expect(blockers(plan({ loop: 'qemu-11.1', containers: behind(false, false) }))[0]).toMatch(UNTRACKED);
  });
});

/** P2P from 8.2 (94f775e428), PRE_COPY from 8.1 (eda7362af9): the rows 8.2 and later have both. */
const USED: Readonly<Record<LoopName, { readonly p2p: boolean; readonly preCopy: boolean }>> = {
  'qemu-7.2': { p2p: false, preCopy: false },
  'qemu-8.0': { p2p: false, preCopy: false },
  'qemu-8.2': { p2p: true, preCopy: true },
  'qemu-9.2': { p2p: true, preCopy: true },
  'qemu-10.2': { p2p: true, preCopy: true },
  'qemu-11.1': { p2p: true, preCopy: true },
  textbook: { p2p: true, preCopy: true },
  xen: { p2p: false, preCopy: false },
  'cloud-hypervisor': { p2p: false, preCopy: false },
};

describe('planned devices', () => {
  const masks: readonly (readonly [FeatureMask, boolean, boolean])[] = [
    [1, false, false],
    [3, true, false],
    [5, false, true],
    [7, true, true],
  ];
  const cells = Object.entries(USED).flatMap(([loop, used]) =>
    masks.map(([features, p2p, preCopy]) => ({
      loop: loop as LoopName,
      features,
      p2p: p2p && used.p2p,
      preCopy: preCopy && used.preCopy,
    })),
  );
  test.each(cells)('$loop, features $features', ({ loop, features, p2p, preCopy }) => {
    expect(plannedDevices(plan({ loop, devices: [device('nic0', features)] }))).toEqual([
      { id: 'nic0', features, logsDma: true, container: 'c0', p2p, preCopy },
    ]);
  });

  test('come in the order of the containers', () => {
    const containers = [
      { id: 'x', iommuTracks: true, devices: [device('b', 7), device('a', 7)] },
      { id: 'empty', iommuTracks: true, devices: [] },
      { id: 'y', iommuTracks: true, devices: [device('c', 7)] },
    ];
    const found = plannedDevices(plan({ containers }));
    expect(found.map(({ id, container }) => [container, id])).toEqual([
      ['x', 'b'],
      ['x', 'a'],
      ['y', 'c'],
    ]);
  });
});
