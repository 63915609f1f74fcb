/**
 * What charts tell each other because of a record, as rows from top to bottom: the record itself first, then every message in
 * the order of delivery, and last what is asked of the world, because a runner hands effects out when the record is written.
 */
import type { Effect } from '../../core/effect.ts';
import type { EffectId, Rec } from '../../core/record.ts';
import type { Folded } from './instant.ts';

/** A chart's address, or who is outside: `operator`, `driver`, `clock`, `import`, a user's function. */
export type Column = string;

export type SequenceRow = {
  /** What there is to say beside the type, cut. */
  readonly data: string;
  /** Which of the record's deliveries, or of its effects, it is; absent: the record itself. */
  readonly told?: number;
  readonly effect?: EffectId;
} & (
  | {
      readonly kind: 'input' | 'message';
      readonly from: Column;
      readonly to: Column;
      readonly type: string;
      /** `untaken`: no state takes it; `late`, `nobody`: it did not get there. */
      readonly fate: 'taken' | 'untaken' | 'late' | 'nobody';
    }
  | { readonly kind: 'command' | 'timer'; readonly from: Column; readonly to: Column; readonly type: string }
  /** A command is given up, or a timer taken back, which nobody waits for any more. */
  | { readonly kind: 'withdrawn'; readonly at: Column; readonly type: string }
  | { readonly kind: 'fact'; readonly at: Column; readonly type: string }
  | { readonly kind: 'opened' | 'closed'; readonly charts: readonly Column[] }
);

export interface SequenceGroup {
  readonly position: number;
  readonly atNs: number;
  readonly rows: readonly SequenceRow[];
}

export function sequenceOf({ record, outcome, told, effects, closed }: Folded): SequenceGroup {
  const rows: SequenceRow[] = [];
  const [first] = told;
  const isDelivered = record.kind === 'input' && first !== undefined && first.from === undefined && !first.opens;
  if (record.kind === 'input') rows.push(inputRow(record, outcome, isDelivered ? first.taken : undefined));
  let opened: Column[] = [];
  const endOpened = () => {
    if (opened.length > 0) rows.push({ kind: 'opened', charts: opened, data: '' });
    opened = [];
  };
  for (const [index, { from, to, event, taken, opens }] of told.entries()) {
    if (index === 0 && isDelivered) continue;
    if (opens) {
      opened.push(to);
      continue;
    }
    endOpened();
    const fate = taken ? 'taken' : 'untaken';
    rows.push({
      kind: 'message',
      from: from ?? '',
      to,
      type: event.type,
      fate,
      data: sequenceData(event),
      told: index,
    });
  }
  endOpened();
  rows.push(...effects.map((effect) => ({ ...effectRow(effect), effect: effect.id })));
  if (closed.length > 0) rows.push({ kind: 'closed', charts: closed, data: '' });
  return { position: record.position, atNs: record.atNs, rows };
}

type Input = Extract<Rec, { readonly kind: 'input' }>;

function inputRow({ by, to, event }: Input, outcome: Folded['outcome'], taken: boolean | undefined): SequenceRow {
  const reached = taken === undefined ? 'nobody' : taken ? 'taken' : 'untaken';
  const fate = outcome === 'late' ? 'late' : reached;
  return { kind: 'input', from: columnOf(by), to, type: event.type, fate, data: sequenceData(event) };
}

function effectRow(effect: Effect): SequenceRow {
  switch (effect.kind) {
    case 'command':
      return row('command', effect.by, DRIVER, effect.name, effect.params);
    case 'setTimer':
      return row('timer', effect.by, CLOCK, effect.timer, { due: `${effect.dueNs} ns` });
    case 'abandon':
      return { kind: 'withdrawn', at: DRIVER, type: `abandons ${effect.of}`, data: '' };
    case 'clearTimer':
      return { kind: 'withdrawn', at: CLOCK, type: `clears ${effect.of}`, data: '' };
    case 'fact':
      return { kind: 'fact', at: effect.by, type: effect.event.type, data: sequenceData(effect.event) };
    default:
      return effect satisfies never;
  }
}

function row(kind: 'command' | 'timer', from: Column, to: Column, type: string, data: unknown): SequenceRow {
  return { kind, from, to, type, data: sequenceData((data ?? {}) as object) };
}

const DRIVER = 'driver';
const CLOCK = 'clock';

/** Who says a record: timers are the clock's. */
export function columnOf(by: string): Column {
  return by === 'timer' ? CLOCK : by;
}

const DATA_CHARACTERS_MAX = 90;
/** Said of every message, and seen in the row already. */
const SAID_ALREADY = ['type', 'from', 'atNs'];

function sequenceData(event: object): string {
  const parts: string[] = [];
  let length = 0;
  for (const [key, value] of Object.entries(event)) {
    if (SAID_ALREADY.includes(key) || value === undefined) continue;
    const text = `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`.slice(0, DATA_CHARACTERS_MAX);
    parts.push(text);
    length += text.length;
    if (length > DATA_CHARACTERS_MAX) break;
  }
  const whole = parts.join(', ');
  return whole.length > DATA_CHARACTERS_MAX ? `${whole.slice(0, DATA_CHARACTERS_MAX)} …` : whole;
}

/** Columns that some rows need to be drawn, which a chart that is only opened or closed does not: who is outside first, then charts in the order in which `known` has them. */
export function columnsOf(groups: readonly SequenceGroup[], known: readonly Column[] = []): readonly Column[] {
  const used = new Set(groups.flatMap(({ rows }) => rows.flatMap(placesOf)));
  const rank = (column: Column) => {
    const outside = OUTSIDE.indexOf(column);
    if (outside >= 0) return outside - OUTSIDE.length;
    // A user's own function is no chart.
    if (column.startsWith('policy:')) return -0.5;
    return known.includes(column) ? known.indexOf(column) : known.length;
  };
  return [...used].filter((column) => column !== '').sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

const OUTSIDE = ['operator', 'import', CLOCK, DRIVER];

function placesOf(row: SequenceRow): readonly Column[] {
  switch (row.kind) {
    case 'input':
    case 'message':
    case 'command':
    case 'timer':
      return [row.from, row.to];
    case 'withdrawn':
    case 'fact':
      return [row.at];
    case 'opened':
    case 'closed':
      return [];
    default:
      return row satisfies never;
  }
}

/** How many rows each record has: what a long list needs to know where everything is before it is asked for. */
export class RowCounts {
  #counts = new Uint16Array(1024);
  #length = 0;
  /** Addresses in the order in which charts were first opened. */
  readonly charts: string[] = [];

  see(folded: Folded): void {
    if (this.#length === this.#counts.length) {
      const grown = new Uint16Array(this.#length * 2);
      grown.set(this.#counts);
      this.#counts = grown;
    }
    this.#counts[this.#length] = sequenceOf(folded).rows.length;
    this.#length += 1;
    for (const { opens, to } of folded.told) if (opens && !this.charts.includes(to)) this.charts.push(to);
  }

  from(position: number): Uint16Array {
    return this.#counts.slice(position, this.#length);
  }
}
