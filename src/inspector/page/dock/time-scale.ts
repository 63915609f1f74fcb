/** One span of the run's time over a width in pixels: where a moment is, which moment is where, and where round ones are. */
import type { Span } from '../store.ts';

/** Names and legends stand left of every picture over time, so that all of them have one axis. */
export const GUTTER_PX = 244;

/** Nothing shorter can be zoomed into. */
const SHORTEST_NS = 1000;

export interface TimeScale extends Span {
  readonly width: number;
}

export function xOf({ fromNs, toNs, width }: TimeScale, ns: number): number {
  return ((ns - fromNs) / (toNs - fromNs)) * width;
}

export function nsOf({ fromNs, toNs, width }: TimeScale, x: number): number {
  return fromNs + (x / Math.max(1, width)) * (toNs - fromNs);
}

/** Zoomed around a moment, which stays where it is; undefined: that is the whole run. */
export function zoomedAround({ fromNs, toNs }: Span, atNs: number, factor: number, endNs: number): Span | undefined {
  const least = Math.max(factor, SHORTEST_NS / (toNs - fromNs));
  return within({ fromNs: atNs - (atNs - fromNs) * least, toNs: atNs + (toNs - atNs) * least }, endNs);
}

export function movedBy({ fromNs, toNs }: Span, ns: number, endNs: number): Span | undefined {
  const by = Math.min(Math.max(ns, -fromNs), endNs - toNs);
  return within({ fromNs: fromNs + by, toNs: toNs + by }, endNs);
}

/** Cut to the run. */
export function within({ fromNs, toNs }: Span, endNs: number): Span | undefined {
  const cut = { fromNs: Math.max(0, fromNs), toNs: Math.min(endNs, Math.max(toNs, fromNs + SHORTEST_NS)) };
  return cut.toNs - cut.fromNs >= endNs || cut.toNs <= cut.fromNs ? undefined : cut;
}

export interface Tick {
  readonly atNs: number;
  readonly label: string;
}

/** Enough for `1 234.567 890 s` and room beside it. */
const TICK_PX = 96;

/** Round moments, 1, 2 or 5 of a power of ten apart; from a minute on in minutes. */
export function ticksOf(scale: TimeScale): readonly Tick[] {
  const stepNs = roundStep(((scale.toNs - scale.fromNs) * TICK_PX) / Math.max(TICK_PX, scale.width));
  const ticks: Tick[] = [];
  for (let nth = Math.ceil(scale.fromNs / stepNs); nth * stepNs <= scale.toNs; nth++) {
    ticks.push({ atNs: nth * stepNs, label: tickText(nth * stepNs, stepNs) });
  }
  return ticks;
}

const MINUTE_NS = 60e9;

function roundStep(leastNs: number): number {
  if (leastNs > MINUTE_NS / 2) {
    const minutes = leastNs / MINUTE_NS;
    return (
      MINUTE_NS * ([1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1440].find((one) => one >= minutes) ?? Math.ceil(minutes))
    );
  }
  if (leastNs > 20e9) return 30e9;
  if (leastNs > 10e9) return 20e9;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, leastNs)));
  return power * ([1, 2, 5, 10].find((one) => one * power >= leastNs) ?? 10);
}

function tickText(ns: number, stepNs: number): string {
  if (stepNs >= 20e9) {
    const seconds = Math.round(ns / 1e9);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} min`;
  }
  const decimals = Math.max(0, Math.ceil(-Math.log10(stepNs / 1e9) - 1e-9));
  return `${(ns / 1e9).toFixed(decimals)} s`;
}
