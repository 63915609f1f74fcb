/**
 * Points, rectangles and the questions a layout must answer about them: what overlaps, what crosses.
 *
 * A drawing is judged here without a browser, so that the layout can choose among candidates; the tests judge the painted
 * picture again in a real one.
 */
import type { ChartLayout, EdgeLine, StateBox } from './layout.ts';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Rect extends Point {
  readonly width: number;
  readonly height: number;
}

type Segment = readonly [Point, Point];

/** Open overlap: rectangles that only touch do not meet. `marginPx` makes the first larger. */
export function rectsMeet(a: Rect, b: Rect, marginPx = 0): boolean {
  return (
    a.x - marginPx < b.x + b.width &&
    b.x < a.x + a.width + marginPx &&
    a.y - marginPx < b.y + b.height &&
    b.y < a.y + a.height + marginPx
  );
}

export function contains(outer: Rect, inner: Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

export function segmentsOf(points: readonly Point[]): Segment[] {
  return points.slice(1).map((point, index): Segment => [points[index] as Point, point]);
}

/** True when a horizontal or vertical segment runs through the inside of a rectangle. */
export function segmentMeets([from, to]: Segment, rect: Rect, marginPx = 0): boolean {
  const box = {
    x: Math.min(from.x, to.x),
    y: Math.min(from.y, to.y),
    width: Math.abs(from.x - to.x),
    height: Math.abs(from.y - to.y),
  };
  return rectsMeet(rect, box, marginPx);
}

/** A state's own box, or one around it. The root's id is empty. */
export function isInside(state: string, ancestor: string): boolean {
  return ancestor === '' || state === ancestor || state.startsWith(`${ancestor}.`);
}

/** What is wrong with a layout, as sentences; empty when everything has its own place. */
export function collisions(layout: ChartLayout): readonly string[] {
  return [...labelCollisions(layout), ...edgeCollisions(layout), ...nestingErrors(layout)];
}

function labelCollisions({ edges, states, dots }: ChartLayout): string[] {
  const found: string[] = [];
  const labelled = edges.filter((edge) => edge.label !== undefined);
  labelled.forEach((edge, index) => {
    const label = edge.label as Rect;
    for (const other of labelled.slice(index + 1)) {
      if (rectsMeet(label, other.label as Rect)) found.push(`label of ${edge.id} meets label of ${other.id}`);
    }
    for (const other of edges) {
      if (other !== edge && segmentsOf(other.points).some((segment) => segmentMeets(segment, label))) {
        found.push(`label of ${edge.id} meets edge ${other.id}`);
      }
    }
    for (const box of states) {
      const meets =
        box.state.children.length > 0 ? rectsMeet(label, box.heading) || straddles(label, box) : rectsMeet(label, box);
      if (meets) found.push(`label of ${edge.id} meets state ${box.state.id}`);
    }
    for (const dot of dots) if (rectsMeet(label, dot)) found.push(`label of ${edge.id} meets a dot`);
  });
  return found;
}

function straddles(label: Rect, box: Rect): boolean {
  return rectsMeet(label, box) && !contains(box, label);
}

function edgeCollisions({ edges, states }: ChartLayout): string[] {
  const found: string[] = [];
  for (const edge of edges) {
    const segments = segmentsOf(edge.points);
    for (const box of states) {
      const area = box.state.children.length > 0 ? box.heading : box;
      if (segments.some((segment) => segmentMeets(segment, area)))
        found.push(`edge ${edge.id} meets state ${box.state.id}`);
      else if (isStranger(edge, box) && segments.some((segment) => segmentMeets(segment, box))) {
        found.push(`edge ${edge.id} runs through ${box.state.id}`);
      }
    }
  }
  return found;
}

function isStranger(edge: EdgeLine, box: StateBox): boolean {
  return !isInside(edge.source, box.state.id) && !isInside(edge.target, box.state.id);
}

function nestingErrors({ states }: ChartLayout): string[] {
  const found: string[] = [];
  const byId = new Map(states.map((box) => [box.state.id, box]));
  for (const box of states) {
    if (!contains(box, box.heading)) found.push(`heading of ${box.state.id} is wider than its box`);
    box.state.children.forEach((child, index) => {
      const inner = byId.get(child.id);
      if (inner === undefined || !contains(box, inner)) found.push(`${child.id} is not inside ${box.state.id}`);
      else if (rectsMeet(inner, box.heading)) found.push(`${child.id} covers the heading of ${box.state.id}`);
      for (const sibling of box.state.children.slice(index + 1)) {
        const other = byId.get(sibling.id);
        if (inner && other && rectsMeet(inner, other)) found.push(`${child.id} meets ${sibling.id}`);
      }
    });
  }
  return found;
}

/** How often edges cross or lie on each other: a measure of how hard a picture is to follow. */
export function crossings({ edges }: ChartLayout): number {
  let count = 0;
  edges.forEach((edge, index) => {
    for (const other of edges.slice(index + 1)) {
      for (const a of segmentsOf(edge.points)) for (const b of segmentsOf(other.points)) count += crossing(a, b);
    }
  });
  return count;
}

/** 1 for a proper crossing, 3 for two lines that share a stretch, which a reader cannot tell apart. */
function crossing(a: Segment, b: Segment): number {
  const aVertical = a[0].x === a[1].x;
  const bVertical = b[0].x === b[1].x;
  if (aVertical !== bVertical) {
    const [vertical, horizontal] = aVertical ? [a, b] : [b, a];
    const { x } = vertical[0];
    const { y } = horizontal[0];
    return between(x, horizontal[0].x, horizontal[1].x) && between(y, vertical[0].y, vertical[1].y) ? 1 : 0;
  }
  if (aVertical) return a[0].x === b[0].x && overlap(a[0].y, a[1].y, b[0].y, b[1].y) ? 3 : 0;
  return a[0].y === b[0].y && overlap(a[0].x, a[1].x, b[0].x, b[1].x) ? 3 : 0;
}

function between(value: number, from: number, to: number): boolean {
  return value > Math.min(from, to) && value < Math.max(from, to);
}

function overlap(a: number, b: number, c: number, d: number): boolean {
  return Math.max(Math.min(a, b), Math.min(c, d)) < Math.min(Math.max(a, b), Math.max(c, d));
}
