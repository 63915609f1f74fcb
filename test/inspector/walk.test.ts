/**
 * Charts walked through by hand: three machines of other people's kinds and every chart of this package, each against a fold that
 * knows nothing of walks; that nothing is carried out; and that whatever a machine does wrong is told.
 */
import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, assign, createActor, createMachine, sendTo, setup, transition } from 'xstate';
import { machines } from '../../machines/index.ts';
import { createChart } from '../../src/core/chart.ts';
import { chartGraph, statesOf } from '../../src/inspector/chart/graph.ts';
import { drawSvg } from '../../src/inspector/chart/index.ts';
import type { Walk, WalkStep } from '../../src/inspector/page-data.ts';
import { walk } from '../../src/inspector/walk.ts';
import { exampleInput } from '../../src/lab/example-inputs.ts';
import { search } from '../fixtures/machines/search.ts';
import { textStyle } from '../fixtures/machines/text-style.ts';
import { trafficLight } from '../fixtures/machines/traffic-light.ts';

type Event = WalkStep['event'];

const own = (machine: AnyStateMachine, events: readonly (Event | string)[], input?: unknown): Walk =>
  walk(machine, {
    machine: 'own/test',
    input,
    events: events.map((event) => (typeof event === 'string' ? { type: event } : event)),
  });

/** Takes the step with this label, as a click does. */
function click(machine: AnyStateMachine, events: readonly Event[], label: string): readonly Event[] {
  const step = own(machine, events).next.find((one) => one.label === label);
  if (step === undefined) throw new Error(`no step "${label}"`);
  return [...events, step.event];
}

const clicked = (machine: AnyStateMachine, labels: readonly string[]) =>
  own(
    machine,
    labels.reduce<readonly Event[]>((events, label) => click(machine, events, label), []),
  );

describe('a hierarchical machine with delays and history', () => {
  test('is taken from delay to delay', () => {
    const start = own(trafficLight, []);
    expect(start.active).toEqual(['', 'working', 'working.green']);
    expect(start.next.map(({ label, trigger }) => [label, trigger])).toEqual([
      ['BUTTON', 'event'],
      ['after green (3 s)', 'timer'],
      ['POWER_CUT', 'event'],
      ['SET_GREEN', 'event'],
    ]);
    const red = clicked(trafficLight, ['BUTTON', 'after 1 s']);
    expect([red.value, red.actions]).toEqual([{ working: { red: 'walk' } }, ['ringBell']]);
    // A state's own end comes by itself.
    expect(red.next.map(({ label }) => label)).toEqual(['after 2 s', 'POWER_CUT', 'SET_GREEN']);
    const round = clicked(trafficLight, ['BUTTON', 'after 1 s', 'after 2 s', 'after blink (500 ms)']);
    expect([round.value, round.context]).toEqual([{ working: 'green' }, { cycles: 1, greenMs: 3000 }]);
    expect(round.taken).toHaveLength(2);
    expect(round.visits).toMatchObject({
      '': 1,
      'working.green': 2,
      'working.red.stop': 1,
      'working.green|BUTTON|0': 1,
    });
  });

  test('comes back to where it was', () => {
    const labels = ['BUTTON', 'after 1 s', 'after 2 s', 'after blink (500 ms)', 'BUTTON', 'POWER_CUT'];
    const dark = clicked(trafficLight, labels);
    expect(dark.next.map(({ guard, holds }) => [guard, holds])).toEqual([
      ['hasRun', 'yes'],
      [undefined, 'yes'],
    ]);
    expect(clicked(trafficLight, [...labels, 'POWER_BACK']).value).toEqual({ working: 'yellow' });
    expect(clicked(trafficLight, ['POWER_CUT']).next[0]).toMatchObject({ guard: 'hasRun', holds: 'no' });
  });

  test('says what depends on the event, and takes the one that was edited', () => {
    const step = own(trafficLight, []).next.find(({ label }) => label === 'SET_GREEN');
    expect(step).toMatchObject({ guard: 'isLong', holds: 'unknown', event: { type: 'SET_GREEN' } });
    const set = own(trafficLight, [{ type: 'SET_GREEN', ms: 90_000 }]);
    expect(set.taken).toEqual(['working|SET_GREEN|0']);
    expect(own(trafficLight, [{ type: 'SET_GREEN', ms: 5 }]).taken).toEqual([]);
    const labels = own(trafficLight, [{ type: 'SET_GREEN', ms: 90_000 }, 'POWER_CUT', 'POWER_BACK']).next;
    expect(labels[1]?.label).toBe('after green (1.5 min)');
  });
});

describe('a parallel machine with guards on other regions', () => {
  test('is in all of its regions at once', () => {
    const { active, next } = own(textStyle, ['BOLD', 'ITALIC']);
    expect(active).toContain('weight.on');
    expect(active).toContain('slant.on');
    const grow = next.find(({ label }) => label === 'GROW');
    expect(grow).toMatchObject({ guard: 'not in {"slant":"on"} and canGrow', holds: 'no' });
    expect(own(textStyle, ['BOLD']).next.find(({ label }) => label === 'GROW')?.holds).toBe('yes');
    expect(own(textStyle, ['GROW', 'GROW']).next.find(({ label }) => label === 'GROW')?.holds).toBe('no');
    // What the event carries decides, and a label says what is asked for.
    const lists = next.filter(({ label }) => label === 'LIST');
    expect(lists.map(({ guard, holds }) => [guard, holds])).toEqual([
      ['wants bullets', 'unknown'],
      ['wants numbers', 'unknown'],
    ]);
    expect(own(textStyle, [{ type: 'LIST', kind: 'numbers' }, 'PLAIN']).visits).toMatchObject({
      'list.none': 2,
      'weight.off': 2,
    });
  });
});

describe('a machine that invokes actors', () => {
  const typed = { type: 'TYPED', text: 'p2p' };

  test('has their ends as steps, and none of them is started', () => {
    const asking = own(search, [typed, { type: 'xstate.after.quiet.search.typing' }]);
    expect([asking.value, asking.actions]).toEqual(['asking', ['start query']]);
    expect(asking.next.map(({ label, trigger, event }) => [label, trigger, event.type])).toEqual([
      ['done query', 'done', 'xstate.done.actor.query'],
      ['error query', 'done', 'xstate.error.actor.query'],
      ['error query', 'done', 'xstate.error.actor.query'],
      ['TYPED', 'event', 'TYPED'],
      ['CLEARED', 'event', 'CLEARED'],
    ]);
    const events = [typed, { type: 'xstate.after.quiet.search.typing' }];
    const shown = own(search, [...events, { ...asking.next[0]!.event, output: ['a', 'b'] }]);
    expect([shown.value, shown.context]).toEqual(['shown', { text: 'p2p', results: ['a', 'b'], tries: 0 }]);
  });

  test('tries again after a while that doubles, then gives up', () => {
    let events: readonly Event[] = [typed];
    for (const label of ['after quiet (250 ms)', 'error query', 'after backOff (2 s)', 'error query']) {
      events = click(search, events, label);
    }
    expect(own(search, events).value).toBe('failed');
    // The same actor, by the same name in the whole system, is invoked for the third time.
    expect(own(search, [...events, 'RETRY']).visits).toMatchObject({ asking: 3 });
  });

  test('is left by an eventless transition as soon as it may', () => {
    const emptied = own(search, [{ type: 'TYPED', text: '' }]);
    expect([emptied.value, emptied.taken]).toEqual(['idle', ['|TYPED|0', 'typing||0']]);
    expect(emptied.visits).toMatchObject({ typing: 1, idle: 2 });
    expect(own(search, [typed]).next[1]).toMatchObject({ label: 'by itself', trigger: 'always', holds: 'no' });
  });
});

test.each([
  ['traffic light', trafficLight],
  ['text style', textStyle],
  ['search', search],
])('%s: it is drawn, and a step is an edge of the drawing', async (_, machine) => {
  const drawing = await drawSvg(machine);
  const { next } = own(machine, []);
  expect(next.length).toBeGreaterThan(0);
  const ids = chartGraph(machine).transitions.map(({ id }) => id);
  for (const { id } of next) expect(ids).toContain(id);
  for (const { id } of statesOf(chartGraph(machine).root).slice(1)) expect(drawing).toContain(`data-state="${id}"`);
});

/** Goes where it has been least, as far as guards may let it; the same way every time. */
function explored(name: string, steps: number) {
  const machine = machines[name] as AnyStateMachine;
  const input = exampleInput(name);
  const events: Event[] = [];
  let at = walk(machine, { machine: name, input, events });
  const told = new Map<string, number>();
  for (let n = 0; n < steps && at.error === undefined; n++) {
    const open = at.next.filter(({ holds, trigger }) => holds !== 'no' && trigger !== 'always');
    if (open.length === 0) break;
    const timesOf = ({ id }: WalkStep) => (at.visits[id] ?? 0) + (told.get(`${at.active.join()} ${id}`) ?? 0);
    const least = Math.min(...open.map(timesOf));
    const step = open.find((one) => timesOf(one) === least)!;
    const key = `${at.active.join()} ${step.id}`;
    told.set(key, (told.get(key) ?? 0) + 1);
    events.push(step.event);
    at = walk(machine, { machine: name, input, events });
  }
  return { machine, input, events, at };
}

describe('charts of this package', () => {
  test.each(Object.keys(machines))('%s can be walked through with examples, as a fold goes', (name) => {
    const { machine, input, events, at } = explored(name, 12);
    expect(at.error).toBeUndefined();
    expect(events.length).toBeGreaterThan(0);
    const chart = createChart(machine);
    let { snapshot } = chart.start(input);
    for (const [index, event] of events.entries()) {
      snapshot = chart.step(snapshot, { from: 'operator', atNs: (index + 1) * 1_000_000, ...event }).snapshot;
    }
    expect([at.value, at.status]).toEqual([snapshot.value, snapshot.status]);
    expect(at.context).toEqual(JSON.parse(JSON.stringify(snapshot.context)));
    // It has been somewhere.
    expect(Object.keys(at.visits).filter((key) => key.includes('|')).length).toBeGreaterThan(0);
  });

  test('the example of an answer is the one that is waited for', () => {
    const input = exampleInput('device-control');
    const ordered = { machine: 'device-control', input, events: [{ type: 'SET_STATE', target: 'STOP_COPY' }] };
    const waiting = walk(machines['device-control'] as AnyStateMachine, ordered);
    expect(waiting.actions.join()).toContain('setDeviceState');
    const answer = waiting.next.find(({ event }) => event.type === 'DONE.setDeviceState');
    expect(answer?.event).toEqual({ type: 'DONE.setDeviceState', state: 'STOP_COPY' });
  });

  test.each([
    ['stop-and-copy', ['GUEST_REACHED', 'DEVICE_REACHED'], { switching: 'stoppingDevices' }],
    ['dirty-log', ['START', 'TRACKING_REACHED', 'DONE.startDirtyLog'], { on: 'resting' }],
  ])('%s goes on with the examples of %j', (name, types, value) => {
    const [machine, input] = [machines[name] as AnyStateMachine, exampleInput(name)];
    const events: Event[] = [];
    for (const type of types) {
      const { next } = walk(machine, { machine: name, input, events });
      events.push(next.find(({ event }) => event.type === type)!.event);
    }
    expect(walk(machine, { machine: name, input, events }).value).toEqual(value);
  });
});

describe('what goes wrong is told, and the walk stands where it stood', () => {
  test('a guard that throws', () => {
    const machine = setup({ guards: { bad: ({ event }) => (event as { a?: { b: number } }).a!.b > 1 } }).createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { on: { GO: { guard: 'bad', target: 'b' } } }, b: {} },
    });
    const { error, value, taken, next } = own(machine, ['GO', 'GO']);
    expect(error).toContain("Unable to evaluate guard 'bad'");
    expect([value, taken, next[0]?.holds]).toEqual(['a', [], 'unknown']);
    expect(own(machine, [{ type: 'GO', a: { b: 2 } }])).toMatchObject({ value: 'b', taken: ['a|GO|0'] });
  });

  test('eventless transitions that never come to rest, at once and after an event', () => {
    const spinning = (initial: string) =>
      createMachine({
        id: 'm',
        initial,
        states: { calm: { on: { GO: 'a' } }, a: { always: 'b' }, b: { always: 'a' } },
      });
    expect(own(spinning('a'), [])).toMatchObject({ status: 'error', active: [], next: [] });
    const after = own(spinning('calm'), ['GO']);
    expect(after.value).toBe('calm');
    expect(after.error).toContain('1000 microsteps');
  });

  test('an input that it cannot start with', () => {
    const machine = setup({ types: { input: {} as { list: string[] } } }).createMachine({
      context: ({ input }) => ({ first: input.list[0]!.length }),
    });
    expect(own(machine, []).error).toMatch(/^it does not start with this input: .*undefined/);
    expect(own(machine, [], { list: ['ab'] }).context).toEqual({ first: 2 });
  });

  test('an actor that is not there, and one that failed without anybody who minds', () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { on: { SAY: { actions: sendTo('nobody', { type: 'HI' }) } } } },
    });
    expect(own(machine, ['SAY']).error).toContain('nobody');
    expect(own(machine, [{ type: 'xstate.error.actor.x', error: 'lost' }]).error).toBe('lost');
  });

  test('an action that has no implementation is listed, and an event that nothing takes takes nothing', () => {
    const machine = createMachine({ initial: 'a', states: { a: { entry: 'mystery', on: { '*': 'b' } }, b: {} } });
    expect(own(machine, []).actions).toEqual(['mystery']);
    const [any] = own(machine, []).next;
    expect(own(machine, [any!.event]).value).toBe('b');
    expect(own(machine, [any!.event, 'WHAT'])).toMatchObject({ value: 'b', taken: [], actions: [] });
  });
});

test('nothing is carried out, nothing of the machine is changed, and the same events give the same bytes', () => {
  let carriedOut = 0;
  const act = () => {
    carriedOut += 1;
  };
  const knot: { self?: unknown; big: bigint; f: () => void; [key: string]: unknown } = { big: 1n, f: act };
  knot.self = knot;
  const machine = createMachine({
    id: 'm',
    initial: 'a',
    context: { knot, when: new Date(0), map: new Map([['<script>', 'x'.repeat(100_000)]]) },
    entry: act,
    states: {
      a: { exit: act, on: { GO: { target: 'b', actions: [act, assign({ n: 1 } as never)] } } },
      b: { type: 'final' },
    },
  });
  const texts = [1, 2].map(() => JSON.stringify(own(machine, ['GO'])));
  expect(carriedOut).toBe(0);
  expect(texts[0]).toBe(texts[1]);
  expect(texts[0]!.length).toBeLessThan(20_000);
  expect(JSON.parse(texts[0]!).context.knot).toMatchObject({ self: '(itself)', big: '1n', f: '(function)' });
  expect(machine.options.maxIterations).toBe(Number.POSITIVE_INFINITY);
  // The machine goes as it went before it was walked through.
  const [next] = transition(machine, createActor(machine).getSnapshot(), { type: 'GO' });
  expect([next.value, next.status]).toEqual(['b', 'done']);
});
