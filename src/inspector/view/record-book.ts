/**
 * What a page asks of a run's records besides the instant: found ones, rows of a table, causes and consequences, differences,
 * who told whom. It sees each record once while the run is folded, and folds again what is asked for in detail.
 */
import type { Rec } from '../../core/record.ts';
import { type Difference, differenceOf } from './difference.ts';
import type { FoldedRun } from './folded-run.ts';
import type { Folded } from './instant.ts';
import { Fates, type Links, positionOfEffect } from './links.ts';
import { Notes } from './notes.ts';
import { dataText, type RowData } from './row-data.ts';
import { type Found, type SearchWish, searchRecords } from './search.ts';
import { RowCounts, type SequenceGroup, sequenceOf } from './sequence.ts';
import { chartsOfPlan, layersOf, type TellerEdge, Tellings, type ToldSoFar, tellersOf } from './tellers.ts';

export interface TellerMap {
  readonly edges: readonly TellerEdge[];
  readonly layers: readonly (readonly string[])[];
}

export class RecordBook {
  readonly #lines: string[] = [];
  readonly #fates = new Fates();
  readonly #notes = new Notes();
  readonly #counts = new RowCounts();
  readonly #tellings = new Tellings();
  /** Commands and timers that each record led to and that are open, while there are any. */
  readonly #open = new Map<number, number>();
  #seen = 0;

  /** The line that a record was read from: what is searched. */
  addLine(line: string): void {
    this.#lines.push(line);
  }

  see(folded: Folded): void {
    this.#fates.see(folded);
    this.#notes.see(folded);
    this.#counts.see(folded);
    this.#tellings.see(folded);
    this.#count(folded);
    this.#seen += 1;
  }

  search({ records }: FoldedRun, wish: SearchWish): Found {
    return searchRecords({ records, lines: this.#lines, notes: this.#notes, folded: this.#seen }, wish);
  }

  rows({ records }: FoldedRun, positions: readonly number[], search: string): readonly RowData[] {
    return positions.flatMap((position) => {
      const record = records[position];
      if (record === undefined) return [];
      const [notes, pending] = [this.#notes.of(position), this.#open.get(position) ?? 0];
      return [{ position, data: dataText(record, search), notes, pending }];
    });
  }

  links(run: FoldedRun, position: number): Links {
    const { record, outcome, effects } = only(run, position);
    const answers = record.kind === 'input' ? record.answers : undefined;
    const cause = positionOfEffect(answers);
    return {
      position,
      record,
      outcome,
      ...(cause !== undefined && cause < position && { cause: causeIn(run, cause, answers) }),
      effects: this.#fates.with(effects),
    };
  }

  difference(run: FoldedRun, position: number): Difference {
    return differenceOf(position === 0 ? undefined : run.systemAt(position - 1), run.systemAt(position));
  }

  sequence(run: FoldedRun, from: number, to: number): readonly SequenceGroup[] {
    return run.between(from, to).map(sequenceOf);
  }

  /** Rows of the sequence of each record from this one on, and all charts in the order in which they were opened. */
  sequenceCounts(from: number): { readonly counts: Uint16Array; readonly charts: readonly string[] } {
    return { counts: this.#counts.from(from), charts: [...this.#counts.charts] };
  }

  tellers({ records }: FoldedRun): TellerMap {
    const [first] = records as readonly [Rec?];
    const edges = tellersOf(chartsOfPlan(first?.kind === 'opened' ? first.opened.plan : undefined));
    return { edges, layers: layersOf(edges) };
  }

  tellings(position: number): readonly ToldSoFar[] {
    return this.#tellings.upTo(position);
  }

  #count({ record, effects }: Folded): void {
    const over = effects.flatMap((effect) =>
      effect.kind === 'abandon' || effect.kind === 'clearTimer' ? [effect.of] : [],
    );
    const answers = record.kind === 'input' ? record.answers : undefined;
    const asked = effects.filter(({ kind }) => kind === 'command' || kind === 'setTimer').length;
    if (asked > 0) this.#open.set(record.position, asked);
    // A late answer is to what was superseded before.
    for (const id of answers === undefined ? over : [answers, ...over]) {
      if (this.#fates.of(id)?.position !== record.position) continue;
      const position = positionOfEffect(id) ?? -1;
      const left = (this.#open.get(position) ?? 0) - 1;
      if (left > 0) this.#open.set(position, left);
      else this.#open.delete(position);
    }
  }
}

function only(run: FoldedRun, position: number): Folded {
  const [folded] = run.between(position, position);
  if (folded === undefined) throw new RangeError(`record ${position} has not been folded`);
  return folded;
}

function causeIn(run: FoldedRun, position: number, answers: string | undefined): NonNullable<Links['cause']> {
  const effect = only(run, position).effects.find(({ id }) => id === answers);
  return { position, ...(effect !== undefined && { effect }) };
}
