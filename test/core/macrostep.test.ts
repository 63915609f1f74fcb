/**
 * The core's own macrostep and XState's pure functions agree on machines that no chart of the gallery is like: random trees of
 * states, parallel and final ones among them, with transitions from anywhere to anywhere. Users bring charts of their own.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  assign,
  enqueueActions,
  initialTransition,
  not,
  raise,
  setup,
  stateIn,
  transition,
} from 'xstate';
import { facts } from '../../machines/messages.ts';
import { createChart } from '../../src/core/chart.ts';
import { createRandom, type Random } from '../../src/hardware/random.ts';

const MACHINES = 60;
const EVENTS = 12;
const TYPES = ['A', 'B', 'C', 'D.one', 'D.two'] as const;
const DESCRIPTORS = [...TYPES, 'D.*', '*'] as const;

interface Drawn {
  readonly id: string;
  // biome-ignore lint/suspicious/noExplicitAny: a configuration is put together as data.
  readonly config: any;
}

/** A random machine: its states, then transitions between any two of them. */
function drawMachine(seed: number): AnyStateMachine {
  const random = createRandom(seed, 'machine');
  const states: Drawn[] = [];
  const ends: Drawn[] = [];
  const chance = (percent: number) => random.below(100) < percent;
  const one = <T>(of: readonly T[]): T => of[random.below(of.length)]!;
  const grow = (id: string, depth: number): Drawn['config'] => {
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    const config: any = { id, entry: actionsOf(random, `+${id}`), exit: actionsOf(random, `-${id}`) };
    if (chance(20)) config.tags = [`in ${id}`];
    if (depth > 0) {
      const keys = Array.from({ length: 2 + random.below(2) }, (_, i) => `s${i}`);
      config.states = Object.fromEntries(keys.map((key) => [key, grow(`${id}_${key}`, chance(60) ? depth - 1 : 0)]));
      if (chance(35)) config.type = 'parallel';
      else {
        const target = one(keys);
        config.initial = chance(30) ? { target, actions: actionsOf(random, `initial ${id}`) } : target;
        if (chance(60)) {
          config.states.end = { id: `${id}_end`, type: 'final', output: { from: id }, entry: actionsOf(random, 'end') };
          ends.push({ id: `${id}_end`, config: config.states.end });
        }
      }
      if (chance(50)) config.onDone = { actions: actionsOf(random, `done ${id}`) };
    }
    states.push({ id, config });
    return config;
  };
  const root = grow('root', 3);
  for (const { config } of states) {
    config.on = Object.fromEntries(
      DESCRIPTORS.filter(() => chance(30)).map((type) => [
        type,
        Array.from({ length: 1 + random.below(2) }, () => {
          const target = `#${one(chance(30) && ends.length > 0 ? ends : states).id}`;
          const targets = chance(80) ? { target, reenter: chance(30) } : {};
          return { ...targets, ...guardOf(random, states), actions: actionsOf(random, type) };
        }),
      ]),
    );
    if (chance(15)) config.always = { target: `#${one(states).id}`, guard: { type: 'isMultiple', params: { of: 5 } } };
  }
  if (chance(50)) root.output = ({ context }: { context: { count: number } }) => ({ count: context.count });
  return setup({
    types: {} as { context: { count: number } },
    actions: {
      ...facts({ trace: 'WARNED' }),
      count: assign(({ context }) => ({ count: context.count + 1 })),
      countByKey: assign({ count: ({ context }) => context.count + 2 }),
      tell: raise({ type: 'B' }),
      maybe: enqueueActions(({ context, enqueue, check }) => {
        if (check('isOdd' as never)) enqueue('count');
        enqueue({ type: 'trace', params: { of: 'maybe', count: context.count } as never });
      }),
    },
    guards: {
      isOdd: ({ context }) => context.count % 2 === 1,
      isMultiple: ({ context }, { of }: { of: number }) => context.count % of === 0,
    },
  }).createMachine({ ...root, context: { count: 1 }, options: { maxIterations: 40 } }) as AnyStateMachine;
}

function guardOf(random: Random, states: readonly Drawn[]) {
  const drawn = random.below(6);
  if (drawn === 0) return { guard: 'isOdd' };
  if (drawn === 1) return { guard: not('isOdd') };
  if (drawn === 2) return { guard: { type: 'isMultiple', params: { of: 3 } } };
  if (drawn === 3) return { guard: stateIn(`#${states[random.below(states.length)]!.id}`) };
  return {};
}

function actionsOf(random: Random, label: string): unknown[] {
  const params = ({ context, event }: { context: { count: number }; event: { type: string } }) => ({
    of: label,
    count: context.count,
    on: event.type,
  });
  const trace = { type: 'trace', params };
  const more = ['count', 'countByKey', 'maybe', 'tell'].filter(() => random.below(100) < 12);
  return random.below(100) < 70 ? [trace, ...more] : more;
}

interface Seen {
  readonly state: unknown;
  readonly outputs: unknown;
}

function seen(snapshot: AnyMachineSnapshot, outputs: unknown): Seen {
  const { value, context, status, output, tags, _nodes } = snapshot;
  return { state: { value, context, status, output, tags: [...tags], nodes: _nodes.map(({ id }) => id) }, outputs };
}

function stockSeen([snapshot, actions]: readonly [unknown, readonly { type: string; params?: unknown }[]]) {
  const put = actions.filter(({ type }) => type === 'trace').map(({ params }) => params);
  return seen(snapshot as AnyMachineSnapshot, put);
}

/** The same error is none that has the same words: XState's own name other things. */
function attempt<T>(act: () => T): T | 'threw' {
  try {
    return act();
  } catch {
    return 'threw';
  }
}

test('random machines step as in XState', () => {
  const done = { ended: 0, looped: 0, parallel: 0, steps: 0 };
  for (let seed = 0; seed < MACHINES; seed++) {
    const machine = drawMachine(seed);
    const chart = createChart(machine);
    const random = createRandom(seed, 'events');
    const putOut = (outputs: readonly { readonly kind: string }[]) =>
      outputs.map((output) => (output as { readonly params?: unknown }).params);
    let fast = attempt(() => chart.start(undefined));
    let stock = attempt(() => {
      const started = initialTransition(machine);
      if (started[0].status === 'error') throw started[0].error;
      return started;
    });
    for (let nth = 0; ; nth++) {
      const where = `machine ${seed}, event ${nth}`;
      if (fast === 'threw' || stock === 'threw') {
        expect(fast, where).toBe(stock);
        done.looped++;
        break;
      }
      const [ours, theirs] = [seen(fast.snapshot, putOut(fast.outputs)), stockSeen(stock as never)];
      if (!isDeepStrictEqual(ours, theirs)) expect(ours, where).toStrictEqual(theirs);
      done.steps++;
      if (JSON.stringify(fast.snapshot.value).includes(',')) done.parallel++;
      if (fast.snapshot.status !== 'active') done.ended++;
      if (nth === EVENTS || fast.snapshot.status !== 'active') break;
      const event = { type: TYPES[random.below(TYPES.length)]!, from: 'operator', atNs: nth };
      const [before, stockBefore] = [fast.snapshot, stock[0]];
      fast = attempt(() => chart.step(before, event));
      stock = attempt(() => transition(machine, stockBefore, event));
    }
  }
  // It proves something only of machines that do something.
  expect(done.steps).toBeGreaterThan(4 * MACHINES);
  expect(done.parallel).toBeGreaterThan(MACHINES);
  expect(done.ended).toBeGreaterThan(MACHINES / 20);
});
