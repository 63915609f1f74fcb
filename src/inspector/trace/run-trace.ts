/**
 * A run as a trace of Chrome's format, which https://ui.perfetto.dev opens: the lanes of the inspector as slices on a thread
 * each, a process for each host; every chart with its states; commands as slices of whoever was at work on them, with an arrow
 * from the chart that gave one to its answer; figures as counters; orders, failures and verdicts as instants.
 *
 * It sees a run record by record and is written piece by piece. Everything in it is read from records, so that the same journal
 * gives the same bytes.
 */
import type { Rec } from '../../core/record.ts';
import type { ChartSet } from '../../core/system.ts';
import { leavesOf } from '../view/active.ts';
import { FoldedRun } from '../view/folded-run.ts';
import { hostOf } from '../view/host-lanes.ts';
import type { Folded } from '../view/instant.ts';
import type { Lane, LaneSpan } from '../view/lane.ts';
import { LaneTrack } from '../view/lane-track.ts';
import { Lanes } from '../view/lanes.ts';
import { SeriesBook } from '../view/series.ts';
import { plain } from '../walk/plain.ts';
import { CommandBook, commandText, type TracedCommand } from './command-book.ts';
import { counter, flow, instant, slice, type TraceEvent } from './events.ts';
import { type NameEvent, type Process, type Thread, Threads } from './threads.ts';

/** Folded a few at a time, so that no turn is long. */
const RECORDS_AT_ONCE = 1000;

/** The pieces of the file, in order. `charts`: of a run with charts of the user's own. Throws where the records do not fold. */
export function* traceText(records: readonly Rec[], charts?: ChartSet): Generator<string> {
  const trace = new RunTrace();
  // Nobody asks for moments in the past: no system is kept.
  const run = new FoldedRun({ see: (folded) => trace.see(folded), charts, keepEvery: Number.POSITIVE_INFINITY });
  run.append(records);
  while (run.fold(RECORDS_AT_ONCE));
  if (run.broken !== undefined) throw new Error(`record ${run.broken.position}: ${run.broken.because}`);
  yield* trace.text();
}

export class RunTrace {
  readonly #lanes = new Lanes();
  readonly #series = new SeriesBook();
  readonly #commands = new CommandBook();
  /** By address. */
  readonly #charts = new Map<string, LaneTrack>();
  #about: Readonly<Record<string, unknown>> = {};
  #endNs = 0;

  see(folded: Folded): void {
    const { record, told, closed } = folded;
    if (record.kind === 'opened') {
      const { run, seed, version, scenario } = record.opened;
      this.#about = { run, scenario: (scenario as { readonly name?: unknown } | undefined)?.name, seed, version };
    }
    this.#lanes.see(folded);
    this.#series.see(folded);
    this.#commands.see(folded);
    for (const { to, after } of told) this.#chart(to).enter(leavesOf(after) || 'open', record);
    for (const address of closed) this.#chart(address).leave(record);
    this.#endNs = Math.max(this.#endNs, record.atNs);
  }

  /** One event a line. */
  *text(): Generator<string> {
    const head = { displayTimeUnit: 'ms', otherData: this.#about };
    yield `${JSON.stringify(head).slice(0, -1)},"traceEvents":[`;
    let before = '\n';
    for (const event of this.events()) {
      yield `${before}${JSON.stringify(event)}`;
      before = ',\n';
    }
    yield '\n]}\n';
  }

  /** Slices of a thread follow each other or lie in each other; flows come last, when the slices that they lead to are known. */
  *events(): Generator<TraceEvent | NameEvent> {
    const threads = new Threads();
    const lanes = this.#lanes.all();
    const threadOf = (lane: Lane) => threads.of(processOf(lane), lane.label, lane.id);
    const events: TraceEvent[] = [];
    for (const lane of lanes) events.push(...this.#slices(threadOf(lane), lane));
    const moments = threads.of('migration', 'orders and failures');
    for (const { atNs, position, kind, label, lane: id } of this.#lanes.marks()) {
      const lane = lanes.find((one) => one.id === id);
      events.push(instant(lane === undefined ? moments : threadOf(lane), label, atNs, { kind, record: position }));
    }
    const flows = this.#commandEvents(threads, events);
    const beganNs = this.#series.all().find(({ id }) => id === 'remaining')?.atNs[0] ?? 0;
    for (const track of this.#charts.values())
      events.push(...this.#slices(threads.of('charts', track.id), track.lane()));
    yield* threads.names();
    yield* events;
    for (const series of this.#series.all()) yield* counter(series, beganNs);
    yield* flows;
  }

  #slices(thread: Thread, { group, spans }: Lane): readonly TraceEvent[] {
    // What takes no time is no slice, but for a part of the downtime, which are added up, and for where it all ends.
    const shown =
      group === 'downtime' ? spans : spans.filter(({ fromNs, toNs }) => toNs === undefined || toNs > fromNs);
    const slices = shown.map((span) => {
      const { state, towards, note, position } = span;
      const name = towards === undefined ? state : `${state} to ${towards}`;
      return slice(thread, name, this.#spanOf(span), { record: position, ...(note === undefined ? {} : { note }) });
    });
    if (group !== 'downtime') return slices;
    // All of it in one, and its parts in that.
    return runsOf(spans).flatMap(([first, last]) => {
      const whole = { fromNs: first.fromNs, toNs: last.toNs ?? this.#endNs };
      const parts = slices.slice(spans.indexOf(first), spans.indexOf(last) + 1);
      return [slice(thread, 'downtime', whole, { record: first.position }), ...parts];
    });
  }

  #spanOf({ fromNs, toNs = this.#endNs }: LaneSpan) {
    return { fromNs, toNs: Math.max(fromNs, toNs) };
  }

  /** Slices go to `events`; their flows are given back. */
  #commandEvents(threads: Threads, events: TraceEvent[]): readonly TraceEvent[] {
    const rows = new Rows();
    return this.#commands.all().flatMap((traced, id) => {
      const { command, fromNs, answer } = traced;
      const span = { fromNs, toNs: answer?.atNs ?? this.#endNs };
      const process: Process = `${hostOf(command)} host`;
      const row = rows.rowFor(process, span);
      const thread = threads.of(process, row === 1 ? 'orders' : `orders (${row})`);
      events.push(slice(thread, commandText(command), span, argsOf(traced)));
      const chart = threads.of('charts', command.by);
      return flow(id, chart, thread, this.#isThere(command.by, span.toNs) && answer ? chart : undefined, span);
    });
  }

  #isThere(address: string, atNs: number): boolean {
    const { spans = [] } = this.#charts.get(address)?.lane() ?? {};
    return spans.some((span) => span.fromNs <= atNs && atNs <= (span.toNs ?? this.#endNs));
  }

  #chart(address: string): LaneTrack {
    let track = this.#charts.get(address);
    if (track === undefined) {
      track = new LaneTrack(address, 'phases', address);
      this.#charts.set(address, track);
    }
    return track;
  }
}

/** Commands at the same host at the same time are on rows of their own: slices of a thread must not cross. */
class Rows {
  readonly #freeFromNs = new Map<Process, number[]>();

  rowFor(process: Process, { fromNs, toNs }: { readonly fromNs: number; readonly toNs: number }): number {
    const rows = this.#freeFromNs.get(process) ?? [];
    this.#freeFromNs.set(process, rows);
    const free = rows.findIndex((freeNs) => freeNs <= fromNs);
    const row = free === -1 ? rows.length : free;
    rows[row] = toNs;
    return row + 1;
  }
}

function argsOf({ command, position, answer }: TracedCommand): Readonly<Record<string, unknown>> {
  return {
    by: command.by,
    params: plain(command.params),
    record: position,
    answer: answer?.type ?? 'none',
    ...(answer === undefined ? {} : { answeredBy: answer.position }),
    ...(answer?.errno === undefined ? {} : { errno: plain(answer.errno) }),
  };
}

function processOf({ group, id }: Lane): Process {
  switch (group) {
    case 'phases':
    case 'downtime':
    case 'policy':
    case 'link':
      return 'migration';
    case 'guest':
      return id.endsWith('/destination') ? 'destination host' : 'source host';
    case 'devices':
      if (id.startsWith('service/')) return 'migration';
      return id.startsWith('device/destination/') ? 'destination host' : 'source host';
    case 'trackers':
      return 'source host';
    case 'hosts':
      if (id === 'storage') return 'migration';
      return id === 'host/destination' ? 'destination host' : 'source host';
    default:
      return group satisfies never;
  }
}

/** First and last of spans that follow each other without a gap. */
function runsOf(spans: readonly LaneSpan[]): readonly (readonly [LaneSpan, LaneSpan])[] {
  const runs: [LaneSpan, LaneSpan][] = [];
  for (const span of spans) {
    const last = runs.at(-1);
    if (last !== undefined && last[1].toNs === span.fromNs) last[1] = span;
    else runs.push([span, span]);
  }
  return runs;
}
