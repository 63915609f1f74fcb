/**
 * A chart as State Chart XML 1.0 (W3C Recommendation, 1 September 2015), for other people's simulators and checkers.
 *
 * Structure, events and order are exact; what a function does is not in a chart, so a guard becomes a call in `cond` and
 * an action becomes a call in a `script` (ECMAScript data model), a `send` where the machine says what it sends, or a
 * `log` for a fact. An `after` is a delayed send on entry and its cancel on exit, as SCXML has no timers of its own.
 */
import type { AnyStateMachine } from 'xstate';
import { isInside } from './geometry.ts';
import { type ChartGraph, type ChartState, type ChartTransition, chartGraph, statesOf } from './graph.ts';
import { type ActionName, identifier } from './names.ts';
import { element } from './xml.ts';

interface Context {
  readonly graph: ChartGraph;
  /** From a state's path to its id in the document. */
  readonly ids: ReadonlyMap<string, string>;
}

const ROOT_END = 'chart.ended';

export function drawScxml(machine: AnyStateMachine): string {
  const graph = chartGraph(machine);
  const context = { graph, ids: documentIds(graph) };
  const { root } = graph;
  const attributes = {
    xmlns: 'http://www.w3.org/2005/07/scxml',
    version: '1.0',
    datamodel: 'ecmascript',
    name: idOf(context, root.id),
    initial: idOf(context, root.id),
  };
  // The document element can hold neither transitions nor entry actions: the machine is its only state.
  const hasEnd = root.children.some(({ kind }) => kind === 'final');
  const ended = hasEnd ? [element('final', { id: ROOT_END })] : [];
  const body = [...stateLines(context, root), ...ended].map((line) => `  ${line}`);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${openTag('scxml', attributes)}\n${body.join('\n')}\n</scxml>\n`;
}

/** XML ids are NCNames: letters, digits, dots, hyphens and underscores, not beginning with a digit, dot or hyphen. */
function documentIds(graph: ChartGraph): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const used = new Set<string>([ROOT_END]);
  for (const state of statesOf(graph.root)) {
    const wanted = (state.id === '' ? graph.id : state.id).replace(/[^\w.-]/g, '_').replace(/^(?![A-Za-z_])/, '_');
    let id = wanted;
    for (let copy = 2; used.has(id); copy += 1) id = `${wanted}_${copy}`;
    used.add(id);
    ids.set(state.id, id);
  }
  return ids;
}

function idOf({ ids }: Context, path: string): string {
  const id = ids.get(path);
  if (id === undefined) throw new Error(`no state ${path} in the chart`);
  return id;
}

function stateLines(context: Context, state: ChartState): string[] {
  const id = idOf(context, state.id);
  const own = context.graph.transitions.filter(({ source }) => source === state.id);
  if (state.kind === 'history') {
    const targets = own.flatMap((each) => each.targets.map((target) => idOf(context, target)));
    const inner = targets.length === 0 ? [] : [element('transition', { target: targets.join(' ') })];
    return nested('history', { id, type: state.history ?? 'shallow' }, inner);
  }
  const lines = [...entryLines(context, state, own), ...exitLines(context, state, own)];
  if (state.kind === 'final') return nested('final', { id }, lines);
  lines.push(
    ...state.invokes.map((source, index) =>
      element('invoke', { type: 'urn:xstate:actor', src: source, id: `${id}.actor.${index}` }),
    ),
  );
  lines.push(...own.flatMap((transition) => transitionLines(context, state, transition)));
  if (state.id === '' && state.children.some(({ kind }) => kind === 'final')) {
    lines.push(element('transition', { event: `done.state.${id}`, target: ROOT_END }));
  }
  lines.push(...state.children.flatMap((child) => stateLines(context, child)));
  if (state.kind === 'parallel') return nested('parallel', { id }, lines);
  const { initial } = state;
  if (initial === undefined) return nested('state', { id }, lines);
  const target = idOf(context, initial.target);
  if (initial.actions.length === 0) return nested('state', { id, initial: target }, lines);
  const start = nested(
    'initial',
    {},
    nested(
      'transition',
      { target },
      initial.actions.map((action) => actionLine(context, action)),
    ),
  );
  return nested('state', { id }, [...start, ...lines]);
}

function entryLines(context: Context, state: ChartState, own: readonly ChartTransition[]): string[] {
  const timers = timersOf(own).map((timer) => {
    const length =
      typeof timer.delay === 'number'
        ? { delay: `${timer.delay}ms` }
        : { delayexpr: `${identifier(String(timer.delay))}()` };
    return element('send', { event: timerEvent(context, timer), id: timerEvent(context, timer), ...length });
  });
  const actions = state.entry.map((action) => actionLine(context, action));
  return actions.length + timers.length === 0 ? [] : nested('onentry', {}, [...actions, ...timers]);
}

function exitLines(context: Context, state: ChartState, own: readonly ChartTransition[]): string[] {
  const cancels = timersOf(own).map((timer) => element('cancel', { sendid: timerEvent(context, timer) }));
  const actions = state.exit.map((action) => actionLine(context, action));
  return actions.length + cancels.length === 0 ? [] : nested('onexit', {}, [...actions, ...cancels]);
}

/** One of each delay: several guarded transitions may wait for the same timer. */
function timersOf(own: readonly ChartTransition[]): ChartTransition[] {
  const timers = own.filter(({ trigger }) => trigger === 'timer');
  return timers.filter(
    (timer, index) => timers.findIndex(({ descriptor }) => descriptor === timer.descriptor) === index,
  );
}

function timerEvent(context: Context, { delay, source }: ChartTransition): string {
  return `after.${String(delay).replace(/[^\w-]/g, '_')}.${idOf(context, source)}`;
}

function transitionLines(context: Context, state: ChartState, transition: ChartTransition): string[] {
  const event = eventOf(context, transition);
  const targets = targetsOf(state, transition).map((target) => idOf(context, target));
  // Elsewhere `internal` means nothing.
  const isInner =
    targets.length > 0 &&
    !transition.reenter &&
    targetsOf(state, transition).every((target) => isInside(target, state.id));
  const attributes = {
    ...(event !== undefined && { event }),
    ...(transition.condition !== undefined && { cond: transition.condition }),
    ...(targets.length > 0 && { target: targets.join(' ') }),
    ...(isInner && { type: 'internal' }),
  };
  return nested(
    'transition',
    attributes,
    transition.actions.map((action) => actionLine(context, action)),
  );
}

/** XState does not leave a state that targets itself unless told to; SCXML always does. */
function targetsOf(state: ChartState, { targets, reenter }: ChartTransition): readonly string[] {
  if (reenter || !targets.includes(state.id)) return targets;
  return state.initial === undefined ? targets.filter((target) => target !== state.id) : [state.initial.target];
}

function eventOf(context: Context, transition: ChartTransition): string | undefined {
  if (transition.trigger === 'always') return undefined;
  if (transition.trigger === 'timer') return timerEvent(context, transition);
  if (transition.event === 'done') return `done.state.${idOf(context, transition.source)}`;
  if (transition.trigger === 'done') {
    const index = /\.actor\.(\d+)\./.exec(transition.descriptor)?.[1] ?? '0';
    const ending = transition.event.startsWith('error') ? 'error.execution' : 'done.invoke';
    return `${ending}.${idOf(context, transition.source)}.actor.${index}`;
  }
  return eventToken(transition.descriptor);
}

/** SCXML 3.12.1: an event is tokens with dots between them, and a last `*` for any. */
function eventToken(name: string): string {
  return name.replace(/[^\w.*:-]/g, '_');
}

function actionLine(context: Context, { kind, name, text, receivers }: ActionName): string {
  switch (kind) {
    case 'message': {
      const target = receivers?.length === 1 ? { target: `#_${receivers[0]?.replace(/[^\w.-]/g, '_')}` } : {};
      return element('send', { event: text.split(' ').at(receivers?.length === 1 ? 1 : 0) ?? text, ...target });
    }
    case 'command':
    case 'open':
    case 'close':
      return element('send', { event: eventToken(name), type: `urn:switchover:${kind}` });
    case 'fact':
      return element('log', { label: text });
    case 'action':
      if (text.startsWith('raise ')) return element('raise', { event: eventToken(text.slice('raise '.length)) });
      return element('script', {}, `${identifier(name === '(inline)' ? text : name)}();`);
    default:
      throw new Error(`unknown kind of action in ${context.graph.id}: ${kind satisfies never}`);
  }
}

function nested(name: string, attributes: Readonly<Record<string, string>>, lines: readonly string[]): string[] {
  if (lines.length === 0) return [element(name, attributes)];
  return [openTag(name, attributes), ...lines.map((line) => `  ${line}`), `</${name}>`];
}

function openTag(name: string, attributes: Readonly<Record<string, string>>): string {
  return element(name, attributes).replace(/\/>$/, '>');
}
