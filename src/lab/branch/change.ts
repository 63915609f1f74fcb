/**
 * What may be other from a moment of a run on, as a person writes it: keys of the scenario with their values.
 *
 * The changed scenario is read by the same schema and the same checks as any, so a value that cannot be is refused as
 * everywhere. What a running machine cannot change (its memory, its devices, the seed of what has happened) is refused here,
 * with the list of what can.
 */
import type { PlanChange } from '../../../machines/branched.ts';
import { managers, policies } from '../../../machines/index.ts';
import { partsOf, put } from '../experiment/path.ts';
import { planOf } from '../plan.ts';
import { policyName } from '../policy/own-policy.ts';
import { toInput } from '../scenario/print.ts';
import { DURATION, readQuantity } from '../scenario/quantity.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { nearestWord } from '../scenario/vocabulary.ts';
import { isPolicyName } from '../trial/policy-choice.ts';
import { BranchError } from './error.ts';
import type { BranchedEvent, BranchedWorld } from './recorded.ts';

/** Dotted keys with values as a scenario has them: `{ 'link.bandwidth': '5Gbit/s', 'manager.policy': 'nova' }`. */
export type Change = Readonly<Record<string, unknown>>;

/** What can be other from now on. */
export const CHANGEABLE: Readonly<Record<string, string>> = {
  'link.bandwidth': 'for what is sent from now on',
  'vmm.downtimeLimit': 'as migrate-set-parameters does',
  'vmm.maxBandwidth': 'as migrate-set-parameters does',
  'vmm.policy': 'the rule of the vmm itself: a name, or a mapping with its parameters',
  manager: 'manager.policy, and the parameters of the manager that watches from now on',
  faults: 'what goes wrong from now on; commands are counted from here',
  cancel: 'now',
  cancelAt: 'a time on the clock of the run',
};

const OF_PRE_COPY = ['vmm.downtimeLimit', 'vmm.policy', 'manager'];

export function changeableText(): string {
  return Object.entries(CHANGEABLE)
    .map(([key, what]) => `  ${key.padEnd(18)}${what}`)
    .join('\n');
}

/** `--policy NAME`: a manager, a policy of the vmm, or none, as the key that it sets. */
export function policyChange(name: string): Change {
  if (name === 'none' || Object.hasOwn(managers, name)) return { 'manager.policy': name };
  if (Object.hasOwn(policies, name)) return { 'vmm.policy': name };
  const known = ['none', ...Object.keys(managers), ...Object.keys(policies)];
  if (isPolicyName(name))
    throw new BranchError(
      `--policy ${name}: cannot be changed in a run that is under way; there are ${known.join(', ')}`,
    );
  const near = nearestWord(name, known);
  throw new BranchError(
    `no policy "${name}"; ${near === undefined ? `there are ${known.join(', ')}` : `did you mean ${near}?`}`,
  );
}

export interface Moment {
  readonly atNs: number;
  /** Pre-copy is not over: its limit, its policy and its manager still matter. */
  readonly inPreCopy: boolean;
}

/** The changes as the operator's record; undefined when nothing is other. Throws a BranchError or a ScenarioError. */
export function changeEvent(
  scenario: Scenario,
  change: Change,
  moment: Moment,
  /** What branches before this one have changed, in order. */
  earlier: readonly Change[] = [],
): BranchedEvent | undefined {
  const { cancel, cancelAt, ...rest } = change;
  for (const key of Object.keys(rest)) refuseFixed(key);
  if (!moment.inPreCopy) refuseAfterPreCopy(Object.keys(rest));
  const before = earlier.reduce(changedScenario, withoutFaults(scenario));
  const changed = Object.keys(rest).length === 0 ? before : changedScenario(before, rest);
  const plan = planChange(before, changed, Object.keys(rest));
  if (plan.policy !== undefined) refuseFromTheFirst(before, changed);
  const world = worldChange(before, changed, rest);
  const cancelAtNs = cancelTime(scenario, { cancel, cancelAt }, moment);
  const nothing = Object.keys(plan).length + Object.keys(world).length === 0 && cancelAtNs === undefined;
  if (nothing) return undefined;
  return { type: 'BRANCHED', set: change, plan, world, ...(cancelAtNs === undefined ? {} : { cancelAtNs }) };
}

function refuseFixed(key: string): void {
  const may = Object.keys(CHANGEABLE).some(
    (one) => key === one || key.startsWith(`${one}.`) || key.startsWith(`${one}[`),
  );
  if (may) return;
  throw new BranchError(
    `${key} cannot be changed in a run that is under way: its past was made with it. What can be changed:\n${changeableText()}`,
  );
}

/** A rule that counts every pass, or sets the pace of the first, neither begins nor ends in the middle; nor does a user's own. */
function refuseFromTheFirst(before: Scenario, after: Scenario): void {
  const [leaving, coming] = [before.vmm.policy, after.vmm.policy];
  const [from, to] = [policyName(leaving), policyName(coming)];
  const instead = `run the scenario with ${to}, or change the manager`;
  const refuse = (why: string) => new BranchError(`vmm.policy: ${why}; ${instead}`);
  if (leaving.name === 'own') throw refuse(`${from} is a policy of your own, and a run that it decides keeps it`);
  if (coming.name === 'own') throw refuse(`${to} is a policy of your own, and cannot begin in the middle of a run`);
  if (followsFromTheFirst(from)) throw refuse(`${from} follows this run from its first pass on, and stays to its end`);
  if (followsFromTheFirst(to))
    throw refuse(`${to} follows a run from its first pass on, and cannot begin in the middle`);
}

function followsFromTheFirst(name: string): boolean {
  const entry = policies[name];
  return (
    entry === undefined ||
    entry.seesPasses === true ||
    entry.asksFirst === true ||
    entry.firstPace !== undefined ||
    entry.throttle !== undefined
  );
}

function refuseAfterPreCopy(keys: readonly string[]): void {
  const late = keys.filter((key) => OF_PRE_COPY.some((one) => key === one || key.startsWith(`${one}.`)));
  if (late.length === 0) return;
  throw new BranchError(
    `${late.join(', ')}: pre-copy is over at this moment, and nothing asks for it any more; branch before the switchover was decided`,
  );
}

/** Those of the past stay what they are; what is set is what comes on top. */
function withoutFaults({ faults: _, ...scenario }: Scenario): Scenario {
  return scenario;
}

/** The scenario with these keys set. Throws a BranchError or a ScenarioError. */
export function changedScenario(scenario: Scenario, { cancel, cancelAt, ...change }: Change): Scenario {
  let input: unknown = toInput(scenario);
  for (const [key, value] of puts(scenario, change)) {
    const done = put(input, partsOf(key), value);
    if (!('value' in done))
      throw new BranchError(`${key}: ${done.reached.join('.') || 'the scenario'} ${done.because}`);
    input = done.value;
  }
  return scenarioFrom(input as Parameters<typeof scenarioFrom>[0]);
}

/** Another manager does not take the parameters of the one that was there, nor another rule of the vmm. */
function puts(scenario: Scenario, change: Change): readonly (readonly [string, unknown])[] {
  const { manager, ...rest } = change;
  const whole = typeof manager === 'string' ? { policy: manager } : manager;
  const watching = isMapping(whole) ? Object.entries(whole).map(([key, value]) => [`manager.${key}`, value]) : [];
  const all: Readonly<Record<string, unknown>> = { ...Object.fromEntries(watching), ...rest };
  const named = all['manager.policy'];
  const cleared = [
    ...(named === undefined || named === scenario.manager.policy ? [] : (['manager'] as const)),
    ...('vmm.policy' in all || 'vmm.policy.name' in all ? (['vmm.policy'] as const) : []),
  ];
  return [
    ...cleared.map((key) => [key, null] as const),
    // The name first: a mapping is made of it.
    ...(named === undefined ? [] : [['manager.policy', named] as const]),
    ...Object.entries(all),
  ];
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function planChange(scenario: Scenario, changed: Scenario, keys: readonly string[]): PlanChange {
  if (keys.length === 0) return {};
  const [before, after] = [planOf(scenario), planOf(changed)];
  const limit = after.downtimeLimitMs;
  return {
    ...(limit === before.downtimeLimitMs ? {} : { downtimeLimitMs: limit }),
    ...(isSame(before.policy, after.policy) ? {} : { policy: after.policy }),
    ...(isSame(before.manager, after.manager) ? {} : { manager: after.manager ?? null }),
  };
}

function worldChange(scenario: Scenario, changed: Scenario, change: Change): BranchedWorld {
  const link = changed.link.bandwidthBytesPerSecond;
  const cap = changed.vmm.maxBandwidthBytesPerSecond;
  const { faults = [] } = changed;
  return {
    ...(link === scenario.link.bandwidthBytesPerSecond ? {} : { linkBytesPerSecond: link }),
    ...(cap === scenario.vmm.maxBandwidthBytesPerSecond ? {} : { maxBandwidthBytesPerSecond: cap }),
    ...(faults.length === 0 || !Object.keys(change).some((key) => key.startsWith('faults')) ? {} : { faults }),
  };
}

function cancelTime(scenario: Scenario, { cancel, cancelAt }: Change, { atNs }: Moment): number | undefined {
  if (cancel !== undefined) {
    if (cancel === 'now' || cancel === true) return atNs;
    throw new BranchError(`cancel: expected now, got ${JSON.stringify(cancel)}; cancelAt takes a time such as 20s`);
  }
  if (cancelAt === undefined) return undefined;
  if (scenario.cancelAtNs !== null && scenario.cancelAtNs > atNs) {
    throw new BranchError('cancelAt: the scenario gives its own order to cancel after this moment, and it stays');
  }
  const read = readQuantity(DURATION, cancelAt);
  if (!('value' in read))
    throw new BranchError(`cancelAt: expected a time such as 20s, got ${JSON.stringify(cancelAt)}`);
  if (read.value >= atNs) return read.value;
  throw new BranchError(`cancelAt: ${JSON.stringify(cancelAt)} is before the branch, which begins at ${atNs / 1e6} ms`);
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
