/**
 * Figures of a run over its time, each as steps: what plots draw, and what a page shows as numbers at an instant. They are the
 * figures of a report: one that is made of the records up to some record has the values that these have there.
 */
import type { Facts } from '../../../machines/messages.ts';
import type { Commands, MigrateInfo, RoundSent } from '../../../machines/words.ts';
import type { RecordedEvent } from '../../core/record.ts';
import type { Folded } from './instant.ts';
import { SeriesTrack } from './series-track.ts';

export interface Series {
  readonly id: string;
  /** Series of a group share a plot. */
  readonly group: SeriesGroup;
  readonly label: string;
  readonly unit: 'bytes' | 'bytes/s' | 'percent' | 'ms' | 'pages' | 'count';
  /** A value holds from its point on; of a mean, it holds for the time up to its point. */
  readonly holds: 'from' | 'until';
  /** Equally long; ascending in positions. */
  readonly positions: Int32Array;
  readonly atNs: Float64Array;
  readonly values: Float64Array;
}

export const SERIES_GROUPS = ['remaining', 'rates', 'downtime', 'throttle', 'bytes', 'rounds'] as const;
export type SeriesGroup = (typeof SERIES_GROUPS)[number];

type Result<N extends keyof Commands> = Commands[N]['result'];
type Header = Pick<Series, 'group' | 'label' | 'unit'> & Partial<Pick<Series, 'holds'>>;

/** In the order in which they are shown; those of who dirtied what follow the rate of sending. */
const HEADERS = {
  remaining: { group: 'remaining', label: 'remaining', unit: 'bytes' },
  threshold: { group: 'remaining', label: 'threshold', unit: 'bytes' },
  'send-rate': { group: 'rates', label: 'sent', unit: 'bytes/s', holds: 'until' },
  'expected-downtime': { group: 'downtime', label: 'expected downtime', unit: 'ms' },
  'downtime-limit': { group: 'downtime', label: 'downtime limit', unit: 'ms' },
  throttle: { group: 'throttle', label: 'throttle', unit: 'percent' },
  'bytes-total': { group: 'bytes', label: 'sent in all', unit: 'bytes' },
  'bytes-first': { group: 'bytes', label: 'memory, first time', unit: 'bytes' },
  'bytes-resent': { group: 'bytes', label: 'memory, again', unit: 'bytes' },
  'bytes-device': { group: 'bytes', label: 'device state', unit: 'bytes' },
  round: { group: 'rounds', label: 'pass', unit: 'count' },
} as const satisfies Readonly<Record<string, Header>>;

type Id = keyof typeof HEADERS;

export class SeriesBook {
  readonly #tracks = new Map<string, SeriesTrack>();
  readonly #bytes = { memory: 0, deviceState: 0, resent: 0 };
  #pageBytes = 0;
  /** Of the plan; it shows once there is a migration. */
  #limitMs: number | undefined;
  #lastSyncNs: number | undefined;
  /** Since then. */
  #hasSentPass = false;
  /** When what is being sent began. */
  #sendingSinceNs = 0;
  #rounds = 0;
  /** What the pass under way continues counts as one with it. */
  #round = 0;

  see({ record, effects, told, outcome }: Folded): void {
    if (record.kind === 'opened') this.#open(record.opened.plan);
    else if (outcome === 'taken') this.#seeEvent(record.event, record);
    for (const { to, event } of told) {
      if (to === 'pre-copy' && event.type === 'SET_DOWNTIME_LIMIT') this.#limit(Number(event.downtimeLimitMs), record);
      if (to === 'pre-copy' && event.type === 'THROTTLED') this.#put('throttle', Number(event.percent), record);
      if (to === 'guest' && event.type === 'THROTTLE') this.#put('throttle', Number(event.percent), record);
    }
    for (const effect of effects) {
      if (effect.kind === 'fact' && effect.event.type === 'ROUND_ASSESSED')
        this.#assessed(effect.event as unknown as Facts['ROUND_ASSESSED'], record);
      if (effect.kind !== 'command') continue;
      if (effect.name === 'sendRound') this.#put('round', effect.params.round, record);
      if (SENDS.has(effect.name)) this.#sendingSinceNs = record.atNs;
    }
  }

  /** As far as the run has been folded. */
  all(): readonly Series[] {
    return this.tracks().map((track) => track.series());
  }

  tracks(): readonly SeriesTrack[] {
    const ids = [...Object.keys(HEADERS), ...[...this.#tracks.keys()].filter((id) => !(id in HEADERS))];
    const found = ids.flatMap((id) => this.#tracks.get(id) ?? []);
    return SERIES_GROUPS.flatMap((group) => found.filter(({ header }) => header.group === group));
  }

  #open(plan: unknown): void {
    const { pageBytes, downtimeLimitMs } = (plan ?? {}) as { pageBytes?: unknown; downtimeLimitMs?: unknown };
    this.#pageBytes = typeof pageBytes === 'number' ? pageBytes : 0;
    this.#limitMs = typeof downtimeLimitMs === 'number' ? downtimeLimitMs : undefined;
  }

  #seeEvent(event: RecordedEvent, record: At): void {
    switch (event.type) {
      case 'MIGRATE':
        if (this.#limitMs !== undefined) this.#limit(this.#limitMs, record);
        break;
      case 'BRANCHED': {
        const { downtimeLimitMs } = (event.plan ?? {}) as { readonly downtimeLimitMs?: unknown };
        if (typeof downtimeLimitMs === 'number') this.#limit(downtimeLimitMs, record);
        break;
      }
      case 'DONE.sendRound':
        this.#roundSent(event as unknown as Result<'sendRound'>, record);
        break;
      case 'DONE.sendRemaining':
        this.#copied(event as unknown as Result<'sendRemaining'>, record);
        break;
      case 'DONE.sendDeviceState':
        this.#bytes.deviceState += (event as unknown as Result<'sendDeviceState'>).sentBytes;
        this.#sentSoFar(record);
        break;
      case 'DONE.discardDirty':
        this.#bytes.memory += (event as unknown as Result<'discardDirty'>).sentBytes;
        this.#sentSoFar(record);
        break;
      case 'DONE.sendMissing': {
        const { sentBytes, missingPages } = event as unknown as Result<'sendMissing'>;
        this.#bytes.memory += sentBytes;
        this.#bytes.resent += sentBytes;
        this.#put('remaining', missingPages * this.#pageBytes, record);
        this.#rate(sentBytes, record);
        this.#sentSoFar(record);
        break;
      }
      case 'DONE.syncBitmap':
        this.#synced(event as unknown as Result<'syncBitmap'>, record);
        break;
      case 'POLL_SEEN':
        this.#polled(event as unknown as Partial<MigrateInfo>, record);
        break;
      case 'PASS_SEEN':
        this.#put('round', Number(event.pass), record);
        break;
    }
  }

  #roundSent(sent: RoundSent, record: At): void {
    const round = this.#tracks.get('round')?.last ?? 0;
    const isContinued = round === this.#round;
    if (!isContinued) this.#rounds += 1;
    this.#round = round;
    this.#hasSentPass = true;
    this.#count(sent, this.#rounds > 1);
    this.#put('remaining', sent.remainingBytes, record);
    this.#rate(sent.sentBytes, record);
    this.#sentSoFar(record);
  }

  #copied(sent: RoundSent, record: At): void {
    this.#count(sent, true);
    this.#put('remaining', sent.remainingBytes, record);
    this.#rate(sent.sentBytes, record);
    this.#sentSoFar(record);
  }

  /** What was sent in how long: the mean over a pass, with whatever kept it waiting. */
  #rate(sentBytes: number, record: At): void {
    const sinceNs = record.atNs - this.#sendingSinceNs;
    if (sinceNs > 0) this.#put('send-rate', (1e9 * sentBytes) / sinceNs, record);
  }

  #count({ sentBytes, deviceBytes }: RoundSent, again: boolean): void {
    this.#bytes.memory += sentBytes - deviceBytes;
    this.#bytes.deviceState += deviceBytes;
    if (again) this.#bytes.resent += sentBytes - deviceBytes;
  }

  #sentSoFar(record: At): void {
    const { memory, deviceState, resent } = this.#bytes;
    this.#put('bytes-total', memory + deviceState, record);
    this.#put('bytes-first', memory - resent, record);
    this.#put('bytes-resent', resent, record);
    this.#put('bytes-device', deviceState, record);
  }

  #synced(sync: Result<'syncBitmap'>, record: At): void {
    this.#put('remaining', sync.remainingBytes, record);
    const sinceNs = record.atNs - (this.#lastSyncNs ?? record.atNs);
    // By pass: the first sync finds all of memory dirty, which nobody wrote, and the last one comes right after another.
    if (this.#hasSentPass && sinceNs > 0) {
      for (const [source, pages] of Object.entries(sync.dirtyPagesBySource)) {
        const header: Header = {
          group: 'rates',
          label: `by ${sourceText(source)}`,
          unit: 'bytes/s',
          holds: 'until',
        };
        this.#track(`dirty:${source}`, header).put((1e9 * pages * this.#pageBytes) / sinceNs, record);
      }
    }
    this.#lastSyncNs = record.atNs;
    this.#hasSentPass = false;
  }

  #assessed({ observation }: Facts['ROUND_ASSESSED'], record: At): void {
    const { remainingBytes, bandwidthBytesPerSecond, downtimeLimitMs, throttlePercent } = observation;
    this.#put('remaining', remainingBytes, record);
    this.#put('threshold', Math.floor((bandwidthBytesPerSecond * downtimeLimitMs) / 1000), record);
    this.#put('throttle', throttlePercent, record);
    this.#limit(downtimeLimitMs, record);
    if (bandwidthBytesPerSecond === 0) return;
    const expectedMs = (1000 * remainingBytes) / bandwidthBytesPerSecond;
    // To the microsecond, as in a report.
    this.#put('expected-downtime', Math.round(expectedMs * 1000) / 1000, record);
  }

  /** Of somebody else's migration, what its own figures said. */
  #polled({ ram, expectedDowntimeMs }: Partial<MigrateInfo>, record: At): void {
    if (ram !== undefined) {
      this.#put('remaining', ram.remainingBytes, record);
      this.#put('bytes-total', ram.transferredBytes, record);
    }
    if (expectedDowntimeMs !== undefined) this.#put('expected-downtime', expectedDowntimeMs, record);
  }

  #limit(limitMs: number, record: At): void {
    this.#put('downtime-limit', limitMs, record);
  }

  #put(id: Id, value: number, record: At): void {
    this.#track(id, HEADERS[id]).put(value, record);
  }

  #track(id: string, { group, label, unit, holds = 'from' }: Header): SeriesTrack {
    let track = this.#tracks.get(id);
    if (track === undefined) {
      track = new SeriesTrack({ id, group, label, unit, holds });
      this.#tracks.set(id, track);
    }
    return track;
  }
}

interface At {
  readonly atNs: number;
  readonly position: number;
}

const SENDS: ReadonlySet<string> = new Set(['sendRound', 'sendRemaining', 'sendMissing']);

/** `dma:nic0` -> `DMA of nic0`. */
function sourceText(source: string): string {
  if (source === 'vcpu') return 'vCPUs';
  const [kind, name] = source.split(':');
  return name === undefined ? source : kind === 'dma' ? `DMA of ${name}` : `${kind} ${name}`;
}

/** The last value at or before a record; undefined where there is none yet. */
export function valueAt(
  { positions, values }: Pick<Series, 'positions' | 'values'>,
  position: number,
): number | undefined {
  return values[firstBeyond(positions, position) - 1];
}

/** What a plot shows at a time: of a mean, the one that this time is in. */
export function valueShownAt({ atNs, values, holds }: Series, ns: number): number | undefined {
  if (holds === 'from') return values[firstBeyond(atNs, ns) - 1];
  return values[firstNotBefore(atNs, ns)];
}

/** How many of the ascending `list` are at or before it. */
export function firstBeyond(list: ArrayLike<number>, at: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of the ascending `list` are before it. */
export function firstNotBefore(list: ArrayLike<number>, at: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
