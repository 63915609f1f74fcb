/**
 * Changes put into a scenario one after the other, each remembered with the place that says so: a mistake that only shows in the
 * scenario they make is told where it was written.
 */
import { pathText, type ScenarioProblem } from '../scenario/error.ts';
import { type PathParts, partsOf, put } from './path.ts';
import type { Mapping } from './schema.ts';

/** A problem of the experiment, at a key path of its document. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly at?: 'key' | 'value';
  readonly expected?: string | null;
  readonly example?: string | null;
}

/** One value put into the base, and where that is said. */
export interface Write {
  readonly to: PathParts;
  readonly value: unknown;
  readonly from: readonly PropertyKey[];
  /** What lies below `to` lies below `from`, too. */
  readonly deep: boolean;
}

/** The mapping that stands at `from`: a value for each path. */
export function writesOf(changes: Mapping, from: readonly PropertyKey[]): readonly Write[] {
  return Object.entries(changes).map(([path, value]) => ({
    to: partsOf(path),
    value,
    from: [...from, path],
    deep: true,
  }));
}

/** The base with all of them in it. */
export function written(
  base: Mapping,
  writes: readonly Write[],
): { readonly input: Mapping } | { readonly problem: Problem } {
  let input: unknown = base;
  for (const { to, value, from } of writes) {
    const next = put(input, to, value);
    if (!('value' in next)) {
      const reached = next.reached.length === 0 ? 'the scenario' : pathText(next.reached);
      return { problem: { path: from, at: 'key', message: `leads nowhere: ${reached} ${next.because}` } };
    }
    input = next.value;
  }
  return { input: input as Mapping };
}

/** A problem of the scenario that was made, at the place that it comes from. */
export function tracedProblem(problem: ScenarioProblem, writes: readonly Write[], base: Mapping): Problem {
  return traced({ ...problem, path: partsOf(problem.path) }, writes, base);
}

/**
 * Where the experiment put what the scenario's problem is about: the last write that has the key, or else the base if it has it,
 * or else the nearest write above, or a write below.
 */
export function traced(problem: Problem, writes: readonly Write[], base: Mapping): Problem {
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
