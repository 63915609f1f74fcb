/**
 * The manager of a scenario: its policy by name, and whichever of its constants are to be others than the published ones.
 *
 * The keys follow from the parameters of the manager's chart (parameters.ts). Whatever is not said is as the manager's source
 * has it.
 */
import { z } from 'zod';
import { isQemu, type ManagerName, managers } from '../../../machines/index.ts';
import { managerRef } from '../policy/own-policy.ts';
import { section } from './leaf.ts';
import { normaliseOwn, type OwnPolicyInput, ownPolicySchema, printOwn, type ReadOwnPolicy } from './own-policies.ts';
import { keyOf, keysOf, printed, printParameters, readParameters, type Value } from './parameters.ts';
import type { Finding } from './phrase.ts';
import { finding } from './places.ts';
import type { Scenario } from './scenario.ts';

/** Everything that the manager goes by, the defaults filled in. */
export interface Manager {
  readonly policy: ManagerName;
  readonly parameters: Readonly<Record<string, Value>>;
}

/** QEMU refuses a `downtime-limit` above 2000 s: `migrate_params_check`, migration/options.c. */
const DOWNTIME_LIMIT_MAX_MS = 2_000_000;

const NAMES = Object.keys(managers) as ManagerName[];

function sectionOf(name: ManagerName) {
  return section({ policy: z.literal(name), ...keysOf(managers[name]) });
}

export const managerSchema = z
  .union([
    z.discriminatedUnion('policy', [section({ policy: z.literal('none') }), ...NAMES.map(sectionOf)]),
    ownPolicySchema,
  ])
  .prefault({ policy: 'none' });

/** What a person writes. */
export type ManagerInput =
  | { readonly policy: 'none' }
  | OwnPolicyInput
  | { readonly policy: ManagerName; readonly [key: string]: unknown };

export function normaliseManager(read: unknown): Scenario['manager'] {
  if ((read as { name?: unknown }).name === 'own') return managerRef(normaliseOwn(read as ReadOwnPolicy));
  const { policy, ...said } = read as { policy: ManagerName | 'none' } & Record<string, unknown>;
  if (policy === 'none') return { policy };
  return { policy, parameters: readParameters(managers[policy], said) };
}

/** Only what is not the default, so that a printed scenario says what is particular. */
export function printManager(manager: Scenario['manager']): ManagerInput {
  if (manager.policy === 'none') return manager;
  if (manager.policy === 'own') return printOwn(manager);
  return { policy: manager.policy, ...printParameters(managers[manager.policy], manager.parameters) };
}

export function checkManager(scenario: Scenario): readonly Finding[] {
  const { manager, vmm } = scenario;
  if (manager.policy === 'none') return [];
  const found: Finding[] = [];
  if (!isQemu(vmm.loop)) {
    const whose = vmm.loop === 'textbook' ? "the textbook's loop is none" : `these ask QEMU, which ${vmm.loop} is not`;
    const message = `a manager watches a vmm that can be asked, and ${whose} (qemu-10.2 is one)`;
    found.push(finding(['manager', 'policy'], message));
  }
  if (manager.policy === 'own') return found;
  const entry = managers[manager.policy];
  for (const [parameter, value] of Object.entries(manager.parameters)) {
    const path = ['manager', keyOf(parameter)];
    const least = entry.least?.[parameter] ?? 0;
    const limits = typeof value === 'object' ? value : [value];
    if (limits.some((one) => typeof one === 'number' && one < least)) {
      found.push(finding(path, `must be ${printed(parameter, least)} or more`));
    } else if (
      /downtime.*Ms$|^stepsMs$/i.test(parameter) &&
      parameter !== 'downtimeDelayMs' &&
      limits.some(isNoLimit)
    ) {
      found.push(finding(path, 'QEMU takes whole milliseconds up to 2000s as a downtime limit'));
    } else if (parameter.endsWith('Count') && !Number.isInteger(value)) {
      found.push(finding(path, 'must be a whole number'));
    }
  }
  if (vmm.postcopy === undefined && entry.needsPostCopy?.(manager.parameters) === true) {
    found.push(finding(['manager', 'policy'], `${manager.policy} starts post-copy, which needs vmm.postcopy: true`));
  }
  const suspends = entry.maySuspend?.(manager.parameters, vmm.postcopy !== undefined) === true;
  if (suspends && scenario.containers.some(({ devices }) => devices.some(({ kind }) => kind === 'guest-cooperative'))) {
    const message = `${manager.policy} may suspend the guest, whose drivers must run to halt the DMA of its guest-cooperative devices`;
    found.push(finding(['manager', 'policy'], message));
  }
  return found;
}

function isNoLimit(value: number | boolean | string): boolean {
  return typeof value === 'number' && !(Number.isInteger(value) && value <= DOWNTIME_LIMIT_MAX_MS);
}
