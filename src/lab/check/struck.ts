/** Which faults of a run struck: told by the commands that were given, not by the faults themselves. */
import type { Command } from '../../core/effect.ts';
import type { EffectId } from '../../core/record.ts';
import { concernsDevice } from '../../drivers/device-named.ts';
import type { Recorded } from '../../run/runner.ts';
import type { ScenarioFault } from '../scenario/faults.ts';

/** Every command that the charts gave, in order, each id once. */
export function commandsIn(recorded: readonly Recorded[]): readonly Command[] {
  const found = new Map<EffectId, Command>();
  for (const { effects } of recorded) {
    for (const effect of effects) if (effect.kind === 'command' && !found.has(effect.id)) found.set(effect.id, effect);
  }
  return [...found.values()];
}

/** Whether the command was given, or the time had come. */
export function hasStruck(fault: ScenarioFault, given: readonly Command[], endNs: number): boolean {
  if ('command' in fault) {
    const { command, of, nth } = fault;
    const meant = given.filter((one) => one.name === command && (of === undefined || concernsDevice(one, of)));
    return meant.length >= nth;
  }
  const { when } = fault;
  if ('atNs' in when) return when.atNs <= endNs;
  return given.filter(({ name }) => name === when.after).length >= when.nth;
}
