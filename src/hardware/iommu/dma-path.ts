/**
 * The way of one device's writes to memory: through its container's IOMMU, which may make the device wait and may refuse the
 * write. What is refused never happened: nobody outside hears of it, and the device does nothing more until it is reset.
 */
import type { ThroughputPercent } from '../../../machines/words.ts';
import type { DeviceDma } from '../dma/device-dma.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { Emit } from '../workloads/writer.ts';
import type { Iommu } from './iommufd.ts';
import { type Provisioned, provision } from './provisioning.ts';

export class DmaPath {
  readonly #dma: DeviceDma;
  readonly #iommu: Iommu;
  readonly #aborted: () => void;
  #settled: Provisioned | undefined;

  /** `aborted` is told when the device's DMA is aborted: it is broken. */
  constructor(dma: DeviceDma, iommu: Iommu, aborted: () => void) {
    this.#dma = dma;
    this.#iommu = iommu;
    this.#aborted = aborted;
  }

  get id(): string {
    return this.#dma.id;
  }

  /**
   * In tenths of a percent; undefined where the device never waits. After: on a destination that maps as this host did when
   * the VM was new. Null: nobody knows.
   */
  get throughput(): ThroughputPercent | undefined {
    const pace = this.#iommu.paceOf(this.id);
    if (pace === undefined) return undefined;
    const { settledPercent, mappedPercent } = this.#settled ?? {};
    return {
      before: settledPercent?.[this.id] ?? null,
      during: pace.throughputPercent,
      after: mappedPercent?.[this.id] ?? null,
    };
  }

  /** What all devices of the container were like before the run. */
  settled(settled: Provisioned): void {
    this.#settled = settled;
  }

  /** The device has been reset: what broke it is forgotten. */
  reset(): void {
    this.#iommu.forgetAbort(this.id);
  }

  /** Lets the device write in (fromNs, toNs]. */
  advance(fromNs: number, toNs: number, emit: Emit): void {
    const { id, state } = this.#dma;
    if (this.#iommu.hasAborted(id)) return;
    const guarded: Emit = this.#iommu.aborts ? (batch) => this.#guard(batch, emit) : emit;
    const pace = state === 'stopped' ? undefined : this.#iommu.paceOf(id);
    if (pace === undefined) this.#dma.advance(fromNs, toNs, guarded);
    else pace.advance(fromNs, toNs, (from, to) => this.#dma.advance(from, to, guarded));
  }

  #guard(batch: Parameters<Emit>[0], emit: Emit): void {
    const { id } = this.#dma;
    const wasBroken = this.#iommu.hasAborted(id);
    if (this.#iommu.admits(batch)) emit(batch);
    else if (!wasBroken) this.#aborted();
  }
}

/** Tells each path what its device was like before a run, where that can matter. `copies` are made for this only. */
export function settle(iommu: Iommu, paths: readonly DmaPath[], copies: () => readonly DeviceDma[]): void {
  if (!iommu.charging && !iommu.splitsOnDirty) return;
  const rehearsed = copies().map((dma) => ({
    id: dma.id,
    advance: (fromNs: number, toNs: number, emit: Emit) => {
      dma.guestAdvances(fromNs, toNs, 100);
      dma.advance(fromNs, toNs, emit);
    },
  }));
  const settled = provision(iommu, rehearsed, new PageBitmap(iommu.table.pages));
  for (const path of paths) path.settled(settled);
}

/** By device, those that may have to wait; undefined where none has to. */
export function throughputOf(paths: readonly DmaPath[]): Readonly<Record<string, ThroughputPercent>> | undefined {
  const told = paths.flatMap((path) => (path.throughput === undefined ? [] : [[path.id, path.throughput] as const]));
  return told.length === 0 ? undefined : Object.fromEntries(told);
}
