/**
 * XState's macrostep for charts that are data: an event, then what is eventless and what was raised, until nothing is left to
 * take. What never changes comes from the machine's configurations, and actions and guards are looked up once, so a step costs
 * what the chart does in it. The order of everything is XState's own (src/actions and stateUtils of
 * 5.33): exits from within, the transitions' actions, entries from without, and completions as they are entered.
 * Tests in test/core hold it equal to XState's own functions.
 */
import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
  AnyTransitionDefinition,
} from 'xstate';
import { type Configuration, Configurations, type Entry, type Move } from './configuration.ts';
import {
  type Act,
  changed,
  type Guard,
  Implementations,
  like,
  type MacrostepHooks,
  refuseToSpawn,
  type Step,
} from './implementations.ts';

export interface Macrostep {
  start(input: unknown): AnyMachineSnapshot;
  /** `taken`: a transition took the event. */
  step(snapshot: AnyMachineSnapshot, event: AnyEventObject): { snapshot: AnyMachineSnapshot; taken: boolean };
}

interface Candidate {
  readonly transition: AnyTransitionDefinition;
  readonly guard: Guard | undefined;
}

/** Undefined for a machine that this does not know how to step: it remembers states, or invokes actors. */
export function macrostepOf(machine: AnyStateMachine, hooks: MacrostepHooks): Macrostep | undefined {
  const nodes = (machine.root.machine as unknown as { readonly idMap: ReadonlyMap<string, AnyStateNode> }).idMap;
  for (const { type, invoke } of nodes.values()) if (type === 'history' || invoke.length > 0) return undefined;
  return new ChartMacrostep(machine, hooks);
}

class ChartMacrostep implements Macrostep {
  readonly #machine: AnyStateMachine;
  readonly #hooks: MacrostepHooks;
  readonly #configurations: Configurations;
  readonly #implementations: Implementations;
  readonly #candidates = new Map<string, Map<AnyStateNode, readonly Candidate[]>>();
  readonly #mostMicrosteps: number;
  #initially: Move | undefined;
  /** Any snapshot of the machine: what all of them have alike. */
  #any: AnyMachineSnapshot | undefined;

  constructor(machine: AnyStateMachine, hooks: MacrostepHooks) {
    this.#machine = machine;
    this.#hooks = hooks;
    this.#configurations = new Configurations(machine.root);
    this.#implementations = new Implementations(machine, hooks);
    this.#mostMicrosteps = machine.options?.maxIterations ?? Number.POSITIVE_INFINITY;
  }

  start(input: unknown): AnyMachineSnapshot {
    const machine = this.#machine;
    const event = { type: 'xstate.init', input };
    this.#any ??= machine.resolveState({ value: {}, context: {} });
    const given: unknown = machine.config.context;
    const { self } = this.#hooks.scope;
    const context =
      typeof given === 'function' ? Object.assign({}, given({ spawn: refuseToSpawn, input, self })) : (given ?? {});
    this.#initially ??= this.#configurations.initially();
    const alone = this.#configurations.of([machine.root]);
    const blank = { status: 'active', output: undefined, error: undefined, children: {}, historyValue: {} };
    const step: Step = { snapshot: standing(Object.assign({}, this.#any, blank), alone, context), event, queue: [] };
    this.#microstep(step, alone, this.#initially);
    this.#toRest(step);
    return step.snapshot;
  }

  step(snapshot: AnyMachineSnapshot, event: AnyEventObject): { snapshot: AnyMachineSnapshot; taken: boolean } {
    const step: Step = { snapshot, event, queue: [] };
    const configuration = this.#configurations.of(snapshot._nodes);
    const selected = this.#select(configuration.root, snapshot, event);
    if (selected !== undefined) this.#take(step, configuration, selected);
    this.#hooks.watch?.(selected ?? []);
    this.#toRest(step);
    return { snapshot: step.snapshot, taken: selected !== undefined };
  }

  /** Eventless transitions first, then the next raised event. */
  #toRest(step: Step): void {
    let mayBeEventless = true;
    for (let count = 1; step.snapshot.status === 'active'; count++) {
      if (count > this.#mostMicrosteps) {
        throw new Error(`Infinite loop detected: more than ${this.#mostMicrosteps} microsteps in ${this.#machine.id}`);
      }
      const before = step.snapshot;
      const configuration = this.#configurations.of(before._nodes);
      const eventless = mayBeEventless ? this.#eventless(configuration, before, step.event) : undefined;
      if (eventless !== undefined) {
        this.#take(step, configuration, eventless);
        this.#hooks.watch?.(eventless);
        mayBeEventless = step.snapshot !== before;
        continue;
      }
      const next = step.queue.shift();
      if (next === undefined) return;
      step.event = next;
      const selected = this.#select(configuration.root, before, next);
      if (selected !== undefined) this.#take(step, configuration, selected);
      this.#hooks.watch?.(selected ?? []);
      mayBeEventless = true;
    }
  }

  #take(step: Step, from: Configuration, selected: readonly AnyTransitionDefinition[]): void {
    this.#microstep(step, from, this.#configurations.move(from, selected));
  }

  #microstep(step: Step, from: Configuration, { transitions, exits, entries, to }: Move): void {
    for (const state of exits) this.#leave(state, step);
    for (const transition of transitions) run(this.#implementations.actsOf(transition, transition.actions), step);
    for (const entry of entries) this.#enter(entry, step);
    let end = to;
    if (step.snapshot.status === 'done') {
      end = this.#configurations.atEnd(to);
      for (const state of end.nodes) this.#leave(state, step);
    }
    if (to !== from) step.snapshot = standing(step.snapshot, end, step.snapshot.context);
  }

  #leave(state: AnyStateNode, step: Step): void {
    run(this.#implementations.actsOf(state, state.exit), step);
  }

  #enter(entry: Entry, step: Step): void {
    const { completes, state, actions } = entry;
    run(this.#implementations.actsOf(entry, actions), step);
    if (completes === undefined) return;
    const { parent, parallels, machine } = completes;
    if (parent !== undefined) step.queue.push(doneEvent(parent, this.#outputOf(state.output, step, step.event)));
    for (const parallel of parallels) step.queue.push(doneEvent(parallel, undefined));
    if (machine !== undefined) this.#end(machine, step);
  }

  #end(completedBy: AnyStateNode, step: Step): void {
    const { root } = this.#machine;
    const { output, parent } = completedBy;
    const made = output !== undefined && parent !== undefined ? this.#outputOf(output, step, step.event) : undefined;
    const machines = root.output === undefined ? undefined : doneEvent(completedBy, made);
    step.snapshot = Object.assign(changed(step.snapshot, step.snapshot.context), {
      status: 'done' as const,
      output: machines === undefined ? undefined : this.#outputOf(root.output, step, machines),
    });
  }

  #outputOf(output: unknown, { snapshot }: Step, event: AnyEventObject): unknown {
    const { self } = this.#hooks.scope;
    return typeof output === 'function' ? output({ context: snapshot.context, event, self }) : output;
  }

  /** The innermost states are asked first, and those around them when none of those takes it. */
  #select(
    { state, branches }: Configuration['root'],
    snapshot: AnyMachineSnapshot,
    event: AnyEventObject,
  ): readonly AnyTransitionDefinition[] | undefined {
    let taken: readonly AnyTransitionDefinition[] | undefined;
    for (const branch of branches) {
      const inner = this.#select(branch, snapshot, event);
      if (inner !== undefined) taken = taken === undefined ? inner : [...taken, ...inner];
    }
    return taken ?? this.#takenBy(state, snapshot, event);
  }

  #takenBy(state: AnyStateNode, snapshot: AnyMachineSnapshot, event: AnyEventObject) {
    for (const { transition, guard } of this.#candidatesOf(state, event.type)) {
      try {
        if (guard !== undefined && !guard(snapshot, event)) continue;
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`a guard of ${state.id} for ${event.type} failed: ${why}`, { cause });
      }
      return [transition];
    }
    return undefined;
  }

  #candidatesOf(state: AnyStateNode, type: string): readonly Candidate[] {
    let ofType = this.#candidates.get(type);
    if (ofType === undefined) this.#candidates.set(type, (ofType = new Map()));
    let candidates = ofType.get(state);
    if (candidates === undefined) {
      candidates = transitionsFor(state, type).map((transition) => ({
        transition,
        guard: this.#implementations.guardOf(transition),
      }));
      ofType.set(state, candidates);
    }
    return candidates;
  }

  #eventless(
    { eventless }: Configuration,
    snapshot: AnyMachineSnapshot,
    event: AnyEventObject,
  ): readonly AnyTransitionDefinition[] | undefined {
    let enabled: AnyTransitionDefinition[] | undefined;
    for (const transitions of eventless) {
      for (const transition of transitions) {
        const guard = this.#implementations.guardOf(transition);
        if (guard !== undefined && !guard(snapshot, event)) continue;
        enabled = enabled?.includes(transition) === true ? enabled : [...(enabled ?? []), transition];
        break;
      }
    }
    return enabled;
  }
}

function run(acts: readonly Act[], step: Step): void {
  for (const act of acts) act(step);
}

function doneEvent({ id }: AnyStateNode, output: unknown): AnyEventObject {
  return { type: `xstate.done.state.${id}`, output };
}

/** Those for the very event, then those for all that begin or end like it, the narrowest first. */
function transitionsFor({ transitions }: AnyStateNode, type: string): readonly AnyTransitionDefinition[] {
  const wider = [...transitions.keys()].filter((descriptor) => descriptor !== type && describes(descriptor, type));
  wider.sort((a, b) => b.length - a.length);
  return [type, ...wider].flatMap((descriptor) => transitions.get(descriptor) ?? []);
}

function describes(descriptor: string, type: string): boolean {
  if (descriptor === '*') return true;
  if (!descriptor.endsWith('.*')) return false;
  const tokens = type.split('.');
  for (const [index, token] of descriptor.split('.').entries()) {
    if (token === '*') return index === descriptor.split('.').length - 1;
    if (token !== tokens[index]) return false;
  }
  return true;
}

/** The same snapshot in a configuration. */
function standing(
  snapshot: AnyMachineSnapshot,
  { nodes, value, tags }: Configuration,
  context: unknown = snapshot.context,
): AnyMachineSnapshot {
  return like(snapshot, context, nodes, value, tags);
}
