/** Lanes like a logic analyser's: names and what each is in now at the left, states over time beside them. */
import { type ReadonlySignal, useComputed, useSignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useRef } from 'preact/hooks';
import type { LaneGroup } from '../../view/lanes.ts';
import { type RunState, type Store, useStore } from '../store.ts';
import { scheme } from '../theme.ts';
import { drawLanes } from './draw-lanes.ts';
import { TONE_NAMES, TONES } from './lane-colours.ts';
import { type LaneRow, laneRows, spanAtPosition, stepFrom } from './lane-rows.ts';
import { LaneTip } from './lane-tip.tsx';
import { palette } from './palette.ts';
import { type Frame, TimeFrame, useFrame } from './time-frame.tsx';
import { useCanvas } from './use-canvas.ts';

export function LanesDock() {
  const store = useStore();
  const folded = useSignal<ReadonlySet<LaneGroup>>(new Set());
  const focused = useSignal<string | undefined>(undefined);
  const rows = useComputed(() => laneRows(runOf(store.run.value), besideOf(store), folded.value));
  const frame = useFrame();
  const canvas = useRef<HTMLCanvasElement>(null);
  const height = useComputed(() => heightOf(rows.value));
  useCanvas(
    canvas as RefObject<HTMLCanvasElement>,
    () => ({ width: frame.scale.value.width, height: height.value }),
    () => {
      const [all, scale, _] = [rows.value, frame.scale.value, scheme.value];
      return (context) => drawLanes(context, scale, all, palette());
    },
  );
  const toggle = (group: LaneGroup) => {
    const next = new Set(folded.value);
    if (!next.delete(group)) next.add(group);
    folded.value = next;
  };
  return (
    <TimeFrame
      kind="lanes"
      frame={frame}
      head={<Legend />}
      gutter={
        <div class="lane-names" role="listbox" aria-label="Lanes">
          {rows.value.map((row) => (
            <LaneName key={row.key} row={row} rows={rows} focused={focused} frame={frame} toggle={toggle} />
          ))}
        </div>
      }
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={summaryOf(rows.value)}
        style={{ height: `${height.value}px`, width: '100%' }}
      />
      <FocusBand rows={rows} focused={focused} />
      <LaneTip rows={rows} frame={frame} focused={focused} />
    </TimeFrame>
  );
}

const runOf = (state: RunState | undefined) => ({ course: state?.course.value, endNs: endOf(state) });

function besideOf({ runBeside }: Store) {
  return runBeside.value === undefined ? undefined : runOf(runBeside.value);
}

/** What is still so, is so up to its run's last record, and of a live one up to now. */
function endOf(state: RunState | undefined): number {
  const folded = state?.course.value?.folded ?? 0;
  return state === undefined || folded === 0 ? 0 : Math.max(state.table.atNs(folded - 1), state.nowNs.value);
}

function heightOf(rows: readonly LaneRow[]): number {
  const last = rows.at(-1);
  return last === undefined ? 0 : last.top + last.height;
}

function summaryOf(rows: readonly LaneRow[]): string {
  const count = rows.reduce((sum, { lane }) => sum + lane.spans.length, 0);
  return `${rows.length} lanes over time with ${count} states; each lane's name says what it is in at the cursor`;
}

function Legend() {
  return (
    <details class="lane-legend">
      <summary>Legend</summary>
      <div class="lane-legend-list">
        {TONES.flatMap((tone) => {
          const name = TONE_NAMES[tone];
          return name === undefined
            ? []
            : [
                <span key={tone}>
                  <i style={{ background: `var(--lane-${tone})` }} /> {name}
                </span>,
              ];
        })}
        <span>
          <i class="hatched" /> on its way to that state
        </span>
        <span>
          <i style={{ background: 'var(--lane-many)' }} /> too many changes for a pixel
        </span>
        <span>
          <i class="flag" /> order, verdict or failure
        </span>
        <p>
          Click goes there, drag zooms, Shift and drag moves, the wheel zooms, a double click shows the whole run. On a
          lane's name ← and → go from state to state.
        </p>
      </div>
    </details>
  );
}

interface LaneNameProps {
  readonly row: LaneRow;
  readonly rows: ReadonlySignal<readonly LaneRow[]>;
  readonly focused: { value: string | undefined };
  readonly frame: Frame;
  toggle(group: LaneGroup): void;
}

function LaneName({ row, rows, focused, toggle }: LaneNameProps) {
  const store = useStore();
  const { begins, folds, label, whose, key } = row;
  const now = useComputed(() => stateNow(store, rows.value.find((one) => one.key === key) ?? row));
  const isFolded = folds !== undefined;
  return (
    <div class={`lane-name ${whose}`} style={{ height: `${row.height}px` }}>
      {begins === undefined ? (
        <span class="fold" />
      ) : (
        <button
          type="button"
          class="fold"
          tabIndex={-1}
          aria-label={`${isFolded ? 'Show' : 'Fold up'} all ${begins} lanes`}
          aria-expanded={!isFolded}
          onClick={() => toggle(begins)}
        >
          <svg viewBox="0 0 10 10" aria-hidden="true">
            <path d={isFolded ? 'M3 1L8 5L3 9Z' : 'M1 3L9 3L5 8Z'} />
          </svg>
        </button>
      )}
      <div
        class="lane-label"
        role="option"
        aria-selected={focused.value === key}
        tabIndex={(focused.value ?? rows.value[0]?.key) === key ? 0 : -1}
        title={label}
        data-lane={key}
        onFocus={() => {
          focused.value = key;
        }}
        onBlur={() => {
          if (focused.value === key) focused.value = undefined;
        }}
        onKeyDown={(event) => moveOn(event, store, row, rows.value, toggle)}
      >
        <span class="name">{whose === 'beside' ? `↳ ${label}` : isFolded ? `${begins} (${folds})` : label}</span>
        <span class="now">{now}</span>
      </div>
    </div>
  );
}

/** Of the run beside, at the same time. */
function stateNow(store: Store, { lane, whose }: LaneRow): string {
  const { position, atNs } = store.cursor.value;
  const at = whose === 'run' ? position : (store.runBeside.value?.table.positionAt(atNs) ?? -1);
  const span = spanAtPosition(lane.spans, at, atNs);
  if (span === undefined) return '';
  return span.towards === undefined ? span.state : `→ ${span.towards}`;
}

function moveOn(
  event: KeyboardEvent & { readonly currentTarget: HTMLElement },
  store: Store,
  row: LaneRow,
  rows: readonly LaneRow[],
  toggle: (group: LaneGroup) => void,
): void {
  const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : undefined;
  const down = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : undefined;
  if (event.shiftKey || (by === undefined && down === undefined && event.key !== 'Enter')) return;
  event.preventDefault();
  if (event.key === 'Enter') {
    if (row.begins !== undefined) toggle(row.begins);
    return;
  }
  if (down !== undefined) {
    const next = rows[rows.findIndex(({ key }) => key === row.key) + down];
    const list = event.currentTarget.closest('.lane-names');
    if (next !== undefined) list?.querySelector<HTMLElement>(`[data-lane="${CSS.escape(next.key)}"]`)?.focus();
    return;
  }
  goTo(store, row, by as 1 | -1);
}

/** To where the lane's next state begins; in the run beside, to that time. */
function goTo(store: Store, { lane, whose }: LaneRow, by: 1 | -1): void {
  store.playing.value = false;
  const table = whose === 'run' ? undefined : store.runBeside.value?.table;
  const { position, atNs } = store.cursor.value;
  const found = stepFrom(lane, table === undefined ? position : table.positionAt(atNs), by);
  if (found === undefined) return;
  if (table === undefined) store.seek(found);
  else store.seekTime(table.atNs(found));
}

function FocusBand({ rows, focused }: Pick<LaneNameProps, 'rows' | 'focused'>) {
  const row = rows.value.find(({ key }) => key === focused.value);
  if (row === undefined) return null;
  return <span class="focus-band" style={{ top: `${row.top}px`, height: `${row.height}px` }} />;
}
