/**
 * What a step asks of the world, as data: commands to drivers, timers to the clock, facts to whoever listens.
 * Effects are recomputed at every fold and never stored; a record keeps only their checksum.
 */
import type { CommandName, Commands } from '../../machines/words.ts';
import type { Address, EffectId, RecordedEvent } from './record.ts';

export type Command<N extends CommandName = CommandName> = N extends CommandName
  ? {
      readonly kind: 'command';
      readonly id: EffectId;
      /** The chart that gave it, and that its answer goes to. */
      readonly by: Address;
      readonly name: N;
      readonly params: Commands[N]['params'];
      /** On the run's clock; passing it is answered `FAILED.<name>` with ETIMEDOUT. */
      readonly deadlineNs: number;
    }
  : never;

export interface Timer {
  readonly kind: 'setTimer';
  readonly id: EffectId;
  readonly by: Address;
  /** The chart's own name for it. */
  readonly timer: string;
  readonly dueNs: number;
  readonly event: RecordedEvent;
}

export interface ClearTimer {
  readonly kind: 'clearTimer';
  readonly id: EffectId;
  /** Id of the `setTimer` effect. */
  readonly of: EffectId;
}

/** Nobody waits for this command's answer any more: superseded, or its chart closed. */
export interface Abandon {
  readonly kind: 'abandon';
  readonly id: EffectId;
  readonly of: EffectId;
}

export interface Fact {
  readonly kind: 'fact';
  readonly id: EffectId;
  readonly by: Address;
  readonly event: RecordedEvent;
}

export type Effect = Command | Timer | ClearTimer | Abandon | Fact;
