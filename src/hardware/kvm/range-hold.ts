/**
 * HYPOTHETICAL: the front of a ring whose entries are ranges (address, length). The newest ranges are held back from the
 * user so that the next writes can still extend them; older ones are published and never change again. Proposed in the
 * review of the dirty ring on the kvm list in January 2020; no kernel has it, so the details are this project's.
 *
 * What is held back is invisible, as a PML buffer is: a collect must publish it first.
 */

export interface PageSpan {
  readonly slot: number;
  readonly offset: number;
  readonly pages: number;
}

export class RangeHold {
  readonly #heldBack: number;
  /** Oldest first. */
  #ranges: PageSpan[] = [];

  /** `heldBack` 0: every page is published at once, as in the rings that exist. */
  constructor(heldBack: number) {
    if (!(Number.isInteger(heldBack) && heldBack >= 0)) throw new RangeError(`no number of ranges: ${heldBack}`);
    this.#heldBack = heldBack;
  }

  get held(): number {
    return this.#ranges.length;
  }

  /** Logs a page: it extends a range that is held back, or begins one, and the oldest may have to be published. */
  add(slot: number, offset: number, publish: (range: PageSpan) => void): void {
    if (this.#heldBack === 0) {
      publish({ slot, offset, pages: 1 });
      return;
    }
    const at = this.#ranges.findIndex(
      (range) => range.slot === slot && offset >= range.offset - 1 && offset <= range.offset + range.pages,
    );
    const range = this.#ranges[at];
    if (range === undefined) {
      this.#ranges.push({ slot, offset, pages: 1 });
      if (this.#ranges.length > this.#heldBack) publish(this.#ranges.shift()!);
      return;
    }
    const first = Math.min(range.offset, offset);
    const end = Math.max(range.offset + range.pages, offset + 1);
    this.#ranges[at] = { slot, offset: first, pages: end - first };
  }

  /** Publishes everything. */
  flush(publish: (range: PageSpan) => void): void {
    const ranges = this.#ranges;
    this.#ranges = [];
    for (const range of ranges) publish(range);
  }
}
