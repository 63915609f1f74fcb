/**
 * When each device served its guest: from the last moment at which the source's device took DMA to the first at which the
 * destination's did. Its own states say so, and the guest's driver, where it halts the DMA before the device stops and goes
 * on only some time after the device runs again.
 */

interface Times {
  stoppedNs: number | undefined;
  startedNs: number | undefined;
  /** By its guest's driver: since when, how long in all, and where it is going on now. */
  haltedSinceNs: number | undefined;
  haltedNs: number | undefined;
  resumingAt: 'source' | 'destination' | undefined;
}

export class Service {
  private readonly devices = new Map<string, Times>();

  /** `device/nic0` or `device/destination/nic0` has entered a state. */
  moved(address: string, state: string, atNs: number): void {
    const [, first, second] = address.split('/');
    const device = second ?? first;
    if (device === undefined) return;
    const times = this.timesOf(device);
    const onDestination = second !== undefined;
    if (onDestination && (state === 'RUNNING_P2P' || state === 'RUNNING')) times.startedNs ??= atNs;
    if (!onDestination && (state === 'STOP' || state === 'STOP_COPY')) times.stoppedNs ??= atNs;
  }

  /** `guest-driver/nic0` has halted its device's DMA. */
  halted(address: string, atNs: number): void {
    const times = this.timesOf(deviceIn(address));
    times.stoppedNs ??= atNs;
    times.haltedSinceNs ??= atNs;
  }

  /** It is told to go on. */
  resuming(address: string, host: 'source' | 'destination'): void {
    this.timesOf(deviceIn(address)).resumingAt = host;
  }

  /** It has gone on: until then its device took no DMA, whatever its own state said. */
  resumed(address: string, atNs: number): void {
    const times = this.timesOf(deviceIn(address));
    if (times.haltedSinceNs !== undefined) times.haltedNs = (times.haltedNs ?? 0) + atNs - times.haltedSinceNs;
    times.haltedSinceNs = undefined;
    if (times.resumingAt === 'destination') times.startedNs = atNs;
    else times.stoppedNs = undefined;
  }

  /** Undefined for a device that has not served on both ends. */
  downtimeNs(device: string): number | undefined {
    const { stoppedNs, startedNs } = this.timesOf(device);
    return stoppedNs === undefined || startedNs === undefined ? undefined : startedNs - stoppedNs;
  }

  /** All halts of its guest's driver together; undefined for one that never halted and went on. */
  haltedNs(device: string): number | undefined {
    return this.timesOf(device).haltedNs;
  }

  private timesOf(device: string): Times {
    let times = this.devices.get(device);
    if (times === undefined) {
      times = {
        stoppedNs: undefined,
        startedNs: undefined,
        haltedSinceNs: undefined,
        haltedNs: undefined,
        resumingAt: undefined,
      };
      this.devices.set(device, times);
    }
    return times;
  }
}

/** `guest-driver/nic0` -> `nic0`. */
function deviceIn(address: string): string {
  return address.slice(address.indexOf('/') + 1);
}
