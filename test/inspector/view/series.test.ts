/** A page's figures are a report's: at every record, of runs of all kinds, they equal what the report has of the records so far. */
import { expect, test } from 'vitest';
import { CourseKeeper, CourseTeller } from '../../../src/inspector/view/course.ts';
import { Lanes } from '../../../src/inspector/view/lanes.ts';
import { type Series, SeriesBook, valueAt, valueShownAt } from '../../../src/inspector/view/series.ts';
import type { Report } from '../../../src/lab/report/report.ts';
import { fold, recordsOf, reportsAt } from './folded.ts';

const SCENARIOS = [
  'two-nics',
  'vgpu-10g',
  'fault-link-outage',
  'fault-destination-dies',
  'fault-sync-after-clear',
  'guest-cooperative',
  'postcopy-link-lost',
  'cloud-hypervisor',
  'xen',
  'qemu-8mib',
];

function figuresAt(series: readonly Series[], position: number): Record<string, number | undefined> {
  return Object.fromEntries(series.map((one) => [one.id, valueAt(one, position)]));
}

/** What the report says, by the series that must say the same. */
function wanted({ bytes, rounds, expectedDowntimeMs, missingBytes }: Report): Readonly<Record<string, number>> {
  const assessed = rounds.findLast(({ thresholdBytes }) => thresholdBytes > 0);
  return {
    ...(bytes.total > 0 && {
      'bytes-total': bytes.total,
      'bytes-first': bytes.memory - bytes.resent,
      'bytes-resent': bytes.resent,
      'bytes-device': bytes.deviceState,
    }),
    ...(assessed !== undefined && { threshold: assessed.thresholdBytes }),
    ...(expectedDowntimeMs !== null && { 'expected-downtime': expectedDowntimeMs }),
    ...(missingBytes !== null && missingBytes > 0 && { remaining: missingBytes }),
  };
}

test.each(SCENARIOS)('%s: the figures at a record equal the report of the records up to it', (name) => {
  const records = recordsOf(name);
  const book = new SeriesBook();
  fold(records, (folded) => book.see(folded));
  const series = book.all();
  let compared = 0;
  for (const [position, report] of reportsAt(records)) {
    const found = figuresAt(series, position);
    for (const [id, value] of Object.entries(wanted(report))) {
      expect(found[id], `${id} at record ${position}`).toBe(value);
      compared++;
    }
    // The pass that is under way has no row yet.
    expect([found.round ?? 0, (found.round ?? 0) - 1], `round at record ${position}`).toContain(report.rounds.length);
  }
  expect(compared).toBeGreaterThan(20);
});

test('the throttle is what each pass was judged with, and who dirtied how much is what each sync found', () => {
  const records = recordsOf('published-x86-bitmap');
  const book = new SeriesBook();
  const assessed: { readonly position: number; readonly throttlePercent: number }[] = [];
  const syncs: { position: number; atNs: number; pages: Readonly<Record<string, number>>; endsPass: boolean }[] = [];
  let hasSent = false;
  fold(records, (folded) => {
    book.see(folded);
    const { record, effects } = folded;
    for (const effect of effects) {
      if (effect.kind !== 'fact' || effect.event.type !== 'ROUND_ASSESSED') continue;
      const { throttlePercent } = effect.event.observation as { throttlePercent: number };
      assessed.push({ position: record.position, throttlePercent });
    }
    if (record.kind === 'input' && record.event.type === 'DONE.sendRound') hasSent = true;
    if (record.kind !== 'input' || record.event.type !== 'DONE.syncBitmap') return;
    const pages = record.event.dirtyPagesBySource as Readonly<Record<string, number>>;
    syncs.push({ position: record.position, atNs: record.atNs, pages, endsPass: hasSent });
    hasSent = false;
  });
  const series = new Map(book.all().map((one) => [one.id, one]));
  const throttle = series.get('throttle') as Series;
  for (const { position, throttlePercent } of assessed) expect(valueAt(throttle, position)).toBe(throttlePercent);
  expect(assessed.length).toBeGreaterThan(1);
  expect(syncs.filter(({ endsPass }) => endsPass).length).toBeGreaterThan(1);
  syncs.slice(1).forEach(({ position, atNs, pages, endsPass }, before) => {
    const sinceNs = atNs - (syncs[before]?.atNs ?? 0);
    if (!endsPass || sinceNs === 0) return;
    for (const [source, count] of Object.entries(pages)) {
      const rate = valueAt(series.get(`dirty:${source}`) as Series, position) ?? Number.NaN;
      expect((rate * sinceNs) / 1e9 / 4096).toBeCloseTo(count, 3);
    }
  });
});

test('told piece by piece it comes to the same, and what was told stays as it was', () => {
  const [lanes, book] = [new Lanes(), new SeriesBook()];
  const teller = new CourseTeller(lanes, book);
  const keeper = new CourseKeeper();
  let pieces = 0;
  fold(recordsOf('fault-destination-dies'), (folded) => {
    lanes.see(folded);
    book.see(folded);
    if (folded.record.position % 3 !== 0) return;
    const head = { run: 'r', known: 0, folded: folded.record.position };
    // What crosses to a page is cloned on its way.
    const course = keeper.add(structuredClone(teller.news(head)));
    expect(course.lanes).toEqual(lanes.all());
    expect(course.marks).toEqual(lanes.marks());
    expect(course.series).toEqual(book.all());
    pieces++;
  });
  expect(pieces).toBeGreaterThan(10);
  const head = { run: 'r', known: 0, folded: 0 };
  const again = teller.news(head);
  expect(again.lanes.every(({ spans }) => spans.length <= 1)).toBe(true);
  expect(again.marks.marks).toEqual([]);
});

test('a mean is shown for the time that it is of, anything else from its moment on', () => {
  const points = { positions: Int32Array.of(2, 5), atNs: Float64Array.of(10, 20), values: Float64Array.of(1, 2) };
  const steps: Series = { id: 's', group: 'rates', label: 's', unit: 'bytes/s', holds: 'from', ...points };
  const means: Series = { ...steps, holds: 'until' };
  const at = [0, 10, 15, 20, 21];
  expect(at.map((ns) => valueShownAt(steps, ns))).toEqual([undefined, 1, 1, 2, 2]);
  expect(at.map((ns) => valueShownAt(means, ns))).toEqual([1, 1, 2, 2, undefined]);
  expect([1, 2, 4, 5].map((position) => valueAt(steps, position))).toEqual([undefined, 1, 1, 2]);
});
