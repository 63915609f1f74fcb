/**
 * KVM's dirty rings, one a vCPU, and the vmm that harvests them: at every sync, whenever its reaper thread wakes up
 * (QEMU: accel/kvm/kvm-all.c, kvm_dirty_ring_reaper_thread, every second), and when a vCPU exits because its ring is full;
 * that vCPU harvests all rings itself and stands still meanwhile (kvm_cpu_exec, kvm_dirty_ring_reap).
 *
 * Every harvest ends with a RESET, which arms the pages again before anything is copied; what was harvested waits in the
 * vmm's own bitmap for the next sync. `kick`, `harvest` and `reset` are a sync's steps, in this order.
 *
 * An entry is published before the store that it stands for has happened (was or will be written): the write that fills a
 * ring is harvested, reset, and logged again when the vCPU tries again. With PML the exit comes before the CPU has logged
 * the write, so there nothing is doubled.
 */
import { forEachPage, type PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound } from '../dirty-report.ts';
import type { GuestMemory } from '../memory.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import type { Stalls } from '../stalls.ts';
import { VcpuTurns } from '../vcpu-span.ts';
import { DirtyLimit } from './dirty-limit.ts';
import type { KvmDirtyLog, KvmReport, KvmSpec } from './dirty-log.ts';
import { DirtyRing, type RingEntry } from './dirty-ring.ts';
import type { HugeMappings } from './huge-mappings.ts';
import { PmlBuffers } from './pml-buffers.ts';
import { PmlPath } from './pml-path.ts';
import { RangeHold } from './range-hold.ts';
import { ResetBatch } from './reset-batch.ts';
import { checkRingBytes, RING_ENTRY_BYTES, reservedEntries } from './ring-size.ts';

interface VcpuRing {
  readonly ring: DirtyRing;
  readonly hold: RangeHold;
}

/** Since the log was made. */
export interface RingCounts {
  /** Entries that were published: a page counts each time. */
  published: number;
  /** Exits because a ring was softly full, and because a PML buffer was. */
  fullExits: number;
  pmlExits: number;
  /** RESET ioctls that freed something: each ends with one TLB flush. */
  flushes: number;
  /** Pages that KVM wrote with no vCPU running and no backup bitmap: recorded nowhere (the kernel warns). */
  unrecorded: number;
}

export class RingLog implements KvmDirtyLog {
  readonly counts: RingCounts = { published: 0, fullExits: 0, pmlExits: 0, flushes: 0, unrecorded: 0 };
  readonly reaper: { readonly everyNs: number; reap(): void };
  readonly limit: DirtyLimit;
  /** Logged since the page was armed: writable, or its D bit is set. */
  readonly #logged: PageBitmap;
  /** The vmm's: harvested since the last sync. */
  readonly #harvested: PageBitmap;
  readonly #backup: PageBitmap | undefined;
  readonly #rings = new Map<number, VcpuRing>();
  readonly #buffers: PmlBuffers | undefined;
  readonly #vcpus = new VcpuTurns();
  readonly #memory: GuestMemory;
  readonly #spec: KvmSpec;
  readonly #stalls: Stalls;
  readonly #batch: ResetBatch;
  readonly #mappings: HugeMappings | undefined;
  readonly #path: PmlPath;
  #active = false;

  /** Throws a RangeError for a size that KVM refuses, or a page that falls back and is no RAM. */
  constructor(memory: GuestMemory, spec: KvmSpec, stalls: Stalls, mappings?: HugeMappings) {
    const { pml, entries, backupBitmap, reapEveryNs } = spec.ring;
    const errno = checkRingBytes(entries * RING_ENTRY_BYTES, { pml, pageBytes: memory.pageBytes });
    if (errno !== undefined) throw new RangeError(`a ring of ${entries} entries: ${errno}`);
    if (!(Number.isSafeInteger(reapEveryNs) && reapEveryNs > 0)) throw new RangeError(`no period: ${reapEveryNs} ns`);
    this.limit = new DirtyLimit(entries * memory.pageBytes);
    this.#memory = memory;
    this.#spec = spec;
    this.#stalls = stalls;
    this.#logged = memory.emptySet();
    this.#harvested = memory.emptySet();
    this.#backup = backupBitmap ? memory.emptySet() : undefined;
    this.#buffers = pml ? new PmlBuffers() : undefined;
    this.#mappings = mappings;
    this.#path = new PmlPath(memory, pml ? spec : { faultNs: spec.faultNs }, stalls, mappings);
    this.#batch = new ResetBatch((slot, offset, low, high) => this.#arm(slot, offset, low, high));
    this.reaper = { everyNs: reapEveryNs, reap: () => this.#reap() };
  }

  get active(): boolean {
    return this.#active;
  }

  start(): number {
    if (this.#active) return 0;
    this.#forget();
    this.#active = true;
    return this.#mappings?.start() ?? 0;
  }

  stop(): void {
    if (this.#active) this.#mappings?.stop();
    this.#active = false;
    this.#forget();
  }

  /** A sync: everybody is kicked, the rings are harvested and reset, and the backup bitmap is read last. */
  get(into: PageBitmap): KvmReport {
    if (!this.#active) return { errno: 'ENOENT' };
    this.kick();
    const entries = this.#reap();
    const found = this.take(into);
    const scanNs = this.#backup === undefined ? 0 : this.#memory.ramPages * (this.#spec.scanPageNs ?? 0);
    return { ...found, workNs: entries * this.#spec.harvestNs + scanNs };
  }

  /** Every vCPU leaves the guest: PML buffers and ranges held back go into the rings, whose reserve has room for them. */
  kick(): void {
    this.#buffers?.drainAll((page, vcpu) => this.#publish(vcpu, page));
    for (const { ring, hold } of this.#rings.values()) hold.flush((range) => this.#push(ring, range));
  }

  /** The vmm takes what is published, ring by ring and each in order; returns the number of entries. */
  harvest(): number {
    let entries = 0;
    for (const { ring } of this.#rings.values()) {
      entries += ring.harvest(({ slot, offset, pages }) => {
        const firstPage = this.#memory.slots[slot]!.firstPage + offset;
        if (pages === 1) this.#harvested.set(firstPage);
        else this.#harvested.setRange(firstPage, pages);
      });
    }
    return entries;
  }

  /**
   * KVM_RESET_DIRTY_RINGS: arms the harvested pages of all rings again, with one flush; returns the number of entries. A
   * signal after `untilSignal` entries ends it early, and the pages that had not been armed yet stay as they are.
   */
  reset(untilSignal = Number.POSITIVE_INFINITY): number {
    let entries = 0;
    for (const { ring } of this.#rings.values()) {
      entries += ring.reset((entry) => this.#batchEntry(entry), untilSignal - entries);
    }
    if (entries < untilSignal) this.#batch.flush();
    else this.#batch.drop();
    if (entries > 0) this.counts.flushes += 1;
    return entries;
  }

  /** Moves what was harvested, and then what is in the backup bitmap, to `into`. */
  take(into: PageBitmap): DirtyFound {
    this.takeBackup();
    return this.takeHarvested(into);
  }

  /** KVM_GET_DIRTY_LOG of the backup bitmap, into what was harvested: the last that is read, after KVM's own last write. */
  takeBackup(): void {
    this.#backup?.takeInto(this.#harvested);
  }

  /** Moves what was harvested to `into`. */
  takeHarvested(into: PageBitmap): DirtyFound {
    const dirtyPages = this.#harvested.count;
    return { dirtyPages, newPages: this.#harvested.takeInto(into) };
  }

  receive(batch: PageWrites): void {
    const { source } = batch;
    if (!this.#active) {
      if (source.startsWith('vcpu:')) this.#mappings?.touch(batch, this.#vcpus.vcpusOf(source));
      return;
    }
    if (source.startsWith('kvm:')) {
      if (this.#backup === undefined) forEachPage(batch, () => (this.counts.unrecorded += 1));
      else this.#backup.applyWrites(batch);
    }
    if (!source.startsWith('vcpu:')) return;
    forEachPage(batch, (page) => {
      const unit = this.#path.unitOf(page);
      if (this.#logged.set(unit)) this.#log(this.#vcpus.next(source), unit);
    });
  }

  #log(vcpu: number, page: number): void {
    if (this.#buffers === undefined || this.#path.faults(vcpu, page)) {
      this.#faultAndPublish(vcpu, page);
      if (!this.#ringOf(vcpu).ring.softFull) return;
      this.#fullExit(vcpu);
      if (this.#logged.set(page)) this.#log(vcpu, page);
      return;
    }
    if (this.#buffers.full(vcpu)) {
      this.counts.pmlExits += 1;
      this.#stalls.charge([vcpu], 'pmlExits', this.#spec.exitNs);
      this.#buffers.drain(vcpu, (drained) => this.#publish(vcpu, drained));
      if (this.#ringOf(vcpu).ring.softFull) this.#fullExit(vcpu);
    }
    this.#buffers.log(vcpu, page);
  }

  /** With PML the path has charged the fault. */
  #faultAndPublish(vcpu: number, page: number): void {
    if (this.#buffers === undefined) {
      if (this.#mappings?.firstWrite(page) === true) this.#mappings.chargeSplits([vcpu], 1);
      this.#stalls.charge([vcpu], 'dirtyFaults', this.#spec.faultNs);
    }
    this.#publish(vcpu, page);
  }

  /** KVM_EXIT_DIRTY_RING_FULL: the vCPU harvests and resets everybody's ring before it runs again. */
  #fullExit(vcpu: number): void {
    this.counts.fullExits += 1;
    const entries = this.#reap();
    this.#stalls.charge([vcpu], 'ringFull', this.#spec.exitNs + entries * this.#spec.harvestNs);
    this.#stalls.charge([vcpu], 'dirtyLimit', this.limit.sleepNs(vcpu));
  }

  #reap(): number {
    const entries = this.harvest();
    this.reset();
    return entries;
  }

  #publish(vcpu: number, page: number): void {
    const { ring, hold } = this.#ringOf(vcpu);
    const slot = this.#memory.slots.findIndex((one) => page < one.firstPage + one.pages);
    const pages = this.#path.pagesOf(page);
    this.limit.dirtied(vcpu, pages * this.#memory.pageBytes);
    if (pages > 1) {
      this.#push(ring, { slot, offset: page - this.#memory.slots[slot]!.firstPage, pages });
      return;
    }
    hold.add(slot, page - this.#memory.slots[slot]!.firstPage, (range) => this.#push(ring, range));
  }

  #push(ring: DirtyRing, { slot, offset, pages }: RingEntry): void {
    if (!ring.push(slot, offset, pages)) throw new Error('a dirty ring has no room: its reserve is too small');
    this.counts.published += 1;
  }

  /** An entry of one page joins a mask; a range is armed as it is. */
  #batchEntry({ slot, offset, pages }: RingEntry): void {
    if (pages === 1) this.#batch.add(slot, offset);
    else this.#logged.clearRange(this.#memory.slots[slot]!.firstPage + offset, pages);
  }

  #arm(slot: number, offset: number, low: number, high: number): void {
    const first = this.#memory.slots[slot]!.firstPage + offset;
    for (let word = low; word !== 0; word &= word - 1) this.#logged.clear(first + 31 - Math.clz32(word & -word));
    for (let word = high; word !== 0; word &= word - 1) this.#logged.clear(first + 63 - Math.clz32(word & -word));
  }

  #ringOf(vcpu: number): VcpuRing {
    let found = this.#rings.get(vcpu);
    if (found === undefined) {
      const { entries, pml, heldBack } = this.#spec.ring;
      const hold = new RangeHold(this.#spec.log === 'range-ring' ? heldBack : 0);
      found = { ring: new DirtyRing(entries, reservedEntries(pml)), hold };
      this.#rings.set(vcpu, found);
    }
    return found;
  }

  #forget(): void {
    for (const bits of [this.#logged, this.#harvested, this.#backup]) bits?.clearAll();
    this.#buffers?.clearAll();
    this.#rings.clear();
  }
}
