/**
 * Drivers that do right things in a wrong order, around the model: what a vmm with that bug does. The charts and the
 * records are sound then; only the pages, and who counts them, can tell.
 */
import type { Answer } from '../../machines/words.ts';
import type { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Command } from '../../src/core/effect.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { ModelDriver } from '../../src/drivers/model/model-driver.ts';

type Which = (command: Command) => boolean;

/** Says at once that it has done what `late` picks, and does it only when a command that `until` picks was answered. */
export function doneTooLate(late: Which, until: Which): (model: ModelDriver, clock: VirtualClock) => Driver {
  return (model, clock) => {
    const waiting: Command[] = [];
    let isOver = false;
    return {
      ...model,
      perform(command, answer) {
        if (!isOver && late(command)) {
          waiting.push(command);
          clock.at(clock.nowNs, () => answer(success(command)));
          return;
        }
        model.perform(command, (given) => {
          if (until(command)) {
            isOver = true;
            for (const one of waiting.splice(0)) model.perform(one, () => {});
          }
          answer(given);
        });
      },
    };
  };
}

/** Passes each command on as `edit` makes it, and each answer as `tell` makes it. */
export function bent(
  edit: (command: Command, model: ModelDriver) => Command,
  tell: (answer: Answer, command: Command) => Answer = (answer) => answer,
): (model: ModelDriver) => Driver {
  return (model) => ({
    ...model,
    perform: (command, answer) => model.perform(edit(command, model), (given) => answer(tell(given, command))),
  });
}

/** Whether this is the sync after everything has stopped. */
export function isFinalSync(command: Command): boolean {
  return command.name === 'syncBitmap' && command.params.final;
}

function success(command: Command): Answer {
  const result = command.name === 'setDeviceState' ? { state: command.params.target } : {};
  return { type: `DONE.${command.name}`, ...result } as Answer;
}
