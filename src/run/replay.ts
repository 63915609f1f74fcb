/**
 * Replay: fold a journal's records through the charts and hold every record to its checksum.
 *
 * It needs no driver and no clock, so any journal can be replayed, of a model or of real hardware. The first record whose
 * effects are not what they were is named; nothing after it can be believed.
 */
import { checksumOfEffects } from '../core/checksum.ts';
import type { Rec } from '../core/record.ts';
import type { Stepper } from '../core/step.ts';
import type { System } from '../core/system.ts';
import type { Recorded } from './runner.ts';
import { type StepperOptions, stepperFor } from './stepper.ts';

export interface Divergence {
  readonly position: number;
  /** What the journal says of it, and what the fold came to. */
  readonly expected: string;
  readonly got: string;
}

export interface Replayed {
  readonly records: number;
  readonly system: System | undefined;
  readonly divergence: Divergence | undefined;
}

/**
 * Folds records in order, giving each to `see`. Stops at the first divergence. Journal errors (damage) come through as the
 * journal throws them.
 */
export function replay(
  records: Iterable<Rec>,
  see: (recorded: Recorded) => void = () => {},
  options: StepperOptions = {},
): Replayed {
  let stepper: Stepper | undefined;
  let system: System | undefined;
  let count = 0;
  for (const record of records) {
    let stepped: ReturnType<Stepper['step']>;
    try {
      if (record.kind === 'opened') {
        stepper = stepperFor(record.opened, options);
        stepped = stepper.open(record.opened, record.atNs);
      } else {
        if (stepper === undefined || system === undefined) throw new Error('the first record does not open a run');
        stepped = stepper.step(system, record);
      }
    } catch (error) {
      return {
        records: count,
        system,
        divergence: { position: record.position, expected: 'a record that the charts take', got: String(error) },
      };
    }
    const effects = checksumOfEffects(stepped.effects);
    if (effects !== record.effects) {
      return {
        records: count,
        system,
        divergence: { position: record.position, expected: hex(record.effects), got: hex(effects) },
      };
    }
    system = stepped.system;
    count++;
    see({ record, effects: stepped.effects, outcome: stepped.outcome, system });
  }
  return { records: count, system, divergence: undefined };
}

const hex = (checksum: number) => `effects ${checksum.toString(16).padStart(8, '0')}`;
