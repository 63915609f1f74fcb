/** What every workload but `idle` has: a set of pages, where it lies, and the vCPUs that write it. */
import { leaf } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkRange, finding, type Path } from '../places.ts';
import { printVcpuSet, readVcpuSet, type VcpuSetText, WRITE_RATE, type WriteRateText } from '../quantity.ts';
import { printSize, printText, size } from '../values.ts';
import type { Vm } from '../vm.ts';

export interface Writing {
  /** Size of the set of pages that it writes; the last page counts whole. */
  readonly setBytes: number;
  /** Where the set begins; a whole number of pages. */
  readonly atBytes: number;
  readonly vcpus: readonly number[];
}

/** What a workload's defaults follow from. */
export interface WorkloadRoom {
  readonly memory: number;
  readonly pageSize: number;
  readonly vcpus: number;
}

export const vcpus = leaf<VcpuSetText, readonly number[]>({
  expected: 'a set of vCPUs',
  example: '0-3,6',
  json: { type: ['string', 'integer', 'array'], examples: ['0-3,6', 2] },
  description: 'The vCPUs that write; all of them by default. Quote a set with a comma inside { }.',
  read: readVcpuSet,
}).optional();

export const at = size('Where the set begins; a whole number of pages.').prefault(0);
export const set = size('Size of the set of pages.');
export const wholeSet = size('Size of the set of pages; from `at` to the end of memory by default.').optional();

interface ReadWriting {
  readonly set?: number | undefined;
  readonly at: number;
  readonly vcpus?: readonly number[] | undefined;
}

export function normaliseWriting(read: ReadWriting, room: WorkloadRoom): Writing {
  return {
    setBytes: read.set ?? Math.max(0, room.memory - read.at),
    atBytes: read.at,
    vcpus: normaliseVcpus(read, room),
  };
}

export function normaliseVcpus(read: Pick<ReadWriting, 'vcpus'>, room: Pick<WorkloadRoom, 'vcpus'>): readonly number[] {
  return read.vcpus ?? Array.from({ length: room.vcpus }, (_, vcpu) => vcpu);
}

type ReadRate = { readonly writesPerSecond: number } | { readonly bytesPerSecond: number };

export function writesPerSecond(rate: ReadRate, pageSizeBytes: number): number {
  return 'writesPerSecond' in rate ? rate.writesPerSecond : rate.bytesPerSecond / pageSizeBytes;
}

export function checkWriting(writing: Writing, vm: Vm, path: Path): readonly Finding[] {
  return [...checkRange(path, 'set', writing.atBytes, writing.setBytes, vm), ...checkVcpus(writing, vm, path)];
}

export function checkVcpus({ vcpus }: Pick<Writing, 'vcpus'>, vm: Vm, path: Path): readonly Finding[] {
  const absent = vcpus.find((vcpu) => vcpu >= vm.vcpus);
  if (absent === undefined) return [];
  return [finding([...path, 'vcpus'], `there is no vCPU ${absent}: vm.vcpus is ${vm.vcpus}, numbered from 0`)];
}

export function printWriting({ setBytes, atBytes, vcpus }: Writing) {
  return { set: printSize(setBytes), at: printSize(atBytes), vcpus: printVcpuSet(vcpus) };
}

export const printWriteRate = (perSecond: number) => printText<WriteRateText>(WRITE_RATE, perSecond);
