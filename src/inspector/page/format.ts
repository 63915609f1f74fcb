/** Figures as a person reads them; each kind always has the same width in a column of tabular digits. */

const DECIMAL = { step: 1000, units: ['B', 'KB', 'MB', 'GB', 'TB'] } as const;
const BINARY = { step: 1024, units: ['B', 'KiB', 'MiB', 'GiB', 'TiB'] } as const;

/** What is sent, as links are counted and as a report writes it: `375 MB`. */
export function bytes(value: number): string {
  return scaled(value, DECIMAL);
}

/** Places and pieces of memory, as memory is counted: `2.00 GiB`. */
export function memoryBytes(value: number): string {
  return scaled(value, BINARY);
}

function scaled(value: number, { step, units }: typeof DECIMAL | typeof BINARY): string {
  let [size, unit] = [Math.abs(value), 0];
  while (size >= step - 0.5 && unit < units.length - 1) [size, unit] = [size / step, unit + 1];
  return `${value < 0 ? '-' : ''}${digits(size, unit === 0 ? 0 : 3)} ${units[unit]}`;
}

export function bytesPerSecond(value: number): string {
  return `${bytes(value)}/s`;
}

/** A moment of the run's clock, to the microsecond: `4.299 340 s`. */
export function moment(ns: number): string {
  const micros = Math.round(ns / 1000);
  const seconds = Math.floor(micros / 1e6);
  const rest = String(micros - seconds * 1e6).padStart(6, '0');
  return `${seconds}.${rest.slice(0, 3)} ${rest.slice(3)} s`;
}

/** How long something took: `297 ms`, `3.2 s`, `12 µs`. */
export function duration(ns: number): string {
  const size = Math.abs(ns);
  if (size >= 60e9) return `${digits(ns / 60e9, 3)} min`;
  if (size >= 1e9) return `${digits(ns / 1e9, 3)} s`;
  if (size >= 1e6) return `${digits(ns / 1e6, 3)} ms`;
  if (size >= 1e3) return `${digits(ns / 1e3, 3)} µs`;
  return `${Math.round(ns)} ns`;
}

/** As many significant digits, without an exponent. */
export function digits(value: number, significant: number): string {
  if (significant === 0 || value === 0) return String(Math.round(value));
  // Rounded first: 99.97 has two digits before the point, and is written with three.
  const rounded = Number(Math.abs(value).toPrecision(significant));
  const whole = Math.max(1, Math.floor(Math.log10(rounded)) + 1);
  return value.toFixed(Math.max(0, significant - whole));
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
}

/** A name of a hostile journal may be a megabyte: nothing is shown of it beyond this. */
export function cut(text: string, most = 120): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
