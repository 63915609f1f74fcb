/**
 * A scenario as the rest of the library takes it: every default filled in, every quantity a number whose unit is the end
 * of its name, every list in its canonical order. Plain JSON, so it goes into the first record of a journal as it is.
 * What a person writes is `ScenarioInput` (schema.ts); `scenarioFrom` makes the one from the other.
 */
import type { RangeRule } from '../../../machines/iova-ranges.ts';
import type { LoopName } from '../../../machines/loops.ts';
import type { Outcome } from '../../../machines/messages.ts';
import type { CommandName, TrackerChoice } from '../../../machines/words.ts';
import type { OwnManagerRef, OwnPolicyRef } from '../policy/own-policy.ts';
import type { Device } from './devices/device.ts';
import type { ScenarioFault } from './faults.ts';
import type { Iommu } from './iommu.ts';
import type { Manager } from './manager.ts';
import type { Connections } from './multifd.ts';
import type { PublishedPolicy } from './policy.ts';
import type { Postcopy } from './postcopy.ts';
import type { Throttles } from './throttle.ts';
import type { Viommu } from './viommu.ts';
import type { Vm } from './vm.ts';

export type { Device } from './devices/device.ts';
export type { Vm } from './vm.ts';
export type { Workload } from './workloads/workload.ts';

/** KVM's dirty logs; `range-ring` is hypothetical: proposed in 2020, in no kernel. */
export const DIRTY_LOGS = ['bitmap', 'bitmap-manual', 'pml', 'ring', 'range-ring'] as const;
export type DirtyLog = (typeof DIRTY_LOGS)[number];

export const PAGE_SIZES_BYTES = [4096, 16_384, 65_536] as const;
export type PageSizeBytes = (typeof PAGE_SIZES_BYTES)[number];

/** What a leaf of an I/O page table can cover: powers of two from 4 KiB to 1 GiB, of which only AMD has every one. */
export const LEAVES_BYTES: readonly number[] = Array.from({ length: 19 }, (_, power) => 2 ** (12 + power));
export type LeafBytes = number;

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
  /** Who watches the vmm and turns its knobs. */
  readonly manager: { readonly policy: 'none' } | Manager | OwnManagerRef;
  /** Policies that watch and decide nothing; absent: none. */
  readonly shadows?: readonly VmmPolicy[];
  /** Of virtual time; after it the outcome is `unconverged`. */
  readonly giveUpAfterNs: number;
  /** The scenario's own operator cancels then; null: never. */
  readonly cancelAtNs: number | null;
  /** Or as soon as the record at this position is written, where a run has one; absent: not by a record. */
  readonly cancelAfterRecord?: number;
  /** Time limit of every command, in ms. */
  readonly deadlinesMs: Readonly<Record<CommandName, number>>;
  /** What goes wrong; absent: nothing. */
  readonly faults?: readonly ScenarioFault[];
  readonly expect: Expect;
  /** 0 to 2^32 - 1. */
  readonly seed: number;
  readonly checks: { readonly truth: 'bit' | 'versions' | 'both' };
}

/** A VFIO container: one IOMMU context and the devices in it. */
export interface Container {
  /** Its index unless named. */
  readonly id: string;
  readonly iommu: Iommu;
  /** The guest maps and unmaps for the devices by itself; absent: all of memory is mapped, address for address. */
  readonly viommu?: Viommu;
  /** Whose rule decides between the trackers; absent: QEMU's. */
  readonly trackerChoice?: TrackerChoice;
  readonly devices: readonly Device[];
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
  /** What a page's header and a zero page cost on the wire; absent: as the loop has it. */
  readonly wire?: { readonly pageHeaderBytes: number; readonly zeroPageBytes: number };
}

export interface Hosts {
  readonly source: { readonly stopVcpusNs: number; readonly resumeVcpusNs: number; readonly startDirtyLogNs: number };
  readonly destination: { readonly prepareNs: number; readonly loadNs: number; readonly resumeNs: number };
}

export interface Storage {
  readonly releaseNs: number;
  readonly acquireNs: number;
}

export interface Vmm extends Throttles, Connections {
  readonly loop: LoopName;
  readonly policy: VmmPolicy;
  readonly downtimeLimitMs: number;
  /** 0: no limit but the link. */
  readonly maxBandwidthBytesPerSecond: number;
  /** The capability postcopy-ram, and what the scenario's operator orders; absent: it is off. */
  readonly postcopy?: Postcopy;
  /** Of what post-copy pushes; absent: no limit but the link. */
  readonly maxPostcopyBandwidthBytesPerSecond?: number;
  /** 0: the last window is measured. */
  readonly availSwitchoverBandwidthBytesPerSecond: number;
  readonly switchoverAck: boolean;
  readonly enableMigration: 'auto' | 'on' | 'off';
  readonly pauseBeforeSwitchover: boolean;
  readonly afterSyncError: 'fail' | 'allDirty';
  /** What a device that logs is asked to watch; absent: as the loop's release does. */
  readonly ranges?: RangeRule;
}

/** The rule inside the vmm that ends pre-copy. */
export type VmmPolicy =
  | { readonly name: 'qemu' }
  /** Switch over when a sync found no fewer than (100 - shrinkPercent) % of what the sync before it found. */
  | { readonly name: 'no-progress'; readonly shrinkPercent: number }
  /** Switch over when the next copy, with its headers, would be over within the downtime limit. */
  | { readonly name: 'predictor' }
  /** Of another vmm, or a baseline, with its constants. */
  | PublishedPolicy
  /** A function or chart of the user's own. */
  | OwnPolicyRef;

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

/** Every device of a scenario, in order. */
export function devicesOf(scenario: Scenario): readonly Device[] {
  return scenario.containers.flatMap((container) => container.devices);
}
