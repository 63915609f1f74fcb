/** The timeline of a run: what Chrome's trace format asks for, and figures that are those of the run's report. */
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import { traceText } from '../../src/inspector/trace/run-trace.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { PHASE_KEYS, type Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { smallScenario } from '../lab/small-scenario.ts';

interface Event {
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly name: string;
  readonly id?: number;
  readonly args: Readonly<Record<string, unknown>>;
}

interface Traced {
  readonly text: string;
  readonly events: readonly Event[];
  readonly other: Readonly<Record<string, unknown>>;
  readonly report: Report;
  readonly records: readonly Rec[];
}

function traced(scenario: Scenario): Traced {
  const { journal, opened, ended } = rehearse(scenario);
  const records = [...journal.read(opened.run)];
  const text = [...traceText(records)].join('');
  const { traceEvents, otherData } = JSON.parse(text);
  return { text, events: traceEvents, other: otherData, report: ended, records };
}

/** By the names of the process and of the thread. */
function threadNamed({ events }: Traced, process: string, name: string) {
  const named = (what: string, is: string) =>
    events.filter((event) => event.ph === 'M' && event.name === what && event.args.name === is);
  const pid = named('process_name', process)[0]?.pid;
  const tid = named('thread_name', name).find((event) => event.pid === pid)?.tid;
  return events.filter((event) => event.ph === 'X' && event.pid === pid && event.tid === tid);
}

function grouped<K>(events: readonly Event[], keyOf: (event: Event) => K): ReadonlyMap<K, readonly Event[]> {
  const groups = new Map<K, Event[]>();
  for (const event of events) groups.set(keyOf(event), [...(groups.get(keyOf(event)) ?? []), event]);
  return groups;
}

const ns = (us: number) => Math.round(us * 1000);
const endOf = ({ ts, dur }: Event) => ns(ts) + ns(dur);

const RUNS = {
  completed: traced(smallScenario()),
  'pausing, with hot-plug and a shadow': traced(
    smallScenario({ vmm: { pauseBeforeSwitchover: true, autoConverge: true } as never }),
  ),
  failed: traced(scenarios['fault-destination-dies']),
  cancelled: traced({ ...smallScenario(), cancelAtNs: 200_000_000 }),
  'post-copy, after an outage': traced(scenarios['postcopy-link-lost']),
  vGPU: traced(scenarios['vgpu-10g']),
} satisfies Readonly<Record<string, Traced>>;

describe.each(Object.entries(RUNS))('%s', (_, run) => {
  test('slices of a thread follow each other or lie in each other', () => {
    const threads = grouped(
      run.events.filter(({ ph }) => ph === 'X'),
      ({ pid, tid }) => `${pid} ${tid}`,
    );
    expect(threads.size).toBeGreaterThan(10);
    for (const slices of threads.values()) {
      const open: Event[] = [];
      // Two that begin together: the first of them is the outer one.
      const inOrder = slices.map((slice, index) => ({ slice, index }));
      inOrder.sort((a, b) => ns(a.slice.ts) - ns(b.slice.ts) || a.index - b.index);
      for (const { slice } of inOrder) {
        expect(slice.dur).toBeGreaterThanOrEqual(0);
        while (open.length > 0 && endOf(open.at(-1)!) <= ns(slice.ts)) open.pop();
        if (open.length > 0) expect(endOf(slice)).toBeLessThanOrEqual(endOf(open.at(-1)!));
        open.push(slice);
      }
    }
  });

  test('every thread and process that is used has a name, and no time is before the start or after the end', () => {
    const names = new Set(
      run.events.filter(({ ph }) => ph === 'M').map(({ pid, tid, name }) => `${pid} ${tid} ${name}`),
    );
    const endNs = run.records.at(-1)!.atNs;
    for (const event of run.events.filter(({ ph }) => ph !== 'M')) {
      expect(names).toContain(`${event.pid} 0 process_name`);
      if (event.ph !== 'C') expect(names).toContain(`${event.pid} ${event.tid} thread_name`);
      expect(ns(event.ts)).toBeGreaterThanOrEqual(0);
      expect(ns(event.ts) + (event.ph === 'X' ? ns(event.dur) : 0)).toBeLessThanOrEqual(endNs);
    }
  });

  test('the downtime and its parts are the report’s', () => {
    const { downtime, downtimeMs, outcome } = run.report;
    const slices = threadNamed(run, 'migration', 'downtime');
    if (downtime === null) {
      expect(outcome).not.toBe('completed');
      return;
    }
    const parts: Record<string, number> = Object.fromEntries(Object.keys(downtime).map((key) => [key, 0]));
    for (const slice of slices) {
      if (slice.name !== 'downtime') parts[PHASE_KEYS[slice.name as keyof typeof PHASE_KEYS]]! += ns(slice.dur);
    }
    expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBe(ns(downtimeMs! * 1000));
    expect(parts).toEqual(Object.fromEntries(Object.entries(downtime).map(([key, ms]) => [key, ns(ms! * 1000)])));
    const [whole] = slices;
    expect([whole?.name, ns(whole?.dur ?? 0)]).toEqual(['downtime', ns(downtimeMs! * 1000)]);
  });

  test('the migration’s status goes as the report says', () => {
    const lane = threadNamed(run, 'migration', 'migration');
    const startNs = run.records.find((one) => one.kind === 'input' && one.event.type === 'MIGRATE')!.atNs;
    const { status } = run.report;
    // Where it only passed, a lane shows nothing.
    const stayed = status.filter(({ atMs }, i) => status[i + 1]?.atMs !== atMs);
    const told = stayed.map(({ status: name, atMs }) => `${name} ${startNs + ns(atMs * 1000)}`);
    expect(lane.map(({ name, ts }) => `${name} ${ns(ts)}`)).toEqual(told);
  });

  test('every command is a slice, with an arrow from its chart to its answer', () => {
    const answers = run.records.filter(
      (one) => one.kind === 'input' && one.answers !== undefined && /^(DONE|FAILED)\./.test(one.event.type),
    );
    const flows = grouped(
      run.events.filter(({ ph }) => ph === 's' || ph === 't' || ph === 'f'),
      ({ id }) => id,
    );
    const orders = run.events.filter(({ ph, args }) => ph === 'X' && 'answer' in args);
    expect(flows.size).toBe(orders.length);
    const answered = orders.filter(({ args }) => /^(DONE|FAILED)\./.test(args.answer as string));
    // An answer that comes too late answers nothing.
    expect(answered.length).toBeLessThanOrEqual(answers.length);
    expect(answered.length).toBeGreaterThan(answers.length - 3);
    const slices = grouped(
      run.events.filter(({ ph }) => ph === 'X'),
      ({ pid, tid }) => `${pid} ${tid}`,
    );
    for (const points of flows.values()) {
      expect(points.map(({ ph }) => ph).join('')).toMatch(/^st?f$/);
      for (const { pid, tid, ts } of points) {
        const around = slices.get(`${pid} ${tid}`)!.some((one) => ns(one.ts) <= ns(ts) && ns(ts) <= endOf(one));
        expect(around).toBe(true);
      }
    }
  });

  test('counters end where the report ends', () => {
    const last = (name: string) => run.events.filter((event) => event.ph === 'C' && event.name === name).at(-1);
    expect(last('sent in all')?.args).toEqual({ bytes: run.report.bytes.total });
    for (const name of ['remaining', 'send rate']) expect(last(name), name).toBeDefined();
    const names = new Set(run.events.filter(({ ph }) => ph === 'C').map(({ name }) => name));
    if (run === RUNS.completed) {
      const dirtied = ['vcpu', 'dma:nic0', 'dma:nic1'].map((source) => `dirtied by ${source}`);
      expect([...names]).toEqual(expect.arrayContaining(['threshold', 'throttle', ...dirtied]));
    }
    // A mean holds up to its end, and not for ever.
    expect(last('send rate')?.args).toEqual({ 'bytes/s': 0 });
  });

  test('the same records give the same bytes', () => {
    expect([...traceText(run.records)].join('')).toBe(run.text);
  });
});

test('faults and orders are instants, on the lane that they belong to', () => {
  const instants = (run: Traced) => run.events.filter(({ ph }) => ph === 'i').map(({ name }) => name);
  expect(instants(RUNS.cancelled)).toContain('cancel');
  expect(instants(RUNS.failed).some((name) => /destination/.test(name))).toBe(true);
  expect(instants(RUNS.completed)).toEqual(expect.arrayContaining(['migrate', 'ended: completed']));
});

test('devices are on the host that they are on', () => {
  const states = (process: string, name: string) =>
    threadNamed(RUNS.completed, process, name).map((slice) => slice.name);
  expect(states('source host', 'nic0, source').join()).toMatch(/PRE_COPY.*STOP_COPY/);
  expect(states('destination host', 'nic0, destination').join()).toMatch(/RESUMING.*RUNNING/);
});

test('a hostile name stays text', () => {
  const name = '</script><img src=x onerror=alert(1)>\n"\\ \u2028 %s';
  const run = traced({ ...smallScenario(), name });
  expect(run.other.scenario).toBe(name);
  // One event a line, whatever is in it.
  expect(run.text.trimEnd().split('\n')).toHaveLength(run.events.length + 2);
});

test('records that do not fold are no timeline', () => {
  const { records } = RUNS.completed;
  const broken = records.map((record) => (record.position === 9 ? { ...record, effects: 1 } : record)) as Rec[];
  expect(() => [...traceText(broken)]).toThrow(/^record 9: it caused effects/);
});
