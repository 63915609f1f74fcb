/** How much of their time the vCPUs were put to sleep, from one order to the next. */
import { formatMs } from '../../report/format.ts';
import type { Plot } from '../plot.ts';
import { scaled, scaleOf } from '../scale.ts';
import { acrossAxis, PURPLE, STILL, upAxis } from '../theme.ts';

export interface ThrottleStep {
  readonly atMs: number;
  readonly percent: number;
}

/** Undefined where nobody throttled. */
export function throttlePlot(steps: readonly ThrottleStep[], totalMs: number): Plot | undefined {
  if (!steps.some(({ percent }) => percent > 0)) return undefined;
  const time = scaleOf('ms', [totalMs]);
  const begun = steps[0]?.atMs === 0 ? steps : [{ atMs: 0, percent: 0 }, ...steps];
  const course = [...begun, { atMs: totalMs, percent: begun.at(-1)?.percent ?? 0 }];
  return {
    id: 'throttle',
    title: 'Throttle',
    says: says(steps),
    heightPx: 240,
    keys: [{ name: 'share of their time for which vCPUs sleep', colour: PURPLE, mark: 'block' }],
    option: {
      grid: { left: 76, right: 24, top: 20, bottom: 56 },
      xAxis: acrossAxis({
        name: 'time since the start',
        scale: time,
        min: 0,
        max: scaled(totalMs, time),
        ragged: true,
      }),
      yAxis: upAxis({ name: 'throttle (%)', min: 0, max: 100 }),
      series: [
        {
          ...STILL,
          type: 'line',
          step: 'end',
          showSymbol: false,
          data: course.map(({ atMs, percent }) => [scaled(atMs, time), percent]),
          lineStyle: { color: PURPLE, width: 2 },
          itemStyle: { color: PURPLE },
          areaStyle: { color: PURPLE, opacity: 0.2 },
        },
      ],
    },
  };
}

function says(steps: readonly ThrottleStep[]): string {
  const first = steps.find(({ percent }) => percent > 0) as ThrottleStep;
  const most = steps.reduce((top, step) => (step.percent > top.percent ? step : top));
  const rose = most === first ? '' : ` and rose to ${most.percent} % by ${formatMs(most.atMs)}`;
  return `The vCPUs were slowed down from ${formatMs(first.atMs)} on, by ${first.percent} % at first${rose}.`;
}
