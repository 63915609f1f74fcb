/** The columns of a run as they have come so far; grows without being copied at each chunk. */
import type { Columns } from '../view/columns.ts';

export class ColumnTable {
  #length = 0;
  #atNs = new Float64Array(1024);
  #to = new Uint16Array(1024);
  #type = new Uint16Array(1024);
  #by = new Uint16Array(1024);
  #cause = new Int32Array(1024);
  #names: readonly string[] = [];
  /** Records that answer an effect of this one, by its position. */
  readonly #consequences = new Map<number, number[]>();

  get length(): number {
    return this.#length;
  }

  add({ from, atNs, to, type, by, cause, names }: Columns): void {
    const end = from + atNs.length;
    if (end > this.#atNs.length) this.#grow(end);
    this.#atNs.set(atNs, from);
    this.#to.set(to, from);
    this.#type.set(type, from);
    this.#by.set(by, from);
    this.#cause.set(cause, from);
    this.#names = names;
    this.#length = Math.max(this.#length, end);
    cause.forEach((position, row) => {
      if (position < 0) return;
      const known = this.#consequences.get(position);
      if (known === undefined) this.#consequences.set(position, [from + row]);
      else known.push(from + row);
    });
  }

  atNs(position: number): number {
    return this.#atNs[position] ?? 0;
  }

  to(position: number): string {
    return this.#names[this.#to[position] ?? 0] ?? '';
  }

  type(position: number): string {
    return this.#names[this.#type[position] ?? 0] ?? '';
  }

  by(position: number): string {
    return this.#names[this.#by[position] ?? 0] ?? '';
  }

  /** -1: nobody's. */
  cause(position: number): number {
    return this.#cause[position] ?? -1;
  }

  consequences(position: number): readonly number[] {
    return this.#consequences.get(position) ?? [];
  }

  /** Of the last record at or before a time; 0 before the first. */
  positionAt(ns: number): number {
    let [low, high] = [0, this.#length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#atNs[middle] as number) <= ns) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #grow(least: number): void {
    const size = Math.max(least, this.#atNs.length * 2);
    const grown = <T extends Float64Array | Uint16Array | Int32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.#atNs = grown(this.#atNs, new Float64Array(size));
    this.#to = grown(this.#to, new Uint16Array(size));
    this.#type = grown(this.#type, new Uint16Array(size));
    this.#by = grown(this.#by, new Uint16Array(size));
    this.#cause = grown(this.#cause, new Int32Array(size));
  }
}
