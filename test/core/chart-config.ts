/** A chart's definition as its author wrote it, flattened: every state with what it does and where it goes. */
import type { AnyStateMachine } from 'xstate';

/** Anything an author may write in the place of a name: a name, a name with params, or a function. */
export type Written = unknown;

interface WrittenTransition {
  readonly guard?: Written;
  readonly actions?: Written;
}

interface WrittenState {
  readonly entry?: Written;
  readonly exit?: Written;
  readonly on?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly always?: unknown;
  readonly onDone?: unknown;
  readonly invoke?: unknown;
  readonly initial?: unknown;
  readonly states?: Readonly<Record<string, WrittenState>>;
}

export interface ChartConfig {
  /** Event descriptors of all states. */
  readonly events: ReadonlySet<string>;
  readonly actions: readonly Written[];
  readonly guards: readonly Written[];
  readonly delays: readonly string[];
  /** Paths of states that invoke something. */
  readonly invoking: readonly string[];
}

export function configOf(machine: AnyStateMachine): ChartConfig {
  const events = new Set<string>();
  const actions: Written[] = [];
  const guards: Written[] = [];
  const delays: string[] = [];
  const invoking: string[] = [];
  const take = (written: unknown) => {
    for (const transition of listOf(written) as readonly (string | WrittenTransition | undefined)[]) {
      if (typeof transition !== 'object') continue;
      actions.push(...listOf(transition.actions));
      if (transition.guard !== undefined) guards.push(transition.guard);
    }
  };
  const visit = (state: WrittenState, path: string) => {
    for (const [event, written] of Object.entries(state.on ?? {})) {
      events.add(event);
      take(written);
    }
    for (const [delay, written] of Object.entries(state.after ?? {})) {
      delays.push(delay);
      take(written);
    }
    take(state.always);
    take(state.onDone);
    take(state.initial);
    actions.push(...listOf(state.entry), ...listOf(state.exit));
    if (state.invoke !== undefined) invoking.push(path);
    for (const [name, child] of Object.entries(state.states ?? {})) visit(child, `${path}.${name}`);
  };
  visit(machine.config as WrittenState, machine.id);
  return { events, actions, guards, delays, invoking };
}

function listOf(written: unknown): readonly unknown[] {
  if (written === undefined) return [];
  return Array.isArray(written) ? written : [written];
}

/** The name that was written; undefined for a function. */
export function nameOf(written: Written): string | undefined {
  if (typeof written === 'string') return written;
  return typeof written === 'object' && written !== null ? String((written as { type: unknown }).type) : undefined;
}
