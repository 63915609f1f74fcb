/**
 * What every chart can be told, with plausible data: one generator for each message of an inbox and each answer to a command.
 *
 * Data leans towards what the chart waits for (its own devices, the state it asked for), so that guards come out both ways;
 * the leaning is only a bias and never rules anything out. The tables are complete by their types.
 * The file is long because it is one table of everything that can be said.
 */

import type { Inbox, Kind } from '../../machines/messages.ts';
import { OBSERVED_STATUSES, type ObservedStatus, STATUS_ARCS } from '../../machines/observed.ts';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import {
  COMMANDS,
  type CommandName,
  type Commands,
  DEVICE_STATES,
  type Errno,
  type Observation,
  type PassFigures,
  type Verdict,
} from '../../machines/words.ts';
import type { Random } from '../../src/hardware/random.ts';

/** A chart's context as far as generators look at it. */
export type Near = Readonly<Record<string, unknown>>;
type Data<E extends { type: string }, T extends E['type']> = Omit<Extract<E, { type: T }>, 'type'>;
type Generators<E extends { type: string }> = { readonly [T in E['type']]: (draw: Draw, near: Near) => Data<E, T> };

/** Choices from a seeded stream. */
export class Draw {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)] as T;
  }

  chance(percent: number): boolean {
    return this.random.below(100) < percent;
  }

  weighted<T>(choices: readonly (readonly [T, number])[]): T {
    let left = this.random.below(choices.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [choice, weight] of choices) {
      if (left < weight) return choice;
      left -= weight;
    }
    throw new Error('weights are whole numbers above 0');
  }
}

const none = () => ({});
const errno = (draw: Draw): Errno => draw.one(['EIO', 'ETIMEDOUT', 'EBUSY', 'EINVAL'] as const);
const maybeErrno = (draw: Draw) => (draw.chance(50) ? errno(draw) : undefined);
const bytes = (draw: Draw) => draw.one([0, 1, 4096, 65_536, 10_000_000]);

/** Names that the chart waits for, else its devices, else any. */
function device(draw: Draw, near: Near): string {
  const waiting = near.waitingFor as readonly string[] | undefined;
  if (waiting !== undefined && waiting.length > 0 && draw.chance(80)) return draw.one(waiting);
  const devices = near.devices as readonly { id: string }[] | undefined;
  if (devices !== undefined && devices.length > 0 && draw.chance(80)) return draw.one(devices).id;
  return draw.one(['nic0', 'nic1', 'stranger']);
}

function deviceReached(draw: Draw, near: Near): Data<Inbox['pre-copy'], 'DEVICE_REACHED'> {
  const target = near.target as (typeof DEVICE_STATES)[number] | undefined;
  const asked = target !== undefined && draw.chance(60) ? target : draw.one(DEVICE_STATES);
  const state = draw.chance(60) ? asked : draw.one([...DEVICE_STATES, 'unknown'] as const);
  return { device: device(draw, near), asked, state, errno: maybeErrno(draw) };
}

const guestReached = (draw: Draw): Data<Inbox['roll-back'], 'GUEST_REACHED'> => ({
  asked: draw.one(['running', 'stopped']),
  state: draw.one(['running', 'stopped', 'unknown']),
  errno: maybeErrno(draw),
});

function driverReached(draw: Draw, near: Near): Data<Inbox['roll-back'], 'DRIVER_REACHED'> {
  const asked = draw.one(['halted', 'running'] as const);
  const state = draw.chance(70) ? asked : draw.one(['halted', 'running', 'unknown'] as const);
  return { device: device(draw, near), asked, state, errno: maybeErrno(draw) };
}

const dirtyLogReached = (draw: Draw): Data<Inbox['pre-copy'], 'DIRTY_LOG_REACHED'> => ({
  asked: draw.one(['on', 'off']),
  state: draw.one(['on', 'off']),
  errno: maybeErrno(draw),
});

const synced = (draw: Draw): Commands['syncBitmap']['result'] => ({
  dirtySet: draw.one([1, 2, 3]),
  remainingPages: draw.one([0, 10, 100]),
  remainingBytes: bytes(draw),
  newDirtyPages: draw.one([0, 5]),
  dirtyPagesBySource: draw.one<Record<string, number>>([{}, { vcpu: 5 }, { vcpu: 5, 'dma:nic0': 7 }]),
  syncNs: 1000,
});

const destinationReached = (draw: Draw): Data<Inbox['migration'], 'DESTINATION_REACHED'> => ({
  asked: draw.one(['prepared', 'loaded', 'running', 'gone']),
  state: draw.one(['prepared', 'loaded', 'running', 'gone', 'failed', 'unknown']),
  during: draw.chance(50) ? 'loadDestination' : undefined,
  errno: maybeErrno(draw),
});

const verdict = (draw: Draw): Verdict =>
  draw.one<Verdict>(['continue', 'switchover', 'switchover', 'postcopy', 'abort', { throttlePercent: 20 }]);

/** Remaining bytes at, just below and just above the threshold. */
function observation(draw: Draw): Observation {
  const bandwidthBytesPerSecond = draw.one([0, 1000, 1_000_000]);
  const downtimeLimitMs = 100;
  const thresholdBytes = (bandwidthBytesPerSecond * downtimeLimitMs) / 1000;
  return {
    cause: draw.one(['round', 'sample', 'wake', 'ack']),
    round: draw.one([1, 2, 3]),
    remainingBytes: draw.one([0, Math.max(0, thresholdBytes - 1), thresholdBytes, thresholdBytes + 1]),
    remainingPages: draw.one([0, 49, 94, 95, 96, 100, 1000]),
    dirtyPagesBySource: { vcpu: 3 },
    bandwidthBytesPerSecond,
    downtimeLimitMs,
    throttlePercent: 0,
    ...(draw.chance(80) ? { pass: passFigures(draw) } : {}),
  };
}

const passFigures = (draw: Draw): PassFigures => ({
  sentPages: draw.one([0, 49, 50, 1000, 2000]),
  skippedPages: draw.one([0, 1]),
  totalSentPages: draw.one([1000, 3001]),
  memoryPages: 1000,
  newDirtyBytes: draw.one([0, 40_960, 4e9]),
  sinceSyncMs: draw.one([0, 1000]),
  elapsedMs: draw.one([0, 5000]),
});

const LOG_AND_DEVICES = {
  DEVICE_REACHED: deviceReached,
  DRIVER_REACHED: driverReached,
  DIRTY_LOG_REACHED: dirtyLogReached,
  BITMAP_SYNCED: synced,
  SYNC_FAILED: (draw: Draw) => ({ errno: errno(draw) }),
};
const devicesChanged = (draw: Draw) => ({
  devices: ['nic0', 'nic1']
    .slice(0, draw.one([0, 1, 2]))
    .map((id) => ({ id, address: `device/${id}`, p2p: draw.chance(60), preCopy: draw.chance(60) })),
});
/** Rates just below, at and above half of what was sent. */
const throttleOrders: Generators<Inbox['auto-converge']> = {
  SYNCED: (draw) => ({
    round: draw.one([0, 1, 3, 4, 5, 6]),
    newDirtyPages: draw.one([0, 50, 51, 100]),
    sentBytes: draw.one([0, 409_600]),
  }),
  PRECOPY_ENDED: none,
  RELEASE: none,
};
const LOG_ORDERS = { START: none, STOP: none, SYNC: (draw: Draw) => ({ final: draw.chance(50) }) };

/** The messages of every inbox. */
export const MESSAGES: { readonly [K in Kind]: Generators<Inbox[K]> } = {
  guest: { STOP: none, RESUME: none, THROTTLE: (draw) => ({ percent: draw.one([0, 20, 99]) }) },
  device: {
    SET_STATE: (draw) => ({ target: draw.weighted([...DEVICE_STATES.map((s) => [s, 1] as const), ['RUNNING', 6]]) }),
  },
  'guest-driver': { HALT_DMA: none, RESUME_DMA: (draw) => ({ host: draw.one(['source', 'destination']) }) },
  vfio: { STATE_READ_BACK: (draw) => ({ state: draw.one(DEVICE_STATES) }) },
  tracking: {
    ...LOG_ORDERS,
    DEVICES_CHANGED: (draw) => ({
      devices: ['nic0', 'nic1'].slice(0, draw.one([0, 1, 2])).map((id) => ({ id, logsDma: draw.chance(60) })),
      collects: draw.one(['always', 'when-stopped']),
      joined: draw.chance(50),
      news: 'nic1 was plugged',
    }),
  },
  'dirty-log': {
    ...LOG_ORDERS,
    TRACKING_REACHED: (draw) => ({
      tracking: '0',
      asked: draw.one(['tracking', 'off']),
      state: draw.one(['tracking', 'off']),
      errno: draw.chance(25) ? errno(draw) : undefined,
    }),
    TRACKING_SYNCED: (draw) => ({
      tracking: '0',
      dirtyPages: draw.one([0, 9]),
      errno: draw.chance(25) ? errno(draw) : undefined,
      everything: draw.chance(20) ? (true as const) : undefined,
    }),
    CHANGE_WAITS: none,
    DEVICES_CHANGED: none,
  },
  'hot-plug': {
    DEVICE_REACHED: (draw, near) => {
      const answer = deviceReached(draw, near);
      return draw.chance(60) ? { ...answer, state: answer.asked } : answer;
    },
    PLUG: (draw) => ({ device: draw.one(['nic0', 'nic1', 'nic1', 'nic2']) }),
    UNPLUG: (draw) => ({ device: draw.one(['nic0', 'nic0', 'nic1', 'nic2']) }),
    CHANGE_NOW: none,
    SETTLE: () => ({ because: 'the switchover had begun' }),
    TRACKING_CHANGED: (draw) => ({
      tracking: '0',
      state: draw.weighted([
        ['tracking', 4],
        ['off', 1],
      ]),
      errno: maybeErrno(draw),
    }),
  },
  'pre-copy': {
    ...LOG_AND_DEVICES,
    DEVICE_REACHED: (draw, near) => deviceReached(draw, { ...near, target: 'PRE_COPY' }),
    HALT: none,
    VERDICT: (draw) => ({ verdict: verdict(draw), because: { thresholdBytes: bytes(draw) } }),
    POLICY_FAILED: (draw) => ({ during: 'policy mine threw Error: no', errno: errno(draw) }),
    SWITCHOVER_ACKED: (draw, near) => ({ device: device(draw, near) }),
    POLICY_CHANGED: none,
    MANAGER_CHANGED: (draw) => ({ managed: draw.chance(50) }),
    SET_DOWNTIME_LIMIT: (draw) => ({ downtimeLimitMs: draw.one([50, 300]) }),
    START_POSTCOPY: none,
    DEVICES_CHANGED: devicesChanged,
    THROTTLED: (draw) => ({ percent: draw.one([20, 30]) }),
    SYNC_NOW: none,
  },
  'auto-converge': throttleOrders,
  'dirty-limit': throttleOrders,
  'stepped-throttle': throttleOrders,
  manager: {
    MIGRATION_ACTIVE: none,
    MIGRATION_PASS: (draw) => ({ pass: draw.one([1, 2, 3, 4, 5, 6, 7, 8]) }),
    DISMISS: none,
    GUEST_REACHED: guestReached,
  },
  policy: { ASSESS: (draw) => ({ observation: observation(draw) }) },
  shadow: { ASSESS: (draw) => ({ observation: observation(draw) }) },
  'stop-and-copy': {
    ...LOG_AND_DEVICES,
    CONTINUE: none,
    HALT: none,
    GUEST_REACHED: guestReached,
    DESTINATION_REACHED: destinationReached,
  },
  'post-copy': { PAUSE: none, RECOVER: none },
  'in-doubt': {
    RESOLVE: none,
    SOURCE_FENCED: none,
    DESTINATION_FENCED: none,
    DESTINATION_REACHED: destinationReached,
  },
  destination: {
    PREPARE: none,
    LOAD: none,
    TAKE_OVER: none,
    ABANDON: none,
    DEVICE_REACHED: deviceReached,
    DEVICES_CHANGED: devicesChanged,
  },
  migration: {
    ...LOG_AND_DEVICES,
    DESTINATION_REACHED: destinationReached,
    MIGRATE: none,
    CANCEL: none,
    CONTINUE: none,
    START_POSTCOPY: none,
    PAUSE: none,
    RECOVER: none,
    POSTCOPY_DECIDED: (draw) => ({ round: draw.one([1, 2]) }),
    PACKAGE_SENT: none,
    POSTCOPY_PAUSED: (draw) => ({ during: 'sendMissing', errno: maybeErrno(draw) }),
    POSTCOPY_RECONNECTING: none,
    POSTCOPY_RECONNECTED: none,
    POSTCOPY_RESUMED: none,
    POSTCOPY_COMPLETED: none,
    POSTCOPY_UNRECOVERED: (draw) => ({ because: draw.one(['', 'nobody recovered it']) }),
    PRECOPY_STARTED: none,
    SWITCHOVER_DECIDED: (draw) => ({ round: draw.one([1, 2]), because: { remainingBytes: bytes(draw) } }),
    PRECOPY_FAILED: (draw) => ({ during: 'sendRound', errno: errno(draw) }),
    DEVICES_STOPPED: none,
    PAUSED_BEFORE_SWITCHOVER: none,
    HANDING_OVER: none,
    SWITCHED_OVER: none,
    SWITCHOVER_FAILED: (draw) => ({
      during: 'sendRemaining',
      errno: errno(draw),
      destination: draw.one(['not-started', 'unknown']),
    }),
    ROLLED_BACK: (draw) => ({ guest: draw.one(['running', 'stopped']), because: draw.one(['', 'no storage']) }),
    TAKE_UP: none,
    SOURCE_FENCED: none,
    DESTINATION_FENCED: none,
    DOUBT_RESOLVED: (draw) => ({
      guest: draw.one(['destination', 'source', 'lost']),
      sourceFenced: draw.chance(50),
      because: draw.one(['', 'the destination does not run']),
    }),
    DOUBT_REMAINS: (draw) => ({ because: draw.one(['', 'it does not answer']) }),
    DEVICES_CHANGED: () => ({ containers: [{ id: '0', iommuTracks: true, devices: [] }] }),
    BRANCHED: (draw) => ({ plan: draw.one([{}, { downtimeLimitMs: 50 }, { manager: null }]), world: {} }),
  },
  observed: {
    // Mostly what may follow.
    STATUS_SEEN: (draw, near) => ({
      status: draw.one(draw.chance(80) ? STATUS_ARCS[near.status as ObservedStatus] : OBSERVED_STATUSES),
      by: draw.one(['event', 'poll']),
    }),
    PASS_SEEN: (draw, near) => ({ pass: draw.one([1, 4, (near.pass as number) + 1]) }),
    STOP_SEEN: (draw) => ({ host: draw.one(['source', 'destination']) }),
    RESUME_SEEN: (draw) => ({ host: draw.one(['source', 'destination']) }),
    POLL_SEEN: (draw) => ({
      totalTimeMs: draw.one([1, 100]),
      ram: { totalBytes: 4096, remainingBytes: 0, transferredBytes: bytes(draw), dirtySyncCount: draw.one([1, 2]) },
    }),
  },
  'roll-back': {
    ...LOG_AND_DEVICES,
    SENDING_HALTED: none,
    GUEST_REACHED: guestReached,
    DESTINATION_REACHED: destinationReached,
  },
};

const roundSent = (draw: Draw): Commands['sendRound']['result'] => ({
  sentPages: 16,
  zeroPages: 0,
  sentBytes: bytes(draw),
  deviceBytes: 0,
  remainingPages: 3,
  remainingBytes: bytes(draw),
  bandwidthBytesPerSecond: draw.one([0, 1000, 1_000_000]),
});
/** What a manager may see: early, late, near the end, growing and shrinking. */
const migrateInfo = (draw: Draw): Commands['queryMigrate']['result'] => ({
  status: 'active',
  totalTimeMs: draw.one([0, 400, 5000, 11_000, 45_000, 90_000, 160_000, 400_000, 2_000_000]),
  downtimeLimitMs: 300,
  ...(draw.chance(10)
    ? {}
    : {
        ram: {
          totalBytes: 2 ** 30,
          transferredBytes: draw.one([0, 1e6, 1e9]),
          remainingBytes: draw.one([0, 1e6, 1.02e6, 1e8, 1e9, 1e10]),
          dirtySyncCount: draw.one([1, 2, 3, 9, 20, 40]),
          dirtyPagesPerSecond: 1000,
          mbps: draw.one([0, 8, 1000, 8000]),
        },
      }),
});
const stateAnswer = (draw: Draw, near: Near) => ({
  state: draw.chance(50) ? (near.goal as (typeof DEVICE_STATES)[number]) : draw.one(DEVICE_STATES),
});

/** What a success of each command answers. */
export const RESULTS: { readonly [N in CommandName]: (draw: Draw, near: Near) => Commands[N]['result'] } = {
  stopVcpus: none,
  resumeVcpus: none,
  throttleVcpus: none,
  limitVcpuDirtyRate: none,
  setDeviceState: stateAnswer,
  getDeviceState: stateAnswer,
  resetDevice: stateAnswer,
  notifyGuest: none,
  haltDma: (draw) => ({ dmaPages: draw.one([0, 64]) }),
  confirmDmaHalted: (draw) => ({ halted: draw.chance(80) }),
  dirtyDmaPages: (draw) => ({ dirtiedPages: draw.one([63, 64, 64, 64]) }),
  resumeDma: none,
  plugDevice: none,
  ejectDevice: none,
  removeDevice: none,
  startTracking: none,
  reportDirty: (draw) => ({ dirtyPages: draw.one([0, 10]) }),
  stopTracking: none,
  startDirtyLog: none,
  getDirtyLog: (draw) => ({ dirtyPages: draw.one([0, 10]) }),
  stopDirtyLog: none,
  syncBitmap: synced,
  queryDeviceSizes: (draw) => ({
    devices: { nic0: { initialBytes: bytes(draw), dirtyBytes: bytes(draw), stopCopyBytes: bytes(draw) } },
  }),
  sendRound: roundSent,
  haltRound: none,
  setDowntimeLimit: none,
  queryMigrate: migrateInfo,
  decide: (draw, near) => ({
    verdict: draw.one(['continue', 'continue', 'switchover'] as const),
    because: { shrinkPercent: 3 },
    memory: draw.one([null, { waited: 1 }]),
    ...(draw.chance(50) ? { wakeAtNs: ((near.atNs as number | undefined) ?? 0) + draw.one([1, 2_000_000]) } : {}),
  }),
  sendRemaining: roundSent,
  sendDeviceState: (draw) => ({ sentBytes: bytes(draw) }),
  discardDirty: (draw) => ({ missingPages: draw.one([0, 10]), sentBytes: bytes(draw) }),
  sendMissing: (draw) => ({
    sentPages: 16,
    zeroPages: 0,
    sentBytes: bytes(draw),
    missingPages: draw.one([0, 0, 3]),
    requestedPages: draw.one([0, 5]),
  }),
  reconnect: none,
  compareReceived: (draw) => ({ missingPages: draw.one([0, 3]) }),
  releaseStorage: none,
  acquireStorage: none,
  prepareDestination: none,
  loadDestination: none,
  startDestination: none,
  quitDestination: none,
  queryDestination: (draw) => ({ state: draw.one(['incoming', 'loaded', 'starting', 'running', 'gone']) }),
  queryStorage: (draw) => ({ holder: draw.one(['source', 'destination', 'nobody']) }),
};

const session = (draw: Draw, near: Near) =>
  draw.chance(70) ? {} : { session: draw.one([0, near.session as number, 1, 2]) };
const maySet = (draw: Draw) => (draw.chance(25) ? { handOutErrno: draw.one(['EMFILE', 'EFAULT'] as const) } : {});

/** What the modelled device is told, beside the mirror's read-back. */
export const DEVICE_EVENTS: Generators<DeviceEvent> = {
  SET: (draw) => ({
    target: draw.one([...DEVICE_STATES, 'PRE_COPY', 'PRE_COPY_P2P', 'STOP_COPY'] as const),
    walk: draw.one(['whole', 'stepwise']),
    ...maySet(draw),
  }),
  ARC: none,
  ARC_FAILED: (draw) => ({ errno: errno(draw), rests: draw.one(['here', 'ERROR']) }),
  STATE_READ_BACK: (draw) => ({ state: draw.one(DEVICE_STATES) }),
  RESET: none,
  READ: (draw, near) => ({ bytes: draw.one([0, 1, 5, 1000]), ...session(draw, near) }),
  GET_PRECOPY_INFO: session,
  MIG_DATA_SIZE: none,
  STATE_CHANGED: (draw) => ({ bytes: draw.one([0, 5]) }),
  REINIT_OPT_IN: none,
  REINITIALISED: (draw) => ({ initialBytes: draw.one([0, 3, 8]) }),
  IMAGE_WRITTEN: (draw, near) => ({
    bytes: draw.one([0, 5]),
    complete: draw.chance(60),
    ...(draw.chance(30) ? { bad: true } : {}),
    ...session(draw, near),
  }),
};

/** Answers to these commands: `DONE.x` and `FAILED.x` for each. */
export function answersTo(commands: readonly CommandName[]): readonly string[] {
  return commands.flatMap((name) => [`DONE.${name}`, `FAILED.${name}`]);
}

/** Data of an event of a chart of this kind. */
export function dataOf(kind: Kind, type: string, draw: Draw, near: Near): object {
  const [outcome, command] = type.split('.') as [string, CommandName];
  // To take out what was never there is refused by name.
  if (type === 'FAILED.removeDevice') return { errno: draw.one(['EIO', 'ENODEV']) };
  if (outcome === 'FAILED') return { errno: errno(draw) };
  if (outcome === 'DONE' && command in COMMANDS) return RESULTS[command](draw, near);
  const table = (kind === 'vfio' ? DEVICE_EVENTS : MESSAGES[kind]) as Record<
    string,
    (draw: Draw, near: Near) => object
  >;
  const generate = table[type];
  if (generate === undefined) throw new Error(`${kind} understands no ${type}`);
  return generate(draw, near);
}

/** Every type of event that a chart of this kind may be given. */
export function typesFor(kind: Kind, commands: readonly CommandName[]): readonly string[] {
  return [...Object.keys(kind === 'vfio' ? DEVICE_EVENTS : MESSAGES[kind]), ...answersTo(commands)];
}
