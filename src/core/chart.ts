/**
 * One chart, stepped as a pure function: (snapshot, event) -> (snapshot, outputs).
 *
 * This file and what it steps with (macrostep, configuration, implementations) are the only ones that touch XState's
 * internals. Stock `transition()` builds a throw-away actor and runs the initial transition again at every call, and finds
 * anew what a transition leaves and enters; one inert scope and one macrostep kept per machine give the same answers some
 * thirty times faster, and a property test in test/core holds the two (and a live actor) equal. One shared `out` array is
 * safe because a step never re-enters itself. Refuses actors, promises and everything else that is not data.
 */
import {
  type AnyActor,
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  createActor,
  createMachine,
} from 'xstate';
import type { OutputRoute } from '../../machines/messages.ts';
import type { ExecutedAction } from './implementations.ts';
import { type Macrostep, macrostepOf } from './macrostep.ts';
import type { RecordedEvent } from './record.ts';

export type Snapshot = AnyMachineSnapshot;

/** What a chart put out during one step, in order. */
export type ChartOutput =
  | { readonly kind: 'routed'; readonly action: string; readonly route: OutputRoute; readonly params: unknown }
  | { readonly kind: 'emitted'; readonly event: RecordedEvent }
  | { readonly kind: 'setTimer'; readonly timer: string; readonly delayMs: number; readonly event: RecordedEvent }
  | { readonly kind: 'clearTimer'; readonly timer: string };

export interface Chart {
  readonly machine: AnyStateMachine;
  start(input: unknown): { snapshot: Snapshot; outputs: readonly ChartOutput[] };
  /** `taken` is false when no transition of the present state takes the event. */
  step(
    snapshot: Snapshot,
    event: RecordedEvent,
  ): { snapshot: Snapshot; outputs: readonly ChartOutput[]; taken: boolean };
}

/** Told of every transition that a step takes, microsteps included; what a coverage is counted from. */
export type WatchTransitions = (taken: readonly AnyTransitionDefinition[]) => void;

/** Makes a stepper for a machine. The sample actor for its scope is made at the first `start`, with that input. */
export function createChart(machine: AnyStateMachine, watch?: WatchTransitions): Chart {
  let out: ChartOutput[] = [];
  let scope: AnyActorScope | undefined;
  let macrostep: Macrostep | undefined;
  const collect = (action: ExecutedAction): void => {
    const made = toOutput(machine, action);
    if (made !== undefined) out.push(made);
  };
  const scopeOf = (options: { input: unknown } | { snapshot: never }): AnyActorScope => {
    if (scope !== undefined) return scope;
    scope = inertScope(createActor(machine, options as { input: unknown }), collect, watch);
    macrostep = macrostepOf(machine, { scope, execute: collect, watch });
    return scope;
  };
  return {
    machine,
    start(input) {
      const inert = scopeOf({ input });
      out = [];
      if (macrostep !== undefined) return { snapshot: startOf(machine, macrostep, input), outputs: out };
      const snapshot = machine.getInitialSnapshot(inert, input) as Snapshot;
      failOnError(machine, snapshot);
      return { snapshot, outputs: out };
    },
    step(snapshot, event) {
      const inert = scope ?? scopeOf({ snapshot: machine.getPersistedSnapshot(snapshot) as never });
      out = [];
      if (macrostep !== undefined) {
        const { snapshot: after, taken } = macrostep.step(snapshot, event);
        failOnError(machine, after);
        return { snapshot: after, outputs: out, taken: taken || after !== snapshot };
      }
      const next = machine.transition(snapshot, event, inert) as Snapshot;
      failOnError(machine, next);
      const taken = next !== snapshot || (machine.getTransitionData(snapshot, event)?.length ?? 0) > 0;
      return { snapshot: next, outputs: out, taken };
    },
  };
}

/** What one step of any machine comes to, with nothing of it carried out. */
export interface Traced {
  readonly snapshot: Snapshot;
  /** XState's own among them, in order. */
  readonly actions: readonly Omit<ExecutedAction, 'exec'>[];
  /** What was taken in each microstep; the entry into the initial states is none. */
  readonly microsteps: readonly (readonly AnyTransitionDefinition[])[];
}

/**
 * One step of a machine that need not be a chart: it may start actors and run functions of its own, of which none is started or
 * run. Its scope is made for this step, because actors with a name in the whole system would meet their predecessors in it.
 * A machine that fails has the status `error` afterwards, or throws.
 */
export function traceStep(
  machine: AnyStateMachine,
  from: { readonly input: unknown } | { readonly snapshot: Snapshot; readonly event: RecordedEvent },
): Traced {
  const actions: ExecutedAction[] = [];
  const microsteps: (readonly AnyTransitionDefinition[])[] = [];
  const watch: WatchTransitions = (taken) => microsteps.push(taken);
  const collect = (action: ExecutedAction): void => {
    actions.push(action);
  };
  const scope = inertScope(createActor(NOBODY, { id: machine.id }), collect, watch);
  const snapshot =
    'input' in from
      ? machine.getInitialSnapshot(scope, from.input)
      : machine.transition(from.snapshot, from.event, scope);
  return { snapshot: snapshot as Snapshot, actions, microsteps };
}

/** Stands for the actor that a traced machine would be: an actor of the machine itself would spawn its children twice. */
const NOBODY = createMachine({});

function inertScope(
  self: AnyActor,
  collect: (action: ExecutedAction) => void,
  watch: WatchTransitions | undefined,
): AnyActorScope {
  return {
    self,
    system: watchedSystem(self.system, watch),
    id: self.id,
    sessionId: self.sessionId,
    logger: () => {},
    defer: () => {},
    stopChild: () => {},
    emit: () => {},
    actionExecutor: collect as AnyActorScope['actionExecutor'],
  };
}

/** Tells of microsteps without XState's inspection, which makes an event of each for observers that are not there. */
function watchedSystem(system: AnyActorScope['system'], watch: WatchTransitions | undefined): AnyActorScope['system'] {
  const tell = (seen: { readonly type: string; readonly _transitions?: readonly AnyTransitionDefinition[] }) => {
    if (seen.type === '@xstate.microstep' && seen._transitions !== undefined) watch?.(seen._transitions);
  };
  return Object.assign(Object.create(system) as typeof system, { _sendInspectionEvent: tell });
}

function startOf(machine: AnyStateMachine, macrostep: Macrostep, input: unknown): Snapshot {
  try {
    return macrostep.start(input);
  } catch (cause) {
    throw new Error(`chart ${machine.id} failed`, { cause });
  }
}

function failOnError(machine: AnyStateMachine, snapshot: Snapshot): void {
  if (snapshot.status === 'error') throw new Error(`chart ${machine.id} failed`, { cause: snapshot.error });
}

/** An executed XState action as data; undefined for what has already happened inside the step. */
function toOutput(machine: AnyStateMachine, action: ExecutedAction): ChartOutput | undefined {
  const params = action.params as Record<string, unknown> | undefined;
  switch (action.type) {
    case 'xstate.raise': {
      const delayMs = params?.delay;
      // An undelayed raise was consumed within the step.
      if (typeof delayMs !== 'number') return undefined;
      return { kind: 'setTimer', timer: String(params?.id), delayMs, event: params?.event as RecordedEvent };
    }
    case 'xstate.cancel':
      return { kind: 'clearTimer', timer: String((params as { sendId?: unknown } | undefined)?.sendId ?? params) };
    case 'xstate.emit':
      return { kind: 'emitted', event: params?.event as RecordedEvent };
    case 'xstate.assign':
      return undefined;
    default: {
      const route = (action.exec as { route?: OutputRoute } | undefined)?.route;
      if (route === undefined) {
        throw new Error(
          `chart ${machine.id}: action "${action.type}" is neither a message, command, open, close nor fact`,
        );
      }
      return { kind: 'routed', action: action.type, route, params: action.params };
    }
  }
}
