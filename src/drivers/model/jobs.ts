/**
 * The promises of the driver port, kept in one place: an answer never comes before `perform` has returned and at most once,
 * the same id is the same work, nobody is answered after `abandon`, and `reconcile` knows what became of what.
 *
 * Answered commands are remembered up to a limit, oldest forgotten first: ids are positions in a journal, so one that comes
 * again after so many others is a mistake of its sender.
 */
import type { Answer, CommandName, Commands, Errno } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import type { EffectId } from '../../core/record.ts';
import type { Found } from '../driver.ts';
import type { Agenda } from './agenda.ts';

const REMEMBERED_MAX = 4096;

/** One command's work, as who does it sees it. Ends with exactly one of `done` and `fail`. */
export interface Job<N extends CommandName> {
  done(result: Commands[N]['result']): void;
  fail(errno: Errno): void;
  /** Success, or failure when there is an errno. For commands with nothing to tell. */
  end(errno: Errno | undefined, result: Commands[N]['result']): void;
  /** Says what to do when nobody waits any more. Unless it is called, the work goes on. */
  onAbandon(act: () => void): void;
}

interface Kept {
  onAbandon: (() => void) | undefined;
  tell: ((answer: Answer) => void) | undefined;
  answer: Answer | undefined;
  delivered: boolean;
}

export class Jobs {
  readonly #agenda: Agenda;
  readonly #kept = new Map<EffectId, Kept>();

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  /** Calls `work` unless this id's work has been begun already; then whoever asked last is the one who is answered. */
  begin<N extends CommandName>(command: Command<N>, tell: (answer: Answer) => void, work: (job: Job<N>) => void): void {
    const known = this.#kept.get(command.id);
    if (known !== undefined) {
      if (known.delivered) return;
      known.tell = tell;
      if (known.answer !== undefined) this.#deliver(known);
      return;
    }
    const kept: Kept = { onAbandon: undefined, tell, answer: undefined, delivered: false };
    this.#kept.set(command.id, kept);
    this.#forgetOldest();
    work(this.#job(command, kept));
  }

  /** The work goes on unless it has said what to do now; the answer, when it comes, is kept for `found`. */
  abandon(id: EffectId): void {
    const kept = this.#kept.get(id);
    if (kept?.tell === undefined) return;
    kept.tell = undefined;
    if (kept.answer === undefined) kept.onAbandon?.();
  }

  found(id: EffectId): Found {
    const kept = this.#kept.get(id);
    return kept === undefined ? 'not-done' : (kept.answer ?? 'unknown');
  }

  #job<N extends CommandName>({ name, id }: Command<N>, kept: Kept): Job<N> {
    const settle = (answer: object) => {
      if (kept.answer !== undefined) throw new Error(`${name} ${id} is answered twice`);
      kept.answer = answer as Answer;
      this.#deliver(kept);
    };
    const done = (result: Commands[N]['result']) => settle({ type: `DONE.${name}`, ...result });
    const fail = (errno: Errno) => settle({ type: `FAILED.${name}`, errno });
    return {
      done,
      fail,
      end: (errno, result) => (errno === undefined ? done(result) : fail(errno)),
      onAbandon: (act) => {
        kept.onAbandon = act;
      },
    };
  }

  /** On the clock even when the work took no time: an answer never comes before `perform` has returned. */
  #deliver(kept: Kept): void {
    this.#agenda.after(0, () => {
      const { tell, answer } = kept;
      if (tell === undefined || answer === undefined) return;
      kept.tell = undefined;
      kept.delivered = true;
      tell(answer);
    });
  }

  #forgetOldest(): void {
    if (this.#kept.size <= REMEMBERED_MAX) return;
    for (const [id, { answer }] of this.#kept) {
      if (answer === undefined) continue;
      this.#kept.delete(id);
      return;
    }
  }
}
