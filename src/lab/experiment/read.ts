/**
 * From a file, a shipped name or a text to an experiment and its grid. A mistake is a ScenarioError with its place in the
 * experiment's file, also when it is a scenario's mistake that only shows in one cell. Everything is read before anything runs.
 */
import { ScenarioError } from '../scenario/error.ts';
import { phrase } from '../scenario/phrase.ts';
import { readSource, type Source } from '../scenario/source.ts';
import { baseOf, documentAt, placed } from './document.ts';
import type { Experiment } from './experiment.ts';
import { type Cell, gridOf } from './grid.ts';
import { isPath } from './path.ts';
import { experimentSchema, isScenario, isSweep, type Mapping } from './schema.ts';
import { EXPERIMENT_NAMES } from './shipped.ts';
import type { Problem } from './written.ts';

const A_SCENARIO = 'this is a scenario: say which policies to compare, --policy qemu,nova or --policy all';

export interface ReadExperiment {
  readonly experiment: Experiment;
  /** Sides first, then points of the axis. */
  readonly cells: readonly Cell[];
}

/** Reads a YAML or JSON file, or an experiment that ships under this name. A shipped name comes first. */
export function readExperiment(pathOrShippedName: string): ReadExperiment {
  const { text, fileName, folder } = documentAt(pathOrShippedName, EXPERIMENT_NAMES);
  const source = readSource(text, fileName);
  return build(source.value, source, folder);
}

/** `fileName` is only for messages; relative paths start from the current folder. */
export function parseExperiment(text: string, fileName: string): ReadExperiment {
  const source = readSource(text, fileName);
  return build(source.value, source, '.');
}

/** Takes what a file may hold, as an object. */
export function experimentFrom(input: unknown): ReadExperiment {
  return build(input, null, '.');
}

function build(value: unknown, source: Source | null, folder: string): ReadExperiment {
  const refuse = (problems: readonly Problem[]) =>
    new ScenarioError(problems.map((problem) => placed(problem, source)));
  if (isSweep(value))
    throw refuse([{ path: ['sweep'], at: 'key', message: 'this is a sweep: `switchover sweep` runs it' }]);
  if (isScenario(value)) throw refuse([{ path: [], message: A_SCENARIO }]);
  const read = experimentSchema.safeParse(value);
  if (!read.success) throw refuse(phrase(read.error.issues, value));
  const { vary, measure, seeds, checkpoints, ...rest } = read.data;
  const scenario = baseOf(rest.scenario, folder);
  if ('problem' in scenario) throw refuse([scenario.problem]);
  const over =
    vary.over === undefined
      ? null
      : {
          name: vary.over.name,
          paths: [vary.over.path].flat(),
          values: vary.over.values,
          scale: vary.over.scale,
        };
  const sides = Object.entries(vary.side ?? { '': {} }).map(([name, changes]) => ({ name, changes }));
  const written = checkpoints === undefined ? {} : { checkpoints: (value as Mapping).checkpoints };
  const experiment: Experiment = {
    name: rest.name,
    question: rest.question,
    base: { ...scenario.base, ...written },
    sides,
    over,
    measure: { figure: measure.figure, better: measure.better, marginPercent: measure.margin },
    seeds,
  };
  const problems = [...checkKeys(rest.with, sides), ...checkAxis(experiment)];
  if (problems.length > 0) throw refuse(problems);
  const grid = gridOf(experiment, rest.with, scenario.folder ?? folder);
  if (grid.problems.length > 0) throw refuse(grid.problems);
  return { experiment, cells: grid.cells };
}

function checkKeys(base: Mapping, sides: Experiment['sides']): readonly Problem[] {
  const places: readonly (readonly [readonly PropertyKey[], Mapping])[] = [
    [['with'], base],
    ...sides.map(({ name, changes }) => [['vary', 'side', name], changes] as const),
  ];
  return places.flatMap(([path, changes]) =>
    Object.keys(changes)
      .filter((key) => !isPath(key) || key.includes('[]'))
      .map((key) => ({
        path: [...path, key],
        at: 'key' as const,
        message: 'expected a path into the scenario such as vm.workloads[0].rate',
      })),
  );
}

function checkAxis({ sides, over }: Experiment): readonly Problem[] {
  if (over === null) {
    if (sides.length > 1) return [];
    return [{ path: ['vary'], message: 'nothing varies; expected side, over or both' }];
  }
  const at = ['vary', 'over', 'values'] as const;
  if (over.values.length < 2) return [{ path: at, message: 'expected two values or more' }];
  return over.values.flatMap(({ x, input }, index) => {
    const before = over.values[index - 1];
    if (before !== undefined && !(x > before.x))
      return [{ path: [...at, index], message: `expected more than ${before.input}, got ${input}; values rise` }];
    if (over.scale === 'log' && !(x > 0))
      return [{ path: [...at, index], message: `a logarithmic axis is above 0, got ${input}` }];
    return [];
  });
}
