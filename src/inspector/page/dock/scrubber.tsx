/**
 * The whole run as one line, over its time or over its records: phases as bands, marks, the cursor, and which part of it is
 * zoomed into. Drag it, or use the arrow keys; the part that is zoomed into is dragged in the strip under it.
 */
import { type ReadonlySignal, useComputed, useSignal } from '@preact/signals';
import type { LaneSpan } from '../../view/lanes.ts';
import type { Mark } from '../../view/marks.ts';
import { duration, moment } from '../format.ts';
import { type Store, useStore } from '../store.ts';
import { colourOf } from './lane-colours.ts';
import { GUTTER_PX } from './time-scale.ts';
import { ZoomStrip } from './zoom-strip.tsx';

type By = 'time' | 'record';

export function Scrubber() {
  const by = useSignal<By>('time');
  return (
    <div class="scrub" style={{ '--gutter': `${GUTTER_PX}px` }}>
      <div class="scrub-by" role="radiogroup" aria-label="What the line is divided by">
        {(['time', 'record'] as const).map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="scrub-by"
              checked={by.value === one}
              onChange={() => {
                by.value = one;
              }}
            />
            by {one}
          </label>
        ))}
      </div>
      <div class="scrub-line">
        <Track by={by} />
        <ZoomStrip
          shareOf={(store, ns) => shareOfTime(store, by.value, ns)}
          nsAt={(store, share) => nsAt(store, by.value, share)}
        />
      </div>
    </div>
  );
}

function Track({ by }: { readonly by: ReadonlySignal<By> }) {
  const store = useStore();
  const { run, cursor, endNs } = store;
  const course = run.value?.course.value;
  const phases = course?.lanes.find(({ group }) => group === 'phases')?.spans ?? [];
  const at = useComputed(() => `left:${(100 * shareOfCursor(store, by.value)).toFixed(3)}%`);
  // As signals: a step of the cursor changes these and renders nothing.
  const nowMs = useComputed(() => cursor.value.atNs / 1e6);
  const nowText = useComputed(() => `${moment(cursor.value.atNs)}, record ${cursor.value.position}`);
  const records = run.value?.records.value ?? 0;
  const folded = course?.folded ?? 0;
  const seekTo = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    seekShare(store, by.value, (event.clientX - left) / width);
  };
  return (
    <div
      class="scrubber"
      role="slider"
      tabIndex={0}
      aria-label="Time of the run"
      aria-valuemin={0}
      aria-valuemax={endNs.value / 1e6}
      aria-valuenow={nowMs}
      aria-valuetext={nowText}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        seekTo(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) seekTo(event);
      }}
      onKeyDown={(event) => {
        const share = event.key === 'PageUp' ? -PAGE : event.key === 'PageDown' ? PAGE : undefined;
        if (share === undefined) return;
        event.preventDefault();
        seekShare(store, by.value, shareOfCursor(store, by.value) + share);
      }}
    >
      <Bands phases={phases} by={by} />
      {folded < records && (
        <span
          class="unfolded"
          title="Not folded yet"
          style={{ left: `${100 * shareOfPosition(store, by.value, Math.max(0, folded - 1))}%` }}
        />
      )}
      <Marks marks={course?.marks ?? []} by={by} />
      <span class="cursor" style={at} />
    </div>
  );
}

/** Of the line, in one step of a page key. */
const PAGE = 0.05;

function Bands({ phases, by }: { readonly phases: readonly LaneSpan[]; readonly by: ReadonlySignal<By> }) {
  const store = useStore();
  const { endNs } = store;
  return (
    <>
      {phases.map(({ state, fromNs, toNs, position }, nth) => {
        const left = shareOfPosition(store, by.value, position);
        const next = phases[nth + 1];
        const right = next === undefined ? 1 : shareOfPosition(store, by.value, next.position);
        return (
          <span
            key={position}
            class="phase"
            data-phase={state}
            title={`${state}: ${duration((toNs ?? endNs.value) - fromNs)}`}
            style={{
              left: `${100 * left}%`,
              width: `${100 * (right - left)}%`,
              background: `var(--${colourOf('phases', state)})`,
            }}
          >
            {state}
          </span>
        );
      })}
    </>
  );
}

/** More would be a line. */
const MARKS_MAX = 240;

function Marks({ marks, by }: { readonly marks: readonly Mark[]; readonly by: ReadonlySignal<By> }) {
  const store = useStore();
  const drawn = new Map<string, Mark>();
  for (const mark of marks) {
    const slot = `${mark.kind} ${Math.round(MARKS_MAX * shareOfMark(store, by.value, mark))}`;
    if (!drawn.has(slot)) drawn.set(slot, mark);
    if (drawn.size >= MARKS_MAX) break;
  }
  return (
    <>
      {[...drawn].map(([slot, mark]) => (
        <span
          key={slot}
          class="mark"
          title={`${moment(mark.atNs)}: ${mark.label}`}
          style={{
            left: `${100 * shareOfMark(store, by.value, mark)}%`,
            background: `var(--mark-${mark.kind})`,
          }}
        />
      ))}
    </>
  );
}

function shareOfMark(store: Store, by: By, { atNs, position }: Mark): number {
  return by === 'time' ? atNs / store.endNs.value : shareOfPosition(store, by, position);
}

function shareOfPosition({ run, endNs }: Store, by: By, position: number): number {
  const state = run.value;
  if (state === undefined) return 0;
  if (by === 'time') return state.table.atNs(position) / endNs.value;
  return position / Math.max(1, state.records.value - 1);
}

function shareOfCursor({ cursor, endNs, run }: Store, by: By): number {
  const { atNs, position } = cursor.value;
  if (by === 'time') return atNs / endNs.value;
  return position / Math.max(1, (run.value?.records.value ?? 1) - 1);
}

function shareOfTime(store: Store, by: By, ns: number): number {
  const { run, endNs } = store;
  return by === 'time' ? ns / endNs.value : shareOfPosition(store, by, run.value?.table.positionAt(ns) ?? 0);
}

function nsAt({ run, endNs }: Store, by: By, share: number): number {
  const state = run.value;
  if (by === 'time' || state === undefined) return share * endNs.value;
  return state.table.atNs(Math.round(share * Math.max(0, state.records.value - 1)));
}

function seekShare(store: Store, by: By, share: number): void {
  const cut = Math.min(1, Math.max(0, share));
  store.playing.value = false;
  if (by === 'time') store.seekTime(cut * store.endNs.value);
  else store.seek(cut * Math.max(0, (store.run.value?.records.value ?? 1) - 1));
}
