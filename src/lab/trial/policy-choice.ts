/**
 * What a policy's name means for a scenario: a rule of the vmm (`vmm.policy`), a throttle of the vmm, post-copy, or a manager
 * above it. One name is a whole policy: whatever else of these the scenario has is taken away, and `a+b` is two together
 * (`nova+auto-converge`), and a file is a rule of one's own (`./mine.mjs`). A part that the scenario has already keeps the parameters that are written there; any other has
 * the constants of its source.
 */
import { resolve } from 'node:path';
import {
  type LoopName,
  type ManagerName,
  managers,
  policies,
  type ThrottleName,
  throttles,
} from '../../../machines/index.ts';
import { ScenarioError } from '../scenario/error.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { nearestWord } from '../scenario/vocabulary.ts';

/** A value put at a dotted path into the scenario; a mapping is merged, null takes the key away. */
export type Change = readonly [path: string, value: unknown];

export type Role = 'as-written' | 'rule' | 'throttle' | 'post-copy' | 'manager';

export interface PolicyName {
  readonly name: string;
  readonly role: Role;
  readonly description: string;
}

/** The name of what the scenario says itself, whatever that is. */
export const AS_WRITTEN = 'as-written';
const POST_COPY = 'post-copy';

/** The scenario's key that switches a throttle on. */
const THROTTLE_KEYS: Readonly<Record<ThrottleName, string>> = {
  'auto-converge': 'autoConverge',
  'dirty-limit': 'dirtyLimit',
  'stepped-throttle': 'steppedThrottle',
};

/** As the scenario's schema has it. */
const LOOP_BY_DEFAULT: LoopName = 'qemu-10.2';
/** The place of a user's own policy in the registry: it has no rule of its own, and a file is named instead. */
const OWN_POLICY = 'own-policy';

/** After the first pass, as people order it who do not wait for anything: this project's own. */
const ORDERED_AFTER = { after: 1 };

const BEGINS_PATH = /^\.{1,2}[/\\]/;
const ENDS_FILE = /\.[cm]?[jt]s$/;

/** Every name that there is, in the order in which `all` has them. */
export function policyNames(): readonly PolicyName[] {
  return [
    { name: AS_WRITTEN, role: 'as-written', description: 'What the scenario says itself.' },
    ...Object.values(policies)
      .filter(({ name }) => name !== OWN_POLICY)
      .map(({ name, description }) => ({ name, role: 'rule' as const, description })),
    ...Object.values(throttles).map(({ name, description }) => ({ name, role: 'throttle' as const, description })),
    {
      name: POST_COPY,
      role: POST_COPY,
      description: 'After one pass the guest goes on at the destination, and what is missing follows.',
    },
    ...Object.values(managers).map(({ name, description }) => ({ name, role: 'manager' as const, description })),
  ];
}

/** One of these names, or several with a +. */
export function isPolicyName(text: string): boolean {
  const known = policyNames().map(({ name }) => name);
  return partsOfPolicy(text).every((part) => known.includes(part));
}

/** What stands between the +, but those of a file's own path are left in it: `nova+./c++/mine.mjs` is nova and a file. */
export function partsOfPolicy(name: string): readonly string[] {
  const known = policyNames().map((one) => one.name);
  const parts: string[] = [];
  /** Neither a name nor the whole of a file so far. */
  let begun: string[] = [];
  const end = () => {
    const path = begun.join('+');
    parts.push(...(isPolicyFile(path) ? [path] : begun));
    begun = [];
  };
  for (const part of name.split('+')) {
    // Where a path begins anew, what was begun before it was none.
    if (begun.length > 0 && BEGINS_PATH.test(part) && !isPolicyFile(begun.join('+'))) end();
    if (begun.length === 0 && known.includes(part)) parts.push(part);
    else begun.push(part);
    if (ENDS_FILE.test(begun.at(-1) ?? '')) end();
  }
  end();
  return parts;
}

/** What the scenario has of these keys, unread. */
interface Own {
  readonly vmm: Readonly<Record<string, unknown>>;
  readonly manager: unknown;
}

/**
 * What a name puts into this scenario; a file starts from `folder`. Throws a ScenarioError for a name that there is not, and parts
 * that exclude each other.
 */
export function policyChanges(name: string, scenario: ScenarioInput, folder = '.'): readonly Change[] {
  const parts = partsOfPolicy(name).map((part) => ({ part, role: roleOf(part) }));
  if (parts.some(({ role }) => role === 'as-written')) {
    if (parts.length > 1) throw refused(`${name}: ${AS_WRITTEN} goes with nothing else`);
    return [];
  }
  const the = (wanted: Role): string | undefined => {
    const [one, other] = parts.filter(({ role }) => role === wanted);
    if (other !== undefined) throw refused(`${name}: one ${wanted} at a time, not ${one?.part} and ${other.part}`);
    return one?.part;
  };
  const own: Own = { vmm: mapping(scenario.vmm), manager: scenario.manager };
  const manager = the('manager');
  return [
    ...ruleChanges(the('rule'), own, folder),
    ...throttleChanges(the('throttle') ?? throttleIn(parts.map(({ part }) => part)), own),
    ...postCopyChanges(the(POST_COPY) !== undefined, manager, own),
    ...managerChanges(manager, own),
  ];
}

function ruleChanges(rule: string | undefined, { vmm }: Own, folder: string): readonly Change[] {
  if (rule === undefined) return [['vmm.policy', null]];
  if (isPolicyFile(rule)) {
    return [
      ['vmm.policy', null],
      ['vmm.policy', { file: resolve(folder, rule) }],
    ];
  }
  const has = typeof vmm.policy === 'string' ? vmm.policy : mapping(vmm.policy).name;
  const loops = policies[rule]?.loops;
  const own = loops?.[0];
  const loop = (vmm.loop ?? LOOP_BY_DEFAULT) as LoopName;
  return [
    // A rule that counts whole passes means nothing where passes end at a low-water mark: it comes with its own loop.
    ...(own === undefined || loops?.includes(loop) === true ? [] : [['vmm.loop', own] as const]),
    ...(has === rule ? [] : [['vmm.policy', rule] as const]),
  ];
}

/** The throttle that these parts of a name stand for: the named one, else what a manager's policy switches on with it. */
export function throttleIn(parts: readonly string[]): string | undefined {
  const named = parts.find((part) => part in throttles);
  return named ?? parts.map((part) => managers[part as ManagerName]?.throttle).find((one) => one !== undefined);
}

function throttleChanges(throttle: string | undefined, { vmm }: Own): readonly Change[] {
  return Object.entries(THROTTLE_KEYS).flatMap(([name, key]): readonly Change[] => {
    if (name !== throttle) return [[`vmm.${key}`, null]];
    return isOn(vmm[key]) ? [] : [[`vmm.${key}`, true]];
  });
}

function postCopyChanges(ordered: boolean, manager: string | undefined, { vmm, manager: own }: Own): readonly Change[] {
  if (ordered) {
    const { after, at } = mapping(vmm.postcopy);
    return after === undefined && at === undefined ? [['vmm.postcopy', ORDERED_AFTER]] : [];
  }
  if (manager !== undefined && mapping(own).policy === manager) return [];
  const entry = manager === undefined ? undefined : managers[manager as ManagerName];
  return [['vmm.postcopy', entry?.needsPostCopy?.(entry.defaults) === true ? true : null]];
}

function managerChanges(manager: string | undefined, { manager: own }: Own): readonly Change[] {
  if (manager !== undefined && mapping(own).policy === manager) return [];
  const none: Change = ['manager', null];
  return manager === undefined ? [none] : [none, ['manager', { policy: manager }]];
}

/** A function or a chart of the user's own; of charts only those that are rules. */
function isPolicyFile(name: string): boolean {
  return /[/\\]/.test(name) || ENDS_FILE.test(name);
}

function roleOf(name: string): Role {
  if (isPolicyFile(name)) return 'rule';
  const names = policyNames();
  const found = names.find((one) => one.name === name);
  if (found !== undefined) return found.role;
  const known = names.map((one) => one.name);
  const near = nearestWord(name, known);
  throw refused(
    `no policy "${name}"; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`}`,
  );
}

function isOn(written: unknown): boolean {
  return written !== undefined && written !== null && written !== false;
}

function mapping(written: unknown): Readonly<Record<string, unknown>> {
  return typeof written === 'object' && written !== null && !Array.isArray(written) ? { ...written } : {};
}

function refused(message: string): ScenarioError {
  const expected = 'the name of a policy, or two with a +';
  return new ScenarioError([
    { file: 'policy', line: null, column: null, path: '', message, expected, example: 'nova+auto-converge' },
  ]);
}
