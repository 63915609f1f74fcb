/**
 * The guards and actions of a machine as functions: each is looked up by its name once, with its parameters, and kept. What a
 * chart puts out goes to `execute`. `assign` is done here; the other built-in actions resolve themselves.
 */
import type {
  AnyActorScope,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
  AnyTransitionDefinition,
} from 'xstate';

/** An action that somebody else carries out. */
export interface ExecutedAction {
  readonly type: string;
  readonly params: unknown;
  readonly exec: unknown;
}

export interface MacrostepHooks {
  /** With the machine's own actor and system, which actions are shown. */
  readonly scope: AnyActorScope;
  readonly execute: (action: ExecutedAction) => void;
  readonly watch: ((taken: readonly AnyTransitionDefinition[]) => void) | undefined;
}

/** What a step works on. */
export interface Step {
  snapshot: AnyMachineSnapshot;
  event: AnyEventObject;
  readonly queue: AnyEventObject[];
}

export type Act = (step: Step) => void;
export type Guard = (snapshot: AnyMachineSnapshot, event: AnyEventObject) => boolean;

type Config = string | ((...args: never[]) => unknown) | { readonly type: string; readonly params?: unknown };
type ParamsOf = (args: { readonly context: unknown; readonly event: AnyEventObject }) => unknown;
type Assignment = (args: object, params: unknown) => object;

interface BuiltIn {
  readonly type: string;
  readonly execute?: unknown;
  readonly assignment?: unknown;
  resolve(
    scope: AnyActorScope,
    snapshot: AnyMachineSnapshot,
    args: object,
    params: unknown,
    action: unknown,
    extra: object,
  ): readonly [AnyMachineSnapshot, unknown, readonly unknown[] | undefined];
}

interface BuiltInGuard {
  check(snapshot: AnyMachineSnapshot, args: object, guard: unknown): boolean;
}

export class Implementations {
  readonly #machine: AnyStateMachine;
  readonly #hooks: MacrostepHooks;
  readonly #guards = new Map<AnyTransitionDefinition, Guard | undefined>();
  readonly #acts = new Map<object, readonly Act[]>();

  constructor(machine: AnyStateMachine, hooks: MacrostepHooks) {
    this.#machine = machine;
    this.#hooks = hooks;
  }

  /** Undefined where nothing guards it. */
  guardOf(transition: AnyTransitionDefinition): Guard | undefined {
    let guard = this.#guards.get(transition);
    if (guard === undefined && !this.#guards.has(transition)) {
      guard = transition.guard === undefined ? undefined : this.#guardFrom(transition.guard);
      this.#guards.set(transition, guard);
    }
    return guard;
  }

  #guardFrom(config: Config): Guard {
    const name = typeof config === 'function' ? undefined : nameOf(config);
    const resolved: unknown = name === undefined ? config : this.#machine.implementations.guards[name];
    if (resolved === undefined) {
      return () => {
        throw new Error(`Guard '${name}' is not implemented.`);
      };
    }
    if (typeof resolved !== 'function') return this.#guardFrom(resolved as Config);
    const paramsOf = paramsFrom(config);
    if ('check' in resolved) {
      const builtIn = resolved as unknown as BuiltInGuard;
      return (snapshot, event) => builtIn.check(snapshot, { context: snapshot.context, event }, builtIn);
    }
    return (snapshot, event) => {
      const args = { context: snapshot.context, event };
      return resolved(args, paramsOf?.(args));
    };
  }

  /** `of`: what has these actions, the same ones each time. */
  actsOf(of: object, actions: readonly unknown[]): readonly Act[] {
    let acts = this.#acts.get(of);
    if (acts === undefined) this.#acts.set(of, (acts = actions.map((action) => this.#actOf(action))));
    return acts;
  }

  #actOf(given: unknown): Act {
    const action = given as Config;
    const name = typeof action === 'function' ? undefined : nameOf(action);
    const exec = name === undefined ? action : (this.#machine.implementations.actions[name] as unknown);
    const paramsOf = paramsFrom(action);
    if (typeof exec === 'function' && 'resolve' in exec) return this.#builtInAct(exec as unknown as BuiltIn, paramsOf);
    const { execute } = this.#hooks;
    const type = name ?? ((action as { readonly name: string }).name || '(anonymous)');
    return ({ snapshot: { context }, event }) => execute({ type, params: paramsOf?.({ context, event }), exec });
  }

  #builtInAct(builtIn: BuiltIn, paramsOf: ParamsOf | undefined): Act {
    const { scope, execute } = this.#hooks;
    const { self, system } = scope;
    if (builtIn.type === 'xstate.assign') {
      const assignment = assignmentOf(builtIn.assignment);
      return (step) => {
        const { snapshot, event } = step;
        const { context } = snapshot;
        const params = paramsOf?.({ context, event });
        const changes = assignment({ context, event, spawn: refuseToSpawn, self, system }, params);
        step.snapshot = changed(snapshot, Object.assign({}, context, changes));
      };
    }
    return (step) => {
      const { snapshot, event, queue } = step;
      const { context } = snapshot;
      const args = { context, event, self, system };
      const given = paramsOf?.({ context, event });
      const extra = { internalQueue: queue, deferredActorIds: undefined };
      const [next, params, actions] = builtIn.resolve(scope, snapshot, args, given, builtIn, extra);
      step.snapshot = next;
      if ('execute' in builtIn) execute({ type: builtIn.type, params, exec: builtIn.execute });
      for (const action of actions ?? []) this.#actOf(action)(step);
    };
  }
}

/** Of a named action or guard with parameters. */
function paramsFrom(config: Config): ParamsOf | undefined {
  if (typeof config !== 'object' || !('params' in config)) return undefined;
  const { params } = config;
  return typeof params === 'function' ? (params as ParamsOf) : () => params;
}

function nameOf(config: string | { readonly type: string }): string {
  return typeof config === 'string' ? config : config.type;
}

/** `assign` with a function, or with one for each key. */
function assignmentOf(given: unknown): Assignment {
  if (typeof given === 'function') return given as Assignment;
  const keys = Object.entries(given as Record<string, unknown>);
  return (args, params) =>
    Object.fromEntries(keys.map(([key, of]) => [key, typeof of === 'function' ? of(args, params) : of]));
}

/** A chart is data: nothing runs in it. */
export function refuseToSpawn(): never {
  throw new Error('a chart spawns no actors');
}

/** The same snapshot with another context. */
export function changed(snapshot: AnyMachineSnapshot, context: unknown): AnyMachineSnapshot {
  return like(snapshot, context, snapshot._nodes, snapshot.value, snapshot.tags);
}

/** Every key by itself: a spread with more keys behind it takes microseconds. */
export function like(
  { status, output, error, machine, children, historyValue, matches, hasTag, can, getMeta, toJSON }: AnyMachineSnapshot,
  context: unknown,
  _nodes: AnyStateNode[],
  value: unknown,
  tags: Set<string>,
): AnyMachineSnapshot {
  return {
    status,
    output,
    error,
    machine,
    context,
    _nodes,
    value,
    tags,
    children,
    historyValue,
    matches,
    hasTag,
    can,
    getMeta,
    toJSON,
  } as AnyMachineSnapshot;
}
