/** What devices reached of their own rate before, during and after the migration, where their IOMMU can make them wait. */
import type { Report } from '../../report/report.ts';
import type { Plot } from '../plot.ts';
import { acrossAxis, categoriesDown, colour, FONT_PX, INK, roomFor, STILL } from '../theme.ts';

const PHASES = ['before', 'during', 'after'] as const;
const DEVICES_MAX = 16;

/** Undefined where no device has to wait, or nobody knows. */
export function throughputPlot({ devices }: Report): Plot | undefined {
  const known = devices
    .flatMap(({ id, throughputPercent }) => (throughputPercent === undefined ? [] : [{ id, throughputPercent }]))
    .slice(0, DEVICES_MAX);
  if (known.length === 0) return undefined;
  const names = known.map(({ id }) => id);
  return {
    id: 'throughput',
    title: 'What devices reached of their rate',
    says: says(known.map(({ id, throughputPercent: { during } }) => ({ id, during }))),
    heightPx: 96 + 66 * known.length,
    keys: PHASES.map((phase, nth) => ({ name: `${phase} the migration`, colour: colour(nth), mark: 'block' })),
    option: {
      grid: { left: roomFor(names), right: 56, top: 12, bottom: 56 },
      xAxis: acrossAxis({ name: "throughput (% of the device's own rate)", min: 0, max: 100 }),
      yAxis: categoriesDown(names, roomFor(names)),
      series: PHASES.map((phase, nth) => ({
        ...STILL,
        type: 'bar',
        barWidth: 16,
        data: known.map(({ throughputPercent }) => throughputPercent[phase]),
        itemStyle: { color: colour(nth) },
        label: { show: true, position: 'right', color: INK, fontSize: FONT_PX },
      })),
    },
  };
}

function says(known: readonly { readonly id: string; readonly during: number | null }[]): string {
  const told = known.flatMap(({ id, during }) => (during === null ? [] : [{ id, during }]));
  const least = told.sort((a, b) => a.during - b.during)[0];
  if (least === undefined) return 'Nobody measured what the devices reached while the migration ran.';
  return least.during >= 100
    ? 'No device was slowed down while the migration ran.'
    : `While the migration ran, ${least.id} reached ${least.during} % of its rate.`;
}
