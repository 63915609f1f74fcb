/**
 * KVM's huge mappings of guest memory under a dirty log: which are whole, which are split, and who stood still for it
 * (arch/x86/kvm/mmu/tdp_mmu.c). Only a leaf that lies in one slot as a whole is ever mapped whole; the pages at a slot's
 * ragged ends are mapped one by one from the start.
 *
 * A leaf that is split lazily is replaced by a table that has only the page that faulted, so every other page of it faults
 * at its first write, too, whatever logs the writes after that. When logging ends, split leaves are dropped and come back
 * as a whole in the next fault: a log that starts before that finds nothing there to split.
 *
 * Reads are not modelled: a real vCPU also faults where it only reads from a leaf that was split or dropped.
 */
import type { PageRange } from '../../../machines/words.ts';
import { forEachPage, type PageWrites } from '../../streams/page-writes.ts';
import type { GuestMemory } from '../memory.ts';
import { PageBitmap } from '../page-bitmap.ts';
import type { Stalls } from '../stalls.ts';
import { checkMappings, type MappingSpec } from './mapping-spec.ts';

export class HugeMappings {
  readonly leafPages: number;
  readonly #spec: MappingSpec;
  readonly #stalls: Stalls;
  readonly #leaves: number;
  /** Leaves that lie in one slot as a whole, in ranges of leaves. */
  readonly #whole: readonly PageRange[];
  readonly #wholeLeaves: PageBitmap;
  /** Leaves that are split now. */
  readonly #split: PageBitmap;
  /** Leaves that logging left without a mapping. */
  readonly #dropped: PageBitmap;
  /** `lazy`: pages of split leaves that have their own mapping. */
  readonly #small: PageBitmap;

  /** Throws a RangeError for a spec that is none. */
  constructor(memory: GuestMemory, spec: MappingSpec, stalls: Stalls) {
    checkMappings(spec);
    this.leafPages = spec.leafPages;
    this.#spec = spec;
    this.#stalls = stalls;
    this.#leaves = Math.ceil(memory.pages / spec.leafPages);
    this.#whole = wholeLeaves(memory.slots, spec.leafPages);
    this.#wholeLeaves = new PageBitmap(this.#leaves);
    for (const { firstPage, pages } of this.#whole) this.#wholeLeaves.setRange(firstPage, pages);
    this.#split = new PageBitmap(this.#leaves);
    this.#dropped = new PageBitmap(this.#leaves);
    this.#small = new PageBitmap(spec.split === 'lazy' ? memory.pages : 0);
  }

  /** Leaves that are mapped as a whole now. */
  get hugeLeaves(): number {
    return this.#wholeLeaves.count - this.#split.count - this.#dropped.count;
  }

  /** One bit stands for more than a page. */
  get coarse(): boolean {
    return this.#spec.split === 'none';
  }

  /** A write may find a mapping that its fault has to split. */
  get splitsInFaults(): boolean {
    return this.#spec.split === 'lazy';
  }

  /** Whether `page` lies in a leaf that is mapped, and so logged, as a whole: `none` only. */
  inWholeLeaf(page: number): boolean {
    return this.coarse && this.#wholeLeaves.get(this.leafOf(page));
  }

  leafOf(page: number): number {
    return Math.floor(page / this.leafPages);
  }

  /** Logging starts and protects everything at once. Returns the ns that it takes to split. */
  start(): number {
    return this.#whole.reduce((ns, { firstPage, pages }) => ns + this.#splitLeaves(firstPage, firstPage + pages), 0);
  }

  /** A CLEAR is about to protect these pages. Returns the ns that it takes to split what is not split. */
  splitRange(firstPage: number, pages: number): number {
    return this.#splitLeaves(this.leafOf(firstPage), Math.ceil((firstPage + pages) / this.leafPages));
  }

  /** A vCPU writes to a page that is protected. Returns whether its fault splits, which is once for each page of a leaf. */
  firstWrite(page: number): boolean {
    if (this.#spec.split !== 'lazy') return false;
    const leaf = this.leafOf(page);
    if (!this.#wholeLeaves.get(leaf)) return false;
    if (this.#dropped.get(leaf)) this.#mapSmall(leaf);
    this.#split.set(leaf);
    return this.#small.set(page);
  }

  /** What `faults` faults that split cost more than others; `alsoNs`: what else each costs, where the log has no faults. */
  chargeSplits(vcpus: readonly number[], faults: number, alsoNs = 0): void {
    this.#stalls.charge(vcpus, 'splits', faults * (this.#spec.splitFaultNs + alsoNs));
  }

  /** Logging has ended: what was split is dropped. */
  stop(): void {
    this.#split.takeInto(this.#dropped);
    this.#small.clearAll();
  }

  /** A vCPU writes while nothing is logged: a dropped leaf comes back as a whole, in a fault. */
  touch(batch: PageWrites, vcpus: readonly number[]): void {
    if (this.#dropped.count === 0) return;
    let faults = 0;
    forEachPage(batch, (page) => {
      if (this.#dropped.clear(this.leafOf(page))) faults += 1;
    });
    this.#stalls.charge(vcpus, 'splits', faults * this.#spec.collapseFaultNs);
  }

  /** Leaves `from` up to, without, `to`. */
  #splitLeaves(from: number, to: number): number {
    if (this.#spec.split !== 'eager') return 0;
    let added = 0;
    for (const { firstPage, pages } of this.#whole) {
      const first = Math.max(from, firstPage);
      const end = Math.min(to, firstPage + pages);
      if (first >= end) continue;
      // What was dropped has no mapping to split: its pages are mapped one by one when they fault.
      added += this.#split.setRange(first, end - first) - this.#dropped.clearRange(first, end - first);
    }
    return added * this.leafPages * this.#spec.splitPageNs;
  }

  /** A dropped leaf under a log: each of its pages is mapped by its own fault, which has nothing to split. */
  #mapSmall(leaf: number): void {
    this.#dropped.clear(leaf);
    this.#small.setRange(leaf * this.leafPages, this.leafPages);
  }
}

/** In ranges of leaves. A mapping of one page is none that could be split. */
function wholeLeaves(slots: readonly PageRange[], leafPages: number): PageRange[] {
  if (leafPages === 1) return [];
  return slots.flatMap(({ firstPage, pages }) => {
    const first = Math.ceil(firstPage / leafPages);
    const end = Math.floor((firstPage + pages) / leafPages);
    return first < end ? [{ firstPage: first, pages: end - first }] : [];
  });
}
