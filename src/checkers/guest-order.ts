/**
 * The order of a device that only the guest's driver can tell about: DMA halted, read back as halted, a dummy write to every
 * page that it could have written, collect, and only then may the vCPUs stop. Part of the final order; kept apart because
 * few runs have such a device. The checkers' own copy of the rule.
 *
 * Source: the kvm list, December 2015, on live migration of SR-IOV NICs: "you have to disable DMA and then mark the pages as
 * dirty", any other order corrupts data. It need not show in a given run, so the order is held, not its result. The rules
 * carry the names of the invariants: G1 halt confirmed before the dummy write, G2 dummy write before the collect, G3 no DMA
 * after the dummy write, G4 and G6 every page and no holes, G5 vCPUs that run until all of it is done; G7 is their sum.
 */
import type { Command } from '../core/effect.ts';
import { destinationSaysThatItRuns, type Happening, type PlannedContainer, resultOf } from './happening.ts';

type Done = Extract<Happening, { kind: 'done' }>;

interface Driver {
  notified: boolean;
  /** An order to halt was given and none to go on since. */
  halting: boolean;
  dmaPages: number;
  confirmed: boolean;
  dirtied: boolean;
}

const driving = (): Driver => ({ notified: false, halting: false, dmaPages: 0, confirmed: false, dirtied: false });

export class GuestOrder {
  /** By device. */
  private readonly drivers = new Map<string, Driver>();
  private vcpusStopped = false;
  private destinationRuns = false;

  opened(containers: readonly PlannedContainer[]): void {
    for (const id of containers.filter(guestTracks).flatMap(unloggedOf)) this.drivers.set(id, driving());
  }

  /** Why this order is wrong now, or undefined. `back`: the source is on its way back, where nothing is handed over. */
  issued(command: Command, back: boolean): string | undefined {
    const because = back ? undefined : this.wrong(command);
    const driver = this.driverOf(command);
    if (command.name === 'haltDma' && driver !== undefined) driver.halting = true;
    if (command.name === 'resumeDma' && command.params.host === 'source') this.goesOn(command);
    if (command.name === 'resumeVcpus') this.vcpusStopped = false;
    return because;
  }

  /** Why this answer breaks the order, or undefined. */
  done({ command, event }: Done): string | undefined {
    const driver = this.driverOf(command);
    if (command.name === 'stopVcpus') this.vcpusStopped = true;
    if (destinationSaysThatItRuns(command, event)) this.destinationRuns = true;
    if (driver === undefined) return undefined;
    switch (command.name) {
      case 'notifyGuest':
        driver.notified = true;
        return undefined;
      case 'haltDma':
        driver.dmaPages = resultOf(event, 'haltDma').dmaPages;
        return undefined;
      case 'confirmDmaHalted':
        driver.confirmed = driver.halting && resultOf(event, 'confirmDmaHalted').halted;
        return undefined;
      case 'dirtyDmaPages': {
        const { dirtiedPages } = resultOf(event, 'dirtyDmaPages');
        driver.dirtied = driver.confirmed && dirtiedPages >= driver.dmaPages;
        if (dirtiedPages >= driver.dmaPages) return undefined;
        return `of ${idOf(command)} wrote ${dirtiedPages} of ${driver.dmaPages} pages that its DMA reaches (G4, G6)`;
      }
      default:
        return undefined;
    }
  }

  private wrong(command: Command): string | undefined {
    const driver = this.driverOf(command);
    switch (command.name) {
      case 'haltDma':
        return driver?.notified === false
          ? `of ${idOf(command)} comes before the guest has heard of it (G5)`
          : undefined;
      case 'dirtyDmaPages':
        if (driver === undefined) return undefined;
        if (!driver.confirmed) return `of ${idOf(command)} comes before its DMA was confirmed as halted (G1)`;
        return this.vcpusStopped ? `of ${idOf(command)} comes when the vCPUs have stopped (G5)` : undefined;
      case 'getDirtyLog':
        return this.unless((one) => !one.halting || one.dirtied, 'collects before', 'has written its pages (G2)');
      case 'stopVcpus':
        return this.unless((one) => one.dirtied, 'comes before', 'has written its pages (G5)');
      case 'resumeDma':
        if (command.params.host === 'source') {
          return this.vcpusStopped
            ? `of ${idOf(command)} comes after its pages were written for the last time (G3)`
            : undefined;
        }
        return this.destinationRuns
          ? undefined
          : `of ${idOf(command)} on the destination comes before the guest runs there`;
      default:
        return undefined;
    }
  }

  private goesOn(command: Command): void {
    const id = idOf(command);
    if (this.drivers.has(id)) this.drivers.set(id, { ...driving(), notified: true });
  }

  private driverOf(command: Command): Driver | undefined {
    return command.by.startsWith('guest-driver/') ? this.drivers.get(idOf(command)) : undefined;
  }

  private unless(fits: (driver: Driver) => boolean, before: string, after: string): string | undefined {
    const missing = [...this.drivers].filter(([, driver]) => !fits(driver)).map(([id]) => id);
    return missing.length === 0 ? undefined : `${before} the guest driver of ${missing.join(', ')} ${after}`;
  }
}

/** Everyone who cannot log has a driver that helps, and no IOMMU that tracks makes that needless. */
export function guestTracks(container: PlannedContainer): boolean {
  const { devices, iommuTracks } = container;
  const unlogged = devices.filter(({ logsDma }) => !logsDma);
  return !iommuTracks && unlogged.length > 0 && unlogged.every(({ cooperates }) => cooperates === true);
}

function unloggedOf({ devices }: PlannedContainer): readonly string[] {
  return devices.filter(({ logsDma }) => !logsDma).map(({ id }) => id);
}

/** `guest-driver/nic0` -> `nic0`. */
function idOf({ by }: Command): string {
  return by.slice(by.indexOf('/') + 1);
}
