/**
 * The manager of a scenario: its policy by name, and whichever of its constants are to be others than the published ones.
 *
 * The keys follow from the parameters of the manager's chart: `pollMs` is written `poll: 500ms`, `downtimeStepsCount` is
 * `downtimeSteps: 10`, `stallPercent` is `stall: 4%`, a list of `...Ms` is a list of durations. Whatever is not said is as
 * the manager's source has it.
 */
import { z } from 'zod';
import { type ManagerName, managers } from '../../../machines/index.ts';
import { leaf, quantity, section, truth, word } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding } from './places.ts';
import { PERCENT, type PercentText } from './quantity.ts';
import type { Scenario } from './scenario.ts';
import { duration, printDuration } from './values.ts';

type Value = number | boolean | string | readonly number[];

/** Everything that the manager goes by, the defaults filled in. */
export interface Manager {
  readonly policy: ManagerName;
  readonly parameters: Readonly<Record<string, Value>>;
}

/** QEMU refuses a `downtime-limit` above 2000 s: `migrate_params_check`, migration/options.c. */
const DOWNTIME_LIMIT_MAX_MS = 2_000_000;

const NAMES = Object.keys(managers) as ManagerName[];

/** `pollMs` -> `poll`. */
function keyOf(parameter: string): string {
  return parameter.replace(/(Ms|Percent|Count)$/, '');
}

const number = (description: string) =>
  leaf<number, number>({
    expected: 'a number',
    example: '10',
    json: { type: 'number', minimum: 0 },
    description,
    read: (input) =>
      typeof input === 'number' && Number.isFinite(input) && input >= 0 ? { value: input } : { hint: null },
  });

function leafOf(name: ManagerName, parameter: string) {
  const { defaults, parameters, words } = managers[name];
  const description = `${parameters[parameter]} Default ${printed(parameter, defaults[parameter] as Value)}.`;
  const value = defaults[parameter] as Value;
  if (typeof value === 'boolean') return truth(description);
  if (typeof value === 'string') return word(words?.[parameter] ?? [], description);
  if (typeof value === 'object') return z.array(duration('A downtime limit.')).min(1).describe(description);
  if (parameter.endsWith('Percent')) return quantity<PercentText>(PERCENT, description);
  return parameter.endsWith('Ms') ? duration(description) : number(description);
}

function sectionOf(name: ManagerName) {
  const keys = Object.keys(managers[name].defaults).map((parameter) => [
    keyOf(parameter),
    leafOf(name, parameter).optional(),
  ]);
  return section({ policy: z.literal(name), ...(Object.fromEntries(keys) as Readonly<Record<string, z.ZodType>>) });
}

export const managerSchema = z
  .discriminatedUnion('policy', [section({ policy: z.literal('none') }), ...NAMES.map(sectionOf)])
  .prefault({ policy: 'none' });

/** What a person writes. */
export type ManagerInput =
  | { readonly policy: 'none' }
  | { readonly policy: ManagerName; readonly [key: string]: unknown };

export function normaliseManager(read: unknown): Scenario['manager'] {
  const { policy, ...said } = read as { policy: ManagerName | 'none' } & Record<string, unknown>;
  if (policy === 'none') return { policy };
  const { defaults } = managers[policy];
  const parameters = Object.entries(defaults).map(([parameter, value]) => {
    const one = said[keyOf(parameter)];
    return [parameter, one === undefined ? value : inUnit(parameter, one as Value)];
  });
  return { policy, parameters: Object.fromEntries(parameters) as Manager['parameters'] };
}

/** Durations are read in ns. */
function inUnit(parameter: string, value: Value): Value {
  if (!parameter.endsWith('Ms')) return value;
  return typeof value === 'object' ? value.map((ns) => ns / 1e6) : (value as number) / 1e6;
}

/** Only what is not the default, so that a printed scenario says what is particular. */
export function printManager(manager: Scenario['manager']): ManagerInput {
  if (manager.policy === 'none') return manager;
  const { defaults } = managers[manager.policy];
  const keys = Object.entries(manager.parameters)
    .filter(([parameter, value]) => JSON.stringify(value) !== JSON.stringify(defaults[parameter]))
    .map(([parameter, value]) => [keyOf(parameter), printed(parameter, value)]);
  return { policy: manager.policy, ...Object.fromEntries(keys) };
}

function printed(parameter: string, value: Value): unknown {
  if (typeof value === 'object') return value.map((ms) => printDuration(Math.round(ms * 1e6)));
  if (typeof value !== 'number') return value;
  if (parameter.endsWith('Percent')) return `${value}%`;
  return parameter.endsWith('Ms') ? printDuration(Math.round(value * 1e6)) : value;
}

export function checkManager(scenario: Scenario): readonly Finding[] {
  const { manager, vmm } = scenario;
  if (manager.policy === 'none') return [];
  const entry = managers[manager.policy];
  const found: Finding[] = [];
  if (vmm.loop === 'textbook') {
    const message = "a manager watches a vmm that can be asked, and the textbook's loop is none (qemu-10.2 is one)";
    found.push(finding(['manager', 'policy'], message));
  }
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
