/**
 * One chart as a running XState actor that says what it puts out, in the words of the pure stepper (chart.ts).
 *
 * Only public API: the routed actions are provided with functions that hand over their route and params, and XState's own
 * actions (a delayed raise, a cancel, an emit) are read from the inspection stream, which tells them in the same order. The
 * actor's timers run on the clock it is given. It delivers nothing to anybody: live.ts does.
 */
import { type Actor, type AnyStateMachine, createActor, type InspectionEvent, type Observer } from 'xstate';
import type { OutputRoute } from '../../machines/messages.ts';
import type { ChartOutput } from './chart.ts';
import type { Clock } from './live-waits.ts';
import type { Address, RecordedEvent } from './record.ts';

/** What XState takes as an actor's `inspect`. */
export type Inspector = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

export interface LiveChartOptions {
  readonly input: unknown;
  readonly clock: Clock;
  readonly inspect: Inspector | undefined;
}

export interface LiveChart {
  readonly actor: Actor<AnyStateMachine>;
  /** Begins; what the initial states put out. */
  start(): readonly ChartOutput[];
  send(event: RecordedEvent): readonly ChartOutput[];
  /** Runs what makes the actor move by itself: a timer that has come due. */
  during(run: () => void): readonly ChartOutput[];
  stop(): void;
}

/**
 * Makes an actor of a machine; its id and systemId are the address. An actor that fails (a guard or an assign that throws)
 * makes the call that moved it throw.
 */
export function createLiveChart(machine: AnyStateMachine, address: Address, options: LiveChartOptions): LiveChart {
  let outputs: ChartOutput[] = [];
  let failure: { readonly error: unknown } | undefined;
  const { input, clock, inspect } = options;
  const actor: Actor<AnyStateMachine> = createActor(telling(machine), {
    id: address,
    systemId: address,
    input,
    clock,
    ...(inspect === undefined ? {} : { inspect }),
  });
  puts.set(actor, (output) => outputs.push(output));
  actor.subscribe({ error: (error) => (failure = { error }) });
  actor.system.inspect((seen) => {
    const output = seen.type === '@xstate.action' ? builtIn(seen.action) : undefined;
    if (output !== undefined) outputs.push(output);
  });
  const during = (run: () => void): readonly ChartOutput[] => {
    outputs = [];
    run();
    if (failure !== undefined) throw new Error(`chart ${machine.id} failed`, { cause: failure.error });
    return outputs;
  };
  return {
    actor,
    start: () => during(() => actor.start()),
    send: (event) => during(() => actor.send(event)),
    during,
    stop: () => actor.stop(),
  };
}

type Put = (output: ChartOutput) => void;

/** Where each running actor's outputs go. */
const puts = new WeakMap<object, Put>();
/** A machine that is provided anew has to build its states anew, so each is provided once and serves all its actors. */
const provided = new WeakMap<AnyStateMachine, AnyStateMachine>();

/** The machine with every routed action replaced by one that tells its route and params to whoever runs the actor. */
function telling(machine: AnyStateMachine): AnyStateMachine {
  let made = provided.get(machine);
  if (made === undefined) {
    const actions: Record<string, (args: { self: object }, params: unknown) => void> = {};
    for (const [action, implementation] of Object.entries(machine.implementations.actions)) {
      const route = (implementation as { route?: OutputRoute } | undefined)?.route;
      if (route === undefined) continue;
      actions[action] = ({ self }, params) => puts.get(self)?.({ kind: 'routed', action, route, params });
    }
    made = machine.provide({ actions });
    provided.set(machine, made);
  }
  return made;
}

/** XState's own actions that leave the step, as the inspection stream tells them. */
function builtIn(action: { readonly type: string; readonly params: unknown }): ChartOutput | undefined {
  const params = action.params as {
    readonly id?: string;
    readonly delay?: number;
    readonly event?: RecordedEvent;
    readonly sendId?: string;
  };
  switch (action.type) {
    case 'xstate.raise':
      if (typeof params.delay !== 'number') return undefined;
      return {
        kind: 'setTimer',
        timer: String(params.id),
        delayMs: params.delay,
        event: params.event as RecordedEvent,
      };
    case 'xstate.cancel':
      return { kind: 'clearTimer', timer: String(params.sendId) };
    case 'xstate.emit':
      return { kind: 'emitted', event: params.event as RecordedEvent };
    default:
      return undefined;
  }
}
