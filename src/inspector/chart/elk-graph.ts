/**
 * A chart as the Eclipse Layout Kernel wants it: nested boxes with sizes, edges at their nearest common ancestor, options.
 *
 * Transitions between the same two states share one edge. A transition from a state to a state inside it begins at a small
 * pseudo-state (`any`), because a line along the inside of a border cannot be told from the border; one from inside to an
 * ancestor ends at the ancestor's initial dot, which is what happens. Edges against the reading order are handed over the
 * other way round. The kernel's model order fails on nested nodes (elkjs 0.12.1: a TypeError), which is why order.ts
 * exists.
 */
import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs';
import { type Block, bodyBlock, HEADER_PX, labelBlock, type Run, titleRun } from './content.ts';
import { isInside } from './geometry.ts';
import { type ChartGraph, type ChartState, type ChartTransition, isInternal, statesOf } from './graph.ts';
import { commonAncestor, type Ordering, readingOrder } from './order.ts';

export interface Variant {
  readonly direction: 'DOWN' | 'RIGHT';
  readonly ordering: Ordering;
  readonly placement: 'NETWORK_SIMPLEX' | 'BRANDES_KOEPF';
  /** Labels and bodies are broken at this width. */
  readonly wrapPx: number;
  /** Added to every distance. */
  readonly airPx: number;
}

/** What a node or edge of the kernel's graph stands for, by the kernel's id. */
export type Drawable =
  | {
      readonly kind: 'state';
      readonly state: ChartState;
      readonly isRegion: boolean;
      readonly title: Run;
      readonly body?: Block;
    }
  | { readonly kind: 'dot'; readonly dot: 'initial' | 'any'; readonly state: string }
  | {
      readonly kind: 'edge';
      readonly id: string;
      readonly source: string;
      readonly target: string;
      /** Ids of the nodes that it is drawn between. */
      readonly from: string;
      readonly to: string;
      readonly isReversed: boolean;
      readonly isInitial: boolean;
      readonly transitions: readonly ChartTransition[];
      readonly block?: Block;
    };

type Edge = Extract<Drawable, { kind: 'edge' }>;

export const HISTORY_PX = 26;
const DOT_PX = { initial: 12, any: 18 } as const;
const PADDING_PX = 16;
const PORT_PX = 14;

export const stateKey = (id: string): string => `state:${id}`;
const dotKey = (kind: 'initial' | 'any', state: string): string => `${kind}:${state}`;

export function drawables(graph: ChartGraph, variant: Variant): ReadonlyMap<string, Drawable> {
  const parts = new Map<string, Drawable>();
  const addState = (state: ChartState, isRegion: boolean): void => {
    const own = graph.transitions.filter(({ source }) => source === state.id);
    const body = state.kind === 'history' ? undefined : bodyBlock(state, own, variant.wrapPx);
    parts.set(stateKey(state.id), {
      kind: 'state',
      state,
      isRegion,
      title: titleRun(state),
      ...(body !== undefined && { body }),
    });
    for (const child of state.children) addState(child, state.kind === 'parallel');
  };
  addState(graph.root, false);
  for (const edge of edgesOf(graph, variant)) {
    parts.set(`edge:${edge.id}`, edge);
    for (const key of [edge.from, edge.to]) {
      const [kind, ...rest] = key.split(':');
      if (kind === 'initial' || kind === 'any') parts.set(key, { kind: 'dot', dot: kind, state: rest.join(':') });
    }
  }
  return parts;
}

function edgesOf(graph: ChartGraph, variant: Variant): readonly Edge[] {
  const { runsBackward } = readingOrder(graph, variant.ordering);
  const groups = new Map<string, { source: string; target: string; transitions: ChartTransition[] }>();
  for (const transition of graph.transitions.filter((each) => !isInternal(each))) {
    for (const target of transition.targets) {
      const key = `${transition.source}>${target}`;
      const group = groups.get(key) ?? { source: transition.source, target, transitions: [] };
      group.transitions.push(transition);
      groups.set(key, group);
    }
  }
  const drawn = [...groups].map(([id, { source, target, transitions }]): Edge => {
    const from = source !== target && isInside(target, source) ? dotKey('any', source) : stateKey(source);
    const to = source !== target && isInside(source, target) ? dotKey('initial', target) : stateKey(target);
    const isReversed = to.startsWith('initial:') || (from.startsWith('state:') && runsBackward(source, target));
    const block = isSilent(transitions) ? undefined : labelBlock(transitions, variant.wrapPx);
    return {
      kind: 'edge',
      id,
      source,
      target,
      from,
      to,
      isReversed,
      isInitial: false,
      transitions,
      ...(block !== undefined && { block }),
    };
  });
  return [...initialEdges(graph, variant), ...drawn];
}

/** A history state's default says nothing but where it leads. */
function isSilent(transitions: readonly ChartTransition[]): boolean {
  return transitions.every(
    ({ trigger, guard, actions, id }) =>
      trigger === 'always' && guard === undefined && actions.length === 0 && id.endsWith('||history'),
  );
}

function initialEdges(graph: ChartGraph, variant: Variant): Edge[] {
  return statesOf(graph.root).flatMap(({ id, initial }): Edge[] => {
    if (initial === undefined) return [];
    const shown = {
      id: `${id}|initial`,
      source: id,
      targets: [initial.target],
      trigger: 'always',
      descriptor: '',
      event: '',
      otherwise: false,
      reenter: false,
    } as const;
    const transitions = initial.actions.length === 0 ? [] : [{ ...shown, actions: initial.actions }];
    return [
      {
        kind: 'edge',
        id: `${id}|initial`,
        source: id,
        target: initial.target,
        from: dotKey('initial', id),
        to: stateKey(initial.target),
        isReversed: false,
        isInitial: true,
        transitions,
        ...(transitions.length > 0 && { block: labelBlock(transitions, variant.wrapPx) }),
      },
    ];
  });
}

/** The kernel's input. `beside`: compounds whose heading stands beside their children instead of above them. */
export function elkGraph(
  graph: ChartGraph,
  parts: ReadonlyMap<string, Drawable>,
  variant: Variant,
  beside: ReadonlySet<string>,
): ElkNode {
  const edges = [...parts.values()].filter((part) => part.kind === 'edge');
  const { rank } = readingOrder(graph, variant.ordering);
  const options = layoutOptions(variant);
  const nodeOf = (state: ChartState): ElkNode => {
    const id = stateKey(state.id);
    const place = placeAmongRegions(rank.get(state.id) ?? 0);
    if (state.kind === 'history') return { id, width: HISTORY_PX, height: HISTORY_PX };
    const size = ownSize(state, parts, edges, variant);
    if (state.children.length === 0) return { id, ...size, layoutOptions: place };
    const dots = (['any', 'initial'] as const).map((kind) => dotKey(kind, state.id)).filter((key) => parts.has(key));
    const children = [...state.children].sort((a, b) => (rank.get(a.id) ?? 0) - (rank.get(b.id) ?? 0));
    return {
      id,
      children: [...dots.map(dotNode), ...children.map(nodeOf)],
      edges: edges.filter((edge) => commonAncestor(edge.source, edge.target) === state.id).map(elkEdge),
      layoutOptions: { ...options, ...place, ...room(state, size, variant, beside) },
    };
  };
  return {
    id: 'picture',
    children: [nodeOf(graph.root)],
    layoutOptions: { ...options, 'elk.padding': padding(12, 12, 12, 12) },
  };
}

/** Where the parts of a parallel state would like to stand; elsewhere the kernel does not look at it. */
function placeAmongRegions(rank: number): LayoutOptions {
  return { 'elk.position': `(${rank * 1000},${rank * 1000})`, 'elk.alignment': 'TOP' };
}

/** A state's size by its own texts, and wide enough that its edges do not touch each other. */
function ownSize(
  state: ChartState,
  parts: ReadonlyMap<string, Drawable>,
  edges: readonly Edge[],
  variant: Variant,
): { width: number; height: number } {
  const part = parts.get(stateKey(state.id));
  if (part?.kind !== 'state') throw new Error(`state ${state.id} was not prepared`);
  const ends = edges.flatMap(({ from, to, isReversed }) =>
    isReversed ? [`in ${from}`, `out ${to}`] : [`out ${from}`, `in ${to}`],
  );
  const count = (side: string): number => ends.filter((end) => end === `${side} ${stateKey(state.id)}`).length;
  const portsPx = PORT_PX * (Math.max(count('in'), count('out')) + 1);
  const width = Math.ceil(Math.max(64, part.title.textX + part.title.width + 10, part.body?.width ?? 0));
  const height = HEADER_PX + (part.body?.height ?? 8);
  return variant.direction === 'DOWN'
    ? { width: Math.max(width, portsPx), height }
    : { width, height: Math.max(height, portsPx) };
}

/** Space for the heading of a state with children: above them, or in a column beside them. */
function room(
  state: ChartState,
  size: { width: number; height: number },
  variant: Variant,
  beside: ReadonlySet<string>,
): LayoutOptions {
  const isBeside = beside.has(state.id);
  const top = isBeside ? HEADER_PX + 10 : size.height + 8;
  const left = isBeside ? size.width + 8 : PADDING_PX;
  const least = [size.width + PADDING_PX, size.height + PADDING_PX];
  return {
    'elk.padding': padding(top, PADDING_PX, PADDING_PX, left),
    'elk.nodeSize.constraints': 'MINIMUM_SIZE',
    // The kernel turns the picture for DOWN, and for a node with children forgets to turn its minimum back.
    'elk.nodeSize.minimum': `(${(variant.direction === 'DOWN' ? least.reverse() : least).join(',')})`,
    ...(state.kind === 'parallel' && { 'elk.layered.crossingMinimization.semiInteractive': 'true' }),
  };
}

function dotNode(key: string): ElkNode {
  const size = key.startsWith('any:') ? DOT_PX.any : DOT_PX.initial;
  return { id: key, width: size, height: size };
}

function elkEdge({ id, from, to, isReversed, block }: Edge): ElkExtendedEdge {
  const label =
    block === undefined
      ? []
      : [
          {
            id: `label:${id}`,
            text: ' ',
            width: block.width,
            height: block.height,
            layoutOptions: { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' },
          },
        ];
  return { id: `edge:${id}`, sources: [isReversed ? to : from], targets: [isReversed ? from : to], labels: label };
}

function layoutOptions({ direction, placement, airPx }: Variant): LayoutOptions {
  const px = (value: number): string => String(value + airPx);
  return {
    'elk.algorithm': 'layered',
    'elk.direction': direction,
    'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
    'elk.edgeRouting': 'ORTHOGONAL',
    'elk.json.shapeCoords': 'ROOT',
    'elk.json.edgeCoords': 'ROOT',
    'elk.randomSeed': '1',
    'elk.layered.nodePlacement.strategy': placement,
    'elk.layered.thoroughness': '10',
    'elk.spacing.nodeNode': px(22),
    'elk.spacing.edgeNode': px(14),
    'elk.spacing.edgeEdge': px(12),
    'elk.spacing.edgeLabel': px(4),
    'elk.layered.spacing.nodeNodeBetweenLayers': px(26),
    'elk.layered.spacing.edgeNodeBetweenLayers': px(14),
    'elk.layered.spacing.edgeEdgeBetweenLayers': px(11),
  };
}

function padding(top: number, right: number, bottom: number, left: number): string {
  return `[top=${top},left=${left},bottom=${bottom},right=${right}]`;
}
