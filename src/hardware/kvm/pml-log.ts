/**
 * KVM's dirty bitmap filled by page-modification logging, default mode: no protection and hence no faults, an exit for
 * every 512 pages of a vCPU, and a GET that kicks the vCPUs first. A page is armed while its D bit is clear.
 *
 * `kick` and `take` are GET's two halves. Taking without a kick leaves up to 512 pages of each vCPU in buffers: they are
 * not lost, but late, and late is lost when that GET was the last one.
 */
import { forEachPage, type PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound } from '../dirty-report.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { Stalls } from '../stalls.ts';
import { VcpuTurns } from '../vcpu-span.ts';
import type { KvmDirtyLog, KvmReport, KvmSpec } from './dirty-log.ts';
import { PmlBuffers } from './pml-buffers.ts';

export class PmlLog implements KvmDirtyLog {
  /** D bits: set by the CPU, cleared by a GET. */
  readonly #written: PageBitmap;
  /** The slots' bitmaps: what was drained. */
  readonly #dirty: PageBitmap;
  readonly #buffers = new PmlBuffers();
  readonly #vcpus = new VcpuTurns();
  readonly #exitNs: number;
  readonly #stalls: Stalls;
  #active = false;
  #exits = 0;

  constructor(pages: number, { exitNs }: Pick<KvmSpec, 'exitNs'>, stalls: Stalls) {
    this.#written = new PageBitmap(pages);
    this.#dirty = new PageBitmap(pages);
    this.#exitNs = exitNs;
    this.#stalls = stalls;
  }

  get active(): boolean {
    return this.#active;
  }

  /** Exits because of a full buffer since the log was made. */
  get exits(): number {
    return this.#exits;
  }

  start(): void {
    if (this.#active) return;
    this.#forget();
    this.#active = true;
  }

  stop(): void {
    this.#active = false;
    this.#forget();
  }

  get(into: PageBitmap): KvmReport {
    if (!this.#active) return { errno: 'ENOENT' };
    this.kick();
    return this.take(into);
  }

  /** Every vCPU leaves the guest, and its buffer is drained. */
  kick(): void {
    this.#buffers.drainAll((page) => this.#dirty.set(page));
  }

  /** Moves the bitmap to `into` and clears the D bit of each page in it. */
  take(into: PageBitmap): DirtyFound {
    this.#written.clearWhere(this.#dirty);
    const dirtyPages = this.#dirty.count;
    return { dirtyPages, newPages: this.#dirty.takeInto(into) };
  }

  receive(batch: PageWrites): void {
    if (!this.#active) return;
    const { source } = batch;
    if (source.startsWith('kvm:')) this.#dirty.applyWrites(batch);
    if (!source.startsWith('vcpu:')) return;
    forEachPage(batch, (page) => {
      if (this.#written.set(page)) this.#log(this.#vcpus.next(source), page);
    });
  }

  #log(vcpu: number, page: number): void {
    if (this.#buffers.full(vcpu)) {
      this.#exits += 1;
      this.#stalls.charge([vcpu], 'pmlExits', this.#exitNs);
      this.#buffers.drain(vcpu, (drained) => this.#dirty.set(drained));
    }
    this.#buffers.log(vcpu, page);
  }

  #forget(): void {
    this.#written.clearAll();
    this.#dirty.clearAll();
    this.#buffers.clearAll();
  }
}
