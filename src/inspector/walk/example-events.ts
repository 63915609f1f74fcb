/**
 * A plausible example of everything that a chart of this package can be told: what a person who walks through one by hand sends,
 * and may edit first. Figures are small and round; where a chart waits for something (a device, a state) the example is that.
 * The tables are complete by their types: a new message without an example does not compile.
 */
import type { Inbox, Kind } from '../../../machines/messages.ts';
import type { DeviceEvent } from '../../../machines/vfio-protocol.ts';
import { COMMANDS, type CommandName, type Commands, type Observation } from '../../../machines/words.ts';
import type { Snapshot } from '../../core/chart.ts';

/** A chart's context, and its state's value as `at`, as far as examples look at them. */
type Near = Readonly<Record<string, unknown>>;
type Data<E extends { type: string }, T extends E['type']> = Omit<Extract<E, { type: T }>, 'type'>;
type Examples<E extends { type: string }> = { readonly [T in E['type']]: (near: Near) => Data<E, T> };

interface Example {
  readonly type: string;
  readonly [key: string]: unknown;
}

const MIB = 2 ** 20;

/** `machine`: its name in the gallery. A type that nobody knows is an event without data. */
export function exampleEvent(
  machine: string,
  type: string,
  { context, value }: Pick<Snapshot, 'context' | 'value'>,
): Example {
  const near: Near = { ...(context as Near), at: JSON.stringify(value) };
  const [outcome, command = ''] = type.split('.');
  if (outcome === 'FAILED' && command in COMMANDS) return { type, errno: 'EIO' };
  if (outcome === 'DONE' && command in COMMANDS) return { type, ...RESULTS[command as CommandName](near) };
  const kind = kindOfMachine(machine);
  const table: Readonly<Record<string, (near: Near) => object>> =
    kind === 'vfio' ? DEVICE_EVENTS : ((MESSAGES as Readonly<Record<string, object>>)[kind] as never);
  const example = table !== undefined && Object.hasOwn(table, type) ? table[type] : undefined;
  return { type, ...example?.(near) };
}

/** Kinds of charts whose file has another name. */
const KINDS: Readonly<Record<string, Kind>> = {
  'dirty-tracking': 'tracking',
  'device-control': 'device',
  'vfio-device': 'vfio',
};

function kindOfMachine(machine: string): string {
  if (machine.startsWith('convergence-')) return 'policy';
  if (machine.startsWith('manager-')) return 'manager';
  return KINDS[machine] ?? machine;
}

const none = () => ({});
const failed = () => ({ errno: 'EIO' as const });

/** The one that it waits for, else its first device. */
function device({ waitingFor, devices }: Near): string {
  const [waited] = Array.isArray(waitingFor) ? (waitingFor as readonly string[]) : [];
  const [first] = Array.isArray(devices) ? (devices as readonly { readonly id: string }[]) : [];
  return waited ?? first?.id ?? 'nic0';
}

/** Where a chart that keeps no target has sent its devices, by a word of its state. */
const TARGETS: readonly (readonly [RegExp, string])[] = [
  [/quiescing/, 'PRE_COPY_P2P'],
  [/stoppingDevices|sendingStates|openingStream/, 'STOP_COPY'],
  [/./, 'PRE_COPY'],
];

/** Who says so, where a chart goes by that. */
function sentBy(waitingFor: unknown): { readonly from?: string } {
  return Array.isArray(waitingFor) && typeof waitingFor[0] === 'string' ? { from: waitingFor[0] } : {};
}

function deviceReached(near: Near): Data<Inbox['pre-copy'], 'DEVICE_REACHED'> {
  const asked = near.target ?? TARGETS.find(([word]) => word.test(String(near.at)))?.[1];
  return { device: device(near), asked, state: asked, errno: undefined } as Data<Inbox['pre-copy'], 'DEVICE_REACHED'>;
}

const guestReached = (): Data<Inbox['roll-back'], 'GUEST_REACHED'> => ({
  asked: 'stopped',
  state: 'stopped',
  errno: undefined,
});
const guestRuns = (): Data<Inbox['roll-back'], 'GUEST_REACHED'> => ({
  asked: 'running',
  state: 'running',
  errno: undefined,
});
const synced = (): Commands['syncBitmap']['result'] => ({
  dirtySet: 1,
  remainingPages: 1000,
  remainingBytes: 4_096_000,
  newDirtyPages: 1000,
  dirtyPagesBySource: { vcpu: 900, 'dma:nic0': 100 },
  syncNs: 1_000_000,
});
const destinationReached = (
  asked: 'prepared' | 'loaded' | 'running' | 'gone',
): Data<Inbox['migration'], 'DESTINATION_REACHED'> => ({ asked, state: asked, during: undefined, errno: undefined });
const devicesChanged = () => ({ devices: [{ id: 'nic0', address: 'device/nic0', p2p: true, preCopy: true }] });

const observation = (): Observation => ({
  cause: 'round',
  round: 2,
  remainingBytes: 10 * MIB,
  remainingPages: 2560,
  dirtyPagesBySource: { vcpu: 2560 },
  bandwidthBytesPerSecond: 1_000_000_000,
  downtimeLimitMs: 300,
  throttlePercent: 0,
  pass: {
    sentPages: 5000,
    skippedPages: 0,
    totalSentPages: 300_000,
    memoryPages: 262_144,
    newDirtyBytes: 10 * MIB,
    sinceSyncMs: 100,
    elapsedMs: 2000,
  },
});

const LOG_AND_DEVICES = {
  DEVICE_REACHED: deviceReached,
  DRIVER_REACHED: (near: Near) => ({
    device: device(near),
    asked: 'halted' as const,
    state: 'halted' as const,
    errno: undefined,
  }),
  DIRTY_LOG_REACHED: () => ({ asked: 'on' as const, state: 'on' as const, errno: undefined }),
  BITMAP_SYNCED: synced,
  SYNC_FAILED: failed,
};
const throttleOrders: Examples<Inbox['auto-converge']> = {
  SYNCED: () => ({ round: 4, newDirtyPages: 5000, sentBytes: 10 * MIB }),
  PRECOPY_ENDED: none,
  RELEASE: none,
};
const LOG_ORDERS = { START: none, STOP: none, SYNC: () => ({ final: false }) };

const MESSAGES: { readonly [K in Exclude<Kind, 'vfio'>]: Examples<Inbox[K]> } = {
  guest: { STOP: none, RESUME: none, THROTTLE: () => ({ percent: 20 }) },
  device: { SET_STATE: ({ state }) => ({ target: state === 'STOP' ? 'RUNNING' : 'STOP' }) },
  'guest-driver': { HALT_DMA: none, RESUME_DMA: () => ({ host: 'source' }) },
  tracking: {
    ...LOG_ORDERS,
    DEVICES_CHANGED: () => ({
      devices: [{ id: 'nic0', logsDma: true }],
      collects: 'always',
      joined: true,
      news: 'nic0 was plugged',
    }),
  },
  'dirty-log': {
    ...LOG_ORDERS,
    TRACKING_REACHED: ({ goal, waitingFor }) => {
      const asked = goal === 'off' ? ('off' as const) : ('tracking' as const);
      return { ...sentBy(waitingFor), tracking: '0', asked, state: asked, errno: undefined };
    },
    TRACKING_SYNCED: ({ waitingFor }) => ({
      ...sentBy(waitingFor),
      tracking: '0',
      dirtyPages: 100,
      errno: undefined,
      everything: undefined,
    }),
    CHANGE_WAITS: none,
    DEVICES_CHANGED: none,
  },
  'hot-plug': {
    DEVICE_REACHED: deviceReached,
    PLUG: () => ({ device: 'nic1' }),
    UNPLUG: () => ({ device: 'nic0' }),
    CHANGE_NOW: none,
    SETTLE: () => ({ because: 'the switchover had begun' }),
    TRACKING_CHANGED: () => ({ tracking: '0', state: 'tracking', errno: undefined }),
  },
  'pre-copy': {
    ...LOG_AND_DEVICES,
    HALT: none,
    VERDICT: () => ({ verdict: 'switchover', because: { remainingBytes: 10 * MIB, thresholdBytes: 300_000_000 } }),
    POLICY_FAILED: () => ({ during: 'decide', errno: 'EIO' }),
    SWITCHOVER_ACKED: (near) => ({ device: device(near) }),
    POLICY_CHANGED: none,
    MANAGER_CHANGED: () => ({ managed: true }),
    SET_DOWNTIME_LIMIT: () => ({ downtimeLimitMs: 300 }),
    START_POSTCOPY: none,
    DEVICES_CHANGED: devicesChanged,
    THROTTLED: () => ({ percent: 20 }),
    SYNC_NOW: none,
  },
  'auto-converge': throttleOrders,
  'dirty-limit': throttleOrders,
  'stepped-throttle': throttleOrders,
  manager: {
    MIGRATION_ACTIVE: none,
    MIGRATION_PASS: () => ({ pass: 2 }),
    DISMISS: none,
    GUEST_REACHED: guestReached,
  },
  policy: { ASSESS: () => ({ observation: observation() }) },
  shadow: { ASSESS: () => ({ observation: observation() }) },
  'stop-and-copy': {
    ...LOG_AND_DEVICES,
    CONTINUE: none,
    HALT: none,
    GUEST_REACHED: guestReached,
    DESTINATION_REACHED: () => destinationReached('loaded'),
  },
  'post-copy': { PAUSE: none, RECOVER: none },
  'in-doubt': {
    RESOLVE: none,
    SOURCE_FENCED: none,
    DESTINATION_FENCED: none,
    DESTINATION_REACHED: () => destinationReached('running'),
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
    DESTINATION_REACHED: () => destinationReached('prepared'),
    MIGRATE: none,
    CANCEL: none,
    CONTINUE: none,
    START_POSTCOPY: none,
    PAUSE: none,
    RECOVER: none,
    POSTCOPY_DECIDED: () => ({ round: 2 }),
    PACKAGE_SENT: none,
    POSTCOPY_PAUSED: () => ({ during: 'sendMissing', errno: 'ECONNRESET' }),
    POSTCOPY_RECONNECTING: none,
    POSTCOPY_RECONNECTED: none,
    POSTCOPY_RESUMED: none,
    POSTCOPY_COMPLETED: none,
    POSTCOPY_UNRECOVERED: () => ({ because: 'nobody recovered it' }),
    PRECOPY_STARTED: none,
    SWITCHOVER_DECIDED: () => ({ round: 2, because: { remainingBytes: 10 * MIB, thresholdBytes: 300_000_000 } }),
    PRECOPY_FAILED: () => ({ during: 'sendRound', errno: 'ECONNRESET' }),
    DEVICES_STOPPED: none,
    PAUSED_BEFORE_SWITCHOVER: none,
    HANDING_OVER: none,
    SWITCHED_OVER: none,
    SWITCHOVER_FAILED: () => ({ during: 'sendRemaining', errno: 'ECONNRESET', destination: 'not-started' }),
    ROLLED_BACK: () => ({ guest: 'running', because: '' }),
    TAKE_UP: none,
    SOURCE_FENCED: none,
    DESTINATION_FENCED: none,
    DOUBT_RESOLVED: () => ({ guest: 'destination', sourceFenced: false, because: '' }),
    DOUBT_REMAINS: () => ({ because: 'it does not answer' }),
    DEVICES_CHANGED: () => ({ containers: [{ id: '0', iommuTracks: true, devices: [] }] }),
    BRANCHED: () => ({ plan: { downtimeLimitMs: 50 }, world: {} }),
  },
  observed: {
    STATUS_SEEN: ({ status }) => ({ status: status === 'none' ? 'setup' : 'active', by: 'event' }),
    PASS_SEEN: ({ pass }) => ({ pass: typeof pass === 'number' ? pass + 1 : 1 }),
    STOP_SEEN: () => ({ host: 'source' }),
    RESUME_SEEN: () => ({ host: 'destination' }),
    POLL_SEEN: () => ({
      totalTimeMs: 100,
      ram: { totalBytes: 2 ** 30, remainingBytes: 10 * MIB, transferredBytes: 2 ** 29, dirtySyncCount: 2 },
    }),
  },
  'roll-back': {
    ...LOG_AND_DEVICES,
    SENDING_HALTED: none,
    GUEST_REACHED: guestRuns,
    DESTINATION_REACHED: () => destinationReached('gone'),
  },
};

const DEVICE_EVENTS: Examples<DeviceEvent> = {
  SET: ({ state }) => ({ target: state === 'RUNNING' ? 'STOP' : 'RUNNING', walk: 'whole' }),
  ARC: none,
  ARC_FAILED: () => ({ errno: 'EIO', rests: 'here' }),
  STATE_READ_BACK: () => ({ state: 'STOP' }),
  RESET: none,
  READ: () => ({ bytes: MIB }),
  GET_PRECOPY_INFO: none,
  MIG_DATA_SIZE: none,
  STATE_CHANGED: () => ({ bytes: 4096 }),
  REINIT_OPT_IN: none,
  REINITIALISED: () => ({ initialBytes: MIB }),
  IMAGE_WRITTEN: () => ({ bytes: MIB, complete: true }),
};

const roundSent = (): Commands['sendRound']['result'] => ({
  sentPages: 1000,
  zeroPages: 0,
  sentBytes: 4_104_000,
  deviceBytes: 0,
  remainingPages: 0,
  remainingBytes: 0,
  bandwidthBytesPerSecond: 1_000_000_000,
});
/** Where it was ordered to. */
const stateReached = ({ goal, target }: Near) => ({
  state: (goal ?? target ?? 'STOP') as Commands['setDeviceState']['result']['state'],
});

const RESULTS: { readonly [N in CommandName]: (near: Near) => Commands[N]['result'] } = {
  stopVcpus: none,
  resumeVcpus: none,
  throttleVcpus: none,
  limitVcpuDirtyRate: none,
  setDeviceState: stateReached,
  getDeviceState: stateReached,
  resetDevice: () => ({ state: 'RUNNING' }),
  notifyGuest: none,
  haltDma: () => ({ dmaPages: 64 }),
  confirmDmaHalted: () => ({ halted: true }),
  dirtyDmaPages: () => ({ dirtiedPages: 64 }),
  resumeDma: none,
  plugDevice: none,
  ejectDevice: none,
  removeDevice: none,
  startTracking: none,
  reportDirty: () => ({ dirtyPages: 100 }),
  stopTracking: none,
  startDirtyLog: none,
  getDirtyLog: () => ({ dirtyPages: 900 }),
  stopDirtyLog: none,
  syncBitmap: synced,
  queryDeviceSizes: (near) => ({
    devices: { [device(near)]: { initialBytes: 0, dirtyBytes: 65_536, stopCopyBytes: 2 * MIB } },
  }),
  sendRound: roundSent,
  haltRound: none,
  setDowntimeLimit: none,
  queryMigrate: () => ({
    status: 'active',
    totalTimeMs: 5000,
    downtimeLimitMs: 300,
    ram: {
      totalBytes: 2 ** 30,
      transferredBytes: 2 ** 29,
      remainingBytes: 100 * MIB,
      dirtySyncCount: 2,
      dirtyPagesPerSecond: 10_000,
      mbps: 8000,
    },
  }),
  decide: () => ({ verdict: 'switchover', because: { remainingBytes: 10 * MIB }, memory: null }),
  sendRemaining: roundSent,
  sendDeviceState: () => ({ sentBytes: 2 * MIB }),
  discardDirty: () => ({ missingPages: 1000, sentBytes: 4096 }),
  sendMissing: () => ({ sentPages: 1000, zeroPages: 0, sentBytes: 4_104_000, missingPages: 0, requestedPages: 10 }),
  reconnect: none,
  compareReceived: () => ({ missingPages: 100 }),
  releaseStorage: none,
  acquireStorage: none,
  prepareDestination: none,
  loadDestination: none,
  startDestination: none,
  quitDestination: none,
  queryDestination: () => ({ state: 'running' }),
  queryStorage: () => ({ holder: 'source' }),
};
