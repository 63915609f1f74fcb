/** Every run of a comparison as CSV (RFC 4180) with a header; nothing stands for null. */
import { COLUMNS, type TrialRow } from '../trial/row.ts';

export async function comparisonCsv({ rows }: { readonly rows: readonly TrialRow[] }): Promise<string> {
  const { stringify } = await import('csv-stringify/sync');
  const usual = new Set<string>(COLUMNS);
  const devices = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((key) => !usual.has(key));
  const columns = [...COLUMNS, ...devices];
  return stringify([
    columns,
    ...rows.map((row) => columns.map((column) => (row as unknown as Record<string, unknown>)[column] ?? null)),
  ]);
}
