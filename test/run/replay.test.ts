/**
 * A journal folds to what the run was: the same effects at each record, the same report at the end. A record that says
 * something else than what happened is named, by the fold if a chart would have acted otherwise, else by a re-run.
 */
import { describe, expect, test } from 'vitest';
import { checksumOfEffects } from '../../src/core/checksum.ts';
import type { Rec } from '../../src/core/record.ts';
import { recordText } from '../../src/journal/record-text.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { ReportProjection } from '../../src/lab/report/projection.ts';
import { compareRecords } from '../../src/run/re-run.ts';
import { replay } from '../../src/run/replay.ts';
import type { Recorded } from '../../src/run/runner.ts';
import { watchRun } from '../lab/watch-run.ts';
import { made, positionOf, RUNS, withEvent } from './journals.ts';

describe.each(RUNS)('the journal of a run: %s', (_, outcome, scenario) => {
  const { records, report } = made(scenario);

  test('replays, through JSON, to the same report', () => {
    const projection = new ReportProjection();
    const parsed = records.map((record) => JSON.parse(recordText(record)) as Rec);
    const { divergence, records: folded } = replay(parsed, (recorded) => projection.see(recorded), { strict: true });
    expect(divergence).toBeUndefined();
    expect(folded).toBe(records.length);
    expect(report.outcome).toBe(outcome);
    // The checkers saw the run itself; of a fold only what the hand-over's own record says is known.
    const fromFold = projection.report();
    const fromHandOver = report.checks.filter(({ name }) => name === 'no-lost-write');
    expect(fromFold).toEqual({ ...report, checks: fromHandOver });
    expect(JSON.stringify({ ...fromFold, checks: [] })).toBe(JSON.stringify({ ...report, checks: [] }));
  });

  test('replays to the same system, record by record', () => {
    const { recorded } = watchRun(scenario);
    const folded: Recorded[] = [];
    const { system } = replay(records, (one) => folded.push(one));
    expect(folded).toHaveLength(recorded.length);
    folded.forEach((one, index) => {
      expect(one.effects).toEqual(recorded[index]?.effects);
      expect(one.outcome).toBe(recorded[index]?.outcome);
    });
    const last = recorded.at(-1)?.system;
    expect([...(system?.charts.keys() ?? [])]).toEqual([...(last?.charts.keys() ?? [])]);
    expect(system?.pending).toEqual(last?.pending);
    expect(system?.timers).toEqual(last?.timers);
    for (const [address, snapshot] of last?.charts ?? []) {
      const again = system?.charts.get(address);
      expect(JSON.stringify(again)).toBe(JSON.stringify(snapshot));
    }
  });

  test('is made again, record by record, by a re-run', () => {
    const { journal, opened } = rehearse(scenario);
    expect(compareRecords(records, journal.read(opened.run), recordText)).toBeUndefined();
  });
});

describe('a fold names the first record that', () => {
  const { records } = made((RUNS[0] as (typeof RUNS)[number])[2]);

  test.each([
    ['found less dirty', positionOf(records, 'DONE.syncBitmap', 1), { remainingPages: 1, remainingBytes: 4096 }],
    ['failed', positionOf(records, 'DONE.setDeviceState', 2), { type: 'FAILED.setDeviceState', errno: 'EIO' }],
    ['names another set', positionOf(records, 'DONE.syncBitmap', 2), { dirtySet: 77 }],
    ['is another order', positionOf(records, 'MIGRATE'), { type: 'CANCEL' }],
  ])('%s', (_, position, data) => {
    const { divergence, records: folded } = replay(withEvent(records, position, data));
    // What a chart does with a figure may show only in a later record.
    expect(divergence?.position).toBeGreaterThanOrEqual(position);
    expect(divergence?.position).toBeLessThan(position + 8);
    expect(folded).toBe(divergence?.position);
    expect(divergence?.expected).not.toBe(divergence?.got);
  });

  test('has effects that are not what it caused', () => {
    const position = positionOf(records, 'DONE.sendRound');
    const wrong = records.map((record) =>
      record.position === position ? { ...record, effects: record.effects ^ 1 } : record,
    ) as Rec[];
    const { divergence } = replay(wrong);
    expect(divergence).toMatchObject({ position });
    expect(divergence?.expected).toMatch(/^effects [0-9a-f]{8}$/);
    expect(divergence?.got).toMatch(/^effects [0-9a-f]{8}$/);
  });

  test.each(['time', 'receiver', 'record'] as const)('has another %s', (what) => {
    const position = positionOf(records, 'DONE.sendRound');
    const changed = records.flatMap((record): Rec[] => {
      if (record.position !== position || record.kind !== 'input') return [record];
      if (what === 'record') return [];
      return [what === 'time' ? { ...record, atNs: record.atNs + 1 } : { ...record, to: 'guest' }];
    });
    const { divergence } = replay(changed);
    expect(divergence?.position).toBeGreaterThanOrEqual(position);
    expect(divergence?.position).toBeLessThanOrEqual(position + 1);
  });

  test('comes before the run was opened', () => {
    expect(replay(records.slice(1)).divergence).toMatchObject({
      position: 1,
      expected: 'a record that the charts take',
    });
    expect(replay([])).toEqual({ records: 0, system: undefined, divergence: undefined });
  });
});

describe('a re-run names a record that', () => {
  const scenario = (RUNS[0] as (typeof RUNS)[number])[2];
  const { records } = made(scenario);
  const again = () => made(scenario).records;

  test('no chart would have noticed', () => {
    const position = positionOf(records, 'DONE.sendRound');
    const planted = withEvent(records, position, { zeroPages: 3 });
    expect(replay(planted).divergence).toBeUndefined();
    const divergence = compareRecords(planted, again(), recordText);
    expect(divergence?.position).toBe(position);
    expect(divergence?.expected).toContain('"zeroPages":3');
    expect(divergence?.got).toContain('"zeroPages":0');
  });

  test('is missing at the end, or is one too many', () => {
    const shorter = records.slice(0, -1);
    expect(compareRecords(shorter, again(), recordText)).toMatchObject({
      position: shorter.length,
      expected: 'no record',
    });
    expect(compareRecords(records, again().slice(0, -1), recordText)).toMatchObject({
      position: shorter.length,
      got: 'no record',
    });
  });
});

test("each record's checksum is that of the effects it caused", () => {
  const { recorded } = watchRun((RUNS[0] as (typeof RUNS)[number])[2]);
  for (const { record, effects } of recorded) expect(record.effects).toBe(checksumOfEffects(effects));
});
