/**
 * Every device on both hosts, in the kernel's states, and where it serves its guest: a device whose DMA its guest's driver has
 * halted serves nobody, whatever its own state says.
 */
import type { Folded, Told } from './instant.ts';
import type { LaneTrack } from './lane-track.ts';
import { inWords, type LaneOf, type LaneWriter, leafOf } from './lane-writer.ts';

interface Service {
  /** What the device's own states allow. */
  at: 'source' | 'nobody' | 'destination';
  halted: boolean;
  /** Where the guest's driver lets it go on. */
  resumingAt: 'source' | 'destination';
}

/** In these a device of the source does not touch memory any more. */
const STANDS: ReadonlySet<string> = new Set(['STOP', 'STOP_COPY', 'ERROR', 'RESUMING']);
const SERVES_THERE: ReadonlySet<string> = new Set(['RUNNING', 'RUNNING_P2P']);

export class DeviceLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  readonly #services = new Map<string, Service>();

  constructor(laneOf: LaneOf) {
    this.#laneOf = laneOf;
  }

  see(folded: Folded): void {
    const { record, effects, told, closed, outcome } = folded;
    for (const one of told) {
      if (one.to.startsWith('vfio/')) this.#mirror(one.to.slice('vfio/'.length), leafOf(one.after), record);
      else if (one.to.startsWith('device/')) this.#control(one, record);
      else if (one.to === 'hot-plug')
        this.#laneOf('hot-plug', 'devices', 'hot-plug').enter(inWords(leafOf(one.after)), record);
    }
    for (const effect of effects) {
      if (effect.kind !== 'command') continue;
      if (effect.name === 'setDeviceState') this.#onItsWay(effect.by, effect.params.target, record);
      if (effect.name === 'resumeDma') this.#serviceOf(nameIn(effect.by)).resumingAt = effect.params.host;
    }
    if (record.kind === 'input' && outcome === 'taken') this.#answered(record.to, record.event, record);
    for (const address of closed) {
      if (address.startsWith('vfio/')) this.#deviceLane(address.slice('vfio/'.length)).leave(record);
      if (address.startsWith('vfio/') && !isThere(address))
        this.#laneOf(`service/${nameIn(address)}`, 'devices', '').leave(record);
    }
  }

  #mirror(device: string, state: string, record: Folded['record']): void {
    const lane = this.#deviceLane(device);
    lane.enter(state, record);
    if (!device.startsWith('destination/') && !this.#services.has(device)) this.#serves(device, record);
  }

  /** A SET that is under way stands in no mirror, nor does a device that nobody can reach any more. */
  #control({ to, after }: Told, record: Folded['record']): void {
    const device = to.slice('device/'.length);
    const lane = this.#deviceLane(device);
    const known = lane.now?.state;
    const leaf = leafOf(after);
    if (known === undefined || leaf === 'setting') return;
    if (leaf === 'resetting') lane.enter(known, record, { towards: 'reset' });
    else if (leaf === 'reading') lane.enter(known, record, { towards: 'read back' });
    else if (leaf === 'lost') lane.enter(known, record, { note: 'it could not be reached, or is beyond a reset' });
    else lane.enter(known, record);
  }

  #onItsWay(by: string, target: string, record: Folded['record']): void {
    const lane = this.#deviceLane(by.slice('device/'.length));
    if (lane.now !== undefined) lane.enter(lane.now.state, record, { towards: target });
  }

  #answered(to: string, event: { readonly type: string; readonly state?: unknown }, record: Folded['record']): void {
    switch (event.type) {
      case 'DONE.setDeviceState':
      case 'DONE.getDeviceState':
      case 'DONE.resetDevice':
        this.#moved(to, String(event.state), record);
        break;
      case 'DONE.haltDma':
        this.#serviceOf(nameIn(to)).halted = true;
        this.#serves(nameIn(to), record);
        break;
      case 'DONE.resumeDma': {
        const service = this.#serviceOf(nameIn(to));
        service.halted = false;
        service.at = service.resumingAt;
        this.#serves(nameIn(to), record);
        break;
      }
    }
  }

  #moved(address: string, state: string, record: Folded['record']): void {
    const device = nameIn(address);
    const service = this.#serviceOf(device);
    if (isThere(address)) {
      if (SERVES_THERE.has(state)) service.at = 'destination';
    } else if (service.at !== 'destination') service.at = STANDS.has(state) ? 'nobody' : 'source';
    this.#serves(device, record);
  }

  #serves(device: string, record: Folded['record']): void {
    const { at, halted } = this.#serviceOf(device);
    const lane = this.#laneOf(`service/${device}`, 'devices', `${device} serves`);
    lane.enter(halted ? 'DMA halted' : at, record);
  }

  #serviceOf(device: string): Service {
    let service = this.#services.get(device);
    if (service === undefined) {
      service = { at: 'source', halted: false, resumingAt: 'source' };
      this.#services.set(device, service);
    }
    return service;
  }

  #deviceLane(device: string): LaneTrack {
    const isThere = device.startsWith('destination/');
    const label = isThere ? `${device.slice('destination/'.length)}, destination` : `${device}, source`;
    return this.#laneOf(`device/${device}`, 'devices', label);
  }
}

const isThere = (address: string) => address.split('/')[1] === 'destination';

/** `device/destination/nic0` and `guest-driver/nic0` -> `nic0`. */
function nameIn(address: string): string {
  const name = address.slice(address.indexOf('/') + 1);
  return name.startsWith('destination/') ? name.slice('destination/'.length) : name;
}
