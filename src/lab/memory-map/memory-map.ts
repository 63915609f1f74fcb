/**
 * Which pages of a modelled run were written and sent when, as a raster of address by time.
 *
 * Page writes are no records, so the run is made again from its journal, orders, branches and crashes included, every record
 * held to the journal's; whoever writes and whoever sends is listened to, and nothing of the run changes by that. What a cell
 * means stands in layer.ts and sent.ts. A guest that has been handed over writes on another host and is not seen here.
 *
 * It refuses, in a sentence, what no model drove, what other charts made, and a stretch of time that the run does not have.
 */
import type { Plan } from '../../../machines/plan.ts';
import type { RunClock } from '../../clock/clock.ts';
import type { Opened, Rec } from '../../core/record.ts';
import { createModelDriver, type ModelDriver } from '../../drivers/model/model-driver.ts';
import { isObserved, readOnlyText } from '../../run/observed-charts.ts';
import type { PageWrites } from '../../streams/page-writes.ts';
import { VERSION } from '../../version.ts';
import { modelSpecOf } from '../model/spec.ts';
import { fingerprintOf, ownPoliciesIn } from '../policy/own-policies.ts';
import { reenact } from '../re-enact.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { MemoryMapError } from './error.ts';
import { type Grid, gridOver, type Window } from './grid.ts';
import { Layer } from './layer.ts';
import { SentLayers } from './sent.ts';

export const MEMORY_LAYERS = ['vcpu', 'dma', 'other', 'sent', 'sentAgain'] as const;

export type MemoryLayer = (typeof MEMORY_LAYERS)[number];

/** Plain JSON. `cells[layer]`: a byte for each time bin of the first address bin, then of the next, in base64. */
export interface MemoryMap {
  /** Of RAM. */
  readonly pages: number;
  readonly pageBytes: number;
  readonly fromNs: number;
  readonly toNs: number;
  readonly timeBins: number;
  readonly addressBins: number;
  /** First page of each address bin, and one past the last; holes in guest memory are left out. */
  readonly firstPages: readonly number[];
  /** 1/255 of the cell's pages; at least 1 where there is any. */
  readonly cells: Readonly<Record<MemoryLayer, string>>;
}

export interface MemoryMapOptions {
  /** ns on the run's clock. The whole run unless given. */
  readonly fromNs?: number | undefined;
  readonly toNs?: number | undefined;
  /** Default 256 by 600; fewer where there are not so many pages, or ns. */
  readonly addressBins?: number | undefined;
  readonly timeBins?: number | undefined;
}

const ADDRESS_BINS = 256;
const TIME_BINS = 600;
/** A raster is shown, not kept. */
const BINS_MAX = 4096;

/**
 * `records`: all that there are of the run, from its first. Throws a MemoryMapError where there can be no map, a RecoveryError
 * `diverged` where the run does not come out again as it was.
 */
export async function memoryMap(records: readonly Rec[], options: MemoryMapOptions = {}): Promise<MemoryMap> {
  const [first] = records;
  if (first?.kind !== 'opened') throw new MemoryMapError('the journal has no first record that opens a run');
  const why = whyNoMemoryMap(first.opened);
  if (why !== undefined) throw new MemoryMapError(why);
  const window = windowOf(records, options);
  let watch: Watch | undefined;
  const driver = (scenario: Scenario, clock: RunClock) => {
    const model = createModelDriver(modelSpecOf(scenario), clock);
    watch = new Watch(model, window);
    return model;
  };
  const { prepared } = await reenact(records, { driver });
  prepared.driver.close();
  return watch!.finish();
}

/** Undefined where a memory map can be asked for. */
export function whyNoMemoryMap(opened: Opened): string | undefined {
  const { run, drivers, plan, fingerprint: theirs, version } = opened;
  if (isObserved(opened)) return readOnlyText(run);
  if (drivers.join() !== 'model') {
    return `run "${run}" was driven by ${drivers.join(', ')}, not by the model: which pages were written is in no record, and only a model's world can be made again`;
  }
  let ours: string;
  try {
    ours = fingerprintOf(plan as Plan, ownPoliciesIn(opened, true));
  } catch (error) {
    return `run "${run}" cannot be made again: ${(error as Error).message}`;
  }
  if (ours === theirs) return undefined;
  return `run "${run}" was made by version ${version} with charts ${theirs}, and this is version ${VERSION} with charts ${ours}: the version that made it can draw its memory`;
}

/** Listens to one model from before its start. */
class Watch {
  readonly #model: ModelDriver;
  readonly #grid: Grid;
  readonly #written: Readonly<Record<'vcpu' | 'dma' | 'other', Layer>>;
  readonly #sent: SentLayers;

  constructor(model: ModelDriver, window: Window) {
    const { memory } = model.world;
    const emptySet = () => memory.emptySet();
    this.#model = model;
    this.#grid = gridOver(memory, window);
    const layer = () => new Layer(this.#grid, emptySet);
    this.#written = { vcpu: layer(), dma: layer(), other: layer() };
    this.#sent = new SentLayers(memory, this.#grid);
    model.pages$.subscribe((batch) => {
      this.#written[writerOf(batch)].setFor(batch.fromNs, batch.toNs)?.applyWrites(batch);
    });
    model.sends$.subscribe((sends) => this.#sent.receive(sends));
  }

  finish(): MemoryMap {
    const { ramPages, pageBytes } = this.#model.world.memory;
    const { firstPages, binPages, fromNs, toNs, timeBins } = this.#grid;
    const layers = { ...this.#written, sent: this.#sent.sent, sentAgain: this.#sent.sentAgain };
    const text = (name: MemoryLayer) => Buffer.from(layers[name].finish()).toString('base64');
    return {
      pages: ramPages,
      pageBytes,
      fromNs,
      toNs,
      timeBins,
      addressBins: binPages.length,
      firstPages,
      cells: {
        vcpu: text('vcpu'),
        dma: text('dma'),
        other: text('other'),
        sent: text('sent'),
        sentAgain: text('sentAgain'),
      },
    };
  }
}

function writerOf({ source }: PageWrites): 'vcpu' | 'dma' | 'other' {
  const kind = source.slice(0, source.indexOf(':'));
  return kind === 'vcpu' || kind === 'dma' ? kind : 'other';
}

function windowOf(records: readonly Rec[], options: MemoryMapOptions): Window {
  const endNs = records.at(-1)?.atNs ?? 0;
  const { fromNs = 0, toNs = endNs, addressBins = ADDRESS_BINS, timeBins = TIME_BINS } = options;
  if (!(Number.isSafeInteger(fromNs) && Number.isSafeInteger(toNs) && fromNs >= 0 && fromNs < toNs && toNs <= endNs)) {
    throw new MemoryMapError(
      `from ${fromNs} to ${toNs} ns is no stretch of this run: expected whole ns from 0 to ${endNs}, the first less than the second`,
    );
  }
  for (const bins of [addressBins, timeBins]) {
    if (Number.isInteger(bins) && bins >= 1 && bins <= BINS_MAX) continue;
    throw new MemoryMapError(`${bins} bins: expected 1 to ${BINS_MAX}`);
  }
  return { fromNs, toNs, addressBins, timeBins };
}
