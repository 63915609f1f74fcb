/**
 * A system of three toy charts that does everything a step can be asked to do, each by an event of its own: a root that tells,
 * asks, opens, closes, waits and announces; a guest and devices that answer.
 */
import { type AnyStateMachine, assign, setup } from 'xstate';
import { closes, commands, facts, messages, opens } from '../../machines/messages.ts';
import { type Chart, createChart } from '../../src/core/chart.ts';
import type { Opened } from '../../src/core/record.ts';
import { createStepper, type StepOptions, type Stepped } from '../../src/core/step.ts';
import type { ChartSet, System } from '../../src/core/system.ts';

const root = setup({
  types: {} as { context: { laps: number }; input: { laps: number } },
  actions: {
    ...commands('acquireStorage', 'releaseStorage'),
    ...messages({
      resumeGuest: ['guest', 'RESUME'],
      setDevices: ['device', 'SET_STATE'],
      setNobody: ['device', 'SET_STATE'],
      setGuest: ['device', 'SET_STATE'],
      setClosed: ['device', 'SET_STATE'],
    }),
    ...opens({ openGuest: 'guest', openDevices: 'device' }),
    ...closes({ closeGuest: 'guest', closeDevice: 'device' }),
    ...facts({ warn: 'WARNED' }),
    countLap: assign(({ context }) => ({ laps: context.laps - 1 })),
    // The core refuses it: it has no route.
    shout: () => {},
  },
  guards: { hasLaps: ({ context }) => context.laps > 0 },
  delays: { aMoment: 1.5 },
}).createMachine({
  id: 'toy-root',
  context: ({ input }) => input,
  options: { maxIterations: 100 },
  initial: 'resting',
  entry: [
    { type: 'openGuest', params: { charts: [{ address: 'guest', input: {} }] } },
    {
      type: 'openDevices',
      params: { charts: ['a', 'b'].map((name) => ({ address: `device/${name}`, input: { name } })) },
    },
  ],
  on: {
    TELL: {
      actions: ['resumeGuest', { type: 'setDevices', params: { to: ['device/a', 'device/b'], target: 'STOP' } }],
    },
    TELL_NOBODY: { actions: { type: 'setNobody', params: { to: [], target: 'STOP' } } },
    TELL_WRONG_KIND: { actions: { type: 'setGuest', params: { to: 'guest', target: 'STOP' } } },
    TELL_CLOSED: {
      actions: [
        { type: 'warn', params: { of: 'first' } },
        { type: 'setClosed', params: { to: 'device/z', target: 'STOP' } },
      ],
    },
    ASK: { actions: { type: 'acquireStorage', params: { host: 'source' } } },
    ASK_MUCH: {
      actions: [
        { type: 'warn', params: { of: 'asking' } },
        'releaseStorage',
        { type: 'acquireStorage', params: { host: 'source' } },
        'resumeGuest',
      ],
    },
    OPEN_GUEST: { actions: { type: 'openGuest', params: { charts: [{ address: 'guest', input: {} }] } } },
    CLOSE_GUEST: { actions: 'closeGuest' },
    CLOSE_A: { actions: { type: 'closeDevice', params: { addresses: ['device/a'] } } },
    OPEN_A: { actions: { type: 'openDevices', params: { charts: [{ address: 'device/a', input: { name: 'a' } }] } } },
    SHOUT: { actions: 'shout' },
    GUEST_REACHED: [{ guard: 'hasLaps', actions: ['countLap', 'resumeGuest'] }, {}],
    DEVICE_REACHED: {},
    'DONE.acquireStorage': { actions: { type: 'warn', params: { of: 'acquired' } } },
    'FAILED.*': {},
    WAIT: '.waiting',
  },
  states: {
    resting: {},
    waiting: {
      after: { aMoment: { target: 'resting', actions: { type: 'warn', params: { of: 'waited' } } } },
      on: { AGAIN: { target: 'waiting', reenter: true }, STOP_WAITING: 'resting' },
    },
  },
});

const guest = setup({
  actions: {
    ...commands('resumeVcpus', 'acquireStorage'),
    ...messages({ answer: [['stop-and-copy', 'roll-back'], 'GUEST_REACHED'] }),
  },
}).createMachine({
  id: 'toy-guest',
  on: {
    RESUME: {
      actions: ['resumeVcpus', { type: 'answer', params: { to: 'roll-back', asked: 'running', state: 'running' } }],
    },
    ASK: { actions: { type: 'acquireStorage', params: { host: 'source' } } },
  },
});

const device = setup({
  types: {} as { context: { name: string }; input: { name: string } },
  actions: {
    ...commands('setDeviceState', 'resetDevice'),
    ...messages({ answer: [['roll-back'], 'DEVICE_REACHED'] }),
  },
  delays: { aWhile: 100, aWhileLonger: 200 },
}).createMachine({
  id: 'toy-device',
  context: ({ input }) => input,
  initial: 'resting',
  states: {
    resting: {
      on: {
        SET_STATE: {
          actions: {
            type: 'answer',
            params: ({ context }) => ({ to: 'roll-back', device: context.name, asked: 'STOP', state: 'STOP' }),
          },
        },
        BUSY: 'busy',
      },
    },
    busy: {
      entry: [{ type: 'setDeviceState', params: { target: 'STOP' } }, 'resetDevice'],
      after: { aWhile: 'resting', aWhileLonger: 'resting' },
    },
  },
});

/** Charts from machines by kind; the root is a `roll-back`, because that kind may be told by guests and devices. */
export function toyCharts(): ChartSet {
  const machines: Readonly<Record<string, AnyStateMachine>> = { 'roll-back': root, guest, device };
  const charts = new Map<string, Chart>();
  return {
    root: { address: 'roll-back', kind: 'roll-back' },
    chart(kind) {
      const machine = machines[kind];
      if (machine === undefined) throw new Error(`no toy of kind ${kind}`);
      const chart = charts.get(kind) ?? createChart(machine);
      charts.set(kind, chart);
      return chart;
    },
  };
}

export const TOY_OPENED: Opened = {
  run: 'toy',
  scenario: {},
  plan: {},
  seed: 1,
  drivers: [],
  policies: [],
  fingerprint: 'toy',
  version: 'toy',
};

/** A run of the toys: `tell` steps it by one record, 1 ms after the one before, and keeps the system it came to. */
export class ToyRun {
  readonly stepper;
  system: System;
  readonly opened: Stepped;

  constructor(options: StepOptions = {}, laps = 0) {
    this.stepper = createStepper(toyCharts(), options);
    this.opened = this.stepper.open({ ...TOY_OPENED, plan: { laps } }, 0);
    this.system = this.opened.system;
  }

  /** Throws what step throws, and then `system` is what it was. */
  tell(type: string, to = 'roll-back', more: { answers?: `${number}:${number}`; data?: object } = {}): Stepped {
    const { answers, data } = more;
    const stepped = this.stepper.step(this.system, {
      position: this.system.position + 1,
      atNs: this.system.atNs + 1_000_000,
      to,
      by: answers === undefined ? 'operator' : 'driver',
      event: { type, ...data },
      ...(answers === undefined ? {} : { answers }),
    });
    this.system = stepped.system;
    return stepped;
  }
}
