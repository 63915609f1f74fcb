/**
 * A product with one thing wrong, made by the tests alone: what it is, what it breaks, and how it is planted.
 *
 * A mutant may be looked for only where it can matter (`where`): seeds that draw something else are counted and not run.
 */
import { type AnyStateMachine, createMachine } from 'xstate';
import type { Kind } from '../../../machines/messages.ts';
import type { Case } from '../../../src/lab/check/case.ts';
import type { RunOptions } from '../../../src/lab/check/run-case.ts';

export type Wrap = NonNullable<RunOptions['wrap']>;

export interface Mutant {
  readonly name: string;
  /** What goes wrong in the end, in a sentence. */
  readonly breaks: string;
  readonly where?: (one: Case) => boolean;
  /** Charts in place of the sound ones. */
  readonly charts?: Partial<Record<Kind, AnyStateMachine>>;
  /** A driver that does wrong. */
  readonly wrap?: Wrap;
  /** Changes what all runs share, and returns how to change it back. */
  readonly plant?: () => () => void;
  /** What the sound product is run over, too, where the mutant shows over this driver only. */
  readonly over?: Wrap;
}

/** A chart's definition as plain data, to be changed in place. */
// biome-ignore lint/suspicious/noExplicitAny: any part of any chart may be what is changed.
export type Definition = any;

/** The same chart with its definition changed. */
export function rewired(machine: AnyStateMachine, change: (definition: Definition) => void): AnyStateMachine {
  const definition = copyOf(machine.config) as Definition;
  change(definition);
  return createMachine(definition, machine.implementations as object);
}

/** Every state of this name, however deep. Throws when there is none. */
export function statesNamed(definition: Definition, name: string): readonly Definition[] {
  const inside = ({ states = {} }: Definition): readonly Definition[] =>
    Object.entries<Definition>(states).flatMap(([own, state]) => [...(own === name ? [state] : []), ...inside(state)]);
  const found = inside(definition);
  if (found.length === 0) throw new Error(`${definition.id} has no state ${name}`);
  return found;
}

/** The same chart with these guards, actions or delays in place of its own. */
export function provided(
  machine: AnyStateMachine,
  implementations: { readonly guards?: object; readonly actions?: object },
): AnyStateMachine {
  return (machine as { provide(implementations: object): AnyStateMachine }).provide(implementations);
}

/** Puts another method in the place of one, until what it returns is called. */
export function replaced<T extends object>(
  owner: T,
  method: string,
  // biome-ignore lint/suspicious/noExplicitAny: any method of any class, also one that is private to it.
  make: (sound: (...given: any[]) => any) => (this: any, ...given: any[]) => any,
): () => void {
  const methods = owner as Record<string, (...given: unknown[]) => unknown>;
  const sound = methods[method];
  if (sound === undefined) throw new Error(`there is no ${method} to be replaced`);
  methods[method] = make(sound);
  return () => {
    methods[method] = sound;
  };
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, copyOf(one)]));
}
