/**
 * One modelled device's migration side: the kernel's own state machine (machines/vfio-device.ts), walked arc by arc on the
 * run's clock, and its data streams. The source's devices and the destination's are both this.
 *
 * A SET is synchronous in the kernel and cannot be called back: once begun it goes on, whoever stops waiting. What the
 * chart refuses is refused here with the chart's errno; nothing is decided twice. What the device writes into guest memory
 * is elsewhere (dma/device-dma.ts) and follows from the state that this one tells.
 *
 * Its user is one process that holds at most one data_fd. A reset by the guest leaves that fd in its hands, dead, and its
 * idea of the state behind: `offersEarly` is what the user believes, `inPreCopy` what is the case.
 */
import { nextArc, path } from '../../machines/vfio-arcs.ts';
import { vfioDevice } from '../../machines/vfio-device.ts';
import type { DeviceContext, DeviceEvent, DeviceFact } from '../../machines/vfio-protocol.ts';
import type { DeviceState, Errno, FeatureMask } from '../../machines/words.ts';
import type { Entry, RunClock } from '../clock/clock.ts';
import { createChart, type Snapshot } from '../core/chart.ts';
import type { DmaState } from './dma/device-dma.ts';

/** ns that the last step into a state takes. A quiesce is `p2pNs`: what was outstanding is finished before it returns. */
export interface DeviceTimes {
  readonly preCopyNs: number;
  /** RUNNING_P2P and PRE_COPY_P2P, from wherever. */
  readonly p2pNs: number;
  readonly stopNs: number;
  readonly stopCopyNs: number;
  readonly resumingNs: number;
  readonly runNs: number;
  readonly resetNs: number;
}

export interface VfioFunctionSpec {
  readonly features: FeatureMask;
  /** What can be read in PRE_COPY at first, bytes. */
  readonly initialBytes: number;
  /** How fast state that was read early changes again while the device runs; never more of it than `initialBytes`. */
  readonly dirtyBytesPerSecond: number;
  /** All that must be sent if the device stopped now, bytes; `initialBytes` is part of it. */
  readonly stopCopyBytes: number;
  readonly times: DeviceTimes;
  /** Where RESUMING to STOP leaves it when the image is incomplete: still in RESUMING, or in ERROR. */
  readonly onBadImage: 'stay' | 'error';
}

/** The state where the device rests after a SET or a reset, and what went wrong if it did. */
export interface Rested {
  readonly state: DeviceState;
  readonly errno?: Errno;
}

/** How a SET is to fail: the state where it rests, on its way, its target, or ERROR. */
export interface SetFailure {
  readonly errno: Errno;
  readonly restsIn: DeviceState;
}

/** QEMU closes the new data_fd and fails the SET: "data_fd out of sync", hw/vfio/migration.c, vfio_migration_set_state. */
const OUT_OF_SYNC: Errno = 'EBADF';

type Fact<T extends DeviceFact['type']> = Extract<DeviceFact, { type: T }>;
type StreamAnswer = { readonly bytes: number } | { readonly errno: Errno };

/** In these a stream is open; in the others its user has closed the fd. */
const STREAMING: readonly DeviceState[] = ['PRE_COPY', 'PRE_COPY_P2P', 'STOP_COPY', 'RESUMING'];

/** One stepper serves all devices: it keeps no device's state. */
const chart = createChart(vfioDevice);

/** What a device may write in a state: include/uapi/linux/vfio.h, the comment above `enum vfio_device_mig_state`. */
export function dmaStateIn(state: DeviceState): DmaState {
  if (state === 'RUNNING' || state === 'PRE_COPY') return 'running';
  return state === 'RUNNING_P2P' || state === 'PRE_COPY_P2P' ? 'p2pQuiet' : 'stopped';
}

export class VfioFunction {
  readonly #spec: VfioFunctionSpec;
  readonly #clock: RunClock;
  readonly #entered: (state: DeviceState, from: DeviceState) => void;
  #snapshot: Snapshot;
  #rested: ((rested: Rested) => void) | undefined;
  /** GETs that wait for the SET under way. */
  readonly #asked: ((rested: Rested) => void)[] = [];
  #failure: SetFailure | undefined;
  #arc: Entry | undefined;
  /** Session of the data_fd that the user holds, dead or not. */
  #heldSession: number | undefined;
  /** Where its user believes it to be. */
  #believed: DeviceState;
  #dead = false;
  #broken = false;
  #changedUntilNs: number;
  #changedFraction = 0;

  /** `entered` is told each state as it is entered. Throws a RangeError for sizes that contradict each other. */
  constructor(
    spec: VfioFunctionSpec,
    clock: RunClock,
    entered: (state: DeviceState, from: DeviceState) => void = () => {},
  ) {
    if (!(spec.stopCopyBytes >= spec.initialBytes)) {
      throw new RangeError(`${spec.stopCopyBytes} bytes of state do not hold ${spec.initialBytes} initial bytes`);
    }
    this.#spec = spec;
    this.#clock = clock;
    this.#entered = entered;
    this.#changedUntilNs = clock.nowNs;
    this.#snapshot = chart.start({
      features: spec.features,
      initialBytes: spec.initialBytes,
      stopCopyBytes: spec.stopCopyBytes - spec.initialBytes,
      onBadImage: spec.onBadImage,
    }).snapshot;
    this.#believed = this.state;
  }

  get state(): DeviceState {
    return this.#snapshot.value as DeviceState;
  }

  /** The process that had it open is gone. */
  get dead(): boolean {
    return this.#dead;
  }

  /** In PRE_COPY or PRE_COPY_P2P. */
  get inPreCopy(): boolean {
    return this.state === 'PRE_COPY' || this.state === 'PRE_COPY_P2P';
  }

  /** Its user believes it to be in PRE_COPY or PRE_COPY_P2P, and reads its stream. */
  get offersEarly(): boolean {
    return this.#believed === 'PRE_COPY' || this.#believed === 'PRE_COPY_P2P';
  }

  /**
   * SET of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE. A second one while one is under way is refused with EBUSY. One that is to
   * fail rests where it began if `restsIn` is not on its way.
   */
  set(target: DeviceState, rested: (rested: Rested) => void, failure?: SetFailure): void {
    // The chart tells the refusal of a second SET and the end of the first by the same fact: keep the two apart.
    const refusal = this.#dead ? 'ENODEV' : this.#rested === undefined ? undefined : 'EBUSY';
    if (refusal !== undefined) {
      rested({ state: this.state, errno: refusal });
      return;
    }
    this.#rested = rested;
    this.#failure = failure;
    // It counts only for a SET that opens a stream: the state has changed then, and the kernel drops the stream.
    const handOutErrno =
      this.#heldSession !== undefined ? OUT_OF_SYNC : failure?.restsIn === target ? failure.errno : undefined;
    this.#step({ type: 'SET', target, walk: 'stepwise', ...(handOutErrno === undefined ? {} : { handOutErrno }) });
    this.#walk(target, rested);
  }

  /**
   * GET of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE. It waits for a SET under way, which holds the driver's state mutex
   * (drivers/vfio/pci/mlx5/main.c, mlx5vf_pci_get_device_state): what it tells is where the device has come to rest.
   */
  get(told: (rested: Rested) => void): void {
    if (this.#rested === undefined) told(this.#dead ? { state: this.state, errno: 'ENODEV' } : { state: this.state });
    else this.#asked.push(told);
  }

  /** The guest's own reset (FLR), at once: RUNNING, and the user's fd is dead. DMA logging goes on (mlx5). */
  resetByGuest(): void {
    if (this.#dead) return;
    this.#resetNow();
  }

  /** The running device found new initial data, all of what is unread with it (Linux 7.1). Nothing outside pre-copy. */
  reinitialise(bytes: number): void {
    if (this.#dead || !this.inPreCopy) return;
    this.#change();
    const { initialBytes, dirtyBytes } = this.#snapshot.context as DeviceContext;
    this.#step({ type: 'REINITIALISED', initialBytes: initialBytes + dirtyBytes + bytes });
  }

  /** VFIO_DEVICE_FEATURE_MIG_PRECOPY_INFOv2: from now on it tells new initial data apart. */
  optInToReinit(): void {
    this.#step({ type: 'REINIT_OPT_IN' });
  }

  /** VFIO_DEVICE_RESET: to RUNNING from any state. A SET under way fails with EIO; every stream dies. */
  reset(rested: (rested: Rested) => void): void {
    this.#clock.at(this.#clock.nowNs + Math.ceil(this.#spec.times.resetNs), () => {
      if (!this.#dead) {
        this.#resetNow();
        this.#believed = this.state;
        this.#heldSession = undefined;
      }
      rested(this.#dead ? { state: this.state, errno: 'ENODEV' } : { state: this.state });
    });
  }

  /** Something went wrong in the device that only a reset repairs: its next SET ends in ERROR, with EIO. */
  breakDown(): void {
    this.#broken = true;
  }

  /** Its process ends: a SET under way fails with ENODEV, and so does all that follows. */
  kill(): void {
    this.#dead = true;
    if (this.#arc !== undefined) this.#clock.cancel(this.#arc);
    this.#finish({ state: this.state, errno: 'ENODEV' });
  }

  /** read() of the saving stream. 0 bytes in STOP_COPY: the end. ENOMSG in pre-copy: nothing now. */
  read(bytes: number): StreamAnswer {
    this.#change();
    return streamAnswer(this.#ask('READ_ANSWERED', { type: 'READ', bytes, ...this.#held() }));
  }

  /** VFIO_MIG_GET_PRECOPY_INFO; EINVAL outside pre-copy. */
  precopyInfo():
    | { readonly initialBytes: number; readonly dirtyBytes: number; readonly reinit: boolean }
    | { readonly errno: Errno } {
    this.#change();
    const { type: _, ...answer } = this.#ask('PRECOPY_INFO_ANSWERED', { type: 'GET_PRECOPY_INFO', ...this.#held() });
    return answer;
  }

  /** VFIO_DEVICE_FEATURE_MIG_DATA_SIZE: all that would have to be sent now, what pre-copy could still take included. */
  dataSizeBytes(): number {
    this.#change();
    return this.#ask('MIG_DATA_SIZE_ANSWERED', { type: 'MIG_DATA_SIZE' }).stopCopyBytes;
  }

  /** write() to the resuming stream; `complete` with the image's last byte. */
  write(bytes: number, complete: boolean): StreamAnswer {
    if (this.#dead) return { errno: 'ENODEV' };
    return streamAnswer(this.#ask('WRITE_ANSWERED', { type: 'IMAGE_WRITTEN', bytes, complete, ...this.#held() }));
  }

  /** Takes the next arc when its time has passed, until the SET has ended. */
  #walk(target: DeviceState, rested: (rested: Rested) => void): void {
    if (this.#rested !== rested) return;
    const next = nextArc(this.#spec.features, this.state, target);
    if (next === 'EINVAL') throw new Error(`no arc from ${this.state} to ${target}, and the chart walks it`);
    this.#arc = this.#clock.at(this.#clock.nowNs + Math.ceil(nsInto(next, this.#spec.times)), () => {
      this.#arc = undefined;
      this.#step(this.#nextEvent(target));
      this.#walk(target, rested);
    });
  }

  /** The next arc is taken, or it is the one that fails. */
  #nextEvent(target: DeviceState): DeviceEvent {
    if (this.#broken) return { type: 'ARC_FAILED', errno: 'EIO', rests: 'ERROR' };
    if (this.#failure === undefined) return { type: 'ARC' };
    const { errno, restsIn } = this.#failure;
    const way = path(this.#spec.features, this.state, target);
    if (way !== 'EINVAL' && way.includes(restsIn)) return { type: 'ARC' };
    return { type: 'ARC_FAILED', errno, rests: restsIn === 'ERROR' ? 'ERROR' : 'here' };
  }

  #resetNow(): void {
    if (this.#arc !== undefined) this.#clock.cancel(this.#arc);
    this.#arc = undefined;
    this.#broken = false;
    this.#step({ type: 'RESET' });
  }

  #held(): { readonly session?: number } {
    return this.#heldSession === undefined ? {} : { session: this.#heldSession };
  }

  /** A SET has ended. One that succeeded says which stream its user holds from now on; without any, the fd is closed. */
  #ended(fact: Fact<'SET_DONE'> | Fact<'SET_FAILED'>): void {
    const { state } = fact;
    if (fact.type === 'SET_DONE') {
      if (fact.stream !== -1) this.#heldSession = fact.stream;
      else if (!STREAMING.includes(state)) this.#heldSession = undefined;
    }
    const errno = 'errno' in fact ? fact.errno : this.#failure?.errno;
    this.#failure = undefined;
    this.#finish(errno === undefined ? { state } : { state, errno });
  }

  #finish(rested: Rested): void {
    const tell = this.#rested;
    if (tell !== undefined) this.#believed = rested.state;
    this.#rested = undefined;
    tell?.(rested);
    for (const told of this.#asked.splice(0)) this.get(told);
  }

  #ask<T extends DeviceFact['type']>(answer: T, event: DeviceEvent): Fact<T> {
    const found = this.#step(event).find((fact) => fact.type === answer);
    if (found === undefined) throw new Error(`a device in ${this.state} does not answer ${event.type}`);
    return found as Fact<T>;
  }

  #step(event: DeviceEvent): readonly DeviceFact[] {
    const from = this.state;
    if (event.type === 'ARC' || event.type === 'RESET') this.#change();
    const { snapshot, outputs } = chart.step(this.#snapshot, event);
    this.#snapshot = snapshot;
    const facts = outputs.flatMap((output) =>
      output.kind === 'emitted' ? [output.event as unknown as DeviceFact] : [],
    );
    if (this.state !== from) {
      this.#changedUntilNs = this.#clock.nowNs;
      this.#changedFraction = 0;
      this.#entered(this.state, from);
    }
    for (const fact of facts) {
      if (fact.type === 'SET_DONE' || fact.type === 'SET_FAILED') this.#ended(fact);
    }
    return facts;
  }

  /** The running device has changed state since it was looked at last; only state that was read can be dirty again. */
  #change(): void {
    if (!this.inPreCopy) return;
    const { initialBytes, dirtyBytes } = this.#snapshot.context as DeviceContext;
    const sinceNs = this.#clock.nowNs - this.#changedUntilNs;
    const due = this.#changedFraction + (this.#spec.dirtyBytesPerSecond * sinceNs) / 1e9;
    const bytes = Math.min(Math.floor(due), this.#spec.initialBytes - initialBytes - dirtyBytes);
    this.#changedUntilNs = this.#clock.nowNs;
    this.#changedFraction = due - Math.floor(due);
    if (bytes > 0) this.#step({ type: 'STATE_CHANGED', bytes });
  }
}

function streamAnswer(fact: Fact<'READ_ANSWERED' | 'WRITE_ANSWERED'>): StreamAnswer {
  return 'errno' in fact ? { errno: fact.errno } : { bytes: fact.bytes };
}

function nsInto(state: DeviceState, times: DeviceTimes): number {
  switch (state) {
    case 'PRE_COPY':
      return times.preCopyNs;
    case 'RUNNING_P2P':
    case 'PRE_COPY_P2P':
      return times.p2pNs;
    case 'STOP':
      return times.stopNs;
    case 'STOP_COPY':
      return times.stopCopyNs;
    case 'RESUMING':
      return times.resumingNs;
    case 'RUNNING':
      return times.runNs;
    case 'ERROR':
      throw new Error('no arc leads to ERROR');
    default:
      return state satisfies never;
  }
}
