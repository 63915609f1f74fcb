/**
 * Every point of a sweep under every policy, read as the scenario that it makes, before anything runs. What is wrong is told once,
 * where the sweep's file says it. Of `all` policies those that some point cannot have are left out, and it is said why.
 */
import { createHash } from 'node:crypto';
import type { Mapping } from '../experiment/schema.ts';
import { type Problem, tracedProblem, type Write, writesOf } from '../experiment/written.ts';
import { planOf } from '../plan.ts';
import { fingerprintOf, ownPoliciesOf } from '../policy/own-policies.ts';
import { pathText, ScenarioError, type ScenarioProblem } from '../scenario/error.ts';
import { devicesOf } from '../scenario/scenario.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { AS_WRITTEN, type Change, policyChanges, policyNames } from '../trial/policy-choice.ts';
import { scenarioOf } from '../trial/trial.ts';
import type { AxisPoint } from './spread.ts';
import type { Sweep } from './sweep.ts';

/** What every point begins with. */
export interface Begun {
  /** As it was before `common` was put into it. */
  readonly bare: Mapping;
  readonly common: Mapping;
  readonly scenario: ScenarioInput;
  /** What the scenario's relative paths start from. */
  readonly folder: string;
  /** What files start from that are named as policies. */
  readonly policyFolder: string;
}

export interface Settings extends Pick<Sweep, 'policies' | 'leftOut' | 'charts' | 'files'> {
  /** Every device that a point has. */
  readonly devices: ReadonlySet<string>;
  /** Of the first point's scenario. */
  readonly firstSeed: number;
}

type Points = readonly (readonly AxisPoint[])[];

export function readSettings(
  begun: Begun,
  points: Points,
  wanted: 'all' | readonly string[] = [AS_WRITTEN],
): Settings | { readonly problems: readonly Problem[] } {
  const charts = new Set<string>();
  const devices = new Set<string>();
  const problems = new Map<string, Problem>();
  const policies: string[] = [];
  const files: string[] = [];
  const leftOut: { policy: string; because: string }[] = [];
  let firstSeed: number | undefined;
  const names = wanted === 'all' ? policyNames().map(({ name }) => name) : wanted;
  for (const [index, policy] of names.entries()) {
    const read = readPoints(begun, points, policy, ['sweep', 'policies', ...(wanted === 'all' ? [] : [index])]);
    for (const chart of read.charts) charts.add(chart);
    for (const device of read.devices) devices.add(device);
    firstSeed ??= read.firstSeed;
    const [first] = read.problems.values();
    if (first === undefined) {
      policies.push(policy);
      files.push(read.files);
    } else if (wanted === 'all' && policy !== AS_WRITTEN) leftOut.push({ policy, because: told(first) });
    else for (const [key, problem] of read.problems) problems.set(key, problem);
  }
  const twice = policies.findIndex((policy, index) => policies.indexOf(policy) < index);
  if (twice >= 0)
    problems.set('', { path: ['sweep', 'policies', twice], message: `${policies[twice]} stands here twice` });
  if (problems.size > 0) return { problems: [...problems.values()] };
  return { policies, leftOut, charts: [...charts].sort(), files, devices, firstSeed: firstSeed ?? 1 };
}

function told({ path, message }: Problem): string {
  return path[0] === 'scenario' ? `${pathText(path.slice(1))}: ${message}` : message;
}

interface PointsRead {
  readonly problems: ReadonlyMap<string, Problem>;
  readonly charts: ReadonlySet<string>;
  readonly devices: ReadonlySet<string>;
  /** As a sweep has it. */
  readonly files: string;
  readonly firstSeed: number | undefined;
}

function readPoints(begun: Begun, points: Points, policy: string, at: readonly PropertyKey[]): PointsRead {
  const { scenario, folder, policyFolder } = begun;
  const problems = new Map<string, Problem>();
  const [charts, devices] = [new Set<string>(), new Set<string>()];
  const files = createHash('sha256');
  let firstSeed: number | undefined;
  const named = policyWrites(policy, begun, at);
  if ('problem' in named) return { problems: new Map([['', named.problem]]), charts, devices, files: '', firstSeed };
  for (const values of points) {
    try {
      const read = scenarioOf({ scenario, folder, policy, policyFolder, set: setOf(values) });
      firstSeed ??= read.seed;
      charts.add(fingerprintOf(planOf(read), ownPoliciesOf(read)));
      for (const { id } of devicesOf(read)) devices.add(id);
      files.update(JSON.stringify(hashesIn(read)));
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      const writes = [...writesOf(begun.common, ['with']), ...named.writes, ...values.flatMap(placedWrites)];
      for (const problem of error.problems) {
        const traced = tracedProblem(problem, writes, begun.bare);
        problems.set(pathText(traced.path) + traced.message, traced);
      }
    }
  }
  return { problems, charts, devices, files: files.digest('hex'), firstSeed };
}

/** What is wrong with a policy itself is told where it is named. */
function policyWrites(
  policy: string,
  { scenario, policyFolder }: Begun,
  at: readonly PropertyKey[],
): { readonly writes: readonly Write[] } | { readonly problem: Problem } {
  try {
    const writes = policyChanges(policy, scenario, policyFolder).flatMap(([path, value]) =>
      writesOf({ [path]: value }, at),
    );
    return { writes: writes.map((write) => ({ ...write, from: at, deep: false })) };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const [first] = error.problems as readonly [ScenarioProblem];
    return { problem: { ...first, path: at } };
  }
}

function placedWrites({ changes, place }: AxisPoint): readonly Write[] {
  const writes = writesOf(changes, place);
  return place.includes('choices') ? writes : writes.map((write) => ({ ...write, from: place, deep: false }));
}

/** What a point puts into the scenario, one after the other. */
export function setOf(values: readonly AxisPoint[]): readonly Change[] {
  return values.flatMap(({ changes }) => Object.entries(changes));
}

/** Of every file that a scenario names, wherever one may stand: traces, policies. */
function hashesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) =>
    key === 'sha256' && typeof one === 'string' ? [one] : hashesIn(one),
  );
}
