/**
 * How long each command may take: what the scenario says, or the default of machines/words.ts.
 *
 * A rule that paces its passes takes its time on purpose, and silence is no sign of anything then: sendRound has twice what all
 * of memory takes at the slowest pace, where that is more than the default. Twice, for headers and for a link that others use.
 */
import { policies } from '../../../machines/index.ts';
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import type { Scenario, VmmPolicy } from './scenario.ts';
import type { ReadScenario, ScenarioInput } from './schema.ts';
import { printDuration } from './values.ts';

const NAMES = Object.keys(COMMANDS) as CommandName[];
const PACED_TIMES = 2;

export function normaliseDeadlines(
  read: ReadScenario['deadlines'],
  policy: VmmPolicy,
  memoryBytes: number,
): Scenario['deadlinesMs'] {
  const limits = NAMES.map((name) => {
    const limitNs = read[name];
    return [name, limitNs === undefined ? defaultMs(name, policy, memoryBytes) : limitNs / 1e6];
  });
  return Object.fromEntries(limits) as Record<CommandName, number>;
}

/** Only what is not the default, so that a printed scenario says what is particular. */
export function printDeadlines({ deadlinesMs, vmm, vm }: Scenario): NonNullable<ScenarioInput['deadlines']> {
  const particular = NAMES.filter((name) => deadlinesMs[name] !== defaultMs(name, vmm.policy, vm.memoryBytes));
  return Object.fromEntries(particular.map((name) => [name, printDuration(Math.round(deadlinesMs[name] * 1e6))]));
}

function defaultMs(command: CommandName, policy: VmmPolicy, memoryBytes: number): number {
  const { deadlineMs } = COMMANDS[command];
  if (command !== 'sendRound') return deadlineMs;
  const { name, ...parameters } = policy;
  const pace = policies[name]?.slowestPace?.(parameters as never);
  if (pace === undefined) return deadlineMs;
  return Math.max(deadlineMs, PACED_TIMES * Math.ceil(memoryBytes / pace) * 1000);
}
