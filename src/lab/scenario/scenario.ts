/**
 * A scenario as the rest of the library takes it: every default filled in, every quantity a number whose unit is the end
 * of its name, every list in its canonical order. Plain JSON, so it goes into the first record of a journal as it is.
 * What a person writes is `ScenarioInput` (schema.ts); `scenarioFrom` makes the one from the other.
 */
import type { LoopName } from '../../../machines/loops.ts';
import type { Outcome } from '../../../machines/messages.ts';
import type { CommandName, FeatureMask } from '../../../machines/words.ts';

/** KVM's dirty logs; `range-ring` is hypothetical: proposed in 2020, in no kernel. */
export const DIRTY_LOGS = ['bitmap', 'bitmap-manual', 'pml', 'ring', 'range-ring'] as const;
export type DirtyLog = (typeof DIRTY_LOGS)[number];

export const PAGE_SIZES_BYTES = [4096, 16_384, 65_536] as const;
export type PageSizeBytes = (typeof PAGE_SIZES_BYTES)[number];

/** What an IOMMU page table entry can cover: 4 KiB, 2 MiB, 1 GiB. */
export const LEAVES_BYTES = [4096, 2 ** 21, 2 ** 30] as const;
export type LeafBytes = (typeof LEAVES_BYTES)[number];

/** The feature words of a device, with their bits of `VFIO_MIGRATION_*`, include/uapi/linux/vfio.h. */
export const FEATURES = { 'stop-copy': 1, p2p: 2, 'pre-copy': 4 } as const;
export type Feature = keyof typeof FEATURES;

export interface Scenario {
  readonly name: string;
  /** Empty if the scenario has none. */
  readonly description: string;
  readonly vm: Vm;
  readonly containers: readonly Container[];
  readonly link: Link;
  readonly sender: Sender;
  readonly hosts: Hosts;
  readonly storage: Storage;
  readonly vmm: Vmm;
  readonly manager: { readonly policy: 'none' };
  /** Of virtual time; after it the outcome is `unconverged`. */
  readonly giveUpAfterNs: number;
  /** The scenario's own operator cancels then; null: never. */
  readonly cancelAtNs: number | null;
  /** Time limit of every command, in ms. */
  readonly deadlinesMs: Readonly<Record<CommandName, number>>;
  readonly expect: Expect;
  /** 0 to 2^32 - 1. */
  readonly seed: number;
  readonly checks: { readonly truth: 'bit' | 'versions' | 'both' };
}

export interface Vm {
  /** A whole number of pages. */
  readonly memoryBytes: number;
  readonly pageSizeBytes: PageSizeBytes;
  /** Memory that is not zero at the start, from address 0 up. */
  readonly nonZeroBytes: number;
  readonly vcpus: number;
  readonly dirtyLog: DirtyLog;
  /** What KVM's log costs the guest, and its options. Absent where the scenario has none: the log is free of charge. */
  readonly kvm?: Kvm;
  readonly workloads: readonly Workload[];
}

/** Options that a log does not have are kept and mean nothing. */
export interface Kvm {
  readonly faultNs: number;
  readonly exitNs: number;
  readonly harvestNs: number;
  /** Of `bitmap-manual`. */
  readonly initiallySet: boolean;
  readonly clearChunkBytes: number;
  /** Of `ring` and `range-ring`. */
  readonly ringEntries: number;
  readonly ringPml: boolean;
  readonly reapEveryNs: number;
  readonly backupBitmap: boolean;
  /** Of `range-ring`. */
  readonly heldBack: number;
}

/** What every workload but `idle` has: where its pages are, and which vCPUs write them. */
interface Writing {
  /** Size of the set of pages that it writes; the last page counts whole. */
  readonly setBytes: number;
  /** Where the set begins; a whole number of pages. */
  readonly atBytes: number;
  readonly vcpus: readonly number[];
}

/** One write touches one page; a rate given in bytes/s was divided by the page size. */
export type Workload =
  | { readonly kind: 'idle' }
  /** Each write goes to a page drawn uniformly from the set. */
  | ({ readonly kind: 'random'; readonly writesPerSecond: number } & Writing)
  /** Address order over the set, for ever; the first write is `phaseBytes` into the set. */
  | ({ readonly kind: 'cycle'; readonly writesPerSecond: number; readonly phaseBytes: number } & Writing)
  /** Address order over the set, once. */
  | ({ readonly kind: 'sequential'; readonly writesPerSecond: number } & Writing)
  /** Distinct pages written since the last look, against the time since then, as measured on a real VM. */
  | ({ readonly kind: 'curve'; readonly points: readonly CurvePoint[] } & Writing);

/**
 * Times rise strictly, pages never fall. Before the first point the line of the first two is carried back, not below 0 pages;
 * a curve of one point comes from (0, 0).
 */
export interface CurvePoint {
  readonly afterNs: number;
  readonly distinctPages: number;
}

/** A VFIO container: one IOMMU context and the devices in it. */
export interface Container {
  /** Its index unless named. */
  readonly id: string;
  readonly iommu: Iommu;
  readonly devices: readonly Device[];
}

export interface Iommu {
  readonly kind: 'iommufd' | 'type1' | 'none';
  /** The container reports that it can track (type1 migration capability, iommufd hardware tracking). */
  readonly dirtyTracking: boolean;
  /** Whose dirty bits; null unless `kind` is iommufd. */
  readonly hardware: 'amd' | 'intel' | 'smmuv3' | null;
  /** What one dirty bit covers. */
  readonly leafBytes: LeafBytes;
}

export type Device = NicDevice | VgpuDevice;

interface AnyDevice {
  readonly id: string;
  /** `VFIO_MIGRATION_*` bits. */
  readonly featureMask: FeatureMask;
  /** Null: the device cannot log its DMA. */
  readonly dmaLogging: { readonly maxRanges: number; readonly pageSizeBytes: number } | null;
  readonly state: DeviceStateSizes;
  readonly times: DeviceTimes;
}

export interface NicDevice extends AnyDevice {
  readonly kind: 'nic';
  /** Received data, written through a ring of buffers for ever; null: no traffic. */
  readonly dma: { readonly bytesPerSecond: number; readonly ringBytes: number; readonly atBytes: number } | null;
}

export interface VgpuDevice extends AnyDevice {
  readonly kind: 'vgpu';
  /** Memory in its page tables: reported dirty as a whole at every query. The last page counts whole. */
  readonly mappedBytes: number;
  /** Whether the mapped pages lie all over memory, or in one run from address 0. */
  readonly scattered: boolean;
}

/** What `VFIO_MIG_GET_PRECOPY_INFO` and `MIG_DATA_SIZE` are about. */
export interface DeviceStateSizes {
  readonly initialBytes: number;
  /** Growth of the pre-copy data that was already read and has changed since. */
  readonly dirtyBytesPerSecond: number;
  /** All that has to be sent if the device stopped now; `initialBytes` is part of it. */
  readonly stopCopyBytes: number;
}

/** How long the device takes to enter a state, to load its state on the destination, and to reset. */
export interface DeviceTimes {
  readonly preCopyNs: number;
  /** Entering RUNNING_P2P or PRE_COPY_P2P: the quiesce. */
  readonly p2pNs: number;
  readonly stopNs: number;
  readonly stopCopyNs: number;
  readonly resumingNs: number;
  readonly runNs: number;
  /** Resources on the destination, from the arrival of the initial data on: hidden by pre-copy with switchover-ack. */
  readonly loadInitialNs: number;
  readonly loadNs: number;
  readonly resetNs: number;
}

export interface Link {
  readonly bandwidthBytesPerSecond: number;
  readonly latencyNs: number;
}

/** What one thread of the sender and of the receiver takes, on top of the link. Costs may have a fraction. */
export interface Sender {
  /** Per page that is sent with its content. */
  readonly pageNs: number;
  /** Per page that is found to be zero. */
  readonly zeroPageNs: number;
  /** On the destination, per page that it receives for the first time. */
  readonly firstTouchNs: number;
  /** Per sync of the dirty bitmap. */
  readonly syncNs: number;
  /** Per sync and page of guest memory. */
  readonly syncPageNs: number;
}

export interface Hosts {
  readonly source: { readonly stopVcpusNs: number; readonly resumeVcpusNs: number; readonly startDirtyLogNs: number };
  readonly destination: { readonly prepareNs: number; readonly loadNs: number; readonly resumeNs: number };
}

export interface Storage {
  readonly releaseNs: number;
  readonly acquireNs: number;
}

export interface Vmm {
  readonly loop: LoopName;
  readonly policy: VmmPolicy;
  readonly downtimeLimitMs: number;
  /** 0: no limit but the link. */
  readonly maxBandwidthBytesPerSecond: number;
  /** 0: the last window is measured. */
  readonly availSwitchoverBandwidthBytesPerSecond: number;
  readonly switchoverAck: boolean;
  readonly enableMigration: 'auto' | 'on' | 'off';
  readonly pauseBeforeSwitchover: boolean;
  readonly afterSyncError: 'fail' | 'allDirty';
}

/** The rule inside the vmm that ends pre-copy. */
export type VmmPolicy =
  | { readonly name: 'qemu' }
  /** Switch over when a sync found no fewer than (100 - shrinkPercent) % of what the sync before it found. */
  | { readonly name: 'no-progress'; readonly shrinkPercent: number };

/** What the author says the run comes to; null: nothing is said. Bounds are inclusive. */
export interface Expect {
  readonly outcome: Outcome | null;
  readonly downtimeMs: Bounds;
  readonly totalMs: Bounds;
  readonly rounds: Bounds;
}

export interface Bounds {
  readonly min: number | null;
  readonly max: number | null;
}

/** Pages that `bytes` take: a page that is begun counts whole. */
export function pagesIn(bytes: number, pageSizeBytes: number): number {
  return Math.ceil(bytes / pageSizeBytes);
}

/** Every device of a scenario, in order. */
export function devicesOf(scenario: Scenario): readonly Device[] {
  return scenario.containers.flatMap((container) => container.devices);
}
