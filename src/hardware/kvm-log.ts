/**
 * KVM's dirty log in its default mode: a bit a page, write protection, and a GET that takes the bits and protects again
 * (virt/kvm/kvm_main.c, kvm_get_dirty_log_protect). It sees what the guest's vCPUs write through their own mappings, and
 * KVM's own writes, and nothing else: no device's DMA, no vhost, no emulation in the vmm (Documentation/virt/kvm/api.rst).
 *
 * Each page's first write after it was protected faults, and that fault is the log's price: it is counted by the vCPUs
 * that took it. A GET drains PML buffers and flushes the TLB before it returns, so nothing is in flight here.
 */
import type { PageWrites, WriteSource } from '../streams/page-writes.ts';
import type { KvmDirtyLog, KvmReport } from './kvm/dirty-log.ts';
import type { HugeMappings } from './kvm/huge-mappings.ts';
import { Protection } from './kvm/protection.ts';
import type { PageBitmap } from './page-bitmap.ts';
import { Stalls } from './stalls.ts';
import { VcpuTurns } from './vcpu-span.ts';

export interface KvmLogCosts {
  /** What each fault costs the vCPU that takes it, charged to `stalls`. */
  readonly faultNs: number;
  readonly stalls: Stalls;
  /** What a GET takes whatever it finds, and for each page that it finds and protects. Default 0. */
  readonly scanNs?: number;
  readonly protectPageNs?: number;
  /** Absent: base pages. */
  readonly mappings?: HugeMappings | undefined;
}

export class KvmLog implements KvmDirtyLog {
  readonly #dirty: PageBitmap;
  readonly #protection: Protection;
  readonly #faults = new Map<WriteSource, number>();
  readonly #costs: KvmLogCosts;
  readonly #vcpus = new VcpuTurns();
  #active = false;

  /** `dirty`: an empty set of the size of memory. */
  constructor(dirty: PageBitmap, costs: KvmLogCosts = FREE_OF_CHARGE) {
    this.#dirty = dirty;
    this.#protection = new Protection(this.#dirty, costs.mappings);
    this.#costs = costs;
  }

  get active(): boolean {
    return this.#active;
  }

  /** Pages in the log now. */
  get dirtyPages(): number {
    return this.#dirty.count;
  }

  /** Write-protection faults since the log was made, by who paid for them. One fault costs about 2 to 10 us. */
  get faults(): ReadonlyMap<WriteSource, number> {
    return this.#faults;
  }

  /** Begins an epoch: everything protected, nothing dirty. Setting the flag on a slot that has it changes nothing. */
  start(): number {
    if (this.#active) return 0;
    this.#forget();
    this.#active = true;
    return this.#costs.mappings?.start() ?? 0;
  }

  /** Ends the log; what was not fetched is gone. */
  stop(): void {
    if (this.#active) this.#costs.mappings?.stop();
    this.#active = false;
    this.#forget();
  }

  /** KVM_GET_DIRTY_LOG over all slots: moves the dirty pages to `into` and protects them again. ENOENT while off. */
  get(into: PageBitmap): KvmReport {
    if (!this.#active) return { errno: 'ENOENT' };
    const dirtyPages = this.#dirty.count;
    const { scanNs = 0, protectPageNs = 0 } = this.#costs;
    const workNs = scanNs + dirtyPages * protectPageNs;
    this.#protection.protectAll();
    return { dirtyPages, newPages: this.#dirty.takeInto(into), ...(workNs === 0 ? {} : { workNs }) };
  }

  receive(batch: PageWrites): void {
    const { source } = batch;
    if (this.#active && source.startsWith('kvm:')) this.#dirty.applyWrites(batch);
    if (!source.startsWith('vcpu:')) return;
    const { mappings, faultNs, stalls } = this.#costs;
    const vcpus = this.#vcpus.vcpusOf(source);
    if (!this.#active) {
      mappings?.touch(batch, vcpus);
      return;
    }
    const faults = this.#protection.write(batch, vcpus);
    if (faults === 0) return;
    this.#faults.set(source, (this.#faults.get(source) ?? 0) + faults);
    stalls.charge(vcpus, 'dirtyFaults', faults * faultNs);
  }

  #forget(): void {
    this.#dirty.clearAll();
    this.#protection.protectAll();
  }
}

const FREE_OF_CHARGE: KvmLogCosts = { faultNs: 0, stalls: new Stalls() };
