/**
 * A trial: one modelled migration of a scenario with some keys changed, under one policy, with one seed. Plain data, so that it
 * can be handed to another thread; what it comes to is a row (row.ts). Trials that differ in the policy only are made of the
 * same random numbers: everything random is drawn from the seed.
 */
import { partsOf, put } from '../experiment/path.ts';
import { ScenarioError } from '../scenario/error.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { type Change, policyChanges } from './policy-choice.ts';

export interface Setting {
  /** What a scenario file holds, as plain data: texts with units. `toInput(scenario)` makes it of one that is read. */
  readonly scenario: ScenarioInput;
  /** What relative paths in it start from; the current folder unless given. */
  readonly folder?: string;
  /** A name of policy-choice.ts; absent: the scenario's own. */
  readonly policy?: string;
  /** What a policy starts from that is a file; the current folder unless given. */
  readonly policyFolder?: string;
  /** Put into it after the policy, one after the other. */
  readonly set?: readonly Change[];
}

export interface Trial extends Setting {
  readonly seed: number;
}

/**
 * The scenario that a trial runs; with its own seed where none is given. Throws a ScenarioError where it is none: do this once
 * for each setting before handing trials out, because an error that comes from a thread has lost its places.
 */
export function scenarioOf({
  scenario,
  folder,
  policy,
  policyFolder,
  set = [],
  seed,
}: Setting & { readonly seed?: number }): Scenario {
  const changed = withChanges(scenario, set);
  // What is set is set last: a policy must not take its own parameters away again.
  const input =
    policy === undefined
      ? changed
      : withChanges(withChanges(changed, policyChanges(policy, changed, policyFolder)), set);
  const read = scenarioFrom(input, folder);
  return seed === undefined ? read : { ...read, seed };
}

function withChanges(scenario: ScenarioInput, changes: readonly Change[]): ScenarioInput {
  let input: unknown = scenario;
  for (const [path, value] of changes) {
    const written = put(input, partsOf(path), value);
    if (!('value' in written)) throw leadsNowhere(path, written);
    input = written.value;
  }
  return input as ScenarioInput;
}

function leadsNowhere(
  path: string,
  { reached, because }: { readonly reached: readonly unknown[]; readonly because: string },
) {
  const place = reached.length === 0 ? 'the scenario' : path.split('.').slice(0, reached.length).join('.');
  const message = `leads nowhere: ${place} ${because}`;
  const example = 'link.bandwidth';
  return new ScenarioError([
    { file: null, line: null, column: null, path, message, expected: 'a path into the scenario', example },
  ]);
}
