/** Who was in which state when: a lane each for the migration, the guest and the devices, of the whole run or of a part. */
import { formatMs } from '../../report/format.ts';
import type { Plot } from '../plot.ts';
import { scaled, scaleOf } from '../scale.ts';
import {
  AMBER,
  acrossAxis,
  BLUE,
  categoriesDown,
  FONT_PX,
  GREEN,
  GREY,
  INK,
  ON_COLOUR,
  PURPLE,
  roomFor,
  SKY,
  STILL,
  VERMILION,
  WIDTH_PX,
} from '../theme.ts';
import { GUEST, type Span } from '../timeline.ts';

export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface CourseOptions {
  readonly id: string;
  readonly title: string;
  readonly says: string;
  readonly window: Window;
  /** What the axis counts from. */
  readonly since: { readonly name: string; readonly atMs: number };
}

const LANES_MAX = 20;
const LETTER_PX = 8;
const RIGHT_PX = 28;

/** By what a state means for the guest: runs, is copied, is held, stands; the text in the bar says which it is. */
const COLOURS: Readonly<Record<string, string>> = {
  [GUEST.there]: GREEN,
  [GUEST.stands]: VERMILION,
  [GUEST.arrived]: GREEN,
  RUNNING: GREEN,
  PRE_COPY: BLUE,
  PRE_COPY_P2P: AMBER,
  RUNNING_P2P: AMBER,
  STOP: GREY,
  STOP_COPY: VERMILION,
  RESUMING: PURPLE,
  ERROR: INK,
  active: BLUE,
  setup: SKY,
  device: VERMILION,
  'pre-switchover': AMBER,
  'wait-unplug': SKY,
  'postcopy-active': PURPLE,
  'postcopy-paused': VERMILION,
  completed: GREEN,
  cancelled: GREY,
  failed: INK,
};
const OTHER = AMBER;

/** Undefined where nothing is to be seen in the window. */
export function coursePlot(
  spans: readonly Span[],
  { id, title, says, window, since }: CourseOptions,
): Plot | undefined {
  const seen = spans.filter(({ fromMs, toMs }) => toMs > window.fromMs && fromMs < window.toMs);
  const all = [...new Set(seen.map(({ lane }) => lane))];
  const lanes = all.slice(0, LANES_MAX);
  if (lanes.length === 0) return undefined;
  const left = roomFor(lanes);
  const time = scaleOf('ms', [window.toMs - since.atMs]);
  const at = (ms: number) => scaled(ms - since.atMs, time);
  const pxPerMs = (WIDTH_PX - left - RIGHT_PX) / (window.toMs - window.fromMs);
  const bars = seen
    .filter(({ lane }) => lanes.includes(lane))
    .map(({ lane, state, fromMs, toMs }): Bar => {
      const [from, to] = [Math.max(fromMs, window.fromMs), Math.min(toMs, window.toMs)];
      return {
        lane: lanes.indexOf(lane),
        state,
        from: at(from),
        to: at(to),
        named: (to - from) * pxPerMs > roomOf(state),
      };
    });
  // A state whose name stands in its bar needs no key.
  const unnamed = [...new Set(bars.filter(({ named }) => !named).map(({ state }) => state))];
  return {
    id,
    title,
    says: all.length === lanes.length ? says : `${says} The first ${LANES_MAX} of ${all.length} lanes are drawn.`,
    heightPx: 84 + 34 * lanes.length,
    keys: unnamed.map((state) => ({ name: state, colour: COLOURS[state] ?? OTHER, mark: 'block' })),
    option: {
      grid: { left, right: RIGHT_PX, top: 8, bottom: 56 },
      xAxis: acrossAxis({ name: since.name, scale: time, min: at(window.fromMs), max: at(window.toMs), ragged: true }),
      yAxis: categoriesDown(lanes, left),
      series: [
        {
          ...STILL,
          type: 'custom',
          clip: true,
          encode: { x: [1, 2], y: 0 },
          data: bars.map(({ lane, from, to }) => [lane, from, to]),
          renderItem: ({ dataIndex }: { readonly dataIndex: number }, api: Api) =>
            barShape(bars[dataIndex] as Bar, api),
        },
      ],
    },
  };
}

interface Bar {
  readonly lane: number;
  readonly state: string;
  readonly from: number;
  readonly to: number;
  /** There is room for its name. */
  readonly named: boolean;
}

function roomOf(state: string): number {
  return state.length * LETTER_PX + 10;
}

function barShape({ lane, state, from, to, named }: Bar, api: Api) {
  const [x, y] = api.coord([from, lane]);
  const [until] = api.coord([to, lane]);
  return {
    type: 'rect',
    shape: { x, y: y - 11, width: Math.max(1, until - x - 1), height: 22 },
    style: { fill: COLOURS[state] ?? OTHER },
    silent: true,
    ...(named
      ? {
          textContent: { type: 'text', style: { text: state, fill: ON_COLOUR, fontSize: FONT_PX }, silent: true },
          textConfig: { position: 'inside' },
        }
      : {}),
  };
}

/** The part of the library's own interface that is used here. */
export interface Api {
  coord(point: readonly [number, number]): [number, number];
}

/** The whole run. */
export function wholeCourse(spans: readonly Span[], totalMs: number): Plot | undefined {
  const statuses = spans.filter(({ lane }) => lane === 'migration');
  const longest = statuses.reduce<Span | undefined>(
    (top, one) => (top === undefined || one.toMs - one.fromMs > top.toMs - top.fromMs ? one : top),
    undefined,
  );
  if (longest === undefined || totalMs === 0) return undefined;
  const percent = (100 * (longest.toMs - longest.fromMs)) / totalMs;
  const share = percent > 99 && percent < 100 ? 'more than 99' : String(Math.round(percent));
  return coursePlot(spans, {
    id: 'course',
    title: 'The whole run',
    says: `The migration spent ${share} % of its ${formatMs(totalMs)} in "${longest.state}".`,
    window: { fromMs: 0, toMs: totalMs },
    since: { name: 'time since the start', atMs: 0 },
  });
}

/** Of what is drawn closely, this much is before the guest stood, and as much after. */
const AROUND = 0.06;

/** The time for which the guest stood; undefined where it did not, or where that is most of the run. */
export function closeCourse(spans: readonly Span[], totalMs: number): Plot | undefined {
  const stood = spans.filter(({ lane, state }) => lane === 'guest' && state === GUEST.stands).at(-1);
  if (stood === undefined) return undefined;
  const lengthMs = stood.toMs - stood.fromMs;
  if (lengthMs > 0.7 * totalMs) return undefined;
  const changes = spans.filter(
    ({ lane, fromMs }) => lane.includes(',') && fromMs >= stood.fromMs && fromMs <= stood.toMs,
  ).length;
  const devices = changes === 0 ? '' : ` Devices went through ${changes} changes of state meanwhile.`;
  return coursePlot(spans, {
    id: 'course-closely',
    title: 'The downtime, closely',
    says: `The guest stood from ${formatMs(stood.fromMs)} to ${formatMs(stood.toMs)}.${devices}`,
    window: {
      fromMs: Math.max(0, stood.fromMs - AROUND * lengthMs),
      toMs: Math.min(Math.max(totalMs, stood.toMs), stood.toMs + AROUND * lengthMs),
    },
    since: { name: 'time since the guest was stopped', atMs: stood.fromMs },
  });
}
