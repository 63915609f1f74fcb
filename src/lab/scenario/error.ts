/**
 * What is wrong with a scenario, said so that a person can mend it: where (file, line, column, key path), what was
 * expected there, and an example. Several problems are reported together; `ScenarioError` carries at most ten of them.
 * It knows no rule about scenarios: the other files of this folder do.
 */

/** How many problems one error reports; a tenth mistake is rarely worth reading before the first is mended. */
export const PROBLEMS_MAX = 10;

export interface ScenarioProblem {
  /** As the caller named it; null for a scenario that is a typed object. */
  readonly file: string | null;
  /** From 1; null where there is no text to point into. */
  readonly line: number | null;
  /** From 1, in UTF-16 units. */
  readonly column: number | null;
  /** Key path such as `vm.workloads[0].rate`; empty for the document as a whole. */
  readonly path: string;
  /** One sentence without the place: `expected a rate such as 20k/s, got "20k"`. */
  readonly message: string;
  /** What would have been right, if that can be said: `a rate`, `one of nic, vgpu`. */
  readonly expected: string | null;
  /** A value that would be accepted there. */
  readonly example: string | null;
}

/** A scenario that cannot be run as it is written. The command line exits with `exitCode`. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly exitCode = 2;
  /** At least one, in the order of the text, at most `PROBLEMS_MAX`. */
  readonly problems: readonly ScenarioProblem[];
  /** Problems that are not in `problems` because there were too many. */
  readonly omitted: number;

  constructor(problems: readonly ScenarioProblem[]) {
    const told = [...problems].sort(byPlace).slice(0, PROBLEMS_MAX);
    const omitted = problems.length - told.length;
    const lines = told.map(describeProblem);
    super([...lines, ...(omitted > 0 ? [`and ${omitted} more`] : [])].join('\n'));
    this.problems = told;
    this.omitted = omitted;
  }
}

/** `vgpu.yaml:12: vm.workloads[0].rate: expected a rate such as 20k/s, got "20k"`. */
export function describeProblem(problem: ScenarioProblem): string {
  const place =
    problem.file === null ? 'scenario' : problem.line === null ? problem.file : `${problem.file}:${problem.line}`;
  return [place, ...(problem.path === '' ? [] : [problem.path]), problem.message].join(': ');
}

/** Sorting is stable, so problems without a place keep the order in which they were found. */
function byPlace(a: ScenarioProblem, b: ScenarioProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** `['vm', 'workloads', 0, 'rate']` as `vm.workloads[0].rate`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}
