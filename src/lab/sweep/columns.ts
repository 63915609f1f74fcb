/** A sweep's rows for programs that read tables: as CSV, and as Parquet with a type for each column. */
import { COLUMNS } from '../trial/row.ts';
import { PARETO_COLUMN, ROW_KEYS } from './axes.ts';
import type { MarkedRow } from './result.ts';
import type { Sweep } from './sweep.ts';

/** What every row has, the axes, what a trial comes to, the devices that some have, and the mark. */
export function columnNames(sweep: Sweep, rows: readonly MarkedRow[]): readonly string[] {
  const usual = [...ROW_KEYS, ...sweep.axes, ...COLUMNS];
  const known = new Set<string>([...usual, PARETO_COLUMN]);
  const devices = new Set(rows.flatMap((row) => Object.keys(row).filter((key) => !known.has(key))));
  return [...usual, ...devices, PARETO_COLUMN];
}

/** RFC 4180 with a header; nothing stands for null. */
export async function csvOf(sweep: Sweep, rows: readonly MarkedRow[]): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  const columns = columnNames(sweep, rows);
  const cast = { boolean: (value: boolean) => String(value) };
  return stringify([columns, ...rows.map((row) => columns.map((column) => row[column] ?? null))], { cast });
}

export async function parquetOf(sweep: Sweep, rows: readonly MarkedRow[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import('hyparquet-writer');
  const columnData = columnNames(sweep, rows).map((name) => {
    const values = rows.map((row) => row[name] ?? null);
    const type = typeOf(values);
    return { name, data: type === 'STRING' ? values.map(texted) : values, type };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

type ColumnType = 'BOOLEAN' | 'DOUBLE' | 'STRING';

/** An axis may mix numbers and words: then all of them are text. */
function typeOf(values: readonly unknown[]): ColumnType {
  const there = values.filter((value) => value !== null);
  if (there.length === 0) return 'DOUBLE';
  if (there.every((value) => typeof value === 'boolean')) return 'BOOLEAN';
  return there.every((value) => typeof value === 'number') ? 'DOUBLE' : 'STRING';
}

function texted(value: unknown): string | null {
  return value === null ? null : String(value);
}
