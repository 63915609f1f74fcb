/**
 * A chart as Mermaid's `stateDiagram-v2`, for places that render it by themselves (GitHub, GitLab, many wikis).
 *
 * Mermaid lays out by its own rules: use it for small charts and the SVG for the rest. What it has no sign for is said in
 * words: history states are marked `H`, entry actions and internal transitions are lines of a state, or a note where the
 * state has children.
 */
import type { AnyStateMachine } from 'xstate';
import { type ChartGraph, type ChartState, type ChartTransition, chartGraph, isInternal } from './graph.ts';

export function drawMermaid(machine: AnyStateMachine): string {
  const graph = chartGraph(machine);
  const lines = ['---', `title: ${JSON.stringify(graph.id)}`, '---', 'stateDiagram-v2'];
  // Regions and the chart's own actions and transitions need a box; without them the diagram itself is the box.
  const { root } = graph;
  const needsBox =
    root.kind === 'parallel' ||
    notesOf(graph, root).length > 0 ||
    graph.transitions.some(({ source }) => source === '');
  const inner = needsBox ? stateLines(graph, root) : contentOf(graph, root);
  // Mermaid moves a state into the box in which it is mentioned last: arrows across boxes come at the end, outside all.
  const across = arrows(graph, (source, target) => parentOf(source) !== parentOf(target));
  lines.push(...[...inner, ...across].map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

/** Everything inside a state with children: its states, then the transitions between them. */
function contentOf(graph: ChartGraph, parent: ChartState): string[] {
  const lines: string[] = [];
  parent.children.forEach((child, index) => {
    if (parent.kind === 'parallel' && index > 0) lines.push('--');
    lines.push(...stateLines(graph, child));
    if (child.kind === 'final') lines.push(`${nameOf(child.id)} --> [*]`);
  });
  if (parent.initial !== undefined) {
    const actions = actionsOf(parent.initial.actions);
    lines.unshift(`[*] --> ${nameOf(parent.initial.target)}${actions === '' ? '' : ` : ${actions.trim()}`}`);
  }
  const isBetweenChildren = (source: string, target: string): boolean =>
    parentOf(source) === parent.id && parentOf(target) === parent.id;
  lines.push(...arrows(graph, (source, target) => isBetweenChildren(source, target)));
  return lines;
}

function arrows(graph: ChartGraph, belongs: (source: string, target: string) => boolean): string[] {
  return graph.transitions
    .filter((each) => !isInternal(each))
    .flatMap((transition) => {
      const label = labelOf(transition);
      const text = label === '' ? '' : ` : ${label}`;
      const targets = transition.targets.filter((target) => belongs(transition.source, target));
      return targets.map((target) => `${nameOf(transition.source)} --> ${nameOf(target)}${text}`);
    });
}

/** `undefined` for the chart itself. */
function parentOf(id: string): string | undefined {
  if (id === '') return undefined;
  return id.includes('.') ? id.slice(0, id.lastIndexOf('.')) : '';
}

function stateLines(graph: ChartGraph, state: ChartState): string[] {
  const id = nameOf(state.id);
  const title = state.kind === 'history' ? `${state.key} (H${state.history === 'deep' ? '*' : ''})` : state.key;
  const declaration = `state "${escapeText(title)}" as ${id}`;
  const notes = notesOf(graph, state);
  if (state.children.length === 0) return [declaration, ...notes.map((note) => `${id} : ${note}`)];
  const note = notes.length === 0 ? [] : [`note right of ${id}`, ...notes.map((line) => `  ${line}`), 'end note'];
  return [declaration, `state ${id} {`, ...contentOf(graph, state).map((line) => `  ${line}`), '}', ...note];
}

function notesOf(graph: ChartGraph, state: ChartState): string[] {
  const internal = graph.transitions.filter((each) => each.source === state.id && isInternal(each));
  const entry = state.entry.length === 0 ? [] : [`entry${actionsOf(state.entry)}`];
  const exit = state.exit.length === 0 ? [] : [`exit${actionsOf(state.exit)}`];
  const invokes = state.invokes.map((source) => `runs ${escapeText(source)}`);
  return [...entry, ...exit, ...invokes, ...internal.map(labelOf).filter((label) => label !== '')];
}

function labelOf({ event, trigger, guard, otherwise, actions, source, targets }: ChartTransition): string {
  const again = targets.length > 0 && targets.every((target) => target === source) ? ' (again)' : '';
  const condition = guard === undefined ? (otherwise ? ' [else]' : '') : ` [${escapeText(guard)}]`;
  const head = trigger === 'always' && condition !== '' ? '' : escapeText(event);
  return `${head}${condition}${again}${actionsOf(actions)}`.trim();
}

function actionsOf(actions: ChartState['entry']): string {
  if (actions.length === 0) return '';
  return ` / ${actions.map(({ kind, text }) => escapeText(kind === 'message' ? `→ ${text}` : text)).join(', ')}`;
}

/** A name that Mermaid takes for a plain identifier and never for one of its keywords (`end`, `note`, `state`). */
function nameOf(id: string): string {
  return `s_${[...id].map((character) => (/[A-Za-z0-9]/.test(character) ? character : character === '.' ? '__' : `_${character.codePointAt(0)?.toString(16)}_`)).join('')}`;
}

/** Mermaid's own entities: `#` and a number or name, closed by a semicolon. */
function escapeText(text: string): string {
  return text.replace(/[#;:"<>&{}`\n]/g, (character) => `#${character.codePointAt(0)};`);
}
