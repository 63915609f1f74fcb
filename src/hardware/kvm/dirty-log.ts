/**
 * What every kind of KVM dirty log is to the rest of the model, and its parameters. All of them see what vCPUs write
 * through their own mappings, and KVM's own writes; none sees a device's DMA, vhost or emulation in the vmm
 * (Documentation/virt/kvm/api.rst).
 */
import type { Errno, PageRange } from '../../../machines/words.ts';
import type { PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound } from '../dirty-report.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import type { DirtyLimit } from './dirty-limit.ts';
import type { MappingSpec } from './mapping-spec.ts';

/** `range-ring` is hypothetical: proposed on the kvm list in 2020, in no kernel. */
export const KVM_LOGS = ['bitmap', 'bitmap-manual', 'pml', 'ring', 'range-ring'] as const;
export type KvmLogKind = (typeof KVM_LOGS)[number];

/** Plain JSON. Costs are ns, fractions allowed, and are paid by the vCPU that causes them. */
export interface KvmSpec {
  readonly log: KvmLogKind;
  /** Per write-protection fault. */
  readonly faultNs: number;
  /** Per exit: a full PML buffer, a full ring. */
  readonly exitNs: number;
  /** Per ring entry: to harvest and to reset it. Paid by whoever harvests: a vCPU with a full ring, or the sync. */
  readonly harvestNs: number;
  /** KVM_DIRTY_LOG_INITIALLY_SET; `bitmap-manual` only. */
  readonly initiallySet: boolean;
  /** Pages that the vmm re-arms with one CLEAR before it copies the first of them; `bitmap-manual` only. */
  readonly clearPages: number;
  readonly ring: RingSpec;
  /** What guest memory is mapped with. Default: base pages, of which nothing is split. */
  readonly mappings?: MappingSpec;
  /**
   * Per page of the slots, written or not, each time that a bitmap is fetched: KVM takes and copies it, the vmm merges it. Paid
   * by the vmm, whose sender waits. Every log that has a bitmap; default 0.
   */
  readonly scanPageNs?: number;
  /** Per page that GET or CLEAR of a bitmap protects again. Paid by the vmm; default 0. */
  readonly protectPageNs?: number;
  /**
   * Pages that PML cannot log (mapped for a nested guest; no A/D bits) and that fault instead (arch/x86/kvm/vmx/vmx.c); `pml`
   * and rings that use it. Default: none.
   */
  readonly pmlFallback?: readonly PageRange[];
}

/** Of `ring` and `range-ring`. */
export interface RingSpec {
  readonly entries: number;
  /** Whether the CPU fills PML buffers that are drained into the ring; else each entry is a write-protection fault. */
  readonly pml: boolean;
  /** Period of the vmm's reaper thread, ns. */
  readonly reapEveryNs: number;
  /** KVM_CAP_DIRTY_LOG_RING_WITH_BITMAP: KVM's own writes without a vCPU are kept. */
  readonly backupBitmap: boolean;
  /** How many of the newest ranges a `range-ring` holds back for merging. */
  readonly heldBack: number;
}

export interface KvmFound extends DirtyFound {
  /** Of `dirtyPages`, those that are set by definition and not because somebody wrote (KVM_DIRTY_LOG_INITIALLY_SET). */
  readonly byDefinitionPages?: number;
  /** ns that the collect took of whoever asked. */
  readonly workNs?: number;
}

export type KvmReport = KvmFound | { readonly errno: Errno };

export interface KvmDirtyLog {
  readonly active: boolean;
  /** Begins an epoch; while the log is on it changes nothing. Returns the ns that it takes of whoever asked. */
  start(): number;
  /** Ends the log; what was not fetched is gone. */
  stop(): void;
  /** What a sync collects, added to `into`. ENOENT while the log is off. */
  get(into: PageBitmap): KvmReport;
  receive(batch: PageWrites): void;
  /**
   * Must be called before `page` is copied, where the log has it: re-arms what a GET left armed. Returns the first page
   * for which it must be called again.
   */
  rearmBefore?(page: number): number;
  /** Where the log re-arms late: pages that are not armed yet, so that a write to one of them is forgotten when they are. */
  readonly unarmed?: PageBitmap;
  /** ns that `rearmBefore` has taken of whoever called it since this was last asked. */
  takeRearmNs?(): number;
  /** Must be called every so many ns, where the log has it: the vmm's reaper thread. */
  readonly reaper?: { readonly everyNs: number; reap(): void };
  /** A quota for each vCPU, where the log can hold one: only a dirty ring can. Its control is due every period while it is on. */
  readonly limit?: DirtyLimit;
}
