/**
 * The pre-copy loop's dialects as data: one row per QEMU release that changed it, and those of Xen, Cloud Hypervisor and the
 * textbook.
 *
 * Rows are read by the charts (what is compared, what is counted, which statuses exist) and by the model (wire bytes,
 * windows). Sources: QEMU migration/migration.c (migration_iteration_run, migration_update_counters), migration/ram.c
 * (save_page_header, save_zero_page, ram_save_iterate), hw/vfio/migration.c (vfio_state_pending_*), at v7.2.0, v8.0.0,
 * v8.2.0, v9.2.0, v10.2.0 and v11.1.0-rc2; Xen tools/libs/guest/xg_sr_save.c; Cloud Hypervisor vmm/src/lib.rs,
 * vm-migration/src/protocol.rs and docs/vfio.md.
 */
import type { RangeRule } from './iova-ranges.ts';
import type { DeviceSizes, RoundEnd } from './words.ts';

export const LOOPS = [
  'qemu-7.2',
  'qemu-8.0',
  'qemu-8.2',
  'qemu-9.2',
  'qemu-10.2',
  'qemu-11.1',
  'textbook',
  'xen',
  'cloud-hypervisor',
] as const;
export type LoopName = (typeof LOOPS)[number];

/** A release of QEMU, with its statuses, its knobs and who can turn them over QMP. */
export function isQemu(name: LoopName): boolean {
  return name.startsWith('qemu-');
}

export interface Loop {
  readonly name: LoopName;
  /** Bytes before a page's content on the wire: be64 of offset and flags (save_page_header). */
  readonly pageHeaderBytes: number;
  /** A zero page: header and one byte (save_zero_page, legacy detection). `undefined`: zero pages are sent like others. */
  readonly zeroPageBytes: number | undefined;
  /** BUFFER_DELAY, migration.c: the rate limit's window, and how often the bandwidth is measured. `undefined`: no windows. */
  readonly windowMs: number | undefined;
  /** MAX_WAIT, ram.c: one turn of the RAM handler lasts at most this long. */
  readonly turnMs: number;
  /** What ends a pass: which sizes are compared with the threshold, and how. */
  readonly passEnds:
    | { readonly compare: 'below' | 'at-or-below'; readonly counts: 'ram' | 'ram+precopy' | 'ram+precopy+stopcopy' }
    | undefined;
  /** What is compared with the threshold at the decision: how devices count beside RAM. */
  readonly exact: 'ram' | 'ram+stopcopy' | 'ram+stopcopy+precopy' | 'ram+max(stopcopy,precopy)';
  /** The decision's own comparison. */
  readonly switchesOver: 'below-or-zero' | 'at-or-below';
  /** Up to 8.2 a busy RAM handler starves the devices behind it; 9.0 on each handler gets its turn (commit 4e1871c450). */
  readonly devicesSend: 'never' | 'after-ram' | 'each-turn';
  /** VFIO features of the release: v2 protocol (8.0), PRE_COPY (8.1), P2P and several devices (8.2). */
  readonly vfio: {
    readonly devices: boolean;
    readonly preCopy: boolean;
    readonly p2p: boolean;
    /** Every device must log its own DMA, and sit behind IOMMUFD: Cloud Hypervisor. Absent: any tracker will do. */
    readonly needsLoggingAndIommufd?: true;
  };
  readonly ranges: RangeRule;
  /**
   * A guest with an IOMMU of its own and a VFIO device behind it: blocked always up to 10.2, and from 11.0 on only where
   * the device would log its own DMA (hw/vfio/migration.c, vfio_viommu_preset; hw/vfio/container.c).
   */
  readonly viommu: 'blocks' | 'blocks-device-logs' | 'allowed';
  /**
   * Devices that come or go while a migration runs. Every release of QEMU refuses both: system/qdev-monitor.c,
   * qdev_device_add_from_qdict and qdev_unplug (but for the primary of a failover pair), which ask migration_is_idle up to 9.1
   * and migration_is_running from 9.2 on.
   */
  readonly hotPlug: 'refuses' | 'takes';
  /**
   * How the release slows a guest down: auto-converge; a sync in the middle of a long pass for it (9.2, commit 52ac968ab2,
   * system/cpu-throttle.c: CPU_THROTTLE_DIRTY_SYNC_TIMESLICE_MS); the dirty limit (8.1, commit acac51ba24).
   */
  readonly throttling: { readonly autoConverge: boolean; readonly syncTickMs?: number; readonly dirtyLimit: boolean };
  /** Asks devices for PRECOPY_INFOv2 (Linux 7.1) and waits for another switchover-ack when one has new initial data: 11.1. */
  readonly heedsReinit: boolean;
  /** `device` is always visited from 10.0 on (commit 4881411136); before, only after a pause. */
  readonly reportsDevice: boolean;
  /** `failing` came with 11.0 (commit 93c8a97f99). */
  readonly reportsFailing: boolean;
  /**
   * Where the source says `postcopy-active`. `before-stop`: as soon as post-copy begins. `after-device`: once the destination
   * runs, after `device` and `postcopy-device` (10.2, commit 7b842fe354).
   */
  readonly postcopyActive: 'before-stop' | 'after-device';
  /** `postcopy-recover-setup` came with 9.1 (commit 4146b77ec7). */
  readonly reportsRecoverSetup: boolean;
}

const QEMU = {
  pageHeaderBytes: 8,
  zeroPageBytes: 9,
  windowMs: 100,
  turnMs: 50,
  hotPlug: 'refuses',
  heedsReinit: false,
} as const;
const AUTO_CONVERGE = { autoConverge: true, dirtyLimit: false } as const;
const BOTH_THROTTLES = { autoConverge: true, dirtyLimit: true } as const;
const TICKING_THROTTLES = { ...BOTH_THROTTLES, syncTickMs: 5000 } as const;
const ALL_VFIO = { devices: true, preCopy: true, p2p: true } as const;

/**
 * Where a pass is a walk over a bitmap that was read at its beginning, so that it sends its whole set and the bandwidth is
 * that of the pass. The statuses are the textbook's: neither has QEMU's.
 */
const WALKS_A_BITMAP = {
  zeroPageBytes: undefined,
  windowMs: undefined,
  turnMs: 50,
  passEnds: undefined,
  // What a device has to send is no part of either's rule.
  exact: 'ram',
  switchesOver: 'at-or-below',
  devicesSend: 'never',
  throttling: { autoConverge: false, dirtyLimit: false },
  viommu: 'blocks',
  hotPlug: 'refuses',
  heedsReinit: false,
  reportsDevice: true,
  reportsFailing: true,
  postcopyActive: 'after-device',
  reportsRecoverSetup: true,
} as const;

const ROWS: Readonly<Record<LoopName, Omit<Loop, 'name'>>> = {
  'qemu-7.2': {
    ...QEMU,
    passEnds: { compare: 'below', counts: 'ram' },
    exact: 'ram',
    switchesOver: 'below-or-zero',
    devicesSend: 'never',
    vfio: { devices: false, preCopy: false, p2p: false },
    ranges: 'two',
    throttling: AUTO_CONVERGE,
    viommu: 'blocks',
    reportsDevice: false,
    reportsFailing: false,
    postcopyActive: 'before-stop',
    reportsRecoverSetup: false,
  },
  'qemu-8.0': {
    ...QEMU,
    passEnds: { compare: 'below', counts: 'ram' },
    exact: 'ram+stopcopy',
    switchesOver: 'at-or-below',
    devicesSend: 'never',
    vfio: { devices: true, preCopy: false, p2p: false },
    ranges: 'two',
    throttling: AUTO_CONVERGE,
    viommu: 'blocks',
    reportsDevice: false,
    reportsFailing: false,
    postcopyActive: 'before-stop',
    reportsRecoverSetup: false,
  },
  'qemu-8.2': {
    ...QEMU,
    passEnds: { compare: 'below', counts: 'ram+precopy' },
    // Stop-copy size already holds the pre-copy sizes: counted twice until 9.2 (commit 3b5948f808).
    exact: 'ram+stopcopy+precopy',
    switchesOver: 'at-or-below',
    devicesSend: 'after-ram',
    vfio: ALL_VFIO,
    ranges: 'three',
    throttling: BOTH_THROTTLES,
    viommu: 'blocks',
    reportsDevice: false,
    reportsFailing: false,
    postcopyActive: 'before-stop',
    reportsRecoverSetup: false,
  },
  'qemu-9.2': {
    ...QEMU,
    passEnds: { compare: 'below', counts: 'ram+precopy' },
    exact: 'ram+stopcopy',
    switchesOver: 'at-or-below',
    devicesSend: 'each-turn',
    vfio: ALL_VFIO,
    ranges: 'three',
    throttling: TICKING_THROTTLES,
    viommu: 'blocks',
    reportsDevice: false,
    reportsFailing: false,
    postcopyActive: 'before-stop',
    reportsRecoverSetup: true,
  },
  'qemu-10.2': {
    ...QEMU,
    passEnds: { compare: 'below', counts: 'ram+precopy' },
    exact: 'ram+stopcopy',
    switchesOver: 'at-or-below',
    devicesSend: 'each-turn',
    vfio: ALL_VFIO,
    ranges: 'three',
    throttling: TICKING_THROTTLES,
    viommu: 'blocks',
    reportsDevice: true,
    reportsFailing: false,
    postcopyActive: 'after-device',
    reportsRecoverSetup: true,
  },
  'qemu-11.1': {
    ...QEMU,
    // One query with `exact` and `final` flags (commit a94a867ee8): stop-copy bytes count in the fast sum too.
    passEnds: { compare: 'at-or-below', counts: 'ram+precopy+stopcopy' },
    exact: 'ram+max(stopcopy,precopy)',
    switchesOver: 'at-or-below',
    devicesSend: 'each-turn',
    vfio: ALL_VFIO,
    ranges: 'three',
    throttling: TICKING_THROTTLES,
    viommu: 'blocks-device-logs',
    heedsReinit: true,
    reportsDevice: true,
    reportsFailing: true,
    postcopyActive: 'after-device',
    reportsRecoverSetup: true,
  },
  /** The loop of papers and predictors: a round sends its whole set, a page costs its 4096 bytes, nothing is capped by windows. */
  textbook: {
    pageHeaderBytes: 0,
    zeroPageBytes: undefined,
    windowMs: undefined,
    turnMs: 50,
    passEnds: undefined,
    exact: 'ram+stopcopy',
    switchesOver: 'at-or-below',
    devicesSend: 'each-turn',
    vfio: ALL_VFIO,
    ranges: 'three',
    throttling: BOTH_THROTTLES,
    viommu: 'allowed',
    hotPlug: 'takes',
    heedsReinit: false,
    reportsDevice: true,
    reportsFailing: true,
    postcopyActive: 'after-device',
    reportsRecoverSetup: true,
  },
  /**
   * Migration stream v2 (4.6 on). Each page has its 8-byte number in a PAGE_DATA record; the 16 bytes of the record's own
   * headers for up to 1024 pages are not counted. Zero pages are sent like others.
   */
  xen: {
    ...WALKS_A_BITMAP,
    pageHeaderBytes: 8,
    vfio: { devices: false, preCopy: false, p2p: false },
    ranges: 'exact',
  },
  /**
   * A range's address and length, 8 bytes each, before its content (vm-migration/src/protocol.rs, MemoryRange). Neighbours
   * share one; here each page has its own, which is at most 0.4 % too much. Devices have STOP_COPY only.
   */
  'cloud-hypervisor': {
    ...WALKS_A_BITMAP,
    pageHeaderBytes: 16,
    vfio: { devices: true, preCopy: false, p2p: false, needsLoggingAndIommufd: true },
    ranges: 'exact',
  },
};

/** The row of a dialect. */
export function loop(name: LoopName): Loop {
  return { name, ...ROWS[name] };
}

/** When this dialect's passes end, with the limits in force. */
export function roundEnd(
  name: LoopName,
  limits: { downtimeLimitMs: number; availSwitchoverBytesPerSecond: number },
): RoundEnd {
  const { passEnds, windowMs } = ROWS[name];
  if (passEnds === undefined || windowMs === undefined) return { rule: 'drained' };
  // Named one by one: callers pass their whole context, and a command must not carry it.
  const { downtimeLimitMs, availSwitchoverBytesPerSecond } = limits;
  return { rule: 'low-water', ...passEnds, windowMs, downtimeLimitMs, availSwitchoverBytesPerSecond };
}

/** What the decision compares with the threshold: guest memory and devices, as the release adds them up. */
export function exactRemainingBytes(
  name: LoopName,
  ramBytes: number,
  devices: Readonly<Record<string, DeviceSizes>>,
): number {
  let bytes = ramBytes;
  for (const { initialBytes, dirtyBytes, stopCopyBytes } of Object.values(devices)) {
    const precopyBytes = initialBytes + dirtyBytes;
    switch (ROWS[name].exact) {
      case 'ram':
        break;
      case 'ram+stopcopy':
        bytes += stopCopyBytes;
        break;
      case 'ram+stopcopy+precopy':
        bytes += stopCopyBytes + precopyBytes;
        break;
      case 'ram+max(stopcopy,precopy)':
        bytes += Math.max(stopCopyBytes, precopyBytes);
        break;
      default:
        ROWS[name].exact satisfies never;
    }
  }
  return bytes;
}
