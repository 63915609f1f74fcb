/**
 * KVM's dirty log with manual protection (KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2): GET copies, clears nothing and protects
 * nothing; CLEAR takes the bits that its caller names and protects those pages again. Without CLEAR every GET finds at
 * least what the one before it found.
 *
 * The vmm's half is here, too: as QEMU does (system/memory.c memory_region_clear_dirty_bitmap, accel/kvm/kvm-all.c
 * kvm_log_clear), it clears chunk by chunk, each at the first copy of one of its pages since the last sync, and only
 * what that sync's GET found. A page's epoch thus begins shortly before its copy and not at the sync.
 */
import type { Errno } from '../../../machines/words.ts';
import type { PageWrites } from '../../streams/page-writes.ts';
import type { GuestMemory } from '../memory.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import type { Stalls } from '../stalls.ts';
import { VcpuTurns } from '../vcpu-span.ts';
import { CLEAR_ALIGN_PAGES, type ClearRequest, checkClear } from './bitmap-ioctls.ts';
import type { KvmDirtyLog, KvmReport, KvmSpec } from './dirty-log.ts';
import type { HugeMappings } from './huge-mappings.ts';
import { Protection } from './protection.ts';

/** What this log needs of a spec. */
export type ManualSpec = Pick<KvmSpec, 'faultNs' | 'initiallySet' | 'clearPages' | 'scanPageNs' | 'protectPageNs'>;

export class ManualLog implements KvmDirtyLog {
  /** A clear bit is a protected page; a set bit is a writable one, whose writes are not noticed. */
  readonly #dirty: PageBitmap;
  /** Set because logging began, and not cleared since. */
  readonly #byDefinition: PageBitmap;
  /** The vmm's: what its last GET found and no CLEAR has taken. */
  readonly #fetched: PageBitmap;
  /** The vmm's: chunks that must be cleared before a copy, per slot. */
  readonly #pending: readonly Uint8Array[];
  readonly #memory: GuestMemory;
  readonly #spec: ManualSpec;
  readonly #mappings: HugeMappings | undefined;
  readonly #protection: Protection;
  readonly #stalls: Stalls;
  readonly #vcpus = new VcpuTurns();
  #active = false;
  #rearmNs = 0;

  /** Throws a RangeError for a chunk that CLEAR would refuse. */
  constructor(memory: GuestMemory, spec: ManualSpec, stalls: Stalls, mappings?: HugeMappings) {
    const { clearPages } = spec;
    if (!(Number.isInteger(clearPages) && clearPages > 0 && clearPages % CLEAR_ALIGN_PAGES === 0)) {
      throw new RangeError(`clearPages must be a multiple of ${CLEAR_ALIGN_PAGES}, got ${clearPages}`);
    }
    this.#memory = memory;
    this.#spec = spec;
    this.#stalls = stalls;
    this.#mappings = mappings;
    this.#dirty = memory.emptySet();
    this.#protection = new Protection(this.#dirty, mappings);
    this.#byDefinition = memory.emptySet();
    this.#fetched = memory.emptySet();
    this.#pending = memory.slots.map(({ pages }) => new Uint8Array(Math.ceil(pages / clearPages)));
  }

  get active(): boolean {
    return this.#active;
  }

  get unarmed(): PageBitmap {
    return this.#fetched;
  }

  /** Everything is protected; or everything is set, and protected by the first CLEAR of each piece. */
  start(): number {
    if (this.#active) return 0;
    this.#forget();
    this.#active = true;
    if (!this.#spec.initiallySet) return this.#mappings?.start() ?? 0;
    this.#memory.setAllRam(this.#dirty);
    this.#memory.setAllRam(this.#byDefinition);
    this.#protection.unprotectAll();
    return 0;
  }

  stop(): void {
    if (this.#active) this.#mappings?.stop();
    this.#active = false;
    this.#forget();
  }

  /** KVM_GET_DIRTY_LOG over all slots: a copy. What it found has to be cleared before it is copied. */
  get(into: PageBitmap): KvmReport {
    if (!this.#active) return { errno: 'ENOENT' };
    this.#fetched.clearAll();
    this.#fetched.or(this.#dirty);
    for (const chunks of this.#pending) chunks.fill(1);
    const workNs = this.#memory.ramPages * (this.#spec.scanPageNs ?? 0);
    return {
      dirtyPages: this.#dirty.count,
      newPages: this.#dirty.orInto(into),
      byDefinitionPages: this.#byDefinition.count,
      ...(workNs === 0 ? {} : { workNs }),
    };
  }

  /** KVM_CLEAR_DIRTY_LOG: clears and protects what is set both in `mask` and in the log; says how many pages that were. */
  clear(request: ClearRequest, mask: PageBitmap): { readonly clearedPages: number } | { readonly errno: Errno } {
    const slots = this.#memory.slots.map(({ pages }) => ({ pages, logged: this.#active }));
    const errno = checkClear({ slots, ringOnly: false }, request);
    if (errno !== undefined) return { errno };
    const from = this.#memory.slots[request.slot]!.firstPage + request.firstPage;
    this.#rearmNs += this.#mappings?.splitRange(from, request.pages) ?? 0;
    const clearedPages = this.#dirty.clearWhere(mask, from, from + request.pages);
    this.#byDefinition.clearWhere(mask, from, from + request.pages);
    this.#protection.protectCleared(from, request.pages);
    this.#rearmNs += clearedPages * (this.#spec.protectPageNs ?? 0);
    return { clearedPages };
  }

  /** What CLEARs have taken of the vmm since this was last asked: pages protected again, and mappings split before that. */
  takeRearmNs(): number {
    const ns = this.#rearmNs;
    this.#rearmNs = 0;
    return ns;
  }

  /** The vmm is about to copy `page`: its chunk is cleared unless it has been since the last GET. */
  rearmBefore(page: number): number {
    const { slots } = this.#memory;
    const { clearPages } = this.#spec;
    const slot = slots.findIndex((one) => page < one.firstPage + one.pages);
    const { firstPage: slotPage, pages: slotPages } = slots[slot]!;
    const chunk = Math.floor((page - slotPage) / clearPages);
    const firstPage = chunk * clearPages;
    const pages = Math.min(clearPages, slotPages - firstPage);
    const pending = this.#pending[slot]!;
    if (this.#active && pending[chunk] === 1) {
      pending[chunk] = 0;
      const cleared = this.clear({ slot, firstPage, pages }, this.#fetched);
      if ('errno' in cleared) throw new Error(`CLEAR of chunk ${chunk} of slot ${slot}: ${cleared.errno}`);
      this.#fetched.clearRange(slotPage + firstPage, pages);
    }
    return slotPage + firstPage + pages;
  }

  receive(batch: PageWrites): void {
    const { source } = batch;
    if (this.#active && source.startsWith('kvm:')) this.#dirty.applyWrites(batch);
    if (!source.startsWith('vcpu:')) return;
    const vcpus = this.#vcpus.vcpusOf(source);
    if (!this.#active) {
      this.#mappings?.touch(batch, vcpus);
      return;
    }
    this.#stalls.charge(vcpus, 'dirtyFaults', this.#protection.write(batch, vcpus) * this.#spec.faultNs);
  }

  #forget(): void {
    for (const bits of [this.#dirty, this.#byDefinition, this.#fetched]) bits.clearAll();
    for (const chunks of this.#pending) chunks.fill(0);
    this.#protection.protectAll();
    this.#rearmNs = 0;
  }
}
