/**
 * The words that charts share: who can be told what (`Inbox`), what the outside world can be asked to do (`Commands`),
 * and the kernel's and QEMU's own names for states and errors.
 *
 * An answer to a command is derived from `Commands`, never written by hand: `DONE.<command>` or `FAILED.<command>`.
 * Everything here is JSON: it crosses journals. Addresses of guest memory are page numbers.
 * The file is long because it has every command with what it answers, and every figure that more than one chart sees.
 */

/** `enum vfio_device_mig_state`, include/uapi/linux/vfio.h. The order is the kernel's numbering, 0 to 7. */
export const DEVICE_STATES = [
  'ERROR',
  'STOP',
  'RUNNING',
  'STOP_COPY',
  'RESUMING',
  'RUNNING_P2P',
  'PRE_COPY',
  'PRE_COPY_P2P',
] as const;
export type DeviceState = (typeof DEVICE_STATES)[number];

/** `VFIO_MIGRATION_*` feature bits, include/uapi/linux/vfio.h. Legal masks: 1, 3, 5, 7. */
export const VFIO_MIGRATION_STOP_COPY = 1;
export const VFIO_MIGRATION_P2P = 2;
export const VFIO_MIGRATION_PRE_COPY = 4;
export type FeatureMask = 1 | 3 | 5 | 7;

/** The errnos that the kernel, QEMU and this project's own time limits give. */
export type Errno =
  | 'E2BIG'
  | 'EACCES'
  | 'EAGAIN'
  | 'EBADF'
  | 'EBUSY'
  | 'ECONNRESET'
  | 'EEXIST'
  | 'EFAULT'
  | 'EINVAL'
  | 'EIO'
  | 'EMFILE'
  | 'ENODEV'
  | 'ENOENT'
  | 'ENOMEM'
  | 'ENOMSG'
  | 'ENOSPC'
  | 'ENOTCONN'
  | 'ENOTTY'
  | 'ENXIO'
  | 'EOPNOTSUPP'
  | 'EOVERFLOW'
  | 'EPERM'
  | 'ESPIPE'
  | 'ETIMEDOUT';

/**
 * Which tracker knows what the devices of a container wrote: QEMU, hw/vfio/container.c. `guest`: those that cannot log have
 * drivers that halt their DMA and write every page of it themselves, so that KVM's log knows. `per-device`: those that can log
 * do, and the IOMMU tracks the container for the others.
 */
export type Tracker = 'device' | 'iommu' | 'per-device' | 'guest' | 'perpetual';

/** How the states of stopped devices travel over multifd's channels: at once after the memory, or beside the memory. */
export type DeviceStatesWay = 'together' | 'beside-memory';

/** Whose rule decides between the trackers that a container has; `qemu` is what QEMU does. */
export const TRACKER_CHOICES = ['qemu', 'iommu-first', 'per-device'] as const;
export type TrackerChoice = (typeof TRACKER_CHOICES)[number];

/** Pages reported dirty, by who wrote them: `vcpu`, `dma:nic0`, `host:vhost`, ... */
export type PagesBySource = Readonly<Record<string, number>>;

/**
 * Write-protection faults, exits of full PML buffers, exits of full dirty rings until they are harvested and reset, and faults
 * that split a huge mapping or make one whole again; writes to a mediated device's tables that the host notes.
 */
export interface GuestStalledNs {
  readonly dirtyFaults?: number;
  readonly pmlExits?: number;
  readonly ringFull?: number;
  readonly splits?: number;
  readonly tableUpdates?: number;
  /** Put to sleep by a vmm that throttles: all vCPUs for a share of the time, and writers at their full rings. */
  readonly cpuThrottle?: number;
  readonly dirtyLimit?: number;
}

/** Of a device's own rate, in percent; null: not known. On the source before, since the migration began, and where it goes. */
export interface ThroughputPercent {
  readonly before: number | null;
  readonly during: number;
  readonly after: number | null;
}

/** One DMA logging range, in pages: first page and number of pages. */
export interface PageRange {
  readonly firstPage: number;
  readonly pages: number;
}

/** What a device would still have to send: `VFIO_MIG_GET_PRECOPY_INFO` and `MIG_DATA_SIZE`. */
export interface DeviceSizes {
  readonly initialBytes: number;
  readonly dirtyBytes: number;
  readonly stopCopyBytes: number;
  /** VFIO_PRECOPY_INFO_REINIT: new initial data since the last exact query; left out when there is none, or nobody can tell. */
  readonly reinit?: true;
}

/**
 * When one sending round ends. `drained`: when the set is empty. `low-water`: as QEMU's loop does, at the first window
 * whose remainder is below the threshold; see `roundEnds` in pre-copy.ts, the one place with that rule.
 */
export type RoundEnd =
  | { readonly rule: 'drained' }
  | {
      readonly rule: 'low-water';
      /** `below`: remaining < threshold (7.2). `at-or-below`: remaining <= threshold (11.1). */
      readonly compare: 'below' | 'at-or-below';
      /** What is compared: guest RAM alone (7.2), or RAM and device pre-copy bytes, or those and stop-copy bytes. */
      readonly counts: 'ram' | 'ram+precopy' | 'ram+precopy+stopcopy';
      readonly windowMs: number;
      readonly downtimeLimitMs: number;
      /** `avail-switchover-bandwidth`; 0: measure the last window. */
      readonly availSwitchoverBytesPerSecond: number;
    };

/** What a policy sees at a decision. Sizes in bytes, times in ns on the run's clock. */
export interface Observation {
  readonly cause: 'round' | 'sample' | 'wake' | 'ack';
  /** Number of the pass just ended; the bulk pass is 1. */
  readonly round: number;
  /** Known dirty and not yet sent, guest memory and (by release) devices. */
  readonly remainingBytes: number;
  readonly remainingPages: number;
  /** Pages that this sync found, by who wrote them; a page written by two counts for both. */
  readonly dirtyPagesBySource: PagesBySource;
  /** Of the last window that was measured, or `avail-switchover-bandwidth` where it is set. */
  readonly bandwidthBytesPerSecond: number;
  readonly downtimeLimitMs: number;
  readonly throttlePercent: number;
  /** For a rule that counts what passes send; absent: it does not ask. */
  readonly pass?: PassFigures;
}

/** What the pass that has just ended did, and all of them so far. Times are on the run's clock. */
export interface PassFigures {
  readonly sentPages: number;
  /** Not sent because they were dirty again. */
  readonly skippedPages: number;
  readonly totalSentPages: number;
  /** All of the guest's memory: what the first sync found dirty. */
  readonly memoryPages: number;
  /** Found dirty by this sync, and how long after the one before. */
  readonly newDirtyBytes: number;
  readonly sinceSyncMs: number;
  /** Since the first sync. */
  readonly elapsedMs: number;
}

/** What a policy may answer. A vmm's rule uses the first two; a manager turns knobs. */
export type Verdict =
  | 'continue'
  | 'switchover'
  | { readonly throttlePercent: number }
  | { readonly downtimeLimitMs: number }
  | { readonly dirtyBytesPerSecond: number }
  | 'postcopy'
  | 'pauseGuest'
  | 'abort';

/** A reason in numbers: each key carries its unit last (`thresholdBytes`, `shrinkPercent`). */
export type Because = Readonly<Record<string, number>>;

/**
 * A command's class says what may be done with it after a crash: ask again (`repeatable`), ask what became of it
 * (`queryable`), or neither, because asking again loses something (`consuming`).
 */
export type CommandClass = 'repeatable' | 'queryable' | 'consuming';

type None = Readonly<Record<never, never>>;

/** What crosses a journal unchanged. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a user's own function is asked with: an observation, and when it is asked. */
export type OwnObservation = Observation & { readonly atNs: number };

/** Every command that a chart may give, with what a success answers. */
export interface Commands {
  // The guest on the source.
  stopVcpus: { params: None; result: None };
  resumeVcpus: { params: None; result: None };
  throttleVcpus: { params: { readonly percent: number }; result: None };
  /** Of each vCPU, held by its exits for a full dirty ring; 0 ends it. */
  limitVcpuDirtyRate: { params: { readonly bytesPerSecond: number; readonly periodMs: number }; result: None };
  // One device (addressed by the chart that asks): VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE SET and GET, VFIO_DEVICE_RESET.
  setDeviceState: { params: { readonly target: DeviceState }; result: { readonly state: DeviceState } };
  getDeviceState: { params: None; result: { readonly state: DeviceState } };
  resetDevice: { params: None; result: { readonly state: DeviceState } };
  // The guest's driver of one device (addressed by the chart that asks) that nobody can track.
  notifyGuest: { params: None; result: None };
  /** `dmaPages`: every page that the device's DMA could reach when it was halted. */
  haltDma: { params: None; result: { readonly dmaPages: number } };
  /** The PCI command register's bus master bit is read back: `halted` when it is off. */
  confirmDmaHalted: { params: None; result: { readonly halted: boolean } };
  dirtyDmaPages: { params: None; result: { readonly dirtiedPages: number } };
  resumeDma: { params: { readonly host: 'source' | 'destination' }; result: None };
  // A device that comes or goes. To eject it is to have the guest let it go: when it is done, the device does no more DMA.
  plugDevice: { params: { readonly device: string; readonly container: string }; result: None };
  ejectDevice: { params: { readonly device: string; readonly container: string }; result: None };
  removeDevice: { params: { readonly device: string; readonly container: string }; result: None };
  // One container's tracker. `of` names a device, or `iommu`.
  startTracking: {
    params: { readonly tracker: Tracker; readonly of: string; readonly ranges: readonly PageRange[] };
    /** Pages that a device watches beside those it was asked for: gaps between joined ranges. Left out when none, or unknown. */
    result: { readonly extraPages?: number };
  };
  reportDirty: {
    params: { readonly tracker: Tracker; readonly of: readonly string[] };
    result: { readonly dirtyPages: number };
  };
  stopTracking: { params: { readonly tracker: Tracker; readonly of: readonly string[] }; result: None };
  // KVM's dirty log, and the migration bitmap that every log is merged into.
  startDirtyLog: { params: None; result: None };
  getDirtyLog: { params: None; result: { readonly dirtyPages: number } };
  stopDirtyLog: { params: None; result: None };
  syncBitmap: {
    /** `everything`: a log failed after it may have been cleared, so all memory is dirty (uapi vfio.h, DMA_LOGGING_REPORT). */
    params: { readonly final: boolean; readonly everything: boolean };
    result: {
      /** Handle of the set that the next `sendRound` or `sendRemaining` names. */
      readonly dirtySet: number;
      readonly remainingPages: number;
      readonly remainingBytes: number;
      readonly newDirtyPages: number;
      readonly dirtyPagesBySource: PagesBySource;
      readonly syncNs: number;
      /**
       * How long vCPUs have stood still for the sake of dirty logging since the last sync, summed over them, by cause. Left
       * out by a driver that does not know.
       */
      readonly guestStalledNs?: GuestStalledNs;
      /**
       * How fast devices that may have to wait for their IOMMU have gone, by device. Left out where none has to, and by a
       * driver that does not know.
       */
      readonly deviceThroughputPercent?: Readonly<Record<string, ThroughputPercent>>;
      /**
       * At the final sync, what a model that knows the truth found wrong: pages that differ from the destination's and that
       * no log reported. Left out where there are none, and by a driver that does not know.
       */
      readonly underReportedPages?: number;
      readonly firstUnderReportedPages?: readonly number[];
    };
  };
  queryDeviceSizes: {
    params: { readonly exact: boolean };
    result: { readonly devices: Readonly<Record<string, DeviceSizes>> };
  };
  // Sending.
  sendRound: {
    params: {
      readonly round: number;
      readonly dirtySet: number;
      readonly ends: RoundEnd;
      /** No faster than this; absent: as fast as it goes. A dialect with windows has its cap instead. */
      readonly paceBytesPerSecond?: number;
      /** Pages that are dirty again when their batch is read are not sent; the next sync finds them. */
      readonly skipsDirtied?: true;
    };
    result: RoundSent;
  };
  haltRound: { params: None; result: None };
  /** The pass under way ends by this limit from now on; the next one carries its own. */
  setDowntimeLimit: { params: { readonly downtimeLimitMs: number }; result: None };
  // What a manager asks from outside.
  queryMigrate: { params: None; result: MigrateInfo };
  /** A user's own function is asked for its verdict: whoever runs the migration calls it, no hardware does. */
  decide: {
    params: { readonly policy: string; readonly observation: OwnObservation; readonly memory: Json };
    result: {
      readonly verdict: 'continue' | 'switchover';
      readonly because: Because;
      readonly memory: Json;
      /** Ask again then, on the run's clock, if no pass ends before. */
      readonly wakeAtNs?: number;
    };
  };
  sendRemaining: { params: { readonly dirtySet: number }; result: RoundSent };
  sendDeviceState: {
    /** `beside`: the devices whose states go out at the same time, over multifd's channels; absent: this one alone. */
    params: { readonly device: string; readonly beside?: readonly string[] };
    /** `bytesOf`: of each, where there are several. */
    result: { readonly sentBytes: number; readonly bytesOf?: Readonly<Record<string, number>> };
  };
  // Post-copy.
  /** The destination drops every page of the set that it has in an older version: from here on it knows what it lacks. */
  discardDirty: {
    params: { readonly dirtySet: number };
    result: { readonly missingPages: number; readonly sentBytes: number };
  };
  /** Answered when everything has arrived, or when it was halted. */
  sendMissing: { params: None; result: MissingSent };
  reconnect: { params: None; result: None };
  /** The destination says what it has received; what it has not is to be sent, again where it was on the wire. */
  compareReceived: { params: None; result: { readonly missingPages: number } };
  // Hand-over.
  releaseStorage: { params: None; result: None };
  acquireStorage: { params: { readonly host: 'source' | 'destination' }; result: None };
  prepareDestination: { params: None; result: None };
  loadDestination: { params: None; result: None };
  startDestination: {
    params: None;
    /** `lostPages`: what a model that knows the truth found different at the hand-over; real drivers leave it out. */
    result: { readonly lostPages?: number; readonly firstLostPages?: readonly number[] };
  };
  quitDestination: { params: None; result: None };
  // In doubt: what is really the case. Asking changes nothing.
  /** `starting`: told to run, and not running yet. `gone`: its process has ended. */
  queryDestination: {
    params: None;
    result: { readonly state: 'incoming' | 'loaded' | 'starting' | 'running' | 'gone' };
  };
  queryStorage: { params: None; result: { readonly holder: 'source' | 'destination' | 'nobody' } };
}
export type CommandName = keyof Commands;

/**
 * QEMU's `query-migrate`, the fields that managers read, in bytes and ms (qapi/migration.json, MigrationInfo), and the limit
 * in force (query-migrate-parameters). As stale as there: what is dirty and was not synced yet is not counted.
 */
export interface MigrateInfo {
  /** MigrationStatus. */
  readonly status: string;
  readonly totalTimeMs: number;
  readonly downtimeLimitMs: number;
  /** Absent in status `setup`, as in QEMU. */
  readonly ram?: {
    readonly totalBytes: number;
    readonly transferredBytes: number;
    readonly remainingBytes: number;
    readonly dirtySyncCount: number;
    /** Of the last period of more than a second that ended at a sync. */
    readonly dirtyPagesPerSecond: number;
    /** Of the last window, in 10^6 bits per second. */
    readonly mbps: number;
  };
  readonly expectedDowntimeMs?: number;
  /** From 11.1 on: devices included. */
  readonly remainingBytes?: number;
}

/** What one pass, or the last copy, sent. */
export interface RoundSent {
  readonly sentPages: number;
  readonly zeroPages: number;
  readonly sentBytes: number;
  readonly deviceBytes: number;
  readonly remainingPages: number;
  readonly remainingBytes: number;
  /** Of the last measured window; 0 while none has been. */
  readonly bandwidthBytesPerSecond: number;
  /** Of a pass that skips pages: how many. */
  readonly skippedPages?: number;
}

/** What one `sendMissing` sent, and how the guest fares that waits for it. */
export interface MissingSent {
  readonly sentPages: number;
  readonly zeroPages: number;
  readonly sentBytes: number;
  /** Not arrived yet; 0: the destination has everything. */
  readonly missingPages: number;
  /** Pages that a vCPU touched and waited for, since the destination runs. */
  readonly requestedPages: number;
  /** How long each vCPU has waited for pages since the destination runs, by its number. Left out by a driver that does not know. */
  readonly vcpuBlocktimeNs?: Readonly<Record<string, number>>;
  /** Once everything has arrived: pages that a model which knows the truth found wrong, overwritten ones included. */
  readonly lostPages?: number;
  readonly firstLostPages?: readonly number[];
}

/**
 * Each command's class, and its time limit in ms. QEMU and the kernel give none of these a limit (a SET is synchronous and
 * may take for ever), so every figure is a named default of this project: generous for what waits on hardware or on a
 * human's storage, and long for what waits on the link. A scenario overrides them under `deadlines`.
 */
export const COMMANDS: Readonly<Record<CommandName, { readonly class: CommandClass; readonly deadlineMs: number }>> = {
  stopVcpus: { class: 'repeatable', deadlineMs: 10_000 },
  resumeVcpus: { class: 'repeatable', deadlineMs: 10_000 },
  throttleVcpus: { class: 'repeatable', deadlineMs: 10_000 },
  limitVcpuDirtyRate: { class: 'repeatable', deadlineMs: 10_000 },
  setDeviceState: { class: 'queryable', deadlineMs: 30_000 },
  getDeviceState: { class: 'repeatable', deadlineMs: 10_000 },
  resetDevice: { class: 'repeatable', deadlineMs: 30_000 },
  notifyGuest: { class: 'repeatable', deadlineMs: 10_000 },
  haltDma: { class: 'repeatable', deadlineMs: 30_000 },
  confirmDmaHalted: { class: 'repeatable', deadlineMs: 10_000 },
  dirtyDmaPages: { class: 'repeatable', deadlineMs: 60_000 },
  resumeDma: { class: 'repeatable', deadlineMs: 30_000 },
  plugDevice: { class: 'queryable', deadlineMs: 30_000 },
  ejectDevice: { class: 'queryable', deadlineMs: 30_000 },
  removeDevice: { class: 'queryable', deadlineMs: 30_000 },
  startTracking: { class: 'queryable', deadlineMs: 30_000 },
  reportDirty: { class: 'consuming', deadlineMs: 30_000 },
  stopTracking: { class: 'repeatable', deadlineMs: 30_000 },
  startDirtyLog: { class: 'repeatable', deadlineMs: 30_000 },
  getDirtyLog: { class: 'consuming', deadlineMs: 30_000 },
  stopDirtyLog: { class: 'repeatable', deadlineMs: 30_000 },
  syncBitmap: { class: 'consuming', deadlineMs: 30_000 },
  queryDeviceSizes: { class: 'repeatable', deadlineMs: 10_000 },
  sendRound: { class: 'consuming', deadlineMs: 3_600_000 },
  haltRound: { class: 'repeatable', deadlineMs: 10_000 },
  setDowntimeLimit: { class: 'repeatable', deadlineMs: 10_000 },
  queryMigrate: { class: 'repeatable', deadlineMs: 10_000 },
  decide: { class: 'repeatable', deadlineMs: 10_000 },
  sendRemaining: { class: 'consuming', deadlineMs: 3_600_000 },
  sendDeviceState: { class: 'consuming', deadlineMs: 600_000 },
  discardDirty: { class: 'repeatable', deadlineMs: 60_000 },
  sendMissing: { class: 'repeatable', deadlineMs: 3_600_000 },
  reconnect: { class: 'repeatable', deadlineMs: 30_000 },
  compareReceived: { class: 'repeatable', deadlineMs: 60_000 },
  releaseStorage: { class: 'repeatable', deadlineMs: 30_000 },
  acquireStorage: { class: 'repeatable', deadlineMs: 30_000 },
  prepareDestination: { class: 'queryable', deadlineMs: 60_000 },
  loadDestination: { class: 'queryable', deadlineMs: 600_000 },
  startDestination: { class: 'queryable', deadlineMs: 60_000 },
  quitDestination: { class: 'repeatable', deadlineMs: 30_000 },
  queryDestination: { class: 'repeatable', deadlineMs: 10_000 },
  queryStorage: { class: 'repeatable', deadlineMs: 10_000 },
};

export type Done<N extends CommandName> = { readonly type: `DONE.${N}` } & Commands[N]['result'];
export type Failed<N extends CommandName> = { readonly type: `FAILED.${N}`; readonly errno: Errno };
/** The two events that can answer command `N`. */
export type Answer<N extends CommandName = CommandName> = N extends CommandName ? Done<N> | Failed<N> : never;
