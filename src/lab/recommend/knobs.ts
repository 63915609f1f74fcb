/**
 * Which constants of a policy are tried: its main knobs, a few values each, aimed at what was promised. The grid is small and
 * stated here, and is this project's own; the first setting of each policy is the one that is published, or the scenario's.
 *
 * A downtime limit is aimed at the promised downtime, at three quarters and at half of it: QEMU's limit is of the memory that is
 * left (migration/migration.c, migration_iteration_run), and devices, the last sync and the hand-over come on top.
 */
import { type Change, throttleIn } from '../trial/policy-choice.ts';
import type { GoalLimits } from './goals.ts';

/** Shares of the promised downtime. */
const AIMS = [1, 0.75, 0.5] as const;

/** Rules that end pre-copy without looking at the vmm's downtime limit. */
const HEEDLESS = new Set([
  'no-progress',
  'xen-2004',
  'xen-legacy',
  'xen-now',
  'cloud-hypervisor-old',
  'hyper-v',
  'stop-and-copy',
  'vgpu-unbounded',
]);

/** The key of each policy's own downtime limit, in the place of the vmm's. */
const OWN_LIMITS: Readonly<Record<string, string>> = {
  nova: 'manager.downtime',
  'kubevirt-downtime-tuning': 'manager.downtimeMax',
  'kubevirt-stall': 'manager.downtimeMax',
  'vdsm-exponential': 'manager.downtime',
  libvirt: 'manager.maxDowntime',
  proxmox: 'manager.initialDowntime',
  'ovirt-minimal-downtime': 'manager.steps',
  'ovirt-suspend-if-needed': 'manager.steps',
  'ovirt-post-copy': 'manager.steps',
  'vmware-sdps': 'vmm.policy',
};

/** oVirt's ladder up to its last step, which is aimed (its published one ends at 500 ms). */
const LADDER = [0.3, 0.4, 0.6, 0.8, 1] as const;

/** Of the last limit: 100 of 500 ms, 150 of 900 ms, 300 of 900 ms. */
const FIRST_LIMITS: Readonly<Record<string, number>> = {
  'ovirt-minimal-downtime': 1 / 5,
  'ovirt-suspend-if-needed': 1 / 5,
  'ovirt-post-copy': 1 / 5,
  'kubevirt-downtime-tuning': 1 / 6,
  'kubevirt-stall': 1 / 3,
};

export type Constants = readonly Change[];

/** Every combination for a policy that is one name, or several with a +; the first changes nothing. */
export function constantsOf(policy: string, limits: GoalLimits, capped: boolean): readonly Constants[] {
  const parts = policy.split('+');
  const knobs = [
    ...limitKnobs(parts, limits.maxDowntimeMs),
    ...timeKnobs(parts, limits.withinMs),
    ...throttleKnobs(parts, limits.maxSlowdownPercent),
    ...(capped ? [[[['vmm.maxBandwidth', 'unlimited']] satisfies Constants]] : []),
  ];
  let all: readonly Constants[] = [[]];
  for (const values of knobs) {
    const turned = values.flatMap((value) => all.map((constants) => [...constants, ...value]));
    all = [...all, ...turned];
  }
  return all;
}

function limitKnobs(parts: readonly string[], maxDowntimeMs: number | undefined): readonly (readonly Constants[])[] {
  if (maxDowntimeMs === undefined || parts.some((part) => HEEDLESS.has(part))) return [];
  const own = parts.flatMap((part) => OWN_LIMITS[part] ?? []);
  const [key = 'vmm.downtimeLimit'] = own;
  return [AIMS.map((aim) => limited(key, aim * maxDowntimeMs, parts))];
}

/** Whoever has a first limit of its own begins as far below the last one as its published constants do. */
function limited(key: string, ms: number, parts: readonly string[]): Constants {
  if (key === 'vmm.policy') return [[key, { name: 'vmware-sdps', switchover: wholeMs(ms) }]];
  const from = parts.flatMap((part) => FIRST_LIMITS[part] ?? []).map((share) => wholeMs(share * ms));
  const first: Constants = from.map((limit) => ['manager.initialDowntime', limit]);
  if (key !== 'manager.steps') return [...first, [key, wholeMs(ms)]];
  return [...first, [key, LADDER.map((share) => wholeMs(share * ms))]];
}

/** libvirt suspends the guest when its time is over: half of what was promised leaves as much for the rest. */
function timeKnobs(parts: readonly string[], withinMs: number | undefined): readonly (readonly Constants[])[] {
  if (withinMs === undefined || !parts.includes('libvirt')) return [];
  return [[[['manager.timeout', wholeMs(withinMs / 2)]]]];
}

/** vCPUs that never sleep for more than was promised; cpu-throttle-initial is 20 % by default. */
function throttleKnobs(parts: readonly string[], percent: number | undefined): readonly (readonly Constants[])[] {
  if (percent === undefined || percent < 1 || percent >= 99 || throttleIn(parts) !== 'auto-converge') return [];
  const max = Math.floor(percent);
  return [[[['vmm.autoConverge', { initial: `${Math.min(20, max)}%`, max: `${max}%` }]]]];
}

/** QEMU takes whole milliseconds, and 1 at least. */
function wholeMs(ms: number): string {
  return `${Math.max(1, Math.floor(ms))}ms`;
}
