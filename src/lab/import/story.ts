/**
 * The story of a migration that was watched: statuses, passes with what remained, and how long the guest ran nowhere. A
 * projection of the records of an imported journal, as the report is of a run of ours; unknown is null, never zero.
 */
import type { Inbox } from '../../../machines/messages.ts';
import type { ObservedRam } from '../../../machines/observed.ts';
import type { Recorded } from '../../run/runner.ts';
import { formatBytes, formatMs } from '../report/format.ts';
import { plainTable } from '../report/text.ts';

export interface ObservedPass {
  readonly pass: number;
  readonly atMs: number;
  /** Until the next pass, or the end; null: the log ends in it. */
  readonly tookMs: number | null;
  /** Of the last poll in this pass; null: none fell into it. */
  readonly remainingBytes: number | null;
  readonly transferredBytes: number | null;
}

export interface ObservedStory {
  readonly run: string;
  readonly source: string;
  readonly statuses: readonly { readonly atMs: number; readonly status: string }[];
  readonly passes: readonly ObservedPass[];
  readonly stoppedAtMs: number | null;
  readonly resumedAtMs: number | null;
  readonly resumedOn: 'source' | 'destination' | null;
  /** From STOP on the source to RESUME, wherever; null: the log has not both. */
  readonly downtimeMs: number | null;
  /** What QEMU says itself; null: it did not. */
  readonly vmmDowntimeMs: number | null;
  readonly totalMs: number | null;
  readonly transferredBytes: number | null;
  readonly warnings: readonly string[];
}

const ENDS = ['completed', 'failed', 'cancelled'];

export class StoryProjection {
  #run = '';
  #source = '';
  readonly #statuses: { atMs: number; status: string }[] = [];
  readonly #passes: { pass: number; atMs: number; ram?: ObservedRam }[] = [];
  readonly #warnings: string[] = [];
  #stoppedAtMs: number | null = null;
  #resumed: { readonly atMs: number; readonly on: 'source' | 'destination' } | null = null;
  #vmmDowntimeMs: number | null = null;
  #totalMs: number | null = null;
  #ram: ObservedRam | undefined;

  see({ record, effects }: Recorded): void {
    if (record.kind === 'opened') {
      this.#run = record.opened.run;
      this.#source = (record.opened.scenario as { readonly name: string }).name;
      return;
    }
    const atMs = record.atNs / 1e6;
    this.#seeEvent(record.event as Inbox['observed'], atMs);
    for (const effect of effects) {
      if (effect.kind !== 'fact') continue;
      if (effect.event.type === 'STATUS_CHANGED') this.#statuses.push({ atMs, status: String(effect.event.status) });
      if (effect.event.type === 'WARNED') this.#warnings.push(`at ${formatMs(atMs)}: ${effect.event.of}`);
    }
  }

  story(): ObservedStory {
    const endMs = this.#statuses.findLast(({ status }) => ENDS.includes(status))?.atMs ?? null;
    const stopped = this.#stoppedAtMs;
    return {
      run: this.#run,
      source: this.#source,
      statuses: this.#statuses,
      passes: this.#passes.map(({ pass, atMs, ram }, index) => ({
        pass,
        atMs,
        tookMs: minus(this.#passes[index + 1]?.atMs ?? endMs, atMs),
        remainingBytes: ram?.remainingBytes ?? null,
        transferredBytes: ram?.transferredBytes ?? null,
      })),
      stoppedAtMs: stopped,
      resumedAtMs: this.#resumed?.atMs ?? null,
      resumedOn: this.#resumed?.on ?? null,
      downtimeMs: stopped === null ? null : minus(this.#resumed?.atMs ?? null, stopped),
      vmmDowntimeMs: this.#vmmDowntimeMs,
      totalMs: this.#totalMs,
      transferredBytes: this.#ram?.transferredBytes ?? null,
      warnings: this.#warnings,
    };
  }

  #seeEvent(event: Inbox['observed'], atMs: number): void {
    switch (event.type) {
      case 'STATUS_SEEN':
        break;
      case 'PASS_SEEN':
        this.#passes.push({ pass: event.pass, atMs });
        break;
      case 'STOP_SEEN':
        if (event.host === 'source') {
          this.#stoppedAtMs = atMs;
          this.#resumed = null;
        }
        break;
      case 'RESUME_SEEN':
        if (this.#stoppedAtMs !== null) this.#resumed ??= { atMs, on: event.host };
        break;
      case 'POLL_SEEN':
        this.#seePoll(event);
        break;
      default:
        event satisfies never;
    }
  }

  #seePoll({ totalTimeMs, downtimeMs, ram }: Extract<Inbox['observed'], { type: 'POLL_SEEN' }>): void {
    this.#totalMs = totalTimeMs ?? this.#totalMs;
    this.#vmmDowntimeMs = downtimeMs ?? this.#vmmDowntimeMs;
    this.#ram = ram ?? this.#ram;
    const pass = this.#passes.at(-1);
    if (ram === undefined) return;
    if (pass !== undefined) pass.ram = ram;
  }
}

const minus = (later: number | null, earlier: number) =>
  later === null ? null : Math.max(0, Math.round((later - earlier) * 1e6) / 1e6);

export function storyText(story: ObservedStory): string {
  const { statuses, passes, warnings } = story;
  const bytes = (value: number | null) => (value === null ? '-' : formatBytes(value));
  const ms = (value: number | null) => (value === null ? '-' : formatMs(value));
  const parts = [
    `${story.run}: ${story.source}, imported and read-only`,
    storySentence(story),
    `Statuses\n${plainTable(
      ['at', 'status'],
      statuses.map(({ atMs, status }) => [formatMs(atMs), status]),
    )}`,
    ...(passes.length === 0
      ? []
      : [
          `Passes\n${plainTable(
            ['pass', 'at', 'took', 'remaining', 'sent by then'],
            passes.map(({ pass, atMs, tookMs, remainingBytes, transferredBytes }) => [
              String(pass),
              formatMs(atMs),
              ms(tookMs),
              bytes(remainingBytes),
              bytes(transferredBytes),
            ]),
          )}`,
        ]),
    ...(warnings.length === 0 ? [] : [`Warnings\n  ${warnings.join('\n  ')}`]),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

export function storySentence(story: ObservedStory): string {
  const { statuses, passes, totalMs, transferredBytes, vmmDowntimeMs } = story;
  const said = [
    `${statuses.at(-1)?.status ?? 'nothing'}${totalMs === null ? '' : ` after ${formatMs(totalMs)}`}`,
    ...(passes.length === 0 ? [] : [`${passes.length} ${passes.length === 1 ? 'pass' : 'passes'}`]),
    ...(transferredBytes === null ? [] : [`${formatBytes(transferredBytes)} sent`]),
  ].join(', ');
  const own = vmmDowntimeMs === null ? '' : ` QEMU says ${formatMs(vmmDowntimeMs)} of downtime.`;
  return `Seen: ${said}. ${downtimeText(story)}${own}`;
}

function downtimeText({ stoppedAtMs, downtimeMs, resumedOn }: ObservedStory): string {
  if (stoppedAtMs === null) return 'The log has no STOP: when the guest stood still is not known.';
  if (downtimeMs === null) return "The guest was stopped, and the log has no RESUME (it is in the destination's log).";
  return `${formatMs(downtimeMs)} between STOP and RESUME on the ${resumedOn}.`;
}
