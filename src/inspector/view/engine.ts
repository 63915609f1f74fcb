/**
 * All runs of a page, folded beside it: lines of records in, instants and courses out. It lives in a web worker, so that a long
 * journal never holds up a frame; a test drives it directly. Every method answers with plain data.
 */
import { machines } from '../../../machines/index.ts';
import type { Rec } from '../../core/record.ts';
import { type ChartGraph, chartGraph } from '../chart/graph.ts';
import type { RunHeader } from '../page-data.ts';
import { type Choices, choices } from './choices.ts';
import { type Columns, ColumnWriter } from './columns.ts';
import { type Course, type CourseHead, type CourseNews, CourseTeller } from './course.ts';
import type { Difference } from './difference.ts';
import { type Exits, exitsOf } from './exits.ts';
import { type Broken, FoldedRun } from './folded-run.ts';
import type { Folded, Instant } from './instant.ts';
import { Lanes } from './lanes.ts';
import type { Links } from './links.ts';
import { readLine } from './read-line.ts';
import { RecordBook, type TellerMap } from './record-book.ts';
import { Roster, type RosterEntry } from './roster.ts';
import type { RowData } from './row-data.ts';
import type { Found, SearchWish } from './search.ts';
import type { SequenceGroup } from './sequence.ts';
import { SeriesBook } from './series.ts';
import { Tapes } from './taped-charts.ts';
import type { ToldSoFar } from './tellers.ts';
import type { Visitable, Visited, VisitsAround } from './visits.ts';

export type { Course } from './course.ts';

interface Loaded {
  readonly folded: FoldedRun;
  readonly lanes: Lanes;
  readonly series: SeriesBook;
  readonly teller: CourseTeller;
  readonly roster: Roster;
  readonly book: RecordBook;
  readonly columns: ColumnWriter;
  readonly tapes: Tapes | undefined;
  unreadable?: Broken;
}

export class Engine {
  readonly #runs = new Map<string, Loaded>();

  open({ id, tapes }: Pick<RunHeader, 'id' | 'tapes'>): void {
    const lanes = new Lanes();
    const series = new SeriesBook();
    const roster = new Roster();
    const book = new RecordBook();
    const see = (folded: Folded) => {
      lanes.see(folded);
      series.see(folded);
      roster.see(folded);
      book.see(folded);
    };
    const taped = tapes === undefined ? undefined : new Tapes(tapes);
    const folded = new FoldedRun({ see, tapes: taped });
    const teller = new CourseTeller(lanes, series);
    this.#runs.set(id, { folded, lanes, series, teller, roster, book, columns: new ColumnWriter(), tapes: taped });
  }

  /** The next lines of its journal. A line that is no record is the end of what can be shown. */
  append(run: string, lines: readonly string[]): Columns {
    const loaded = this.#of(run);
    const records: Rec[] = [];
    for (const line of lines) {
      if (loaded.unreadable !== undefined) break;
      const position = loaded.folded.records.length + records.length;
      try {
        const read = readLine(line, position);
        if ('damage' in read) loaded.unreadable = { position, because: read.damage };
        else if ('tape' in read) loaded.tapes?.add(read.tape);
        else {
          records.push(read);
          loaded.book.addLine(line);
        }
      } catch (error) {
        loaded.unreadable = { position, because: (error as Error).message };
      }
    }
    loaded.folded.append(records);
    return loaded.columns.write(records);
  }

  /** Folds a little further; false when there is nothing to fold now. */
  fold(run: string, records: number): boolean {
    return this.#of(run).folded.fold(records);
  }

  course(run: string): Course {
    const { lanes, series } = this.#of(run);
    return { ...this.#head(run), lanes: lanes.all(), marks: lanes.marks(), series: series.all() };
  }

  /** What has come of it since this was asked for last. */
  news(run: string): CourseNews {
    return this.#of(run).teller.news(this.#head(run));
  }

  #head(run: string): CourseHead {
    const { folded, unreadable } = this.#of(run);
    const broken = folded.broken ?? unreadable;
    return { run, known: folded.records.length, folded: folded.folded, ...(broken !== undefined && { broken }) };
  }

  /** Undefined for a record that has not been folded yet. */
  at(run: string, position: number): Instant | undefined {
    const { folded } = this.#of(run);
    return position >= 0 && position < folded.folded ? folded.at(position) : undefined;
  }

  between(run: string, from: number, to: number): readonly Folded[] {
    return this.#of(run).folded.between(from, to);
  }

  record(run: string, position: number): Rec | undefined {
    return this.#of(run).folded.records[position];
  }

  visits(run: string, address: string, position: number): Visited {
    return this.#of(run).folded.visits.of(address, position);
  }

  /** Every chart that was open at some time, in the order of their first opening. */
  roster(run: string): readonly RosterEntry[] {
    return this.#of(run).roster.all();
  }

  /** Of a chart that is open at this record; guards are asked at the system as it was. */
  exits(run: string, address: string, position: number): Exits {
    const snapshot = this.#of(run).folded.systemAt(position).charts.get(address);
    return snapshot === undefined ? {} : exitsOf(snapshot);
  }

  visitsAround(run: string, address: string, what: Visitable, position: number): VisitsAround {
    return this.#of(run).folded.visits.around(address, what, position);
  }

  /** What a picture is drawn from, where it is of one of this package's charts. */
  graph(picture: string): ChartGraph | undefined {
    const machine = Object.hasOwn(machines, picture) ? machines[picture] : undefined;
    return machine === undefined ? undefined : chartGraph(machine);
  }

  /** Records of which the text holds all words. */
  search(run: string, wish: SearchWish): Found {
    const { book, folded } = this.#of(run);
    return book.search(folded, wish);
  }

  /** What a table shows of these records beside its columns. */
  rows(run: string, positions: readonly number[], search: string): readonly RowData[] {
    const { book, folded } = this.#of(run);
    return book.rows(folded, positions, search);
  }

  links(run: string, position: number): Links {
    const { book, folded } = this.#of(run);
    return book.links(folded, position);
  }

  difference(run: string, position: number): Difference {
    const { book, folded } = this.#of(run);
    return book.difference(folded, position);
  }

  sequence(run: string, from: number, to: number): readonly SequenceGroup[] {
    const { book, folded } = this.#of(run);
    return book.sequence(folded, from, to);
  }

  sequenceCounts(run: string, from: number): { readonly counts: Uint16Array; readonly charts: readonly string[] } {
    return this.#of(run).book.sequenceCounts(from);
  }

  tellers(run: string): TellerMap {
    const { book, folded } = this.#of(run);
    return book.tellers(folded);
  }

  tellings(run: string, position: number): readonly ToldSoFar[] {
    return this.#of(run).book.tellings(position);
  }

  choices(): Choices {
    return choices();
  }

  #of(run: string): Loaded {
    const loaded = this.#runs.get(run);
    if (loaded === undefined) throw new Error(`no run ${run}`);
    return loaded;
  }
}
