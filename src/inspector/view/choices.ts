/** What can be chosen in a run that is under way: rules of the vmm and managers, each with a word. */
import { managers, type PolicyEntry, policies } from '../../../machines/index.ts';

export interface Choice {
  readonly name: string;
  readonly description: string;
  /** Why it cannot begin in the middle of a run; absent: it can. */
  readonly not?: string;
}

export interface Choices {
  readonly rules: readonly Choice[];
  readonly managers: readonly Choice[];
}

export function choices(): Choices {
  return {
    rules: Object.values(policies).map(ruleChoice),
    managers: Object.values(managers).map(({ name, description }) => ({ name, description })),
  };
}

function ruleChoice(entry: PolicyEntry<never>): Choice {
  const { name, description } = entry;
  if (name === 'own-policy') return { name, description, not: 'it needs a file' };
  const fromTheFirst =
    entry.seesPasses === true ||
    entry.asksFirst === true ||
    entry.firstPace !== undefined ||
    entry.throttle !== undefined;
  return { name, description, ...(fromTheFirst && { not: 'it follows a run from its first pass on' }) };
}
