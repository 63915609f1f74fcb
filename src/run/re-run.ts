/**
 * Re-run: the same scenario and seed once more, every record held against the journal's.
 *
 * Where a replay folds records, a re-run makes them anew, so it proves the model and not only the charts. It works for
 * journals of modelled runs alone; whoever calls it makes the run.
 */
import type { Rec } from '../core/record.ts';
import type { Divergence } from './replay.ts';

/**
 * Compares records as the journal holds them. The first that differs, or is missing on one side, is the divergence.
 * `text` is the canonical text of a record, so that "equal" means equal bytes.
 */
export function compareRecords(
  journal: Iterable<Rec>,
  again: Iterable<Rec>,
  text: (record: Rec) => string,
): Divergence | undefined {
  const remade = again[Symbol.iterator]();
  let position = 0;
  for (const record of journal) {
    const next = remade.next();
    if (next.done === true) return { position, expected: text(record), got: 'no record' };
    const [expected, got] = [text(record), text(next.value)];
    if (expected !== got) return { position, expected, got };
    position++;
  }
  const surplus = remade.next();
  return surplus.done === true ? undefined : { position, expected: 'no record', got: text(surplus.value) };
}
