/**
 * What goes wrong in the modelled world by itself: a guest resets a device, a device finds new initial data, the link goes
 * down or slows, a host dies. It only lets things happen that really can, and nobody is told but who would find out.
 *
 * A guest whose vCPUs stand still resets nothing: its reset is an exit of a vCPU, and happens when they run again here, or
 * never; and nothing happens to a device that is not plugged. A host that is dead answers nothing; what it held of the storage is free, as the lock of a dead host is.
 */
import type { Subject } from 'rxjs';
import type { DeviceState, Errno } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import type { EffectId, Input } from '../../core/record.ts';
import type { DestinationHost } from '../../hardware/destination-host.ts';
import type { Link } from '../../hardware/link.ts';
import type { Host, Storage } from '../../hardware/storage.ts';
import type { SetFailure } from '../../hardware/vfio-function.ts';
import type { World } from '../../hardware/world.ts';
import type { Mishaps, WorldChange, WorldEvent } from '../mishaps.ts';
import type { Agenda } from './agenda.ts';
import type { Lane } from './lane.ts';
import type { SourceDevices } from './source-devices.ts';
import type { RateWindow } from './window.ts';

export interface Stage {
  readonly agenda: Agenda;
  readonly world: World;
  readonly link: Link;
  readonly window: RateWindow;
  readonly lane: Lane;
  readonly storage: Storage;
  readonly devices: SourceDevices;
  readonly destination: DestinationHost;
  readonly facts$: Subject<Input>;
}

export class Happenings implements Mishaps {
  readonly #stage: Stage;
  readonly #setFailures = new Map<EffectId, SetFailure>();
  readonly #losing = new Set<EffectId>();
  #sourceDied = false;
  #downUntilNs = 0;
  /** The latest of what slowed the link: an earlier one that ends does not make it faster. */
  #slowed = 0;
  #whenGuestRuns: (() => void)[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  failSet({ id }: Command<'setDeviceState'>, errno: Errno, restsIn: DeviceState): void {
    this.#setFailures.set(id, { errno, restsIn });
  }

  lose({ id }: Command<'reportDirty' | 'getDirtyLog'>): void {
    this.#losing.add(id);
  }

  /** How this SET is to fail, asked once. */
  takeSetFailure(id: EffectId): SetFailure | undefined {
    const failure = this.#setFailures.get(id);
    this.#setFailures.delete(id);
    return failure;
  }

  /** Whether what this collect finds goes to nobody, asked once. */
  takeLoss(id: EffectId): boolean {
    return this.#losing.delete(id);
  }

  /** Hosts that died; one that was ended by an order did not. */
  get dead(): readonly Host[] {
    return [
      ...(this.#sourceDied ? (['source'] as const) : []),
      ...(this.#stage.destination.died ? (['destination'] as const) : []),
    ];
  }

  /** Nobody is left who could do this, or say so. */
  silences(command: Command): boolean {
    return this.#sourceDied && isOfSource(command);
  }

  /** The vCPUs of the source run again. */
  guestRuns(): void {
    const waiting = this.#whenGuestRuns;
    this.#whenGuestRuns = [];
    for (const act of waiting) act();
  }

  become({ linkBytesPerSecond, maxBandwidthBytesPerSecond }: WorldChange): void {
    this.#stage.lane.catchUp();
    const { link, window } = this.#stage;
    if (linkBytesPerSecond !== undefined) link.become(linkBytesPerSecond);
    if (maxBandwidthBytesPerSecond !== undefined) window.capTo(maxBandwidthBytesPerSecond);
  }

  happen(event: WorldEvent): void {
    const { agenda, world, lane, devices, destination } = this.#stage;
    if (agenda.closed) return;
    lane.catchUp();
    world.advanceTo(agenda.nowNs);
    switch (event.happens) {
      case 'guest-reset':
        this.#resetByGuest(event.device);
        break;
      case 'initial-bytes-again':
        devices.present(event.device)?.function.reinitialise(event.bytes);
        break;
      case 'link-down':
        this.#linkDown(event.forNs);
        break;
      case 'link-slow':
        this.#linkSlow(event.percent, event.forNs);
        break;
      case 'destination-dies':
        destination.die(event.silent === true);
        break;
      case 'source-dies':
        this.#sourceDies();
        break;
      default:
        event satisfies never;
    }
  }

  #resetByGuest(id: string): void {
    const { agenda, world, devices, facts$ } = this.#stage;
    const device = devices.present(id);
    if (device === undefined) return;
    if (!world.vcpus.running) {
      this.#whenGuestRuns.push(() => this.#resetByGuest(id));
      return;
    }
    world.advanceTo(agenda.nowNs);
    device.function.resetByGuest();
    facts$.next({ to: `vfio/${id}`, by: 'driver', event: { type: 'RESET' } });
  }

  #linkDown(forNs: number | null): void {
    const { agenda, link } = this.#stage;
    const upNs = forNs === null ? Number.POSITIVE_INFINITY : agenda.nowNs + Math.ceil(forNs);
    this.#downUntilNs = Math.max(this.#downUntilNs, upNs);
    link.goDown(agenda.nowNs);
    if (forNs === null) return;
    agenda.at(upNs, () => {
      if (agenda.nowNs >= this.#downUntilNs) link.comeUp(agenda.nowNs);
    });
  }

  /** A turn that is on the wire ends at the speed at which it began: at most 50 ms of it. */
  #linkSlow(percent: number, forNs: number | null): void {
    const { agenda, link, lane } = this.#stage;
    this.#slowed += 1;
    const mine = this.#slowed;
    link.slowTo(percent);
    if (forNs === null) return;
    agenda.after(forNs, () => {
      if (this.#slowed !== mine) return;
      lane.catchUp();
      link.slowTo(100);
    });
  }

  /** vCPUs, devices and sender stop where they are. */
  #sourceDies(): void {
    if (this.#sourceDied) return;
    const { world, lane, storage, devices } = this.#stage;
    this.#sourceDied = true;
    world.vcpus.stop();
    for (const { id, function: fn } of devices.all) {
      fn.kill();
      world.dma(id).set('stopped');
    }
    lane.halt(() => {});
    storage.die('source', () => {});
  }
}

/** Who carries it out: the host that the guest is to leave, or the other one and what both share. */
function isOfSource(command: Command): boolean {
  switch (command.name) {
    case 'acquireStorage':
    case 'resumeDma':
      return command.params.host === 'source';
    case 'prepareDestination':
    case 'loadDestination':
    case 'startDestination':
    case 'quitDestination':
    case 'queryDestination':
    case 'queryStorage':
      return false;
    default:
      return !command.by.startsWith('device/destination/');
  }
}
