/**
 * The journal and what is read from it: appends that are on the disk when they return, appends in memory, and the replay of
 * a long run. Rivals: a text file that is synced at every line, and a replay on XState's own pure functions.
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plan } from '../../machines/plan.ts';
import type { Rec } from '../../src/core/record.ts';
import type { ChartSet, System } from '../../src/core/system.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { type Bench, built, figure, type Table, times } from './bench.ts';
import { coreCharts, migrateOn, planWith, stockCharts } from './charts.ts';
import { type Rival, race } from './race.ts';
import { FEW_PAGES } from './vgpu.ts';

const { MemoryJournal } =
  await built<typeof import('../../src/journal/memory-journal.ts')>('src/journal/memory-journal');
const { SqliteJournal } =
  await built<typeof import('../../src/journal/sqlite-journal.ts')>('src/journal/sqlite-journal');
const { recordText } = await built<typeof import('../../src/journal/record-text.ts')>('src/journal/record-text');
const { checksumOfEffects } = await built<typeof import('../../src/core/checksum.ts')>('src/core/checksum');
const { createStepper } = await built<typeof import('../../src/core/step.ts')>('src/core/step');
const { replay } = await built<typeof import('../../src/run/replay.ts')>('src/run/replay');

const SINGLE = 200;
const BATCH = 1_000;
const BATCHES = 5;
/** Replays of a short migration in one run of a rival. */
const REPLAYED = 12;

export const journal: Bench = {
  name: 'journal',
  about: 'appends to SQLite (WAL, every commit synced) and to memory; replay',
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'switchover-bench-'));
    try {
      return [appends(folder), reads(folder), await replays()];
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

function recordsOf(charts: ChartSet, plan: Plan): readonly Rec[] {
  const seen: Rec[] = [];
  migrateOn(charts, plan, { see: ({ record }) => seen.push(record) });
  return seen;
}

/** A migration's records, over and over, as one run's: positions go on, and only the first one opens a run. */
function records(count: number): readonly Rec[] {
  const plan = planWith(2);
  const [first, ...inputs] = recordsOf(coreCharts(plan), plan) as [Rec, ...Rec[]];
  const rest = Array.from({ length: count - 1 }, (_, i) => ({ ...inputs[i % inputs.length]!, position: i + 1 }) as Rec);
  return [first, ...rest];
}

/** Appends `all` to a new run each time, `size` at once. */
function appending(name: string, journalOf: () => Journal, all: readonly Rec[], size: number): Rival {
  let nth = 0;
  return {
    name,
    units: all.length,
    prepare() {
      const kept = journalOf();
      const run = `${size}-${nth++}`;
      const [first, ...rest] = all as [Extract<Rec, { kind: 'opened' }>, ...Rec[]];
      const named = [{ ...first, opened: { ...first.opened, run } }, ...rest];
      kept.claim(run);
      return () => {
        for (let at = 0; at < named.length; at += size) kept.append(run, at, named.slice(at, at + size));
        kept.release(run);
      };
    },
  };
}

function appends(folder: string): Table {
  const few = records(SINGLE);
  const many = records(BATCH * BATCHES);
  const sqlite = new SqliteJournal(join(folder, 'runs.db'));
  const memory = () => new MemoryJournal();
  const text = textFile(join(folder, 'runs.txt'), few);
  try {
    const ns = race(
      [
        appending('SQLite, one record a commit', () => sqlite, few, 1),
        appending(`SQLite, ${BATCH} records a commit`, () => sqlite, many, BATCH),
        text.rival,
        appending('memory, one record at a time', memory, many, 1),
      ],
      { rounds: 5, clock: 'wall' },
    );
    const single = ns.get('SQLite, one record a commit')!;
    return {
      title: `Appends, wall time, in ${tmpdir()}: how fast a sync is, is that disk's`,
      columns: ['', 'us a record', 'records/s', ''],
      rows: [...ns].map(([name, each]) => [name, figure(each / 1e3), figure(1e9 / each), times(each, single)]),
    };
  } finally {
    sqlite.close();
    text.close();
  }
}

/** Lines in a file, fsync after each: durable, without transactions, checksums, one writer, or many runs. */
function textFile(path: string, few: readonly Rec[]): { readonly rival: Rival; close(): void } {
  const file = openSync(path, 'a');
  const run = () => {
    for (const record of few) {
      writeSync(file, `${JSON.stringify(record)}\n`);
      fsyncSync(file);
    }
  };
  return {
    rival: { name: 'a text file, fsync after each line', units: few.length, prepare: () => run },
    close: () => closeSync(file),
  };
}

function reads(folder: string): Table {
  const many = records(BATCH * BATCHES);
  const first = many[0] as Extract<Rec, { kind: 'opened' }>;
  const sqlite = new SqliteJournal(join(folder, 'read.db'));
  const memory = new MemoryJournal();
  try {
    for (const kept of [sqlite, memory]) kept.append(first.opened.run, 0, many);
    const lines = many.map(recordText);
    const reading = (name: string, of: () => Iterable<unknown>): Rival => ({
      name,
      units: many.length,
      prepare: () => () => {
        let found = 0;
        for (const _ of of()) found++;
        if (found !== many.length) throw new Error(`${name}: ${found} records of ${many.length}`);
      },
    });
    const ns = race([
      reading('SQLite, verified', () => sqlite.read(first.opened.run)),
      reading('memory, verified', () => memory.read(first.opened.run)),
      reading('JSON.parse of the lines, nothing verified', () => lines.map((line) => JSON.parse(line))),
    ]);
    const bare = ns.get('JSON.parse of the lines, nothing verified')!;
    return {
      title: 'Reads',
      columns: ['', 'us a record', 'records/s', ''],
      rows: [...ns].map(([name, each]) => [name, figure(each / 1e3), figure(1e9 / each), times(each, bare)]),
    };
  } finally {
    sqlite.close();
  }
}

interface Replayed {
  readonly name: string;
  readonly charts: ChartSet;
  readonly plan: Plan;
  readonly records: readonly Rec[];
  /** So many times over. */
  readonly times: number;
}

async function replays(): Promise<Table> {
  const short = [0, 2, 8].map((devices): Replayed => {
    const plan = planWith(devices);
    const charts = coreCharts(plan);
    return {
      name: `a short migration, ${devices} devices`,
      charts,
      plan,
      records: recordsOf(charts, plan),
      times: REPLAYED,
    };
  });
  const rows = [...short, await longRun()].flatMap((one) => {
    const ns = race(
      [
        { name: one.name, fold: () => expectSame(replay(one.records).divergence) },
        { name: '  on transition()', fold: stockFold(one) },
      ].map(({ name, fold }) => ({
        name,
        units: one.records.length * one.times,
        prepare: () => () => often(fold, one),
      })),
      { rounds: 5 },
    );
    const [first] = ns.values();
    return [...ns].map(([name, each]) => [name, figure(each / 1e3), figure(1e9 / each), times(each, first!)]);
  });
  return { title: 'Replay, each record held to its checksum', columns: ['', 'us a record', 'records/s', ''], rows };
}

/** The run with a thousand rounds. */
async function longRun(): Promise<Replayed> {
  const { rehearse } = await built<typeof import('../../src/lab/rehearse.ts')>('src/lab/rehearse');
  const { scenarioFrom } = await built<typeof import('../../src/lab/scenario/read.ts')>('src/lab/scenario/read');
  const { journal: kept, opened } = rehearse(scenarioFrom(FEW_PAGES));
  const all = [...kept.read(opened.run)];
  const plan = opened.plan as Plan;
  return { name: `a run of ${figure(all.length)} records`, charts: coreCharts(plan), plan, records: all, times: 1 };
}

function often(work: () => void, { times: count }: Replayed): void {
  for (let i = 0; i < count; i++) work();
}

function stockFold({ charts, plan, records: all }: Replayed): () => void {
  const stepper = createStepper(stockCharts(charts), { deadlinesMs: plan.deadlinesMs });
  return () => fold(stepper, all);
}

function fold(stepper: ReturnType<typeof createStepper>, all: readonly Rec[]): void {
  let system: System | undefined;
  for (const record of all) {
    const stepped = record.kind === 'opened' ? stepper.open(record.opened, record.atNs) : stepper.step(system!, record);
    if (checksumOfEffects(stepped.effects) !== record.effects) expectSame(`record ${record.position}`);
    system = stepped.system;
  }
}

function expectSame(divergence: unknown): void {
  if (divergence !== undefined) throw new Error(`the replay diverged: ${JSON.stringify(divergence)}`);
}
