/**
 * Which policies, with which constants, keep a promise about downtime, total time and slowdown. Every one of a small stated grid
 * is run with a few seeds; who clearly fails is out, and the best of the rest are run on until a sequential test has decided
 * (sequential.ts) or the limit is reached. All use the same seeds, so that differences are not of luck.
 */
import { exportText } from '../compare/export/export.ts';
import { EXPORTS, type ExportName } from '../compare/export/targets.ts';
import { openPool, type Pool } from '../pool/pool.ts';
import { ScenarioError } from '../scenario/error.ts';
import type { WrittenScenario } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { sampleOf } from '../statistics/sample.ts';
import { policiesFor } from '../trial/fitting.ts';
import { AS_WRITTEN, policyNames } from '../trial/policy-choice.ts';
import type { TrialRow } from '../trial/row.ts';
import { scenarioOf, type Trial } from '../trial/trial.ts';
import { allMet, figureOf, type Goal, type GoalLimits, goalsOf, isMet, overPercent } from './goals.ts';
import { type Constants, constantsOf } from './knobs.ts';
import type { GoalFigures, Judged, Nearest, Recommendation } from './result.ts';
import { recommendSentence } from './sentence.ts';
import { ERROR, SHARE, verdictOf } from './sequential.ts';

export interface RecommendOptions {
  readonly goals: GoalLimits;
  /** Names of policy-choice.ts; all of them unless given. */
  readonly policies?: readonly string[] | undefined;
  /** Runs of each candidate before the best are chosen. */
  readonly seeds?: number | undefined;
  /** Runs of each of the best at most. */
  readonly seedsMax?: number | undefined;
  readonly workers?: number | undefined;
  readonly onProgress?: ((done: number, all: number) => void) | undefined;
}

export const SEEDS_BY_DEFAULT = 20;
/** Enough to decide where all but one in a hundred keep the promise: this project's own. */
export const SEEDS_MAX_BY_DEFAULT = 400;
/** As few as can show that something fails. */
const FIRST_LOOK = 3;
/** How many policies are run on, each with its best constants: this project's own. */
const FINALISTS_MAX = 6;
/** Constants of each policy that are looked at for longer than the first runs: this project's own. */
const CONSTANTS_MAX = 2;
/** Runs of each between two looks at them. */
const BETWEEN_LOOKS = 25;
/** A run that needs longer than this many times what was promised is not waited for: it fails, and by how much is said so. */
const PATIENCE = 2;

interface Candidate {
  readonly policy: string;
  readonly constants: Constants;
  readonly rows: TrialRow[];
}

/** Rejects with a ScenarioError for a policy that there is not, and with a RangeError without a goal. */
export async function recommend(written: WrittenScenario, options: RecommendOptions): Promise<Recommendation> {
  const goals = goalsOf(options.goals);
  if (goals.length === 0) throw new RangeError('there is nothing to recommend for without a goal');
  const { seeds = SEEDS_BY_DEFAULT, seedsMax = SEEDS_MAX_BY_DEFAULT } = options;
  const plain = scenarioOf({ scenario: written.input, folder: written.folder });
  const { candidates, leftOut } = candidatesOf(written, plain, options);
  const open = (some: readonly Candidate[]) => some.filter((one) => verdictOn(one, goals) === 'open');
  const race = new Race(written, plain, options);
  try {
    await race.runTo(candidates, Math.min(FIRST_LOOK, seeds));
    const shortlist = bestOf(open(candidates), goals, CONSTANTS_MAX);
    await race.runTo(shortlist, seeds);
    const finalists = bestOf(open(shortlist), goals, 1, FINALISTS_MAX);
    for (let runs = seeds; runs < seedsMax && open(finalists).length > 0; ) {
      runs = Math.min(seedsMax, runs + BETWEEN_LOOKS);
      await race.runTo(open(finalists), runs);
    }
    const judged = candidates.map((one) => judgedOf(one, goals, finalists.includes(one)));
    const told = resultOf(plain, goals, judged, leftOut, candidates, options.goals);
    return { ...told, exportsTo: exportsTo(written, told.holding[0]) };
  } finally {
    await race.close();
  }
}

function candidatesOf(written: WrittenScenario, plain: Scenario, { goals, policies }: RecommendOptions) {
  const { vmm, link } = plain;
  const capped = vmm.maxBandwidthBytesPerSecond > 0 && vmm.maxBandwidthBytesPerSecond < link.bandwidthBytesPerSecond;
  // Unless they are named: what the scenario's own loop runs, as a comparison of all has it.
  const fitting =
    policies === undefined ? policiesFor(['all'], { scenario: written.input, folder: written.folder }) : undefined;
  const left = new Set(fitting?.leftOut.map(({ name }) => name));
  const names = policies ?? namesByDefault().filter((name) => !left.has(name));
  const candidates: Candidate[] = [];
  const leftOut = (fitting?.leftOut ?? []).map(({ name, because }) => ({ policy: name, because }));
  const known = new Set<string>();
  for (const policy of names) {
    const because = refusalOf(written, policy, []);
    if (typeof because === 'string') {
      if (policies !== undefined) scenarioOf({ scenario: written.input, folder: written.folder, policy });
      leftOut.push({ policy, because });
      continue;
    }
    for (const constants of constantsOf(policy, goals, capped)) {
      const read = refusalOf(written, policy, constants);
      // Constants that this scenario refuses, and those that come to the same as others, are not worth a run.
      if (typeof read === 'string') continue;
      const key = JSON.stringify(read);
      if (!known.has(key)) candidates.push({ policy, constants, rows: [] });
      known.add(key);
    }
  }
  return { candidates, leftOut };
}

/** What the scenario says itself comes last: where it is one of the others, it goes by that name. */
function namesByDefault(): readonly string[] {
  const names = policyNames().map(({ name }) => name);
  return [...names.filter((name) => name !== AS_WRITTEN), AS_WRITTEN];
}

/** The scenario, or why there is none. */
function refusalOf({ input, folder }: WrittenScenario, policy: string, set: Constants): Scenario | string {
  try {
    return scenarioOf({ scenario: input, folder, policy, set });
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const [first] = error.problems;
    return first === undefined ? error.message : `${first.path === '' ? '' : `${first.path}: `}${first.message}`;
  }
}

/** Runs candidates to a number of seeds each. */
class Race {
  readonly #pool: Pool;
  readonly #written: WrittenScenario;
  readonly #plain: Scenario;
  readonly #options: RecommendOptions;
  #done = 0;
  #all = 0;

  constructor(written: WrittenScenario, plain: Scenario, options: RecommendOptions) {
    this.#written = written;
    this.#plain = plain;
    this.#options = options;
    this.#pool = openPool(options.workers);
  }

  async runTo(candidates: readonly Candidate[], runs: number): Promise<void> {
    const jobs = candidates.flatMap((one) =>
      Array.from({ length: Math.max(0, runs - one.rows.length) }, (_, nth) => ({ one, nth: one.rows.length + nth })),
    );
    this.#all += jobs.length;
    const rows = await this.#pool.run(
      'trial',
      jobs.map(({ one, nth }) => this.#trialOf(one, nth)),
      { onDone: () => this.#options.onProgress?.(++this.#done, this.#all) },
    );
    for (const [index, { one }] of jobs.entries()) one.rows.push(rows[index]!);
  }

  #trialOf({ policy, constants }: Candidate, nth: number): Trial {
    const { input, folder } = this.#written;
    return {
      scenario: input,
      folder,
      policy,
      set: [...constants, ...this.#patience()],
      seed: seedOf(this.#plain, nth),
    };
  }

  #patience(): Constants {
    const ms = waitedMs(this.#plain, this.#options.goals.withinMs);
    return ms * 1e6 < this.#plain.giveUpAfterNs ? [['giveUpAfter', `${ms}ms`]] : [];
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

function waitedMs({ giveUpAfterNs }: Scenario, withinMs: number = Number.POSITIVE_INFINITY): number {
  return Math.min(giveUpAfterNs / 1e6, Math.ceil(PATIENCE * withinMs));
}

function seedOf({ seed }: Scenario, nth: number): number {
  return (seed + nth) % 2 ** 32;
}

function verdictOn({ rows }: Candidate, goals: readonly Goal[]) {
  const kept = rows.filter((row) => allMet(goals, row)).length;
  return verdictOf(kept, rows.length - kept);
}

/** The best constants of the best policies. */
function bestOf(
  open: readonly Candidate[],
  goals: readonly Goal[],
  ofEach: number,
  most: number = Number.POSITIVE_INFINITY,
): readonly Candidate[] {
  const ranked = open
    .map((one) => ({ one, judged: judgedOf(one, goals, true) }))
    .sort((a, b) => byRank(a.judged, b.judged));
  const chosen: Candidate[] = [];
  for (const { one } of ranked) {
    const ofPolicy = chosen.filter(({ policy }) => policy === one.policy).length;
    if (ofPolicy < ofEach && chosen.length < most) chosen.push(one);
  }
  return chosen;
}

function judgedOf(one: Candidate, goals: readonly Goal[], followed: boolean): Judged {
  const { policy, constants, rows } = one;
  const completed = rows.filter(({ outcome }) => outcome === 'completed');
  const figures = goals.map((goal) => [goal, figuresOf(goal, rows)] as const);
  const verdict = verdictOn(one, goals);
  const figure = (column: keyof Judged['figures']) => sampleOf(completed.map((row) => row[column] ?? 0));
  return {
    policy,
    constants,
    runs: rows.length,
    kept: rows.filter((row) => allMet(goals, row)).length,
    completed: completed.length,
    verdict,
    passedOver: verdict === 'open' && !followed,
    goals: Object.fromEntries(figures.map(([{ column }, told]) => [column, told])),
    serviceDowntimeP95Ms: serviceP95(rows),
    room: roomOf(figures),
    figures: {
      downtimeMs: figure('downtimeMs'),
      totalMs: figure('totalMs'),
      bytesTotal: figure('bytesTotal'),
      slowdownPercent: figure('slowdownPercent'),
    },
  };
}

function figuresOf(goal: Goal, rows: readonly TrialRow[]): GoalFigures {
  const sorted = rows.map((row) => figureOf(goal, row)).sort((a, b) => a - b);
  // A figure of a run, not one between two: beside a run that did not complete there is nothing between.
  const p95 = sorted[Math.ceil(0.95 * sorted.length) - 1] ?? Number.POSITIVE_INFINITY;
  return { p95: Number.isFinite(p95) ? p95 : null, met: rows.filter((row) => isMet(goal, row)).length };
}

/** Of VMs that have devices. */
function serviceP95(rows: readonly TrialRow[]): number | null {
  if (rows.every(({ serviceDowntimeMs }) => serviceDowntimeMs === null)) return null;
  return figuresOf({ column: 'serviceDowntimeMs', name: 'service downtime', limit: 0 }, rows).p95;
}

/** A limit of 0 is met by 0 alone. */
function roomOf(figures: readonly (readonly [Goal, GoalFigures])[]): number | null {
  const shares = figures.map(([{ limit }, { p95 }]) => {
    if (p95 === null) return Number.POSITIVE_INFINITY;
    return limit > 0 ? p95 / limit : p95 > 0 ? Number.POSITIVE_INFINITY : 0;
  });
  const worst = Math.max(...shares);
  return Number.isFinite(worst) ? worst : null;
}

/** Most room in the goal that has least of it; then the sooner over. */
function byRank(a: Judged, b: Judged): number {
  const room = ({ room: share }: Judged) => share ?? Number.MAX_VALUE;
  const total = ({ figures }: Judged) => figures.totalMs?.mean ?? Number.MAX_VALUE;
  return room(a) - room(b) || b.kept / b.runs - a.kept / a.runs || total(a) - total(b);
}

function resultOf(
  plain: Scenario,
  goals: readonly Goal[],
  judged: readonly Judged[],
  leftOut: Recommendation['leftOut'],
  candidates: readonly Candidate[],
  { withinMs }: GoalLimits,
): Omit<Recommendation, 'exportsTo'> {
  const { name, seed } = plain;
  const ranked = [...judged].sort(byRank);
  const holding = ranked.filter(({ verdict }) => verdict === 'holds');
  const broken = candidates.flatMap(({ policy, rows }) =>
    rows.flatMap((row) => (row.broken === '' ? [] : [`${policy}, seed ${row.seed}: ${row.broken}`])),
  );
  const told = {
    scenario: name,
    goals,
    rule: `holds: at least ${100 * SHARE} % of runs keep every goal, shown by a sequential test that is wrong in at most ${100 * ERROR} % of cases, each setting for itself`,
    firstSeed: seed,
    waitedMs: waitedMs(plain, withinMs),
    runs: candidates.reduce((sum, { rows }) => sum + rows.length, 0),
    holding,
    others: ranked.filter(({ verdict }) => verdict !== 'holds'),
    nearest: holding.length > 0 ? [] : goals.flatMap((goal) => nearestTo(goal, ranked)),
    leftOut,
    broken,
  };
  return { ...told, sentence: recommendSentence(told) };
}

/** Whoever is named like the policy first: a manager's settings are its own system's. */
function exportsTo({ input, folder }: WrittenScenario, best: Judged | undefined): ExportName | null {
  if (best === undefined) return null;
  const { policy, constants } = best;
  const scenario = scenarioOf({ scenario: input, folder, policy, set: constants });
  const own = EXPORTS.filter((system) => policy.includes(system));
  return [...own, ...[...EXPORTS].reverse()].find((system) => 'text' in exportText(system, policy, scenario)) ?? null;
}

function nearestTo(goal: Goal, judged: readonly Judged[]): readonly Nearest[] {
  const p95 = ({ goals }: Judged) => goals[goal.column]?.p95 ?? Number.POSITIVE_INFINITY;
  const [nearest] = [...judged].sort((a, b) => {
    const [left, right] = [p95(a), p95(b)];
    return left === right ? b.completed / b.runs - a.completed / a.runs : left - right;
  });
  if (nearest === undefined) return [];
  const { policy, constants, runs, completed } = nearest;
  const at = nearest.goals[goal.column]!;
  const { p95: figure, met } = at;
  const over = overPercent(figure, goal.limit);
  return [{ goal, policy, constants, p95: figure, met, completed, runs, overPercent: over }];
}
