/** One row of the sequence: an arrow from column to column with what is told, or a mark where something happens in one place. */
import { timerName } from '../../view/marks.ts';
import type { Column, SequenceRow } from '../../view/sequence.ts';
import { cut } from '../format.ts';

export interface ColumnPlaces {
  /** The middle of each column, in px. */
  readonly at: ReadonlyMap<Column, number>;
  readonly eachPx: number;
  readonly widthPx: number;
  /** The part that is not scrolled away: texts keep inside of it. */
  readonly seen: { readonly fromPx: number; readonly toPx: number };
}

const ROW_PX = 22;
const LINE_Y = 16;
const TEXT_Y = 11;
/** Of the 11 px font, roughly, capitals and the rest: labels are kept inside by them. */
const CAPITAL_PX = 7.9;
const CHARACTER_PX = 6.2;

interface SequenceRowProps {
  readonly row: SequenceRow;
  readonly places: ColumnPlaces;
  readonly isPicked: boolean;
  pick(): void;
}

export function SequenceRowLine({ row, places, isPicked, pick }: SequenceRowProps) {
  const label = cut(sentenceOf(row), 200);
  return (
    <button
      type="button"
      class={`sequence-row ${row.kind}${'fate' in row && row.fate !== 'taken' ? ` ${row.fate}` : ''}`}
      tabIndex={-1}
      aria-pressed={isPicked}
      aria-label={label}
      title={row.data === '' ? label : `${label}\n${row.data}`}
      onClick={pick}
    >
      <svg width={places.widthPx} height={ROW_PX} aria-hidden="true">
        <Drawn row={row} places={places} />
      </svg>
    </button>
  );
}

function Drawn({ row, places }: { readonly row: SequenceRow; readonly places: ColumnPlaces }) {
  switch (row.kind) {
    case 'input':
    case 'message':
    case 'command':
    case 'timer':
      return <Arrow row={row} places={places} />;
    case 'fact':
    case 'withdrawn':
      return <Mark row={row} places={places} />;
    case 'opened':
    case 'closed':
      return <Lives row={row} places={places} />;
    default:
      return row satisfies never;
  }
}

type ArrowRow = Extract<SequenceRow, { readonly to: Column }>;

function Arrow({ row, places }: { readonly row: ArrowRow; readonly places: ColumnPlaces }) {
  const [from, to] = [places.at.get(row.from), places.at.get(row.to)];
  if (from === undefined || to === undefined) return null;
  const label = labelOf(row);
  if (from === to) {
    return (
      <>
        <path d={`M${from} 5 h14 v11 h-10`} />
        <path class="head" d={`M${from + 1} ${LINE_Y} l6 -3.5 v7 z`} />
        <Text text={label} x={from + 20 + halfOf(label)} places={places} />
      </>
    );
  }
  const direction = to > from ? 1 : -1;
  return (
    <>
      <line x1={from} x2={to - 6 * direction} y1={LINE_Y} y2={LINE_Y} />
      <circle cx={from} cy={LINE_Y} r="2" />
      <path class="head" d={`M${to} ${LINE_Y} l${-7 * direction} -3.5 v7 z`} />
      <Text text={label} x={middleSeen(from, to, places)} places={places} />
    </>
  );
}

type MarkRow = Extract<SequenceRow, { readonly at: Column }>;

function Mark({ row, places }: { readonly row: MarkRow; readonly places: ColumnPlaces }) {
  const x = places.at.get(row.at);
  if (x === undefined) return null;
  const label = labelOf(row);
  const half = halfOf(label);
  // On the side where there is room.
  const side = x + 9 + 2 * half > places.seen.toPx ? -1 : 1;
  return (
    <>
      <path class="head" d={`M${x} 7 l4 4 l-4 4 l-4 -4 z`} />
      <Text text={label} x={x + side * (9 + half)} y={15} places={places} />
    </>
  );
}

type LivesRow = Extract<SequenceRow, { readonly charts: readonly Column[] }>;

function Lives({ row, places }: { readonly row: LivesRow; readonly places: ColumnPlaces }) {
  // All in words where one of them has no column.
  const others = row.charts.every((chart) => places.at.has(chart)) ? [] : row.charts;
  const text = `${row.kind}: ${others.join(', ')}`;
  const most = Math.floor((places.seen.toPx - places.seen.fromPx) / CHARACTER_PX);
  return (
    <>
      {others.length > 0 && (
        <text class="others" x={places.seen.fromPx} y="15">
          {text.length > most ? `${text.slice(0, most - 1)}…` : text}
        </text>
      )}
      {others.length === 0 &&
        row.charts.map((chart) => (
          <g key={chart}>
            <rect x={(places.at.get(chart) ?? 0) - 24} y="4" width="48" height="14" rx="7" />
            <text x={places.at.get(chart) ?? 0} y="14.5" text-anchor="middle">
              {row.kind}
            </text>
          </g>
        ))}
    </>
  );
}

interface TextProps {
  readonly text: string;
  readonly x: number;
  readonly y?: number;
  readonly places: ColumnPlaces;
}

/** Of the part of an arrow that is in sight. */
function middleSeen(from: number, to: number, { seen }: ColumnPlaces): number {
  const left = Math.max(seen.fromPx, Math.min(from, to));
  const right = Math.min(seen.toPx, Math.max(from, to));
  return (left + right) / 2;
}

/** Around a middle, but never out of sight. */
function Text({ text, x, y = TEXT_Y, places }: TextProps) {
  const half = halfOf(text);
  const middle = Math.max(places.seen.fromPx + half, Math.min(places.seen.toPx - half - 4, x));
  return (
    <text x={middle} y={y} text-anchor="middle">
      {text}
    </text>
  );
}

function halfOf(text: string): number {
  const capitals = text.replace(/[^A-Z_]/g, '').length;
  return (capitals * CAPITAL_PX + (text.length - capitals) * CHARACTER_PX) / 2;
}

const LABEL_CHARACTERS_MAX = 60;

function labelOf(row: ArrowRow | MarkRow): string {
  const end = 'fate' in row ? FATES[row.fate] : '';
  const type = cut(row.kind === 'timer' ? `timer ${timerName(row.type)}` : row.type, LABEL_CHARACTERS_MAX);
  return `${type}${end}`;
}

const FATES = { taken: '', untaken: ' (not taken)', late: ' (late)', nobody: ' (nobody there)' } as const;

function sentenceOf(row: SequenceRow): string {
  switch (row.kind) {
    case 'input':
    case 'message':
      return `${row.from} tells ${row.to} ${row.type}${FATES[row.fate]}`;
    case 'command':
      return `${row.from} commands ${row.type}`;
    case 'timer':
      return `${row.from} sets the timer ${row.type}`;
    case 'withdrawn':
      return row.type;
    case 'fact':
      return `${row.at} announces ${row.type}`;
    case 'opened':
    case 'closed':
      return `${row.kind}: ${row.charts.join(', ')}`;
    default:
      return row satisfies never;
  }
}
