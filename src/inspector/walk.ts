/**
 * A chart clicked through by hand: ours, or any XState 5 machine. Every walk is the whole list of its events, taken anew from
 * the start, so nothing is kept anywhere and going back is leaving events away.
 *
 * Nothing is carried out: actions are listed, actors are not started, and no clock runs. A delay is a step that can be taken,
 * and so are the end and the failure of an actor that a state would have invoked. What a machine cannot take (a guard that
 * throws, an input that it cannot start with, eventless transitions that never come to rest) is told, and the walk stands
 * where it stood before.
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { type Traced, traceStep } from '../core/chart.ts';
import { idOfTaken } from './chart/graph.ts';
import { actionName } from './chart/names.ts';
import type { Walk, WalkWish } from './page-data.ts';
import { activePaths } from './view/active.ts';
import { enteredIn } from './view/entered.ts';
import { exampleEvent } from './walk/example-events.ts';
import { plain } from './walk/plain.ts';
import { nextSteps } from './walk/steps.ts';

type Event = WalkWish['events'][number];

/** Microsteps of one event before a machine counts as one that never comes to rest. */
const MICROSTEPS_MAX = 1000;
/** Steps of a walk are so far apart on its clock. */
const STEP_NS = 1_000_000;

/** Never throws for what the machine does. `wish.machine`: its name in the gallery. */
export function walk(given: AnyStateMachine, wish: WalkWish): Walk {
  const machine = bounded(given);
  const isOurs = !wish.machine.startsWith('own/');
  const visits = new Map<string, number>();
  const start = attempt(() => traceStep(machine, { input: wish.input ?? {} }));
  if (typeof start === 'string') return unstarted(`it does not start with this input: ${start}`);
  count(visits, start, []);
  let last = start;
  let error: string | undefined;
  for (const [index, event] of wish.events.entries()) {
    const { snapshot } = last;
    const told = isOurs ? { from: 'operator', atNs: (index + 1) * STEP_NS, ...event } : event;
    const next = attempt(() => traceStep(machine, { snapshot, event: told }));
    if (typeof next === 'string') {
      error = next;
      break;
    }
    count(visits, next, activePaths(snapshot));
    last = next;
  }
  const { snapshot } = last;
  const exampleOf = (type: string, now: AnyMachineSnapshot): Event =>
    isOurs ? exampleEvent(wish.machine, type, now) : { type };
  return {
    active: activePaths(snapshot),
    value: snapshot.value,
    context: plain(snapshot.context),
    status: snapshot.status,
    taken: error === undefined ? takenIn(last) : [],
    actions: error === undefined ? actionsIn(machine, last) : [],
    next: nextSteps(machine, snapshot, exampleOf),
    visits: Object.fromEntries(visits),
    ...(error === undefined ? {} : { error }),
  };
}

/** The same machine, which gives up instead of going round for ever. The one that was given stays as it is. */
function bounded(machine: AnyStateMachine): AnyStateMachine {
  const copy = machine.provide({});
  const { maxIterations = MICROSTEPS_MAX } = copy.options;
  copy.options = { ...copy.options, maxIterations: Math.min(maxIterations, MICROSTEPS_MAX) };
  return copy;
}

/** What it came to, or why it came to nothing. */
function attempt(step: () => Traced): Traced | string {
  try {
    const traced = step();
    return traced.snapshot.status === 'error' ? reasonOf(traced.snapshot.error) : traced;
  } catch (error) {
    return reasonOf(error);
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  if (typeof error === 'string') return error;
  const { message } = (error ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : (JSON.stringify(plain(error)) ?? 'it failed');
}

function unstarted(error: string): Walk {
  return {
    active: [],
    value: null,
    context: null,
    status: 'error',
    taken: [],
    actions: [],
    next: [],
    visits: {},
    error,
  };
}

function count(visits: Map<string, number>, { snapshot, microsteps }: Traced, before: readonly string[]): void {
  const entered = enteredIn(before, activePaths(snapshot), microsteps);
  for (const key of [...entered, ...takenIn({ microsteps })]) visits.set(key, (visits.get(key) ?? 0) + 1);
}

function takenIn({ microsteps }: Pick<Traced, 'microsteps'>): readonly string[] {
  return microsteps.flat().flatMap((transition) => idOfTaken(transition) ?? []);
}

/** In words, as in a drawing. What has happened inside of the step (`assign`, `raise`) shows in its result. */
function actionsIn({ implementations }: AnyStateMachine, { actions }: Traced): readonly string[] {
  return actions.flatMap(({ type, params }) => {
    if (!type.startsWith('xstate.')) {
      const named = { type, params: params ?? undefined };
      return actionName(named, implementations.actions as Readonly<Record<string, unknown>>)?.text ?? [];
    }
    return builtinText(type, (params ?? {}) as Readonly<Record<string, unknown>>);
  });
}

function builtinText(type: string, params: Readonly<Record<string, unknown>>): string | readonly string[] {
  const eventType = () => String((params.event as Event | undefined)?.type ?? '');
  switch (type) {
    case 'xstate.assign':
      return [];
    case 'xstate.raise':
      // The timers of an `after` are steps, and what was raised at once has been taken.
      return params.delay === undefined || eventType().startsWith('xstate.after.') ? [] : `raise ${eventType()}`;
    case 'xstate.cancel':
      return String(params.sendId ?? params).startsWith('xstate.after.') ? [] : 'cancel';
    case 'xstate.emit':
      return `emit ${eventType()}`;
    case 'xstate.sendTo':
      return `send ${eventType()}`;
    case 'xstate.spawnChild':
      return `start ${String(params.id)}`;
    case 'xstate.stopChild':
      return `stop ${String((params as Partial<AnyMachineSnapshot> & { readonly id?: unknown }).id ?? 'an actor')}`;
    default:
      return type.slice('xstate.'.length);
  }
}
