/**
 * The VM's life before the run: its devices have been running for long when a migration begins. What their throughput was
 * then, and which leaves tracking had found dirty and split since the VM was provisioned, follow from letting copies of them
 * run on their own for a while. Nobody outside the IOMMU learns of these writes.
 *
 * `onDirty` asks once a second and splits what it finds, until a query finds no large leaf any more: the hot ones are small,
 * the cold ones are whole.
 */
import type { PageBitmap } from '../page-bitmap.ts';
import type { Emit } from '../workloads/writer.ts';
import type { Iommu } from './iommufd.ts';

/** One device's DMA from its beginning on: not the one that runs in the world. */
export interface Rehearsed {
  readonly id: string;
  advance(fromNs: number, toNs: number, emit: Emit): void;
}

export interface Provisioned {
  /** What each device reached on the page table as it was mapped, and as it is when the run begins. */
  readonly mappedPercent: Readonly<Record<string, number>>;
  readonly settledPercent: Readonly<Record<string, number>>;
}

/** Between two queries; and after so many of them what is still whole counts as cold. Both are this project's own. */
const QUERY_EVERY_NS = 1_000_000_000;
const QUERIES_MAX = 60;

/** Leaves the IOMMU as a run finds it. `scratch` is as large as guest memory. */
export function provision(iommu: Iommu, devices: readonly Rehearsed[], scratch: PageBitmap): Provisioned {
  if (iommu.splitsOnDirty) iommu.setDirtyTracking(true);
  const emit: Emit = (batch) => iommu.receive(batch);
  let mappedPercent: Readonly<Record<string, number>> | undefined;
  let settledPercent: Readonly<Record<string, number>> = {};
  for (let query = 0; query < QUERIES_MAX; query++) {
    const fromNs = query * QUERY_EVERY_NS;
    for (const device of devices) letRun(iommu, device, fromNs, emit);
    settledPercent = throughput(iommu, devices);
    mappedPercent ??= settledPercent;
    const before = iommu.table.leaves;
    if (iommu.splitsOnDirty) iommu.report(scratch);
    if (iommu.table.leaves === before) break;
  }
  scratch.clearAll();
  iommu.beginRun();
  return { mappedPercent: mappedPercent ?? {}, settledPercent };
}

function letRun(iommu: Iommu, device: Rehearsed, fromNs: number, emit: Emit): void {
  const pace = iommu.paceOf(device.id);
  const toNs = fromNs + QUERY_EVERY_NS;
  if (pace === undefined) {
    device.advance(fromNs, toNs, emit);
    return;
  }
  pace.reset();
  pace.advance(fromNs, toNs, (from, to) => device.advance(from, to, emit));
}

function throughput(iommu: Iommu, devices: readonly Rehearsed[]): Readonly<Record<string, number>> {
  return Object.fromEntries(devices.map(({ id }) => [id, iommu.paceOf(id)?.throughputPercent ?? 100]));
}
