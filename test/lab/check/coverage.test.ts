/**
 * What some fixed seeds reach together with a part of the exhaustive singles: nothing may be found, most of what there is must
 * be reached, and nothing that is said to be out of reach. All singles and ten times as many seeds
 * are CI's own check, which
 * is held to more (.ci/run).
 */
import { beforeAll, expect, test } from 'vitest';
import { Coverage, judgesOf, type Tally } from '../../../src/lab/check/coverage.ts';
import { drawCase } from '../../../src/lab/check/draw/case.ts';
import { exhaustiveCase, exhaustiveCount } from '../../../src/lab/check/exhaustive.ts';
import { EXHAUSTIVE_SUBJECTS } from '../../../src/lab/check/exhaustive-subjects.ts';
import { runCase } from '../../../src/lab/check/run-case.ts';
import { judge } from '../../../src/lab/check/verdict.ts';
import { type Least, lacks, reachText } from './enough.ts';

const FIXED_SEEDS = 150;
/** Shares no divisor with the kinds of fault of a command, six or seven, nor with the two of a crash: all kinds have their turn. */
const EVERY_NTH_SINGLE = 11;
const LIMIT_MS = 120_000;

/** What so few reach, and a little less. */
const LEAST: Least = { transitions: 78, rules: 45, errnos: 54, statuses: 88, faults: 75, runs: 3 };

const found: string[] = [];
let tally: Tally;

beforeAll(async () => {
  const coverage = new Coverage();
  const see = async ({ one, scenario }: ReturnType<typeof drawCase>) => {
    const run = await runCase(one, scenario, { charts: coverage.charts(judgesOf(one, scenario)) });
    coverage.see(run);
    const broken = judge(run);
    if (broken !== undefined) found.push(`${broken.law}: ${broken.because} ${JSON.stringify(one)}`);
  };
  for (let seed = 1; seed <= FIXED_SEEDS; seed++) await see(drawCase(seed));
  for (const subject of Object.keys(EXHAUSTIVE_SUBJECTS)) {
    const { singles } = await exhaustiveCount(subject);
    for (let nth = 0; nth < singles; nth += EVERY_NTH_SINGLE) await see(await exhaustiveCase(subject, nth));
  }
  tally = coverage.tally();
  console.log(reachText(tally));
}, LIMIT_MS);

test('nothing is found', () => {
  expect(found).toEqual([]);
});

test('what can happen is reached, every end and everybody who may interfere, and nothing that cannot', () => {
  expect(lacks(tally, LEAST)).toEqual([]);
});

test('what lacks is told: no run at all reaches nothing', () => {
  const nothing: Tally = { ...tally, transitions: {}, disturbances: {}, errnos: {}, statuses: {}, outcomes: {} };
  expect(lacks(nothing, LEAST).map((one) => one.split(':')[0])).toEqual(
    expect.arrayContaining(['transitions', 'rules', 'errnos', 'statuses', 'faults', 'in-doubt', 'cancel']),
  );
  const impossible = { ...tally, transitions: { ...tally.transitions, 'migration.none | BRANCHED | 0': 1 } };
  expect(lacks(impossible, LEAST)).toContain('reached all the same: migration.none | BRANCHED | 0');
});
