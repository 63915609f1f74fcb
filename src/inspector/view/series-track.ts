/** One series while it grows: typed arrays that double, so that a hundred thousand points cost neither objects nor copies. */
import type { Series } from './series.ts';

export type SeriesHeader = Omit<Series, 'positions' | 'atNs' | 'values'>;

/** Points `from` and further of a series. */
export interface Points {
  readonly from: number;
  readonly positions: Int32Array;
  readonly atNs: Float64Array;
  readonly values: Float64Array;
}

const LEAST = 64;

export class SeriesTrack {
  readonly header: SeriesHeader;
  #length = 0;
  #positions = new Int32Array(LEAST);
  #atNs = new Float64Array(LEAST);
  #values = new Float64Array(LEAST);

  constructor(header: SeriesHeader) {
    this.header = header;
  }

  get length(): number {
    return this.#length;
  }

  get last(): number | undefined {
    return this.#length === 0 ? undefined : this.#values[this.#length - 1];
  }

  /** Of two of one record the later one counts. */
  put(value: number, { atNs, position }: { readonly atNs: number; readonly position: number }): void {
    const isAgain = this.#length > 0 && this.#positions[this.#length - 1] === position;
    // A value that stays needs no point, unless it is a mean of another time.
    if (!isAgain && this.header.holds === 'from' && this.last === value) return;
    const at = isAgain ? this.#length - 1 : this.#length;
    if (at >= this.#positions.length) this.#grow(at + 1);
    this.#positions[at] = position;
    this.#atNs[at] = atNs;
    this.#values[at] = value;
    this.#length = at + 1;
  }

  /** As they came from another track; what is there from `from` on is replaced. */
  take({ from, positions, atNs, values }: Points): void {
    const end = from + positions.length;
    if (end > this.#positions.length) this.#grow(end);
    this.#positions.set(positions, from);
    this.#atNs.set(atNs, from);
    this.#values.set(values, from);
    this.#length = end;
  }

  /** Copies, which may be handed over. */
  pointsFrom(from: number): Points {
    return {
      from,
      positions: this.#positions.slice(from, this.#length),
      atNs: this.#atNs.slice(from, this.#length),
      values: this.#values.slice(from, this.#length),
    };
  }

  /** A view of what there is; it stays as it is when more comes. */
  series(): Series {
    return {
      ...this.header,
      positions: this.#positions.subarray(0, this.#length),
      atNs: this.#atNs.subarray(0, this.#length),
      values: this.#values.subarray(0, this.#length),
    };
  }

  #grow(least: number): void {
    const size = Math.max(least, this.#positions.length * 2);
    const grown = <T extends Float64Array | Int32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.#positions = grown(this.#positions, new Int32Array(size));
    this.#atNs = grown(this.#atNs, new Float64Array(size));
    this.#values = grown(this.#values, new Float64Array(size));
  }
}
