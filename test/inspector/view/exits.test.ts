/** What leads out of a chart: against what it did next in a whole run. */
import { expect, test } from 'vitest';
import type { Rec } from '../../../src/core/record.ts';
import { Engine } from '../../../src/inspector/view/engine.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { smallScenario } from '../../lab/small-scenario.ts';

const { journal, opened } = rehearse(smallScenario());
const records: readonly Rec[] = [...journal.read(opened.run)];
const engine = new Engine();
engine.open({ id: '0' });
engine.append('0', records.map(recordText));
engine.fold('0', records.length);
const steps = engine.between('0', 0, records.length - 1);

test('no guard is said not to hold of the transition that was taken next', () => {
  const seen = { yes: 0, no: 0, unknown: 0 };
  for (const { record, told } of steps.filter(({ record }) => record.position % 3 === 1)) {
    const met = new Set<string>();
    for (const { to, opens, transitions } of told) {
      // Only of the first delivery is the chart still as it was after the record before.
      const isFirst = !met.has(to);
      met.add(to);
      if (opens || !isFirst) continue;
      const exits = engine.exits('0', to, record.position - 1);
      for (const holds of Object.values(exits)) seen[holds]++;
      const [first] = transitions;
      if (first !== undefined) expect(exits[first], `${to} at ${record.position}: ${first}`).toMatch(/yes|unknown/);
    }
  }
  expect(Math.min(seen.yes, seen.no, seen.unknown)).toBeGreaterThan(0);
});

test('visits around a record are those that were folded', () => {
  for (const [address, state] of [
    ['pre-copy', 'iterating.sending'],
    ['migration', 'reversible.active'],
  ] as const) {
    const entered = steps.flatMap(({ record, told }) =>
      told
        .filter(({ to }) => to === address)
        .flatMap((one) => one.entered.filter((path) => path === state).map(() => record.position)),
    );
    expect(entered.length).toBeGreaterThan(0);
    for (const { position } of records) {
      const [until, after] = [entered.filter((at) => at <= position), entered.filter((at) => at > position)];
      const around = engine.visitsAround('0', address, { kind: 'state', id: state }, position);
      expect(around).toMatchObject({ count: until.length, total: entered.length });
      expect([around.last, around.next]).toEqual([until.at(-1), after[0]]);
      expect(around.before).toBe(until.filter((at) => at < (until.at(-1) ?? 0)).at(-1));
    }
  }
});

test('a roster names every chart once, with the records that opened and closed it', () => {
  const roster = engine.roster('0');
  expect(roster.map(({ address }) => address).length).toBe(new Set(roster.map(({ address }) => address)).size);
  for (const { position } of records.filter(({ position }) => position % 4 === 0)) {
    const open = roster.filter(({ spans }) =>
      spans.some(({ from, to }) => from <= position && (to === undefined || to > position)),
    );
    expect(open.map(({ address }) => address).sort()).toEqual(
      engine
        .at('0', position)
        ?.charts.map(({ address }) => address)
        .sort(),
    );
  }
});
