/**
 * What one container's IOMMU is made from: plain JSON, every cost a named parameter. Absent options are what the kernel does
 * today and cost nothing.
 *
 * Nobody has published what a flush, a walk or a split costs on any IOMMU; the developers say only that reading is cheap and
 * that clearing is dear because it must flush. The defaults here are this project's own, for an experiment to sweep.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { IommuKind } from './iommu-hardware.ts';

/** `eager` and `onDirty` are hypothetical: the April 2022 iommufd RFC called the break-down of large pages separate work. */
export const SPLIT_STRATEGIES = ['none', 'eager', 'onDirty'] as const;
export type SplitStrategy = (typeof SPLIT_STRATEGIES)[number];

/** `per-page` is hypothetical: the kernel gathers a whole query into one IOTLB sync (io_pagetable.c). Both are correct. */
export const FLUSH_POLICIES = ['per-query', 'per-page'] as const;
export type FlushPolicy = (typeof FLUSH_POLICIES)[number];

export interface IommuSpec {
  /** IOMMU_HW_CAP_DIRTY_TRACKING, and an address space allocated with it. */
  readonly dirtyTracking: boolean;
  /** Guest pages in one leaf: a power of two. 1, for 4 KiB pages, is what IOMMU_OPTION_HUGE_PAGES = 0 forces. */
  readonly leafPages: number;
  /** Default amd, which has every power of two. */
  readonly hardware?: IommuKind;
  /** What is mapped, each area by leaves of its own size. Default: every slot of memory, by `leafPages`. */
  readonly areas?: readonly MappedArea[];
  /** When a large leaf becomes leaves of one page. Default `none`: never, as in the kernel. */
  readonly split?: SplitStrategy;
  /** `eager`: how long after the stop the leaves become large again, ns. Default 1 s, this project's own. */
  readonly collapseAfterNs?: number;
  /** Default `per-query`. */
  readonly flush?: FlushPolicy;
  /**
   * Hypothetical: writes are found by taking the write permission away instead of by dirty bits. `pageRequests`: every
   * device has ATS and PRI and can wait for a page; without them the first write to a clean page is aborted.
   */
  readonly writeProtect?: { readonly pageRequests: boolean };
  /** Devices of the container that are behind an IOMMU without dirty bits: their attach fails. */
  readonly withoutDirtyBits?: readonly string[];
  /** Absent: free of charge, and no device waits. */
  readonly costs?: Partial<IommuCosts>;
}

export interface MappedArea extends PageRange {
  readonly leafPages: number;
}

/** ns, fractions allowed. */
export interface IommuCosts {
  /** Per invalidation. Default 10 us: the middle, by ratio, of the 1 to 100 us that an experiment sweeps. */
  readonly flushNs: number;
  /** Per entry that a query's walk passes, dirty or not. Default 1 ns: reading bits that lie side by side. */
  readonly walkNs: number;
  /**
   * Per entry that a split makes. Default 61 ns, by KVM's tables: 1.547 s for 96 GiB of 1 GiB pages (David Matlack, "KVM:
   * x86/mmu: Eager Page Splitting for the TDP MMU", December 2021, without INITIALLY_SET).
   */
  readonly splitNs: number;
  /** What a device waits for a translation that the IOTLB does not have. Default 250 ns. */
  readonly missNs: number;
  /** What a device waits for a page request's answer. Default 20 us: an interrupt, a fault handler and a response. */
  readonly pageRequestNs: number;
  /** Translations that the IOTLB holds, whatever their size; the oldest leaves first. Default 512. */
  readonly iotlbEntries: number;
}

export const DEFAULT_IOMMU_COSTS: IommuCosts = {
  flushNs: 10_000,
  walkNs: 1,
  splitNs: 61,
  missNs: 250,
  pageRequestNs: 20_000,
  iotlbEntries: 512,
};

export const FREE_IOMMU: IommuCosts = {
  flushNs: 0,
  walkNs: 0,
  splitNs: 0,
  missNs: 0,
  pageRequestNs: 0,
  iotlbEntries: DEFAULT_IOMMU_COSTS.iotlbEntries,
};

/** `eager` collapses its leaves so long after the stop unless told otherwise, ns. */
export const COLLAPSE_AFTER_NS = 1_000_000_000;
