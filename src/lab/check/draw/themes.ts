/**
 * What a case is about. Most that can happen to a migration happens rarely, and two rare things together never: a case with
 * a theme is drawn where its theme can be (post-copy has no devices, a plug is refused by every loop of QEMU), and its faults,
 * orders and crashes are put at the commands that the theme is about. Three cases in ten have none and may be anything.
 */
import type { CommandName } from '../../../../machines/words.ts';
import { errnosOf } from '../../../drivers/errnos.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import { DOUBTS, type Doubt, type FaultInput, type Moment, type Order } from '../case.ts';
import type { Chance } from './chance.ts';
import { comesOrGoes, drawErrno, drawFaultOf, possibleCommands } from './faults.ts';
import { devicesIn } from './scenario.ts';

export const THEMES = [
  'anything',
  'doubt',
  'way-back',
  'late',
  'post-copy',
  'hot-plug',
  'helpers',
  'crash',
  'managed',
  'rules',
] as const;
export type Theme = (typeof THEMES)[number];

/** What a theme puts into a case besides what every case may have. */
export interface Themed {
  readonly faults: readonly FaultInput[];
  readonly orders: readonly Order[];
  readonly doubts?: readonly Doubt[];
}

export function drawTheme(chance: Chance): Theme {
  return chance.pick(['anything', 'anything', 'anything', ...THEMES.slice(1), 'way-back', 'late', 'managed', 'rules']);
}

export function drawThemed(chance: Chance, theme: Theme, input: ScenarioInput): Themed {
  switch (theme) {
    case 'anything':
    case 'crash':
    case 'rules':
      return { faults: [], orders: [] };
    case 'managed':
      return managed(chance, input);
    case 'doubt':
      return doubt(chance, input);
    case 'way-back':
      return wayBack(chance, input);
    case 'late':
      return late(chance, input);
    case 'post-copy':
      return postCopy(chance, input);
    case 'hot-plug':
      return hotPlug(chance, input);
    case 'helpers':
      return helpers(chance, input);
    default:
      return theme satisfies never;
  }
}

/** Right after a command is given, and before it is answered; or right after that. */
export function drawMoment(chance: Chance, commands: readonly CommandName[]): Moment {
  const moment = { command: chance.pick(commands), nth: chance.pick([1, 1, 1, 2, 2, 3, chance.between(1, 12)]) };
  return chance.percent(35) ? { ...moment, answered: true } : moment;
}

function some<One>(chance: Chance, most: number, draw: () => One): readonly One[] {
  return Array.from({ length: chance.between(0, most) }, draw);
}

/** From when the destination may own the storage on. */
const HAND_OVER: readonly CommandName[] = ['acquireStorage', 'startDestination'];
const ASKING: readonly CommandName[] = ['queryDestination', 'quitDestination', 'queryStorage', 'startDestination'];

/** The hand-over goes wrong, and so does asking about it. */
function doubt(chance: Chance, input: ScenarioInput): Themed {
  const there = devicesIn(input).map(({ id }) => `destination/${id}`);
  const starting = there.length > 0 && chance.percent(35);
  const of = starting ? { of: chance.pick(there) } : {};
  // The SETs of a destination go to RESUMING, STOP, RUNNING_P2P, RUNNING.
  const at = starting
    ? { command: 'setDeviceState' as const, nth: chance.pick([3, 4]), ...of }
    : { command: chance.pick([...HAND_OVER, 'startDestination', 'startDestination'] as const) };
  const went = chance.pick([
    { fails: chance.pick(errnosOf(at.command)) },
    { fails: chance.pick(errnosOf(at.command)), done: true },
    { hangs: true },
    { silent: true },
    { slowBy: chance.pick(['6s', '45s', '90s']) },
  ] as const);
  const dies = chance.percent(20)
    ? [
        {
          after: chance.pick(['acquireStorage', 'startDestination'] as const),
          happens: 'destination-dies' as const,
          ...chance.perhaps(60, () => ({ silent: true as const })),
        },
      ]
    : [];
  const asked = some(chance, 3, () => drawFaultOf(chance, input, chance.pick([...ASKING, 'acquireStorage'])));
  if (chance.percent(20)) return fencedAndNot(chance);
  return {
    faults: [{ ...at, ...went } as FaultInput, ...dies, ...asked],
    orders: some(chance, 2, () => ({
      order: chance.pick(['CANCEL', 'CONTINUE', 'RECOVER', 'MIGRATE']),
      after: drawMoment(chance, [...ASKING, ...HAND_OVER]),
    })),
    doubts: Array.from({ length: chance.between(1, 3) }, () => chance.pick([...DOUBTS, 'asked'])),
  };
}

/** It does not answer, the source is fenced, and the destination cannot take over, or has been ended before. */
function fencedAndNot(chance: Chance): Themed {
  const ended = chance.percent(50);
  return {
    faults: [
      { command: 'startDestination', hangs: true },
      ended
        ? { command: 'quitDestination', fails: 'EIO', done: true }
        : { command: 'acquireStorage', nth: 2, fails: chance.pick(errnosOf('acquireStorage')) },
    ],
    orders: [],
    doubts: ended ? ['asked', chance.pick(['asked', 'source-fenced']), 'asked'] : ['source-fenced', 'asked', 'asked'],
  };
}

const BACK: readonly CommandName[] = ['resumeVcpus', 'haltRound', 'quitDestination', 'acquireStorage', 'stopDirtyLog'];
const BACK_WITH_DEVICES: readonly CommandName[] = ['stopTracking', 'resetDevice', 'getDeviceState', 'setDeviceState'];

/** It is cancelled, or fails, right where a command is on its way; and what brings the source back goes wrong as well. */
function wayBack(chance: Chance, input: ScenarioInput): Themed {
  const possible = possibleCommands(input);
  const helped = devicesIn(input).some(({ kind }) => kind === 'guest-cooperative');
  const back = [
    ...BACK,
    ...(devicesIn(input).length > 0 ? BACK_WITH_DEVICES : []),
    ...(helped ? (['resumeDma'] as const) : []),
  ];
  const again = chance.percent(35);
  const command = chance.pick(again ? (['resumeVcpus', 'acquireStorage', 'resumeVcpus'] as const) : back);
  const failing = again
    ? // What is tried again and again fails again and again.
      Array.from({ length: chance.between(2, 7) }, (_, nth) => ({
        command,
        nth: nth + 1,
        fails: chance.pick(errnosOf(command)),
      }))
    : some(chance, 3, () => drawFaultOf(chance, input, chance.pick(back)));
  const cancelled = chance.percent(70);
  return {
    faults: [
      ...(cancelled ? [] : [drawFaultOf(chance, input, chance.pick(possible))]),
      ...failing,
      ...(chance.percent(25) ? breakDown(chance, devicesIn(input).length) : []),
    ],
    orders: [
      ...(cancelled ? [{ order: 'CANCEL' as const, after: drawMoment(chance, possible) }] : []),
      ...some(chance, 2, () => ({
        order: chance.pick(['CANCEL', 'CONTINUE', 'RECOVER'] as const),
        after: drawMoment(chance, back),
      })),
    ],
    ...chance.perhaps(60, () => ({ doubts: some(chance, 3, () => chance.pick(DOUBTS)) })),
  };
}

/** A device of the source breaks down on its way, and only a reset brings it back. */
function breakDown(chance: Chance, devices: number): readonly FaultInput[] {
  if (devices === 0) return [];
  // The first SETs are those of the destination's devices, to RESUMING.
  const nth = devices + chance.between(1, 3 * devices);
  return [{ command: 'setDeviceState', nth, fails: chance.pick(errnosOf('setDeviceState')), restsIn: 'ERROR' }];
}

/** An answer that comes when nobody waits for it any more: its command is slow or fails, and an order is faster. */
function late(chance: Chance, input: ScenarioInput): Themed {
  const devices = devicesIn(input).length;
  const busy = Array.from({ length: 3 * devices }, () => 'setDeviceState' as const);
  const command = chance.pick([...possibleCommands(input), ...busy]);
  // The first SETs are those of the destination's devices, to RESUMING.
  const later = command === 'setDeviceState' ? devices : 0;
  const nth = chance.pick([1, 1, 2, 3, chance.between(1, 8)]) + later;
  const slow = chance.pick([
    { slowBy: chance.pick(['3ms', '300ms', '3s', '12s', '45s']) },
    { fails: chance.pick(errnosOf(command)) },
    { hangs: true },
  ] as const);
  // The way back takes longer than the answer.
  const back = some(chance, 1, () => ({
    command: chance.pick([...BACK, 'haltRound', 'haltRound'] as const),
    ...chance.pick([{ slowBy: '300ms' }, { slowBy: '8s' }, { hangs: true }] as const),
  }));
  return {
    faults: [{ command, nth, ...slow }, ...back],
    orders: [
      { order: chance.pick(['CANCEL', 'CANCEL', 'CANCEL', 'START_POSTCOPY']), after: { command, nth } },
      ...some(chance, 1, () => drawOrderAt(chance, input)),
    ],
  };
}

const OF_POSTCOPY: readonly CommandName[] = [
  'discardDirty',
  'loadDestination',
  'acquireStorage',
  'startDestination',
  'sendMissing',
  'sendMissing',
  'reconnect',
  'compareReceived',
];

/** From the pause on. */
const PAUSED: readonly CommandName[] = ['haltRound', 'sendMissing', 'reconnect', 'compareReceived'];

/** Paused, recovered, cancelled, cut off: before, while and after the guest changes hosts. */
function postCopy(chance: Chance, input: ScenarioInput): Themed {
  const commands = [...OF_POSTCOPY, 'haltRound', 'haltRound', 'sendRound', 'stopVcpus', 'queryDestination'] as const;
  const orders = ['PAUSE', 'PAUSE', 'PAUSE', 'RECOVER', 'RECOVER', 'CANCEL', 'CONTINUE', 'START_POSTCOPY'] as const;
  const begun = { order: 'START_POSTCOPY' as const, after: drawMoment(chance, ['sendRound', 'getDirtyLog']) };
  const paused = chance.percent(60);
  const lateFaults = [...PAUSED, 'queryDestination'] as const;
  return {
    faults: [
      ...some(chance, 2, () => drawFaultOf(chance, input, chance.pick(paused ? lateFaults : commands))),
      ...some(chance, 1, () => ({
        after: chance.pick(paused ? PAUSED : OF_POSTCOPY),
        happens: 'link-down' as const,
        for: chance.pick(['5ms', '200ms', '3s', '40s'] as const),
      })),
    ],
    orders: [
      ...(chance.percent(50) ? [begun] : []),
      ...(paused ? [{ order: 'PAUSE' as const, after: { command: 'sendMissing' as const, nth: 1 } }] : []),
      ...some(chance, 4, () => ({
        order: chance.pick(orders),
        after: drawMoment(chance, paused ? PAUSED : commands),
      })),
    ],
    ...chance.perhaps(70, () => ({ doubts: some(chance, 3, () => chance.pick(DOUBTS)) })),
  };
}

const WHILE_IT_RUNS: readonly CommandName[] = [
  'sendRound',
  'getDirtyLog',
  'reportDirty',
  'syncBitmap',
  'startTracking',
];
const OF_CHANGES: readonly CommandName[] = ['plugDevice', 'ejectDevice', 'removeDevice'];

const UPSETS = ['nothing', 'nothing', 'given-up', 'not-undone', 'not-tracked', 'plugged-in-vain'] as const;

function upsetting(chance: Chance, upset: (typeof UPSETS)[number]): readonly FaultInput[] {
  switch (upset) {
    case 'nothing':
      return [];
    case 'not-undone':
      return [
        { command: 'plugDevice', fails: 'EIO', ...chance.perhaps(50, () => ({ done: true as const })) },
        { command: 'removeDevice', fails: drawErrno(chance, 'removeDevice') },
      ];
    case 'not-tracked':
      return [{ command: 'startTracking', nth: chance.between(1, 4), fails: chance.pick(errnosOf('startTracking')) }];
    case 'given-up':
    case 'plugged-in-vain':
      return [
        { command: 'plugDevice', ...chance.pick([{ fails: 'EBUSY' }, { hangs: true }, { slowBy: '3s' }] as const) },
      ];
    default:
      return upset satisfies never;
  }
}

/** Devices come and go in any pass, at once and one after the other; some do not come, and some orders come too late. */
function hotPlug(chance: Chance, input: ScenarioInput): Themed {
  const moving = devicesIn(input).filter(comesOrGoes);
  const ids = (moving.length > 0 ? moving : devicesIn(input)).map(({ id }) => id);
  const all = [...OF_CHANGES, ...OF_CHANGES, ...WHILE_IT_RUNS, 'stopTracking', 'setDeviceState'] as const;
  const device = chance.pick(ids);
  const after = drawMoment(chance, WHILE_IT_RUNS);
  const upset = chance.pick(UPSETS);
  return {
    faults: [...upsetting(chance, upset), ...some(chance, 1, () => drawFaultOf(chance, input, chance.pick(all)))],
    orders: [
      { order: chance.pick(['PLUG', 'PLUG', 'UNPLUG']), device, after },
      ...(upset === 'plugged-in-vain' ? [{ order: 'UNPLUG' as const, device, after }] : []),
      ...(upset === 'given-up'
        ? [{ order: 'CANCEL' as const, after: { command: chance.pick(OF_CHANGES), nth: 1 } }]
        : []),
      ...some(chance, 3, () => ({
        order: chance.pick(['PLUG', 'UNPLUG'] as const),
        device: chance.pick(ids),
        after: drawMoment(chance, [...WHILE_IT_RUNS, ...all]),
      })),
      ...some(chance, 1, () => ({ order: 'CANCEL' as const, after: drawMoment(chance, all) })),
    ],
  };
}

const OF_HELPERS: readonly CommandName[] = ['notifyGuest', 'haltDma', 'confirmDmaHalted', 'dirtyDmaPages', 'resumeDma'];

/** Guest drivers that fail, are slow, or are told to go on while they stop. */
function helpers(chance: Chance, input: ScenarioInput): Themed {
  const command = chance.pick(OF_HELPERS);
  const turnedBack = chance.pick([{ hangs: true }, { slowBy: '300ms' }, { slowBy: '8s' }] as const);
  const kind = chance.pick(['any', 'again', 'turned-back', 'turned-back'] as const);
  const faults: Readonly<Record<typeof kind, readonly FaultInput[]>> = {
    any: some(chance, 3, () => drawFaultOf(chance, input, chance.pick(OF_HELPERS))),
    again: [1, 2, 3, 4].map((nth) => ({ command: 'resumeDma', nth, fails: chance.pick(errnosOf('resumeDma')) })),
    'turned-back': [{ command, ...turnedBack }],
  };
  return {
    faults: faults[kind],
    orders: [
      ...(kind === 'turned-back' ? [{ order: 'CANCEL' as const, after: { command, nth: 1 } }] : []),
      ...some(chance, 1, () => ({ order: 'CANCEL' as const, after: drawMoment(chance, OF_HELPERS) })),
    ],
  };
}

const OF_KNOBS: readonly CommandName[] = ['queryMigrate', 'setDowntimeLimit', 'throttleVcpus', 'limitVcpuDirtyRate'];

/** Questions that fail or come back late, and somebody who interferes while one is under way. */
function managed(chance: Chance, input: ScenarioInput): Themed {
  const knobs = possibleCommands(input).filter((name) => OF_KNOBS.includes(name));
  if (knobs.length === 0 || chance.percent(35)) return { faults: [], orders: [] };
  return {
    faults: some(chance, 2, () => drawFaultOf(chance, input, chance.pick(knobs))),
    orders: chance.percent(30) ? [{ order: 'CANCEL', after: drawMoment(chance, knobs) }] : [],
  };
}

/** Any order, at a command that this run may give. */
export function drawOrderAt(chance: Chance, input: ScenarioInput): Order {
  return {
    order: chance.pick(['MIGRATE', 'CANCEL', 'CONTINUE', 'CONTINUE', 'START_POSTCOPY', 'PAUSE', 'RECOVER']),
    after: drawMoment(chance, possibleCommands(input)),
  };
}
