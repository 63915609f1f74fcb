/** The policies that a command line names, in the place of a scenario's own: a policy, a manager, or a file of the user's. */
import { resolve } from 'node:path';
import { managers } from '../../../machines/index.ts';
import { ScenarioError } from '../scenario/error.ts';
import { toInput } from '../scenario/print.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { PolicyError } from './policy-error.ts';
import { loadPolicy } from './policy-file.ts';

/** `policy` decides, or manages where it is a manager; `shadows` watch. Paths start here. Throws a PolicyError. */
export function withPolicies(scenario: Scenario, policy: string | undefined, shadows: readonly string[]): Scenario {
  if (policy === undefined && shadows.length === 0) return scenario;
  const input = toInput(scenario);
  const chosen = policy === undefined ? {} : placeOf(policy, input);
  const watching = shadows.length === 0 ? {} : { shadows: [...(input.shadows ?? []), ...shadows.map(whole)] };
  try {
    return scenarioFrom({ ...input, ...chosen, ...watching } as ScenarioInput);
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    throw new PolicyError(error.problems.map(({ path, message }) => `${optionOf(path)}: ${message}`).join('\n'));
  }
}

function placeOf(policy: string, input: ScenarioInput): Partial<Record<'vmm' | 'manager', unknown>> {
  if (Object.hasOwn(managers, policy)) return { manager: { policy } };
  if (!isPolicyFile(policy)) return { vmm: { ...input.vmm, policy } };
  const file = resolve(policy);
  const own = loadPolicy(file);
  if (typeof own !== 'string' && own.is === 'chart' && own.role === 'manager') return { manager: { file } };
  return { vmm: { ...input.vmm, policy: { file } } };
}

/** As against a name. */
export const isPolicyFile = (text: string) => /[/\\]|\.[cm]?[jt]s$/.test(text);
const whole = (shadow: string) => (isPolicyFile(shadow) ? resolve(shadow) : shadow);

/** What was written on the command line; anything else of the scenario is said by its key. */
function optionOf(path: string): string {
  if (path.startsWith('vmm.policy') || path.startsWith('manager')) return '--policy';
  return path.startsWith('shadows') ? '--shadow' : path;
}
