/**
 * What charts tell each other: an inbox for each kind of chart, and the four kinds of output that a chart may have.
 *
 * A chart declares its outputs as named actions of a static table, so that a drawing shows them by name, their data is
 * typed at the place of use, and who tells whom is known without running anything. The functions are no-ops that carry a
 * `route`: the core reads it and does the telling. Nothing here sends anything by itself.
 */
import type { PlanChange } from './branched.ts';
import type { ObservedRam, ObservedStatus } from './observed.ts';
import type { PlanContainer } from './plan.ts';
import type { ChangedDevices } from './tracker-choice.ts';
import type {
  Because,
  CommandName,
  Commands,
  DeviceState,
  Errno,
  Observation,
  PagesBySource,
  Tracker,
  Verdict,
} from './words.ts';

/** A chart's address: its kind, or its kind and name: `guest`, `device/nic0`, `device/destination/nic0`. */
export type Address = string;

/** `asked` is the order answered, so that a barrier counts only the answer that it waits for. */
export type DeviceAnswer = {
  type: 'DEVICE_REACHED';
  device: string;
  asked: DeviceState;
  state: DeviceState | 'unknown';
  errno?: Errno | undefined;
};
export type GuestAnswer = {
  type: 'GUEST_REACHED';
  asked: 'running' | 'stopped';
  state: 'running' | 'stopped' | 'unknown';
  errno?: Errno | undefined;
};
export type DriverAnswer = {
  type: 'DRIVER_REACHED';
  device: string;
  asked: 'halted' | 'running';
  state: 'halted' | 'running' | 'unknown';
  errno?: Errno | undefined;
};
export type TrackingAnswer =
  | {
      type: 'TRACKING_REACHED';
      tracking: string;
      asked: 'tracking' | 'off';
      state: 'tracking' | 'off';
      errno?: Errno | undefined;
    }
  /** `everything`: since the last sync something was written that nobody can have seen. */
  | {
      type: 'TRACKING_SYNCED';
      tracking: string;
      dirtyPages: number;
      errno?: Errno | undefined;
      everything?: true | undefined;
    };
export type BitmapSynced = {
  type: 'BITMAP_SYNCED';
  dirtySet: number;
  remainingPages: number;
  remainingBytes: number;
  newDirtyPages: number;
  dirtyPagesBySource: PagesBySource;
  syncNs: number;
};
export type DirtyLogAnswer =
  | { type: 'DIRTY_LOG_REACHED'; asked: 'on' | 'off'; state: 'on' | 'off'; errno?: Errno | undefined }
  | BitmapSynced
  | { type: 'SYNC_FAILED'; errno: Errno };
/** A device of a set that has changed while the migration ran: all that are there now are told. */
export interface ChangedDevice {
  readonly id: string;
  readonly address: Address;
  readonly p2p: boolean;
  readonly preCopy: boolean;
}
export type DestinationAnswer = {
  type: 'DESTINATION_REACHED';
  asked: 'prepared' | 'loaded' | 'running' | 'gone';
  state: 'prepared' | 'loaded' | 'running' | 'gone' | 'failed' | 'unknown';
  /** What it was doing when it failed. */
  during?: string | undefined;
  errno?: Errno | undefined;
};

/**
 * What a throttle of the vmm is told. SYNCED: after every sync, with the pages that it found newly dirty and what has been
 * sent since the one before. `round` is the pass that has ended, or is under way; 0 at the sync before the first.
 */
export type ThrottleOrder =
  | { type: 'SYNCED'; round: number; newDirtyPages: number; sentBytes: number }
  | { type: 'PRECOPY_ENDED' }
  | { type: 'RELEASE' };

/** What each kind of chart understands from other charts and from an operator. Answers to commands are derived. */
export interface Inbox {
  guest: { type: 'STOP' } | { type: 'RESUME' } | { type: 'THROTTLE'; percent: number };
  device: { type: 'SET_STATE'; target: DeviceState };
  'guest-driver': { type: 'HALT_DMA' } | { type: 'RESUME_DMA'; host: 'source' | 'destination' };
  /** The mirror of a device follows what a SET or a read-back said. */
  vfio: { type: 'STATE_READ_BACK'; state: DeviceState };
  tracking:
    | { type: 'START' }
    | { type: 'SYNC'; final: boolean }
    | { type: 'STOP' }
    | ({ type: 'DEVICES_CHANGED' } & ChangedDevices);
  /** CHANGE_WAITS: a device is to come or go at the next sync. DEVICES_CHANGED: all that waited has been seen to. */
  'dirty-log':
    | { type: 'START' }
    | { type: 'SYNC'; final: boolean }
    | { type: 'STOP' }
    | { type: 'CHANGE_WAITS' }
    | { type: 'DEVICES_CHANGED' }
    | TrackingAnswer;
  /** An operator's orders, and the moment at which they may be carried out; SETTLE: from now on none may. */
  'hot-plug':
    | { type: 'PLUG'; device: string }
    | { type: 'UNPLUG'; device: string }
    | { type: 'CHANGE_NOW' }
    | { type: 'SETTLE'; because: string }
    | { type: 'TRACKING_CHANGED'; tracking: string; state: 'tracking' | 'off'; errno?: Errno | undefined }
    | DeviceAnswer;
  'pre-copy':
    | { type: 'HALT' }
    /** `paceBytesPerSecond`: no faster than this from the next pass on, of a rule that sets the pace of each. */
    | { type: 'VERDICT'; verdict: Verdict; because: Because; paceBytesPerSecond?: number | undefined }
    /** A policy that was asked cannot say: `during` is what it did instead. */
    | { type: 'POLICY_FAILED'; during: string; errno: Errno }
    | { type: 'SWITCHOVER_ACKED'; device: string }
    | { type: 'SET_DOWNTIME_LIMIT'; downtimeLimitMs: number }
    /** Of a run that was branched: somebody watches from now on, or nobody. */
    | { type: 'MANAGER_CHANGED'; managed: boolean }
    /** The same of the policy: the one that was asked is gone, and with it what it would have answered. */
    | { type: 'POLICY_CHANGED' }
    | { type: 'DEVICES_CHANGED'; devices: readonly ChangedDevice[] }
    | { type: 'START_POSTCOPY' }
    /** The vmm's own throttle: what is in force now; a long pass is to be looked at in its middle. */
    | { type: 'THROTTLED'; percent: number }
    | { type: 'SYNC_NOW' }
    | DirtyLogAnswer
    | DeviceAnswer
    | DriverAnswer;
  policy: { type: 'ASSESS'; observation: Observation };
  /** A policy that only watches: it is told what the policy is told. */
  shadow: { type: 'ASSESS'; observation: Observation };
  'auto-converge': ThrottleOrder;
  'dirty-limit': ThrottleOrder;
  'stepped-throttle': ThrottleOrder;
  /**
   * A manager watches from outside. MIGRATION_ACTIVE: pre-copy runs; MIGRATION_PASS: QEMU's event, at the beginning of each
   * pass; DISMISS: the switchover or the way back has begun, and no order means anything any more.
   */
  manager: { type: 'MIGRATION_ACTIVE' } | { type: 'MIGRATION_PASS'; pass: number } | { type: 'DISMISS' } | GuestAnswer;
  'stop-and-copy':
    | { type: 'CONTINUE' }
    | { type: 'HALT' }
    | GuestAnswer
    | DeviceAnswer
    | DriverAnswer
    | DirtyLogAnswer
    | DestinationAnswer;
  'post-copy': { type: 'PAUSE' } | { type: 'RECOVER' };
  destination:
    | { type: 'PREPARE' }
    | { type: 'LOAD' }
    | { type: 'TAKE_OVER' }
    | { type: 'ABANDON' }
    | { type: 'DEVICES_CHANGED'; devices: readonly ChangedDevice[] }
    | DeviceAnswer;
  migration:
    | { type: 'MIGRATE' }
    /** `because`: who else than an operator cancels, and why. */
    | { type: 'CANCEL'; because?: string | undefined }
    | { type: 'CONTINUE' }
    /** An operator's orders in QEMU's words: migrate-start-postcopy, migrate-pause, migrate-recover with migrate resume. */
    | { type: 'START_POSTCOPY' }
    | { type: 'PAUSE' }
    | { type: 'RECOVER' }
    | { type: 'POSTCOPY_DECIDED'; round: number }
    | { type: 'PACKAGE_SENT' }
    | { type: 'POSTCOPY_PAUSED'; during: string; errno?: Errno | undefined }
    | { type: 'POSTCOPY_RECONNECTING' }
    | { type: 'POSTCOPY_RECONNECTED' }
    | { type: 'POSTCOPY_RESUMED' }
    | { type: 'POSTCOPY_COMPLETED' }
    | { type: 'POSTCOPY_UNRECOVERED'; because: string }
    | { type: 'PRECOPY_STARTED' }
    | { type: 'SWITCHOVER_DECIDED'; round: number; because: Because }
    | { type: 'PRECOPY_FAILED'; during: string; errno: Errno }
    | { type: 'DEVICES_STOPPED' }
    | { type: 'PAUSED_BEFORE_SWITCHOVER' }
    | { type: 'HANDING_OVER' }
    | { type: 'SWITCHED_OVER' }
    | { type: 'SWITCHOVER_FAILED'; during: string; errno: Errno; destination: 'not-started' | 'unknown' }
    | { type: 'ROLLED_BACK'; guest: 'running' | 'stopped'; because: string }
    /** An orchestrator goes on where another one died; or, in doubt, somebody wants it settled. */
    | { type: 'TAKE_UP' }
    /** The same, by an operator who knows that this host is dead and stays so. */
    | { type: 'SOURCE_FENCED' }
    | { type: 'DESTINATION_FENCED' }
    /** Who has the guest; `source`: the destination never will, so that the source may. */
    | { type: 'DOUBT_RESOLVED'; guest: 'destination' | 'source' | 'lost'; sourceFenced: boolean; because: string }
    | { type: 'DOUBT_REMAINS'; because: string }
    | { type: 'DEVICES_CHANGED'; containers: readonly PlanContainer[] }
    /** An operator goes on differently from here: `plan` is what the charts have other from now on; `world`, the driver. */
    | { type: 'BRANCHED'; plan: PlanChange; world: Readonly<Record<string, unknown>> }
    | DeviceAnswer
    | DriverAnswer
    | DirtyLogAnswer
    | DestinationAnswer;
  /** What somebody's log says was seen of a migration that is not ours. `by`: a poll sees a status some time after it began. */
  observed:
    | { type: 'STATUS_SEEN'; status: ObservedStatus; by: 'event' | 'poll' }
    | { type: 'PASS_SEEN'; pass: number }
    | { type: 'STOP_SEEN'; host: 'source' | 'destination' }
    | { type: 'RESUME_SEEN'; host: 'source' | 'destination' }
    | {
        type: 'POLL_SEEN';
        totalTimeMs?: number | undefined;
        downtimeMs?: number | undefined;
        expectedDowntimeMs?: number | undefined;
        ram?: ObservedRam | undefined;
      };
  'in-doubt': { type: 'RESOLVE' } | { type: 'SOURCE_FENCED' } | { type: 'DESTINATION_FENCED' } | DestinationAnswer;
  'roll-back':
    | { type: 'SENDING_HALTED' }
    | GuestAnswer
    | DeviceAnswer
    | DriverAnswer
    | DirtyLogAnswer
    | DestinationAnswer;
}

/** Facts: what charts announce to whoever listens (reports, progress, inspectors). Nobody decides on them. */
export interface Facts {
  STATUS_CHANGED: { readonly status: string };
  /** `again`: devices came or went while it was tracking; absent: at a start. */
  TRACKER_CHOSEN: {
    readonly tracking: string;
    readonly tracker: Tracker;
    readonly because: string;
    readonly again?: true | undefined;
  };
  WARNED: { readonly of: string; readonly errno?: Errno | undefined };
  ROUND_ASSESSED: {
    readonly round: number;
    readonly verdict: Verdict;
    readonly because: Because;
    readonly observation: Observation;
    readonly waitingForAck: boolean;
  };
  /** A manager turned a knob of the vmm; `because` is what it saw, in numbers. */
  MANAGER_DECIDED: { readonly manager: string; readonly verdict: Verdict; readonly because: Because };
  /** What a shadow would have done, at the last observation; nobody acts on it. */
  SHADOW_JUDGED: { readonly verdict: Verdict; readonly because: Because };
  SHADOW_FAILED: { readonly during: string; readonly errno: Errno };
  /** A manager has the guest stopped before the switchover: the downtime begins here. */
  GUEST_SUSPENDED: { readonly manager: string };
  SWITCHOVER_PHASE_ENTERED: { readonly phase: SwitchoverPhase };
  ENDED: { readonly outcome: Outcome; readonly reason: string };
}

/** The split of the downtime: cloud-hypervisor's DowntimeContext, with the VFIO barrier and the final sync named apart. */
export type SwitchoverPhase =
  | 'suspend'
  | 'stop-vcpus'
  | 'quiesce'
  | 'pause'
  | 'final-sync'
  | 'memory'
  | 'device-state'
  | 'load'
  | 'resume';

export const OUTCOMES = ['completed', 'cancelled', 'failed', 'blocked', 'unconverged', 'in-doubt'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type Kind = keyof Inbox;
/** A message as it arrives: the core adds the sender, and the time in ns on the run's clock. */
export type Received<K extends Kind> = Inbox[K] & { readonly from: Address; readonly atNs: number };

type OneKind = { [K in Kind]: readonly [K, Inbox[K]['type']] }[Kind];
type ManyKinds = { [K in Kind]: readonly [readonly [K, ...Kind[]], Inbox[K]['type']] }[Kind];
/** To whom (one kind, or those that share an answer) and what. */
export type Route = OneKind | ManyKinds;

type DataOf<K extends Kind, T> = Omit<Extract<Inbox[K], { type: T }>, 'type'>;
type DataOfRoute<R> = R extends readonly [infer K extends Kind, infer T]
  ? DataOf<K, T>
  : R extends readonly [readonly [infer K extends Kind, ...unknown[]], infer T]
    ? DataOf<K, T>
    : never;
/** `to` names the receivers where a kind has several members; the kind itself is the address otherwise. */
type MessageParams<R> = keyof DataOfRoute<R> extends never
  ? undefined | { readonly to?: Address | readonly Address[] }
  : DataOfRoute<R> & { readonly to?: Address | readonly Address[] };
type CommandParams<N extends CommandName> = keyof Commands[N]['params'] extends never
  ? undefined
  : Commands[N]['params'];

/** What the core reads from an action's implementation. */
export type OutputRoute =
  | { readonly kind: 'message'; readonly to: readonly Kind[]; readonly type: string }
  | { readonly kind: 'command'; readonly name: CommandName }
  | { readonly kind: 'open'; readonly chart: Kind }
  | { readonly kind: 'close'; readonly chart: Kind }
  | { readonly kind: 'fact'; readonly type: keyof Facts };

/** An action that does nothing itself: the core acts on its route. */
// biome-ignore lint/suspicious/noExplicitAny: an action implementation must accept every chart's arguments.
export type Output<P> = ((args: any, params: P) => void) & { readonly route: OutputRoute };

function output<P>(route: OutputRoute): Output<P> {
  return Object.assign(() => {}, { route });
}

/** Messages: `messages({ stopGuest: ['guest', 'STOP'] })`. */
export function messages<const R extends Record<string, Route>>(
  routes: R,
): { [N in keyof R]: Output<MessageParams<R[N]>> } {
  const table = Object.entries(routes).map(([name, [kinds, type]]) => {
    const to = (typeof kinds === 'string' ? [kinds] : kinds) as readonly Kind[];
    return [name, output({ kind: 'message', to, type })];
  });
  return Object.fromEntries(table);
}

/** Commands to drivers: `commands('sendRound')`; the action has the command's own name. */
export function commands<const N extends readonly CommandName[]>(
  ...names: N
): { [K in N[number]]: Output<CommandParams<K>> } {
  const table = names.map((name) => [name, output({ kind: 'command', name })]);
  return Object.fromEntries(table);
}

export interface Opening {
  readonly address: Address;
  readonly input: unknown;
}

/** Opening of charts: `opens({ openDevices: 'device' })`; params name each address and its input. */
export function opens<const R extends Record<string, Kind>>(
  charts: R,
): { [N in keyof R]: Output<{ readonly charts: readonly Opening[] }> } {
  const table = Object.entries(charts).map(([name, chart]) => [name, output({ kind: 'open', chart })]);
  return Object.fromEntries(table);
}

/** Closing of charts, with everything they wait for: `closes({ closePreCopy: 'pre-copy' })`. */
export function closes<const R extends Record<string, Kind>>(
  charts: R,
): { [N in keyof R]: Output<undefined | { readonly addresses: readonly Address[] }> } {
  const table = Object.entries(charts).map(([name, chart]) => [name, output({ kind: 'close', chart })]);
  return Object.fromEntries(table);
}

/** Facts: `facts({ announce: 'STATUS_CHANGED' })`. */
export function facts<const R extends Record<string, keyof Facts>>(routes: R): { [N in keyof R]: Output<Facts[R[N]]> } {
  const table = Object.entries(routes).map(([name, type]) => [name, output({ kind: 'fact', type })]);
  return Object.fromEntries(table);
}
