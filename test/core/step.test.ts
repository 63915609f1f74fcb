/** The laws of a step, each on toy charts: order, ids, answers, deadlines, timers, opening and closing, limits. */
import { describe, expect, test } from 'vitest';
import type { Effect } from '../../src/core/effect.ts';
import type { Delivery } from '../../src/core/step.ts';
import type { System } from '../../src/core/system.ts';
import { ToyRun } from './toy-charts.ts';

/** An effect in a few words. */
function brief(effect: Effect): string {
  switch (effect.kind) {
    case 'command':
      return `${effect.id} ${effect.by} ${effect.name}`;
    case 'setTimer':
      return `${effect.id} ${effect.by} timer`;
    case 'fact':
      return `${effect.id} ${effect.by} says ${String(effect.event.of)}`;
    default:
      return `${effect.id} ${effect.kind} ${effect.of}`;
  }
}
const briefly = (effects: readonly Effect[]) => effects.map(brief);

/** What a system is, as text: for "nothing has changed". */
function textOf(system: System): string {
  const charts = [...system.charts].map(([address, { value, context }]) => [address, value, context]);
  return JSON.stringify([system.position, system.atNs, charts, [...system.pending], [...system.timers]]);
}

describe('messages', () => {
  test('are delivered first in, first out: who was told first answers first, and nobody answers before all are told', () => {
    const seen: Delivery[] = [];
    const run = new ToyRun({ listen: (delivery) => seen.push(delivery) });
    seen.length = 0;
    run.tell('TELL');
    expect(seen.map(({ from, to, event }) => `${from ?? 'record'} > ${to} ${event.type}`)).toEqual([
      'record > roll-back TELL',
      'roll-back > guest RESUME',
      'roll-back > device/a SET_STATE',
      'roll-back > device/b SET_STATE',
      'guest > roll-back GUEST_REACHED',
      'device/a > roll-back DEVICE_REACHED',
      'device/b > roll-back DEVICE_REACHED',
    ]);
  });

  test("carry their data, the sender and the record's time", () => {
    const seen: Delivery[] = [];
    const run = new ToyRun({ listen: (delivery) => seen.push(delivery) });
    seen.length = 0;
    run.tell('TELL', 'roll-back', { data: { why: 'because' } });
    const [record, , toA, , , fromA] = seen.map(({ event }) => event);
    expect(record).toEqual({ type: 'TELL', why: 'because', from: 'operator', atNs: 1_000_000 });
    expect(toA).toEqual({ type: 'SET_STATE', target: 'STOP', from: 'roll-back', atNs: 1_000_000 });
    const reached = { device: 'a', asked: 'STOP', state: 'STOP' };
    expect(fromA).toEqual({ type: 'DEVICE_REACHED', ...reached, from: 'device/a', atNs: 1_000_000 });
  });

  test('to an empty list reach nobody', () => {
    const seen: Delivery[] = [];
    const run = new ToyRun({ listen: (delivery) => seen.push(delivery) });
    seen.length = 0;
    run.tell('TELL_NOBODY');
    expect(seen.map(({ to }) => to)).toEqual(['roll-back']);
  });

  test('go only to the kind that the route names', () => {
    expect(() => new ToyRun().tell('TELL_WRONG_KIND')).toThrow('roll-back may not tell guest SET_STATE');
  });

  test('to a chart that is not there throw, and the system is as it was', () => {
    const run = new ToyRun();
    run.tell('ASK');
    const { system } = run;
    const before = textOf(system);
    expect(() => run.tell('TELL_CLOSED')).toThrow('record 2: roll-back tells device/z SET_STATE: no such chart');
    expect(run.system).toBe(system);
    expect(textOf(system)).toBe(before);
    expect(briefly(run.tell('ASK').effects)).toEqual(['2:0 abandon 1:0', '2:1 roll-back acquireStorage']);
  });

  // RESUME and its answer, then two deliveries a lap.
  test('may be 10,000 in one record, and not more', () => {
    const deliveries: Delivery[] = [];
    const run = new ToyRun({ listen: (delivery) => deliveries.push(delivery) }, 4_999);
    deliveries.length = 0;
    run.tell('RESUME', 'guest');
    expect(deliveries).toHaveLength(10_000);

    const tooLong = new ToyRun({}, 5_000);
    expect(() => tooLong.tell('RESUME', 'guest')).toThrow('record 1: more than 10000 deliveries');
    expect(tooLong.system.position).toBe(0);
  });
});

describe('effects', () => {
  test("have the record's position and their index as id, in the order in which they came out", () => {
    const run = new ToyRun();
    expect(briefly(run.opened.effects)).toEqual([]);
    expect(briefly(run.tell('ASK_MUCH').effects)).toEqual([
      '1:0 roll-back says asking',
      '1:1 roll-back releaseStorage',
      '1:2 roll-back acquireStorage',
      '1:3 guest resumeVcpus',
    ]);
    expect(briefly(run.tell('ASK', 'guest').effects)).toEqual(['2:0 guest acquireStorage']);
  });

  test('are the same whenever the same record is folded again', () => {
    const run = new ToyRun();
    const { system, stepper } = run;
    const first = run.tell('ASK_MUCH');
    const input = {
      position: 1,
      atNs: 1_000_000,
      to: 'roll-back',
      by: 'operator',
      event: { type: 'ASK_MUCH' },
    } as const;
    const again = stepper.step(system, input);
    expect(again.effects).toEqual(first.effects);
    expect(textOf(again.system)).toBe(textOf(first.system));
    expect(textOf(system)).toBe(textOf(new ToyRun().system));
  });

  test('come from routed actions only', () => {
    expect(() => new ToyRun().tell('SHOUT')).toThrow(
      'action "shout" is neither a message, command, open, close nor fact',
    );
  });
});

describe('commands', () => {
  test('wait under their id until they are answered, and the answer goes to who gave them', () => {
    const seen: Delivery[] = [];
    const run = new ToyRun({ listen: (delivery) => seen.push(delivery) });
    const [command] = run.tell('ASK').effects;
    expect([...run.system.pending]).toEqual([['1:0', command]]);
    seen.length = 0;
    const { outcome, effects } = run.tell('DONE.acquireStorage', 'roll-back', { answers: '1:0' });
    expect(outcome).toBe('taken');
    expect(seen.map(({ to, event }) => [to, event])).toEqual([
      ['roll-back', { type: 'DONE.acquireStorage', from: 'driver', atNs: 2_000_000 }],
    ]);
    expect(briefly(effects)).toEqual(['2:0 roll-back says acquired']);
    expect(run.system.pending.size).toBe(0);
  });

  test('are answered once: a second answer is recorded, and nobody is told', () => {
    const seen: Delivery[] = [];
    const run = new ToyRun({ strict: true, listen: (delivery) => seen.push(delivery) });
    run.tell('ASK');
    run.tell('FAILED.acquireStorage', 'roll-back', { answers: '1:0', data: { errno: 'ETIMEDOUT' } });
    const { charts } = run.system;
    seen.length = 0;
    const late = run.tell('DONE.acquireStorage', 'roll-back', { answers: '1:0' });
    expect([late.outcome, late.effects, seen]).toEqual(['late', [], []]);
    expect(late.system.position).toBe(3);
    expect([...late.system.charts]).toEqual([...charts]);
  });

  test('of the same name supersede the one before, whose answer is late', () => {
    const run = new ToyRun();
    run.tell('ASK');
    expect(briefly(run.tell('ASK').effects)).toEqual(['2:0 abandon 1:0', '2:1 roll-back acquireStorage']);
    expect([...run.system.pending.keys()]).toEqual(['2:1']);
    expect(run.tell('DONE.acquireStorage', 'roll-back', { answers: '1:0' }).outcome).toBe('late');
    expect(run.tell('DONE.acquireStorage', 'roll-back', { answers: '2:1' }).outcome).toBe('taken');
  });

  test('leave those of another name, and of another chart, alone', () => {
    const run = new ToyRun();
    run.tell('ASK_MUCH');
    expect(briefly(run.tell('ASK', 'guest').effects)).toEqual(['2:0 guest acquireStorage']);
    expect([...run.system.pending.keys()]).toEqual(['1:1', '1:2', '1:3', '2:0']);
  });

  // 30 s is the default of acquireStorage in machines/words.ts.
  test.each([
    ['the default', undefined, 1_000_000 + 30_000_000_000],
    ["a scenario's own", { acquireStorage: 2 }, 1_000_000 + 2_000_000],
    ['whole nanoseconds', { acquireStorage: 0.000_000_7 }, 1_000_000 + 1],
    ['none of another command', { releaseStorage: 2 }, 1_000_000 + 30_000_000_000],
  ])("have a deadline from the record's time on: %s", (_, deadlinesMs, deadlineNs) => {
    const run = new ToyRun({ deadlinesMs });
    expect(run.tell('ASK').effects).toEqual([
      {
        kind: 'command',
        id: '1:0',
        by: 'roll-back',
        name: 'acquireStorage',
        params: { host: 'source' },
        deadlineNs,
      },
    ]);
  });
});

describe('timers', () => {
  test('are due at a time, and fire once', () => {
    const run = new ToyRun();
    const [timer] = run.tell('WAIT').effects;
    expect(timer).toMatchObject({ kind: 'setTimer', id: '1:0', by: 'roll-back', dueNs: 1_000_000 + 1_500_000 });
    if (timer?.kind !== 'setTimer') throw new Error('no timer');
    expect([...run.system.timers]).toEqual([['1:0', timer]]);
    expect(briefly(run.tell(timer.event.type, 'roll-back', { answers: '1:0' }).effects)).toContain(
      '2:0 roll-back says waited',
    );
    expect(run.system.timers.size).toBe(0);
    expect(run.tell(timer.event.type, 'roll-back', { answers: '1:0' }).outcome).toBe('late');
  });

  test('are cleared when their state is left', () => {
    const run = new ToyRun();
    const [timer] = run.tell('WAIT').effects;
    expect(briefly(run.tell('STOP_WAITING').effects)).toEqual(['2:0 clearTimer 1:0']);
    expect(run.system.timers.size).toBe(0);
    const type = timer?.kind === 'setTimer' ? timer.event.type : '';
    expect(run.tell(type, 'roll-back', { answers: '1:0' }).outcome).toBe('late');
  });

  test('begin anew when their state is entered again', () => {
    const run = new ToyRun();
    run.tell('WAIT');
    expect(briefly(run.tell('AGAIN').effects)).toEqual(['2:0 clearTimer 1:0', '2:1 roll-back timer']);
    expect(run.system.timers.get('2:1')?.dueNs).toBe(2_000_000 + 1_500_000);
  });
});

describe('charts', () => {
  test('are opened at their addresses by the first record', () => {
    expect([...new ToyRun().system.charts.keys()]).toEqual(['roll-back', 'guest', 'device/a', 'device/b']);
  });

  test('close with all they wait for, and with nothing of others', () => {
    const run = new ToyRun();
    run.tell('BUSY', 'device/a');
    run.tell('BUSY', 'device/b');
    run.tell('ASK');
    expect(briefly(run.tell('CLOSE_A').effects)).toEqual([
      '4:0 abandon 1:0',
      '4:1 abandon 1:1',
      '4:2 clearTimer 1:2',
      '4:3 clearTimer 1:3',
    ]);
    expect([...run.system.charts.keys()]).toEqual(['roll-back', 'guest', 'device/b']);
    expect([...run.system.pending.keys()]).toEqual(['2:0', '2:1', '3:0']);
    expect([...run.system.timers.keys()]).toEqual(['2:2', '2:3']);
  });

  test('close by their kind where no address is named', () => {
    const run = new ToyRun();
    run.tell('CLOSE_GUEST');
    expect(run.system.charts.has('guest')).toBe(false);
    expect(briefly(run.tell('CLOSE_GUEST').effects)).toEqual([]);
  });

  test('that are closed throw at a message, and let an input pass', () => {
    const run = new ToyRun({ strict: true });
    run.tell('BUSY', 'device/a');
    run.tell('CLOSE_A');
    expect(() => run.tell('TELL')).toThrow('roll-back tells device/a SET_STATE: no such chart');
    expect(run.tell('DONE.setDeviceState', 'device/a', { answers: '1:0' }).outcome).toBe('late');
    expect(run.tell('GUEST_TOUCHED', 'device/a').effects).toEqual([]);
  });

  test('can be opened again once closed, and not before', () => {
    const run = new ToyRun();
    expect(() => run.tell('OPEN_A')).toThrow('chart device/a is already open');
    run.tell('BUSY', 'device/a');
    run.tell('CLOSE_A');
    run.tell('OPEN_A');
    expect(run.system.charts.get('device/a')?.value).toBe('resting');
  });
});

describe('an event that no state takes', () => {
  test.each([
    ['of another chart', 'RESUME', 'roll-back'],
    ['in this state', 'AGAIN', 'roll-back'],
    ['to a device', 'BUSY_NOT', 'device/a'],
  ])('throws under strict, is passed over otherwise: %s', (_, type, to) => {
    expect(() => new ToyRun({ strict: true }).tell(type, to)).toThrow(`does not take ${type} from the journal`);
    const run = new ToyRun();
    const before = run.system.charts.get(to);
    expect(run.tell(type, to).effects).toEqual([]);
    expect(run.system.charts.get(to)).toBe(before);
  });

  test('from a chart names the chart', () => {
    const run = new ToyRun({ strict: true });
    run.tell('BUSY', 'device/a');
    const { system } = run;
    expect(() => run.tell('TELL')).toThrow('device/a in "busy" does not take SET_STATE from roll-back');
    expect(run.system).toBe(system);
  });

  test.each(['GUEST_REACHED', 'DEVICE_REACHED', 'FAILED.anything', 'ASK'])(
    'is not one that is taken without moving: %s',
    (type) => {
      expect(new ToyRun({ strict: true }).tell(type).outcome).toBe('taken');
    },
  );
});

test.each([0, 2, 7])('record %i does not follow record 0', (position) => {
  const { stepper, system } = new ToyRun();
  const input = { position, atNs: 0, to: 'roll-back', by: 'operator', event: { type: 'ASK' } } as const;
  expect(() => stepper.step(system, input)).toThrow(`record ${position} does not follow record 0`);
});
