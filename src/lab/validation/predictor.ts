/**
 * The predictor's 48 cells, each a migration of a guest that dirties memory as the measured one did.
 *
 * The predictor's answer is the end of the first copy that takes no longer than the limit. Here that is the copy of the stop
 * phase, or a first pass that would itself have fitted: a pre-copy migration always makes one pass first, so what comes after
 * such a pass is left out. Beside it stands the predictor's own loop, in arithmetic.
 */

import type { Because } from '../../../machines/words.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { distinctPagesAfter } from '../../hardware/workloads/curve.ts';
import { prepareRun } from '../prepare.ts';
import type { Report } from '../report/report.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import type { Figure, Group } from './figure.ts';
import {
  CONTENT_PAGE_BYTES,
  COPIES_AT_10_GBPS,
  DERIVED,
  DIRTY_SAMPLES,
  DOWNTIMES_MS,
  GIVES_UP_AFTER_S,
  MEASURED,
  PREDICTED,
  type PredictedRow,
  ZERO_PAGE_BYTES,
} from './predictor-table.ts';

/** One sampled page stands for so many. */
const SCALE = MEASURED.totalPages / MEASURED.sampledPages;
const CONTENT_PAGES = (MEASURED.sampledPages - MEASURED.zeroPages) * SCALE;
const POINTS = DIRTY_SAMPLES.map(([atMs, pages]) => ({ atMs, pages: pages * SCALE }));
/** An unlimited downtime, as a scenario can say it. */
const AS_LONG_AS_IT_TAKES_MS = GIVES_UP_AFTER_S * 1000;

interface Copy {
  readonly pages: number;
  readonly ms: number;
}

/** A prediction: the copies up to and with the one that fits; null where none does in time. */
type Prediction = readonly Copy[] | null;

export interface Cell extends Pick<PredictedRow, 'bandwidth' | 'bytesPerSecond'> {
  /** Of the row's columns. */
  readonly column: number;
  readonly limitMs: number;
  readonly publishedS: number | null;
}

export const CELLS: readonly Cell[] = PREDICTED.flatMap(({ bandwidth, bytesPerSecond, seconds }) =>
  seconds.map((publishedS, column) => ({ bandwidth, bytesPerSecond, column, limitMs: limitAt(column), publishedS })),
);

function limitAt(column: number): number {
  return Math.min(DOWNTIMES_MS[column] ?? 0, AS_LONG_AS_IT_TAKES_MS);
}

export function predictorGroup(cells: readonly Cell[] = CELLS): Group {
  return {
    name: 'predictor',
    about: `${cells.length} of 48 predictions, in whole seconds as they were printed; copies and hundredths are derived.`,
    source: 'A. Gudkov, "Migration time prediction using calc-dirty-rate", v2, qemu-devel, 27 April 2023',
    figures: cells.flatMap(figuresOf),
  };
}

function figuresOf(cell: Cell): readonly Figure[] {
  const ours = copiesOf(runUntilItRepeats(scenarioFrom(scenarioOf(cell))), cell.limitMs);
  const theirs = predicted(cell);
  const limit = cell.limitMs === AS_LONG_AS_IT_TAKES_MS ? 'unlimited' : `${cell.limitMs} ms`;
  const name = `${cell.bandwidth}, ${limit}`;
  const derived = DERIVED[cell.bandwidth]?.[cell.column];
  const isTraced = cell.bandwidth === '10 Gbps' && cell.limitMs === 125;
  return [
    {
      name,
      unit: 's',
      expected: cell.publishedS,
      got: roundedUp(secondsOf(ours)),
      tolerance: { kind: 'exact' },
      closedForm: roundedUp(secondsOf(theirs)),
    },
    ...(derived === undefined ? [] : derivedFigures(name, derived, ours, theirs)),
    ...(isTraced ? tracedFigures(name, ours, theirs) : []),
  ];
}

function derivedFigures(
  name: string,
  [seconds, copies]: readonly [number, number],
  ours: Prediction,
  theirs: Prediction,
): readonly Figure[] {
  return [
    {
      name: `${name}, finer`,
      unit: 's',
      expected: seconds,
      got: secondsOf(ours),
      // Half of the last digit that was derived.
      tolerance: { kind: 'absolute', by: 0.005_000_001 },
      closedForm: secondsOf(theirs),
    },
    {
      name: `${name}, copies`,
      unit: 'rounds',
      expected: copies,
      got: ours?.length ?? null,
      tolerance: { kind: 'exact' },
      closedForm: theirs?.length ?? null,
    },
  ];
}

function tracedFigures(name: string, ours: Prediction, theirs: Prediction): readonly Figure[] {
  return COPIES_AT_10_GBPS.flatMap(([pages, ms], index): readonly Figure[] => [
    {
      name: `${name}, copy ${index + 1}`,
      unit: 'pages',
      expected: pages,
      got: ours?.[index]?.pages ?? null,
      // A curve's value is rounded to a page here and was rounded to one there.
      tolerance: { kind: 'absolute', by: 1 },
      closedForm: theirs?.[index]?.pages ?? null,
    },
    {
      name: `${name}, copy ${index + 1}`,
      unit: 'ms',
      expected: ms,
      got: ours?.[index]?.ms ?? null,
      tolerance: { kind: 'absolute', by: 0.05 },
      closedForm: theirs?.[index]?.ms ?? null,
    },
  ]);
}

/** The predictor's loop itself: no pages, no turns, no charts. */
function predicted({ bytesPerSecond, limitMs }: Cell): Prediction {
  const copies: Copy[] = [];
  let pages = CONTENT_PAGES;
  let zeroPages = MEASURED.totalPages - CONTENT_PAGES;
  let totalMs = 0;
  for (;;) {
    const bytes = pages * CONTENT_PAGE_BYTES + zeroPages * ZERO_PAGE_BYTES;
    const ms = (1000 * bytes) / bytesPerSecond;
    totalMs += ms;
    if (totalMs > GIVES_UP_AFTER_S * 1000) return null;
    copies.push({ pages, ms });
    if (ms <= limitMs) return copies;
    pages = distinctPagesAfter(POINTS, CONTENT_PAGES, ms);
    zeroPages = 0;
  }
}

/**
 * A run to its end, or to the second of two passes in a row that left as much: the curve begins again at each sync, so
 * that every later pass would leave as much, too, for as long as anybody waits.
 */
function runUntilItRepeats(scenario: Scenario): Report {
  const clock = new VirtualClock();
  const prepared = prepareRun(scenario, { clock });
  let leftBytes: number | undefined;
  let repeats = false;
  prepared.runner.recorded$.subscribe(({ effects }) => {
    for (const effect of effects) {
      if (effect.kind !== 'fact' || effect.event.type !== 'ROUND_ASSESSED') continue;
      const { remainingBytes } = effect.event.because as Because;
      repeats = remainingBytes === leftBytes;
      leftBytes = remainingBytes;
    }
  });
  try {
    prepared.start();
    while (!prepared.runner.ended && !repeats && clock.step());
    return prepared.report();
  } finally {
    prepared.runner.stop();
    prepared.driver.close();
  }
}

/** What a migration's report says of the same copies. */
function copiesOf(report: Report, limitMs: number): Prediction {
  const passes = report.rounds.map((round) => ({ pages: round.sentPages - round.zeroPages, ms: round.durationMs }));
  const fits = passes.findIndex(({ ms }) => ms <= limitMs);
  if (fits !== -1) return passes.slice(0, fits + 1);
  if (report.outcome !== 'completed' || report.downtime === null) return null;
  const sentBefore = passes.reduce((pages, pass) => pages + pass.pages, 0);
  return [...passes, { pages: report.bytes.normalPages - sentBefore, ms: report.downtime.memoryMs }];
}

function secondsOf(prediction: Prediction): number | null {
  return prediction === null ? null : prediction.reduce((ms, copy) => ms + copy.ms, 0) / 1000;
}

function roundedUp(seconds: number | null): number | null {
  return seconds === null ? null : Math.ceil(seconds);
}

/** The same guest in every cell. It may dirty its pages with content only, and so do those that the predictor knows. */
function scenarioOf({ bandwidth, bytesPerSecond, limitMs }: Cell): ScenarioInput {
  const contentBytes = CONTENT_PAGES * MEASURED.pageBytes;
  return {
    name: `predictor ${bandwidth} ${limitMs} ms`,
    vm: {
      memory: MEASURED.totalPages * MEASURED.pageBytes,
      nonZero: contentBytes,
      workloads: [
        { kind: 'curve', set: contentBytes, points: POINTS.map(({ atMs, pages }) => [atMs, pages] as const) },
      ],
    },
    link: { bandwidth: `${bytesPerSecond}B/s` },
    sender: { wire: { pageHeader: CONTENT_PAGE_BYTES - MEASURED.pageBytes, zeroPage: ZERO_PAGE_BYTES } },
    vmm: { loop: 'textbook', policy: 'predictor', downtimeLimit: `${limitMs}ms`, maxBandwidth: 'unlimited' },
    giveUpAfter: `${GIVES_UP_AFTER_S}s`,
  };
}
