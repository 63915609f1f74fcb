/**
 * The destination: a process started with -incoming that is prepared, fed, loaded, started, or ended.
 *
 * It keeps the rules that a destination can keep by itself: it does not run before it holds the storage and has loaded,
 * and once it has ended nothing brings it back. Each device's resources are allocated when its initial data has arrived,
 * which takes most of a load (mlx5: 1480 of 1900 ms, qemu-devel, "Add switchover ack capability", v6, June 2023): early
 * when the data came in pre-copy, else inside the downtime.
 *
 * It can die at any time. Whoever asks it then finds the connection reset; where its host lost power, nobody answers at all.
 */
import type { DeviceState, Errno } from '../../machines/words.ts';
import type { RunClock } from '../clock/clock.ts';
import type { Link } from './link.ts';
import type { Storage } from './storage.ts';
import type { VfioFunction } from './vfio-function.ts';

export interface DestinationTimes {
  /** ns until it listens. Default 0. */
  readonly prepareNs: number;
  /** ns to load what is not VFIO: the machine's emulated devices. Default 0. */
  readonly loadNs: number;
  /** ns from the order to run to the first guest instruction. Default 0. */
  readonly startNs: number;
  /** ns to end the process. Default 0. */
  readonly quitNs: number;
}

export interface IncomingDevice {
  readonly function: VfioFunction;
  /** Of its image's size, what comes first and names the resources it needs. */
  readonly initialBytes: number;
  /** ns to allocate those, from the arrival of the initial bytes on. Default 0. */
  readonly loadInitialNs: number;
  /** ns to load the rest, once all has arrived. Default 0. */
  readonly loadNs: number;
}

export type DestinationState = 'inmigrate' | 'prepared' | 'loaded' | 'running' | 'gone';
type Finished = (errno?: Errno) => void;

export class DestinationHost {
  readonly #times: DestinationTimes;
  readonly #latencyNs: number;
  readonly #link: Link;
  readonly #clock: RunClock;
  readonly #storage: Storage;
  readonly #devices: ReadonlyMap<string, IncomingDevice>;
  readonly #runs: () => void;
  readonly #receivedBytes = new Map<string, number>();
  /** When a device's resources are, or will be, allocated. */
  readonly #allocatedNs = new Map<string, number>();
  #state: DestinationState = 'inmigrate';
  #silent = false;
  #died = false;
  /** Orders to run that have been sent and not carried out. */
  #startsUnderWay = 0;

  /** `runs` is called at the instant at which the guest runs here. */
  constructor(
    parts: { times: DestinationTimes; link: Link; clock: RunClock; storage: Storage },
    devices: ReadonlyMap<string, IncomingDevice>,
    runs: () => void,
  ) {
    this.#times = parts.times;
    this.#latencyNs = parts.link.latencyNs;
    this.#link = parts.link;
    this.#clock = parts.clock;
    this.#storage = parts.storage;
    this.#devices = devices;
    this.#runs = runs;
  }

  get state(): DestinationState {
    return this.#state;
  }

  /** It did not end by an order. */
  get died(): boolean {
    return this.#died;
  }

  /** Its host lost power: it answers nothing, and refuses nothing either. */
  get silent(): boolean {
    return this.#silent;
  }

  /** What somebody who sends to it now would find; undefined when it can receive. */
  get refuses(): Errno | undefined {
    if (this.#state === 'gone') return 'ECONNRESET';
    return this.#state === 'prepared' ? undefined : 'ENOTCONN';
  }

  /** State of each of its devices; `gone` with the process. */
  deviceStates(): Readonly<Record<string, DeviceState | 'gone'>> {
    const states = [...this.#devices].map(([id, device]) => [
      id,
      this.#state === 'gone' ? 'gone' : device.function.state,
    ]);
    return Object.fromEntries(states);
  }

  prepare(finished: Finished): void {
    this.#order(this.#times.prepareNs, finished, () => {
      if (this.#state === 'inmigrate') this.#state = 'prepared';
      return undefined;
    });
  }

  /** Waits for everything to be loaded. It proves nothing: leaving RESUMING does. EINVAL before `prepare`. */
  load(finished: Finished): void {
    if (this.#state === 'loaded' || this.#state === 'running') {
      this.#order(0, finished, () => undefined);
      return;
    }
    const arrivedNs = this.#clock.nowNs + this.#latencyNs;
    let loadedNs = arrivedNs;
    for (const [id, device] of this.#devices) {
      const allocatedNs = this.#allocatedNs.get(id) ?? arrivedNs + device.loadInitialNs;
      loadedNs = Math.max(loadedNs, Math.max(allocatedNs, arrivedNs) + device.loadNs);
    }
    this.#order(loadedNs - arrivedNs + this.#times.loadNs, finished, () => {
      if (this.#state !== 'prepared') return 'EINVAL';
      this.#state = 'loaded';
      return undefined;
    });
  }

  /** Runs the guest. EPERM without the storage, EINVAL before `load` has ended. */
  start(finished: Finished): void {
    this.#startsUnderWay++;
    const ended: Finished = (errno) => {
      this.#startsUnderWay--;
      finished(errno);
    };
    this.#order(this.#times.startNs, ended, () => {
      if (this.#state === 'running') return undefined;
      if (this.#state !== 'loaded') return 'EINVAL';
      if (this.#storage.holder !== 'destination') return 'EPERM';
      this.#state = 'running';
      this.#runs();
      return undefined;
    });
  }

  /** Takes the storage. */
  acquireStorage(finished: Finished): void {
    this.#arrive(() => {
      if (this.#state === 'gone') this.#answer(finished, 'ECONNRESET');
      else this.#storage.acquire('destination', (errno) => this.#answer(finished, errno));
    });
  }

  /** Ends the process, running guest and all: its devices die and its storage is free. */
  quit(finished: Finished): void {
    this.#arrive(() => {
      this.#clock.at(this.#clock.nowNs + Math.ceil(this.#times.quitNs), () => {
        this.#end();
        this.#storage.die('destination', () => this.#answer(finished));
      });
    });
  }

  #end(): void {
    this.#state = 'gone';
    for (const device of this.#devices.values()) device.function.kill();
  }

  /** Its process ends by itself, running guest and all; `silent`: its host with it. */
  die(silent: boolean): void {
    if (this.#state !== 'gone') this.#died = true;
    this.#silent ||= silent;
    this.#end();
    this.#storage.die('destination', () => {});
  }

  /** A message that is not an order gets there, and its answer back, if there is anybody to answer. */
  reach(act: (answered: Finished) => void, finished: Finished): void {
    this.#arrive(() => {
      if (this.#state === 'gone') this.#answer(finished, 'ECONNRESET');
      else act((errno) => this.#answer(finished, errno));
    });
  }

  /**
   * Its host is asked what became of it, and knows it of a process that has ended, too. `starting`: an order to run is on its
   * way. A host without power answers nothing.
   */
  query(told: (state: 'incoming' | 'loaded' | 'starting' | 'running' | 'gone') => void): void {
    this.#arrive(() => {
      const state = this.#queried();
      this.#clock.at(this.#clock.nowNs + Math.ceil(this.#latencyNs), () =>
        this.#link.whenUp(() => {
          if (!this.#silent) told(state);
        }),
      );
    });
  }

  #queried() {
    if (this.#state === 'gone' || this.#state === 'running') return this.#state;
    if (this.#startsUnderWay > 0) return 'starting';
    return this.#state === 'loaded' ? 'loaded' : 'incoming';
  }

  /** Part of a device's image has been put on the wire, `last` with its end. */
  receive(id: string, bytes: number, last: boolean): Errno | undefined {
    const device = this.#device(id);
    // Nobody refuses what is sent to a host without power: the sender waits for it at its next turn.
    if (this.#died) return this.#silent ? undefined : 'ECONNRESET';
    const answer = device.function.write(bytes, last);
    if ('errno' in answer) return answer.errno;
    const received = (this.#receivedBytes.get(id) ?? 0) + bytes;
    this.#receivedBytes.set(id, received);
    if (received >= device.initialBytes && !this.#allocatedNs.has(id)) {
      this.#allocatedNs.set(id, this.#clock.nowNs + this.#latencyNs + device.loadInitialNs);
    }
    return undefined;
  }

  /** When the source hears that this device's initial data has been loaded, ns on the clock; all of it has been sent. */
  ackedNs(id: string): number {
    const { initialBytes } = this.#device(id);
    const arrivedNs = this.#clock.nowNs + this.#latencyNs;
    // A device that offers none has nothing to load early, and says so as soon as it is asked.
    const loadedNs = initialBytes === 0 ? arrivedNs : Math.max(this.#allocatedNs.get(id) ?? arrivedNs, arrivedNs);
    return Math.ceil(loadedNs + this.#latencyNs);
  }

  /** An order: it arrives, takes its time, is carried out unless the process has ended, and the answer comes back. */
  #order(ns: number, finished: Finished, carryOut: () => Errno | undefined): void {
    const arrivesNs = this.#clock.nowNs + Math.ceil(this.#latencyNs);
    this.#clock.at(this.#clock.nowNs + Math.ceil(this.#latencyNs + ns), () => {
      this.#once(arrivesNs, ns, () => {
        this.#answer(finished, this.#state === 'gone' ? 'ECONNRESET' : carryOut());
      });
    });
  }

  /** What was to be there at `arrivesNs` and takes so long is over, unless the link kept it: then it takes that long from there on. */
  #once(arrivesNs: number, ns: number, act: () => void): void {
    const arrivedNs = this.#link.arrivedNs(arrivesNs);
    if (arrivedNs === arrivesNs) act();
    else if (arrivedNs === Number.POSITIVE_INFINITY) this.#link.whenUp(() => this.#once(arrivesNs, ns, act));
    else this.#clock.at(Math.max(this.#clock.nowNs, arrivedNs + Math.ceil(ns)), act);
  }

  #arrive(order: () => void): void {
    this.#clock.at(this.#clock.nowNs + Math.ceil(this.#latencyNs), () => this.#link.whenUp(order));
  }

  /** What it was about to say when it died is not said: whoever waits finds the connection reset. */
  #answer(finished: Finished, errno?: Errno): void {
    this.#clock.at(this.#clock.nowNs + Math.ceil(this.#latencyNs), () =>
      this.#link.whenUp(() => {
        if (!this.#silent) finished(this.#died ? 'ECONNRESET' : errno);
      }),
    );
  }

  #device(id: string): IncomingDevice {
    const device = this.#devices.get(id);
    if (device === undefined) throw new RangeError(`the destination has no device ${id}`);
    return device;
  }
}
