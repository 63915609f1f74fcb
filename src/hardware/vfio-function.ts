/**
 * One modelled device's migration side: the kernel's own state machine (machines/vfio-device.ts), walked arc by arc on the
 * run's clock, and its data streams. The source's devices and the destination's are both this.
 *
 * A SET is synchronous in the kernel and cannot be called back: once begun it goes on, whoever stops waiting. What the
 * chart refuses is refused here with the chart's errno; nothing is decided twice. What the device writes into guest memory
 * is elsewhere (dma/device-dma.ts) and follows from the state that this one tells.
 */
import { nextArc } from '../../machines/vfio-arcs.ts';
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

type Fact<T extends DeviceFact['type']> = Extract<DeviceFact, { type: T }>;
type StreamAnswer = { readonly bytes: number } | { readonly errno: Errno };

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
  #arc: Entry | undefined;
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

  /** SET of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE. A second one while one is under way is refused with EBUSY. */
  set(target: DeviceState, rested: (rested: Rested) => void): void {
    // The chart tells the refusal of a second SET and the end of the first by the same fact: keep the two apart.
    const refusal = this.#dead ? 'ENODEV' : this.#rested === undefined ? undefined : 'EBUSY';
    if (refusal !== undefined) {
      rested({ state: this.state, errno: refusal });
      return;
    }
    this.#rested = rested;
    this.#step({ type: 'SET', target, walk: 'stepwise' });
    this.#walk(target, rested);
  }

  /** VFIO_DEVICE_RESET: to RUNNING from any state. A SET under way fails with EIO; every stream dies. */
  reset(rested: (rested: Rested) => void): void {
    this.#clock.at(this.#clock.nowNs + Math.ceil(this.#spec.times.resetNs), () => {
      if (!this.#dead) {
        if (this.#arc !== undefined) this.#clock.cancel(this.#arc);
        this.#broken = false;
        this.#step({ type: 'RESET' });
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
    return streamAnswer(this.#ask('READ_ANSWERED', { type: 'READ', bytes }));
  }

  /** VFIO_MIG_GET_PRECOPY_INFO; EINVAL outside pre-copy. */
  precopyInfo(): { readonly initialBytes: number; readonly dirtyBytes: number } | { readonly errno: Errno } {
    this.#change();
    const { type: _, ...answer } = this.#ask('PRECOPY_INFO_ANSWERED', { type: 'GET_PRECOPY_INFO' });
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
    return streamAnswer(this.#ask('WRITE_ANSWERED', { type: 'IMAGE_WRITTEN', bytes, complete }));
  }

  /** Takes the next arc when its time has passed, until the SET has ended. */
  #walk(target: DeviceState, rested: (rested: Rested) => void): void {
    if (this.#rested !== rested) return;
    const next = nextArc(this.#spec.features, this.state, target);
    if (next === 'EINVAL') throw new Error(`no arc from ${this.state} to ${target}, and the chart walks it`);
    this.#arc = this.#clock.at(this.#clock.nowNs + Math.ceil(nsInto(next, this.#spec.times)), () => {
      this.#arc = undefined;
      this.#step(this.#broken ? { type: 'ARC_FAILED', errno: 'EIO', rests: 'ERROR' } : { type: 'ARC' });
      this.#walk(target, rested);
    });
  }

  #finish(rested: Rested): void {
    const tell = this.#rested;
    this.#rested = undefined;
    tell?.(rested);
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
      if (fact.type === 'SET_DONE') this.#finish({ state: fact.state });
      if (fact.type === 'SET_FAILED') this.#finish({ state: fact.state, errno: fact.errno });
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
