/**
 * Devices that come and go, as the model carries it out: in the world, among those that the vmm of the source has open, and
 * at the destination. It takes no time of its own. What is done already, or to a device that there is not, fails with the
 * errno that says so.
 */
import type { Errno } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import type { IncomingDevice } from '../../hardware/destination-host.ts';
import { ejectDevice, plugDevice, removeDevice } from '../../hardware/hot-plug.ts';
import { VfioFunction } from '../../hardware/vfio-function.ts';
import type { World } from '../../hardware/world.ts';
import type { Agenda } from './agenda.ts';
import type { Job } from './jobs.ts';
import type { SourceDevices } from './source-devices.ts';
import type { FilledDevice, FilledSpec } from './spec.ts';

interface Parts {
  readonly spec: FilledSpec;
  readonly world: World;
  readonly agenda: Agenda;
  readonly source: SourceDevices;
  /** Shared with the destination's host, which sees who comes and goes. */
  readonly destination: Map<string, IncomingDevice>;
}

export class HotPlug {
  readonly #parts: Parts;
  /** What the destination had open for devices that are gone: dead. */
  readonly #gone = new Map<string, VfioFunction>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** At the destination, of a device that was unplugged: dead. Undefined: none was. */
  gone(id: string): VfioFunction | undefined {
    return this.#gone.get(id);
  }

  plugDevice({ params }: Command<'plugDevice'>, job: Job<'plugDevice'>): void {
    job.end(this.#plug(params), {});
  }

  ejectDevice({ params: { device } }: Command<'ejectDevice'>, job: Job<'ejectDevice'>): void {
    const { source, world } = this.#parts;
    if (source.has(device)) ejectDevice(world, device);
    job.end(source.has(device) ? undefined : 'ENODEV', {});
  }

  removeDevice({ params }: Command<'removeDevice'>, job: Job<'removeDevice'>): void {
    job.end(this.#remove(params), {});
  }

  #plug({ device, container }: Command<'plugDevice'>['params']): Errno | undefined {
    const { spec, world, agenda, source, destination } = this.#parts;
    const described = spec.devices.find(({ id }) => id === device);
    if (described === undefined || !isIn(spec, device, container)) return 'ENODEV';
    if (source.has(device)) return 'EEXIST';
    plugDevice(world, container, device);
    source.add(described);
    destination.set(device, incomingDevice(described, agenda));
    return undefined;
  }

  #remove({ device, container }: Command<'removeDevice'>['params']): Errno | undefined {
    const { spec, world, source, destination } = this.#parts;
    if (!source.has(device) || !isIn(spec, device, container)) return 'ENODEV';
    source.remove(device);
    removeDevice(world, container, device);
    const incoming = destination.get(device);
    destination.delete(device);
    incoming?.function.kill();
    if (incoming !== undefined) this.#gone.set(device, incoming.function);
    return undefined;
  }
}

/** Described and not plugged at the start. */
export function absentDevices({ containers }: Pick<FilledSpec, 'containers'>): ReadonlySet<string> {
  return new Set(containers.flatMap(({ absent = [] }) => absent));
}

/** A device's counterpart: it loads what the device sends. */
export function incomingDevice(device: FilledDevice, agenda: Agenda): IncomingDevice {
  const { initialBytes, loadInitialNs, loadNs } = device;
  return { function: new VfioFunction(device, agenda), initialBytes, loadInitialNs, loadNs };
}

function isIn({ containers }: FilledSpec, device: string, container: string): boolean {
  return containers.some(({ id, devices }) => id === container && devices.some((one) => one.id === device));
}
