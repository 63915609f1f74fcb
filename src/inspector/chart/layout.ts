/**
 * Where everything goes: the Eclipse Layout Kernel places states, labels and orthogonal edges; no browser is needed.
 *
 * Every label is a label of its edge with its measured size, laid inline, so that the kernel keeps a place free for it. The
 * kernel knows nothing of the text in a compound state's heading, and its result depends on directions and orders that no
 * rule can choose in advance: several candidates are laid out, judged (geometry.ts), and the best is taken. The same graph
 * always gives the same numbers.
 */
import { createRequire } from 'node:module';
import type { ELK, ELKConstructorArguments, ElkExtendedEdge, ElkNode } from 'elkjs';
import { type Block, HEADER_PX, inColumns, type Run } from './content.ts';
import { type Drawable, drawables, elkGraph, stateKey, type Variant } from './elk-graph.ts';
import {
  collisions,
  crossings,
  isInside,
  type Point,
  type Rect,
  rectsMeet,
  segmentMeets,
  segmentsOf,
} from './geometry.ts';
import type { ChartGraph, ChartState, ChartTransition } from './graph.ts';

export interface ChartLayout {
  readonly width: number;
  readonly height: number;
  /** Parents before their children. */
  readonly states: readonly StateBox[];
  readonly edges: readonly EdgeLine[];
  readonly dots: readonly Dot[];
}

export interface StateBox extends Rect {
  readonly state: ChartState;
  readonly depth: number;
  /** It is one of the parallel parts of its parent. */
  readonly isRegion: boolean;
  readonly title: Run;
  readonly body?: Block;
  /** The rectangle of title and body: no line runs through it. */
  readonly heading: Rect;
}

export interface EdgeLine {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  /** Those that share the line; empty for the one from an initial dot without actions. */
  readonly transitions: readonly ChartTransition[];
  readonly isInitial: boolean;
  readonly points: readonly Point[];
  readonly label?: Rect & { readonly block: Block };
}

/** `initial`: entered by default. `any`: where a state's own transitions to a state inside it begin. */
export interface Dot extends Rect {
  readonly kind: 'initial' | 'any';
  readonly state: string;
}

/** Largest size that fits a screen or a landscape page at 100 %, in px; a picture is judged by how far it exceeds it. */
const PAGE = { width: 1600, height: 1000 } as const;
const WIDTH_LIMIT_PX = 2000;
/** A body that is higher than this is worth breaking into columns. */
const COLUMN_WORTH_PX = 100;

// elkjs is CommonJS, and its types promise a default export that Node does not see.
const Elk = createRequire(import.meta.url)('elkjs') as new (args?: ELKConstructorArguments) => ELK;

const elk = new Elk();

const VARIANTS: readonly Omit<Variant, 'wrapPx' | 'airPx'>[] = (['DOWN', 'RIGHT'] as const).flatMap((direction) =>
  (['flow', 'document'] as const).flatMap((ordering) =>
    (['NETWORK_SIMPLEX', 'BRANDES_KOEPF'] as const).map((placement) => ({
      direction,
      ordering,
      placement,
    })),
  ),
);

/** The next is tried where the ones before leave a collision, and the second also where the first is too wide. */
const ATTEMPTS = [
  { wrapPx: 220, airPx: 0 },
  { wrapPx: 150, airPx: 0 },
  { wrapPx: 220, airPx: 10 },
  { wrapPx: 220, airPx: 30 },
] as const;

/** Lays a chart out. Takes about a second for 30 states with 60 transitions: a drawing, not a frame. */
export async function layoutChart(graph: ChartGraph): Promise<ChartLayout> {
  let best: { layout: ChartLayout; cost: number } | undefined;
  for (const attempt of ATTEMPTS) {
    for (const variant of VARIANTS) {
      const layout = await candidate(graph, { ...variant, ...attempt });
      const cost = costOf(layout);
      if (best === undefined || cost < best.cost) best = { layout, cost };
    }
    const isFree = best !== undefined && collisions(best.layout).length === 0;
    if (isFree && (attempt !== ATTEMPTS[0] || (best?.layout.width ?? 0) <= WIDTH_LIMIT_PX)) break;
  }
  if (best === undefined) throw new Error('no layout was tried');
  return best.layout;
}

/** Lower is better: nothing may collide, then the picture should fit a page, then few lines should cross. */
function costOf(layout: ChartLayout): number {
  const scale = Math.max(layout.width / PAGE.width, layout.height / PAGE.height);
  const area = (layout.width * layout.height) / (PAGE.width * PAGE.height);
  const tooWide = Math.max(0, layout.width - WIDTH_LIMIT_PX) / 200;
  return collisions(layout).length * 1000 + tooWide + scale + area / 2 + crossings(layout) / 50;
}

/**
 * One layout. What a heading needs is known only when the lines are there: a compound whose long body has room beside it
 * gets it in columns, and one whose heading finds no free place between the lines gets it beside its children; then the
 * chart is laid out again.
 */
export async function candidate(graph: ChartGraph, variant: Variant): Promise<ChartLayout> {
  const prepared = drawables(graph, variant);
  const arranged = new Map(prepared);
  const beside = new Set<string>();
  let isColumned = false;
  for (;;) {
    const laid = await elk.layout(elkGraph(graph, arranged, variant, beside));
    const layout = readLayout(laid, arranged, beside);
    const compounds = layout.states.filter((box) => box.state.children.length > 0 && !beside.has(box.state.id));
    const wide = isColumned ? [] : compounds.filter((box) => columnsFor(box) > 1);
    isColumned = true;
    for (const box of wide) arrange(arranged, box.state, (body) => inColumns(body, columnsFor(box)));
    const crowded = wide.length > 0 ? [] : compounds.filter((box) => isCrowded(box, layout));
    for (const { state } of crowded) {
      beside.add(state.id);
      arrange(arranged, state, () => bodyOf(prepared, state));
    }
    if (wide.length + crowded.length === 0) return layout;
  }
}

/** How many columns a body may have: as many as fit, and no more than its height is worth. */
function columnsFor({ width, body }: StateBox): number {
  if (body === undefined || body.height < COLUMN_WORTH_PX) return 1;
  return Math.min(Math.floor(width / body.width), Math.ceil(body.height / (COLUMN_WORTH_PX / 2)), body.sections.length);
}

function arrange(parts: Map<string, Drawable>, state: ChartState, change: (body: Block) => Block | undefined): void {
  const key = stateKey(state.id);
  const part = parts.get(key);
  if (part?.kind !== 'state' || part.body === undefined) return;
  const body = change(part.body);
  parts.set(key, { ...part, ...(body !== undefined && { body }) });
}

function bodyOf(parts: ReadonlyMap<string, Drawable>, state: ChartState): Block | undefined {
  const part = parts.get(stateKey(state.id));
  return part?.kind === 'state' ? part.body : undefined;
}

function isCrowded({ heading, state }: StateBox, layout: ChartLayout): boolean {
  return (
    layout.edges.some((edge) => segmentsOf(edge.points).some((segment) => segmentMeets(segment, heading))) ||
    layout.edges.some((edge) => edge.label !== undefined && rectsMeet(edge.label, heading)) ||
    layout.states.some(
      (box) => box.state.id !== state.id && isInside(box.state.id, state.id) && rectsMeet(box, heading),
    )
  );
}

function readLayout(root: ElkNode, parts: ReadonlyMap<string, Drawable>, beside: ReadonlySet<string>): ChartLayout {
  const nodes: { node: ElkNode; depth: number }[] = [];
  const collect = (node: ElkNode, depth: number): void => {
    nodes.push({ node, depth });
    for (const child of node.children ?? []) collect(child, depth + 1);
  };
  for (const child of root.children ?? []) collect(child, 0);
  const edges: EdgeLine[] = [];
  for (const { node } of nodes) for (const edge of node.edges ?? []) edges.push(readEdge(edge, parts));
  const states: StateBox[] = [];
  const dots: Dot[] = [];
  for (const { node, depth } of nodes) {
    const part = parts.get(node.id);
    if (part?.kind === 'state') states.push(readState(node, depth, part, edges, beside.has(part.state.id)));
    else if (part?.kind === 'dot') dots.push({ ...rectOf(node), kind: part.dot, state: part.state });
  }
  return { width: Math.ceil(root.width ?? 0), height: Math.ceil(root.height ?? 0), states, edges, dots };
}

function readState(
  node: ElkNode,
  depth: number,
  part: Extract<Drawable, { kind: 'state' }>,
  edges: readonly EdgeLine[],
  isBeside: boolean,
): StateBox {
  const rect = rectOf(node);
  const { state, title, body, isRegion } = part;
  if (state.kind === 'history') return { ...rect, state, depth, isRegion, title, heading: rect };
  const width = Math.max(title.textX + title.width + 8, body?.width ?? 0);
  const height = HEADER_PX + (body?.height ?? 0);
  const heading = { x: rect.x, y: rect.y, width, height };
  const isFree = state.children.length === 0 || isBeside;
  const x = isFree ? rect.x : freePlace(heading, rect, edges);
  return { ...rect, state, depth, isRegion, title, ...(body !== undefined && { body }), heading: { ...heading, x } };
}

/** The leftmost x at which a heading fits between the lines that enter from above; the left border when there is none. */
function freePlace(heading: Rect, box: Rect, edges: readonly EdgeLine[]): number {
  const marginPx = 4;
  const lines = edges
    .flatMap((edge) => segmentsOf(edge.points))
    .filter((segment) => segmentMeets(segment, { ...heading, x: box.x, width: box.width }));
  const starts = [box.x, ...lines.flat().map((point) => point.x + marginPx)].sort((a, b) => a - b);
  const fits = (x: number): boolean =>
    x + heading.width <= box.x + box.width &&
    !lines.some((line) => segmentMeets(line, { ...heading, x }, marginPx - 1));
  return starts.find(fits) ?? box.x;
}

function readEdge(edge: ElkExtendedEdge, parts: ReadonlyMap<string, Drawable>): EdgeLine {
  const part = parts.get(edge.id);
  if (part?.kind !== 'edge') throw new Error(`the layout invented edge ${edge.id}`);
  const section = edge.sections?.[0];
  if (section === undefined) throw new Error(`the layout lost edge ${edge.id}`);
  const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint].map(({ x, y }) => ({
    x: round(x),
    y: round(y),
  }));
  const label = edge.labels?.[0];
  return {
    id: part.id,
    source: part.source,
    target: part.target,
    transitions: part.transitions,
    isInitial: part.isInitial,
    points: straightened(part.isReversed ? points.reverse() : points),
    ...(label !== undefined && part.block !== undefined && { label: { ...rectOf(label), block: part.block } }),
  };
}

/** Without the points at which a line does not turn. */
function straightened(points: readonly Point[]): Point[] {
  return points.filter((point, index) => {
    const before = points[index - 1];
    const after = points[index + 1];
    if (before === undefined || after === undefined) return true;
    return !((before.x === point.x && point.x === after.x) || (before.y === point.y && point.y === after.y));
  });
}

function rectOf(shape: { x?: number; y?: number; width?: number; height?: number }): Rect {
  return {
    x: round(shape.x ?? 0),
    y: round(shape.y ?? 0),
    width: round(shape.width ?? 0),
    height: round(shape.height ?? 0),
  };
}

/** Half pixels at most: bytes stay the same where the last bits of a double differ. */
function round(value: number): number {
  return Math.round(value * 2) / 2;
}
