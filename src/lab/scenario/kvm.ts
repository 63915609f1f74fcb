/** `vm.kvm`: what KVM's dirty log costs the guest, and the options of each log. */
import type { z } from 'zod';
import { CLEAR_ALIGN_PAGES } from '../../hardware/kvm/bitmap-ioctls.ts';
import { checkRingBytes, RING_ENTRIES_MAX, RING_ENTRY_BYTES, reservedEntries } from '../../hardware/kvm/ring-size.ts';
import { count, section, truth } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, sizeText } from './places.ts';
import { cost, duration, printCost, printDuration, printSize, size } from './values.ts';
import type { Vm } from './vm.ts';

/** Options that a log does not have are kept and mean nothing. */
export interface Kvm {
  readonly faultNs: number;
  readonly exitNs: number;
  readonly harvestNs: number;
  /** Of `bitmap-manual`. */
  readonly initiallySet: boolean;
  readonly clearChunkBytes: number;
  /** Of `ring` and `range-ring`. */
  readonly ringEntries: number;
  readonly ringPml: boolean;
  readonly reapEveryNs: number;
  readonly backupBitmap: boolean;
  /** Of `range-ring`. */
  readonly heldBack: number;
}

export const kvmSchema = section({
  fault: cost('Per write-protection fault, paid by the vCPU that writes; 10us with contention.').prefault('2us'),
  exit: cost('Per exit because a PML buffer or a dirty ring is full, paid by that vCPU.').prefault('2us'),
  harvest: cost('Per entry of a dirty ring, to harvest and reset it; paid by whoever harvests.').prefault('100ns'),
  initiallySet: truth('bitmap-manual: KVM_DIRTY_LOG_INITIALLY_SET, as QEMU does.').prefault(true),
  clearChunk: size('bitmap-manual: what the vmm re-arms with one CLEAR; 64 pages or a multiple.').prefault('1GiB'),
  ringEntries: count(1, 2 ** 20, 'ring: entries of each vCPU; a power of two up to 65536.').prefault(4096),
  ringPml: truth('ring: filled by page-modification logging instead of faults.').prefault(true),
  reapEvery: duration("ring: period of the vmm's reaper thread.").prefault('1s'),
  backupBitmap: truth("ring: keeps KVM's own writes without a vCPU (arm64).").prefault(false),
  heldBack: count(0, 64, 'range-ring: how many of the newest ranges are held back for merging.').prefault(8),
});

export function normaliseKvm(read: z.output<typeof kvmSchema>): Kvm {
  const { fault, exit, harvest, clearChunk, reapEvery, ...options } = read;
  return {
    faultNs: fault,
    exitNs: exit,
    harvestNs: harvest,
    clearChunkBytes: clearChunk,
    reapEveryNs: reapEvery,
    ...options,
  };
}

/** What KVM refuses of a log's options, where that log is the one that is used. */
export function checkKvm({ kvm, dirtyLog, pageSizeBytes }: Vm): readonly Finding[] {
  if (kvm === undefined) return [];
  const found: Finding[] = [];
  const chunk = CLEAR_ALIGN_PAGES * pageSizeBytes;
  if (dirtyLog === 'bitmap-manual' && (kvm.clearChunkBytes === 0 || kvm.clearChunkBytes % chunk !== 0)) {
    found.push(finding(['vm', 'kvm', 'clearChunk'], `CLEAR takes multiples of 64 pages, which is ${sizeText(chunk)}`));
  }
  if (dirtyLog !== 'ring' && dirtyLog !== 'range-ring') return found;
  const bytes = kvm.ringEntries * RING_ENTRY_BYTES;
  const errno = checkRingBytes(bytes, { pml: kvm.ringPml, pageBytes: pageSizeBytes });
  if (errno !== undefined) {
    const reserve = reservedEntries(kvm.ringPml);
    const rule = `a power of two, at least a page and ${reserve} entries of reserve, at most ${RING_ENTRIES_MAX}`;
    found.push(finding(['vm', 'kvm', 'ringEntries'], `KVM refuses ${kvm.ringEntries} (${errno}): ${rule}`));
  }
  if (kvm.reapEveryNs === 0) found.push(finding(['vm', 'kvm', 'reapEvery'], 'must be longer than 0'));
  return found;
}

export function printKvm(kvm: Kvm): z.input<typeof kvmSchema> {
  const { faultNs, exitNs, harvestNs, clearChunkBytes, reapEveryNs, ...options } = kvm;
  return {
    fault: printCost(faultNs),
    exit: printCost(exitNs),
    harvest: printCost(harvestNs),
    clearChunk: printSize(clearChunkBytes),
    reapEvery: printDuration(reapEveryNs),
    ...options,
  };
}
