/**
 * The scenario's own operator of post-copy: starts it after a round or at a time, pauses it, and recovers it some time after
 * each pause. It watches what is announced, as a person or libvirt would, and its orders are records like anybody's.
 */
import type { RunClock } from '../clock/clock.ts';
import type { Rec, RecordedEvent } from '../core/record.ts';
import type { Recorded } from '../run/runner.ts';
import type { Postcopy } from './scenario/postcopy.ts';

export type PostCopyOrder = 'START_POSTCOPY' | 'PAUSE' | 'RECOVER';

export class PostCopyOperator {
  readonly #wants: Postcopy;
  readonly #clock: RunClock;
  readonly #order: (order: PostCopyOrder) => void;

  constructor(wants: Postcopy, clock: RunClock, order: (order: PostCopyOrder) => void) {
    this.#wants = wants;
    this.#clock = clock;
    this.#order = order;
  }

  /** The run is open: what is to happen at a time is put on the clock. Before the order to migrate. */
  start(): void {
    const { atNs, pauseAtNs } = this.#wants;
    if (atNs !== null) this.#clock.at(atNs, () => this.#order('START_POSTCOPY'));
    if (pauseAtNs !== null) this.#clock.at(pauseAtNs, () => this.#order('PAUSE'));
  }

  see({ effects }: Pick<Recorded, 'effects'>): void {
    const { afterRound, recoverAfterNs } = this.#wants;
    for (const effect of effects) {
      if (effect.kind !== 'fact') continue;
      if (afterRound !== null && isRound(effect.event, afterRound)) this.#order('START_POSTCOPY');
      if (recoverAfterNs !== null && isPaused(effect.event)) {
        this.#clock.at(this.#clock.nowNs + recoverAfterNs, () => this.#order('RECOVER'));
      }
    }
  }
}

const isRound = (event: RecordedEvent, round: number) => event.type === 'ROUND_ASSESSED' && event.round === round;
const isPaused = (event: RecordedEvent) => event.type === 'STATUS_CHANGED' && event.status === 'postcopy-paused';

/**
 * Orders about post-copy that a person or a program gave, and not the scenario's own operator, in order. Of a kind that this one
 * gives as well, none counts: nothing in a record tells the two apart.
 */
export function ordersOfOthers(
  records: readonly Rec[],
  postcopy: Postcopy | undefined,
): readonly { readonly position: number; readonly atNs: number; readonly order: PostCopyOrder }[] {
  const own: Readonly<Record<PostCopyOrder, boolean>> = {
    START_POSTCOPY: (postcopy?.afterRound ?? null) !== null || (postcopy?.atNs ?? null) !== null,
    PAUSE: (postcopy?.pauseAtNs ?? null) !== null,
    RECOVER: (postcopy?.recoverAfterNs ?? null) !== null,
  };
  return records.flatMap((record) => {
    if (record.kind !== 'input' || record.by !== 'operator' || !Object.hasOwn(own, record.event.type)) return [];
    const order = record.event.type as PostCopyOrder;
    return own[order] ? [] : [{ position: record.position, atNs: record.atNs, order }];
  });
}
