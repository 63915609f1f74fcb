/**
 * What `virsh domjobinfo` prints of a migration that is under way: `Memory total`, `Dirty rate` in pages/s, and if there
 * `Page size`, `Memory bandwidth`. Source of the format: libvirt, tools/virsh-domain.c (cmdDomjobinfo).
 *
 * It is one rate and no curve: how many pages are dirty after other times is not in it. The rate is QEMU's own, measured over
 * a second or more; it is taken to hold for a second, and to go on from there in a straight line.
 */
import { type Imported, type ImportFile, pageSizeOf, refuse } from './imported.ts';

/** The least period that QEMU measures a dirty rate over, migration/ram.c. */
const RATE_PERIOD_MS = 1000;

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  bytes: 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

interface Field {
  readonly line: number;
  readonly text: string;
}

export function isDomjobinfo(text: string): boolean {
  return /^\s*Job type:/m.test(text);
}

export function importDomjobinfo(file: ImportFile): Imported {
  const fields = fieldsOf(file);
  const total = fieldAt(file, fields, 'Memory total', '4.002 GiB');
  const rate = fieldAt(file, fields, 'Dirty rate', '12345 pages/s');
  const pageField = fields.get('Page size');
  const page = pageField === undefined ? undefined : sizeOf(file, 'Page size', pageField);
  const pageBytes = pageSizeOf(file, pageField?.line ?? null, 'Page size', page);
  const bandwidth = fields.get('Memory bandwidth');
  const memoryBytes = Math.ceil(sizeOf(file, 'Memory total', total) / pageBytes) * pageBytes;
  const pages = Math.min(rateOf(file, rate), memoryBytes / pageBytes);
  return {
    from: 'virsh domjobinfo',
    pageBytes,
    memoryBytes,
    points: [{ afterMs: RATE_PERIOD_MS, pages }],
    ...(bandwidth === undefined
      ? {}
      : { bandwidthBytesPerSecond: Math.round(sizeOf(file, 'Memory bandwidth', bandwidth)) }),
    notes: [
      `One rate and no curve: pages after more than ${RATE_PERIOD_MS} ms are extrapolated in a straight line, too many for a guest that writes to the same pages again.`,
      'The rate was measured while it migrated: a throttled guest dirtied less than it would have.',
      'Memory is printed to three decimals, so its size is that uncertain.',
      ...(bandwidth === undefined ? [] : ['The link is what the migration used of it, a cap included.']),
    ],
  };
}

function fieldsOf({ text }: ImportFile): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  text.split('\n').forEach((line, index) => {
    const [, name, value] = /^\s*([A-Z][\w /-]*?):\s+(.+?)\s*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, { line: index + 1, text: value });
  });
  return fields;
}

function fieldAt(file: ImportFile, fields: ReadonlyMap<string, Field>, name: string, example: string): Field {
  return (
    fields.get(name) ??
    refuse(
      file,
      null,
      name,
      'a line',
      `${name}: ${example}`,
      'none: was the job a migration in its second pass or later?',
    )
  );
}

function sizeOf(file: ImportFile, name: string, { line, text }: Field): number {
  const [, number, unit = 'B'] = /^([\d.]+)\s*(B|bytes|KiB|MiB|GiB|TiB)(?:\/s)?$/.exec(text) ?? [];
  const bytes = Number(number) * (UNITS[unit] ?? Number.NaN);
  return bytes > 0 ? bytes : refuse(file, line, name, 'a size', '4.002 GiB', text);
}

function rateOf(file: ImportFile, { line, text }: Field): number {
  const pages = Number(/^(\d+)\s*pages\/s$/.exec(text)?.[1]);
  return Number.isSafeInteger(pages) ? pages : refuse(file, line, 'Dirty rate', 'a rate', '12345 pages/s', text);
}
