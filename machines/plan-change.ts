/**
 * A plan whose devices change: what it is afterwards, and why a change may not be.
 *
 * QEMU itself changes no devices while it migrates: device_add and device_del are refused (system/qdev-monitor.c,
 * qdev_device_add_from_qdict and qdev_unplug). A loop that takes a change must come out as a plan that could have been
 * started: what would block a start refuses the change (QEMU: a blocker cannot be added while a migration runs,
 * migration/migration.c, migrate_add_blocker).
 */
import { isQemu, loop } from './loops.ts';
import { blockers, cooperatingDevices, type Plan, type PlanContainer, type PlanDevice } from './plan.ts';

/** What an operator asks for. */
export interface DeviceChange {
  readonly to: 'plug' | 'unplug';
  readonly device: string;
}

/** The container that the change is about; undefined when no container has such a device where the change needs it. */
export function changingContainer(plan: Plan, { to, device }: DeviceChange): PlanContainer | undefined {
  const there = ({ devices, pluggable = [] }: PlanContainer) => (to === 'plug' ? pluggable : devices);
  return plan.containers.find((container) => there(container).some(({ id }) => id === device));
}

/** The plan afterwards. A device that went may come again. */
export function changedPlan(plan: Plan, { to, device }: DeviceChange): Plan {
  const without = (devices: readonly PlanDevice[]) => devices.filter(({ id }) => id !== device);
  const containers = plan.containers.map((container) => {
    const { devices, pluggable = [] } = container;
    const moved = (to === 'plug' ? pluggable : devices).filter(({ id }) => id === device);
    return to === 'plug'
      ? { ...container, devices: [...devices, ...moved], pluggable: without(pluggable) }
      : { ...container, devices: without(devices), pluggable: [...pluggable, ...moved] };
  });
  return { ...plan, containers };
}

/** Why the change may not be; undefined when it may. */
export function refusal(plan: Plan, change: DeviceChange): string | undefined {
  const { to, device } = change;
  if (loop(plan.loop).hotPlug === 'refuses') {
    const [order, source] =
      to === 'plug' ? ['device_add', 'qdev_device_add_from_qdict'] : ['device_del', 'qdev_unplug'];
    const where = isQemu(plan.loop) ? ` (QEMU, qdev-monitor.c, ${source})` : '';
    return `${plan.loop} refuses ${order} while a migration runs${where}`;
  }
  if (changingContainer(plan, change) === undefined) {
    const other = changingContainer(plan, { to: to === 'plug' ? 'unplug' : 'plug', device });
    if (other === undefined) return `no container has a device ${device}`;
    return to === 'plug' ? `${device} is plugged already` : `${device} is not plugged`;
  }
  const after = changedPlan(plan, change);
  const [blocker] = blockers(after);
  if (blocker !== undefined) return `the migration could not go on: ${blocker}`;
  const helping = (one: Plan) =>
    cooperatingDevices(one)
      .map(({ id }) => id)
      .join();
  if (helping(plan) !== helping(after))
    return `it would change which guest drivers take part (${helping(plan) || 'none'} before, ${helping(after) || 'none'} after), which is not modelled`;
  return undefined;
}
