/**
 * All records of the run as a table: who is told what, by whom, which record it answers and which answer it. Only rows in sight
 * are in the page; the current record is marked, and stays in sight while the run plays.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { RowData } from '../../view/row-data.ts';
import { wordsOf } from '../../view/search.ts';
import { type Arc, LinkArrows } from '../parts/link-arrows.tsx';
import { RecordFilter } from '../parts/record-filter.tsx';
import { RecordRow } from '../parts/record-row.tsx';
import { useVirtualRows } from '../parts/virtual-rows.ts';
import { jump, keepSearching, recordSearch } from '../record-search.ts';
import { type RunState, useStore } from '../store.ts';

const ROW_PX = 24;
const HEAD_PX = 26;

export function RecordsPane() {
  const store = useStore();
  const run = store.run.value;
  useEffect(() => keepSearching(store), [store]);
  if (run === undefined) return null;
  return (
    <section class="records" aria-label="Records">
      <RecordFilter run={run} />
      <RecordTable key={run.header.id} run={run} />
    </section>
  );
}

function RecordTable({ run }: { readonly run: RunState }) {
  const store = useStore();
  const count = run.records.value;
  const shown = recordSearch.isNarrowed.value ? recordSearch.found.value : undefined;
  const rows = shown?.length ?? count;
  const { position } = store.cursor.value;
  const virtual = useVirtualRows(rows, ROW_PX, HEAD_PX);
  const { first, last, ref, scrollPx, fitting, slots } = virtual;
  const current = shown === undefined ? position : shown.indexOf(position);
  useEffect(() => virtual.reveal(current), [current, shown === undefined, fitting]);
  const positions: number[] = [];
  for (let row = first; row <= last; row++) positions.push(shown === undefined ? row : (shown[row] as number));
  const words = wordsOf(recordSearch.text.value);
  const data = useRowData(run, positions, recordSearch.text.value);
  const rowOf = (of: number) => (shown === undefined ? of : shown.indexOf(of));
  return (
    <section
      ref={ref}
      class="record-table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard, and its arrow keys seek.
      tabIndex={0}
      aria-label="Table of records"
      onScroll={virtual.onScroll}
      onKeyDown={(event) => {
        const by = rowsOfKey(event.key, fitting);
        if (by === undefined || rows === 0) return;
        event.preventDefault();
        const from = current >= 0 ? current : (shown ?? []).findLastIndex((one) => one < position) + (by < 0 ? 1 : 0);
        const row = Math.min(rows - 1, Math.max(0, from + by));
        jump(store, shown === undefined ? row : (shown[row] as number));
      }}
    >
      <div class="arrows-place">
        <LinkArrows heightPx={(fitting + 1) * ROW_PX} arcs={arcsOf(run, position, rowOf, { scrollPx, fitting })} />
      </div>
      <table aria-rowcount={rows}>
        <thead>
          <tr class="record-head">
            {HEADS.map(([name, title]) => (
              <th key={name} scope="col" title={title}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody style={{ height: `${rows * ROW_PX}px` }}>
          {positions.map((one, index) => (
            <RecordRow
              key={(first + index) % slots}
              run={run}
              position={one}
              isCurrent={one === position}
              topPx={(first + index) * ROW_PX}
              row={first + index}
              data={data.get(one)}
              words={words}
            />
          ))}
        </tbody>
      </table>
      {rows === 0 && <p class="records-none">No record of {run.header.run} is like that.</p>}
    </section>
  );
}

const HEADS: readonly (readonly [string, string])[] = [
  ['record', 'Its position in the journal'],
  ['time', 'On the clock of the run'],
  ['to', 'The chart that is told'],
  ['event', 'What it is told'],
  ['by', 'Who says so'],
  ['cause', 'The record whose effect it answers (c)'],
  ['led to', 'Records that answer its effects (e), and how many effects nobody has answered'],
  ['what it carries', 'What it led to that a person looks for, and the data of the event'],
];

function rowsOfKey(key: string, fitting: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
      return 1;
    case 'ArrowUp':
      return -1;
    case 'PageDown':
      return fitting;
    case 'PageUp':
      return -fitting;
    default:
      return undefined;
  }
}

/** More are in the details. */
const ARCS_MAX = 20;

function arcsOf(
  { table }: RunState,
  position: number,
  rowOf: (position: number) => number,
  { scrollPx, fitting }: { readonly scrollPx: number; readonly fitting: number },
): readonly Arc[] {
  const current = rowOf(position);
  if (current < 0) return [];
  // An end that is far out of sight is just outside of it.
  const at = (row: number) => Math.min((fitting + 4) * ROW_PX, Math.max(-4 * ROW_PX, (row + 0.5) * ROW_PX - scrollPx));
  const cause = rowOf(table.cause(position));
  return [
    ...(cause < 0 ? [] : [{ kind: 'cause', fromPx: at(cause), toPx: at(current) } as const]),
    ...table
      .consequences(position)
      .slice(0, ARCS_MAX)
      .map(rowOf)
      .filter((row) => row >= 0)
      .map((row) => ({ kind: 'consequence', fromPx: at(current), toPx: at(row) }) as const),
  ];
}

/** What is known of the rows in sight; asked for again where they, the search or what has been folded are others. */
function useRowData(run: RunState, positions: readonly number[], text: string): ReadonlyMap<number, RowData> {
  const { engine } = useStore();
  const [known, setKnown] = useState<ReadonlyMap<number, RowData>>(new Map());
  const latest = useRef(0);
  const folded = run.course.value?.folded ?? 0;
  // Rows that have been folded do not change any more, but for what is still waited for.
  const foldedHere = Math.min(folded, (positions.at(-1) ?? 0) + 1) + (run.isWhole.value ? 0 : folded);
  useEffect(() => {
    const asked = ++latest.current;
    engine
      .ask('rows', run.header.id, positions, text)
      .then((rows) => {
        if (asked === latest.current) setKnown(new Map(rows.map((row) => [row.position, row])));
      })
      .catch(() => {});
  }, [run, positions[0], positions.at(-1), positions.length, text, foldedHere]);
  return known;
}
