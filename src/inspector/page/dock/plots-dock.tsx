/** Plots on the lanes' axis: each figure as its records have it, with what it is at the cursor beside its name. */
import { type ReadonlySignal, type Signal, useComputed, useSignal } from '@preact/signals';
import 'uplot/dist/uPlot.min.css';
import { type Series, type SeriesGroup, valueAt, valueShownAt } from '../../view/series.ts';
import { shown } from '../parts/numbers.tsx';
import { type RunState, type Store, useStore } from '../store.ts';
import { Plot, type PlottedSeries, plotPx } from './plot.tsx';
import { type Frame, TimeFrame, useFrame } from './time-frame.tsx';

interface PlotHeader {
  readonly group: SeriesGroup;
  readonly title: string;
}

const PLOTS: readonly PlotHeader[] = [
  { group: 'remaining', title: 'Left to send' },
  { group: 'rates', title: 'Dirtied and sent' },
  { group: 'bytes', title: 'Sent so far' },
  { group: 'downtime', title: 'Downtime' },
  { group: 'throttle', title: 'Throttle' },
];

/** What a figure is called where its plot's title says of what. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  'send-rate': 'sent',
  'expected-downtime': 'expected',
  'downtime-limit': 'limit',
  'bytes-total': 'in all',
  'bytes-first': 'memory',
  'bytes-resent': 'memory again',
  'bytes-device': 'device state',
};

const COLOURS = 8;

export function PlotsDock() {
  const store = useStore();
  const isLog = useSignal(false);
  const frame = useFrame();
  const groups = useComputed(() => {
    const known = new Set([store.run.value, store.runBeside.value].flatMap(groupsOf));
    return PLOTS.filter(({ group }) => known.has(group));
  });
  return (
    <TimeFrame
      kind="plots"
      frame={frame}
      head={<span title="Dashed lines are the run beside">values at the cursor</span>}
      gutter={groups.value.map((header) => <PlotLegend key={header.group} header={header} isLog={isLog} />)}
    >
      {groups.value.map(({ group, title }) => (
        <OnePlot key={group} group={group} title={title} frame={frame} isLog={isLog} />
      ))}
      {groups.value.length === 0 && <p class="nothing">No figure has been recorded yet.</p>}
    </TimeFrame>
  );
}

function groupsOf(state: RunState | undefined): readonly SeriesGroup[] {
  const all = state?.course.value?.series ?? [];
  // A guest that is never slowed down needs no plot of it.
  return all
    .filter((one) => one.group !== 'throttle' || one.values.some((value) => value > 0))
    .map(({ group }) => group);
}

interface OnePlotProps extends PlotHeader {
  readonly frame: Frame;
  readonly isLog: ReadonlySignal<boolean>;
}

function OnePlot({ group, title, frame, isLog }: OnePlotProps) {
  const store = useStore();
  return (
    <Plot
      frame={frame}
      plotted={() => plottedOf(store, group)}
      isLog={() => group === 'remaining' && isLog.value}
      label={`${title} over time`}
    />
  );
}

function PlotLegend({ header, isLog }: { readonly header: PlotHeader; readonly isLog: Signal<boolean> }) {
  const store = useStore();
  const plotted = plottedOf(store, header.group);
  return (
    <div
      class="plot-legend"
      data-points={plotted.reduce((sum, { series }) => sum + series.values.length, 0)}
      style={{ height: `${plotPx(plotted.length)}px` }}
    >
      <div class="plot-title">
        <b>{header.title}</b>
        {header.group === 'remaining' && (
          <label>
            <input
              type="checkbox"
              checked={isLog.value}
              onChange={() => {
                isLog.value = !isLog.value;
              }}
            />
            log
          </label>
        )}
      </div>
      {plotted.map(({ series, whose, colour }) => (
        <PlotValue key={`${whose} ${series.id}`} series={series} whose={whose} colour={colour} />
      ))}
    </div>
  );
}

function PlotValue({ series, whose, colour }: Pick<PlottedSeries, 'series' | 'whose' | 'colour'>) {
  const store = useStore();
  const text = valueText(store, series, whose);
  return (
    <div class={`plot-value ${whose}`} title={series.holds === 'until' ? `${series.label}: a mean` : series.label}>
      <i style={{ borderTopColor: `var(--${colour})` }} />
      <span class="name">{SHORT_NAMES[series.id] ?? series.label}</span>
      <span class="value">{text}</span>
    </div>
  );
}

/** A figure as its record says it; a mean as of the time that the cursor is in. */
function valueText(store: Store, series: Series, whose: PlottedSeries['whose']): string {
  const { position, atNs } = store.cursor.value;
  if (series.holds === 'until') return shown(series, valueShownAt(series, atNs));
  const at = whose === 'run' ? position : (store.runBeside.value?.table.positionAt(atNs) ?? -1);
  return shown(series, valueAt(series, at));
}

function plottedOf({ run, runBeside }: Store, group: SeriesGroup): readonly PlottedSeries[] {
  const of = (state: RunState | undefined, whose: PlottedSeries['whose']) => {
    const course = state?.course.value;
    const endNs = course === undefined || course.folded === 0 ? 0 : (state?.table.atNs(course.folded - 1) ?? 0);
    return (course?.series ?? []).filter((one) => one.group === group).map((series) => ({ series, whose, endNs }));
  };
  const all = [...of(run.value, 'run'), ...of(runBeside.value, 'beside')];
  const ids = [...new Set(all.map(({ series }) => series.id))];
  // The same figure has the same colour in both runs.
  return all.map((one) => ({ ...one, colour: `plot-${1 + (ids.indexOf(one.series.id) % COLOURS)}` }));
}
