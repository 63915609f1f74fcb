/**
 * Who judges and who slows down: the rule of the vmm, functions of a user's own, shadows, managers and throttles. Published
 * waits of minutes are a few hundred ms here, so that each acts within the second or so that a run lasts; what a rule compares
 * stays what it is.
 */
import {
  isQemu,
  type LoopName,
  loop,
  type ManagerName,
  PUBLISHED_RULES,
  policies,
} from '../../../../machines/index.ts';
import { misfit } from '../../scenario/policy.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Chance } from './chance.ts';
import { OWN_POLICIES, type OwnPolicyName } from './own-policies.ts';
import type { Theme } from './themes.ts';

type Vmm = NonNullable<ScenarioInput['vmm']>;
type PolicyInput = NonNullable<Vmm['policy']>;
type ManagerInput = NonNullable<ScenarioInput['manager']>;
type ShadowInput = NonNullable<ScenarioInput['shadows']>[number];

export const MANAGERS: readonly ManagerName[] = [
  'libvirt',
  'nova',
  'kubevirt-legacy',
  'kubevirt-downtime-tuning',
  'kubevirt-stall',
  'ovirt-minimal-downtime',
  'ovirt-suspend-if-needed',
  'ovirt-post-copy',
  'vdsm-exponential',
  'proxmox',
];

export const THROTTLES = ['autoConverge', 'dirtyLimit', 'steppedThrottle'] as const;
export type ThrottleName = (typeof THROTTLES)[number];

/** Rules whose name alone is enough; `qemu` and `no-progress` are drawn everywhere. */
const RULES = ['qemu', 'no-progress', 'predictor', ...PUBLISHED_RULES] as const;
type RuleName = (typeof RULES)[number];

/** The throttle that this loop has, where the theme is about that; it takes seconds of virtual time. */
export function drawThrottleName(chance: Chance, theme: Theme, name: LoopName): ThrottleName | undefined {
  if (theme === 'rules') return !isQemu(name) && chance.percent(15) ? 'steppedThrottle' : undefined;
  if (theme !== 'managed' || !chance.percent(60)) return undefined;
  return chance.pick(loop(name).throttling.dirtyLimit ? ['autoConverge', 'dirtyLimit'] : ['autoConverge']);
}

export function drawManagerName(chance: Chance, theme: Theme, name: LoopName): ManagerName | undefined {
  if (!isQemu(name) || theme === 'helpers') return undefined;
  return chance.percent(theme === 'managed' ? 75 : 7) ? chance.pick(MANAGERS) : undefined;
}

/** A rule that fits the loop, with constants that come into play. */
export function drawPolicy(chance: Chance, theme: Theme, name: LoopName): PolicyInput {
  const fits = RULES.filter((rule) => misfit(rule, name) === undefined);
  // Those of QEMU run everywhere; each other one has its theme.
  const rule = theme === 'rules' ? chance.pick(fits) : drawOrdinary(chance, name, fits);
  return parametersOf(chance, rule) as PolicyInput;
}

function drawOrdinary(chance: Chance, name: LoopName, fits: readonly RuleName[]): RuleName {
  if (!isQemu(name) && name !== 'textbook') return chance.pick(fits);
  if (chance.percent(5)) return chance.pick(fits.filter((rule) => rule !== 'detach-reattach'));
  return chance.pick(['qemu', 'qemu', 'qemu', 'no-progress', 'no-progress']);
}

function parametersOf(chance: Chance, name: RuleName): unknown {
  const passes = () => chance.between(1, 4);
  switch (name) {
    case 'no-progress':
      return chance.percent(50) ? name : { name, shrink: '20%' };
    case 'xen-2004':
      return { name, passesMax: chance.pick([3, 29]), firstPace: '20MiB/s', paceStep: '10MiB/s', paceMax: '60MiB/s' };
    case 'xen-legacy':
      return { name, passesMax: chance.pick([3, 29]), memoryFactor: chance.pick([1, 3]) };
    case 'xen-now':
      return { name, passesMax: chance.pick([1, 2, 5]), fewPages: chance.pick([50, 400]) };
    case 'cloud-hypervisor':
      return {
        name,
        timeout: chance.pick(['50ms', '500ms', '1h']),
        timeoutStrategy: chance.pick(['cancel', 'ignore']),
      };
    case 'cloud-hypervisor-auto-converge':
      return {
        name,
        timeout: chance.pick(['500ms', '1h']),
        timeoutStrategy: chance.pick(['cancel', 'ignore']),
        afterPasses: passes(),
        everyPasses: passes(),
        step: '30%',
        window: chance.pick(['10ms', '100ms']),
      };
    case 'cloud-hypervisor-old':
      return { name, dirtyPassesMax: chance.between(0, 5) };
    case 'hyper-v':
      return { name, passesMax: chance.pick([1, 3, 10]) };
    case 'vmware-sdps':
      return { name, switchover: chance.pick(['2ms', '20ms', '1s']), step: '30%' };
    default:
      return name;
  }
}

/** Policies that are asked as the one that decides is, so that they can watch it; and functions. */
export function drawShadows(chance: Chance, theme: Theme, vmm: Pick<Vmm, 'loop' | 'policy'>): readonly ShadowInput[] {
  if (!chance.percent(theme === 'rules' ? 40 : 6)) return [];
  const { policy } = vmm;
  const decides = (typeof policy === 'object' && 'name' in policy ? policy.name : policy) as string;
  const asked = (rule: string) => [policies[rule]?.seesPasses === true, policies[rule]?.asksFirst === true].join();
  const able = RULES.filter(
    (rule) => misfit(rule, vmm.loop as LoopName) === undefined && asked(rule) === asked(decides),
  );
  return Array.from({ length: chance.between(1, 2) }, () => chance.pick(able));
}

/** In place of the rule that was drawn, and beside it. A throttle that comes with the rule goes with it. */
export function drawOwn(chance: Chance, theme: Theme): { own?: OwnPolicyName; ownShadows?: readonly OwnPolicyName[] } {
  const names = Object.keys(OWN_POLICIES) as OwnPolicyName[];
  const often = theme === 'rules';
  return {
    ...chance.perhaps(often ? 25 : 2, () => ({ own: chance.pick(names) })),
    ...chance.perhaps(often ? 15 : 2, () => ({ ownShadows: [chance.pick(names)] })),
  };
}

/** `postCopy`: the capability is on. */
export function drawManager(chance: Chance, policy: ManagerName, postCopy: boolean): ManagerInput {
  const poll = chance.pick(['10ms', '40ms']);
  const wait = () => chance.pick(['30ms', '150ms', '600ms']);
  const allowWorkloadDisruption = chance.percent(50);
  switch (policy) {
    case 'libvirt':
      return {
        policy,
        ...chance.perhaps(70, () => ({
          timeout: wait(),
          timeoutAction: postCopy && chance.percent(50) ? 'postcopy' : 'suspend',
        })),
        postCopyAfterPreCopy: postCopy && chance.percent(40),
        ...chance.perhaps(30, () => ({ maxDowntime: chance.pick(['5ms', '100ms']) })),
      };
    case 'nova':
      return {
        policy,
        poll,
        downtime: '100ms',
        downtimeSteps: 3,
        downtimeDelay: '3s',
        // Of each GiB, of which it counts two at least, in whole seconds; 0 is never.
        completionTimeout: chance.pick(['0ms', '500ms', '500ms', '500ms']),
        timeoutAction: chance.pick(['abort', 'force_complete']),
      };
    case 'kubevirt-legacy':
      return {
        policy,
        poll,
        completionTimeoutPerGb: wait(),
        progressTimeout: wait(),
        allowWorkloadDisruption,
        downtimeMax: chance.pick(['10ms', '1s']),
      };
    case 'kubevirt-downtime-tuning':
      return { policy, poll, initialDowntime: '2ms', downtimeMax: '60ms', steps: 3, interval: wait(), fromPass: 2 };
    case 'kubevirt-stall':
      return {
        policy,
        poll,
        initialDowntime: '2ms',
        downtimeMax: chance.pick(['5ms', '60ms']),
        stallWindow: '50ms',
        patience: '50ms',
        forcedDowntime: '2s',
        switchoverTimeout: chance.pick(['50ms', '2s']),
        allowWorkloadDisruption,
        completionTimeoutPerGb: chance.pick(['150ms', '2s', '2s']),
      };
    case 'ovirt-minimal-downtime':
    case 'ovirt-suspend-if-needed':
    case 'ovirt-post-copy':
      return chance.pick([
        { policy, poll, initialDowntime: '2ms', steps: ['3ms'], stepPasses: [1] },
        { policy, poll, initialDowntime: '2ms', steps: ['4ms', '8ms', '60ms'], stepPasses: [1, 2, 4] },
      ]);
    case 'vdsm-exponential':
      return {
        policy,
        poll,
        downtime: chance.pick(['20ms', '100ms']),
        steps: chance.pick([2, 4]),
        // Of each GiB, in whole seconds: of a small VM nothing, or a little.
        delay: chance.pick(['1s', '2000s']),
        maxTimePerGib: chance.pick(['0ms', '100s']),
        progressTimeout: wait(),
      };
    case 'proxmox':
      return {
        policy,
        poll: '50ms',
        nearPoll: '10ms',
        retryDelay: '50ms',
        initialDowntime: '2ms',
        growthCountMax: chance.pick([0, 2]),
        queryErrorsMax: chance.pick([0, 1, 5]),
      };
    default:
      return policy satisfies never;
  }
}

export function needsPostCopy(chance: Chance, policy: ManagerName): boolean {
  return policy === 'ovirt-post-copy' || chance.percent(35);
}

export function drawThrottle(chance: Chance, name: ThrottleName): Pick<Vmm, ThrottleName> {
  switch (name) {
    case 'autoConverge':
      return {
        autoConverge: {
          initial: chance.pick(['20%', '60%']),
          increment: chance.pick(['10%', '40%']),
          max: chance.pick(['70%', '99%']),
          tailslow: chance.percent(40),
          triggerThreshold: chance.pick(['10%', '50%']),
        },
      };
    case 'dirtyLimit':
      return {
        dirtyLimit: { vcpuDirtyLimit: chance.pick(['1MiB/s', '8MiB/s']), period: chance.pick(['50ms', '1s']) },
      };
    case 'steppedThrottle':
      return {
        steppedThrottle: {
          afterPasses: chance.between(1, 3),
          everyPasses: chance.between(1, 2),
          step: '30%',
          max: chance.pick(['50%', '99%']),
          window: chance.pick(['10ms', '100ms']),
        },
      };
    default:
      return name satisfies never;
  }
}
