/**
 * Which policies a comparison is of: the named ones as they are, or every one there is that fits the scenario. What fits is
 * found out, not listed: the scenario's own rules refuse a policy for its loop and devices, and the charts know what blocks
 * a migration.
 */
import { blockers } from '../../../machines/plan.ts';
import { planOf } from '../plan.ts';
import { ScenarioError } from '../scenario/error.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { AS_WRITTEN, policyNames } from './policy-choice.ts';
import { type Setting, scenarioOf } from './trial.ts';

export interface Chosen {
  readonly name: string;
  readonly scenario: Scenario;
}

export interface Fitting {
  /** In the order of the names; of `all`, what the scenario says itself comes first. */
  readonly chosen: readonly Chosen[];
  readonly leftOut: readonly { readonly name: string; readonly because: string }[];
}

/** `all`, by itself or among names, is every one that fits. Throws a ScenarioError for a named policy that does not. */
export function policiesFor(names: readonly string[], setting: Omit<Setting, 'policy'>): Fitting {
  const asked = [...new Set(names)].filter((name) => name !== 'all');
  const named = asked.map((name) => ({ name, scenario: namedScenario(name, setting) }));
  if (!names.includes('all')) return { chosen: named, leftOut: [] };
  const written = scenarioOf(setting);
  const every = policyNames()
    .filter(({ role, name }) => role !== 'as-written' && !asked.includes(name))
    .map(({ name }) => ({ name, read: readFitting(name, setting, written) }));
  const fitting = every.flatMap(({ name, read }) => ('scenario' in read ? [{ name, scenario: read.scenario }] : []));
  const leftOut = every.flatMap(({ name, read }) => ('because' in read ? [{ name, because: read.because }] : []));
  return { chosen: ownFirst([...named, ...fitting], written), leftOut };
}

/** The one that the scenario has comes first; where none of them is that, it stands there as it is written. */
function ownFirst(chosen: readonly Chosen[], written: Scenario): readonly Chosen[] {
  const same = JSON.stringify(written);
  const own = chosen.find(({ scenario }) => JSON.stringify(scenario) === same) ?? {
    name: AS_WRITTEN,
    scenario: written,
  };
  return [own, ...chosen.filter((one) => one !== own)];
}

/** Under this policy. Throws a ScenarioError that names it. */
export function namedScenario(name: string, setting: Omit<Setting, 'policy'>): Scenario {
  try {
    return scenarioOf({ ...setting, policy: name });
  } catch (error) {
    if (!(error instanceof ScenarioError) || error.problems.some(({ file }) => file === 'policy')) throw error;
    throw new ScenarioError(error.problems.map((problem) => ({ ...problem, file: `policy ${name}` })));
  }
}

function readFitting(
  name: string,
  setting: Omit<Setting, 'policy'>,
  written: Scenario,
): { readonly scenario: Scenario } | { readonly because: string } {
  try {
    const scenario = scenarioOf({ ...setting, policy: name });
    if (scenario.vmm.loop !== written.vmm.loop)
      return { because: `it comes with the loop ${scenario.vmm.loop}; named, it is compared all the same` };
    const known = blockers(planOf(written));
    const [blocked] = blockers(planOf(scenario)).filter((reason) => !known.includes(reason));
    return blocked === undefined ? { scenario } : { because: blocked };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const [problem] = error.problems;
    return { because: [problem?.path, problem?.message].filter((part) => part !== '').join(': ') };
  }
}
