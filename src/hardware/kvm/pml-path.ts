/**
 * How a write to an armed page reaches a log that PML fills: through the vCPU's buffer, or, where PML cannot log the page, in
 * a write-protection fault that logs it at once. That is so for pages that are told to fall back, and for the first write
 * to each page of a huge mapping that is split in the fault.
 *
 * A page that is mapped and logged as a whole leaf stands for the leaf: its first page is what is armed and what is listed.
 */
import type { GuestMemory } from '../memory.ts';
import type { PageBitmap } from '../page-bitmap.ts';
import type { Stalls } from '../stalls.ts';
import type { KvmSpec } from './dirty-log.ts';
import type { HugeMappings } from './huge-mappings.ts';

export class PmlPath {
  readonly #mappings: HugeMappings | undefined;
  readonly #fallback: PageBitmap | undefined;
  readonly #faultNs: number;
  readonly #stalls: Stalls;

  constructor(
    memory: GuestMemory,
    spec: Pick<KvmSpec, 'faultNs' | 'pmlFallback'>,
    stalls: Stalls,
    mappings: HugeMappings | undefined,
  ) {
    const { pmlFallback = [], faultNs } = spec;
    memory.requireRam(pmlFallback, 'pmlFallback');
    this.#mappings = mappings;
    this.#faultNs = faultNs;
    this.#stalls = stalls;
    if (pmlFallback.length > 0) this.#fallback = memory.emptySet();
    for (const { firstPage, pages } of pmlFallback) this.#fallback!.setRange(firstPage, pages);
  }

  /** The page that stands for `page`: itself, or the first of a leaf that is logged as a whole. */
  unitOf(page: number): number {
    if (this.#mappings?.inWholeLeaf(page) !== true) return page;
    return this.#mappings.leafOf(page) * this.#mappings.leafPages;
  }

  /** How many pages a page that `unitOf` gave stands for. */
  pagesOf(unit: number): number {
    return this.#mappings?.inWholeLeaf(unit) === true ? this.#mappings.leafPages : 1;
  }

  /** Whether this write to an armed page faults instead of being listed by the CPU; its vCPU is charged. */
  faults(vcpu: number, page: number): boolean {
    if (this.#mappings?.firstWrite(page) === true) {
      this.#mappings.chargeSplits([vcpu], 1, this.#faultNs);
      return true;
    }
    if (this.#fallback?.get(page) !== true) return false;
    this.#stalls.charge([vcpu], 'dirtyFaults', this.#faultNs);
    return true;
  }
}
