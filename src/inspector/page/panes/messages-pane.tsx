/**
 * Who tells whom what, from top to bottom as it went: charts as columns, and beside them who is outside. Records stand one under
 * the other, each with the messages it led to; only what is in sight has been folded and drawn.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { columnsOf, type SequenceGroup } from '../../view/sequence.ts';
import { moment } from '../format.ts';
import { SequenceHead } from '../parts/sequence-head.tsx';
import { type ColumnPlaces, SequenceRowLine } from '../parts/sequence-row.tsx';
import { useVirtualRows } from '../parts/virtual-rows.ts';
import { pickedMessage } from '../picked-message.ts';
import { jump } from '../record-search.ts';
import { type RunState, useStore } from '../store.ts';

export const SEQUENCE_ROW_PX = 22;
const HEAD_PX = 40;
/** For the record's position and time. */
const GUTTER_PX = 126;
const COLUMN_MIN_PX = 72;

export function MessagesPane() {
  const run = useStore().run.value;
  if (run === undefined) return null;
  return <Sequence key={run.header.id} run={run} />;
}

function Sequence({ run }: { readonly run: RunState }) {
  const store = useStore();
  const { position } = store.cursor.value;
  const { ends, charts } = useRowEnds(run);
  const virtual = useVirtualRows(ends.at(-1) ?? 0, SEQUENCE_ROW_PX, HEAD_PX);
  const { ref, first, last, widthPx, scrollLeftPx } = virtual;
  const from = recordOfRow(ends, first);
  const to = Math.min(ends.length - 1, recordOfRow(ends, last));
  const groups = useGroups(run, from, to);
  const startOf = (record: number) => ends[record - 1] ?? 0;
  const isKnown = position < ends.length;
  useEffect(() => {
    if (isKnown) virtual.reveal(startOf(position), (ends[position] ?? 0) - startOf(position));
  }, [position, isKnown, virtual.fitting]);
  const columns = columnsOf(groups, charts);
  const places = placesFor(columns, widthPx, scrollLeftPx);
  return (
    <section
      ref={ref}
      class="sequence"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard, and its arrow keys seek.
      tabIndex={0}
      aria-label="Messages between charts"
      onScroll={virtual.onScroll}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
        event.preventDefault();
        store.stepBy(event.key === 'ArrowDown' ? 1 : -1);
      }}
    >
      <SequenceHead places={places} />
      <div
        class="sequence-body"
        style={{ height: `${(ends.at(-1) ?? 0) * SEQUENCE_ROW_PX}px`, width: `${places.widthPx}px` }}
      >
        <svg class="lifelines" width={places.widthPx} height="100%" aria-hidden="true">
          {[...places.at.values()].map((x) => (
            <line key={x} x1={x} x2={x} y1="0" y2="100%" />
          ))}
        </svg>
        {groups.map((group) => (
          <Group
            key={group.position}
            run={run}
            group={group}
            places={places}
            topPx={startOf(group.position) * SEQUENCE_ROW_PX}
            isCurrent={group.position === position}
          />
        ))}
      </div>
    </section>
  );
}

interface GroupProps {
  readonly run: RunState;
  readonly group: SequenceGroup;
  readonly places: ColumnPlaces;
  readonly topPx: number;
  readonly isCurrent: boolean;
}

function Group({ run, group, places, topPx, isCurrent }: GroupProps) {
  const store = useStore();
  const { position, atNs, rows } = group;
  const picked = pickedMessage.value;
  return (
    <section
      class="sequence-group"
      aria-label={`Record ${position}`}
      aria-current={isCurrent ? 'true' : undefined}
      data-position={position}
      style={{ top: `${topPx}px`, height: `${rows.length * SEQUENCE_ROW_PX}px` }}
    >
      <button type="button" class="sequence-at" tabIndex={-1} onClick={() => jump(store, position)}>
        <b>{position}</b> {moment(atNs)}
      </button>
      {rows.map((row, index) => (
        <SequenceRowLine
          key={index}
          row={row}
          places={places}
          isPicked={picked?.run === run.header.id && picked.position === position && picked.told === row.told}
          pick={() => {
            pickedMessage.value = row.told === undefined ? undefined : { run: run.header.id, position, told: row.told };
            jump(store, position);
          }}
        />
      ))}
    </section>
  );
}

function placesFor(columns: readonly string[], widthPx: number, scrollLeftPx: number): ColumnPlaces {
  const each = Math.max(COLUMN_MIN_PX, (widthPx - GUTTER_PX - 8) / Math.max(1, columns.length));
  const at = new Map(columns.map((column, index) => [column, Math.round(GUTTER_PX + (index + 0.5) * each)]));
  const wholePx = Math.round(GUTTER_PX + each * columns.length);
  const seen = { fromPx: scrollLeftPx + GUTTER_PX, toPx: Math.min(wholePx, scrollLeftPx + widthPx) };
  return { at, eachPx: each, seen, widthPx: wholePx };
}

/** The record in which a row is. */
function recordOfRow(ends: readonly number[], row: number): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) <= row) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface RowEnds {
  /** By record: how many rows there are up to and with it. */
  readonly ends: readonly number[];
  readonly charts: readonly string[];
}

/** Grows while the run is folded. */
function useRowEnds(run: RunState): RowEnds {
  const { engine } = useStore();
  const ends = useRef<number[]>([]);
  const [known, setKnown] = useState<RowEnds>({ ends: [], charts: [] });
  const folded = run.course.value?.folded ?? 0;
  useEffect(() => {
    const from = ends.current.length;
    if (from >= folded) return;
    engine
      .ask('sequenceCounts', run.header.id, from)
      .then(({ counts, charts }) => {
        if (ends.current.length !== from) return;
        for (const count of counts) ends.current.push((ends.current.at(-1) ?? 0) + count);
        setKnown({ ends: ends.current, charts });
      })
      .catch(() => {});
  }, [run, folded, known]);
  return known;
}

/** What was there stays until the next is. */
function useGroups(run: RunState, from: number, to: number): readonly SequenceGroup[] {
  const { engine } = useStore();
  const [groups, setGroups] = useState<readonly SequenceGroup[]>([]);
  const latest = useRef(0);
  useEffect(() => {
    if (to < from) return;
    const asked = ++latest.current;
    engine
      .ask('sequence', run.header.id, from, to)
      .then((found) => {
        if (asked === latest.current) setGroups(found);
      })
      .catch(() => {});
  }, [run, from, to]);
  return groups;
}
