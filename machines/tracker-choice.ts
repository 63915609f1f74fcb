/**
 * Who tracks for a container, and why, in words: what the chart of its choice (dirty-tracking.ts) decides and says.
 *
 * Pure functions over what the chart remembers. They refuse nothing: the guards of the chart decide, and these say whom a
 * decision names. Source: QEMU, hw/vfio/container.c, vfio_container_devices_dirty_tracking_is_supported.
 */
import { type IovaSection, overTrackedPages, type RangeRule } from './iova-ranges.ts';
import type { Tracker, TrackerChoice } from './words.ts';

export interface TrackedDevice {
  readonly id: string;
  readonly logsDma: boolean;
  /** The guest's driver makes what the device wrote known to KVM's log. */
  readonly cooperates?: boolean;
}

export interface TrackingInput {
  /** The container's name. */
  readonly tracking: string;
  readonly devices: readonly TrackedDevice[];
  readonly iommuTracks: boolean;
  /** Absent: QEMU's rule. */
  readonly choice?: TrackerChoice;
  readonly sections: readonly IovaSection[];
  readonly ranges: RangeRule;
  readonly pageBytes: number;
  /** `when-stopped`: a device of it has x-pre-copy-dirty-page-tracking=off. Absent: at every sync. */
  readonly collects?: 'when-stopped';
}

/** What a container's chart is told when its devices change. */
export interface ChangedDevices {
  readonly devices: readonly TrackedDevice[];
  readonly collects: 'when-stopped' | 'always';
  /** A device came: what it wrote before its tracker was started, nobody knows. */
  readonly joined: boolean;
  /** What changed, in words: `nic1 was plugged`. */
  readonly news: string;
}

interface Choosing extends TrackingInput {
  readonly tracker: Tracker;
}

/** Who is to be on, in order: each device, or the container's IOMMU, or nobody. */
export function members(container: Choosing): readonly string[] {
  if (container.tracker === 'device') return container.devices.map((device) => device.id);
  const logging = container.devices.filter(({ logsDma }) => logsDma).map(({ id }) => id);
  if (container.tracker === 'guest') return logging;
  if (container.tracker === 'per-device') return [...logging, 'iommu'];
  return container.tracker === 'iommu' ? ['iommu'] : [];
}

/** Those of the members that are not on yet. */
export function missing(container: Choosing & { readonly started: readonly string[] }): readonly string[] {
  return members(container).filter((member) => !container.started.includes(member));
}

/** Those that are on and are no members any more. */
export function surplus(container: Choosing & { readonly started: readonly string[] }): readonly string[] {
  const wanted = members(container);
  return container.started.filter((member) => !wanted.includes(member));
}

export function reason(container: TrackingInput, tracker: Tracker): string {
  const cannot = container.devices.filter((device) => !device.logsDma).map((device) => device.id);
  if (tracker === 'device') return `every device of the container logs its DMA${overTracked(container)}`;
  if (tracker === 'iommu' && container.choice === 'iommu-first') return 'the IOMMU tracks, and it is asked first';
  const without = `${cannot.join(', ')} cannot log DMA`;
  if (tracker === 'per-device') return `${without}: the IOMMU tracks for them, the others log their own`;
  if (tracker === 'iommu') return `${without}, the IOMMU tracks`;
  if (tracker === 'guest') return `${without}, the guest halts their DMA and writes their pages itself`;
  return `${without} and the IOMMU cannot track: all mapped memory is dirty at every sync`;
}

/** What wide ranges cost: memory that a device is asked to watch and that is mapped nowhere. */
function overTracked({ sections, ranges, pageBytes }: TrackingInput): string {
  const bytes = overTrackedPages(sections, ranges, pageBytes) * pageBytes;
  return bytes <= 0 ? '' : `; its ranges span ${bytes / 2 ** 20} MiB more than is mapped`;
}
