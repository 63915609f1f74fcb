/** What remained after each round, and what would have fitted into the downtime, over the run's time. */

import { formatBytes } from '../../report/format.ts';
import type { Report, Round } from '../../report/report.ts';
import type { Plot } from '../plot.ts';
import { scaled, scaleOf } from '../scale.ts';
import { acrossAxis, BLUE, FONT_PX, GROUND, INK, logBase, SOFT, STILL, upAxis, VERMILION } from '../theme.ts';

/** With more points than this the line says it all. */
const SYMBOLS_MAX = 30;

/** Undefined where no round was judged. */
export function remainingPlot({ rounds, totalMs, vmm }: Report): Plot | undefined {
  const judged = rounds.filter(({ verdict }) => verdict !== null);
  if (judged.length === 0) return undefined;
  const bytes = judged.flatMap(({ remainingBytes, thresholdBytes }) => [
    remainingBytes,
    ...(thresholdBytes > 0 ? [thresholdBytes] : []),
  ]);
  const log = logBase(bytes);
  const size = scaleOf('bytes', bytes);
  const time = scaleOf('ms', [totalMs]);
  const at = (round: Round) => scaled(endMs(round), time);
  const switched = judged.find(({ verdict }) => verdict === 'switchover');
  return {
    id: 'remaining',
    title: 'What remained, and what would have fitted',
    says: says(judged, switched),
    heightPx: 320,
    keys: [
      { name: 'remaining after a round', colour: BLUE, mark: 'line' },
      { name: `fits into the downtime limit (${vmm.downtimeLimitMs} ms at first)`, colour: VERMILION, mark: 'dashed' },
      ...(switched === undefined ? [] : [{ name: 'decision to switch over', colour: INK, mark: 'line' as const }]),
    ],
    option: {
      grid: { left: 76, right: 24, top: 28, bottom: 56 },
      xAxis: acrossAxis({
        name: 'time since the start',
        scale: time,
        min: 0,
        max: scaled(totalMs, time),
        ragged: true,
      }),
      yAxis: upAxis({ name: 'to send', scale: size, log }),
      series: [
        {
          ...STILL,
          type: 'line',
          data: judged.map((round) => [at(round), scaled(round.remainingBytes, size)]),
          symbol: 'circle',
          symbolSize: 7,
          showSymbol: judged.length <= SYMBOLS_MAX,
          lineStyle: { color: BLUE, width: 2 },
          itemStyle: { color: BLUE, borderColor: GROUND, borderWidth: 1 },
          ...(switched === undefined ? {} : { markLine: decided(at(switched), scaled(totalMs, time)) }),
        },
        {
          ...STILL,
          type: 'line',
          step: 'end',
          data: judged.map((round) => [
            at(round),
            round.thresholdBytes > 0 ? scaled(round.thresholdBytes, size) : null,
          ]),
          symbol: 'rect',
          symbolSize: 6,
          showSymbol: judged.length <= SYMBOLS_MAX,
          lineStyle: { color: VERMILION, width: 2, type: [6, 4] },
          itemStyle: { color: VERMILION, borderColor: GROUND, borderWidth: 1 },
        },
      ],
    },
  };
}

export function endMs({ startMs, durationMs, syncMs }: Round): number {
  return startMs + durationMs + syncMs;
}

function decided(x: number, until: number) {
  return {
    ...STILL,
    symbol: 'none',
    lineStyle: { color: INK, width: 1, type: 'solid' },
    label: {
      show: true,
      formatter: 'switchover',
      color: SOFT,
      fontSize: FONT_PX,
      position: 'end',
      align: x > until * 0.9 ? 'right' : 'center',
    },
    data: [{ xAxis: x }],
  };
}

function says(judged: readonly Round[], switched: Round | undefined): string {
  const [first] = judged as [Round];
  const last = switched ?? (judged.at(-1) as Round);
  const limit = last.thresholdBytes > 0 ? `, where ${formatBytes(last.thresholdBytes)} would have fitted` : '';
  if (judged.length === 1)
    return `${formatBytes(last.remainingBytes)} remained after the only round that was judged${limit}.`;
  const course = `${formatBytes(first.remainingBytes)} remained after round ${first.round}, and ${formatBytes(last.remainingBytes)} after round ${last.round}${limit}.`;
  const least = judged.reduce((low, round) => (round.remainingBytes < low.remainingBytes ? round : low));
  if (switched !== undefined || least === last) return course;
  return `${course} The least was ${formatBytes(least.remainingBytes)}, after round ${least.round}.`;
}
