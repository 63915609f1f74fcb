/**
 * A log of QMP as a journal that can only be read: each event and each reply to a query-migrate poll that says something of the
 * migration is a record `by: import`, in the order of the log.
 *
 * Events carry the host's time; a poll does not, and is placed by its `total-time` after the migration's begin. Where the log
 * has no events (the capability `events` was off), statuses are those that polls saw. The destination's log may be given as
 * well, since RESUME is said over there; its times are its own host's clock.
 * Format: QEMU, qapi/migration.json (MIGRATION, MIGRATION_PASS, query-migrate), qapi/run-state.json (STOP, RESUME).
 */
import type { Inbox } from '../../../machines/messages.ts';
import { OBSERVED_STATUSES, type ObservedRam, type ObservedStatus } from '../../../machines/observed.ts';
import { checksumOfEffects } from '../../core/checksum.ts';
import type { Rec } from '../../core/record.ts';
import type { Journal } from '../../journal/journal.ts';
import { observedFingerprint } from '../../run/fingerprint.ts';
import { observedOpening } from '../../run/observed-charts.ts';
import { stepperFor } from '../../run/stepper.ts';
import { VERSION } from '../../version.ts';
import { freeName } from '../prepare.ts';
import { type ImportFile, isMapping, type Mapping, refuse, shownValue } from './imported.ts';
import { type QmpLine, qmpLines } from './qmp-lines.ts';

type Host = 'source' | 'destination';
type Seen = Inbox['observed'];

/** Something that was seen: at this host time in whole us, or so long after the migration's begin; neither: right after what was before it. */
interface Sighting {
  readonly atUs?: number;
  readonly sinceBeginMs?: number | undefined;
  readonly event: Seen;
}

/** Microseconds of host time, or of the migration's own where no event has a time. */
interface Timed {
  readonly atUs: number;
  readonly event: Seen;
}

export interface Observed {
  readonly run: string;
  readonly records: readonly Rec[];
}

/** Writes the run into the journal. Throws a ScenarioError with file and line for a log that says nothing of a migration. */
export function importObserved(
  { source, destination }: { readonly source: ImportFile; readonly destination?: ImportFile | undefined },
  journal: Journal,
): Observed {
  const seen = timed(sightings(source, 'source'));
  if (!seen.some(({ event }) => event.type === 'STATUS_SEEN')) {
    const example =
      '{"event": "MIGRATION", "data": {"status": "setup"}, "timestamp": {"seconds": 1700000000, "microseconds": 0}}';
    refuse(source, null, '', 'at least one MIGRATION event or reply to query-migrate', example, 'none');
  }
  const there = destination === undefined ? [] : timed(sightings(destination, 'destination'));
  const all = [...seen, ...there].sort((a, b) => a.atUs - b.atUs);
  const records = recordsOf(all, freeName(runNameOf(source.name), journal), source.name);
  const [first] = records;
  if (first?.kind !== 'opened') throw new Error('a run begins with its first record');
  const { run } = first.opened;
  void journal.append(run, 0, records);
  return { run, records };
}

/** `logs/qemu-a.log` -> `observed-qemu-a-log`. */
function runNameOf(file: string): string {
  const name = (file.split(/[\\/]/).at(-1) ?? '').toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return `observed-${name.replace(/^-+|-+$/g, '') || 'log'}`;
}

function recordsOf(all: readonly Timed[], run: string, file: string): readonly Rec[] {
  const opened = observedOpening(run, file.split(/[\\/]/).at(-1) ?? file, {
    version: VERSION,
    fingerprint: observedFingerprint(VERSION),
  });
  const stepper = stepperFor(opened, { strict: true });
  const opening = stepper.open(opened, 0);
  const records: Rec[] = [
    { position: 0, atNs: 0, kind: 'opened', opened, effects: checksumOfEffects(opening.effects) },
  ];
  let { system } = opening;
  const beganUs = all[0]?.atUs ?? 0;
  for (const { atUs, event } of all) {
    const input = { to: 'observed', by: 'import' as const, event: { ...event } };
    const at = { position: records.length, atNs: (atUs - beganUs) * 1000 };
    const stepped = stepper.step(system, { ...at, ...input });
    records.push({ ...at, kind: 'input', ...input, effects: checksumOfEffects(stepped.effects) });
    system = stepped.system;
  }
  return records;
}

/** In the order of the log, none before the one before it. */
function timed(seen: readonly Sighting[]): readonly Timed[] {
  let beginUs = seen.find(({ atUs }) => atUs !== undefined)?.atUs ?? 0;
  let lastUs = beginUs;
  return seen.map(({ atUs, sinceBeginMs, event }) => {
    if (event.type === 'STATUS_SEEN' && event.status === 'setup' && atUs !== undefined) beginUs = atUs;
    const polledUs = sinceBeginMs === undefined ? lastUs : beginUs + Math.round(sinceBeginMs * 1000);
    lastUs = Math.max(lastUs, atUs ?? polledUs);
    return { atUs: lastUs, event };
  });
}

function sightings(file: ImportFile, host: Host): readonly Sighting[] {
  let status: ObservedStatus | undefined;
  return qmpLines(file).flatMap((line) => {
    const found = 'event' in line.value ? eventOf(file, line, host) : pollOf(file, line, host);
    return found.flatMap((one) => {
      if (one.event.type !== 'STATUS_SEEN') return [one];
      const isNews = one.event.by === 'event' || one.event.status !== status;
      status = one.event.status;
      return isNews ? [one] : [];
    });
  });
}

function eventOf(file: ImportFile, line: QmpLine, host: Host): readonly Sighting[] {
  const { event, data } = line.value;
  switch (event) {
    case 'STOP':
    case 'RESUME':
      return [{ atUs: timeOf(file, line), event: { type: `${event}_SEEN`, host } }];
    case 'MIGRATION': {
      // The other side walks another machine; what counts of it is when the guest ran.
      if (host === 'destination') return [];
      const status = statusOf(file, line, 'data.status', isMapping(data) ? data.status : undefined);
      return [{ atUs: timeOf(file, line), event: { type: 'STATUS_SEEN', status, by: 'event' } }];
    }
    case 'MIGRATION_PASS': {
      if (host === 'destination') return [];
      const pass = isMapping(data) ? data.pass : undefined;
      if (typeof pass !== 'number' || !Number.isSafeInteger(pass) || pass < 1) {
        return refuse(file, line.line, 'data.pass', 'the number of the pass', '2', shownValue(pass));
      }
      return [{ atUs: timeOf(file, line), event: { type: 'PASS_SEEN', pass } }];
    }
    default:
      return [];
  }
}

/** A reply that is no query-migrate's says nothing here. */
function pollOf(file: ImportFile, line: QmpLine, host: Host): readonly Sighting[] {
  const reply = line.value.return;
  if (host === 'destination' || !isMapping(reply) || typeof reply.status !== 'string') return [];
  // query-status has a status as well, of the machine.
  const isMigration =
    'total-time' in reply || 'ram' in reply || (OBSERVED_STATUSES as readonly string[]).includes(reply.status);
  if (!isMigration || 'running' in reply) return [];
  const status = statusOf(file, line, 'return.status', reply.status);
  const number = (key: string) => (reply[key] === undefined ? undefined : numberOf(file, line, key, reply[key]));
  const [totalTimeMs, downtimeMs, expectedDowntimeMs] = [
    number('total-time'),
    number('downtime'),
    number('expected-downtime'),
  ];
  const ram = isMapping(reply.ram) ? ramOf(file, line, reply.ram) : undefined;
  return [
    { sinceBeginMs: totalTimeMs, event: { type: 'STATUS_SEEN', status, by: 'poll' } },
    {
      sinceBeginMs: totalTimeMs,
      event: {
        type: 'POLL_SEEN',
        ...(totalTimeMs === undefined ? {} : { totalTimeMs }),
        ...(downtimeMs === undefined ? {} : { downtimeMs }),
        ...(expectedDowntimeMs === undefined ? {} : { expectedDowntimeMs }),
        ...(ram === undefined ? {} : { ram }),
      },
    },
  ];
}

function ramOf(file: ImportFile, line: QmpLine, ram: Mapping): ObservedRam {
  const number = (key: string) => numberOf(file, line, `ram.${key}`, ram[key]);
  return {
    totalBytes: number('total'),
    remainingBytes: number('remaining'),
    transferredBytes: number('transferred'),
    dirtySyncCount: number('dirty-sync-count'),
  };
}

function numberOf(file: ImportFile, { line }: QmpLine, key: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  return refuse(file, line, `return.${key}`, 'a number from 0', '4', shownValue(value));
}

function statusOf(file: ImportFile, { line }: QmpLine, path: string, value: unknown): ObservedStatus {
  const status = OBSERVED_STATUSES.find((one) => one === value);
  if (status !== undefined) return status;
  return refuse(file, line, path, `one of ${OBSERVED_STATUSES.join(', ')}`, 'active', shownValue(value));
}

/** Whole us since 1970: exact in a double until 2255. */
function timeOf(file: ImportFile, { line, value: { timestamp } }: QmpLine): number {
  if (isMapping(timestamp) && typeof timestamp.seconds === 'number' && typeof timestamp.microseconds === 'number') {
    return timestamp.seconds * 1e6 + timestamp.microseconds;
  }
  const example = '{"seconds": 1700000000, "microseconds": 0}';
  return refuse(file, line, 'timestamp', "the event's time", example, shownValue(timestamp));
}
