/**
 * A NIC whose descriptors a driver on the host scans (Intel, on its vGPU list in 2017, for devices that a vmm mediates):
 * the guest posts receive buffers of a page, the device fills them in turn and completes each, and the guest posts the next
 * one of its pool. A buffer may be written from its posting on, so it is dirty until it was reported once after completion.
 *
 * Nothing is missed, and what is reported too much is what is posted and still empty. A guest that stands posts nothing:
 * the device fills what it has and then drops what arrives.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import type { GuestMemory } from '../memory.ts';
import { PageSet } from '../page-set.ts';
import { ExactRate } from '../workloads/rate.ts';
import type { Emit } from '../workloads/writer.ts';
import { MappedPages } from './mapped-pages.ts';
import type { MediatedWriter } from './mediated.ts';

export interface MediatedNicSpec {
  readonly kind: 'mediated-nic';
  /** The guest's buffers, in the order in which it posts them, round and round. */
  readonly pool: readonly PageRange[];
  /** Receive descriptors: so many buffers are posted while the guest runs. At most as many as the pool has. */
  readonly descriptors: number;
  readonly bytesPerSecond: number;
  /** Per descriptor that a report finds posted or completed since the last one, ns. Nobody published one: default 0. */
  readonly descriptorNs?: number;
}

export class MediatedNic implements MediatedWriter {
  readonly mapped: MappedPages;
  readonly #source: WriteSource;
  readonly #pool: PageSet;
  readonly #rate: ExactRate;
  readonly #pageBytes: number;
  readonly #descriptors: number;
  readonly #pairs: Uint32Array;
  /** Index in the pool of the buffer that is being filled, how much of it is, and how many are posted from it on. */
  #filling = 0;
  #filledBytes = 0;
  #posted = 0;
  #guestRuns = true;

  constructor(spec: MediatedNicSpec, source: WriteSource, memory: GuestMemory) {
    memory.requireRam(spec.pool, source);
    this.#source = source;
    this.#pool = new PageSet(spec.pool);
    const { descriptors } = spec;
    if (!(Number.isInteger(descriptors) && descriptors >= 1 && descriptors <= this.#pool.pages)) {
      throw new RangeError(`${source}: ${descriptors} descriptors for a pool of ${this.#pool.pages} buffers`);
    }
    this.#descriptors = descriptors;
    this.#rate = new ExactRate(spec.bytesPerSecond);
    this.#pageBytes = memory.pageBytes;
    this.#pairs = new Uint32Array(2 * (spec.pool.length + 1));
    this.mapped = new MappedPages(
      memory.pages,
      { maintain: 'walkAtQuery', entryNs: spec.descriptorNs ?? 0 },
      memory.arena,
    );
    this.#post();
  }

  guestAdvances(_fromNs: number, _toNs: number, speedPercent: number): void {
    this.#guestRuns = speedPercent > 0;
    if (this.#guestRuns) this.#post();
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    let bytes = this.#rate.due(toNs - fromNs, speedPercent);
    while (bytes > 0 && this.#posted > 0) {
      const room = this.#posted * this.#pageBytes - this.#filledBytes;
      const taken = Math.min(bytes, room);
      bytes -= taken;
      this.#fill(taken, fromNs, toNs, emit);
      if (this.#guestRuns) this.#post();
    }
  }

  /** Fills so many bytes of what is posted; buffers that are full are completed. */
  #fill(bytes: number, fromNs: number, toNs: number, emit: Emit): void {
    const end = this.#filledBytes + bytes;
    this.#eachRange(this.#filling, Math.ceil(end / this.#pageBytes), (pairs) => {
      emit({ fromNs, toNs, source: this.#source, form: 'extents', pairs });
    });
    const completed = Math.floor(end / this.#pageBytes);
    this.#eachRange(this.#filling, completed, (pairs) => {
      for (let i = 0; i < pairs.length; i += 2) this.mapped.unmap({ firstPage: pairs[i]!, pages: pairs[i + 1]! });
    });
    this.#filling = (this.#filling + completed) % this.#pool.pages;
    this.#filledBytes = end - completed * this.#pageBytes;
    this.#posted -= completed;
  }

  #post(): void {
    const first = (this.#filling + this.#posted) % this.#pool.pages;
    this.#eachRange(first, this.#descriptors - this.#posted, (pairs) => {
      for (let i = 0; i < pairs.length; i += 2) this.mapped.map({ firstPage: pairs[i]!, pages: pairs[i + 1]! });
    });
    this.#posted = this.#descriptors;
  }

  /** The extents of `count` buffers of the pool from `first` on, round its end. */
  #eachRange(first: number, count: number, use: (pairs: Uint32Array) => void): void {
    for (let [at, left] = [first, count]; left > 0; at = 0) {
      const run = Math.min(left, this.#pool.pages - at);
      use(this.#pairs.subarray(0, this.#pool.extentsInto(this.#pairs, 0, at, run)));
      left -= run;
    }
  }
}
