/**
 * A log of QMP: one JSON object a line, events (`MIGRATION_PASS` with its `timestamp`) and the replies to `query-migrate` polls
 * in the order in which they came; other events and replies are passed over. Source of the format: QEMU, qapi/migration.json.
 *
 * Sync n counts what was dirtied since sync n-1, and QEMU then says how much that was a second (`ram.dirty-pages-rate`). It
 * does so for periods of a second and more only (migration/ram.c, migration_bitmap_sync), so shorter passes say nothing. When
 * a sync was comes from its event, or else from the `total-time` of the first poll after it.
 */
import {
  type Imported,
  type ImportedPoint,
  type ImportFile,
  isMapping,
  type Mapping,
  pageSizeOf,
  refuse,
  rising,
  shownValue,
} from './imported.ts';
import { qmpLines } from './qmp-lines.ts';

/** QEMU measures no dirty rate over less, migration/ram.c. */
const LEAST_PERIOD_MS = 1000;

interface Poll {
  readonly line: number;
  readonly totalMs: number;
  readonly ram: Mapping;
  readonly syncs: number;
}

export function importQmpLog(file: ImportFile): Imported {
  const lines = qmpLines(file);
  const polls = lines.flatMap(({ line, value }) => pollOf(file, line, value));
  const [first] = polls;
  const last = polls.at(-1);
  if (first === undefined || last === undefined) {
    const example = '{"return": {"status": "active", "total-time": 1200, "ram": {...}}}';
    return refuse(file, null, '', 'at least one reply to query-migrate with ram', example, 'none');
  }
  const pageBytes = pageSizeOf(file, last.line, 'return.ram.page-size', last.ram['page-size']);
  const passes = lines.flatMap(({ line, value }) => passOf(file, line, value));
  const { points, raised, short } = pointsOf(file, polls, new Map(passes));
  const memoryBytes = Math.ceil(numberAt(file, last, 'total') / pageBytes) * pageBytes;
  const mostPages = points.at(-1)?.pages ?? 0;
  const zeroPages = numberAt(file, last, 'duplicate', 0);
  const nonZeroBytes = Math.max(memoryBytes - zeroPages * pageBytes, Math.min(mostPages * pageBytes, memoryBytes));
  // Not by arguments: a call takes only so many, and a log of days has more polls.
  const mbps = polls.reduce((most, poll) => Math.max(most, numberAt(file, poll, 'mbps', 0)), 0);
  const byEvents = passes.length > 0;
  return {
    from: 'a QMP log',
    pageBytes,
    memoryBytes,
    ...(zeroPages === 0 ? {} : { nonZeroBytes }),
    points: points.map((point) => ({ ...point, pages: Math.min(point.pages, memoryBytes / pageBytes) })),
    ...(mbps > 0 ? { bandwidthBytesPerSecond: Math.round((mbps * 1e6) / 8) } : {}),
    notes: [
      byEvents
        ? 'Lengths of passes are those between MIGRATION_PASS events.'
        : `Lengths of passes come from polls, ${intervalText(polls)} apart, and are that uncertain.`,
      'Rates were measured while it migrated: a throttled guest dirtied less than it would have.',
      ...(short === 0
        ? []
        : [`${short} passes of less than ${LEAST_PERIOD_MS} ms say nothing: QEMU measures no rate over less.`]),
      ...(raised === 0 ? [] : [`${raised} figures were lower than one of a shorter pass and were raised to it.`]),
      ...(mbps > 0 ? ['The link is what the migration used of it at most (mbps), a cap included.'] : []),
    ],
  };
}

function pointsOf(file: ImportFile, polls: readonly Poll[], passAtMs: ReadonlyMap<number, number>) {
  const found: ImportedPoint[] = [];
  let short = 0;
  const syncAtMs = new Map(passAtMs);
  if (passAtMs.size === 0)
    for (const { syncs, totalMs } of polls) if (!syncAtMs.has(syncs)) syncAtMs.set(syncs, totalMs);
  const seen = new Set<number>();
  for (const poll of polls) {
    const from = syncAtMs.get(poll.syncs - 1);
    const to = syncAtMs.get(poll.syncs);
    const rate = numberAt(file, poll, 'dirty-pages-rate', 0);
    if (seen.has(poll.syncs) || from === undefined || to === undefined) continue;
    seen.add(poll.syncs);
    if (to - from < LEAST_PERIOD_MS) short++;
    else if (rate > 0) found.push({ afterMs: Math.round(to - from), pages: Math.round((rate * (to - from)) / 1000) });
  }
  if (found.length === 0) {
    const example = '"dirty-pages-rate": 5120 in a poll after the second MIGRATION_PASS';
    return refuse(
      file,
      polls.at(-1)?.line ?? null,
      'return.ram.dirty-pages-rate',
      'a dirty rate of a pass of a second or more',
      example,
      'none',
    );
  }
  return { ...rising(found), short };
}

function pollOf(file: ImportFile, line: number, { return: reply }: Mapping): readonly Poll[] {
  if (!isMapping(reply) || !isMapping(reply.ram)) return [];
  const { ram } = reply;
  const totalMs = reply['total-time'];
  if (typeof totalMs !== 'number')
    return refuse(file, line, 'return.total-time', 'the time since the start in ms', '1200', shownValue(totalMs));
  const poll = { line, totalMs, ram, syncs: 0 };
  return [{ ...poll, syncs: numberAt(file, poll, 'dirty-sync-count') }];
}

/** Number of the sync, and when it was, ms. */
function passOf(
  file: ImportFile,
  line: number,
  { event, data, timestamp }: Mapping,
): readonly (readonly [number, number])[] {
  if (event !== 'MIGRATION_PASS') return [];
  const pass = isMapping(data) ? data.pass : undefined;
  if (typeof pass !== 'number') return refuse(file, line, 'data.pass', 'the number of the pass', '2', shownValue(pass));
  if (!isMapping(timestamp) || typeof timestamp.seconds !== 'number' || typeof timestamp.microseconds !== 'number') {
    const example = '{"seconds": 1700000000, "microseconds": 0}';
    return refuse(file, line, 'timestamp', "the event's time", example, shownValue(timestamp));
  }
  return [[pass, timestamp.seconds * 1000 + timestamp.microseconds / 1000]];
}

function numberAt(file: ImportFile, { line, ram }: Pick<Poll, 'line' | 'ram'>, key: string, missing?: number): number {
  const value = ram[key] ?? missing;
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  return refuse(file, line, `return.ram.${key}`, 'a number from 0', '4', shownValue(value));
}

function intervalText(polls: readonly Poll[]): string {
  if (polls.length < 2) return 'unknown';
  const gaps = polls.slice(1).map(({ totalMs }, index) => totalMs - (polls[index]?.totalMs ?? 0));
  return `up to ${Math.round(gaps.reduce((most, gap) => Math.max(most, gap)))} ms`;
}
