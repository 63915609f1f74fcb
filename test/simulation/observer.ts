/**
 * Watches the page writes with a set of its own for each writer, and holds what each collect answers against it: a tracker
 * may report more than was written since it was last asked, and never less (I3). It is no tracker: it sees every writer,
 * costs nothing, and is asked at the instant at which the real collect begins.
 */
import type { Answer } from '../../machines/words.ts';
import type { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Command } from '../../src/core/effect.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';

export interface Shortfall {
  readonly collect: string;
  readonly writtenPages: number;
  readonly reportedPages: number;
}

/** Whose epoch this command begins: what they wrote before is dirty anyway (L7). */
function epochOf(command: Command): ((source: string) => boolean) | undefined {
  if (command.name === 'startDirtyLog') return (source) => source.startsWith('vcpu:');
  if (command.name !== 'startTracking') return undefined;
  const { of, tracker } = command.params;
  // An IOMMU that tracks from its start on is asked for all of its devices at once.
  return tracker === 'iommu' ? (source) => source.startsWith('dma:') : (source) => source === `dma:${of}`;
}

export class Observer {
  /** Collects that reported fewer pages than had been written. */
  readonly shortfalls: Shortfall[] = [];
  /** Collects that were compared. */
  compared = 0;
  readonly #scenario: Scenario;
  readonly #written = new Map<string, PageBitmap>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** The same model, each collect compared. */
  watch(model: ModelDriver, clock: VirtualClock): Driver {
    model.world.pages$.subscribe((batch) => this.#setOf(batch.source, model).applyWrites(batch));
    return {
      ...model,
      perform: (command, answer) => {
        const begins = epochOf(command);
        if (begins !== undefined) {
          model.perform(command, (given) => {
            this.#take(begins, model);
            answer(given);
          });
          return;
        }
        const sources = this.#sourcesOf(command);
        if (sources === undefined) {
          model.perform(command, answer);
          return;
        }
        model.world.advanceTo(clock.nowNs);
        const writtenPages = this.#take(sources, model);
        model.perform(command, (given) => {
          this.#compare(command, writtenPages, given);
          answer(given);
        });
      },
    };
  }

  /** Whose writes this command collects; undefined where it collects nothing, or more than one epoch at once. */
  #sourcesOf(command: Command): ((source: string) => boolean) | undefined {
    // A manual log's epoch begins page by page, at each copy: what a GET must have is not what was written since the last.
    if (command.name === 'getDirtyLog' && this.#scenario.vm.dirtyLog !== 'bitmap-manual') {
      return (source) => source.startsWith('vcpu:');
    }
    if (command.name !== 'reportDirty') return undefined;
    const id = command.by.split('/')[1];
    const devices = this.#scenario.containers.find((container) => container.id === id)?.devices ?? [];
    // Where guest drivers help, what their devices wrote is found in the log of the vCPUs, and nowhere else.
    const meant =
      command.params.tracker === 'guest' ? devices.filter(({ dmaLogging }) => dmaLogging !== null) : devices;
    return (source) => meant.some((device) => source === `dma:${device.id}`);
  }

  /** Distinct pages that these have written since this was last asked, each once. */
  #take(isMeant: (source: string) => boolean, model: ModelDriver): number {
    const union = new PageBitmap(model.world.memory.pages);
    for (const [source, pages] of this.#written) if (isMeant(source)) pages.takeInto(union);
    return union.count;
  }

  #compare(command: Command, writtenPages: number, answer: Answer): void {
    if (!('dirtyPages' in answer)) return;
    const reportedPages = answer.dirtyPages as number;
    this.compared += 1;
    if (reportedPages < writtenPages) {
      this.shortfalls.push({ collect: `${command.name} by ${command.by}, ${command.id}`, writtenPages, reportedPages });
    }
  }

  #setOf(source: string, model: ModelDriver): PageBitmap {
    let set = this.#written.get(source);
    if (set === undefined) this.#written.set(source, (set = new PageBitmap(model.world.memory.pages)));
    return set;
  }
}
