/**
 * A head that moves over a set in address order at an exact rate, and emits the pages that it passed as extents. A loop
 * over an array, a file copy and a NIC's receive ring are all this, with different sets and ends.
 *
 * With a rate in bytes, a page that the head has only partly passed is written in this span and again in the next one.
 */
import type { WriteSource } from '../../streams/page-writes.ts';
import type { PageSet } from '../page-set.ts';
import { ExactRate, type Rate } from './rate.ts';
import type { Emit, Writer } from './writer.ts';

export interface HeadOptions {
  readonly set: PageSet;
  readonly rate: Rate;
  readonly pageBytes: number;
  /** Index in the set where the head begins. */
  readonly phasePages?: number;
  /** Stop at the end of the set instead of going round. */
  readonly once?: boolean;
}

export class WriteHead implements Writer {
  readonly #source: WriteSource;
  readonly #set: PageSet;
  readonly #rate: ExactRate;
  readonly #unitsPerPage: number;
  readonly #once: boolean;
  readonly #pairs: Uint32Array;
  #at: number;

  constructor(source: WriteSource, options: HeadOptions) {
    const { set, rate, pageBytes, phasePages = 0 } = options;
    if (set.pages === 0) throw new RangeError(`${source}: nothing to write to`);
    if (!(Number.isInteger(phasePages) && phasePages >= 0 && phasePages < set.pages)) {
      throw new RangeError(`${source}: phase ${phasePages} is outside the set's ${set.pages} pages`);
    }
    this.#source = source;
    this.#set = set;
    this.#unitsPerPage = 'bytesPerSecond' in rate ? pageBytes : 1;
    this.#rate = new ExactRate('bytesPerSecond' in rate ? rate.bytesPerSecond : rate.writesPerSecond);
    this.#once = options.once ?? false;
    this.#pairs = new Uint32Array(4 * (set.ranges.length + 1));
    this.#at = phasePages * this.#unitsPerPage;
  }

  /** Where the head stands: index in the set and part of that page already passed. `set.pages` when it is through. */
  get position(): number {
    return this.#at / this.#unitsPerPage;
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    const setUnits = this.#set.pages * this.#unitsPerPage;
    let units = this.#rate.due(toNs - fromNs, speedPercent);
    if (this.#once) units = Math.min(units, setUnits - this.#at);
    if (units === 0) return;
    const first = Math.floor(this.#at / this.#unitsPerPage);
    const last = Math.floor((this.#at + units - 1) / this.#unitsPerPage);
    const count = Math.min(last - first + 1, this.#set.pages);
    const end = this.#at + units;
    this.#at = this.#once ? end : end % setUnits;
    emit({ fromNs, toNs, source: this.#source, form: 'extents', pairs: this.#extents(first, count) });
  }

  #extents(first: number, count: number): Uint32Array {
    const beforeWrap = Math.min(count, this.#set.pages - first);
    let end = this.#set.extentsInto(this.#pairs, 0, first, beforeWrap);
    end = this.#set.extentsInto(this.#pairs, end, 0, count - beforeWrap);
    return this.#pairs.subarray(0, end);
  }
}
