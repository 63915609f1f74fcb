/** Numbers for people: sizes, times and rates with three digits that matter. The same number gives the same text everywhere. */

const SIZES = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as links and vendors count. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < SIZES.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${digits(value)} ${SIZES[unit]}`;
}

/** Bits per second, as links are named. */
export function formatRate(bytesPerSecond: number): string {
  const units = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'] as const;
  let value = bytesPerSecond * 8;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${digits(value)} ${units[unit]}`;
}

export function formatMs(ms: number): string {
  if (ms >= 9_995) return `${digits(ms / 1000)} s`;
  if (ms > 0 && ms < 0.0995) return `${digits(ms * 1000)} us`;
  return `${digits(ms)} ms`;
}

/** A whole number with thousands apart. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (value === 0) return '0';
  if (size >= 99.95) return String(Math.round(value));
  if (size >= 9.995) return String(Math.round(value * 10) / 10);
  return String(Math.round(value * 100) / 100);
}
