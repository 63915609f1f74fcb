/**
 * KVM's dirty log in its default mode: a bit a page, write protection, and a GET that takes the bits and protects again
 * (virt/kvm/kvm_main.c, kvm_get_dirty_log_protect). It sees what the guest's vCPUs write through their own mappings, and
 * KVM's own writes, and nothing else: no device's DMA, no vhost, no emulation in the vmm (Documentation/virt/kvm/api.rst).
 *
 * Each page's first write after it was protected faults, and that fault is the log's price: it is counted by the vCPUs
 * that took it. A GET drains PML buffers and flushes the TLB before it returns, so nothing is in flight here.
 */
import type { PageWrites, WriteSource } from '../streams/page-writes.ts';
import type { DirtyReport } from './dirty-report.ts';
import type { KvmDirtyLog } from './kvm/dirty-log.ts';
import { PageBitmap } from './page-bitmap.ts';
import { Stalls } from './stalls.ts';
import { VcpuTurns } from './vcpu-span.ts';

export class KvmLog implements KvmDirtyLog {
  readonly #dirty: PageBitmap;
  readonly #faults = new Map<WriteSource, number>();
  readonly #faultNs: number;
  readonly #stalls: Stalls;
  readonly #vcpus = new VcpuTurns();
  #active = false;

  /** `faultNs`: what each fault costs the vCPU that takes it, charged to `stalls`. */
  constructor(pages: number, costs: { readonly faultNs: number; readonly stalls: Stalls } = FREE_OF_CHARGE) {
    this.#dirty = new PageBitmap(pages);
    this.#faultNs = costs.faultNs;
    this.#stalls = costs.stalls;
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
  start(): void {
    if (this.#active) return;
    this.#dirty.clearAll();
    this.#active = true;
  }

  /** Ends the log; what was not fetched is gone. */
  stop(): void {
    this.#active = false;
    this.#dirty.clearAll();
  }

  /** KVM_GET_DIRTY_LOG over all slots: moves the dirty pages to `into` and protects them again. ENOENT while off. */
  get(into: PageBitmap): DirtyReport {
    if (!this.#active) return { errno: 'ENOENT' };
    const dirtyPages = this.#dirty.count;
    return { dirtyPages, newPages: this.#dirty.takeInto(into) };
  }

  receive(batch: PageWrites): void {
    if (!this.#active) return;
    if (batch.source.startsWith('kvm:')) this.#dirty.applyWrites(batch);
    if (!batch.source.startsWith('vcpu:')) return;
    const faults = this.#dirty.applyWrites(batch);
    if (faults === 0) return;
    this.#faults.set(batch.source, (this.#faults.get(batch.source) ?? 0) + faults);
    this.#stalls.charge(this.#vcpus.vcpusOf(batch.source), 'dirtyFaults', faults * this.#faultNs);
  }
}

const FREE_OF_CHARGE = { faultNs: 0, stalls: new Stalls() };
