/**
 * The driver port: who carries out commands. Drivers are composed by address and command: the model for everything, or a
 * real device for `device/*` and the model for the rest.
 */
import type { Observable } from 'rxjs';
import type { Answer, CommandName, Verdict } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';
import type { EffectId, Input } from '../core/record.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import type { Mishaps } from './mishaps.ts';

export interface Driver {
  /** Goes into the first record, for example `model`. */
  readonly name: string;
  /** What it can do; a set of charts that needs more is refused before anything starts. */
  readonly commands: ReadonlySet<CommandName>;
  /** Who runs the pre-copy loop: this library, or the vmm behind the driver (refused in this version). */
  readonly loop: 'we' | 'vmm';
  /** Verdicts that it can carry out, by name: `switchover`, `throttlePercent`, ... */
  readonly verdicts: ReadonlySet<Verdict extends infer V ? (V extends string ? V : keyof V) : never>;
  /** Which device sizes it can answer. All are needed in this version: unknown is never zero. */
  readonly sizes: ReadonlySet<'initialBytes' | 'dirtyBytes' | 'stopCopyBytes'>;
  /**
   * Begins the work and answers at most once, never before it returned. The same id again is the same work, not done
   * twice. Commands about the storage take effect in the order in which they were given, abandoned ones included: a source
   * that asks for its storage again must not lose it to a release that was slow. An operational failure is an answer (`FAILED.<command>`), never an exception.
   */
  perform(command: Command, answer: (answer: Answer) => void): void;
  /** Nobody waits any more: the answer, if it comes, is not wanted. The work itself may still happen. */
  abandon(id: EffectId): void;
  /** After a crash: what became of each command that has no answer. */
  reconcile(pending: readonly Command[]): Promise<readonly { readonly id: EffectId; readonly found: Found }[]>;
  /**
   * Unasked inputs, in this version the switchover ack: `SWITCHOVER_ACKED` to `pre-copy`, and a guest's own reset of a
   * device: `RESET` to its mirror, `vfio/<device>`.
   */
  readonly facts$: Observable<Input>;
  readonly pages$: Observable<PageWrites>;
  /** How far sending has come, for a person who watches; at most one a send window. */
  readonly progress$?: Observable<Progress>;
  /** What it knows and no command answers, for checkers; only a model knows any of it. */
  measured?(): Measured;
  /** What its hardware can be told to let happen; only a model can be told anything. */
  readonly mishaps?: Mishaps;
  /** Gives back what it holds (sockets, subscriptions). Idempotent. */
  close(): void;
}

/** What was not measured is left out. */
export interface Measured {
  /** Pages that differed between source and destination at the hand-over. */
  readonly lostPages?: number;
  /** Bytes that have gone over the link, headers included. */
  readonly wireBytes?: number;
}

export interface Progress {
  readonly nowNs: number;
  readonly round: number;
  readonly remainingBytes: number;
  /** Since the start of the migration. */
  readonly sentBytes: number;
  readonly bandwidthBytesPerSecond: number;
}

export type Found = Answer | 'not-done' | 'unknown';
