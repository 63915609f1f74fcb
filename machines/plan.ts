/**
 * What a migration is started with, as its root chart sees it: the source's devices and containers, the vmm's settings.
 *
 * The plan is plain JSON and stands in the first record of a journal. `blockers` says why a plan may not even start, as
 * QEMU does before it leaves status none (hw/vfio/migration.c, migration/migration.c: migrate_add_blocker).
 */
import type { IovaSection } from './iova-ranges.ts';
import { type LoopName, loop } from './loops.ts';
import { type CommandName, type FeatureMask, VFIO_MIGRATION_P2P, VFIO_MIGRATION_PRE_COPY } from './words.ts';

export interface PlanDevice {
  readonly id: string;
  readonly features: FeatureMask;
  /** The kernel's probe of DMA_LOGGING_START succeeded. */
  readonly logsDma: boolean;
}

export interface PlanContainer {
  readonly id: string;
  readonly iommuTracks: boolean;
  readonly devices: readonly PlanDevice[];
}

export interface Plan {
  readonly loop: LoopName;
  readonly policy: {
    readonly name: string;
    readonly version: string;
    readonly parameters: Readonly<Record<string, unknown>>;
  };
  readonly downtimeLimitMs: number;
  /** 0: measured. */
  readonly availSwitchoverBytesPerSecond: number;
  readonly switchoverAck: boolean;
  readonly pauseBeforeSwitchover: boolean;
  /** QEMU's device property; `auto` blocks where no tracker is, `on` goes on with perpetual tracking. */
  readonly enableMigration: 'auto' | 'on' | 'off';
  readonly afterSyncError: 'fail' | 'allDirty';
  readonly giveUpAfterMs: number;
  readonly pageBytes: number;
  readonly sections: readonly IovaSection[];
  readonly containers: readonly PlanContainer[];
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

/** Why this plan may not start; empty when it may. */
export function blockers(plan: Plan): readonly string[] {
  const devices = plannedDevices(plan);
  const { vfio } = loop(plan.loop);
  const reasons: string[] = [];
  if (devices.length === 0) return reasons;
  if (!vfio.devices) return [`${plan.loop} does not migrate VFIO devices (qemu-8.0 is the first release that does)`];
  // A device that is not to migrate is not asked what it can do (hw/vfio/migration.c, vfio_migration_realize).
  if (plan.enableMigration === 'off') return ['migration of VFIO devices is off (enable-migration=off)'];
  const withoutP2p = devices.filter((device) => !device.p2p).map((device) => device.id);
  if (devices.length > 1 && !vfio.p2p) {
    reasons.push(`${plan.loop} migrates a single VFIO device (qemu-8.2 is the first release that migrates several)`);
  } else if (devices.length > 1 && withoutP2p.length > 0) {
    reasons.push(
      `${devices.length} VFIO devices need P2P states on every one, and ${withoutP2p.join(', ')} ${withoutP2p.length === 1 ? 'has' : 'have'} none: one could still write to another that is stopped`,
    );
  }
  for (const container of plan.containers) {
    if (plan.enableMigration !== 'auto' || tracks(container)) continue;
    const cannot = container.devices.filter((device) => !device.logsDma).map((device) => device.id);
    reasons.push(
      `container ${container.id} has no dirty tracking: ${cannot.join(', ')} cannot log DMA and the IOMMU cannot track (enable-migration=on goes on with all memory dirty for ever)`,
    );
  }
  return reasons;
}

function tracks(container: PlanContainer): boolean {
  return container.iommuTracks || container.devices.every((device) => device.logsDma);
}
