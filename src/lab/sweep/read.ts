/**
 * From a file, a shipped name or a text to a sweep, every point and policy read as the scenario that it makes. A mistake is a
 * ScenarioError with its place in the sweep's file. Everything is read before anything runs.
 */
import { baseOf, documentAt, placed } from '../experiment/document.ts';
import { isPath } from '../experiment/path.ts';
import { isMapping, isSweep, type Mapping } from '../experiment/schema.ts';
import { SWEEP_NAMES } from '../experiment/shipped.ts';
import { type Problem, writesOf, written } from '../experiment/written.ts';
import { ScenarioError } from '../scenario/error.ts';
import { phrase } from '../scenario/phrase.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import { readSource, type Source } from '../scenario/source.ts';
import type { Change } from '../trial/policy-choice.ts';
import { isServiceColumn, MEASURES, serviceColumn } from '../trial/row.ts';
import { axesOf } from './axes.ts';
import { pointCount, pointsOf, type Sample } from './sample.ts';
import { POINTS_MAX, type ReadSweep, sweepSchema } from './schema.ts';
import { readSettings, setOf } from './settings.ts';
import { sharesOf, sharesResolved } from './share.ts';
import type { Sweep } from './sweep.ts';

export interface SweepOverrides {
  /** In place of the file's own. */
  readonly seeds?: number | undefined;
  readonly pareto?: readonly string[] | undefined;
  /** Put into the scenario after the file's own `with`, before anything is varied. */
  readonly set?: readonly Change[] | undefined;
  /** Values of axes by name, in place of the file's own. */
  readonly axes?: readonly (readonly [name: string, values: readonly unknown[]])[] | undefined;
}

/** Reads a YAML or JSON file, or a sweep that ships under this name. A shipped name comes first. */
export function readSweep(pathOrShippedName: string, overrides: SweepOverrides = {}): Sweep {
  const { text, fileName, folder } = documentAt(pathOrShippedName, SWEEP_NAMES);
  const source = readSource(text, fileName);
  return build(source.value, source, folder, overrides);
}

/** `fileName` is only for messages. */
export function parseSweep(text: string, fileName: string, overrides: SweepOverrides = {}): Sweep {
  const source = readSource(text, fileName);
  return build(source.value, source, '.', overrides);
}

/** Takes what a file may hold, as an object. */
export function sweepFrom(input: unknown, overrides: SweepOverrides = {}): Sweep {
  return build(input, null, '.', overrides);
}

function build(input: unknown, source: Source | null, folder: string, overrides: SweepOverrides): Sweep {
  const refuse = (problems: readonly Problem[]) =>
    new ScenarioError(problems.map((problem) => placed(problem, source)));
  if (!isSweep(input)) throw refuse([{ path: [], message: notASweep(input) }]);
  const overridden = overriddenIn(input as Mapping, overrides);
  if ('problem' in overridden) throw refuse([overridden.problem]);
  const { value } = overridden;
  const read = sweepSchema.safeParse(value);
  if (!read.success) throw refuse(phrase(read.error.issues, value));
  const { name, question, description, notModelled, sweep } = read.data;
  const found = baseOf(read.data.scenario, folder);
  if ('problem' in found) throw refuse([found.problem]);
  const sample = sampleOf(sweep.sample);
  if ('problem' in sample) throw refuse([sample.problem]);
  const { axes, problems } = axesOf(sweep.axes, sample.value);
  const pareto = { ...sweep.pareto, of: overrides.pareto ?? sweep.pareto.of };
  // An axis that could not be made is told once, and not again where it is named.
  const named = problems.length === 0 ? axes.map((axis) => axis.name) : pareto.per;
  const wrong = [...problems, ...checkWith(read.data.with), ...checkPareto(pareto, named)];
  if (wrong.length > 0) throw refuse(wrong);
  const count = pointCount(axes, sample.value);
  if (count > POINTS_MAX) throw refuse([tooMany(count)]);
  const base = written(found.base, writesOf(read.data.with, ['with']));
  if ('problem' in base) throw refuse([base.problem]);
  const scenario = base.input as unknown as ScenarioInput;
  const shared = sharesResolved(pointsOf(axes, sample.value), scenario);
  if ('problem' in shared) throw refuse([shared.problem]);
  const { points } = shared;
  const shares = sharesOf(axes, points);
  const folders = { folder: found.folder ?? folder, policyFolder: folder };
  const begun = { bare: found.base, common: read.data.with, scenario, ...folders };
  const settings = readSettings(begun, points, sweep.policies);
  if ('problems' in settings) throw refuse(settings.problems);
  const { policies, leftOut, charts, files, devices, firstSeed } = settings;
  const strange = checkDevices(pareto.of, devices);
  if (strange.length > 0) throw refuse(strange);
  return {
    name,
    question,
    ...(description === undefined ? {} : { description }),
    ...(notModelled.length === 0 ? {} : { notModelled }),
    scenario,
    ...folders,
    axes: axes.map((axis) => axis.name),
    ...(shares.length === 0 ? {} : { shares }),
    points: points.map((values) => ({ labels: values.map(({ label }) => label), set: setOf(values) })),
    policies,
    leftOut,
    seeds: seedsOf(overrides.seeds ?? sweep.seeds, firstSeed),
    pareto,
    charts,
    files,
  };
}

/** The file as if it said so itself; what is not as it should be is left for the schema to tell. */
function overriddenIn(
  file: Mapping,
  { set = [], axes = [] }: SweepOverrides,
): { readonly value: Mapping } | { readonly problem: Problem } {
  const common =
    set.length === 0 ? {} : { with: { ...(file.with as Mapping | undefined), ...Object.fromEntries(set) } };
  const value = { ...file, ...common };
  const { sweep } = file;
  const varied = set.map(([path]) => path).find((path) => variesAlong(sweep, path) !== undefined);
  if (varied !== undefined) {
    const name = variesAlong(sweep, varied);
    const message = `--set ${varied} would be set again by the axis ${name}; --axis ${name}=... says its values`;
    return { problem: { path: ['sweep', 'axes'], message } };
  }
  if (axes.length === 0 || !isMapping(sweep) || !Array.isArray(sweep.axes)) return { value };
  const changed = [...(sweep.axes as readonly unknown[])];
  const names = changed.map((axis) => (isMapping(axis) ? String(axis.name ?? axis.path) : ''));
  for (const [name, values] of axes) {
    const at = names.indexOf(name);
    if (at < 0) {
      const message = `there is no axis called ${name}; there are ${names.join(', ')}`;
      return { problem: { path: ['sweep', 'axes'], message } };
    }
    const axis = changed[at] as Mapping;
    if ('choices' in axis) {
      const message = `the axis ${name} is made of choices, which only the file can say`;
      return { problem: { path: ['sweep', 'axes', at], message } };
    }
    changed[at] = { ...axis, values };
  }
  return { value: { ...value, sweep: { ...sweep, axes: changed } } };
}

/** The name of the axis that varies this key. */
function variesAlong(sweep: unknown, path: string): string | undefined {
  const axes = isMapping(sweep) && Array.isArray(sweep.axes) ? (sweep.axes as readonly unknown[]) : [];
  const axis = axes.filter(isMapping).find((one) => [one.path].flat().includes(path));
  return axis === undefined ? undefined : String(axis.name ?? [axis.path].flat()[0]);
}

function notASweep(value: unknown): string {
  const isExperiment = typeof value === 'object' && value !== null && 'vary' in value;
  return isExperiment
    ? 'this is an experiment: `switchover compare` runs it; a sweep has the key sweep'
    : 'not a sweep; expected a mapping with name, question, scenario and sweep';
}

function sampleOf({ kind, n, seed }: ReadSweep['sweep']['sample']): { value: Sample } | { problem: Problem } {
  if (kind === 'grid') {
    if (n === undefined) return { value: { kind } };
    const message = 'a grid has as many points as its axes make; draw n with kind: random or latin-hypercube';
    return { problem: { path: ['sweep', 'sample', 'n'], message } };
  }
  if (n !== undefined) return { value: { kind, n, seed } };
  return { problem: { path: ['sweep', 'sample'], message: 'expected n, how many points are drawn, such as n: 100' } };
}

function checkWith(common: Mapping): readonly Problem[] {
  return Object.keys(common)
    .filter((key) => !isPath(key) || key.includes('[]'))
    .map((key) => ({
      path: ['with', key],
      at: 'key' as const,
      message: 'expected a path into the scenario such as vm.workloads[0].rate',
    }));
}

function checkPareto({ of, per }: Sweep['pareto'], axes: readonly string[]): readonly Problem[] {
  const columns: readonly string[] = MEASURES;
  const strange = of.find((column) => !columns.includes(column) && !isServiceColumn(column));
  const twice = of.find((column, index) => of.indexOf(column) < index);
  const nobody = per.find((name) => !axes.includes(name));
  return [
    ...(strange === undefined ? [] : [`${strange} is no column to compare; there are ${columns.join(', ')}`]),
    ...(twice === undefined ? [] : [`${twice} stands here twice`]),
    ...(of.length < 2 ? ['expected two columns or more'] : []),
  ]
    .map((message): Problem => ({ path: ['sweep', 'pareto', 'of'], message }))
    .concat(
      nobody === undefined ? [] : [{ path: ['sweep', 'pareto', 'per'], message: `there is no axis called ${nobody}` }],
    );
}

/** Which devices there are is known once every point has been read. */
function checkDevices(of: readonly string[], devices: ReadonlySet<string>): readonly Problem[] {
  const known = [...devices].map(serviceColumn);
  const nobody = of.find((column) => isServiceColumn(column) && !known.includes(column));
  if (nobody === undefined) return [];
  const are = devices.size === 0 ? 'the scenario has none' : `there are ${[...devices].join(', ')}`;
  const message = `${nobody} is no column to compare: there is no device called ${nobody.slice(nobody.indexOf('.') + 1)}; ${are}`;
  return [{ path: ['sweep', 'pareto', 'of'], message }];
}

function tooMany(count: number): Problem {
  return { path: ['sweep', 'axes'], message: `these axes make ${count} points; at most ${POINTS_MAX} can be swept` };
}

function seedsOf(seeds: number | readonly number[], first: number): readonly number[] {
  if (typeof seeds !== 'number') return seeds;
  return Array.from({ length: seeds }, (_, nth) => (first + nth) % 2 ** 32);
}
