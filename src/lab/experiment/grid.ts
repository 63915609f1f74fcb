/**
 * The cells of an experiment: the base with what is common, with one side's changes, with one value of the axis, each read
 * and checked as the scenario that it makes. A scenario's mistake is told at the place in the experiment that put it there.
 */
import { pathText, ScenarioError } from '../scenario/error.ts';
import { phrase } from '../scenario/phrase.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import type { AxisValue } from './axis-value.ts';
import type { Checkpoints, Experiment } from './experiment.ts';
import { type PathParts, partsOf, put } from './path.ts';
import { checkpointsSchema, type Mapping } from './schema.ts';

/** A problem of the experiment, at a key path of its document. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly at?: 'key' | 'value';
  readonly expected?: string | null;
  readonly example?: string | null;
}

export interface Cell {
  readonly side: string;
  /** Null where nothing varies along an axis. */
  readonly at: AxisValue | null;
  readonly scenario: Scenario;
  /** Null: the guest is migrated. */
  readonly checkpoints: Checkpoints | null;
}

/** One value put into the base, and where the experiment says so. */
interface Write {
  readonly to: PathParts;
  readonly value: unknown;
  readonly from: readonly PropertyKey[];
  /** What lies below `to` lies below `from`, too. */
  readonly deep: boolean;
}

export interface Grid {
  readonly cells: readonly Cell[];
  /** In the order of the cells, each told once. */
  readonly problems: readonly Problem[];
}

/** `common` is the experiment's `with`. */
export function gridOf({ base, sides, over }: Experiment, common: Mapping): Grid {
  const cells: Cell[] = [];
  const problems = new Map<string, Problem>();
  for (const side of sides) {
    for (const [index, at] of (over?.values ?? [null]).entries()) {
      const writes = [
        ...writesOf(common, ['with']),
        ...writesOf(side.changes, ['vary', 'side', side.name]),
        ...(at === null || over === null ? [] : axisWrites(over.paths, at, index)),
      ];
      const made = cellOf(base, writes, side.name, at);
      if ('cell' in made) cells.push(made.cell);
      else for (const problem of made.problems) problems.set(pathText(problem.path) + problem.message, problem);
    }
  }
  return { cells, problems: [...problems.values()] };
}

function writesOf(changes: Mapping, from: readonly PropertyKey[]): readonly Write[] {
  return Object.entries(changes).map(([path, value]) => ({
    to: partsOf(path),
    value,
    from: [...from, path],
    deep: true,
  }));
}

function axisWrites(paths: readonly string[], { input }: AxisValue, index: number): readonly Write[] {
  const from = ['vary', 'over', 'values', index];
  return paths.map((path) => ({ to: partsOf(path), value: input, from, deep: false }));
}

type Made = { readonly cell: Cell } | { readonly problems: readonly Problem[] };

function cellOf(base: Mapping, writes: readonly Write[], side: string, at: AxisValue | null): Made {
  let input: unknown = base;
  for (const write of writes) {
    const { to, value, from } = write;
    const written = put(input, to, value);
    if (!('value' in written)) {
      const reached = written.reached.length === 0 ? 'the scenario' : pathText(written.reached);
      return { problems: [{ path: from, at: 'key', message: `leads nowhere: ${reached} ${written.because}` }] };
    }
    input = written.value;
  }
  const { checkpoints: period, ...scenarioInput } = input as Mapping;
  const checkpoints = checkpointsSchema.safeParse(period);
  if (!checkpoints.success) {
    const found = phrase(checkpoints.error.issues, period);
    return { problems: found.map((one) => traced({ ...one, path: ['checkpoints', ...one.path] }, writes, base)) };
  }
  try {
    const scenario = scenarioFrom(scenarioInput as unknown as ScenarioInput);
    const { every, count } = checkpoints.data ?? {};
    return {
      cell: {
        side,
        at,
        scenario,
        checkpoints: every === undefined || count === undefined ? null : { everyNs: every, count },
      },
    };
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return {
      problems: error.problems.map((problem) => traced({ ...problem, path: partsOf(problem.path) }, writes, base)),
    };
  }
}

/**
 * Where the experiment put what the scenario's problem is about: the last write that has the key, or else the base if it has it,
 * or else the nearest write above, or a write below.
 */
function traced(problem: Problem, writes: readonly Write[], base: Mapping): Problem {
  const { path } = problem;
  const above = writes.filter(({ to }) => isPrefix(to, path));
  const holder = above.findLast(({ to, value }) => has(value, path.slice(to.length)));
  if (holder !== undefined) return { ...problem, path: below(holder, path) };
  if (has(base, path)) return { ...problem, path: ['scenario', ...path] };
  const nearest = above.reduce<Write | undefined>(
    (best, write) => (write.to.length >= (best?.to.length ?? 0) ? write : best),
    undefined,
  );
  if (nearest !== undefined) return { ...problem, path: below(nearest, path) };
  const within = path.length === 0 ? undefined : writes.findLast(({ to }) => isPrefix(path, to));
  if (within !== undefined) return { ...problem, path: within.from, message: `${pathText(path)}: ${problem.message}` };
  return { ...problem, path: ['scenario', ...path] };
}

function below({ to, from, deep }: Write, path: readonly PropertyKey[]): readonly PropertyKey[] {
  return deep ? [...from, ...path.slice(to.length)] : from;
}

function has(value: unknown, path: readonly PropertyKey[]): boolean {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return false;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return true;
}

function isPrefix(short: readonly PropertyKey[], long: readonly PropertyKey[]): boolean {
  return short.length <= long.length && short.every((part, index) => part === long[index]);
}
