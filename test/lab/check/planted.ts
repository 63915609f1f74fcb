/** Drivers with one mistake each, around the model: what a check is there to find. No file of the product knows of them. */
import type { Answer, CommandName } from '../../../machines/words.ts';
import type { Command } from '../../../src/core/effect.ts';
import type { RunOptions } from '../../../src/lab/check/run-case.ts';

type Wrap = NonNullable<RunOptions['wrap']>;

/** Says that it has done `name`, and has not. */
export function pretends(name: CommandName, result: object = {}): Wrap {
  return (model, clock) => ({
    ...model,
    perform(command, answer) {
      if (command.name !== name) model.perform(command, answer);
      else clock.at(clock.nowNs, () => answer({ type: `DONE.${name}`, ...result } as Answer));
    },
  });
}

/** Throws where the command comes that `when` picks. */
export function throws(when: (command: Command) => boolean): Wrap {
  return (model) => ({
    ...model,
    perform(command, answer) {
      if (when(command)) throw new Error('planted');
      model.perform(command, answer);
    },
  });
}

/** The guest on the source goes on when it was told to stop, and runs beside the destination's. */
export const doesNotStop: Wrap = pretends('stopVcpus');
