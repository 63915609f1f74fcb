/**
 * What a migration is started with, as its root chart sees it: the source's devices and containers, the vmm's settings.
 *
 * The plan is plain JSON and stands in the first record of a journal. `blockers` says why a plan may not even start, as
 * QEMU does before it leaves status none (hw/vfio/migration.c, migration/migration.c: migrate_add_blocker).
 */
import type { AutoConvergeParameters } from './convergence/auto-converge.ts';
import type { DirtyLimitParameters } from './convergence/dirty-limit.ts';
import type { SteppedThrottleParameters } from './convergence/stepped-throttle.ts';
import type { IovaSection, RangeRule } from './iova-ranges.ts';
import { isQemu, type LoopName, loop } from './loops.ts';
import {
  type CommandName,
  type DeviceStatesWay,
  type FeatureMask,
  type TrackerChoice,
  VFIO_MIGRATION_P2P,
  VFIO_MIGRATION_PRE_COPY,
} from './words.ts';

export interface PlanDevice {
  readonly id: string;
  readonly features: FeatureMask;
  /** The kernel's probe of DMA_LOGGING_START succeeded. */
  readonly logsDma: boolean;
  /**
   * The guest's driver halts the device's DMA when it is asked to and writes every page that it could have written. Absent:
   * nobody said anything about the driver, so it does not.
   */
  readonly cooperates?: boolean;
  /** The driver halts at every sync of pre-copy as well; absent: only before the switchover. */
  readonly haltsDuring?: 'precopy';
  /** QEMU's x-pre-copy-dirty-page-tracking; absent: on. Off: its container is not collected until the devices stop. */
  readonly preCopyDirtyTracking?: false;
}

export interface PlanContainer {
  readonly id: string;
  readonly iommuTracks: boolean;
  /** Whose rule decides between the trackers; absent: QEMU's. */
  readonly choice?: TrackerChoice;
  /** The IOMMU's dirty pages are type1's: what is mapped, or pinned for mediated devices. Absent: they are dirty bits. */
  readonly type1?: true;
  /** The guest maps and unmaps for these devices by itself; absent: all of RAM is mapped, address for address. */
  readonly viommu?: {
    /** I/O page numbers that the guest can map: what a device that logs is asked to watch. */
    readonly aperturePages: number;
  };
  readonly devices: readonly PlanDevice[];
  /** Described and not there yet: an operator may plug them while the migration runs. Absent: none. */
  readonly pluggable?: readonly PlanDevice[];
}

/** The one throttle of the vmm that is on; QEMU refuses two. */
export type PlanThrottle =
  | ({ readonly rule: 'auto-converge' } & AutoConvergeParameters)
  | ({ readonly rule: 'dirty-limit' } & DirtyLimitParameters)
  | ({ readonly rule: 'stepped-throttle' } & SteppedThrottleParameters);

export interface Plan {
  readonly loop: LoopName;
  readonly policy: {
    readonly name: string;
    readonly version: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  /** Who watches the vmm and turns its knobs; absent: nobody. */
  readonly manager?: {
    readonly name: string;
    readonly version: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  /** What the policy needs of pre-copy; absent: nothing but to be asked after each pass. */
  readonly rule?: {
    readonly seesPasses?: true;
    readonly asksFirst?: true;
    readonly skipsDirtied?: true;
    /** Of the first pass. */
    readonly paceBytesPerSecond?: number;
  };
  /** Policies that watch and do not decide, in the order of their addresses; absent: none. */
  readonly shadows?: readonly Plan['policy'][];
  readonly downtimeLimitMs: number;
  /** 0: measured. */
  readonly availSwitchoverBytesPerSecond: number;
  readonly switchoverAck: boolean;
  readonly pauseBeforeSwitchover: boolean;
  /** Device states travel over multifd's channels; absent: one after the other on the main channel. */
  readonly deviceStates?: DeviceStatesWay;
  /** QEMU's device property; `auto` blocks where no tracker is, `on` goes on with perpetual tracking. */
  readonly enableMigration: 'auto' | 'on' | 'off';
  readonly afterSyncError: 'fail' | 'allDirty';
  readonly giveUpAfterMs: number;
  /** The capability postcopy-ram is on, so that an operator may order post-copy. Absent: it is off. */
  readonly postCopy?: true;
  /** The vmm slows the guest down by itself; absent: it does not. */
  readonly throttle?: PlanThrottle;
  readonly pageBytes: number;
  readonly sections: readonly IovaSection[];
  /** What a device that logs is asked to watch; absent: as the loop's release does. */
  readonly ranges?: RangeRule;
  readonly containers: readonly PlanContainer[];
  /** Devices may come and go while the migration runs. Absent: nobody will ask for it. */
  readonly hotPlug?: true;
  readonly deadlinesMs: Partial<Readonly<Record<CommandName, number>>>;
}

/** A device with what the charts need of it. */
export interface PlannedDevice extends PlanDevice {
  readonly container: string;
  readonly p2p: boolean;
  readonly preCopy: boolean;
}

/** All devices of a plan, in order, with the features that this vmm's release uses. */
export function plannedDevices(plan: Plan): readonly PlannedDevice[] {
  const { vfio } = loop(plan.loop);
  return plan.containers.flatMap((container) =>
    container.devices.map((device) => ({
      ...device,
      container: container.id,
      p2p: vfio.p2p && (device.features & VFIO_MIGRATION_P2P) !== 0,
      preCopy: vfio.preCopy && (device.features & VFIO_MIGRATION_PRE_COPY) !== 0,
    })),
  );
}

/**
 * Devices whose guest driver takes part: those that nobody else can track, in a container where everyone who cannot log has
 * a driver that helps. An IOMMU that tracks needs no help.
 */
export function cooperatingDevices(plan: Plan): readonly PlannedDevice[] {
  const ids = plan.containers
    .filter(guestTracks)
    .flatMap((container) => container.devices.filter((device) => !device.logsDma).map((device) => device.id));
  return plannedDevices(plan).filter((device) => ids.includes(device.id));
}

/** The capability is on, and no device is there that could not wait for a page: one may have been plugged meanwhile. */
export function mayGoPostCopy(plan: Plan): boolean {
  return plan.postCopy === true && plannedDevices(plan).length === 0;
}

/** Why this plan may not start; empty when it may. */
export function blockers(plan: Plan): readonly string[] {
  const devices = plannedDevices(plan);
  const { vfio } = loop(plan.loop);
  const reasons: string[] = [];
  if (devices.length === 0) return reasons;
  if (!vfio.devices) {
    const first = isQemu(plan.loop) ? ' (qemu-8.0 is the first release that does)' : '';
    return [`${plan.loop} does not migrate VFIO devices${first}`];
  }
  // A device that is not to migrate is not asked what it can do (hw/vfio/migration.c, vfio_migration_realize).
  if (plan.enableMigration === 'off') return ['migration of VFIO devices is off (enable-migration=off)'];
  if (plan.postCopy === true) {
    reasons.push(
      `postcopy-ram and VFIO devices exclude each other: a device cannot wait for a page that is not there yet (hw/vfio/migration.c, vfio_save_prepare; QEMU refuses from 8.2 on), and the VM has ${devices.map(({ id }) => id).join(', ')}`,
    );
  }
  const withoutP2p = devices.filter((device) => !device.p2p).map((device) => device.id);
  if (devices.length > 1 && !vfio.p2p) {
    reasons.push(
      isQemu(plan.loop)
        ? `${plan.loop} migrates a single VFIO device (qemu-8.2 is the first release that migrates several)`
        : `${devices.length} VFIO devices need P2P states, which ${plan.loop} does not use: one could still write to another that is stopped`,
    );
  } else if (devices.length > 1 && withoutP2p.length > 0) {
    reasons.push(
      `${devices.length} VFIO devices need P2P states on every one, and ${withoutP2p.join(', ')} ${withoutP2p.length === 1 ? 'has' : 'have'} none: one could still write to another that is stopped`,
    );
  }
  for (const container of plan.containers) {
    reasons.push(...viommuBlockers(container, plan.loop), ...type1Blockers(container, plan));
    if (vfio.needsLoggingAndIommufd === true) reasons.push(...needsBlockers(container, plan.loop));
  }
  for (const container of plan.containers) {
    if (plan.enableMigration !== 'auto' || tracks(container)) continue;
    const cannot = container.devices.filter((device) => !device.logsDma).map((device) => device.id);
    reasons.push(
      `container ${container.id} has no dirty tracking: ${cannot.join(', ')} cannot log DMA${unhelped(container)} and the IOMMU cannot track (enable-migration=on goes on with all memory dirty for ever)`,
    );
  }
  return reasons;
}

function tracks(container: PlanContainer): boolean {
  return container.iommuTracks || logsItself(container) || guestTracks(container);
}

/** Those that cannot log have drivers that help, and nothing better tracks them. */
function guestTracks(container: PlanContainer): boolean {
  const cannot = container.devices.filter((device) => !device.logsDma);
  return !container.iommuTracks && cannot.length > 0 && cannot.every((device) => device.cooperates === true);
}

/** Whose guest driver was asked for and does not help. */
function unhelped({ devices }: PlanContainer): string {
  const alone = devices.filter((device) => !device.logsDma && device.cooperates === false).map((device) => device.id);
  if (alone.length === 0) return '';
  return `, the guest ${alone.length === 1 ? 'driver' : 'drivers'} of ${alone.join(', ')} ${alone.length === 1 ? 'does' : 'do'} not cooperate`;
}

/** Every device of the container logs, so that it would be its tracker. */
function logsItself(container: PlanContainer): boolean {
  if (container.choice === 'iommu-first' && container.iommuTracks) return false;
  return container.devices.every((device) => device.logsDma);
}

/** Pages whose bits fit into 256 MiB, the largest bitmap that type1 returns: drivers/vfio/vfio_iommu_type1.c. */
const TYPE1_PAGES_MAX = 2 ** 31;
/** Loops of the releases before the blocker (hw/vfio/migration.c, October 2025): there the sync fails instead. */
const BEFORE_TYPE1_BLOCKER: readonly LoopName[] = ['qemu-7.2', 'qemu-8.0', 'qemu-8.2', 'qemu-9.2'];

/** type1 answers an unmap or a query of the whole guest with one bitmap, and that has a limit: 8 TiB of 4 KiB pages. */
function type1Blockers(container: PlanContainer, plan: Plan): readonly string[] {
  const pages = plan.sections.reduce((sum, section) => sum + (section.of === 'ram' ? section.pages : 0), 0);
  if (container.type1 !== true || container.devices.length === 0 || logsItself(container)) return [];
  if (pages <= TYPE1_PAGES_MAX || BEFORE_TYPE1_BLOCKER.includes(plan.loop)) return [];
  return [
    `container ${container.id}: type1 returns bits for ${TYPE1_PAGES_MAX} pages at most, and the guest has ${pages}`,
  ];
}

/** Cloud Hypervisor, docs/vfio.md: the devices' own logs are its only trackers, and it asks for them through IOMMUFD. */
function needsBlockers({ id, type1, devices }: PlanContainer, name: LoopName): readonly string[] {
  const cannot = devices.filter(({ logsDma }) => !logsDma).map((device) => device.id);
  return [
    ...(cannot.length === 0 ? [] : [`${name} needs devices that log their own DMA, and ${cannot.join(', ')} cannot`]),
    ...(type1 === true ? [`${name} needs IOMMUFD, and container ${id} has type1`] : []),
  ];
}

/** With enable-migration=on the device does not even come up (vfio_migration_realize), so nothing migrates then either. */
function viommuBlockers(container: PlanContainer, name: LoopName): readonly string[] {
  if (container.viommu === undefined || container.devices.length === 0) return [];
  const { viommu } = loop(name);
  switch (viommu) {
    case 'allowed':
      return [];
    case 'blocks':
      return [
        `container ${container.id} is behind a vIOMMU, which ${name} does not migrate (qemu-11.1 is the first loop here that does, with the IOMMU as tracker)`,
      ];
    case 'blocks-device-logs':
      if (!logsItself(container)) return [];
      return [
        `container ${container.id} is behind a vIOMMU and its devices log their own DMA, which ${name} does not migrate (with dmaLogging off the IOMMU tracks)`,
      ];
    default:
      return viommu satisfies never;
  }
}
