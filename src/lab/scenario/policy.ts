/**
 * The rule inside the vmm that ends pre-copy, by name, with whichever of its constants are to be others than the published
 * ones; which loops a rule fits; and what a rule brings with it. The keys follow from the parameters of its chart
 * (parameters.ts).
 */
import { z } from 'zod';
import {
  isQemu,
  LOOPS,
  type LoopName,
  loop,
  PUBLISHED_RULES,
  type PublishedRule,
  policies,
  publishedRules,
} from '../../../machines/index.ts';
import type { Plan } from '../../../machines/plan.ts';
import { quantity, section, word } from './leaf.ts';
import { normaliseOwn, type OwnPolicyInput, ownPolicySchema, printOwn, type ReadOwnPolicy } from './own-policies.ts';
import { keyOf, keysOf, printed, printParameters, readParameters, type Value } from './parameters.ts';
import type { Finding } from './phrase.ts';
import { finding } from './places.ts';
import { PERCENT, type PercentText } from './quantity.ts';
import type { Scenario, Vmm, VmmPolicy } from './scenario.ts';
import type { SteppedThrottle, Throttles } from './throttle.ts';

/** A published rule with all of its parameters. */
export type PublishedPolicy = { readonly name: PublishedRule } & { readonly [parameter: string]: Value };

/** What counts as progress unless the scenario says otherwise: this project's own figure. */
const NO_PROGRESS_SHRINK_PERCENT = 5;

const publishedSection = (name: PublishedRule) => section({ name: z.literal(name), ...keysOf(publishedRules[name]) });

export const policySchema = z.union([
  word(
    ['qemu', 'no-progress', 'predictor', ...PUBLISHED_RULES],
    "The rule inside the vmm that ends pre-copy; the loop's own by default.",
  ),
  z.discriminatedUnion('name', [
    section({ name: z.literal('qemu') }),
    section({
      name: z.literal('no-progress'),
      shrink: quantity<PercentText>(PERCENT, 'By how much a set must shrink to count as progress.').prefault('5%'),
    }),
    section({ name: z.literal('predictor') }),
    ...PUBLISHED_RULES.map(publishedSection),
  ]),
  ownPolicySchema,
]);

/** What a person writes. */
export type PolicyInput =
  | 'qemu'
  | 'no-progress'
  | 'predictor'
  | PublishedRule
  | { readonly name: 'qemu' | 'predictor' }
  | { readonly name: 'no-progress'; readonly shrink?: PercentText }
  | { readonly name: PublishedRule; readonly [key: string]: unknown }
  | OwnPolicyInput;

/** A rule of its own comes with a loop; QEMU's is the textbook's too. */
const RULE_OF: Readonly<Partial<Record<LoopName, PublishedRule>>> = {
  xen: 'xen-now',
  'cloud-hypervisor': 'cloud-hypervisor',
};

export function normalisePolicy(read: z.output<typeof policySchema> | undefined, name: LoopName): VmmPolicy {
  const said = read ?? RULE_OF[name] ?? 'qemu';
  const policy = typeof said === 'string' ? { name: said } : said;
  switch (policy.name) {
    case 'qemu':
    case 'predictor':
      return { name: policy.name };
    case 'no-progress': {
      const { shrink } = policy as { readonly shrink?: unknown };
      return { name: policy.name, shrinkPercent: typeof shrink === 'number' ? shrink : NO_PROGRESS_SHRINK_PERCENT };
    }
    case 'own':
      return normaliseOwn(policy as ReadOwnPolicy);
    default:
      return publishedPolicy(policy.name, policy);
  }
}

/** With its published constants, but for those that are said. */
export function publishedPolicy(name: PublishedRule, said: Readonly<Record<string, unknown>> = {}): PublishedPolicy {
  return { ...readParameters(publishedRules[name], said), name } as PublishedPolicy;
}

export function printPolicy(policy: VmmPolicy): PolicyInput {
  if (policy.name === 'qemu' || policy.name === 'predictor') return policy.name;
  if (policy.name === 'no-progress') return { name: policy.name, shrink: `${policy.shrinkPercent}%` };
  if (policy.name === 'own') return printOwn(policy);
  const { name, ...parameters } = policy;
  const particular = printParameters(publishedRules[name], parameters as Readonly<Record<string, Value>>);
  return Object.keys(particular).length === 0 ? name : { name, ...particular };
}

/** A throttle that the rule comes with; one that the scenario has in its place wins. */
export function throttleOfPolicy(policy: VmmPolicy): { readonly steppedThrottle?: SteppedThrottle } {
  const entry = policies[policy.name];
  const { name, ...parameters } = policy;
  const throttle = entry?.throttle?.(parameters as never);
  if (throttle === undefined) return {};
  const { windowMs, ...rest } = throttle;
  return { steppedThrottle: { ...rest, windowNs: windowMs * 1e6 } };
}

/** The throttles that the scenario has of its own. */
export function withoutThrottleOfPolicy(vmm: Vmm): Throttles {
  const { steppedThrottle, ...others } = vmm;
  const brought = throttleOfPolicy(vmm.policy).steppedThrottle;
  return JSON.stringify(steppedThrottle) === JSON.stringify(brought) ? others : vmm;
}

/** What the plan has of a rule, beside its name and its parameters. */
export function planRule(policy: VmmPolicy): Pick<Plan, 'rule'> {
  const entry = policies[policy.name];
  if (entry === undefined) return {};
  const { name, ...parameters } = policy;
  const pace = entry.firstPace?.(parameters as never);
  const rule = {
    ...(entry.seesPasses === true ? { seesPasses: true as const } : {}),
    ...(entry.asksFirst === true ? { asksFirst: true as const } : {}),
    ...(entry.skipsDirtied === true ? { skipsDirtied: true as const } : {}),
    ...(pace === undefined ? {} : { paceBytesPerSecond: pace }),
  };
  return Object.keys(rule).length === 0 ? {} : { rule };
}

export function downtimeLimitMsOf({ policy, downtimeLimitMs }: Vmm): number {
  const { name, ...parameters } = policy;
  return policies[name]?.downtimeLimit?.(parameters as never) ?? downtimeLimitMs;
}

/** Why a rule and a loop do not go together; undefined when they do. */
export function misfit(policy: string, name: LoopName): string | undefined {
  const fits = policies[policy]?.loops;
  if (fits === undefined || fits.includes(name)) return undefined;
  return `${policy} is no rule of ${name}: its passes end elsewhere, and it fits vmm.loop ${fits.join(' or ')}`;
}

/** Settings of QEMU that another vmm has not. */
const OF_QEMU = [
  'switchoverAck',
  'pauseBeforeSwitchover',
  'postcopy',
  'dirtyLimit',
  'multifd',
  'tls',
  'compression',
] as const;

export function checkPolicy(scenario: Scenario): readonly Finding[] {
  const { vmm } = scenario;
  const found: Finding[] = [];
  const no = misfit(vmm.policy.name, vmm.loop);
  if (no !== undefined) found.push(finding(['vmm', 'policy'], no));
  found.push(...checkParameters(vmm.policy));
  if (isQemu(vmm.loop) || vmm.loop === 'textbook') return found;
  for (const key of OF_QEMU) {
    const value = vmm[key];
    if (value !== undefined && value !== false)
      found.push(finding(['vmm', key], `is a setting of QEMU, which ${vmm.loop} has not`));
  }
  if (vmm.availSwitchoverBandwidthBytesPerSecond > 0)
    found.push(finding(['vmm', 'availSwitchoverBandwidth'], `is a setting of QEMU, which ${vmm.loop} has not`));
  return [...found, ...checkDevices(scenario)];
}

function checkParameters(policy: VmmPolicy): readonly Finding[] {
  const { name, ...parameters } = policy;
  const { least } = policies[name] ?? {};
  const found: Finding[] = [];
  for (const [parameter, value] of Object.entries(parameters)) {
    const lowest = (least as Readonly<Record<string, number>> | undefined)?.[parameter] ?? 0;
    const path = ['vmm', 'policy', keyOf(parameter)];
    if (typeof value === 'number' && value < lowest)
      found.push(finding(path, `must be ${printed(parameter, lowest)} or more`));
    else if (/(Count|Percent)$/.test(parameter) && name !== 'no-progress' && !Number.isInteger(value))
      found.push(finding(path, 'must be a whole number'));
    else if (parameter.endsWith('Percent') && name !== 'no-progress' && Number(value) > 99)
      found.push(finding(path, 'must be 99% or less: a vCPU that never runs never converges'));
  }
  return found;
}

/** What the loop's devices must be, as far as the scenario says it; the rest is a blocker of the migration itself. */
function checkDevices({ containers, vmm }: Scenario): readonly Finding[] {
  const { vfio } = loop(vmm.loop);
  return containers.flatMap(({ devices, iommu }, c) => {
    if (devices.length === 0) return [];
    if (!vfio.devices) {
      const able = LOOPS.filter((name) => loop(name).vfio.devices && !isQemu(name)).join(' or ');
      const message = `${vmm.loop} does not migrate VFIO devices (${able} does, and QEMU from 8.0 on)`;
      return [finding(['containers', c, 'devices'], message)];
    }
    if (vfio.needsLoggingAndIommufd !== true) return [];
    return iommu.kind === 'iommufd'
      ? []
      : [finding(['containers', c, 'iommu', 'kind'], `${vmm.loop} migrates devices behind iommufd only`)];
  });
}
