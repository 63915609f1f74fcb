/**
 * The baseline detach-reattach: what is migrated of a scenario whose devices are unplugged before and plugged again after, and
 * how long they serve nobody. Neither end is part of the migration, which therefore has no devices, no trackers and no blockers.
 */
import type { Outcome } from '../../machines/messages.ts';
import type { DeviceReport } from './report/report.ts';
import type { Finding } from './scenario/phrase.ts';
import { finding } from './scenario/places.ts';
import type { Device, Scenario } from './scenario/scenario.ts';

const isDetached = ({ vmm }: Pick<Scenario, 'vmm'>): boolean => vmm.policy.name === 'detach-reattach';

/** The scenario as its migration sees it. */
export function asMigrated(scenario: Scenario): Scenario {
  return isDetached(scenario) ? { ...scenario, containers: [] } : scenario;
}

/**
 * Of a device that was not there during the migration: it serves nobody from the unplug on, while the migration runs, and until
 * it is plugged again. Undefined: it is there as any other.
 */
export function detachedReport(
  { id, kind }: Device,
  { vmm }: Scenario,
  { outcome, totalMs }: { readonly outcome: Outcome; readonly totalMs: number },
): DeviceReport | undefined {
  if (vmm.policy.name !== 'detach-reattach') return undefined;
  const { unplugMs, plugMs } = vmm.policy as unknown as { readonly unplugMs: number; readonly plugMs: number };
  return { id, kind, serviceDowntimeMs: outcome === 'completed' ? unplugMs + totalMs + plugMs : null, stateBytes: 0 };
}

/** A device that comes or goes in the middle cannot be away from the beginning to the end. */
export function checkDetached(scenario: Scenario): readonly Finding[] {
  if (!isDetached(scenario)) return [];
  return scenario.containers.flatMap(({ devices }, c) =>
    devices.flatMap(({ pluggedAtNs, unpluggedAtNs }, d) => {
      const key = pluggedAtNs === undefined ? 'unpluggedAt' : 'pluggedAt';
      if (pluggedAtNs === undefined && unpluggedAtNs === undefined) return [];
      const message = 'under vmm.policy: detach-reattach all devices are away while the migration runs';
      return [finding(['containers', c, 'devices', d, key], message)];
    }),
  );
}
