/**
 * The picture: one self-contained SVG, for a README, a wall or the inspector's page.
 *
 * It decides no place and no size; the layout did. Light and dark come from `prefers-color-scheme`. Each state is a group
 * with `data-state` (its dotted path; the root's is empty), each line a group `edge` with `data-source` and `data-target`,
 * each transition inside a line or a state a group with `data-edge` (the transition's id); a label names its line (`data-line`). A page lights things up
 * by adding the class `active` to a state or `taken` to an edge. The same machine gives the same bytes.
 */
import { crc32 } from '../../core/checksum.ts';
import { type Block, FONT_PX, fontPx, HEADER_PX, ICON_PX, isBold, type Run, SECTION_GAP_PX } from './content.ts';
import { FONT_FAMILY, textWidth } from './font.ts';
import type { Point, Rect } from './geometry.ts';
import type { ChartGraph, ChartTransition } from './graph.ts';
import { type IconName, iconPath } from './icons.ts';
import type { ChartLayout, Dot, EdgeLine, StateBox } from './layout.ts';
import type { ActionName } from './names.ts';
import { STYLE } from './style.ts';
import { element, escapeXml } from './xml.ts';

const LEGEND_PX = 26;
const CORNER_PX = 6;
const ARROW_PX = 8;

/** What the icons mean, in the order of the legend. */
const LEGEND: readonly (readonly [IconName, string])[] = [
  ['message', 'tells another chart'],
  ['command', 'asks a driver'],
  ['open', 'opens a chart'],
  ['close', 'closes a chart'],
  ['fact', 'announces a fact'],
  ['timer', 'time limit'],
  ['again', 'enters itself again'],
  ['any', 'from any state inside'],
];

/** Of all that a picture is drawn from, eight hexadecimal digits: whether a picture is of today's chart, without drawing it. */
export function graphMark(graph: ChartGraph): string {
  return crc32(JSON.stringify(graph)).toString(16).padStart(8, '0');
}

export function paintSvg(graph: ChartGraph, layout: ChartLayout): string {
  const legend = legendOf(graph, layout);
  const width = Math.max(layout.width, Math.ceil(legend.width) + 24);
  const height = layout.height + (legend.text === '' ? 0 : LEGEND_PX);
  const boxes = layout.states.filter((box) => box.state.kind !== 'history');
  const content = [
    `<title>${escapeXml(graph.id)}</title>`,
    `<style>${STYLE}</style>`,
    element('rect', { class: 'canvas', width, height }),
    ...boxes.map(paintBox),
    ...layout.edges.map(paintLine),
    ...layout.dots.map(paintDot),
    ...layout.states.map((box) => (box.state.kind === 'history' ? paintHistory(box) : paintTexts(box))),
    ...layout.edges.map(paintLabel),
    legend.text === ''
      ? ''
      : element('g', { class: 'legend', transform: `translate(18 ${layout.height + 6})` }, legend.text),
  ];
  const root = {
    xmlns: 'http://www.w3.org/2000/svg',
    class: 'chart',
    'data-chart': graph.id,
    'data-graph': graphMark(graph),
    role: 'img',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    'font-family': FONT_FAMILY,
  };
  return `${element('svg', root, `\n${content.filter((part) => part !== '').join('\n')}\n`)}\n`;
}

/** Boxes of parents lie under everything inside them, so boxes come first and their texts after the lines. */
function paintBox(box: StateBox): string {
  const { state, x, y, width, height, depth } = box;
  const shape = { x, y, width, height, rx: 8 };
  const inner = [
    element('title', {}, escapeXml(tooltipOf(box))),
    element('rect', { class: 'body', ...shape }),
    isBare(box)
      ? element('rect', { class: 'header', ...shape })
      : element('path', { class: 'header', d: headerPath(box) }),
    element('rect', { class: 'border', ...shape }),
    state.kind === 'final'
      ? element('rect', { class: 'border', x: x + 3, y: y + 3, width: width - 6, height: height - 6, rx: 5.5 })
      : '',
  ];
  const kinds = ['state', state.kind, depth % 2 === 0 ? 'even' : 'odd', box.isRegion ? 'region' : ''];
  return element('g', { class: kinds.filter((kind) => kind !== '').join(' '), 'data-state': state.id }, inner.join(''));
}

/** Nothing but a name: the whole box is its header. */
function isBare({ state, body }: StateBox): boolean {
  return body === undefined && state.children.length === 0;
}

function headerPath({ x, y, width }: Rect): string {
  return `M${x} ${y + HEADER_PX}V${y + 8}a8 8 0 0 1 8 -8H${x + width - 8}a8 8 0 0 1 8 8V${y + HEADER_PX}Z`;
}

function tooltipOf({ state }: StateBox): string {
  const notes = [...state.entry, ...state.exit].flatMap(receiversNote);
  const tags = state.tags.length === 0 ? [] : [`tags: ${state.tags.join(', ')}`];
  return [state.id === '' ? state.key : state.id, state.description, ...tags, ...notes].filter(Boolean).join('\n');
}

function receiversNote({ name, receivers }: ActionName): string[] {
  return receivers === undefined || receivers.length < 2 ? [] : [`${name}: to ${receivers.join(', ')}`];
}

function paintTexts(box: StateBox): string {
  const { heading, title, body, state } = box;
  const middle = isBare(box)
    ? { x: (box.width - title.width - title.textX - title.x) / 2, y: (box.height - HEADER_PX) / 2 }
    : { x: 0, y: 0 };
  const texts = [paintRun(title, heading.x + middle.x, heading.y + middle.y + 18)];
  if (body !== undefined) texts.push(paintBlock(body, heading.x, heading.y + HEADER_PX));
  const inner = element('title', {}, escapeXml(tooltipOf(box))) + texts.join('');
  return element('g', { class: `texts ${state.kind}`, 'data-texts': state.id }, inner);
}

function paintHistory({ state, x, y, width }: StateBox): string {
  const center = { x: x + width / 2, y: y + width / 2 };
  const text = state.history === 'deep' ? 'H*' : 'H';
  const inner = [
    element(
      'title',
      {},
      escapeXml([state.id, `${state.history} history`, state.description].filter(Boolean).join('\n')),
    ),
    element('circle', { class: 'border', cx: center.x, cy: center.y, r: width / 2 - 1 }),
    element('text', { class: 'title', x: center.x, y: center.y + 4.5, 'text-anchor': 'middle', 'font-size': 12 }, text),
  ];
  return element('g', { class: 'state history', 'data-state': state.id }, inner.join(''));
}

function paintDot({ kind, state, x, y, width }: Dot): string {
  const center = { cx: x + width / 2, cy: y + width / 2 };
  if (kind === 'initial') return element('circle', { class: 'initial', ...center, r: width / 2 });
  const tip = element('title', {}, escapeXml(`from any state inside ${state === '' ? 'the chart' : state}`));
  const mark = element('path', {
    d: iconPath('any'),
    transform: `translate(${x + (width - ICON_PX) / 2} ${y + (width - ICON_PX) / 2})`,
  });
  return element('g', { class: 'any' }, tip + element('circle', { ...center, r: width / 2 - 1 }) + mark);
}

function paintLine(edge: EdgeLine): string {
  const triggers = new Set(edge.transitions.map(({ trigger }) => trigger));
  const kind = edge.isInitial ? 'start' : triggers.size === 1 ? [...triggers][0] : 'event';
  const attributes = {
    class: `edge ${kind}`,
    'data-line': edge.id,
    'data-source': edge.source,
    'data-target': edge.target,
  };
  const { line, arrow } = arrowed(edge.points);
  const paths =
    element('path', { class: 'line', d: roundedPath(line) }) + element('path', { class: 'arrow', d: arrow });
  const silent = edge.label === undefined && !edge.isInitial ? edge.transitions[0] : undefined;
  return element('g', { ...attributes, ...(silent !== undefined && { 'data-edge': silent.id }) }, paths);
}

/** The line ends where the arrow head begins. */
function arrowed(points: readonly Point[]): { line: readonly Point[]; arrow: string } {
  const tip = points.at(-1) as Point;
  const before = points.at(-2) as Point;
  const along = { x: Math.sign(tip.x - before.x), y: Math.sign(tip.y - before.y) };
  const base = { x: tip.x - along.x * ARROW_PX, y: tip.y - along.y * ARROW_PX };
  const half = { x: along.y * 4, y: along.x * 4 };
  const arrow = `M${tip.x} ${tip.y}L${base.x + half.x} ${base.y + half.y}L${base.x - half.x} ${base.y - half.y}Z`;
  return { line: [...points.slice(0, -1), { x: tip.x - along.x * 2, y: tip.y - along.y * 2 }], arrow };
}

function roundedPath(points: readonly Point[]): string {
  const first = points[0] as Point;
  const parts = [`M${first.x} ${first.y}`];
  for (let index = 1; index < points.length; index += 1) {
    const [before, at, after] = [points[index - 1] as Point, points[index] as Point, points[index + 1]];
    if (after === undefined) {
      parts.push(`L${at.x} ${at.y}`);
      continue;
    }
    const radius = Math.min(CORNER_PX, distance(before, at) / 2, distance(at, after) / 2);
    const from = toward(at, before, radius);
    const to = toward(at, after, radius);
    parts.push(`L${from.x} ${from.y}Q${at.x} ${at.y} ${to.x} ${to.y}`);
  }
  return parts.join('');
}

function distance(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

function toward(from: Point, to: Point, px: number): Point {
  return { x: from.x + Math.sign(to.x - from.x) * px, y: from.y + Math.sign(to.y - from.y) * px };
}

function paintLabel(edge: EdgeLine): string {
  if (edge.label === undefined) return '';
  const { x, y, width, height, block } = edge.label;
  const plate = element('rect', {
    class: 'plate',
    x: x + 0.5,
    y: y + 0.5,
    width: width - 1,
    height: height - 1,
    rx: 5,
  });
  const attributes = { class: 'label', 'data-line': edge.id, 'data-source': edge.source, 'data-target': edge.target };
  const hairlines = block.sections.slice(1).map(({ top }) => {
    const at = y + top - SECTION_GAP_PX / 2;
    return element('path', { class: 'hairline', d: `M${x + 1} ${at}H${x + width - 1}` });
  });
  return element('g', attributes, plate + hairlines.join('') + paintBlock(block, x, y));
}

function paintBlock(block: Block, x: number, y: number): string {
  return block.sections
    .map(({ transition, lines }) => {
      const texts = lines.map((line) => line.runs.map((run) => paintRun(run, x, y + line.baseline)).join('')).join('');
      if (transition === undefined) return texts;
      return element(
        'g',
        { 'data-edge': transition.id },
        element('title', {}, escapeXml(transitionTooltip(transition))) + texts,
      );
    })
    .join('');
}

function transitionTooltip(transition: ChartTransition): string {
  const { event, guard, otherwise, actions, description, targets, source } = transition;
  const head = [event || 'always', guard === undefined ? '' : `[${guard}]`, otherwise ? '[else]' : '']
    .filter(Boolean)
    .join(' ');
  const notes = actions.flatMap(receiversNote);
  const way = targets.length === 0 ? '' : `${source || 'the chart'} → ${targets.join(', ')}`;
  return [head, way, description, ...notes].filter(Boolean).join('\n');
}

function paintRun(run: Run, x: number, baseline: number): string {
  const size = fontPx(run.tone);
  const icon =
    run.icon === undefined
      ? ''
      : element('path', {
          class: `icon ${run.icon}`,
          d: iconPath(run.icon),
          transform: `translate(${px(x + run.x)} ${px(baseline - 10)})`,
        });
  const attributes = {
    class: run.tone,
    x: px(x + run.textX),
    y: px(baseline),
    'font-size': size,
    ...(isBold(run.tone) && { 'font-weight': 700 }),
    textLength: run.width,
    lengthAdjust: 'spacingAndGlyphs',
  };
  return icon + element('text', attributes, escapeXml(run.text));
}

function legendOf(graph: ChartGraph, layout: ChartLayout): { readonly text: string; readonly width: number } {
  const runs = [
    ...layout.states.flatMap(({ body }) => body?.sections ?? []),
    ...layout.edges.flatMap(({ label }) => label?.block.sections ?? []),
  ]
    .flatMap(({ lines }) => lines)
    .flatMap((line) => line.runs);
  const used = new Set<IconName | undefined>(runs.map(({ icon }) => icon));
  if (layout.dots.some(({ kind }) => kind === 'any')) used.add('any');
  let x = 0;
  let text = '';
  for (const [icon, meaning] of LEGEND.filter(([name]) => used.has(name))) {
    const width = textWidth(meaning, FONT_PX.small, false);
    text += paintRun(
      { text: meaning, tone: 'tag', x, textX: x + ICON_PX + 4, width, icon: icon as NonNullable<Run['icon']> },
      0,
      10,
    );
    x += ICON_PX + 4 + width + 18;
  }
  return { text: graph.root.children.length === 0 ? '' : text, width: x };
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}
