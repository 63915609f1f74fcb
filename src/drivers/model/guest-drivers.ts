/**
 * The commands to the guest's drivers: what each does takes the guest's time, and a guest whose vCPUs stand still answers
 * nothing until they run again (the command's time limit is its sender's). Bus mastering is read by the host itself.
 *
 * The driver on the destination is the same one, in the guest that moved there; the source's world has no more part in it.
 */
import type { CommandName } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import type { GuestDriver } from '../../hardware/dma/guest-driver.ts';
import type { World } from '../../hardware/world.ts';
import type { Agenda } from './agenda.ts';
import type { Job } from './jobs.ts';

type Cooperative = 'notifyGuest' | 'haltDma' | 'confirmDmaHalted' | 'dirtyDmaPages' | 'resumeDma';

export class GuestDrivers {
  readonly #world: World;
  readonly #agenda: Agenda;
  readonly #destinationRuns: () => boolean;
  /** What the guest goes on with when its vCPUs run again. */
  #waiting: (() => void)[] = [];

  constructor(world: World, agenda: Agenda, destinationRuns: () => boolean) {
    this.#world = world;
    this.#agenda = agenda;
    this.#destinationRuns = destinationRuns;
  }

  notifyGuest({ by }: Command<'notifyGuest'>, job: Job<'notifyGuest'>): void {
    this.#of(by, job, (driver) =>
      this.#inGuest(driver.spec.notifyNs, () => {
        driver.notify();
        job.done({});
      }),
    );
  }

  haltDma({ by }: Command<'haltDma'>, job: Job<'haltDma'>): void {
    this.#of(by, job, (driver) =>
      this.#inGuest(driver.spec.haltNs, () => {
        driver.halt();
        job.done({ dmaPages: driver.dmaPages });
      }),
    );
  }

  confirmDmaHalted({ by }: Command<'confirmDmaHalted'>, job: Job<'confirmDmaHalted'>): void {
    this.#of(by, job, (driver) => job.done({ halted: !driver.busMastering }));
  }

  /** EBUSY while bus mastering is on. */
  dirtyDmaPages({ by }: Command<'dirtyDmaPages'>, job: Job<'dirtyDmaPages'>): void {
    this.#of(by, job, (driver) =>
      this.#inGuest(0, () => {
        const errno = driver.dirty();
        if (errno === undefined) this.#untilWritten(driver, job);
        else job.fail(errno);
      }),
    );
  }

  /** On the destination EPERM as long as the guest does not run there. */
  resumeDma({ by, params }: Command<'resumeDma'>, job: Job<'resumeDma'>): void {
    this.#of(by, job, (driver) => {
      if (params.host === 'source') {
        this.#inGuest(driver.spec.resumeNs, () => {
          driver.resume();
          job.done({});
        });
        return;
      }
      this.#agenda.after(driver.spec.resumeNs, () => job.end(this.#destinationRuns() ? undefined : 'EPERM', {}));
    });
  }

  /** The source's vCPUs run again. */
  resumed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const act of waiting) act();
  }

  #untilWritten(driver: GuestDriver, job: Job<'dirtyDmaPages'>): void {
    if (driver.pagesLeft === 0) {
      job.done({ dirtiedPages: driver.pagesWritten });
      return;
    }
    const speedPercent = 100 - this.#world.vcpus.throttlePercent;
    this.#inGuest(driver.nsLeft(speedPercent), () => this.#untilWritten(driver, job));
  }

  /** After so many ns, and when the vCPUs run. */
  #inGuest(ns: number, act: () => void): void {
    this.#agenda.after(ns, () => {
      this.#world.advanceTo(this.#agenda.nowNs);
      if (this.#world.vcpus.running) act();
      else this.#waiting.push(act);
    });
  }

  /** The driver whose chart asks: `guest-driver/<device>`. EOPNOTSUPP where the guest has none that helps. */
  #of(by: Command<CommandName>['by'], job: Job<Cooperative>, act: (driver: GuestDriver) => void): void {
    const id = /^guest-driver\/(.+)$/.exec(by)?.[1];
    if (id === undefined) throw new RangeError(`${by} is no guest driver`);
    const { driver } = this.#world.dma(id);
    if (driver === undefined) job.fail('EOPNOTSUPP');
    else act(driver);
  }
}
