/**
 * The model as a driver: every command that a chart can give, carried out by modelled hardware on the run's clock.
 *
 * It decides nothing: what is asked in a wrong moment fails with the errno that the real thing would give. The same spec,
 * the same commands at the same times and the same clock give the same answers.
 * The file is long because it has a line for every command.
 */
import { type Observable, Subject, type Subscription } from 'rxjs';
import { loop } from '../../../machines/loops.ts';
import {
  type Answer,
  COMMANDS,
  type CommandName,
  type Commands,
  type DeviceState,
  type Errno,
} from '../../../machines/words.ts';
import type { RunClock } from '../../clock/clock.ts';
import type { Command } from '../../core/effect.ts';
import type { EffectId, Input } from '../../core/record.ts';
import { DestinationHost, type DestinationState, type IncomingDevice } from '../../hardware/destination-host.ts';
import { takeOutAbsent } from '../../hardware/hot-plug.ts';
import type { PageArena } from '../../hardware/kernels/page-arena.ts';
import type { KvmDirtyLog } from '../../hardware/kvm/dirty-log.ts';
import { Link } from '../../hardware/link.ts';
import { MigrationBitmap } from '../../hardware/migration-bitmap.ts';
import type { PageSends } from '../../hardware/page-sends.ts';
import { PageSender, type Rearm } from '../../hardware/sender.ts';
import type { LinkShare } from '../../hardware/shared-link.ts';
import { type Host, Storage } from '../../hardware/storage.ts';
import type { LostPages } from '../../hardware/truth.ts';
import type { Rested, VfioFunction } from '../../hardware/vfio-function.ts';
import { createWorld, type World } from '../../hardware/world.ts';
import type { Driver, Found, Measured, Progress } from '../driver.ts';
import type { Mishaps } from '../mishaps.ts';
import { Agenda } from './agenda.ts';
import { Channels, pageThreadNs, wirePageBytes } from './channels.ts';
import { GuestDrivers } from './guest-drivers.ts';
import { Happenings } from './happenings.ts';
import { absentDevices, HotPlug, incomingDevice } from './hot-plug.ts';
import { type Job, Jobs } from './jobs.ts';
import { Lane, type Transmission } from './lane.ts';
import { Peek } from './peek.ts';
import { DiscardDirty, MissingPages, PostCopy } from './post-copy.ts';
import { MigrateQuery } from './query-migrate.ts';
import { Round } from './round.ts';
import { SourceDevices } from './source-devices.ts';
import { type FilledSpec, fillSpec, type ModelSpec } from './spec.ts';
import { DeviceStateCopies, DeviceStateCopy, RemainingCopy } from './stop-phase.ts';
import type { Stream } from './stream.ts';
import { Tracking } from './tracking.ts';
import { RateWindow } from './window.ts';

/** How many lost pages are named, of all that are counted. */
const LOST_PAGES_NAMED_MAX = 16;
/** At most one progress in this time: as long as QEMU's window. */
const PROGRESS_NS = 100_000_000;

/** What really is the case, for checkers; no chart is told. */
export interface Inspection {
  readonly storage: Host | 'nobody';
  readonly sourceRuns: boolean;
  readonly destinationRuns: boolean;
  readonly destination: DestinationState;
  readonly devices: {
    readonly source: Readonly<Record<string, DeviceState>>;
    readonly destination: Readonly<Record<string, DeviceState | 'gone'>>;
  };
  /** Hosts that died, and did not end by an order. */
  readonly dead: readonly Host[];
  /** At the instant at which the destination ran; undefined before. */
  readonly lost: LostPages | undefined;
}

export interface ModelOptions {
  /** Its place on a link that others send over, too. */
  readonly share?: LinkShare | undefined;
  /** Where its page sets are to be; in one of its own unless given. */
  readonly arena?: PageArena | undefined;
}

export interface ModelDriver extends Driver {
  readonly world: World;
  /** Which pages are sent, as they go out; nothing is made of it while nobody listens. */
  readonly sends$: Observable<PageSends>;
  /** Who watches the page writes: those of the world, and `host-log`. Unsubscribing one makes it blind. */
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly progress$: Observable<Progress>;
  readonly mishaps: Mishaps;
  inspect(): Inspection;
  measured(): Measured;
}

/** What it can do, alike for every run. */
const ALL_COMMANDS: Driver['commands'] = new Set(Object.keys(COMMANDS) as CommandName[]);
const VERDICTS: Driver['verdicts'] = new Set([
  'continue',
  'switchover',
  'throttlePercent',
  'downtimeLimitMs',
  'postcopy',
  'pauseGuest',
  'abort',
]);
const SIZES: Driver['sizes'] = new Set(['initialBytes', 'dirtyBytes', 'stopCopyBytes']);

/** Throws a RangeError for a spec that contradicts itself. */
export function createModelDriver(spec: ModelSpec, clock: RunClock, options: ModelOptions = {}): ModelDriver {
  const model = new Model(fillSpec(spec), clock, options);
  // A plain object, so that a wrapper can be made by spreading it.
  return {
    name: 'model',
    commands: ALL_COMMANDS,
    loop: 'we',
    verdicts: VERDICTS,
    sizes: SIZES,
    facts$: model.facts$.asObservable(),
    pages$: model.world.pages$,
    progress$: model.progress$.asObservable(),
    sends$: model.sends$.asObservable(),
    world: model.world,
    subscriptions: model.subscriptions,
    mishaps: model.happenings,
    perform: (command, answer) => model.perform(command, answer),
    abandon: (id) => model.abandon(id),
    reconcile: async (pending) => pending.map(({ id }) => ({ id, found: model.found(id) })),
    measured: () => model.measured(),
    inspect: () => model.inspect(),
    close: () => model.close(),
  };
}

type Handlers = { readonly [N in CommandName]: (command: Command<N>, job: Job<N>) => void };

class Model {
  readonly facts$ = new Subject<Input>();
  readonly progress$ = new Subject<Progress>();
  readonly sends$ = new Subject<PageSends>();
  readonly world: World;
  readonly subscriptions: ReadonlyMap<string, Subscription>;
  readonly happenings: Happenings;
  readonly #spec: FilledSpec;
  readonly #agenda: Agenda;
  readonly #jobs: Jobs;
  readonly #storage: Storage;
  readonly #tracking: Tracking;
  readonly #sourceDevices: SourceDevices;
  readonly #guestDrivers: GuestDrivers;
  readonly #destinationDevices: ReadonlyMap<string, IncomingDevice>;
  readonly #hotPlug: HotPlug;
  readonly #destination: DestinationHost;
  readonly #stream: Stream;
  readonly #postCopy: PostCopy;
  readonly #query: MigrateQuery;
  readonly #lane = new Lane();
  #sentBytes = 0;
  #nextProgressNs = 0;
  #lost: LostPages | undefined;

  constructor(spec: FilledSpec, clock: RunClock, { share, arena }: ModelOptions) {
    this.#spec = spec;
    this.#agenda = new Agenda(clock);
    this.#jobs = new Jobs(this.#agenda);
    this.world = createWorld(spec, arena);
    const link = new Link(spec.link);
    const bitmap = new MigrationBitmap(this.world.memory);
    this.#storage = new Storage(spec.storage, this.#agenda);
    this.#tracking = new Tracking(spec, this.world, bitmap, this.#agenda);
    const { hostLog } = this.#tracking;
    const watching = this.world.pages$.subscribe((batch) => hostLog.receive(batch));
    this.subscriptions = new Map([...this.world.subscriptions, ['host-log', watching]]);
    this.#sourceDevices = new SourceDevices(spec, this.world, this.#agenda);
    const destination = incomingDevices(spec, this.#agenda);
    this.#destinationDevices = destination;
    takeOutAbsent(this.world, spec.containers);
    this.#hotPlug = new HotPlug({
      spec,
      world: this.world,
      agenda: this.#agenda,
      source: this.#sourceDevices,
      destination,
    });
    this.#destination = new DestinationHost(
      { times: spec.hosts.destination, link, clock: this.#agenda, storage: this.#storage },
      this.#destinationDevices,
      () => this.#handedOver(),
    );
    this.#guestDrivers = new GuestDrivers(this.world, this.#agenda, () => this.#destination.state === 'running');
    const compressed = spec.threads.compression === undefined ? {} : { contentBytes: wirePageBytes(spec) };
    const dialect = { ...loop(spec.loop), ...spec.wire };
    const windowNs = dialect.windowMs === undefined ? Number.POSITIVE_INFINITY : dialect.windowMs * 1e6;
    const window = new RateWindow(spec.maxBandwidthBytesPerSecond, windowNs);
    this.happenings = new Happenings({
      agenda: this.#agenda,
      world: this.world,
      link,
      window,
      lane: this.#lane,
      storage: this.#storage,
      devices: this.#sourceDevices,
      destination: this.#destination,
      facts$: this.facts$,
    });
    this.#stream = {
      spec,
      loop: dialect,
      agenda: this.#agenda,
      world: this.world,
      bitmap,
      pages: new PageSender(
        bitmap.unsent,
        this.world.memory,
        this.world.truth,
        { ...spec.sender, pageNs: pageThreadNs(spec) },
        { ...dialect, ...compressed },
        rearming(this.world.kvmLog),
      ),
      peek: new Peek(this.world),
      devices: this.#sourceDevices,
      link,
      share,
      connection: { broken: false },
      channels: new Channels(spec.multifd),
      window,
      // QEMU's default, until the first pass says: migration/options.c, DEFAULT_MIGRATE_SET_DOWNTIME.
      limit: { downtimeMs: 300 },
      destination: this.#destination,
      facts$: this.facts$,
      sends$: this.sends$,
      progressed: (round, bytes, aheadPages) => this.#progressed(round, bytes, aheadPages),
      watched: () => this.progress$.observed,
    };
    this.#stream.pages.told = (set, firstPage, endPage, beganNs, endedNs) => {
      if (!this.sends$.observed) return;
      const { nowNs } = this.#agenda;
      this.sends$.next({
        fromNs: nowNs + beganNs,
        toNs: nowNs + endedNs,
        form: 'set',
        set,
        firstPage,
        endPage,
      });
    };
    this.#postCopy = new PostCopy(this.#stream);
    this.#query = new MigrateQuery(this.#stream);
  }

  /** Throws a RangeError for a command, a device or a container that it does not have, and after `close`. */
  perform(command: Command, answer: (answer: Answer) => void): void {
    if (this.#agenda.closed) throw new Error('the model is closed');
    if (!Object.hasOwn(this.#handlers, command.name)) throw new RangeError(`the model has no command ${command.name}`);
    this.#lane.catchUp();
    const handle = this.#handlers[command.name] as (command: Command, job: Job<CommandName>) => void;
    const tell = (told: Answer) => {
      if (!this.happenings.silences(command)) answer(told);
    };
    this.#jobs.begin(command, tell, (job) => {
      this.world.advanceTo(this.#agenda.nowNs);
      if (!this.happenings.silences(command)) handle(command, job);
    });
  }

  abandon(id: EffectId): void {
    this.#jobs.abandon(id);
  }

  /** What became of a command; `unknown` while it is under way: it may yet be done. */
  found(id: EffectId): Found {
    return this.#jobs.found(id);
  }

  inspect(): Inspection {
    const source = [...this.#sourceDevices.all].map((device) => [device.id, device.function.state] as const);
    return {
      storage: this.#storage.holder,
      sourceRuns: this.world.vcpus.running,
      destinationRuns: this.#destination.state === 'running',
      destination: this.#destination.state,
      devices: { source: Object.fromEntries(source), destination: this.#destination.deviceStates() },
      dead: this.happenings.dead,
      lost: this.#lost,
    };
  }

  measured(): Measured {
    const wireBytes = this.#stream.link.carriedBytes;
    return this.#lost === undefined ? { wireBytes } : { wireBytes, lostPages: this.#lost.count };
  }

  close(): void {
    if (this.#agenda.closed) return;
    this.#agenda.close();
    this.#stream.share?.leave();
    for (const subscription of this.subscriptions.values()) subscription.unsubscribe();
    this.facts$.complete();
    this.progress$.complete();
    this.sends$.complete();
  }

  readonly #handlers: Handlers = {
    stopVcpus: (_, job) => this.#vcpus(this.#spec.hosts.source.stopVcpusNs, job, () => this.#stopVcpus()),
    resumeVcpus: (_, job) => this.#vcpus(this.#spec.hosts.source.resumeVcpusNs, job, () => this.#resumeVcpus()),
    throttleVcpus: ({ params }, job) => job.end(this.#throttleVcpus(params.percent), {}),
    limitVcpuDirtyRate: ({ params }, job) =>
      job.end(this.world.limitDirtyRate(params.bytesPerSecond, params.periodMs), {}),
    setDeviceState: ({ id, by, params }, job) =>
      this.#withDevice(by, job, (device, tell) => device.set(params.target, tell, this.happenings.takeSetFailure(id))),
    getDeviceState: ({ by }, job) => this.#withDevice(by, job, (device, tell) => device.get(tell)),
    resetDevice: ({ by }, job) => this.#withDevice(by, job, (device, tell) => device.reset(tell)),
    notifyGuest: (command, job) => this.#guestDrivers.notifyGuest(command, job),
    haltDma: (command, job) => this.#guestDrivers.haltDma(command, job),
    confirmDmaHalted: (command, job) => this.#guestDrivers.confirmDmaHalted(command, job),
    dirtyDmaPages: (command, job) => this.#guestDrivers.dirtyDmaPages(command, job),
    resumeDma: (command, job) => this.#guestDrivers.resumeDma(command, job),
    plugDevice: (command, job) => this.#hotPlug.plugDevice(command, job),
    ejectDevice: (command, job) => this.#hotPlug.ejectDevice(command, job),
    removeDevice: (command, job) => this.#hotPlug.removeDevice(command, job),
    startTracking: (command, job) => this.#tracking.startTracking(command, job),
    reportDirty: (command, job) => this.#tracking.reportDirty(command, job, this.happenings.takeLoss(command.id)),
    stopTracking: (command, job) => this.#tracking.stopTracking(command, job),
    startDirtyLog: (command, job) => this.#tracking.startDirtyLog(command, job),
    getDirtyLog: (command, job) => this.#tracking.getDirtyLog(command, job, this.happenings.takeLoss(command.id)),
    stopDirtyLog: (command, job) => this.#tracking.stopDirtyLog(command, job),
    syncBitmap: (command, job) => {
      this.#stream.peek.forget();
      this.#tracking.syncBitmap(command, this.#query.synced(job, command.params));
    },
    queryDeviceSizes: ({ params }, job) => job.done({ devices: this.#sourceDevices.sizes(params.exact) }),
    sendRound: ({ params }, job) => {
      this.#query.sends();
      this.#send(new Round(this.#stream, params, job), job);
    },
    setDowntimeLimit: ({ params }, job) => job.end(this.#setDowntimeLimit(params.downtimeLimitMs), {}),
    queryMigrate: (_, job) => job.done(this.#query.answer()),
    // Hardware decides nothing: whoever has the function answers before it comes here.
    decide: (_, job) => job.end('EOPNOTSUPP', { verdict: 'continue', because: {}, memory: null }),
    haltRound: (_, job) => this.#lane.halt(() => job.done({})),
    sendRemaining: ({ params }, job) => this.#send(new RemainingCopy(this.#stream, params, job), job),
    sendDeviceState: ({ params }, job) => this.#sendDeviceState(params, job),
    discardDirty: ({ params }, job) => this.#send(new DiscardDirty(this.#postCopy, params, job), job),
    sendMissing: (_, job) => this.#send(new MissingPages(this.#postCopy, job), job),
    // A push that nobody could halt ends with its connection, and what it had on the wire with it.
    reconnect: (_, job) => this.#lane.halt(() => this.#postCopy.reconnect(job)),
    compareReceived: (_, job) => this.#postCopy.compareReceived(job),
    releaseStorage: (_, job) => this.#storage.release('source', (errno) => job.end(errno, {})),
    acquireStorage: ({ params }, job) => {
      if (params.host === 'source') this.#storage.acquire('source', (errno) => job.end(errno, {}));
      else this.#destination.acquireStorage((errno) => job.end(errno, {}));
    },
    prepareDestination: (_, job) => {
      this.#query.started();
      this.#destination.prepare((errno) => job.end(errno, {}));
    },
    loadDestination: (_, job) => this.#destination.load((errno) => job.end(errno, {})),
    startDestination: (_, job) => this.#destination.start((errno) => job.end(errno, this.#lostPages())),
    quitDestination: (_, job) => this.#destination.quit((errno) => job.end(errno, {})),
    queryDestination: (_, job) => this.#destination.query((state) => job.done({ state })),
    queryStorage: (_, job) => job.done({ holder: this.#storage.holder }),
  };

  /** Nobody waiting for a transmission ends it; what was on its way is still sent. */
  #send(transmission: Transmission, job: Job<CommandName>): void {
    job.onAbandon(() => transmission.stop());
    this.#lane.add(transmission);
  }

  /** Several at once go out beside the memory where they have channels of their own. */
  #sendDeviceState(params: Commands['sendDeviceState']['params'], job: Job<'sendDeviceState'>): void {
    const { device, beside } = params;
    if (beside === undefined) {
      this.#send(new DeviceStateCopy(this.#stream, device, job), job);
      return;
    }
    const copies = new DeviceStateCopies(this.#stream, [device, ...beside], job);
    if (!this.#stream.channels.separate) {
      this.#send(copies, job);
      return;
    }
    job.onAbandon(() => copies.stop());
    this.#lane.addBeside(copies);
  }

  /** The run state changes when the answer comes. */
  #vcpus(ns: number, job: Job<'stopVcpus' | 'resumeVcpus'>, change: () => Errno | undefined): void {
    this.#agenda.after(ns, () => {
      this.world.advanceTo(this.#agenda.nowNs);
      job.end(change(), {});
    });
  }

  #stopVcpus(): undefined {
    this.world.vcpus.stop();
  }

  /** Without its storage a guest does not run: QEMU fails `cont` when it cannot activate its disks. */
  #resumeVcpus(): Errno | undefined {
    if (this.#storage.holder !== 'source') return 'EPERM';
    if (this.happenings.dead.includes('source')) return 'EIO';
    this.world.vcpus.resume();
    this.#guestDrivers.resumed();
    this.happenings.guestRuns();
    return undefined;
  }

  #throttleVcpus(percent: number): Errno | undefined {
    if (!(Number.isInteger(percent) && percent >= 0 && percent <= 99)) return 'EINVAL';
    this.world.vcpus.throttle(percent);
    return undefined;
  }

  /** QEMU takes whole ms up to 2000 s: migrate_params_check, migration/options.c. */
  #setDowntimeLimit(downtimeLimitMs: number): Errno | undefined {
    if (!(Number.isInteger(downtimeLimitMs) && downtimeLimitMs >= 0 && downtimeLimitMs <= 2_000_000)) return 'EINVAL';
    this.#stream.limit.downtimeMs = downtimeLimitMs;
    return undefined;
  }

  #handedOver(): void {
    this.world.advanceTo(this.#agenda.nowNs);
    this.#lost = this.#postCopy.handedOver() ?? this.world.truth.lostPages(LOST_PAGES_NAMED_MAX);
  }

  #lostPages(): Commands['startDestination']['result'] {
    return this.#lost === undefined ? {} : { lostPages: this.#lost.count, firstLostPages: this.#lost.firstPages };
  }

  #progressed(round: number, bytes: number, aheadPages: number): void {
    this.#sentBytes += bytes;
    const { nowNs } = this.#agenda;
    if (nowNs < this.#nextProgressNs) return;
    this.#nextProgressNs = nowNs + PROGRESS_NS;
    this.progress$.next({
      nowNs,
      round,
      remainingBytes: this.#stream.bitmap.remainingBytes + aheadPages * this.world.memory.pageBytes,
      sentBytes: this.#sentBytes,
      bandwidthBytesPerSecond: this.#stream.window.bandwidthBytesPerSecond,
    });
  }

  /** The devices of the destination are asked over the link, and are gone with the process that has them open. */
  #withDevice(
    by: string,
    job: Job<'setDeviceState' | 'getDeviceState' | 'resetDevice'>,
    ask: (device: VfioFunction, tell: (rested: Rested) => void) => void,
  ): void {
    const device = this.#deviceAt(by);
    const { link } = this.#stream;
    if (!by.startsWith('device/destination/')) {
      ask(device, ({ state, errno }) => job.end(errno, { state }));
      return;
    }
    const tell = ({ state, errno }: Rested) =>
      link.whenUp(() => {
        if (!this.#destination.silent) job.end(this.#destination.died ? 'ECONNRESET' : errno, { state });
      });
    link.whenUp(() => ask(device, tell));
  }

  /** `device/nic0` on the source, `device/destination/nic0` on the destination. */
  #deviceAt(address: string): VfioFunction {
    const onDestination = /^device\/destination\/(.+)$/.exec(address)?.[1];
    if (onDestination !== undefined) {
      const device = this.#destinationDevices.get(onDestination)?.function ?? this.#hotPlug.gone(onDestination);
      if (device === undefined) throw new RangeError(`the destination has no device ${onDestination}`);
      return device;
    }
    const onSource = /^device\/(.+)$/.exec(address)?.[1];
    if (onSource === undefined) throw new RangeError(`${address} is no device`);
    return this.#sourceDevices.get(onSource).function;
  }
}

function rearming(log: KvmDirtyLog): Rearm | undefined {
  if (log.rearmBefore === undefined) return undefined;
  return { before: (page) => log.rearmBefore!(page), takeNs: () => log.takeRearmNs?.() ?? 0 };
}

function incomingDevices(spec: FilledSpec, agenda: Agenda): Map<string, IncomingDevice> {
  const absent = absentDevices(spec);
  const there = spec.devices.filter(({ id }) => !absent.has(id));
  return new Map(there.map((device) => [device.id, incomingDevice(device, agenda)]));
}
