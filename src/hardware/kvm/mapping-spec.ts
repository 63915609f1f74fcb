/**
 * What KVM maps guest memory with, and what becomes of a huge mapping while the dirty log is on. The log has a bit a base
 * page, so a huge mapping has to be split: when logging starts or at the first CLEAR (`eager`), or in the fault of the
 * vCPU that writes (`lazy`). `none` is hypothetical, in no kernel: nothing is split, and one bit stands for the whole
 * mapping (discussed in the review of "KVM: Dirty ring interface" on the kvm list, January 2020).
 */
export const SPLITS = ['eager', 'lazy', 'none'] as const;
export type Split = (typeof SPLITS)[number];

/** Plain JSON. Costs are ns, fractions allowed. */
export interface MappingSpec {
  /** Base pages of one mapping, a power of two: 512 is 2 MiB of 4 KiB pages. 1: nothing is huge, nothing is split. */
  readonly leafPages: number;
  readonly split: Split;
  /** `eager`: per base page that is split. Paid by whoever starts the log or calls CLEAR: the vmm. */
  readonly splitPageNs: number;
  /** `lazy`: what a page's first fault costs on top of a write-protection fault. Paid by the vCPU that writes. */
  readonly splitFaultNs: number;
  /** After logging: the fault that maps a split leaf as a whole again. Paid by the vCPU that touches it first. */
  readonly collapseFaultNs: number;
}

/**
 * David Matlack, "KVM: x86/mmu: Eager Page Splitting for the TDP MMU" v1 (December 2021), 96 vCPUs of 1 GiB each, backed by
 * 1 GiB pages: enabling the log took 0.00168 s and took 1.547 s with the split, which is 61 ns for each of 25,165,824 pages;
 * the first dirtying pass took 2.751 s and takes 0.127 s, which is 10 us for each of a vCPU's 262,144 faults, of which 2 us
 * are this project's default of a write-protection fault. What a collapse costs is this project's own: one such fault.
 */
export const DEFAULT_MAPPINGS: MappingSpec = {
  leafPages: 1,
  split: 'eager',
  splitPageNs: 61,
  splitFaultNs: 8000,
  collapseFaultNs: 2000,
};

/** Throws a RangeError for a leaf that no page table has, or a cost that is none. */
export function checkMappings({ leafPages, splitPageNs, splitFaultNs, collapseFaultNs }: MappingSpec): void {
  if (!(Number.isInteger(Math.log2(leafPages)) && leafPages >= 1 && leafPages <= 2 ** 18)) {
    throw new RangeError(`a mapping has a power of two of pages, at most 2^18, not ${leafPages}`);
  }
  for (const [name, ns] of Object.entries({ splitPageNs, splitFaultNs, collapseFaultNs })) {
    if (!(Number.isFinite(ns) && ns >= 0)) throw new RangeError(`${name} is 0 or more, not ${ns}`);
  }
}
