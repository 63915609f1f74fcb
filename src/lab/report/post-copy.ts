/**
 * The part of a report about post-copy, as a projection: what was missing at the start, what was asked for and what was pushed,
 * how long each vCPU waited, how long it was paused. Absent from the report of a run that never got there.
 */
import type { Commands } from '../../../machines/words.ts';
import type { RecordedEvent } from '../../core/record.ts';
import type { Recorded } from '../../run/runner.ts';
import { formatBytes, formatCount, formatMs } from './format.ts';

export interface PostcopyReport {
  /** From the order to migrate until the guest ran on the destination. */
  readonly startMs: number;
  /** From then until everything had arrived, or until the run ended without. */
  readonly durationMs: number;
  /** What the destination lacked at the start. */
  readonly missingPages: number;
  /** Of what was sent: asked for by somebody who waited, and the rest. Pages that were on a broken connection count again. */
  readonly requestedPages: number;
  readonly pushedPages: number;
  /** On the wire, headers included. */
  readonly sentBytes: number;
  /** How long each vCPU with a workload waited for pages, by its number; null where the driver does not know. */
  readonly blocktimeMs: Readonly<Record<string, number>> | null;
  readonly pauses: number;
  readonly pauseMs: number;
  /** Not there when the run ended; 0 for one that completed. */
  readonly leftPages: number;
}

export class PostCopyStory {
  #begunNs: number | undefined;
  #startNs: number | undefined;
  #endNs: number | undefined;
  #nowNs = 0;
  #missingPages = 0;
  #leftPages = 0;
  #sentPages = 0;
  #sentBytes = 0;
  #requestedPages = 0;
  #blocktimeNs: Readonly<Record<string, number>> | undefined;
  #pauses = 0;
  #pausedNs: number | undefined;
  #pauseNs = 0;

  see({ record, effects, outcome }: Pick<Recorded, 'record' | 'effects' | 'outcome'>): void {
    if (this.#endNs === undefined) this.#nowNs = record.atNs;
    if (record.kind === 'input' && outcome === 'taken') this.#seeEvent(record.event, record.atNs);
    for (const effect of effects) {
      if (effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED') this.#seeStatus(effect.event, record.atNs);
      if (effect.kind === 'fact' && effect.event.type === 'ENDED') this.#endNs ??= record.atNs;
    }
  }

  /** ns at which everything had arrived; undefined before, and for a run without post-copy. */
  get arrivedNs(): number | undefined {
    return this.#startNs !== undefined && this.#leftPages === 0 ? this.#endNs : undefined;
  }

  /** What vCPUs waited for pages, as the mean of so many; nothing where nobody knows. */
  stalledMs(vcpus: number): { readonly missingPages?: number } {
    if (this.#blocktimeNs === undefined) return {};
    const blockedNs = Object.values(this.#blocktimeNs).reduce((sum, ns) => sum + ns, 0);
    return { missingPages: Math.round(blockedNs / vcpus) / 1e6 };
  }

  /** The report's `postcopy`, where there is one. */
  section(): { readonly postcopy?: PostcopyReport } {
    const postcopy = this.report();
    return postcopy === undefined ? {} : { postcopy };
  }

  report(): PostcopyReport | undefined {
    if (this.#startNs === undefined || this.#begunNs === undefined) return undefined;
    const endNs = this.#endNs ?? this.#nowNs;
    const pausedNs = this.#pausedNs === undefined ? 0 : endNs - this.#pausedNs;
    const blocktimes = Object.entries(this.#blocktimeNs ?? {}).map(([vcpu, ns]) => [vcpu, ns / 1e6] as const);
    return {
      startMs: (this.#startNs - this.#begunNs) / 1e6,
      durationMs: (endNs - this.#startNs) / 1e6,
      missingPages: this.#missingPages,
      requestedPages: this.#requestedPages,
      pushedPages: Math.max(0, this.#sentPages - this.#requestedPages),
      sentBytes: this.#sentBytes,
      blocktimeMs: this.#blocktimeNs === undefined ? null : Object.fromEntries(blocktimes),
      pauses: this.#pauses,
      pauseMs: (this.#pauseNs + pausedNs) / 1e6,
      leftPages: this.#leftPages,
    };
  }

  #seeEvent(event: RecordedEvent, atNs: number): void {
    switch (event.type) {
      case 'MIGRATE':
        this.#begunNs ??= atNs;
        break;
      case 'DONE.discardDirty': {
        const { missingPages } = event as unknown as Commands['discardDirty']['result'];
        this.#missingPages = missingPages;
        this.#leftPages = missingPages;
        break;
      }
      case 'DONE.startDestination':
        if (this.#missingPages > 0 || this.#leftPages > 0) this.#startNs = atNs;
        break;
      case 'DONE.compareReceived':
        this.#leftPages = (event as unknown as Commands['compareReceived']['result']).missingPages;
        break;
      case 'DONE.sendMissing':
        this.#sent(event as unknown as Commands['sendMissing']['result'], atNs);
        break;
    }
  }

  #sent(sent: Commands['sendMissing']['result'], atNs: number): void {
    this.#sentPages += sent.sentPages;
    this.#sentBytes += sent.sentBytes;
    this.#requestedPages = sent.requestedPages;
    this.#blocktimeNs = sent.vcpuBlocktimeNs ?? this.#blocktimeNs;
    this.#leftPages = sent.missingPages;
    if (sent.missingPages === 0) this.#endNs = atNs;
  }

  #seeStatus({ status }: RecordedEvent, atNs: number): void {
    if (status === 'postcopy-paused' && this.#pausedNs === undefined) {
      this.#pauses += 1;
      this.#pausedNs = atNs;
    } else if (status === 'postcopy-active' && this.#pausedNs !== undefined) {
      this.#pauseNs += atNs - this.#pausedNs;
      this.#pausedNs = undefined;
    }
  }
}

/** What a person is told of it. */
export function postCopySentence({
  missingPages,
  requestedPages,
  blocktimeMs,
  durationMs,
  pauses,
  pauseMs,
}: PostcopyReport): string {
  const waited = blocktimeMs === null ? [] : Object.entries(blocktimeMs).sort(([, a], [, b]) => b - a);
  const longest = waited[0];
  const asked = `${formatCount(requestedPages)} of them were asked for by somebody who waited`;
  const wait =
    longest === undefined || requestedPages === 0 ? '' : `, vCPU ${longest[0]} longest (${formatMs(longest[1])})`;
  const paused =
    pauses === 0 ? '' : ` It was paused ${pauses === 1 ? 'once' : `${pauses} times`}, for ${formatMs(pauseMs)}.`;
  return `It went on as post-copy for ${formatMs(durationMs)}: ${formatCount(missingPages)} pages were missing when the guest ran on the destination, ${asked}${wait}.${paused}`;
}

/** Lines for a terminal. */
export function postCopyText(report: PostcopyReport): string {
  const { requestedPages, pushedPages, sentBytes, blocktimeMs, durationMs, pauses, pauseMs, missingPages } = report;
  const waits = Object.entries(blocktimeMs ?? {}).map(([vcpu, ms]) => `${vcpu}: ${formatMs(ms)}`);
  return [
    `  ${formatCount(missingPages)} pages missing at the start; ${formatCount(requestedPages)} requested, ${formatCount(pushedPages)} pushed, ${formatBytes(sentBytes)} in ${formatMs(durationMs)}`,
    ...(waits.length === 0 ? [] : [`  vCPUs waited for pages: ${waits.join(', ')}`]),
    ...(pauses === 0 ? [] : [`  paused ${pauses === 1 ? 'once' : `${pauses} times`}, ${formatMs(pauseMs)} in all`]),
  ].join('\n');
}
