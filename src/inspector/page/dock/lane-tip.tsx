/** What is under the pointer, or of the focused lane at the cursor, in words: state, from when to when, why. */
import type { ReadonlySignal } from '@preact/signals';
import type { LaneSpan } from '../../view/lanes.ts';
import type { Mark } from '../../view/marks.ts';
import { duration, moment } from '../format.ts';
import { useStore } from '../store.ts';
import { markNear } from './draw-lanes.ts';
import { indexAt, type LaneRow, spanAtPosition } from './lane-rows.ts';
import type { Frame } from './time-frame.tsx';
import { nsOf, xOf } from './time-scale.ts';

interface LaneTipProps {
  readonly rows: ReadonlySignal<readonly LaneRow[]>;
  readonly frame: Frame;
  readonly focused: { readonly value: string | undefined };
}

interface Tip {
  readonly row: LaneRow;
  readonly span: LaneSpan | undefined;
  readonly mark: Mark | undefined;
  /** In the window. */
  readonly x: number;
  readonly y: number;
}

export function LaneTip(props: LaneTipProps) {
  const tip = useTip(props);
  if (tip === undefined) return null;
  const { row, span, mark, x, y } = tip;
  // Left of the pointer where there is no room at its right, above it at the foot of the window.
  const side = x > window.innerWidth - 360 ? { right: `${window.innerWidth - x + 14}px` } : { left: `${x + 14}px` };
  const end = y > window.innerHeight - 130 ? { bottom: `${window.innerHeight - y + 14}px` } : { top: `${y + 14}px` };
  return (
    <div class="tip" role="tooltip" style={{ ...side, ...end }}>
      {mark !== undefined && <p class={`mark ${mark.kind}`}>{mark.label}</p>}
      <p class="what">
        <b>{row.whose === 'beside' ? `${row.label} (beside)` : row.label}</b>
        {span === undefined ? '' : `: ${span.state}${span.towards === undefined ? '' : ` → ${span.towards}`}`}
      </p>
      {span !== undefined && (
        <p class="when">
          {duration((span.toNs ?? row.endNs) - span.fromNs)}
          {span.toNs === undefined ? ' so far' : ''}, from {moment(span.fromNs)}, record {span.position}
        </p>
      )}
      {span?.note !== undefined && <p class="note">{span.note}</p>}
    </div>
  );
}

/** A pointer that is near a span's edge means the span, however narrow it is. */
const NEAR_PX = 3;

function useTip({ rows, frame, focused }: LaneTipProps): Tip | undefined {
  const store = useStore();
  const { value: at } = frame.gestures.hover;
  const scale = frame.scale.value;
  if (at !== undefined) {
    const row = rows.value.find(({ top, height }) => at.y >= top && at.y < top + height);
    if (row === undefined || frame.gestures.selected.value !== undefined) return undefined;
    const mark = markNear(row, scale, at.x);
    return { row, span: spanNear(row, scale, at.x), mark, x: at.clientX, y: at.clientY };
  }
  const row = rows.value.find(({ key }) => key === focused.value);
  const plot = frame.plot.current;
  if (row === undefined || plot === null) return undefined;
  const { position, atNs } = store.cursor.value;
  const here = row.whose === 'run' ? position : (store.runBeside.value?.table.positionAt(atNs) ?? -1);
  const { left, top } = plot.getBoundingClientRect();
  const x = Math.min(scale.width, Math.max(0, xOf(scale, atNs)));
  const span = spanAtPosition(row.lane.spans, here, atNs);
  return { row, span, mark: markNear(row, scale, x), x: left + x, y: top + row.top };
}

function spanNear(
  { lane: { spans }, endNs }: LaneRow,
  scale: Frame['scale']['value'],
  x: number,
): LaneSpan | undefined {
  const at = nsOf(scale, x);
  const nth = indexAt(spans, at);
  // A span of a pixel or less beside a long one is what is pointed at.
  for (let near = nth + 1; near >= Math.max(0, nth - 8); near--) {
    const span = spans[near];
    if (span === undefined) continue;
    const [from, to] = [xOf(scale, span.fromNs), xOf(scale, span.toNs ?? endNs)];
    if (to - from < 2 && Math.abs(from - x) <= NEAR_PX) return span;
  }
  const span = spans[nth];
  return span === undefined || (span.toNs ?? endNs) < at ? undefined : span;
}
