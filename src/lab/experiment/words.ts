/** A figure of a report in words: how its values are written, and what a side that has the better one does. */
import { formatBytes, formatMs } from '../report/format.ts';

/** Said of a side that wins; any other figure is named. */
const WINS: Readonly<Record<string, string>> = {
  totalMs: 'faster',
  downtimeMs: 'shorter in downtime',
  'bytes.total': 'cheaper in bytes',
  'guest.slowdownPercent': 'easier on the guest',
};

export function winsText(figure: string, better: 'lower' | 'higher'): string {
  return (better === 'lower' ? WINS[figure] : undefined) ?? `${better} in ${figure}`;
}

/** By the unit that its name ends with. */
export function figureText(figure: string, value: number): string {
  if (figure.includes('Percent')) return `${three(value)} %`;
  if (/Ms(?:\.|$)/.test(figure)) return formatMs(value);
  if (/bytes/i.test(figure) && !/Pages$/.test(figure)) return formatBytes(value);
  return String(three(value));
}

function three(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
