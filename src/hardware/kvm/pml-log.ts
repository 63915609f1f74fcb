/**
 * KVM's dirty bitmap filled by page-modification logging, default mode: no protection and hence no faults, an exit for
 * every 512 pages of a vCPU, and a GET that kicks the vCPUs first. A page is armed while its D bit is clear.
 *
 * `kick` and `take` are GET's two halves. Taking without a kick leaves up to 512 pages of each vCPU in buffers: they are
 * not lost, but late, and late is lost when that GET was the last one.
 */
import { forEachPage, type PageWrites } from '../../streams/page-writes.ts';
import type { DirtyFound } from '../dirty-report.ts';
import type { GuestMemory } from '../memory.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import type { Stalls } from '../stalls.ts';
import { VcpuTurns } from '../vcpu-span.ts';
import type { KvmDirtyLog, KvmReport, KvmSpec } from './dirty-log.ts';
import type { HugeMappings } from './huge-mappings.ts';
import { PmlBuffers } from './pml-buffers.ts';
import { PmlPath } from './pml-path.ts';

/** What this log needs of a spec. */
export type PmlSpec = Pick<KvmSpec, 'exitNs' | 'faultNs' | 'scanPageNs' | 'protectPageNs' | 'pmlFallback'>;

export class PmlLog implements KvmDirtyLog {
  /** D bits: set by the CPU, cleared by a GET. */
  readonly #written: PageBitmap;
  /** The slots' bitmaps: what was drained. */
  readonly #dirty: PageBitmap;
  readonly #buffers = new PmlBuffers();
  readonly #vcpus = new VcpuTurns();
  readonly #memory: GuestMemory;
  readonly #spec: PmlSpec;
  readonly #mappings: HugeMappings | undefined;
  readonly #path: PmlPath;
  readonly #stalls: Stalls;
  #active = false;
  #exits = 0;

  /** Throws a RangeError when a page that falls back is no RAM. */
  constructor(memory: GuestMemory, spec: PmlSpec, stalls: Stalls, mappings?: HugeMappings) {
    this.#written = memory.emptySet();
    this.#dirty = memory.emptySet();
    this.#memory = memory;
    this.#spec = spec;
    this.#stalls = stalls;
    this.#mappings = mappings;
    this.#path = new PmlPath(memory, spec, stalls, mappings);
  }

  get active(): boolean {
    return this.#active;
  }

  /** Exits because of a full buffer since the log was made. */
  get exits(): number {
    return this.#exits;
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

  get(into: PageBitmap): KvmReport {
    if (!this.#active) return { errno: 'ENOENT' };
    this.kick();
    const found = this.take(into);
    const { scanPageNs = 0, protectPageNs = 0 } = this.#spec;
    const workNs = this.#memory.ramPages * scanPageNs + found.dirtyPages * protectPageNs;
    return { ...found, ...(workNs === 0 ? {} : { workNs }) };
  }

  /** Every vCPU leaves the guest, and its buffer is drained. */
  kick(): void {
    this.#buffers.drainAll((unit) => this.#mark(unit));
  }

  /** Moves the bitmap to `into` and clears the D bit of each page in it. */
  take(into: PageBitmap): DirtyFound {
    this.#written.clearWhere(this.#dirty);
    const dirtyPages = this.#dirty.count;
    return { dirtyPages, newPages: this.#dirty.takeInto(into) };
  }

  receive(batch: PageWrites): void {
    const { source } = batch;
    if (this.#active && source.startsWith('kvm:')) this.#dirty.applyWrites(batch);
    if (!source.startsWith('vcpu:')) return;
    if (!this.#active) {
      this.#mappings?.touch(batch, this.#vcpus.vcpusOf(source));
      return;
    }
    forEachPage(batch, (page) => {
      const unit = this.#path.unitOf(page);
      if (this.#written.set(unit)) this.#log(this.#vcpus.next(source), unit);
    });
  }

  #log(vcpu: number, unit: number): void {
    if (this.#path.faults(vcpu, unit)) {
      this.#mark(unit);
      return;
    }
    if (this.#buffers.full(vcpu)) {
      this.#exits += 1;
      this.#stalls.charge([vcpu], 'pmlExits', this.#spec.exitNs);
      this.#buffers.drain(vcpu, (drained) => this.#mark(drained));
    }
    this.#buffers.log(vcpu, unit);
  }

  #mark(unit: number): void {
    this.#dirty.setRange(unit, this.#path.pagesOf(unit));
  }

  #forget(): void {
    this.#written.clearAll();
    this.#dirty.clearAll();
    this.#buffers.clearAll();
  }
}
