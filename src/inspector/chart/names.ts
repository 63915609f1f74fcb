/**
 * What things are called in a drawing: events, guards and actions, as short as a label can carry.
 *
 * An action whose implementation carries a `route` (messages.ts) says what it does to the world: tell another chart, ask a
 * driver, open or close a chart, announce a fact. XState's built-in `emit`, `raise` and `sendTo` are read as the same
 * kinds. Parameters are shown when they are plain values; what only a run can know is left out.
 */

export type ActionKind = 'action' | 'message' | 'command' | 'open' | 'close' | 'fact';

export interface ActionName {
  readonly kind: ActionKind;
  /** The action's own name in the machine; `(inline)` when it has none. */
  readonly name: string;
  /** What a label shows: `device SET_STATE` for a message, else the name with its plain parameters. */
  readonly text: string;
  /** Kinds of charts that a message may go to, where the machine says so; several are shown in the tooltip only. */
  readonly receivers?: readonly string[];
}

interface Builtin {
  readonly type?: unknown;
  readonly event?: unknown;
  readonly delay?: unknown;
  readonly route?: unknown;
}

const INLINE = '(inline)';

/** `undefined` for the actions that XState adds for an `after`. */
export function actionName(
  action: unknown,
  implementations: Readonly<Record<string, unknown>>,
): ActionName | undefined {
  if (typeof action === 'function') return builtinName(action as Builtin, INLINE);
  const name = typeof action === 'string' ? action : String((action as { readonly type: unknown }).type);
  const values = plainValues(typeof action === 'string' ? undefined : (action as { readonly params?: unknown }).params);
  const implementation = implementations[name] as Builtin | undefined;
  const routed = routeName(name, implementation?.route, values);
  if (routed !== undefined) return routed;
  if (implementation?.type === 'xstate.emit') return { kind: 'fact', name, text: joined(name, values) };
  return { kind: 'action', name, text: joined(name, values) };
}

/** A guard in words: `next RUNNING_P2P`, `not hasTracker`, `acked and (small or late)`. */
export function guardName(guard: unknown, source: string): string | undefined {
  if (guard === undefined) return undefined;
  if (typeof guard === 'string') return guard;
  if (typeof guard === 'function') return combinedGuard(guard as CombinedGuard, source);
  const { type, params } = guard as { readonly type: string; readonly params?: unknown };
  return joined(type, plainValues(withoutSource(params, source)));
}

/** The same guard as an ECMAScript expression, for SCXML: each named guard is a call. */
export function guardExpression(guard: unknown): string {
  if (typeof guard === 'string') return `${identifier(guard)}()`;
  if (typeof guard !== 'function') {
    const { type, params } = guard as { readonly type: string; readonly params?: unknown };
    return `${identifier(type)}(${params === undefined || typeof params === 'function' ? '' : JSON.stringify(params)})`;
  }
  const { name, guards = [], stateValue } = guard as CombinedGuard;
  const parts = guards.map(guardExpression);
  if (stateValue !== undefined) return `In(${JSON.stringify(stateValue)})`;
  if (guards.length === 0) return `${identifier(functionName(guard))}()`;
  if (name === 'not') return `!(${parts.join('')})`;
  return `(${parts.join(name === 'or' ? ' || ' : ' && ')})`;
}

/** A name that ECMAScript accepts: everything else becomes an underscore. */
export function identifier(name: string): string {
  return name.replace(/[^\p{ID_Continue}$]/gu, '_').replace(/^(?=\d)/, '_');
}

/** An event descriptor of XState for people: `xstate.after.patience.mig.copying` is `after patience`. */
export function eventName(
  descriptor: string,
  delay: string | number | undefined,
): { readonly trigger: 'event' | 'timer' | 'always' | 'done'; readonly event: string } {
  if (descriptor === '') return { trigger: 'always', event: '' };
  if (descriptor.startsWith('xstate.after.')) {
    return { trigger: 'timer', event: `after ${typeof delay === 'number' ? `${delay} ms` : delay}` };
  }
  if (descriptor.startsWith('xstate.done.state.')) return { trigger: 'done', event: 'done' };
  const actor = /^xstate\.(done|error)\.actor\.(.*)$/.exec(descriptor);
  if (actor !== null) return { trigger: 'done', event: `${actor[1]} ${shortId(actor[2] ?? '')}` };
  const snapshot = /^xstate\.snapshot\.(.*)$/.exec(descriptor);
  if (snapshot !== null) return { trigger: 'event', event: `snapshot ${shortId(snapshot[1] ?? '')}` };
  return { trigger: 'event', event: descriptor };
}

/** XState numbers an unnamed invoked actor `0.machine.state`: only its number says anything here. */
function shortId(id: string): string {
  return /^\d+\./.test(id) ? `actor ${id.slice(0, id.indexOf('.'))}` : id;
}

function builtinName(action: Builtin, name: string): ActionName | undefined {
  const event = eventTypeOf(action.event);
  switch (action.type) {
    case 'xstate.raise':
      if (isTimerOfAfter(action)) return undefined;
      return { kind: 'action', name, text: `raise ${event}` };
    case 'xstate.cancel':
      if (String((action as { readonly sendId?: unknown }).sendId).startsWith('xstate.after.')) return undefined;
      return { kind: 'action', name, text: 'cancel' };
    case 'xstate.emit':
      return { kind: 'fact', name, text: event };
    case 'xstate.sendTo':
      return { kind: 'message', name, text: event };
    case 'xstate.assign':
      return { kind: 'action', name, text: 'assign' };
    case 'xstate.log':
      return { kind: 'action', name, text: 'log' };
    default:
      return typeof action.type === 'string' && action.type.startsWith('xstate.')
        ? { kind: 'action', name, text: action.type.slice('xstate.'.length) }
        : { kind: 'action', name, text: functionName(action) };
  }
}

function isTimerOfAfter(action: Builtin): boolean {
  return action.delay !== undefined && eventTypeOf(action.event).startsWith('xstate.after.');
}

function eventTypeOf(event: unknown): string {
  if (typeof event === 'object' && event !== null && 'type' in event) return String(event.type);
  return INLINE;
}

function functionName(action: unknown): string {
  const { name } = action as { readonly name?: unknown };
  return typeof name === 'string' && name !== '' && !['actions', 'entry', 'exit', 'guard'].includes(name)
    ? name
    : INLINE;
}

/** Reads the route of machines/messages.ts by its shape, so that other people's machines may carry one too. */
function routeName(name: string, route: unknown, values: string): ActionName | undefined {
  if (typeof route !== 'object' || route === null) return undefined;
  const { kind, to, type, chart } = route as Readonly<Record<string, unknown>>;
  switch (kind) {
    case 'message': {
      const receivers = (Array.isArray(to) ? to : [to]).map(String);
      const text = joined(receivers.length === 1 ? `${receivers[0]} ${String(type)}` : String(type), values);
      return { kind, name, text, receivers };
    }
    case 'command':
      return { kind, name, text: joined(name, values) };
    case 'open':
    case 'close':
      return { kind, name, text: `${kind} ${typeof chart === 'string' ? chart : name}` };
    case 'fact':
      return { kind, name, text: joined(typeof type === 'string' ? type : name, values) };
    default:
      return undefined;
  }
}

interface CombinedGuard {
  readonly name: string;
  readonly guards?: readonly unknown[];
  readonly stateValue?: unknown;
}

function combinedGuard(guard: CombinedGuard, source: string): string {
  const parts = (guard.guards ?? []).map((part) => guardName(part, source) ?? INLINE);
  const nested = parts.map((part) => (/ (and|or) /.test(part) ? `(${part})` : part));
  switch (guard.name) {
    case 'not':
      return `not ${nested.join(' ')}`;
    case 'and':
    case 'or':
      return nested.join(` ${guard.name} `);
    case 'stateIn':
      return `in ${typeof guard.stateValue === 'string' ? guard.stateValue : JSON.stringify(guard.stateValue)}`;
    default:
      return functionName(guard);
  }
}

/** `next {from: RUNNING, to: STOP}` drawn at RUNNING need not repeat where it stands. */
function withoutSource(params: unknown, source: string): unknown {
  if (typeof params !== 'object' || params === null) return params;
  const key = source.slice(source.lastIndexOf('.') + 1);
  return Object.fromEntries(Object.entries(params).filter(([name, value]) => !(name === 'from' && value === key)));
}

/** The parameters that a label can show: plain values, in their order. Empty for a function, which only a run can call. */
function plainValues(params: unknown): string {
  if (typeof params === 'string' || typeof params === 'number' || typeof params === 'boolean') return String(params);
  if (typeof params !== 'object' || params === null) return '';
  return Object.entries(params)
    .map(([name, value]) => (typeof value === 'boolean' ? (value ? name : `not ${name}`) : value))
    .filter((value) => typeof value === 'string' || typeof value === 'number')
    .join(' ');
}

function joined(name: string, values: string): string {
  return values === '' ? name : `${name} ${values}`;
}
