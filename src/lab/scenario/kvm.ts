/** `vm.kvm`: what KVM's dirty log costs the guest, and the options of each log. */
import type { z } from 'zod';
import { CLEAR_ALIGN_PAGES } from '../../hardware/kvm/bitmap-ioctls.ts';
import { SPLITS, type Split } from '../../hardware/kvm/mapping-spec.ts';
import { checkRingBytes, RING_ENTRIES_MAX, RING_ENTRY_BYTES, reservedEntries } from '../../hardware/kvm/ring-size.ts';
import { count, section, truth, word } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { checkFits, checkWhole, finding, sizeText } from './places.ts';
import { cost, duration, printCost, printDuration, printSize, size } from './values.ts';
import type { Vm } from './vm.ts';

/** What guest memory can be backed with: base pages and the two huge sizes of an x86 page table. */
export const BACKINGS_BYTES = [4096, 2 ** 21, 2 ** 30] as const;
export type BackingBytes = (typeof BACKINGS_BYTES)[number];

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
  /** Of every bitmap: what a fetch and a protection take of the vmm; absent: nothing. */
  readonly scanPageNs?: number;
  readonly protectPageNs?: number;
  /** Of `vm.backing`; absent: the hardware's defaults. */
  readonly split?: Split;
  readonly splitPageNs?: number;
  readonly splitFaultNs?: number;
  readonly collapseFaultNs?: number;
  /** Of `pml` and rings with PML: the first so many bytes of memory fault instead; absent: none. */
  readonly pmlFallbackBytes?: number;
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
  scanPage: cost('bitmaps: per page of memory, each time the bitmap is fetched; paid by the sender.').optional(),
  protectPage: cost('bitmaps: per page that GET or CLEAR protects again; paid by the sender.').optional(),
  split: word(
    SPLITS,
    'How the huge mappings of vm.backing are split: at the start or at CLEAR, in the fault, or never (hypothetical).',
  ).optional(),
  splitPage: cost('split eager: per page, paid by the vmm; 61ns by default.').optional(),
  splitFault: cost("split lazy: what a page's first fault costs more; 8us by default.").optional(),
  collapseFault: cost('The fault that makes a mapping huge again after logging; 2us by default.').optional(),
  pmlFallback: size('pml: the first so many bytes of memory fault, because PML cannot log them.').optional(),
});

export function normaliseKvm(read: z.output<typeof kvmSchema>): Kvm {
  const { fault, exit, harvest, clearChunk, reapEvery, ...rest } = read;
  const { scanPage, protectPage, split, splitPage, splitFault, collapseFault, pmlFallback, ...options } = rest;
  return {
    faultNs: fault,
    exitNs: exit,
    harvestNs: harvest,
    clearChunkBytes: clearChunk,
    reapEveryNs: reapEvery,
    ...options,
    ...present({
      scanPageNs: scanPage,
      protectPageNs: protectPage,
      split,
      splitPageNs: splitPage,
      splitFaultNs: splitFault,
      collapseFaultNs: collapseFault,
      pmlFallbackBytes: pmlFallback,
    }),
  };
}

/** Only the keys that a file has: a scenario that says nothing about them is the same as before they existed. */
function present<Of extends object>(keys: { readonly [K in keyof Of]: Of[K] | undefined }): Partial<Of> {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== undefined)) as Partial<Of>;
}

/** What KVM refuses of a log's options, where that log is the one that is used. */
export function checkKvm({ kvm, dirtyLog, pageSizeBytes, memoryBytes, backingBytes }: Vm): readonly Finding[] {
  if (kvm === undefined) return [];
  const found: Finding[] = [];
  if (kvm.split !== undefined && backingBytes === undefined) {
    found.push(finding(['vm', 'kvm', 'split'], 'there is nothing to split: vm.backing is not given'));
  }
  if (kvm.pmlFallbackBytes !== undefined) {
    const path = ['vm', 'kvm', 'pmlFallback'];
    found.push(...checkWhole(path, kvm.pmlFallbackBytes, pageSizeBytes));
    found.push(...checkFits(path, kvm.pmlFallbackBytes, memoryBytes));
  }
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
  const { faultNs, exitNs, harvestNs, clearChunkBytes, reapEveryNs, ...rest } = kvm;
  const { scanPageNs, protectPageNs, splitPageNs, splitFaultNs, collapseFaultNs, pmlFallbackBytes, ...options } = rest;
  return {
    fault: printCost(faultNs),
    exit: printCost(exitNs),
    harvest: printCost(harvestNs),
    clearChunk: printSize(clearChunkBytes),
    reapEvery: printDuration(reapEveryNs),
    ...options,
    ...(scanPageNs === undefined ? {} : { scanPage: printCost(scanPageNs) }),
    ...(protectPageNs === undefined ? {} : { protectPage: printCost(protectPageNs) }),
    ...(splitPageNs === undefined ? {} : { splitPage: printCost(splitPageNs) }),
    ...(splitFaultNs === undefined ? {} : { splitFault: printCost(splitFaultNs) }),
    ...(collapseFaultNs === undefined ? {} : { collapseFault: printCost(collapseFaultNs) }),
    ...(pmlFallbackBytes === undefined ? {} : { pmlFallback: printSize(pmlFallbackBytes) }),
  };
}
