/**
 * No lost write: at the hand-over the destination's pages equal the source's, every one of them.
 *
 * Only who keeps the truth about content can say it: a model tells it with the answer to `startDestination`, or at the end
 * of the run. Where nobody measured it, or nothing was handed over, this checker has nothing against the run and says so.
 * A broken one names the pages and two records: the hand-over, and the final sync, which is where a page is lost first if
 * no log reported it.
 */
import type { Commands } from '../../machines/words.ts';
import type { Checker, CheckResult, ModelTruth } from './checker.ts';
import { type Happening, resultOf } from './happening.ts';

/** What the final sync's answer said, and where. */
interface FinalSync {
  readonly position: number;
  readonly underReportedPages: number;
}

export class NoLostWrite implements Checker {
  readonly name = 'no-lost-write';
  /** Where the destination's memory became the guest's memory. */
  private handedOverAt: number | undefined;
  private told: { readonly lostPages: number; readonly firstLostPages: readonly number[] } | undefined;
  private finalSync: FinalSync | undefined;

  see(happening: Happening): void {
    if (happening.kind === 'issued' && happening.command.name === 'startDestination') {
      this.handedOverAt = happening.position;
    }
    if (happening.kind !== 'done') return;
    const { command, event, position } = happening;
    if (command.name === 'syncBitmap' && command.params.final) {
      this.finalSync = { position, underReportedPages: resultOf(event, 'syncBitmap').underReportedPages ?? 0 };
    }
    if (command.name === 'sendMissing') this.arrived(resultOf(event, 'sendMissing'), position);
    if (command.name === 'startDestination') {
      const { lostPages, firstLostPages = [] } = resultOf(event, 'startDestination');
      this.handedOverAt = position;
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
    const because = `${lostPages} pages differ at the hand-over${named}${this.blame(lostPages)}`;
    return { name, held: false, because, position };
  }

  /** After a post-copy: everything has been delivered once, and nothing over what the guest wrote there. */
  private arrived({ lostPages = 0, firstLostPages = [] }: Commands['sendMissing']['result'], position: number): void {
    if (lostPages === 0) return;
    this.handedOverAt = position;
    this.told = { lostPages: lostPages + (this.told?.lostPages ?? 0), firstLostPages };
  }

  /** Whose loss it is: the logs', whose last chance the final sync was, or the copy's after it. */
  private blame(lostPages: number): string {
    if (this.finalSync === undefined) return '; there was no final sync';
    const { position, underReportedPages } = this.finalSync;
    const sync = `the final sync (record ${position})`;
    if (underReportedPages >= lostPages) return `; ${sync} did not report them`;
    const rest = 'not sent, or written after it';
    if (underReportedPages === 0) return `; ${sync} knew them: they were ${rest}`;
    return `; ${sync} did not report ${underReportedPages} of them, and the others were ${rest}`;
  }
}
