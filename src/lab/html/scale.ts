/**
 * The unit of an axis: chosen once for all that is drawn along it, so that ticks are short and the axis title can name it.
 * Decimal, as `formatBytes` and `formatRate` count.
 */

export interface Scale {
  /** As the axis title says it: `GB`. */
  readonly unit: string;
  /** One of it in the base unit. */
  readonly per: number;
}

/** What a figure is counted in. */
export type Kind = 'bytes' | 'rate' | 'ms' | 'percent' | 'count';

const STEPS: Readonly<Record<Kind, readonly Scale[]>> = {
  bytes: decimal(['B', 'KB', 'MB', 'GB', 'TB'], 1),
  // Bytes per second, shown in bits per second.
  rate: decimal(['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'], 1 / 8),
  ms: [
    { unit: 'ms', per: 1 },
    { unit: 's', per: 1_000 },
    { unit: 'min', per: 60_000 },
    { unit: 'h', per: 3_600_000 },
  ],
  percent: [{ unit: '%', per: 1 }],
  count: [{ unit: '', per: 1 }],
};

/** Times turn to the next unit late: 4,300 ms read better as 4.3 s, but 100 s better than as 1.7 min. */
const TURNS_AT: Readonly<Record<Kind, number>> = { bytes: 1, rate: 1, ms: 3, percent: 1, count: 1 };

/** The unit in which the greatest of these values reads best. */
export function scaleOf(kind: Kind, values: readonly (number | null)[]): Scale {
  const most = Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));
  const steps = STEPS[kind];
  const fits = steps.findLast((step, index) => index === 0 || most >= step.per * TURNS_AT[kind]);
  return fits ?? (steps[0] as Scale);
}

export function scaled(value: number, { per }: Scale): number {
  return Number((value / per).toPrecision(12));
}

/** `memory (GB)`; a count has no unit. */
export function titled(name: string, { unit }: Scale): string {
  return unit === '' ? name : `${name} (${unit})`;
}

function decimal(units: readonly string[], first: number): readonly Scale[] {
  return units.map((unit, index) => ({ unit, per: first * 1000 ** index }));
}
