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
import { partsOf } from './path.ts';
import { checkpointsSchema, type Mapping } from './schema.ts';
import { type Problem, traced, tracedProblem, type Write, writesOf, written } from './written.ts';

export interface Cell {
  readonly side: string;
  /** Null where nothing varies along an axis. */
  readonly at: AxisValue | null;
  readonly scenario: Scenario;
  /** Null: the guest is migrated. */
  readonly checkpoints: Checkpoints | null;
}

export interface Grid {
  readonly cells: readonly Cell[];
  /** In the order of the cells, each told once. */
  readonly problems: readonly Problem[];
}

/** `common` is the experiment's `with`; relative paths start from `folder`. */
export function gridOf({ base, sides, over }: Experiment, common: Mapping, folder: string): Grid {
  const cells: Cell[] = [];
  const problems = new Map<string, Problem>();
  for (const side of sides) {
    for (const [index, at] of (over?.values ?? [null]).entries()) {
      const writes = [
        ...writesOf(common, ['with']),
        ...writesOf(side.changes, ['vary', 'side', side.name]),
        ...(at === null || over === null ? [] : axisWrites(over.paths, at, index)),
      ];
      const made = cellOf({ base, folder }, writes, side.name, at);
      if ('cell' in made) cells.push(made.cell);
      else for (const problem of made.problems) problems.set(pathText(problem.path) + problem.message, problem);
    }
  }
  return { cells, problems: [...problems.values()] };
}

function axisWrites(paths: readonly string[], { input }: AxisValue, index: number): readonly Write[] {
  const from = ['vary', 'over', 'values', index];
  return paths.map((path) => ({ to: partsOf(path), value: input, from, deep: false }));
}

type Made = { readonly cell: Cell } | { readonly problems: readonly Problem[] };

interface Begun {
  readonly base: Mapping;
  readonly folder: string;
}

function cellOf({ base, folder }: Begun, writes: readonly Write[], side: string, at: AxisValue | null): Made {
  const made = written(base, writes);
  if ('problem' in made) return { problems: [made.problem] };
  const { checkpoints: period, ...scenarioInput } = made.input;
  const checkpoints = checkpointsSchema.safeParse(period);
  if (!checkpoints.success) {
    const found = phrase(checkpoints.error.issues, period);
    return { problems: found.map((one) => traced({ ...one, path: ['checkpoints', ...one.path] }, writes, base)) };
  }
  try {
    const scenario = scenarioFrom(scenarioInput as unknown as ScenarioInput, folder);
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
      problems: error.problems.map((problem) => tracedProblem(problem, writes, base)),
    };
  }
}
