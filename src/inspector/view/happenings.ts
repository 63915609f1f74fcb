/**
 * What a scenario had planned to go wrong in the world, at the moment at which it did: the link went down or slow, a host died.
 * No record tells of these by itself; the first one has the plan, and what it is planned after is a command.
 */
import type { Folded } from './instant.ts';
import type { Moment } from './lane-track.ts';
import type { LaneWriter } from './lane-writer.ts';
import type { MarkBook } from './marks.ts';

export interface Happening extends Moment {
  readonly what: 'link-down' | 'link-slow' | 'destination-dies' | 'source-dies' | 'link-restored';
  /** Of a slow link: what is left of its bandwidth. */
  readonly percent?: number;
}

interface Planned {
  readonly what: Happening['what'];
  readonly percent?: number;
  /** ns; undefined: for ever. */
  readonly forNs?: number;
  readonly after?: { readonly command: string; readonly nth: number };
}

export class Happenings implements LaneWriter {
  readonly #marks: MarkBook;
  readonly #due: { readonly atNs: number; readonly planned: Planned }[] = [];
  readonly #waiting: Planned[] = [];
  readonly #counted = new Map<string, number>();
  #last: Moment = { atNs: 0, position: 0 };
  /** Of this record, and since the one before. */
  now: readonly Happening[] = [];

  constructor(marks: MarkBook) {
    this.#marks = marks;
  }

  see({ record, effects }: Folded): void {
    const happened: Happening[] = [];
    if (record.kind === 'opened') this.#read(record.opened.scenario);
    const due = this.#due.filter(({ atNs }) => atNs <= record.atNs).sort((a, b) => a.atNs - b.atNs);
    for (const one of due) {
      this.#due.splice(this.#due.indexOf(one), 1);
      happened.push(this.#happen(one.planned, { ...this.#last, atNs: one.atNs }));
    }
    if (this.#waiting.length > 0) {
      for (const effect of effects) {
        if (effect.kind !== 'command') continue;
        const nth = (this.#counted.get(effect.name) ?? 0) + 1;
        this.#counted.set(effect.name, nth);
        for (const planned of this.#waiting) {
          if (planned.after?.command === effect.name && planned.after.nth === nth)
            happened.push(this.#happen(planned, record));
        }
      }
    }
    this.#last = record;
    this.now = happened;
  }

  #happen({ what, percent, forNs }: Planned, { atNs, position }: Moment): Happening {
    if (forNs !== undefined) this.#due.push({ atNs: atNs + forNs, planned: { what: 'link-restored' } });
    if (what !== 'link-restored') this.#marks.add({ atNs, position, kind: 'fault', label: TEXT[what], ...LANE[what] });
    return { what, atNs, position, ...(percent !== undefined && { percent }) };
  }

  /** The scenario as it stands in a journal: anything may be missing in it, or be something else. */
  #read(scenario: unknown): void {
    const { faults } = (scenario ?? {}) as { readonly faults?: unknown };
    for (const fault of Array.isArray(faults) ? faults : []) {
      const { when, event } = (fault ?? {}) as { readonly when?: PlannedWhen; readonly event?: PlannedEvent };
      const { happens, percent, forNs } = event ?? {};
      if (when === undefined || !isWhat(happens)) continue;
      const planned: Planned = {
        what: happens,
        ...(typeof percent === 'number' && { percent }),
        ...(typeof forNs === 'number' && { forNs }),
      };
      if (typeof when.atNs === 'number') this.#due.push({ atNs: when.atNs, planned });
      else if (typeof when.after === 'string')
        this.#waiting.push({ ...planned, after: { command: when.after, nth: Number(when.nth ?? 1) } });
    }
  }
}

type PlannedWhen = { readonly atNs?: unknown; readonly after?: unknown; readonly nth?: unknown };
type PlannedEvent = { readonly happens?: unknown; readonly percent?: unknown; readonly forNs?: unknown };

const TEXT = {
  'link-down': 'the link goes down',
  'link-slow': 'the link goes slow',
  'destination-dies': 'the destination dies',
  'source-dies': 'the source dies',
} as const;

const LANE = {
  'link-down': { lane: 'link' },
  'link-slow': { lane: 'link' },
  'destination-dies': { lane: 'host/destination' },
  'source-dies': { lane: 'host/source' },
} as const;

function isWhat(happens: unknown): happens is keyof typeof TEXT {
  return typeof happens === 'string' && Object.hasOwn(TEXT, happens);
}
