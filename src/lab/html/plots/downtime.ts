/** Where every millisecond of the downtime went, and for how long each device did not serve. */
import { formatMs } from '../../report/format.ts';
import type { Report } from '../../report/report.ts';
import { PHASES } from '../../report/text.ts';
import type { Key, Plot } from '../plot.ts';
import { type Scale, scaled, scaleOf } from '../scale.ts';
import {
  acrossAxis,
  COLOURS,
  categoriesDown,
  colour,
  FONT_PX,
  GROUND,
  INK,
  ON_COLOUR,
  roomFor,
  STILL,
} from '../theme.ts';

/** A segment has its share written on it from this on. */
const LABEL_FROM = 0.09;
/** More devices than this are in the table only. */
const DEVICES_MAX = 16;

/** Undefined where the guest never stood, or nobody knows for how long. */
export function downtimePlot({ downtime, downtimeMs, devices, vmm }: Report): Plot | undefined {
  if (downtime === null || downtimeMs === null || downtimeMs === 0) return undefined;
  const parts = PHASES.map(([key, name]) => ({ name, ms: downtime[key] ?? 0 }))
    .filter(({ ms }) => ms > 0)
    .map((part, nth) => ({ ...part, fill: colour(nth % PHASE_COLOURS) }));
  const services = devices
    .flatMap(({ id, serviceDowntimeMs }) => (serviceDowntimeMs === null ? [] : [{ id, ms: serviceDowntimeMs }]))
    .slice(0, DEVICES_MAX);
  const rows = ['guest stands', ...services.map(({ id }) => `${id} idle`)];
  const longest = Math.max(
    downtimeMs,
    vmm.downtimeLimitMs <= 2 * downtimeMs ? vmm.downtimeLimitMs : 0,
    ...services.map(({ ms }) => ms),
  );
  const scale = scaleOf('ms', [longest]);
  const share = (ms: number) => `${((100 * ms) / downtimeMs).toFixed(1)} %`;
  return {
    id: 'downtime',
    title: 'Where the downtime went',
    says: says(parts, downtimeMs, vmm.downtimeLimitMs, services),
    heightPx: 104 + 36 * rows.length,
    keys: [
      ...parts.map(({ name, ms, fill }) => ({
        name,
        colour: fill,
        mark: 'block' as const,
        value: `${formatMs(ms)}, ${share(ms)}`,
      })),
      ...(services.length === 0 ? [] : [{ name: 'a device takes no DMA', colour: SERVICE, mark: 'block' as const }]),
      ...(vmm.downtimeLimitMs > longest ? [] : [limitKey(vmm.downtimeLimitMs)]),
    ],
    option: {
      grid: { left: roomFor(rows), right: 64, top: 24, bottom: 56 },
      xAxis: acrossAxis({ name: 'time', scale, min: 0 }),
      yAxis: categoriesDown(rows, roomFor(rows)),
      series: [
        ...parts.map(({ ms, fill }, nth) => ({
          ...STILL,
          type: 'bar',
          stack: 'time',
          barWidth: 22,
          data: [{ value: scaled(ms, scale), label: { show: ms >= LABEL_FROM * downtimeMs } }],
          itemStyle: { color: fill, borderColor: GROUND, borderWidth: 1 },
          label: { position: 'inside', color: ON_COLOUR, fontSize: FONT_PX, formatter: formatMs(ms) },
          ...(nth === 0 ? { markLine: limitLine(vmm.downtimeLimitMs, longest, scale) } : {}),
        })),
        {
          ...STILL,
          type: 'bar',
          stack: 'time',
          barWidth: 22,
          data: [null, ...services.map(({ ms }) => ({ value: scaled(ms, scale), label: serviceLabel(ms, longest) }))],
          itemStyle: { color: SERVICE },
        },
      ],
    },
  };
}

/** The last colour is the devices'. */
const PHASE_COLOURS = COLOURS - 1;
const SERVICE = colour(PHASE_COLOURS);

/** On the bar where it fits: beside it may be the line of the limit. */
function serviceLabel(ms: number, longestMs: number) {
  const inside = ms >= LABEL_FROM * longestMs;
  return {
    show: true,
    position: inside ? 'inside' : 'right',
    color: inside ? ON_COLOUR : INK,
    fontSize: FONT_PX,
    formatter: formatMs(ms),
  };
}

function limitKey(limitMs: number): Key {
  return { name: 'downtime limit at the start', colour: INK, mark: 'dashed', value: formatMs(limitMs) };
}

function limitLine(limitMs: number, longestMs: number, scale: Scale) {
  return {
    ...STILL,
    symbol: 'none',
    lineStyle: { color: INK, width: 1, type: [6, 4] },
    label: { show: false },
    data: limitMs <= longestMs ? [{ xAxis: scaled(limitMs, scale) }] : [],
  };
}

function says(
  parts: readonly { readonly name: string; readonly ms: number }[],
  downtimeMs: number,
  limitMs: number,
  services: readonly { readonly id: string; readonly ms: number }[],
): string {
  const most = parts.reduce((top, part) => (part.ms > top.ms ? part : top));
  const against = downtimeMs <= limitMs ? 'within the limit of' : 'beyond the limit of';
  const first = `The guest stood for ${formatMs(downtimeMs)}, ${against} ${formatMs(limitMs)}; most of it (${Math.round((100 * most.ms) / downtimeMs)} %) went into "${most.name}".`;
  if (services.length === 0) return first;
  const worst = services.reduce((top, one) => (one.ms > top.ms ? one : top));
  return `${first} ${services.length === 1 ? 'Its device' : 'The device that waited longest'}, ${worst.id}, took no DMA for ${formatMs(worst.ms)}.`;
}
