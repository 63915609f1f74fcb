/**
 * The hardware of a run as commands change it: which devices its containers have now.
 *
 * A device counts from the moment when it is plugged, because it writes from then on, and no longer counts once the guest has
 * let it go (ejectDevice), because it writes no more. Read off the answers alone; it shares nothing with the charts.
 */
import type { Happening, PlannedContainer } from './happening.ts';

type Done = Extract<Happening, { kind: 'done' }>;

/** The device that this answer brought, or took away; undefined when it did neither. */
export function changeIn({ command, late }: Done): { readonly device: string; readonly came: boolean } | undefined {
  if (late || (command.name !== 'plugDevice' && command.name !== 'ejectDevice')) return undefined;
  return { device: command.params.device, came: command.name === 'plugDevice' };
}

/** The containers after a change; those that were described and never plugged do not count. */
export function changedContainers(
  containers: readonly PlannedContainer[],
  { device, came }: { readonly device: string; readonly came: boolean },
): readonly PlannedContainer[] {
  return containers.map((container) => {
    const { devices, pluggable = [] } = container;
    const from = came ? pluggable : devices;
    const moved = from.filter(({ id }) => id === device);
    if (moved.length === 0) return container;
    const left = from.filter(({ id }) => id !== device);
    return came
      ? { ...container, devices: [...devices, ...moved], pluggable: left }
      : { ...container, devices: left, pluggable: [...pluggable, ...moved] };
  });
}
