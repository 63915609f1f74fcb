/**
 * What became of every command and timer of a run: answered, failed, fired, superseded, cleared, or still waited for. It is the
 * arrow from a record to those that its effects led to; the arrow back stands in the record itself (`answers`).
 */
import type { Effect } from '../../core/effect.ts';
import type { EffectId, Rec } from '../../core/record.ts';
import type { Folded } from './instant.ts';

export interface Fate {
  readonly how: 'answered' | 'failed' | 'fired' | 'superseded' | 'cleared';
  /** The record with which it was over. */
  readonly position: number;
}

/** An effect with what became of it; absent: it is a fact or an order, or it is still waited for. */
export interface EffectWithFate {
  readonly effect: Effect;
  readonly fate?: Fate;
}

/** A record between the one whose effect it answers and those that answer its own. */
export interface Links {
  readonly position: number;
  readonly record: Rec;
  readonly outcome: Folded['outcome'];
  readonly cause?: { readonly position: number; readonly effect?: Effect };
  readonly effects: readonly EffectWithFate[];
}

export class Fates {
  readonly #fates = new Map<EffectId, Fate>();

  see({ record, outcome, effects }: Folded): void {
    const { position } = record;
    if (record.kind === 'input' && record.answers !== undefined && outcome === 'taken') {
      const how = record.event.type.startsWith('FAILED.') ? 'failed' : record.by === 'timer' ? 'fired' : 'answered';
      this.#fates.set(record.answers, { how, position });
    }
    for (const effect of effects) {
      if (effect.kind === 'abandon') this.#fates.set(effect.of, { how: 'superseded', position });
      if (effect.kind === 'clearTimer') this.#fates.set(effect.of, { how: 'cleared', position });
    }
  }

  of(id: EffectId): Fate | undefined {
    return this.#fates.get(id);
  }

  with(effects: readonly Effect[]): readonly EffectWithFate[] {
    return effects.map((effect) => {
      const fate = this.#fates.get(effect.id);
      return fate === undefined ? { effect } : { effect, fate };
    });
  }
}

/** `4:2` -> 4; undefined for what is no effect's id. */
export function positionOfEffect(id: string | undefined): number | undefined {
  const position = Number(id?.split(':')[0] ?? Number.NaN);
  return Number.isInteger(position) && position >= 0 ? position : undefined;
}
