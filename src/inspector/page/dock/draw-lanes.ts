/**
 * Lanes on a canvas. What is narrower than a pixel is merged with what else is in that pixel and the rest of it is skipped, so
 * that a picture costs as much as it has pixels, however long the run is.
 */
import type { LaneSpan } from '../../view/lanes.ts';
import type { Mark } from '../../view/marks.ts';
import { duration } from '../format.ts';
import { colourOf } from './lane-colours.ts';
import { indexAt, type LaneRow } from './lane-rows.ts';
import type { Palette } from './palette.ts';
import { type TimeScale, ticksOf, xOf } from './time-scale.ts';

const FONT = '11px system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif';
const PAD_PX = 4;
/** Above and under a bar. */
const GAP_PX = 2;

interface Canvas {
  readonly context: CanvasRenderingContext2D;
  readonly scale: TimeScale;
  readonly colour: Palette;
}

export function drawLanes(
  context: CanvasRenderingContext2D,
  scale: TimeScale,
  rows: readonly LaneRow[],
  colour: Palette,
) {
  const canvas = { context, scale, colour };
  context.font = FONT;
  context.textBaseline = 'middle';
  drawGrid(canvas, rows);
  for (const row of rows) {
    drawSpans(canvas, row);
    drawMarks(canvas, row);
  }
}

function drawGrid({ context, scale, colour }: Canvas, rows: readonly LaneRow[]): void {
  const last = rows.at(-1);
  const height = last === undefined ? 0 : last.top + last.height;
  context.fillStyle = colour('grid');
  for (const { atNs } of ticksOf(scale)) context.fillRect(Math.round(xOf(scale, atNs)), 0, 1, height);
  rows.forEach((row, nth) => {
    const isNewGroup = nth > 0 && rows[nth - 1]?.lane.group !== row.lane.group;
    if (isNewGroup) context.fillRect(0, row.top, scale.width, 1);
    if (row.whose !== 'beside') return;
    context.fillStyle = colour('beside-ground');
    context.fillRect(0, row.top, scale.width, row.height);
    context.fillStyle = colour('grid');
  });
}

function drawSpans(canvas: Canvas, row: LaneRow): void {
  const { scale } = canvas;
  const { spans } = row.lane;
  let nth = Math.max(0, indexAt(spans, scale.fromNs));
  // The one before may have begun earlier and still be there.
  const labelEnds = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  while (nth < spans.length) {
    const span = spans[nth] as LaneSpan;
    if (span.fromNs > scale.toNs) break;
    const endNs = span.toNs ?? row.endNs;
    const [from, to] = [xOf(scale, span.fromNs), xOf(scale, endNs)];
    if (to < 0) {
      nth++;
      continue;
    }
    if (to - from >= 1) {
      drawBar(canvas, row, span, Math.max(0, from), Math.min(scale.width, to));
      if (row.lane.group === 'downtime') drawDuration(canvas, row, span, { from, to, endNs, labelEnds });
      nth++;
      continue;
    }
    nth = drawNarrow(canvas, row, nth, Math.floor(from));
  }
}

function drawBar({ context, colour }: Canvas, row: LaneRow, span: LaneSpan, from: number, to: number): void {
  const { top, height } = barOf(row);
  const { group } = row.lane;
  const tone = colourOf(group, span.state);
  context.fillStyle = colour(tone);
  context.globalAlpha = row.whose === 'beside' ? 0.7 : 1;
  context.fillRect(from, top, Math.max(1, to - from), height);
  context.globalAlpha = 1;
  if (span.towards !== undefined) hatch(context, colour('lane-hatch'), from, to, top, height);
  // A bar begins with a line, so that equal neighbours are seen as two.
  context.fillStyle = colour('lane-edge');
  context.fillRect(from, top, 1, height);
  // No more of it than could be read: a journal may hold anything.
  const text = (span.towards === undefined ? span.state : `→ ${span.towards}`).slice(0, LETTERS_MOST);
  drawText(context, colour('lane-ink'), text, from + PAD_PX, to - PAD_PX, top + height / 2 + 0.5);
}

/** All spans of one pixel: more than a few of them are drawn as one. Gives the first that reaches beyond it. */
function drawNarrow({ context, scale, colour }: Canvas, row: LaneRow, first: number, pixel: number): number {
  const { spans } = row.lane;
  const { top, height } = barOf(row);
  const pixelEndNs = scale.fromNs + ((pixel + 1) / scale.width) * (scale.toNs - scale.fromNs);
  let next = first;
  // Gallops, then looks at each: most pixels have few, some have thousands.
  for (let jump = 1; next + jump < spans.length && endOf(spans[next + jump] as LaneSpan, row) < pixelEndNs; jump *= 2) {
    next += jump;
  }
  while (next < spans.length && endOf(spans[next] as LaneSpan, row) < pixelEndNs) next++;
  const count = Math.max(1, next - first);
  const state = count > 3 ? 'lane-many' : colourOf(row.lane.group, (spans[first] as LaneSpan).state);
  context.fillStyle = colour(state);
  context.globalAlpha = row.whose === 'beside' ? 0.7 : 1;
  context.fillRect(Math.max(0, pixel), top, 1, height);
  context.globalAlpha = 1;
  return Math.max(first + 1, next);
}

function endOf({ toNs }: LaneSpan, { endNs }: LaneRow): number {
  return toNs ?? endNs;
}

function barOf({ top, lane, height }: LaneRow) {
  return { top: top + GAP_PX, height: lane.group === 'downtime' ? 16 : height - 2 * GAP_PX };
}

interface Place {
  readonly from: number;
  readonly to: number;
  readonly endNs: number;
  /** Where the last label of each line ends. */
  readonly labelEnds: number[];
}

/** Under its part, in the first line in which there is room; with its name where that does not fit into the part itself. */
function drawDuration({ context, colour, scale }: Canvas, row: LaneRow, span: LaneSpan, place: Place): void {
  const [from, to] = [Math.max(0, place.from), Math.min(scale.width, place.to)];
  if (to - from < 1) return;
  const fits = widthOf(context, span.state) + 2 * PAD_PX <= to - from;
  const took = duration(place.endNs - span.fromNs);
  const text = fits ? took : `${span.state} ${took}`;
  const width = widthOf(context, text);
  const left = Math.min(scale.width - width, Math.max(0, (from + to) / 2 - width / 2));
  const line = place.labelEnds.findIndex((end) => left >= end + 2 * PAD_PX);
  if (line === -1) return;
  place.labelEnds[line] = left + width;
  const bottom = barOf(row).top + barOf(row).height;
  const y = bottom + 7 + 12 * line;
  context.fillStyle = colour('edge');
  if (line === 1) context.fillRect(Math.round((from + to) / 2), bottom, 1, 12);
  context.fillStyle = colour('soft');
  context.fillText(text, left, y);
}

function hatch(
  context: CanvasRenderingContext2D,
  colour: string,
  from: number,
  to: number,
  top: number,
  height: number,
) {
  context.save();
  context.beginPath();
  context.rect(from, top, to - from, height);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1;
  context.beginPath();
  for (let x = from - height; x < to; x += 6) {
    context.moveTo(x, top + height);
    context.lineTo(x + height, top);
  }
  context.stroke();
  context.restore();
}

const LETTERS_LEAST = 3;
const LETTERS_MOST = 160;

function drawText(context: CanvasRenderingContext2D, ink: string, text: string, from: number, to: number, y: number) {
  const room = to - from;
  if (room < 12) return;
  const width = widthOf(context, text);
  let shown = text;
  if (width > room) {
    const letters = Math.floor((text.length * room) / width) - 1;
    if (letters < LETTERS_LEAST) return;
    shown = `${text.slice(0, letters)}…`;
  }
  context.fillStyle = ink;
  context.fillText(shown, from, y);
}

const widths = new Map<string, number>();
const WIDTHS_MAX = 5000;

function widthOf(context: CanvasRenderingContext2D, text: string): number {
  let width = widths.get(text);
  if (width === undefined) {
    if (widths.size >= WIDTHS_MAX) widths.clear();
    width = context.measureText(text).width;
    widths.set(text, width);
  }
  return width;
}

/** A small flag at the foot of its lane; of several in a pixel one. */
function drawMarks({ context, scale, colour }: Canvas, { marks, top, height }: LaneRow): void {
  let lastX = -10;
  for (const mark of marks) {
    const x = Math.round(xOf(scale, mark.atNs));
    if (x < 0 || x > scale.width || x - lastX < 3) continue;
    lastX = x;
    drawFlag(context, colour(`mark-${mark.kind}`), x, top + height);
  }
}

export function drawFlag(context: CanvasRenderingContext2D, colour: string, x: number, bottom: number): void {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(x - 5, bottom);
  context.lineTo(x + 5, bottom);
  context.lineTo(x, bottom - 8);
  context.fill();
}

/** Within so many pixels of a mark the pointer means it. */
const NEAR_PX = 6;

export function markNear(row: LaneRow, scale: TimeScale, x: number): Mark | undefined {
  const near = row.marks.filter(({ atNs }) => Math.abs(xOf(scale, atNs) - x) <= NEAR_PX);
  return near.sort((a, b) => Math.abs(xOf(scale, a.atNs) - x) - Math.abs(xOf(scale, b.atNs) - x))[0];
}
