/**
 * A journal as long as is wished, through the real charts and in little time: the hardware is a table of answers, and what
 * remains never falls below the threshold, so that the loop goes round for ever. It ends in the middle of a pass.
 */
import type { Plan } from '../../../machines/plan.ts';
import { checksumOfEffects } from '../../../src/core/checksum.ts';
import type { Command } from '../../../src/core/effect.ts';
import type { Input, Opened, Rec } from '../../../src/core/record.ts';
import type { Stepped } from '../../../src/core/step.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { stepperFor } from '../../../src/run/stepper.ts';
import { smallScenario } from '../../lab/small-scenario.ts';

export function longJournal(length: number): { readonly opened: Opened; readonly records: readonly Rec[] } {
  const { opened } = rehearse(smallScenario({ vmm: { downtimeLimit: '20ms' } }));
  const stepper = stepperFor(opened);
  const answers = new Answers((opened.plan as Plan).pageBytes);
  const waiting: Command[] = [];
  const records: Rec[] = [];
  let atNs = 0;
  let stepped: Stepped = stepper.open(opened, 0);
  records.push({ position: 0, atNs, kind: 'opened', opened, effects: checksumOfEffects(stepped.effects) });
  let input: Input = { to: 'migration', by: 'operator', event: { type: 'MIGRATE' } };
  while (records.length < length) {
    const at = { position: records.length, atNs };
    stepped = stepper.step(stepped.system, { ...input, ...at });
    records.push({ ...at, kind: 'input', ...input, effects: checksumOfEffects(stepped.effects) });
    for (const effect of stepped.effects) if (effect.kind === 'command') waiting.push(effect);
    const command = waiting.shift();
    if (command === undefined) throw new Error(`after record ${at.position} nothing is asked for`);
    atNs += TOOK_NS[command.name] ?? 10_000;
    const event = { type: `DONE.${command.name}`, ...answers.to(command) };
    input = { to: command.by, by: 'driver', answers: command.id, event } as Input;
  }
  return { opened, records };
}

const TOOK_NS: Readonly<Record<string, number>> = { sendRound: 40_000_000, syncBitmap: 1_000_000 };

class Answers {
  readonly #pageBytes: number;
  #passes = 0;

  constructor(pageBytes: number) {
    this.#pageBytes = pageBytes;
  }

  /** Waves and steps, so that a plot has something to show. */
  to(command: Command): object {
    const wave = Math.round(4000 + 3000 * Math.sin(this.#passes / 37) + 500 * Math.sin(this.#passes * 1.7));
    switch (command.name) {
      case 'sendRound':
        this.#passes++;
        return {
          sentPages: wave,
          zeroPages: 0,
          sentBytes: wave * (this.#pageBytes + 8),
          deviceBytes: 0,
          remainingPages: 0,
          remainingBytes: 0,
          bandwidthBytesPerSecond: 125_000_000 + 1000 * (this.#passes % 997),
        };
      case 'syncBitmap': {
        const pages = { vcpu: wave, 'dma:nic0': 1000 + (this.#passes % 13), 'dma:nic1': 500 };
        const sum = wave + 2000;
        return {
          dirtySet: this.#passes + 1,
          remainingPages: sum,
          remainingBytes: sum * this.#pageBytes,
          newDirtyPages: sum,
          dirtyPagesBySource: pages,
          syncNs: 1_000_000,
        };
      }
      case 'queryDeviceSizes':
        return {
          devices: Object.fromEntries(
            ['nic0', 'nic1'].map((id) => [id, { initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 2 ** 21 }]),
          ),
        };
      case 'setDeviceState':
        return { state: command.params.target };
      case 'getDirtyLog':
      case 'reportDirty':
        return { dirtyPages: wave };
      default:
        return {};
    }
  }
}
