/** Commands from the record that gave them to the one that answered: what hosts are at work on, and what charts wait for. */
import type { Command } from '../../core/effect.ts';
import type { Folded } from '../view/instant.ts';

export interface TracedCommand {
  readonly command: Command;
  readonly fromNs: number;
  readonly position: number;
  /** Absent: there was none up to the end. */
  readonly answer?: {
    readonly atNs: number;
    readonly position: number;
    /** `DONE.x`, `FAILED.x`; `abandoned`: nobody waits any more. */
    readonly type: string;
    readonly errno?: unknown;
  };
}

export class CommandBook {
  readonly #commands = new Map<string, TracedCommand>();

  see({ record, effects, outcome }: Folded): void {
    const { atNs, position } = record;
    if (record.kind === 'input' && record.answers !== undefined && outcome === 'taken') {
      const { type, errno } = record.event;
      this.#answer(record.answers, { atNs, position, type, ...(errno === undefined ? {} : { errno }) });
    }
    for (const effect of effects) {
      if (effect.kind === 'command') this.#commands.set(effect.id, { command: effect, fromNs: atNs, position });
      if (effect.kind === 'abandon') this.#answer(effect.of, { atNs, position, type: 'abandoned' });
    }
  }

  /** In the order in which they were given. */
  all(): readonly TracedCommand[] {
    return [...this.#commands.values()];
  }

  #answer(id: string, answer: NonNullable<TracedCommand['answer']>): void {
    const traced = this.#commands.get(id);
    if (traced !== undefined && traced.answer === undefined) this.#commands.set(id, { ...traced, answer });
  }
}

/** `setDeviceState STOP_COPY`: with its plain parameters, as far as a name may be long. */
export function commandText({ name, params }: Command): string {
  const plain = Object.values(params ?? {}).filter((value) => typeof value === 'string' || typeof value === 'number');
  return [name, ...plain.slice(0, 2)].join(' ').slice(0, NAME_CHARACTERS_MAX);
}

const NAME_CHARACTERS_MAX = 120;
