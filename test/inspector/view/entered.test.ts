/** What a step entered, those states included that it only passed: against a machine whose every entry counts itself. */

import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, assign, createMachine } from 'xstate';
import { type Traced, traceStep } from '../../../src/core/chart.ts';
import { activePaths } from '../../../src/inspector/view/active.ts';
import { enteredIn } from '../../../src/inspector/view/entered.ts';

interface Node {
  readonly [key: string]: unknown;
  readonly states?: Readonly<Record<string, Node>>;
}

/** The same states, each noting its path when it is entered: XState's own word. */
function noting(node: Node, path: readonly string[] = []): Node {
  const note = assign({ entered: ({ context }) => [...(context as { entered: string[] }).entered, path.join('.')] });
  const states = Object.entries(node.states ?? {}).map(([key, inner]) => [key, noting(inner, [...path, key])]);
  return { ...node, entry: [note], ...(node.states !== undefined && { states: Object.fromEntries(states) }) };
}

const machineOf = (node: Node) =>
  createMachine({ ...noting(node), context: { entered: [] } } as never) as AnyStateMachine;
const notedIn = ({ snapshot }: Traced) => (snapshot.context as { readonly entered: readonly string[] }).entered;

const CASES: Readonly<Record<string, { readonly node: Node; readonly events: readonly string[] }>> = {
  'choices without an event': {
    node: {
      initial: 'first',
      states: {
        first: { always: 'rest' },
        rest: { on: { GO: 'choice' } },
        choice: { always: [{ guard: () => false, target: 'first' }, 'last'] },
        last: { on: { GO: 'first' } },
      },
    },
    events: ['GO', 'GO', 'GO'],
  },
  'states inside, entered by default and by name': {
    node: {
      initial: 'out',
      states: {
        out: { on: { IN: 'box', DEEP: 'box.b.y' } },
        box: {
          initial: 'a',
          states: { a: {}, b: { initial: 'x', states: { x: {}, y: {} } } },
          on: { OUT: 'out', SIDE: '.b', SELF: { target: 'box' }, AGAIN: { target: 'box', reenter: true } },
        },
      },
    },
    events: ['IN', 'SIDE', 'SELF', 'AGAIN', 'OUT', 'DEEP', 'AGAIN', 'SELF'],
  },
  'regions side by side': {
    node: {
      initial: 'off',
      states: {
        off: { on: { ON: 'on', ONE: 'on.l.b' } },
        on: {
          type: 'parallel',
          states: {
            l: { initial: 'a', states: { a: { on: { T: 'b' } }, b: { on: { T: 'a' } } } },
            r: { initial: 'a', states: { a: { on: { T: 'b' } }, b: {} } },
          },
          on: { OFF: 'off', RESTART: { target: ['.l.b', '.r.b'] } },
        },
      },
    },
    events: ['ON', 'T', 'T', 'RESTART', 'OFF', 'ONE', 'T'],
  },
  'itself, with and without leaving': {
    node: { initial: 'a', states: { a: { on: { STAY: 'a', AGAIN: { target: 'a', reenter: true }, NOTE: {} } } } },
    events: ['STAY', 'AGAIN', 'NOTE', 'AGAIN'],
  },
  'the root anew': {
    node: {
      id: 'root',
      initial: 'a',
      states: { a: { on: { N: 'b' } }, b: {} },
      on: { ALL: { target: '#root', reenter: true } },
    },
    events: ['N', 'ALL', 'N'],
  },
  'what a history remembers': {
    node: {
      initial: 'work',
      states: {
        work: {
          initial: 'a',
          states: { a: { on: { N: 'b' } }, b: {}, past: { type: 'history' } },
          on: { STOP: 'idle' },
        },
        idle: { on: { BACK: 'work.past' } },
      },
    },
    events: ['N', 'STOP', 'BACK'],
  },
};

describe('states entered by a step', () => {
  test.each(Object.entries(CASES))('%s', (_, { node, events }) => {
    const machine = machineOf(node);
    let last = traceStep(machine, { input: undefined });
    expect([...enteredIn([], activePaths(last.snapshot), last.microsteps)].sort()).toEqual([...notedIn(last)].sort());
    for (const type of events) {
      const before = { paths: activePaths(last.snapshot), noted: notedIn(last).length };
      last = traceStep(machine, { snapshot: last.snapshot, event: { type } });
      const entered = enteredIn(before.paths, activePaths(last.snapshot), last.microsteps);
      expect([...entered].sort(), type).toEqual([...notedIn(last).slice(before.noted)].sort());
    }
  });
});
