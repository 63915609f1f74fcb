/**
 * Every device walked legal arcs only, and nobody asked for a way that does not exist.
 *
 * A device's state is known from answers alone. While a SET is unanswered, or after it failed, the device may rest anywhere
 * along the path, or in ERROR (include/uapi/linux/vfio.h): then this checker carries the set of states that are possible,
 * and the next read-back must name one of them. An order from STOP_COPY back into pre-copy is an error in itself: from
 * v6.2 until June 2026 the kernel never returned from it (commit a26b499b757c).
 */
import type { DeviceState, FeatureMask } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';
import { type Checker, type CheckResult, FirstBreak } from './checker.ts';
import { pathBetween } from './device-arcs.ts';
import { type Happening, type PlannedContainer, type PlannedDevice, stateOf } from './happening.ts';

interface Device {
  readonly features: FeatureMask;
  /** Where it may be; exactly one after a success, a read-back or a reset. */
  possible: ReadonlySet<DeviceState>;
}

type Seen<K extends Happening['kind']> = Extract<Happening, { kind: K }>;

export class LegalArcs implements Checker {
  readonly name = 'legal-arcs';
  private readonly broke = new FirstBreak(this.name);
  /** By address: `device/nic0`, `device/destination/nic0`. */
  private readonly devices = new Map<string, Device>();

  see(happening: Happening): void {
    switch (happening.kind) {
      case 'opened':
        for (const { id, features } of happening.containers.flatMap(allDevices)) {
          for (const address of [`device/${id}`, `device/destination/${id}`]) {
            this.devices.set(address, { features, possible: new Set(['RUNNING']) });
          }
        }
        break;
      case 'issued':
        this.issued(happening);
        break;
      case 'done':
        if (!happening.late) this.done(happening);
        break;
      case 'failed':
        if (!happening.late) this.failed(happening.command);
        break;
      case 'abandoned':
        this.failed(happening.command);
        break;
      case 'told':
        this.told(happening);
        break;
      case 'fact':
        break;
      default:
        happening satisfies never;
    }
  }

  finish(): CheckResult {
    return this.broke.result();
  }

  private issued({ command, position }: Seen<'issued'>): void {
    if (command.name !== 'setDeviceState') return;
    const { target } = command.params;
    const device = this.devices.get(command.by);
    if (device === undefined) {
      this.broke.at(position, `${command.by} is ordered to ${target}, and no such device was planned`);
      return;
    }
    const { possible, features } = device;
    if (possible.has('STOP_COPY') && (target === 'PRE_COPY' || target === 'PRE_COPY_P2P')) {
      this.broke.at(position, `${command.by} is ordered from STOP_COPY back to ${target}`);
    } else if (![...possible].some((from) => pathBetween(from, target, features) !== undefined)) {
      this.broke.at(
        position,
        `${command.by} is ordered from ${names(possible)} to ${target}: there is no way (features ${features})`,
      );
    }
  }

  private done({ command, event, position }: Seen<'done'>): void {
    if (command.name === 'plugDevice') {
      for (const host of ['device', 'device/destination']) {
        const plugged = this.devices.get(`${host}/${command.params.device}`);
        if (plugged !== undefined) plugged.possible = new Set(['RUNNING']);
      }
    }
    const device = this.devices.get(command.by);
    if (device === undefined) return;
    const state = stateOf(event);
    if (command.name === 'setDeviceState') {
      const { target } = command.params;
      if (state !== target)
        this.broke.at(position, `${command.by} was to go to ${target}, and a success says ${state}`);
    } else if (command.name === 'getDeviceState') {
      if (!device.possible.has(state)) {
        const could = names(device.possible);
        this.broke.at(position, `${command.by} is read back in ${state}, and could only be in ${could}`);
      }
    } else if (command.name === 'resetDevice') {
      if (state !== 'RUNNING') this.broke.at(position, `${command.by} was reset and is in ${state} instead of RUNNING`);
    } else {
      return;
    }
    device.possible = new Set([state]);
  }

  /** Nobody knows how far it got: everywhere it may have been, everywhere on the way, or ERROR. */
  private failed(command: Command): void {
    const device = this.devices.get(command.by);
    if (device === undefined) return;
    if (command.name === 'setDeviceState') {
      const { target } = command.params;
      const along = [...device.possible].flatMap((from) => pathBetween(from, target, device.features) ?? []);
      device.possible = new Set([...device.possible, ...along, 'ERROR']);
    } else if (command.name === 'resetDevice') {
      device.possible = new Set([...device.possible, 'RUNNING', 'ERROR']);
    }
  }

  /** A reset by the guest itself (FLR): allowed at any time, and told to the device's mirror. */
  private told({ to, event }: Seen<'told'>): void {
    if (event.type !== 'RESET') return;
    const device = this.devices.get(to.replace(/^vfio\//, 'device/'));
    if (device !== undefined) device.possible = new Set(['RUNNING']);
  }
}

/** Those that may be plugged as well: they come in RUNNING. */
function allDevices({ devices, pluggable = [] }: PlannedContainer): readonly PlannedDevice[] {
  return [...devices, ...pluggable];
}

function names(states: ReadonlySet<DeviceState>): string {
  return [...states].join(' or ');
}
