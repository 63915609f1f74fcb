/** The `vm` section: guest memory, vCPUs, KVM's dirty log, and who writes. */
import { z } from 'zod';
import { checkHoles, type Hole, holesSchema, normaliseHoles, printHoles } from './holes.ts';
import {
  checkHostWriters,
  type HostWriter,
  hostWriterSchema,
  normaliseHostWriter,
  printHostWriter,
} from './host-writers.ts';
import { BACKINGS_BYTES, type BackingBytes, checkKvm, type Kvm, kvmSchema, normaliseKvm, printKvm } from './kvm.ts';
import { count, section, sizeAmong, word } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { checkFits, checkWhole, finding, pagesIn, sizeText } from './places.ts';
import { VCPUS_MAX } from './quantity.ts';
import { DIRTY_LOGS, type DirtyLog, PAGE_SIZES_BYTES, type PageSizeBytes } from './scenario.ts';
import { printSize, size } from './values.ts';
import {
  checkWorkload,
  normaliseWorkload,
  printWorkload,
  type Workload,
  workloadSchema,
} from './workloads/workload.ts';

export interface Vm {
  /** A whole number of pages. */
  readonly memoryBytes: number;
  readonly pageSizeBytes: PageSizeBytes;
  /** Addresses without memory, in order; absent: none. Other places count memory and leave them out. */
  readonly holes?: readonly Hole[];
  /** Memory that is not zero at the start, from address 0 up. */
  readonly nonZeroBytes: number;
  readonly vcpus: number;
  readonly dirtyLog: DirtyLog;
  /** What KVM maps guest memory with; absent: base pages. */
  readonly backingBytes?: BackingBytes;
  /** What KVM's log costs the guest, and its options. Absent where the scenario has none: the log is free of charge. */
  readonly kvm?: Kvm;
  readonly workloads: readonly Workload[];
  /** Absent where the scenario has none. */
  readonly hostWriters?: readonly HostWriter[];
}

/** Batches of page writes carry 32-bit page numbers, and bit arithmetic is signed: 2^31 pages, 8 TiB of 4 KiB. */
export const PAGES_MAX = 2 ** 31;

export const vmSchema = section({
  memory: size('Guest memory; a whole number of pages.'),
  pageSize: sizeAmong(PAGE_SIZES_BYTES, "The host's page size.").prefault('4KiB'),
  holes: holesSchema.optional(),
  nonZero: size('Memory that is not zero at the start, from address 0 up; all of it by default.').optional(),
  vcpus: count(1, VCPUS_MAX, 'How many vCPUs.').prefault(1),
  dirtyLog: word(DIRTY_LOGS, "KVM's dirty log; range-ring is hypothetical, in no kernel.").prefault('bitmap'),
  backing: sizeAmong(BACKINGS_BYTES, 'What KVM maps guest memory with; base pages by default.').optional(),
  kvm: kvmSchema
    .describe('What the dirty log costs the guest, and its options; free of charge where it is absent.')
    .optional(),
  workloads: z.array(workloadSchema).prefault([]),
  hostWriters: z.array(hostWriterSchema).describe('Who writes on the host itself; nobody by default.').optional(),
});

export function normaliseVm(read: z.output<typeof vmSchema>): Vm {
  return {
    memoryBytes: read.memory,
    pageSizeBytes: read.pageSize,
    ...(read.holes === undefined ? {} : { holes: normaliseHoles(read.holes) }),
    nonZeroBytes: read.nonZero ?? read.memory,
    vcpus: read.vcpus,
    dirtyLog: read.dirtyLog,
    ...(read.backing === undefined ? {} : { backingBytes: read.backing }),
    ...(read.kvm === undefined ? {} : { kvm: normaliseKvm(read.kvm) }),
    workloads: read.workloads.map((workload) => normaliseWorkload(workload, read)),
    ...(read.hostWriters === undefined
      ? {}
      : { hostWriters: read.hostWriters.map((writer) => normaliseHostWriter(writer, read)) }),
  };
}

export function checkVm(vm: Vm): readonly Finding[] {
  return [
    ...checkMemory(vm),
    ...checkHoles(vm, PAGES_MAX),
    ...checkKvm(vm),
    ...checkBacking(vm),
    ...vm.workloads.flatMap((workload, index) => checkWorkload(workload, vm, ['vm', 'workloads', index])),
    ...checkHostWriters(vm.hostWriters ?? [], vm, ['vm', 'hostWriters']),
  ];
}

function checkBacking({ backingBytes, pageSizeBytes, kvm }: Vm): readonly Finding[] {
  if (backingBytes === undefined) return [];
  const path = ['vm', 'backing'];
  if (backingBytes < pageSizeBytes)
    return [finding(path, `is smaller than a page, which is ${sizeText(pageSizeBytes)}`)];
  if (kvm === undefined) return [finding(path, 'costs nothing and changes nothing without vm.kvm: give it, kvm: {}')];
  return [];
}

function checkMemory(vm: Vm): readonly Finding[] {
  if (vm.memoryBytes === 0) return [finding(['vm', 'memory'], 'a VM has some memory')];
  const pages = pagesIn(vm.memoryBytes, vm.pageSizeBytes);
  return [
    ...(pages > PAGES_MAX
      ? [
          finding(
            ['vm', 'memory'],
            `at most ${PAGES_MAX} pages, which is ${sizeText(PAGES_MAX * vm.pageSizeBytes)} here`,
          ),
        ]
      : []),
    ...checkWhole(['vm', 'memory'], vm.memoryBytes, vm.pageSizeBytes),
    ...checkFits(['vm', 'nonZero'], vm.nonZeroBytes, vm.memoryBytes),
  ];
}

export function printVm(vm: Vm): z.input<typeof vmSchema> {
  return {
    memory: printSize(vm.memoryBytes),
    pageSize: printSize(vm.pageSizeBytes),
    ...(vm.holes === undefined ? {} : { holes: printHoles(vm.holes) }),
    nonZero: printSize(vm.nonZeroBytes),
    vcpus: vm.vcpus,
    dirtyLog: vm.dirtyLog,
    ...(vm.backingBytes === undefined ? {} : { backing: printSize(vm.backingBytes) }),
    ...(vm.kvm === undefined ? {} : { kvm: printKvm(vm.kvm) }),
    workloads: vm.workloads.map(printWorkload),
    ...(vm.hostWriters === undefined ? {} : { hostWriters: vm.hostWriters.map(printHostWriter) }),
  };
}
