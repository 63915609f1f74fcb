/**
 * The chosen chart as it is drawn, with its states lit: of the run, and of the one beside it where there is one. In its place all
 * open charts in small, when asked for.
 */
import { type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { ChartAt, Instant } from '../../view/instant.ts';
import { usePictureName } from '../details/use-picture-name.ts';
import type { Camera } from '../picture/camera.ts';
import type { Lit } from '../picture/lights.ts';
import { nameOf, type RunState, useStore } from '../store.ts';
import { useAnswer } from '../use-answer.ts';
import { chartIn } from './chart-list.tsx';
import { ChartOverview } from './chart-overview.tsx';
import { followsTold, keepsInView, overviewOpen } from './chart-signals.ts';
import { ChartView } from './chart-view.tsx';
import { useRoster } from './use-roster.ts';

export function ChartPane() {
  const { run, runBeside, instant, instantBeside, selection } = useStore();
  const address = selection.value.chart ?? 'migration';
  useFollowing();
  // Another chart is seen anew; the same one stays where it is, whatever is played. Two runs are in different states mostly,
  // so that each has a window of its own.
  const camera = useMemo(() => signal<Camera | undefined>(undefined), [address]);
  const cameraBeside = useMemo(() => signal<Camera | undefined>(undefined), [address]);
  const here = usePictureName(run.value?.header.id, instant.value, address);
  const there = usePictureName(runBeside.value?.header.id, instantBeside.value, address);
  return (
    <section class="chart-pane" aria-label="Chart">
      <Bar address={address} />
      {overviewOpen.value ? (
        <ChartOverview />
      ) : (
        <div class={runBeside.value === undefined ? 'chart-sides' : 'chart-sides are-two'}>
          <Side run={run.value} instant={instant.value} address={address} picture={here ?? there} camera={camera} />
          {runBeside.value !== undefined && (
            <Side
              run={runBeside.value}
              instant={instantBeside.value}
              address={address}
              picture={there ?? here}
              camera={cameraBeside}
              isBeside
            />
          )}
        </div>
      )}
    </section>
  );
}

function Bar({ address }: { readonly address: string }) {
  return (
    <header class="chart-bar">
      <h2 title={address}>{overviewOpen.value ? 'All open charts' : address}</h2>
      <span class="room" />
      <Toggle of={followsTold} name="Follow" title="Choose the chart that each record tells first (g)" />
      <Toggle of={keepsInView} name="Keep in view" title="Keep the active state in view (b)" />
      <Toggle of={overviewOpen} name="Overview" title="All open charts in small (o)" />
    </header>
  );
}

function Toggle({ of, name, title }: { readonly of: Signal<boolean>; readonly name: string; readonly title: string }) {
  return (
    <button
      type="button"
      aria-pressed={of.value}
      title={title}
      onClick={() => {
        of.value = !of.value;
      }}
    >
      {name}
    </button>
  );
}

interface SideProps {
  readonly run: RunState | undefined;
  readonly instant: Instant | undefined;
  readonly address: string;
  readonly picture: string | undefined;
  readonly camera: Parameters<typeof ChartView>[0]['camera'];
  readonly isBeside?: boolean;
}

function Side({ run, instant, address, picture, camera, isBeside }: SideProps) {
  const store = useStore();
  const { selection, runBeside } = store;
  const chart = chartIn(instant, address);
  const lit = useLit(run, instant, chart, address);
  const { runs } = useStore();
  const name = run === undefined ? '' : nameOf(run.header, runs.value);
  return (
    <section
      class={isBeside === true ? 'chart-side is-beside' : 'chart-side'}
      data-side={isBeside === true ? 'beside' : 'run'}
    >
      <p class="chart-now">
        {runBeside.value !== undefined && <span class="run-name">{name}</span>}
        {chart === undefined ? (
          <Away run={run} address={address} position={instant?.position ?? 0} />
        ) : (
          <>
            <strong class="state" title={chart.value}>
              {chart.value}
            </strong>
            <LastEvent chart={chart} position={instant?.position ?? 0} canSeek={isBeside !== true} />
          </>
        )}
      </p>
      {picture === undefined ? (
        <p class="no-picture">No chart {address} at this record.</p>
      ) : (
        <ChartView
          picture={picture}
          label={`Chart ${address}${runBeside.value === undefined ? '' : ` of ${name}`}`}
          lit={lit}
          chosen={selection.value.state}
          camera={camera}
          position={instant?.position}
          choose={(state) => {
            selection.value = state === undefined ? { chart: address } : { chart: address, state };
          }}
        />
      )}
    </section>
  );
}

/** What the chart took last, and at which record. */
function LastEvent({
  chart,
  position,
  canSeek,
}: {
  readonly chart: ChartAt;
  readonly position: number;
  readonly canSeek: boolean;
}) {
  const store = useStore();
  const { last } = chart;
  if (last === undefined) return <span class="last">opened</span>;
  const isFresh = last.position === position;
  const where = isFresh ? 'by this record' : `by record ${last.position}`;
  return (
    <span
      class={isFresh ? 'last fresh' : 'last'}
      title={`${last.event}${last.from === undefined ? '' : ` from ${last.from}`}`}
    >
      <span class="event">{last.event}</span>
      {last.from !== undefined && <span class="from">from {last.from}</span>}
      {isFresh || !canSeek ? (
        <span class="from">{where}</span>
      ) : (
        <button type="button" class="link" onClick={() => store.seek(last.position)}>
          {where}
        </button>
      )}
    </span>
  );
}

function Away({
  run,
  address,
  position,
}: {
  readonly run: RunState | undefined;
  readonly address: string;
  readonly position: number;
}) {
  const store = useStore();
  const spans = useRoster(run).find((one) => one.address === address)?.spans ?? [];
  const before = spans.findLast(({ from }) => from <= position);
  const next = spans.find(({ from }) => from > position);
  const canSeek = run === store.run.value;
  if (before?.to !== undefined) {
    const { to } = before;
    return <span class="last">closed by {canSeek ? <Seek position={to} /> : `record ${to}`}</span>;
  }
  if (next === undefined) return <span class="last">not opened in this run</span>;
  return (
    <span class="last">not open yet: opened by {canSeek ? <Seek position={next.from} /> : `record ${next.from}`}</span>
  );
}

function Seek({ position }: { readonly position: number }) {
  const store = useStore();
  return (
    <button type="button" class="link" onClick={() => store.seek(position)}>
      record {position}
    </button>
  );
}

function useLit(
  run: RunState | undefined,
  instant: Instant | undefined,
  chart: ChartAt | undefined,
  address: string,
): Lit | undefined {
  const { engine } = useStore();
  const id = run?.header.id ?? '';
  const position = instant?.position;
  const visited = useAnswer(`${id} ${address}`, position === undefined ? undefined : String(position), () =>
    engine.ask('visits', id, address, position ?? 0),
  )?.answer;
  return useMemo(
    () => ({
      active: chart?.active ?? [],
      taken: chart?.last?.transitions ?? [],
      isFresh: chart?.last?.position === position,
      visits: visited ?? { states: {}, transitions: {} },
    }),
    [chart, position, visited],
  );
}

function useFollowing(): void {
  const { instant, selection } = useStore();
  const now = instant.value;
  const isOn = followsTold.value;
  useEffect(() => {
    if (!isOn || now === undefined) return;
    const first = now.told.find(({ to }) => chartIn(now, to) !== undefined);
    if (first !== undefined && first.to !== selection.peek().chart) selection.value = { chart: first.to };
  }, [isOn, now]);
}
