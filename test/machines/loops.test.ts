/**
 * Each release's row, column by column, against QEMU's history; how devices count at the decision; where a pass ends.
 *
 * Sources: migration/migration.c (migration_iteration_run, migration_update_counters), migration/ram.c (save_page_header,
 * save_zero_page, ram_state_pending_estimate and _exact, ram_save_iterate), hw/vfio/migration.c (vfio_state_pending_*), at v7.2.0,
 * v8.0.0, v8.2.0, v9.2.0, v10.2.0 and v11.1.0-rc2; the commits named in each table.
 */
import { describe, expect, test } from 'vitest';
import { exactRemainingBytes, LOOPS, type Loop, type LoopName, loop, roundEnd } from '../../machines/loops.ts';
import { roundEnds, type Window } from '../../machines/pre-copy.ts';
import type { RoundEnd } from '../../machines/words.ts';

type Releases = readonly [
  v7_2: unknown,
  v8_0: unknown,
  v8_2: unknown,
  v9_2: unknown,
  v10_2: unknown,
  v11_1: unknown,
  textbook: unknown,
  xen: unknown,
  cloudHypervisor: unknown,
];
const ram = { compare: 'below', counts: 'ram' };
const precopy = { compare: 'below', counts: 'ram+precopy' };
const all = { compare: 'at-or-below', counts: 'ram+precopy+stopcopy' };
const none = { devices: false, preCopy: false, p2p: false };
const v2 = { devices: true, preCopy: false, p2p: false };
const full = { devices: true, preCopy: true, p2p: true };

const COLUMNS: Readonly<Record<Exclude<keyof Loop, 'name'>, Releases>> = {
  // be64 of offset and flags.
  // Xen: a page's number in its PAGE_DATA record; Cloud Hypervisor: address and length of a range.
  pageHeaderBytes: [8, 8, 8, 8, 8, 8, 0, 8, 16],
  // Header and one byte; measured on 7.2: 98,321 zero pages and 32,881 others made 135,828,513 bytes.
  zeroPageBytes: [9, 9, 9, 9, 9, 9, undefined, undefined, undefined],
  // BUFFER_DELAY.
  windowMs: [100, 100, 100, 100, 100, 100, undefined, undefined, undefined],
  // MAX_WAIT.
  turnMs: [50, 50, 50, 50, 50, 50, 50, 50, 50],
  // The device's estimate came with PRE_COPY (8.1, eda7362af9); `<=` and stop-copy bytes with the one query (11.1, a94a867ee8).
  passEnds: [ram, ram, precopy, precopy, precopy, all, undefined, undefined, undefined],
  // stop_copy_size (8.0), with the pre-copy sizes counted twice (8.1 to 9.1, fixed by 3b5948f808), max of the two (11.1).
  exact: [
    'ram',
    'ram+stopcopy',
    'ram+stopcopy+precopy',
    'ram+stopcopy',
    'ram+stopcopy',
    'ram+max(stopcopy,precopy)',
    'ram+stopcopy',
    'ram',
    'ram',
  ],
  // `!pending || pending < threshold` (7.2), `pending <= threshold` since.
  switchesOver: ['below-or-zero', ...Array(8).fill('at-or-below')] as unknown as Releases,
  // The first unfinished handler stops the walk, up to 8.2 (4e1871c450, 9.0).
  devicesSend: ['never', 'never', 'after-ram', 'each-turn', 'each-turn', 'each-turn', 'each-turn', 'never', 'never'],
  // v2 protocol 8.0 (31bcbbb5be), PRE_COPY 8.1 (eda7362af9), P2P 8.2 (94f775e428).
  // Cloud Hypervisor: STOP_COPY only, devices that log behind IOMMUFD (docs/vfio.md).
  vfio: [none, v2, full, full, full, full, full, none, { ...v2, needsLoggingAndIommufd: true }],
  // The third range: 8.2 (a31fe5daea).
  ranges: ['two', 'two', 'three', 'three', 'three', 'three', 'three', 'exact', 'exact'],
  // A vIOMMU blocks from 8.0 on; from 11.0 on only with device tracking (hw/vfio/container.c).
  viommu: ['blocks', 'blocks', 'blocks', 'blocks', 'blocks', 'blocks-device-logs', 'allowed', 'blocks', 'blocks'],
  // qdev_device_add_from_qdict and qdev_unplug, softmmu/ and later system/qdev-monitor.c.
  hotPlug: ['refuses', 'refuses', 'refuses', 'refuses', 'refuses', 'refuses', 'takes', 'refuses', 'refuses'],
  // dirty-limit 8.1 (acac51ba24), the sync every 5 s 9.2 (52ac968ab2).
  throttling: [
    { autoConverge: true, dirtyLimit: false },
    { autoConverge: true, dirtyLimit: false },
    { autoConverge: true, dirtyLimit: true },
    ...Array(3).fill({ autoConverge: true, dirtyLimit: true, syncTickMs: 5000 }),
    { autoConverge: true, dirtyLimit: true },
    ...Array(2).fill({ autoConverge: false, dirtyLimit: false }),
  ] as unknown as Releases,
  // PRECOPY_INFOv2 and an ack for each INIT_DATA_SENT: 11.1 (hw/vfio/migration.c).
  heedsReinit: [false, false, false, false, false, true, false, false, false],
  // 10.0 (4881411136).
  reportsDevice: [false, false, false, false, true, true, true, true, true],
  // 11.0 (93c8a97f99).
  reportsFailing: [false, false, false, false, false, true, true, true, true],
  // Before STOP on 7.2 (measured); by way of device and postcopy-device from 10.2 on (7b842fe354).
  postcopyActive: [...Array(4).fill('before-stop'), ...Array(5).fill('after-device')] as unknown as Releases,
  // 9.1 (4146b77ec7).
  reportsRecoverSetup: [false, false, false, true, true, true, true, true, true],
};

describe('a row of each release', () => {
  test.each(Object.entries(COLUMNS))('%s', (column, releases) => {
    expect(LOOPS.map((name) => loop(name)[column as keyof Loop])).toEqual(releases);
  });

  test('has these columns and its name', () => {
    for (const name of LOOPS)
      expect(Object.keys(loop(name)).toSorted()).toEqual(['name', ...Object.keys(COLUMNS)].toSorted());
    expect(LOOPS.map((name) => loop(name).name)).toEqual([...LOOPS]);
  });

  test('bytes of a normal and of a zero page on the wire, as measured on QEMU 7.2.22', () => {
    const { pageHeaderBytes, zeroPageBytes } = loop('qemu-7.2');
    expect(32_881 * (pageHeaderBytes + 4096) + 98_321 * (zeroPageBytes ?? Number.NaN)).toBe(135_828_513);
  });
});

describe('what the decision compares', () => {
  const RAM = 1000;
  const nic = { initialBytes: 30, dirtyBytes: 20, stopCopyBytes: 400 };
  /** After the size was asked the device went on writing: more pre-copy bytes than the stop-copy size that was cached. */
  const overtaken = { initialBytes: 300, dirtyBytes: 200, stopCopyBytes: 70 };
  const rows: readonly (readonly [LoopName, noDevice: number, one: number, overtaken: number, both: number])[] = [
    ['qemu-7.2', 1000, 1000, 1000, 1000],
    ['qemu-8.0', 1000, 1400, 1070, 1470],
    // Counted twice: 400 + 50, 70 + 500.
    ['qemu-8.2', 1000, 1450, 1570, 2020],
    ['qemu-9.2', 1000, 1400, 1070, 1470],
    ['qemu-10.2', 1000, 1400, 1070, 1470],
    // Pre-copy 50 and max(0, 400 - 50); pre-copy 500 and max(0, 70 - 500): by device, then added.
    ['qemu-11.1', 1000, 1400, 1500, 1900],
    ['textbook', 1000, 1400, 1070, 1470],
    // Neither counts what devices have to send.
    ['xen', 1000, 1000, 1000, 1000],
    ['cloud-hypervisor', 1000, 1000, 1000, 1000],
  ];
  test.each(rows)('%s', (name, noDevice, one, more, both) => {
    expect(exactRemainingBytes(name, RAM, {})).toBe(noDevice);
    expect(exactRemainingBytes(name, RAM, { nic })).toBe(one);
    expect(exactRemainingBytes(name, RAM, { gpu: overtaken })).toBe(more);
    expect(exactRemainingBytes(name, RAM, { nic, gpu: overtaken })).toBe(both);
  });
});

const LIMITS = { downtimeLimitMs: 300, availSwitchoverBytesPerSecond: 0 };

describe('the end of a pass as a command carries it', () => {
  test.each(LOOPS)('%s', (name) => {
    const { passEnds } = loop(name);
    const expected =
      passEnds === undefined ? { rule: 'drained' } : { rule: 'low-water', ...passEnds, windowMs: 100, ...LIMITS };
    expect(roundEnd(name, LIMITS)).toEqual(expected);
  });

  test('takes the two limits from whoever has them, and nothing else', () => {
    const caller = { ...LIMITS, availSwitchoverBytesPerSecond: 7, sizes: {}, waitingFor: ['nic0'], rule: 'drained' };
    expect(roundEnd('qemu-10.2', caller)).toEqual({
      rule: 'low-water',
      compare: 'below',
      counts: 'ram+precopy',
      windowMs: 100,
      downtimeLimitMs: 300,
      availSwitchoverBytesPerSecond: 7,
    });
  });
});

describe('a pass ends', () => {
  /** 1,000,000 B/s for 300 ms: a threshold of 300,000 bytes. */
  const bandwidthBytesPerSecond = 1_000_000;
  const THRESHOLD = 300_000;
  const window = (changes: Partial<Window>): Window => ({
    ramBytes: THRESHOLD + 1,
    precopyBytes: 0,
    stopCopyBytes: 0,
    bandwidthBytesPerSecond,
    ...changes,
  });
  const counted = (name: LoopName, changes: Partial<Window>) => roundEnds(roundEnd(name, LIMITS), window(changes));

  // migration_iteration_run: `<` up to 11.0, `<=` in 11.1.
  const AT_THRESHOLD: readonly (readonly [LoopName, below: boolean, at: boolean, above: boolean])[] = [
    ['qemu-7.2', true, false, false],
    ['qemu-8.0', true, false, false],
    ['qemu-8.2', true, false, false],
    ['qemu-9.2', true, false, false],
    ['qemu-10.2', true, false, false],
    ['qemu-11.1', true, true, false],
    ['textbook', false, false, false],
    ['xen', false, false, false],
    ['cloud-hypervisor', false, false, false],
  ];
  test.each(AT_THRESHOLD)('%s: one byte below, at and one byte above the threshold', (name, below, at, above) => {
    expect(counted(name, { ramBytes: THRESHOLD - 1 })).toBe(below);
    expect(counted(name, { ramBytes: THRESHOLD })).toBe(at);
    expect(counted(name, { ramBytes: THRESHOLD + 1 })).toBe(above);
  });

  // What the fast query adds up. RAM is 100 bytes below the threshold; a device's bytes take it over, or do not count.
  const COUNTED: readonly (readonly [LoopName, precopy: boolean, stopcopy: boolean])[] = [
    ['qemu-7.2', true, true],
    ['qemu-8.0', true, true],
    ['qemu-8.2', false, true],
    ['qemu-9.2', false, true],
    ['qemu-10.2', false, true],
    ['qemu-11.1', false, false],
  ];
  test.each(COUNTED)(
    '%s: with a device of 101 bytes of pre-copy, or of stop-copy',
    (name, precopyEnds, stopCopyEnds) => {
      const ramBytes = THRESHOLD - 100;
      expect(counted(name, { ramBytes, precopyBytes: 101 })).toBe(precopyEnds);
      expect(counted(name, { ramBytes, stopCopyBytes: 101 })).toBe(stopCopyEnds);
      expect(counted(name, { ramBytes, precopyBytes: 99, stopCopyBytes: 99 })).toBe(true);
    },
  );

  test('11.1 counts the larger of pre-copy and stop-copy bytes, not both', () => {
    const ramBytes = THRESHOLD - 100;
    expect(counted('qemu-11.1', { ramBytes, precopyBytes: 60, stopCopyBytes: 100 })).toBe(true);
    expect(counted('qemu-11.1', { ramBytes, precopyBytes: 60, stopCopyBytes: 101 })).toBe(false);
  });

  test.each(LOOPS)('%s: when all that can be sent before the stop has been sent', (name) => {
    const stuck = { ramBytes: 0, precopyBytes: 0, stopCopyBytes: 10 * THRESHOLD };
    expect(counted(name, stuck)).toBe(true);
    expect(counted(name, { ...stuck, bandwidthBytesPerSecond: 0 })).toBe(true);
  });

  test('textbook: not before the device is drained too', () => {
    expect(counted('textbook', { ramBytes: 0, precopyBytes: 1 })).toBe(false);
    expect(counted('textbook', { ramBytes: 1, precopyBytes: 0 })).toBe(false);
  });

  test.each(LOOPS)('%s: not while no window has been measured and something is left', (name) => {
    expect(counted(name, { ramBytes: 1, bandwidthBytesPerSecond: 0 })).toBe(false);
  });

  // avail-switchover-bandwidth (8.2, 8b2395970a) stands in for the measured bandwidth; 0 is "measure".
  const AVAILABLE: readonly (readonly [avail: number, measured: number, ramBytes: number, ends: boolean])[] = [
    [0, 1_000_000, 299_999, true],
    [0, 1_000_000, 300_000, false],
    [2_000_000, 1_000_000, 599_999, true],
    [2_000_000, 1_000_000, 600_000, false],
    [500_000, 1_000_000, 150_000, false],
    [500_000, 0, 149_999, true],
  ];
  test.each(AVAILABLE)(
    'avail-switchover-bandwidth %i, measured %i, %i bytes left: %s',
    (avail, measured, ramBytes, ends) => {
      const end = roundEnd('qemu-10.2', { downtimeLimitMs: 300, availSwitchoverBytesPerSecond: avail });
      expect(roundEnds(end, window({ ramBytes, bandwidthBytesPerSecond: measured }))).toBe(ends);
    },
  );

  test('a downtime limit of 0 ends a pass only when it is drained', () => {
    const end: RoundEnd = roundEnd('qemu-10.2', { downtimeLimitMs: 0, availSwitchoverBytesPerSecond: 0 });
    expect(roundEnds(end, window({ ramBytes: 1 }))).toBe(false);
    expect(roundEnds(end, window({ ramBytes: 0 }))).toBe(true);
  });
});
