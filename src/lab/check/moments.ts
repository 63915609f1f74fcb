/** Tells, record by record, which moment of a run has come: counted over all orchestrators that the run has. */
import type { CommandName } from '../../../machines/words.ts';
import type { Recorded } from '../../run/runner.ts';
import type { Moment } from './case.ts';

export class Moments {
  readonly #given = new Map<CommandName, number>();
  readonly #answered = new Map<string, number>();
  /** What the record that was seen last gives, by name: from which one to which. */
  #givenNow = new Map<CommandName, { readonly from: number; to: number }>();
  #answeredNow: string | undefined;
  #position = -1;

  see({ record, effects }: Recorded): void {
    this.#position = record.position;
    this.#givenNow = new Map();
    for (const effect of effects) {
      if (effect.kind !== 'command') continue;
      const nth = (this.#given.get(effect.name) ?? 0) + 1;
      this.#given.set(effect.name, nth);
      const now = this.#givenNow.get(effect.name);
      if (now === undefined) this.#givenNow.set(effect.name, { from: nth, to: nth });
      else now.to = nth;
    }
    this.#answeredNow = undefined;
    if (record.kind !== 'input' || record.answers === undefined) return;
    const [, name] = record.event.type.split('.');
    if (name === undefined) return;
    this.#answeredNow = name;
    this.#answered.set(name, (this.#answered.get(name) ?? 0) + 1);
  }

  /** Whether it is right after this record. */
  isNow(after: number | Moment): boolean {
    if (typeof after === 'number') return after === this.#position;
    const { command, nth, answered } = after;
    if (answered === true) return this.#answeredNow === command && this.#answered.get(command) === nth;
    const now = this.#givenNow.get(command);
    return now !== undefined && now.from <= nth && nth <= now.to;
  }
}
