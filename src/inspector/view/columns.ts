/** The records of a run as columns: what a table of a hundred thousand rows needs of each, in typed arrays that a worker hands over. */
import type { Rec } from '../../core/record.ts';

/** Records `from` and further; `names` lists what the numbers of the next columns stand for, all of the run so far. */
export interface Columns {
  readonly from: number;
  readonly atNs: Float64Array;
  /** Indices into `names`: who is told, what, and who says so. */
  readonly to: Uint16Array;
  readonly type: Uint16Array;
  readonly by: Uint16Array;
  /** Position of the record whose effect this one answers; -1 where it answers none. */
  readonly cause: Int32Array;
  readonly names: readonly string[];
}

export class ColumnWriter {
  readonly #names: string[] = [];
  readonly #indices = new Map<string, number>();

  write(records: readonly Rec[]): Columns {
    const columns = {
      from: records[0]?.position ?? 0,
      atNs: new Float64Array(records.length),
      to: new Uint16Array(records.length),
      type: new Uint16Array(records.length),
      by: new Uint16Array(records.length),
      cause: new Int32Array(records.length),
    };
    records.forEach((record, row) => {
      const input = record.kind === 'input' ? record : undefined;
      columns.atNs[row] = record.atNs;
      columns.to[row] = this.#indexOf(input?.to ?? '');
      columns.type[row] = this.#indexOf(input?.event.type ?? 'opened');
      columns.by[row] = this.#indexOf(input?.by ?? '');
      columns.cause[row] = input?.answers === undefined ? -1 : Number(input.answers.split(':')[0]);
    });
    return { ...columns, names: [...this.#names] };
  }

  #indexOf(name: string): number {
    let index = this.#indices.get(name);
    if (index === undefined) {
      index = this.#names.push(name) - 1;
      this.#indices.set(name, index);
    }
    return index;
  }
}
