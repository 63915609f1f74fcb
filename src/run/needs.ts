/**
 * What a set of charts asks of a driver, known before anything starts: every command that is in their tables. A driver that
 * cannot do one is refused with its name, not found out in the middle of a migration.
 */
import { chartsFor } from '../../machines/index.ts';
import type { OutputRoute } from '../../machines/messages.ts';
import { cooperatingDevices, type Plan } from '../../machines/plan.ts';
import type { CommandName } from '../../machines/words.ts';
import type { Driver } from '../drivers/driver.ts';

/** The charts of a policy never change. */
const neededBy = new Map<string, ReadonlySet<CommandName>>();

/** Every command that the charts of a run with this policy can give. */
export function commandsNeeded(policy: string, manager?: string): ReadonlySet<CommandName> {
  const key = `${policy}\n${manager ?? ''}`;
  const known = neededBy.get(key);
  if (known !== undefined) return known;
  const needed = new Set<CommandName>();
  neededBy.set(key, needed);
  for (const machine of Object.values(chartsFor(policy, manager))) {
    for (const action of Object.values(machine.implementations.actions)) {
      const { route } = action as { readonly route?: OutputRoute };
      if (route?.kind === 'command') needed.add(route.name);
    }
  }
  return needed;
}

const SIZES = ['initialBytes', 'dirtyBytes', 'stopCopyBytes'] as const;

/** Only asked for where a device's guest driver takes part. */
const COOPERATION: readonly CommandName[] = [
  'notifyGuest',
  'haltDma',
  'confirmDmaHalted',
  'dirtyDmaPages',
  'resumeDma',
];

/** Only asked for where the capability is on. */
const POST_COPY: readonly CommandName[] = ['discardDirty', 'sendMissing', 'reconnect', 'compareReceived'];

/** Only asked for where devices may come and go. */
const HOT_PLUG: readonly CommandName[] = ['plugDevice', 'ejectDevice', 'removeDevice'];

/** Only asked for where the vmm holds each vCPU to a quota. */
const DIRTY_LIMIT: readonly CommandName[] = ['limitVcpuDirtyRate'];

/** Only asked for where a manager turns knobs. */
const MANAGED: readonly CommandName[] = ['setDowntimeLimit', 'queryMigrate'];

/**
 * Throws when the driver cannot carry out what the charts may ask. A driver that does not offer to throttle does not
 * need the command for it: no policy of this version throttles. Nor need one reach the drivers of a guest that the plan
 * does not count on.
 */
export function requireCommands(driver: Driver, policy: string, plan?: Plan): void {
  if (driver.loop !== 'we')
    throw new Error(`driver "${driver.name}" runs the pre-copy loop itself, which is not in this version`);
  const unknown = SIZES.filter((size) => !driver.sizes.has(size));
  if (unknown.length > 0)
    throw new Error(`driver "${driver.name}" cannot say ${unknown.join(', ')} of a device, which the charts need`);
  const missing = [...commandsNeeded(policy, plan?.manager?.name)].filter((name) => {
    if (name === 'throttleVcpus' && !driver.verdicts.has('throttlePercent')) return false;
    if (COOPERATION.includes(name) && (plan === undefined || cooperatingDevices(plan).length === 0)) return false;
    if (POST_COPY.includes(name) && plan?.postCopy !== true) return false;
    if (MANAGED.includes(name) && plan?.manager === undefined) return false;
    if (HOT_PLUG.includes(name) && plan?.hotPlug !== true) return false;
    if (DIRTY_LIMIT.includes(name) && plan?.throttle?.rule !== 'dirty-limit') return false;
    return !driver.commands.has(name);
  });
  if (missing.length > 0)
    throw new Error(`driver "${driver.name}" cannot do ${missing.join(', ')}, which the charts need`);
}
