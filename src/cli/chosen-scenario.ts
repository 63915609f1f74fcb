/** The scenario that a command line names, with what it says in the place of the scenario's own: for `run` and `inspect --live`. */
import { InvalidArgumentError } from 'commander';
import type { Scenario } from '../lab/scenario/scenario.ts';
import { changesOf } from './set-option.ts';

export interface Choices {
  readonly policy?: string;
  readonly set: readonly string[];
  readonly shadow: readonly string[];
}

/** The scenario with what is said here in the place of its own. A policy's name means what it means to `compare`. */
export async function chosenScenario(name: string, { policy, set, shadow }: Choices): Promise<Scenario> {
  const { readScenario, readWritten } = await import('../lab/scenario/read.ts');
  const { isPolicyFile, withPolicies } = await import('../lab/policy/named-policies.ts');
  const named = policy === undefined || isPolicyFile(policy) ? undefined : policy;
  const other = named === undefined ? policy : undefined;
  if (named === undefined && set.length === 0) return withPolicies(readScenario(name), other, shadow);
  const { scenarioOf } = await import('../lab/trial/trial.ts');
  const { input, folder } = readWritten(name);
  const setting = { scenario: input, folder, set: await changesOf(set) };
  return withPolicies(scenarioOf(named === undefined ? setting : { ...setting, policy: named }), other, shadow);
}

/** What was said in the place of the scenario's own. */
export function settingWords({ policy, set, shadow }: Choices): readonly string[] {
  return [
    ...(policy === undefined ? [] : ['--policy', policy]),
    ...set.flatMap((one) => ['--set', one]),
    ...shadow.flatMap((one) => ['--shadow', one]),
  ];
}

/** `10x`, or `max`. Throws commander's InvalidArgumentError. */
export function paceFactor(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const factor = Number(/^(\d+(?:\.\d+)?)x$/.exec(text)?.[1]);
  if (!(factor > 0 && factor < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError('expected a factor such as 1x, 10x or 0.5x, or max.');
  return factor;
}
