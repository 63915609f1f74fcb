/**
 * The gallery: every chart, importable by itself. Read `migration` first; the README beside this file shows how to read
 * a chart.
 */
import type { AnyStateMachine } from 'xstate';
import { autoConverge } from './convergence/auto-converge.ts';
import type { PolicyEntry } from './convergence/contract.ts';
import { dirtyLimit } from './convergence/dirty-limit.ts';
import { managerNamed, managers } from './convergence/managers.ts';
import { noProgress, noProgressPolicy } from './convergence/no-progress.ts';
import { ownPolicy, ownPolicyEntry } from './convergence/own-policy.ts';
import { predictor, predictorPolicy } from './convergence/predictor.ts';
import { qemu, qemuPolicy } from './convergence/qemu.ts';
import { publishedRules } from './convergence/rules.ts';
import { steppedThrottle } from './convergence/stepped-throttle.ts';
import { destination } from './destination.ts';
import { deviceControl } from './device-control.ts';
import { dirtyLog } from './dirty-log.ts';
import { dirtyTracking } from './dirty-tracking.ts';
import { guest } from './guest.ts';
import { guestDriver } from './guest-driver.ts';
import { hotPlug } from './hot-plug.ts';
import { inDoubt } from './in-doubt.ts';
import type { Kind } from './messages.ts';
import { migration } from './migration.ts';
import { observed } from './observed.ts';
import { postCopy } from './post-copy.ts';
import { preCopy } from './pre-copy.ts';
import { rollBack } from './roll-back.ts';
import { stopAndCopy } from './stop-and-copy.ts';
import { vfioDevice } from './vfio-device.ts';

export * from './convergence/contract.ts';
export * from './convergence/manager.ts';
export { type ManagerName, managerNamed, managers } from './convergence/managers.ts';
export { type OwnPolicyParameters, ownPolicy, ownPolicyEntry } from './convergence/own-policy.ts';
export { PUBLISHED_RULES, type PublishedRule, publishedRules } from './convergence/rules.ts';
export { shadowOf } from './convergence/shadow.ts';
export { THROTTLES, type ThrottleEntry, type ThrottleName, throttles } from './convergence/throttles.ts';
export * from './deadlines.ts';
export * from './iova-ranges.ts';
export * from './loops.ts';
export * from './messages.ts';
export { leadsTo, OBSERVED_STATUSES, type ObservedRam, type ObservedStatus, STATUS_ARCS } from './observed.ts';
export * from './plan.ts';
export * from './plan-change.ts';
export { roundEnds, type Window } from './pre-copy.ts';
export * from './unmap-order.ts';
export * from './words.ts';
export {
  autoConverge,
  destination,
  deviceControl,
  dirtyLimit,
  dirtyLog,
  dirtyTracking,
  guest,
  guestDriver,
  hotPlug,
  inDoubt,
  migration,
  noProgress,
  observed,
  postCopy,
  preCopy,
  predictor,
  qemu,
  rollBack,
  steppedThrottle,
  stopAndCopy,
  vfioDevice,
};

/** Every chart by the name that `switchover draw` takes. */
export const machines: Readonly<Record<string, AnyStateMachine>> = {
  migration,
  'pre-copy': preCopy,
  'stop-and-copy': stopAndCopy,
  'post-copy': postCopy,
  'roll-back': rollBack,
  'in-doubt': inDoubt,
  destination,
  guest,
  'dirty-log': dirtyLog,
  'dirty-tracking': dirtyTracking,
  'device-control': deviceControl,
  'guest-driver': guestDriver,
  'hot-plug': hotPlug,
  'vfio-device': vfioDevice,
  observed,
  'auto-converge': autoConverge,
  'dirty-limit': dirtyLimit,
  'stepped-throttle': steppedThrottle,
  'convergence-qemu': qemu,
  'convergence-no-progress': noProgress,
  'convergence-predictor': predictor,
  'convergence-own-policy': ownPolicy,
  ...Object.fromEntries(Object.values(publishedRules).map(({ name, machine }) => [`convergence-${name}`, machine])),
  ...Object.fromEntries(Object.values(managers).map(({ name, machine }) => [`manager-${name}`, machine])),
};

/** Every policy that can be named in a scenario. */
export const policies: Readonly<Record<string, PolicyEntry<never>>> = {
  qemu: qemuPolicy as PolicyEntry<never>,
  'no-progress': noProgressPolicy as PolicyEntry<never>,
  predictor: predictorPolicy as PolicyEntry<never>,
  ...(publishedRules as Readonly<Record<string, PolicyEntry<never>>>),
  'own-policy': ownPolicyEntry as PolicyEntry<never>,
};

/** Charts by kind of address; a run without a manager has none for it, and a shadow's is the policy's that it names. */
export type Charts = Readonly<
  Record<Exclude<Kind, 'manager' | 'shadow' | 'observed'>, AnyStateMachine> & { manager?: AnyStateMachine }
>;

/** The charts of one migration by kind of address, with the policy that it runs and the manager that watches it. */
export function chartsFor(policy: string, manager?: string): Charts {
  const entry = policies[policy];
  if (entry === undefined) throw new Error(`no policy "${policy}"; there are ${Object.keys(policies).join(', ')}`);
  return {
    migration,
    'pre-copy': preCopy,
    'stop-and-copy': stopAndCopy,
    'post-copy': postCopy,
    'roll-back': rollBack,
    'in-doubt': inDoubt,
    destination,
    guest,
    'dirty-log': dirtyLog,
    tracking: dirtyTracking,
    device: deviceControl,
    'guest-driver': guestDriver,
    'hot-plug': hotPlug,
    vfio: vfioDevice,
    policy: entry.machine,
    ...(manager === undefined ? {} : { manager: managerNamed(manager).machine }),
    'auto-converge': autoConverge,
    'dirty-limit': dirtyLimit,
    'stepped-throttle': steppedThrottle,
  };
}
