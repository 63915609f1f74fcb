/**
 * The order that loses nothing: vCPUs stopped, all devices quiet, all devices stopped, last collection, last copy, device
 * states, storage, and only then a guest on the other side; and before it, logs that run before the first page is copied.
 *
 * Sources: include/uapi/linux/vfio.h (P2P states; DMA logging starts before and ends after the device runs),
 * Documentation/virt/kvm/api.rst (dirty log, dirty ring: collect after the vCPUs have left), QEMU
 * docs/devel/migration/vfio.rst. Corruption by a wrong order may not show in a given run, so the order itself is held, not
 * its result. On the way back to a running source one order is held: devices run before the vCPUs do. Of a device
 * that only the guest's driver can tell about, see guest-order.ts.
 */
import type { Commands, DeviceState } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';
import { type Checker, type CheckResult, FirstBreak } from './checker.ts';
import { type Collection, collection, mergesTooEarly } from './collection.ts';
import { changedContainers, changeIn } from './device-changes.ts';
import { GuestOrder, guestTracks } from './guest-order.ts';
import { destinationSaysThatItRuns, type Happening, type PlannedContainer, resultOf, stateOf } from './happening.ts';

type Seen<K extends Happening['kind']> = Extract<Happening, { kind: K }>;

const STOPPED: readonly unknown[] = ['STOP', 'STOP_COPY'] satisfies DeviceState[];
const QUIET: readonly unknown[] = ['RUNNING_P2P', 'PRE_COPY_P2P', ...STOPPED];
/** Statuses of QEMU's MigrationStatus that mean the way back. */
const BACK = ['cancelling', 'cancelled', 'failing', 'failed'];

export class FinalOrder implements Checker {
  readonly name = 'final-order';
  private readonly broke = new FirstBreak(this.name);
  private readonly guest = new GuestOrder();
  private containers: readonly PlannedContainer[] = [];
  private vcpusStopped = false;
  /** From the announcement on: whatever collects now collects for the last time. */
  private switching = false;
  private goesBack = false;
  /** The source's devices by address, as last answered: on the way forward, no order that fails takes one further back. */
  private readonly states = new Map<string, DeviceState>();
  /** Devices that somebody has tried in vain to bring back, by address. */
  private readonly givenUp = new Set<string>();
  private logRuns = false;
  /** `tracking/0 nic0`: who has begun to track for which container. */
  private readonly tracks = new Set<string>();
  private collected: Collection | undefined;
  private lastSet: number | undefined;
  private finalSet: number | undefined;
  private memorySent = false;
  private readonly statesSent = new Set<string>();
  private released = false;
  private acquired = false;
  private destinationRuns = false;
  /** What each tracking chart has asked for, and been answered, in this collection. */
  private readonly reports = new Map<string, readonly string[]>();
  /** A log was stopped before the last collection: wrong if this run completes. */
  private stoppedEarly: { readonly position: number; readonly because: string } | undefined;

  see(happening: Happening): void {
    switch (happening.kind) {
      case 'opened':
        this.containers = happening.containers;
        this.guest.opened(happening.containers);
        for (const id of this.deviceIds()) this.states.set(`device/${id}`, 'RUNNING');
        break;
      case 'issued':
        this.issued(happening);
        break;
      case 'done':
        if (!happening.late) this.done(happening);
        break;
      case 'failed':
        // A log that failed has answered, too: that everything is dirty then is another checker's rule.
        if (!happening.late) {
          this.answered(happening.command);
          if (triesToRun(happening.command)) this.givenUp.add(happening.command.by);
        }
        break;
      case 'abandoned':
        break;
      case 'fact':
        this.announced(happening);
        break;
      case 'told':
        break;
      default:
        happening satisfies never;
    }
  }

  finish(): CheckResult {
    return this.broke.result();
  }

  private issued({ command, position }: Seen<'issued'>): void {
    const guestBecause = this.guest.issued(command, this.goesBack);
    const because = this.tooEarly(command) ?? guestBecause;
    if (because !== undefined) this.broke.at(position, `${command.name} ${because}`);
    switch (command.name) {
      case 'resumeVcpus':
        this.vcpusStopped = false;
        break;
      case 'getDirtyLog':
        this.reports.clear();
        this.collected = collection(this.vcpusStopped && this.notIn(STOPPED).length === 0);
        break;
      case 'syncBitmap':
        this.collected = undefined;
        break;
      case 'startDirtyLog':
        this.stoppedEarly = undefined;
        break;
      case 'stopDirtyLog':
      case 'stopTracking':
        this.stopsLog(command, position);
        break;
      case 'haltRound':
      case 'quitDestination':
        this.goesBack = true;
        break;
      case 'acquireStorage':
        if (command.params.host === 'source') {
          this.goesBack = true;
          this.released = false;
        }
        break;
    }
  }

  /** Why this order comes too early, or undefined. One case for every rule of the order. */
  private tooEarly(command: Command): string | undefined {
    switch (command.name) {
      case 'setDeviceState':
        return this.goesBack ? undefined : this.deviceTooEarly(command.by, command.params.target);
      case 'sendRound':
        return this.copiesTooEarly(command.params.dirtySet);
      case 'getDirtyLog':
        if (!this.switching || this.goesBack) return undefined;
        if (!this.vcpusStopped) return 'collects for the last time before the vCPUs have stopped';
        return this.unless(this.notIn(STOPPED), 'collects for the last time before', 'has stopped');
      case 'reportDirty':
        return this.collected?.logAnswered === true
          ? undefined
          : `of ${command.by} comes before KVM's log has answered`;
      case 'syncBitmap':
        return this.syncTooEarly(command.params);
      case 'sendRemaining':
        if (this.finalSet === undefined) return 'comes before the final sync';
        if (this.finalSet === command.params.dirtySet) return undefined;
        return `names set ${command.params.dirtySet}, and the final sync made set ${this.finalSet}`;
      case 'discardDirty':
        if (this.finalSet === command.params.dirtySet) return undefined;
        return `names set ${command.params.dirtySet}, and the final sync made ${this.finalSet === undefined ? 'none' : `set ${this.finalSet}`}`;
      case 'sendMissing':
        return this.destinationRuns ? undefined : 'comes before the guest runs on the destination';
      case 'sendDeviceState':
        return this.readTooEarly(command.params);
      case 'resumeVcpus':
        return this.unless(
          this.notIn(['RUNNING']).filter((address) => !this.givenUp.has(address)),
          'comes before',
          'runs',
        );
      case 'loadDestination':
      case 'releaseStorage':
        if (!this.memorySent) return 'comes before the last copy of memory was sent, or the dirty pages were discarded';
        return this.unless(
          this.deviceIds().filter((id) => !this.statesSent.has(id)),
          'comes before the state of',
          'was sent',
        );
      case 'acquireStorage':
        if (command.params.host === 'source' || this.released) return undefined;
        return 'on the destination comes before the source has released it';
      case 'startDestination':
        return this.acquired ? undefined : 'comes before the destination has acquired the storage';
      default:
        return undefined;
    }
  }

  private deviceTooEarly(address: string, target: DeviceState): string | undefined {
    if (!this.states.has(address) || !QUIET.includes(target)) return undefined;
    const order = `of ${address} to ${target}`;
    if (!this.vcpusStopped) return `${order} comes before the vCPUs have stopped`;
    if (!STOPPED.includes(target) || this.deviceIds().length < 2) return undefined;
    return this.unless(this.notIn(QUIET), `${order} comes before`, 'is in a P2P state');
  }

  private readTooEarly({ device, beside = [] }: Commands['sendDeviceState']['params']): string | undefined {
    const early = [device, ...beside].find((id) => this.states.get(`device/${id}`) !== 'STOP_COPY');
    return early === undefined ? undefined : `reads ${early} before it is in STOP_COPY`;
  }

  private copiesTooEarly(dirtySet: number): string | undefined {
    if (!this.logRuns) return "copies before KVM's log was started";
    const missing = this.containers.flatMap((container) =>
      trackersOf(container)
        .map((of) => `tracking/${container.id} ${of}`)
        .filter((tracker) => !this.tracks.has(tracker)),
    );
    if (missing.length > 0) return `copies before ${missing.join(', ')} was started`;
    if (this.lastSet === dirtySet) return undefined;
    return `names set ${dirtySet}, and the last sync made ${this.lastSet === undefined ? 'none' : `set ${this.lastSet}`}`;
  }

  private syncTooEarly({
    final,
    everything,
  }: {
    readonly final: boolean;
    readonly everything: boolean;
  }): string | undefined {
    if (!everything) {
      const stopped = this.collected?.allStopped === true;
      const trackings = this.containers
        .filter(({ devices }) => devices.length > 0 && (stopped || devices.every(reportsWhileRunning)))
        .map(({ id }) => `tracking/${id}`);
      const early = mergesTooEarly(this.collected, trackings);
      if (early !== undefined) return `merges and ${early}`;
    }
    if (!final || (everything && this.vcpusStopped && this.notIn(STOPPED).length === 0)) return undefined;
    return this.collected?.allStopped === true
      ? undefined
      : 'is final, and its logs were asked for while something still ran';
  }

  private done(happening: Seen<'done'>): void {
    const { command, event } = happening;
    const change = changeIn(happening);
    if (change !== undefined) this.changed(change);
    const because = this.guest.done(happening);
    if (because !== undefined && !this.goesBack) this.broke.at(happening.position, `${command.name} ${because}`);
    if (destinationSaysThatItRuns(command, event)) this.destinationRuns = true;
    switch (command.name) {
      case 'stopVcpus':
        this.vcpusStopped = true;
        break;
      case 'setDeviceState':
      case 'getDeviceState':
      case 'resetDevice':
        if (this.states.has(command.by)) this.states.set(command.by, stateOf(event));
        break;
      case 'startDirtyLog':
        this.logRuns = true;
        break;
      case 'startTracking':
        this.tracks.add(`${command.by} ${command.params.of}`);
        break;
      case 'getDirtyLog':
      case 'reportDirty':
        this.answered(command);
        break;
      case 'syncBitmap':
        this.lastSet = resultOf(event, 'syncBitmap').dirtySet;
        if (command.params.final) this.finalSet = this.lastSet;
        break;
      case 'sendRemaining':
      case 'discardDirty':
        this.memorySent = true;
        break;
      case 'sendDeviceState':
        for (const id of [command.params.device, ...(command.params.beside ?? [])]) this.statesSent.add(id);
        break;
      case 'releaseStorage':
        this.released = true;
        break;
      case 'acquireStorage':
        if (command.params.host === 'destination') this.acquired = true;
        break;
    }
  }

  private answered(command: Command): void {
    if (command.name === 'getDirtyLog' && this.collected !== undefined) this.collected.logAnswered = true;
    if (command.name !== 'reportDirty') return;
    this.collected?.reported.add(command.by);
    this.reports.set(command.by, [...(this.reports.get(command.by) ?? []), ...command.params.of]);
  }

  private stopsLog(command: Extract<Command, { name: 'stopDirtyLog' | 'stopTracking' }>, position: number): void {
    if (this.finalSet === undefined && !this.isRetired(command)) {
      this.stoppedEarly ??= { position, because: `${command.name} of ${command.by} comes before the final sync` };
    }
    if (command.name === 'stopDirtyLog') this.logRuns = false;
    else for (const of of command.params.of) this.tracks.delete(`${command.by} ${of}`);
  }

  /** Whether those whose tracking stops are no longer needed: others have begun, and it has been read for the last time. */
  private isRetired(command: Extract<Command, { name: 'stopDirtyLog' | 'stopTracking' }>): boolean {
    if (command.name !== 'stopTracking') return false;
    const container = this.containers.find(({ id }) => command.by === `tracking/${id}`);
    if (container === undefined) return false;
    const wanted = trackersOf(container);
    const read = this.reports.get(command.by) ?? [];
    return (
      command.params.of.every((of) => !wanted.includes(of) && read.includes(of)) &&
      wanted.every((of) => this.tracks.has(`${command.by} ${of}`))
    );
  }

  private changed({ device, came }: { readonly device: string; readonly came: boolean }): void {
    this.containers = changedContainers(this.containers, { device, came });
    if (came) this.states.set(`device/${device}`, 'RUNNING');
    else this.states.delete(`device/${device}`);
  }

  private announced({ event }: Seen<'fact'>): void {
    if (event.type === 'SWITCHOVER_PHASE_ENTERED') this.switching = true;
    if (event.type === 'STATUS_CHANGED' && BACK.includes(String(event.status))) this.goesBack = true;
    if (event.type === 'ENDED' && event.outcome === 'completed' && this.stoppedEarly !== undefined) {
      this.broke.at(this.stoppedEarly.position, this.stoppedEarly.because);
    }
  }

  private deviceIds(): readonly string[] {
    return this.containers.flatMap(({ devices }) => devices.map(({ id }) => id));
  }

  /** The source's devices that are in none of these states. */
  private notIn(states: readonly unknown[]): readonly string[] {
    return [...this.states].filter(([, state]) => !states.includes(state)).map(([address]) => address);
  }

  private unless(names: readonly string[], before: string, after: string): string | undefined {
    return names.length === 0 ? undefined : `${before} ${names.join(', ')} ${after}`;
  }
}

/**
 * Who tracks for a container: all of its devices if all can, else its IOMMU, else those that can while the guest's drivers
 * help with the others, else nobody and everything is dirty.
 */
function trackersOf(container: PlannedContainer): readonly string[] {
  const { devices, iommuTracks, choice } = container;
  const logging = devices.filter(({ logsDma }) => logsDma).map(({ id }) => id);
  if (choice === 'iommu-first' && iommuTracks && devices.length > 0) return ['iommu'];
  if (choice === 'per-device' && iommuTracks && logging.length < devices.length) return [...logging, 'iommu'];
  if (logging.length === devices.length || guestTracks(container)) return logging;
  return iommuTracks ? ['iommu'] : [];
}

/** With x-pre-copy-dirty-page-tracking=off a device keeps its container from being collected until all have stopped. */
function reportsWhileRunning({ preCopyDirtyTracking }: PlannedContainer['devices'][number]): boolean {
  return preCopyDirtyTracking !== false;
}

/** The last two ways to a device that runs. */
function triesToRun({ name, params }: Command): boolean {
  return name === 'resetDevice' || (name === 'setDeviceState' && 'target' in params && params.target === 'RUNNING');
}
