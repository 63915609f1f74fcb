/**
 * Every tracker may report too much and never too little; and once one could not be asked, everything is dirty.
 *
 * A report clears what it reads (include/uapi/linux/vfio.h, VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT; KVM_GET_DIRTY_LOG in
 * Documentation/virt/kvm/api.rst). If it fails, or its answer is lost, part of the log may be gone: only a sync that takes
 * all of memory for dirty, or a new epoch, makes it whole again.
 *
 * The pages themselves are the model's to count: at the final sync nothing writes any more, and a page that differs and is
 * not waiting to be sent is one that no log reported, in that sync or in any before it.
 */
import { type Checker, type CheckResult, FirstBreak, type ModelTruth } from './checker.ts';
import { type Happening, resultOf } from './happening.ts';

export class TrackersCover implements Checker {
  readonly name = 'trackers-cover';
  private readonly broke = new FirstBreak(this.name);
  /** The report that was lost, in words; undefined while every report since the last sync was heard. */
  private lost: string | undefined;
  private lastSyncAt: number | undefined;

  see(happening: Happening): void {
    switch (happening.kind) {
      case 'failed':
        if (!happening.late)
          this.unheard(happening.command.name, `${happening.command.name} failed (${happening.errno})`);
        break;
      case 'abandoned':
        this.unheard(happening.command.name, `${happening.command.name} was abandoned`);
        break;
      case 'issued': {
        const { command, position } = happening;
        if (command.name === 'startDirtyLog') this.lost = undefined;
        if (command.name !== 'syncBitmap') break;
        if (this.lost !== undefined && !command.params.everything) {
          this.broke.at(position, `${this.lost}, and the next sync does not take everything for dirty`);
        }
        this.lost = undefined;
        break;
      }
      case 'done':
        if (happening.command.name === 'syncBitmap') this.synced(happening);
        break;
      case 'opened':
      case 'told':
      case 'fact':
        break;
      default:
        happening satisfies never;
    }
  }

  finish({ underReportedPages = 0 }: ModelTruth): CheckResult {
    const { name, lastSyncAt } = this;
    const result = this.broke.result();
    if (!result.held || underReportedPages === 0) return result;
    const because = `${underReportedPages} pages were written and no sync reported them`;
    return { name, held: false, because, ...(lastSyncAt === undefined ? {} : { position: lastSyncAt }) };
  }

  private synced({ event, position }: Extract<Happening, { kind: 'done' }>): void {
    this.lastSyncAt = position;
    const { underReportedPages = 0, firstUnderReportedPages = [] } = resultOf(event, 'syncBitmap');
    if (underReportedPages === 0) return;
    const named =
      firstUnderReportedPages.length === 0 ? '' : `, the first of them ${firstUnderReportedPages.join(', ')}`;
    this.broke.at(position, `${underReportedPages} pages were written and no log reported them by this sync${named}`);
  }

  private unheard(command: string, because: string): void {
    if (command === 'reportDirty' || command === 'getDirtyLog') this.lost ??= because;
  }
}
