/**
 * No lost write: at the hand-over the destination's pages equal the source's, every one of them.
 *
 * Only who keeps the truth about content can say it: a model tells it with the answer to `startDestination`, or at the end
 * of the run. Where nobody measured it, or nothing was handed over, this checker has nothing against the run and says so.
 */
import type { Checker, CheckResult, ModelTruth } from './checker.ts';
import { type Happening, resultOf } from './happening.ts';

export class NoLostWrite implements Checker {
  readonly name = 'no-lost-write';
  /** Where the destination's memory became the guest's memory. */
  private handedOverAt: number | undefined;
  private told: { readonly lostPages: number; readonly firstLostPages: readonly number[] } | undefined;

  see(happening: Happening): void {
    if (happening.kind === 'issued' && happening.command.name === 'startDestination') {
      this.handedOverAt = happening.position;
    }
    if (happening.kind === 'done' && happening.command.name === 'startDestination') {
      const { lostPages, firstLostPages = [] } = resultOf(happening.event, 'startDestination');
      this.handedOverAt = happening.position;
      if (lostPages !== undefined) this.told = { lostPages, firstLostPages };
    }
  }

  finish(truth: ModelTruth): CheckResult {
    const { name, handedOverAt: position, told } = this;
    if (position === undefined) return { name, held: true, because: 'nothing was handed over' };
    const lostPages = Math.max(told?.lostPages ?? -1, truth.lostPages ?? -1);
    if (lostPages === -1) return { name, held: true, because: 'not measured: nobody knows what the pages should hold' };
    if (lostPages === 0) return { name, held: true };
    const named =
      told === undefined || told.firstLostPages.length === 0
        ? ''
        : `, the first of them ${told.firstLostPages.join(', ')}`;
    return { name, held: false, because: `${lostPages} pages differ at the hand-over${named}`, position };
  }
}
