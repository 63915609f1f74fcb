/** What a machine's graph says, against small machines whose answer can be read off. */
import { describe, expect, test } from 'vitest';
import { and, createMachine, emit, not, or, raise, setup, stateIn } from 'xstate';
import { chartGraph, statesOf } from '../../../src/inspector/chart/graph.ts';
import { eventName, guardExpression, guardName, identifier } from '../../../src/inspector/chart/names.ts';
import { sampleMachines } from './sample-machines.ts';

const only = (machine: Parameters<typeof chartGraph>[0], source: string) =>
  chartGraph(machine).transitions.filter((transition) => transition.source === source);

describe('states', () => {
  const graph = chartGraph(sampleMachines.nested!);

  test('nest as in the machine, with kinds, paths and the initial child', () => {
    const kinds = Object.fromEntries(statesOf(graph.root).map(({ id, kind }) => [id, kind]));
    expect(kinds).toEqual({
      '': 'compound',
      idle: 'atomic',
      active: 'compound',
      'active.copying': 'compound',
      'active.copying.sending': 'atomic',
      'active.copying.syncing': 'atomic',
      'active.copying.converged': 'final',
      'active.switching': 'compound',
      'active.switching.quiescing': 'atomic',
      'active.switching.flushing': 'compound',
      'active.switching.flushing.once': 'atomic',
      'active.switching.flushing.again': 'atomic',
      'active.switching.flushing.last': 'history',
      'active.rollingBack': 'atomic',
      completed: 'final',
      failed: 'final',
    });
    expect(statesOf(graph.root).find(({ id }) => id === 'active')).toMatchObject({
      initial: { target: 'active.copying' },
      description: 'Guest memory moves while the guest runs.',
    });
  });

  test('what XState adds for an `after` is taken out again', () => {
    const active = statesOf(graph.root).find(({ id }) => id === 'active')!;
    expect(active.entry.map(({ text }) => text)).toEqual(['STATUS_CHANGED active']);
    expect(active.exit.map(({ text }) => text)).toEqual(['remember']);
  });

  test('the graph is plain JSON', () => {
    for (const machine of Object.values(sampleMachines)) {
      const plain = chartGraph(machine);
      expect(JSON.parse(JSON.stringify(plain))).toEqual(plain);
    }
  });
});

describe('transitions', () => {
  test('timers, always, done, wildcards and ignored events each have their trigger', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: {
        a: {
          initial: 'x',
          states: { x: { type: 'final' } },
          onDone: 'b',
          after: { 250: 'b', patience: { actions: 'warn' } },
          always: { target: 'b', guard: 'ready' },
          on: { '*': 'b', HALT: {}, AGAIN: { target: 'a', reenter: true } },
        },
        b: {},
      },
    });
    const rows = only(machine, 'a').map(({ trigger, event, targets, reenter }) => [
      trigger,
      event,
      targets.join(),
      reenter,
    ]);
    expect(rows).toEqual([
      ['event', '*', 'b', false],
      ['event', 'HALT', '', false],
      ['event', 'AGAIN', 'a', true],
      ['done', 'done', 'b', false],
      ['timer', 'after 250 ms', 'b', false],
      ['timer', 'after patience', '', false],
      ['always', '', 'b', false],
    ]);
  });

  test('the last one without a guard is the `else` of those before it, and only then', () => {
    const machine = createMachine({
      initial: 'a',
      states: { a: { on: { GO: [{ guard: 'first', target: 'b' }, { target: 'a' }], STOP: 'b' } }, b: {} },
    });
    expect(only(machine, 'a').map(({ event, guard, otherwise }) => [event, guard, otherwise])).toEqual([
      ['GO', 'first', false],
      ['GO', undefined, true],
      ['STOP', undefined, false],
    ]);
  });

  test('ids are unique, and can be computed from a state node', () => {
    for (const machine of Object.values(sampleMachines)) {
      const ids = chartGraph(machine).transitions.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(only(sampleMachines.nested!, 'active.copying.syncing').map(({ id }) => id)).toEqual([
      'active.copying.syncing|SYNCED|0',
      'active.copying.syncing|SYNCED|1',
      'active.copying.syncing|SYNC_FAILED|0',
    ]);
  });
});

describe('names', () => {
  test('guards in words and as expressions', () => {
    const table: [unknown, string, string][] = [
      ['isStalled', 'isStalled', 'isStalled()'],
      [
        { type: 'next', params: { from: 'STOP', to: 'RUNNING_P2P' } },
        'next RUNNING_P2P',
        'next({"from":"STOP","to":"RUNNING_P2P"})',
      ],
      [
        { type: 'atMost', params: { percent: 99, strict: false } },
        'atMost 99 not strict',
        'atMost({"percent":99,"strict":false})',
      ],
      [{ type: 'dynamic', params: () => ({}) }, 'dynamic', 'dynamic()'],
      [not('a'), 'not a', '!(a())'],
      [and(['a', or(['b', not('c')])]), 'a and (b or not c)', '(a() && (b() || !(c())))'],
      [stateIn('x.y'), 'in x.y', 'In("x.y")'],
      [() => true, '(inline)', '_inline_()'],
    ];
    for (const [guard, words, expression] of table) {
      expect(guardName(guard, 'phase.STOP')).toBe(words);
      expect(guardExpression(guard)).toBe(expression);
    }
    expect(guardName(undefined, '')).toBeUndefined();
  });

  test('actions say what they do to the world', () => {
    const route = (value: object) => Object.assign(() => {}, { route: value });
    const machine = setup({
      actions: {
        tellOne: route({ kind: 'message', to: ['device'], type: 'SET_STATE' }),
        tellMany: route({ kind: 'message', to: ['guest', 'device'], type: 'STOP' }),
        sendRound: route({ kind: 'command', name: 'sendRound' }),
        openIt: route({ kind: 'open', chart: 'pre-copy' }),
        closeIt: route({ kind: 'close', chart: 'pre-copy' }),
        announce: route({ kind: 'fact', type: 'ENDED' }),
        emitted: emit({ type: 'SEEN' }),
        plain: (_, _params?: { percent: number }) => {},
      },
    }).createMachine({
      entry: [
        'tellOne',
        'tellMany',
        'sendRound',
        'openIt',
        'closeIt',
        'announce',
        'emitted',
        { type: 'plain', params: { percent: 30 } },
        raise({ type: 'AGAIN' }),
        emit({ type: 'DIRECTLY' }),
      ],
    });
    expect(chartGraph(machine).root.entry.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      'message: device SET_STATE',
      'message: STOP',
      'command: sendRound',
      'open: open pre-copy',
      'close: close pre-copy',
      'fact: ENDED',
      'fact: emitted',
      'action: plain 30',
      'action: raise AGAIN',
      'fact: DIRECTLY',
    ]);
  });

  test('events of invoked actors', () => {
    expect(eventName('xstate.done.actor.loader', undefined)).toEqual({ trigger: 'done', event: 'done loader' });
    expect(eventName('xstate.error.actor.0.m.a', undefined)).toEqual({ trigger: 'done', event: 'error actor 0' });
  });

  test('names that a program can contain', () => {
    expect(identifier('a b-c')).toBe('a_b_c');
    expect(identifier('2nd')).toBe('_2nd');
  });
});
