/**
 * One migration in its parts: its charts alone, the charts in the core with an in-memory journal, and the whole with hardware,
 * writes, checks and report; how fast its journal is replayed; what it costs when somebody watches its rounds and batches; and
 * what a larger guest costs with the same working set.
 *
 * All of it is CPU time of this process. What is compared runs in turns, and the ratio is the median of the turns' own ratios,
 * so that a busy machine is busy for both.
 */
import { chartsFor } from '../../machines/index.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Chart, Snapshot } from '../core/chart.ts';
import type { RecordedEvent } from '../core/record.ts';
import type { ChartSet } from '../core/system.ts';
import { chartSet } from '../core/system.ts';
import { createArena } from '../hardware/kernels/page-arena.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { prepareRun } from '../lab/prepare.ts';
import { rehearse } from '../lab/rehearse.ts';
import { scenarioFrom } from '../lab/scenario/read.ts';
import type { Scenario } from '../lab/scenario/scenario.ts';
import type { ScenarioInput } from '../lab/scenario/schema.ts';
import { replay } from '../run/replay.ts';
import { stepperFor } from '../run/stepper.ts';
import { cpuMs, WARM_UP_MS, warmUp } from './cpu-time.ts';

export interface PartsBench {
  /** Of one migration. */
  readonly records: number;
  readonly deliveries: number;
  /** Of the charts alone, of charts, core and journal, and of the whole. */
  readonly migrationsPerSecond: { readonly charts: number; readonly core: number; readonly whole: number };
  readonly deliveriesPerSecond: { readonly charts: number; readonly core: number; readonly whole: number };
  readonly replayRecordsPerSecond: number;
  readonly subscribers: { readonly rounds: number; readonly batches: number; readonly costPercent: number };
  readonly largerGuest: { readonly smallMs: number; readonly largeMs: number; readonly ratio: number };
}

/** Migrations in one turn of a comparison: one alone is a few ms, and the clock's own error shows. */
const EACH_TURN = 4;

interface Effort {
  readonly turns: number;
  readonly warmUpMs: number;
}

/** `input`: a migration that converges; `larger`: the same working set in a larger guest. Each part `turns` times. */
export function benchParts(
  input: ScenarioInput,
  larger: ScenarioInput,
  turns: number,
  warmUpMs = WARM_UP_MS,
): PartsBench {
  const effort = { turns, warmUpMs };
  const scenario = scenarioFrom(input);
  const { lives, deliveries } = livesOf(scenario);
  const journal = new MemoryJournal();
  const { opened } = rehearse(scenario, { journal, run: 'bench' });
  const records = [...journal.read('bench')];
  const ms = fastestOf(effort, [
    () => livesAlone(lives),
    () => void foldInto(records, opened),
    () => wholeOf(scenario),
    () => void replay(records),
  ]);
  const [charts, core, whole, replayed] = ms as [number, number, number, number];
  const perSecond = (count: number) => ({
    charts: (1000 * count) / charts,
    core: (1000 * count) / core,
    whole: (1000 * count) / whole,
  });
  return {
    records: records.length,
    deliveries,
    migrationsPerSecond: perSecond(1),
    deliveriesPerSecond: perSecond(deliveries),
    replayRecordsPerSecond: (1000 * records.length) / replayed,
    subscribers: subscribersOf(scenario, effort),
    largerGuest: largerGuestOf(scenario, scenarioFrom(larger), effort),
  };
}

/** What one chart was given in one migration: its input, then its events. */
interface Life {
  readonly chart: Chart;
  readonly input: unknown;
  readonly events: RecordedEvent[];
}

function livesOf(scenario: Scenario): { readonly lives: readonly Life[]; readonly deliveries: number } {
  const lives = new Map<string, Life>();
  const own = chartSet(chartsFor(scenario.vmm.policy.name));
  const charts: ChartSet = {
    root: own.root,
    chart(kind, address) {
      const chart = own.chart(kind, address);
      return {
        machine: chart.machine,
        start(input) {
          lives.set(address, { chart, input, events: [] });
          return chart.start(input);
        },
        step(snapshot, event) {
          lives.get(address)?.events.push(event);
          return chart.step(snapshot, event);
        },
      };
    },
  };
  let deliveries = 0;
  rehearse(scenario, { charts, listen: () => deliveries++ });
  return { lives: [...lives.values()], deliveries };
}

function livesAlone(lives: readonly Life[]): void {
  for (const { chart, input, events } of lives) {
    let snapshot: Snapshot = chart.start(input).snapshot;
    for (const event of events) snapshot = chart.step(snapshot, event).snapshot;
  }
}

/** Every record stepped, and written to a journal of its own. */
function foldInto(
  records: ReturnType<MemoryJournal['read']> extends Iterable<infer R> ? readonly R[] : never,
  opened: Parameters<typeof stepperFor>[0],
): void {
  const journal = new MemoryJournal();
  const stepper = stepperFor(opened);
  let system: Parameters<typeof stepper.step>[0] | undefined;
  for (const record of records) {
    system =
      record.kind === 'opened' || system === undefined
        ? stepper.open(opened, record.atNs).system
        : stepper.step(system, record).system;
    journal.append('bench', record.position, [record]);
  }
}

const arena = createArena();

function wholeOf(scenario: Scenario): void {
  arena.reset();
  rehearse(scenario, { arena });
}

/** A run of its own with somebody who hears of each round and each batch of page writes, or without. */
function runWatched(scenario: Scenario, heard: { rounds: number; batches: number } | undefined): void {
  arena.reset();
  const clock = new VirtualClock();
  const { runner, driver, start, report } = prepareRun(scenario, { clock, arena });
  if (heard !== undefined) {
    driver.pages$?.subscribe(() => {
      heard.batches += 1;
    });
    runner.recorded$.subscribe(({ effects }) => {
      for (const effect of effects) {
        if (effect.kind === 'fact' && effect.event.type === 'ROUND_ASSESSED') heard.rounds += 1;
      }
    });
  }
  try {
    start();
    while (!runner.ended && clock.step());
    report();
  } finally {
    runner.stop();
    driver.close();
  }
}

function subscribersOf(scenario: Scenario, { turns, warmUpMs }: Effort): PartsBench['subscribers'] {
  const heard = { rounds: 0, batches: 0 };
  runWatched(scenario, heard);
  const { rounds, batches } = heard;
  const ratio = ratioInTurns(
    { turns: 2 * turns, warmUpMs },
    () => runWatched(scenario, undefined),
    () => runWatched(scenario, heard),
  );
  return { rounds, batches, costPercent: 100 * (ratio.ratio - 1) };
}

function largerGuestOf(small: Scenario, large: Scenario, effort: Effort): PartsBench['largerGuest'] {
  const { firstMs, secondMs, ratio } = ratioInTurns(
    effort,
    () => wholeOf(small),
    () => wholeOf(large),
  );
  return { smallMs: firstMs, largeMs: secondMs, ratio };
}

/** Of each, ms of the fastest turn. */
function fastestOf({ turns, warmUpMs }: Effort, works: readonly (() => void)[]): readonly number[] {
  warmUp(works, warmUpMs);
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < turns; turn++) {
    for (const [i, work] of works.entries()) best[i] = Math.min(best[i]!, cpuMs(work));
  }
  return best;
}

/** The second to the first: the median over turns, each of which runs both, and who is first changes. */
function ratioInTurns({ turns, warmUpMs }: Effort, first: () => void, second: () => void) {
  const some = (work: () => void) => () => {
    for (let i = 0; i < EACH_TURN; i++) work();
  };
  const works = [some(first), some(second)] as const;
  warmUp(works, warmUpMs);
  const pairs = Array.from({ length: turns }, (_, turn) => {
    if (turn % 2 === 0) {
      const firstMs = cpuMs(works[0]) / EACH_TURN;
      return { firstMs, secondMs: cpuMs(works[1]) / EACH_TURN };
    }
    const secondMs = cpuMs(works[1]) / EACH_TURN;
    return { firstMs: cpuMs(works[0]) / EACH_TURN, secondMs };
  });
  const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1]!;
  return {
    firstMs: median(pairs.map(({ firstMs }) => firstMs)),
    secondMs: median(pairs.map(({ secondMs }) => secondMs)),
    ratio: median(pairs.map(({ firstMs, secondMs }) => secondMs / firstMs)),
  };
}
