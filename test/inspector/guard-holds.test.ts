/** Guards asked for their answer now: by what they read, whatever way they read it. */
import { describe, expect, test } from 'vitest';
import { and, createActor, not, or, setup, stateIn } from 'xstate';
import { guardHolds } from '../../src/inspector/guard-holds.ts';

type Event = { readonly type: 'E'; readonly size?: number };
const machine = setup({
  types: { context: {} as { size: number }, events: {} as Event },
  guards: {
    big: ({ context }) => context.size > 1,
    ofType: ({ event }) => event.type === 'E',
    reads: ({ event }) => event.size === 3,
    has: ({ event }) => 'size' in event,
    spreads: ({ event }) => Object.keys({ ...event }).length > 1,
    atLeast: ({ context }, { size }: { size: number }) => context.size >= size,
    throws: () => {
      throw new Error('no');
    },
    itself: not('nobody' as never),
  },
}).createMachine({
  id: 'm',
  context: { size: 2 },
  type: 'parallel',
  states: {
    other: { initial: 'x', states: { x: {}, y: {} } },
    'a|b': {
      on: {
        E: [
          { guard: 'big' },
          { guard: not('big') },
          { guard: 'ofType' },
          { guard: 'reads' },
          { guard: 'has' },
          { guard: 'spreads' },
          { guard: and(['big', 'reads']) },
          { guard: and([not('big'), 'reads']) },
          { guard: or(['big', 'reads']) },
          { guard: { type: 'atLeast', params: { size: 2 } } },
          { guard: { type: 'atLeast', params: ({ event }) => ({ size: event.size ?? 0 }) } },
          { guard: 'throws' },
          { guard: 'itself' },
          { guard: stateIn({ other: 'x' }) },
          {},
        ],
      },
      always: { guard: ({ event }) => (event as Event).type === 'E' && false },
    },
  },
});

const snapshot = createActor(machine).getSnapshot();
const transitions = machine.states['a|b']!.transitions.get('E')!;

describe('only the type of the event is known', () => {
  test.each([
    ['what is in the context', 0, 'yes'],
    ['not so', 1, 'no'],
    ['the type', 2, 'yes'],
    ['a field', 3, 'unknown'],
    ['whether there is one', 4, 'unknown'],
    ['all of it', 5, 'unknown'],
    ['both', 6, 'unknown'],
    ['what comes first decides', 7, 'no'],
    ['either', 8, 'yes'],
    ['parameters', 9, 'yes'],
    ['parameters of the event', 10, 'unknown'],
    ['a guard that throws', 11, 'unknown'],
    ['a guard that is not there', 12, 'unknown'],
    ['another region', 13, 'yes'],
    ['nothing is asked', 14, 'yes'],
  ] as const)('%s', (_, index, holds) => {
    expect(guardHolds(machine, snapshot, transitions[index]!)).toBe(holds);
  });

  test('of an eventless transition not even that', () => {
    expect(guardHolds(machine, snapshot, machine.states['a|b']!.always![0]!)).toBe('unknown');
  });
});

test('the event is known', () => {
  const holds = (index: number, size: number) =>
    guardHolds(machine, snapshot, transitions[index]!, { type: 'E', size });
  expect([holds(3, 3), holds(3, 4), holds(4, 1), holds(6, 3), holds(10, 3)]).toEqual(['yes', 'no', 'yes', 'yes', 'no']);
});

test('a transition is named as in a drawing', () => {
  expect(guardHolds(machine, snapshot, 'other|E|0')).toBe('unknown');
  expect(guardHolds(machine, snapshot, 'no|such|9')).toBe('unknown');
  expect(guardHolds(machine, snapshot, '')).toBe('unknown');
  const simple = setup({ guards: { never: () => false } }).createMachine({
    initial: 'p',
    states: { p: { initial: 'q', states: { q: { on: { 'x|y': { guard: 'never' } } } } } },
  });
  expect(guardHolds(simple, createActor(simple).getSnapshot(), 'p.q|x|y|0')).toBe('no');
});
