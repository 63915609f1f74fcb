/** A figure of results as axes, tables and sentences name it: in words, and counted in what its name says last. */
import { formatBytes, formatCount, formatMs, formatRate } from '../report/format.ts';
import type { Kind } from './scale.ts';

export interface Measure {
  /** As in the rows: `downtimeMs`. */
  readonly key: string;
  readonly name: string;
  readonly kind: Kind;
}

const NAMES: Readonly<Record<string, string>> = {
  downtimeMs: 'downtime',
  serviceDowntimeMs: 'service downtime',
  totalMs: 'total time',
  bytesTotal: 'bytes sent',
  bytesWasted: 'bytes wasted',
  rounds: 'rounds',
  slowdownPercent: 'slowdown of the guest',
  throttleMaxPercent: 'highest throttle',
};

/** Of a key in a row, or of a path into a report: `downtime.memoryMs`. */
export function measureOf(key: string): Measure {
  const last = key.split('.').at(-1) ?? key;
  const kind = kindOf(last, key);
  const plain = last
    .replace(/(BytesPerSecond|Bytes|Ms|Percent|Pages)$/, '')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim();
  const device = /^serviceDowntimeMs\.(.+)$/.exec(key)?.[1];
  if (device !== undefined) return { key, name: `service downtime of ${device}`, kind: 'ms' };
  return { key, name: NAMES[key] ?? (plain === '' ? key : plain), kind };
}

function kindOf(last: string, key: string): Kind {
  if (last.endsWith('Ms')) return 'ms';
  if (last.endsWith('Percent')) return 'percent';
  if (last.endsWith('BytesPerSecond')) return 'rate';
  return last.endsWith('Bytes') || /bytes/i.test(key) ? 'bytes' : 'count';
}

export function figureOf({ kind }: Pick<Measure, 'kind'>, value: number): string {
  switch (kind) {
    case 'ms':
      return formatMs(value);
    case 'bytes':
      return formatBytes(value);
    case 'rate':
      return formatRate(value);
    case 'percent':
      return `${Number(value.toPrecision(3))} %`;
    case 'count':
      return Number.isInteger(value) ? formatCount(value) : String(Number(value.toPrecision(3)));
    default:
      return kind satisfies never;
  }
}
