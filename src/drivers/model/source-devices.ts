/**
 * The source's devices as its vmm sees them: their state machines, and the sizes that it remembers of each.
 *
 * A vmm does not ask a device at every turn of its loop. It keeps what the last exact query answered and takes off what it
 * has read since (QEMU: hw/vfio/migration.c, vfio_update_estimated_pending_data; an empty read sets both pre-copy sizes to
 * 0). Passes end by these remembered sizes, so a device that changes all the time does not keep a pass from ending.
 */
import { loop } from '../../../machines/loops.ts';
import { type DeviceSizes, type Errno, VFIO_MIGRATION_PRE_COPY } from '../../../machines/words.ts';
import { dmaStateIn, VfioFunction } from '../../hardware/vfio-function.ts';
import type { World } from '../../hardware/world.ts';
import type { Agenda } from './agenda.ts';
import { absentDevices } from './hot-plug.ts';
import type { FilledDevice, FilledSpec } from './spec.ts';

export interface SourceDevice {
  readonly id: string;
  readonly spec: FilledDevice;
  readonly function: VfioFunction;
  sizes: DeviceSizes;
  /** When the destination's ack of its initial data comes, ns; undefined until the end of that data was told. */
  ackNs: number | undefined;
}

export class SourceDevices {
  readonly #devices = new Map<string, SourceDevice>();
  readonly #gone = new Map<string, SourceDevice>();
  readonly #world: World;
  readonly #agenda: Agenda;
  readonly #heedsReinit: boolean;

  constructor(spec: FilledSpec, world: World, agenda: Agenda) {
    this.#world = world;
    this.#agenda = agenda;
    this.#heedsReinit = loop(spec.loop).heedsReinit;
    const absent = absentDevices(spec);
    for (const device of spec.devices) if (!absent.has(device.id)) this.add(device);
    world.dmaAborted$.subscribe((id) => this.get(id).function.breakDown());
  }

  /** In the order in which they send. */
  get all(): Iterable<SourceDevice> {
    return this.#devices.values();
  }

  get(id: string): SourceDevice {
    const device = this.#devices.get(id) ?? this.#gone.get(id);
    if (device === undefined) throw new RangeError(`the source has no device ${id}`);
    return device;
  }

  /** Of a device that is there now: not one that is still to be plugged, or was unplugged. */
  present(id: string): SourceDevice | undefined {
    return this.#devices.get(id);
  }

  /** Sizes of every device; `exact` asks the devices, else they are as remembered. */
  sizes(exact: boolean): Readonly<Record<string, DeviceSizes>> {
    if (exact) for (const device of this.all) this.#ask(device);
    return Object.fromEntries([...this.all].map(({ id, sizes }) => [id, sizes]));
  }

  /** Remembered bytes of all devices: what pre-copy could still take, and all there would be if they stopped. */
  remembered(): { readonly precopyBytes: number; readonly stopCopyBytes: number } {
    let precopyBytes = 0;
    let stopCopyBytes = 0;
    for (const { sizes } of this.all) {
      precopyBytes += sizes.initialBytes + sizes.dirtyBytes;
      stopCopyBytes += sizes.stopCopyBytes;
    }
    return { precopyBytes, stopCopyBytes };
  }

  /** One read of a device in pre-copy. Nothing to read now is 0 bytes. */
  readEarly(device: SourceDevice, bytes: number): { readonly bytes: number } | { readonly errno: Errno } {
    const answer = device.function.read(bytes);
    const { initialBytes, dirtyBytes, stopCopyBytes } = device.sizes;
    if ('errno' in answer) {
      if (answer.errno !== 'ENOMSG') return answer;
      device.sizes = { initialBytes: 0, dirtyBytes: 0, stopCopyBytes };
      return { bytes: 0 };
    }
    device.sizes = {
      initialBytes: Math.max(0, initialBytes - answer.bytes),
      dirtyBytes: Math.max(0, dirtyBytes - Math.max(0, answer.bytes - initialBytes)),
      stopCopyBytes: Math.max(0, stopCopyBytes - answer.bytes),
    };
    return answer;
  }

  /** Told once: what is said to be loaded already is not, and its end is to be told again. */
  #ask(device: SourceDevice): void {
    device.sizes = askSizes(device.function);
    if (device.sizes.reinit) device.ackNs = undefined;
  }

  has(id: string): boolean {
    return this.#devices.has(id);
  }

  /** The device is gone: whoever still asks it is told ENODEV. */
  remove(id: string): void {
    const device = this.get(id);
    device.function.kill();
    this.#devices.delete(id);
    this.#gone.set(id, device);
  }

  add(spec: FilledDevice): void {
    const { id } = spec;
    const fn = new VfioFunction(spec, this.#agenda, (state, from) => {
      this.#world.advanceTo(this.#agenda.nowNs);
      this.#world.dma(id).set(dmaStateIn(state));
      if (from === 'ERROR') this.#world.deviceReset(id);
      const device = this.get(id);
      if (device.function.inPreCopy !== isPreCopy(from)) {
        device.sizes = askSizes(device.function);
        device.ackNs = undefined;
      }
    });
    if (this.#heedsReinit && offersPreCopy(spec)) fn.optInToReinit();
    this.#devices.set(id, { id, spec, function: fn, sizes: askSizes(fn), ackNs: undefined });
  }
}

function isPreCopy(state: string): boolean {
  return state === 'PRE_COPY' || state === 'PRE_COPY_P2P';
}

const NOTHING_EARLY = { initialBytes: 0, dirtyBytes: 0, reinit: false } as const;

function offersPreCopy({ features }: FilledDevice): boolean {
  return (features & VFIO_MIGRATION_PRE_COPY) !== 0;
}

function askSizes(device: VfioFunction): DeviceSizes {
  const info = device.precopyInfo();
  // Outside pre-copy there is nothing that pre-copy could take.
  const { initialBytes, dirtyBytes, reinit } = 'errno' in info ? NOTHING_EARLY : info;
  const stopCopyBytes = device.dataSizeBytes();
  return { initialBytes, dirtyBytes, stopCopyBytes, ...(reinit ? { reinit } : {}) };
}
