/**
 * What experiments and sweeps have in common as files: found by path or by a shipped name, begun with a scenario that stands in
 * them or ships, and their mistakes told with the place.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { pathText, ScenarioError, type ScenarioProblem } from '../scenario/error.ts';
import { oneOf } from '../scenario/leaf.ts';
import { readWritten } from '../scenario/read.ts';
import { isShippedName, SHIPPED_NAMES, shippedFile } from '../scenario/shipped-files.ts';
import { readSource, type Source } from '../scenario/source.ts';
import { nearestWord } from '../scenario/vocabulary.ts';
import type { Mapping } from './schema.ts';
import { type DocumentName, documentFile, SWEEP_NAMES } from './shipped.ts';
import type { Problem } from './written.ts';

export interface Document {
  readonly text: string;
  /** For messages. */
  readonly fileName: string;
  /** What relative paths in it start from. */
  readonly folder: string;
}

/** A file, or what ships under one of these names; a shipped name comes first. */
export function documentAt(pathOrShippedName: string, names: readonly DocumentName[]): Document {
  const shipped = names.find((name) => name === pathOrShippedName);
  if (shipped !== undefined) {
    const file = documentFile(shipped);
    return { text: readFileSync(file, 'utf8'), fileName: basename(file), folder: dirname(file) };
  }
  if (!existsSync(pathOrShippedName)) throw refused(pathOrShippedName, whyMissing(pathOrShippedName, names));
  try {
    const text = readFileSync(pathOrShippedName, 'utf8');
    return { text, fileName: pathOrShippedName, folder: dirname(pathOrShippedName) };
  } catch (error) {
    throw refused(pathOrShippedName, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
}

/**
 * The scenario that every run begins with: one that stands there, ships, or is a file whose path starts in `folder`. What comes
 * back has a folder of its own for the latter two. Throws a ScenarioError for a file that holds none.
 */
export function baseOf(
  scenario: string | Mapping,
  folder: string,
): { readonly base: Mapping; readonly folder?: string } | { readonly problem: Problem } {
  if (typeof scenario !== 'string') return { base: scenario };
  if (isPath(scenario)) {
    const { input, folder: own } = readWritten(isAbsolute(scenario) ? scenario : join(folder, scenario));
    return { base: input as Mapping, folder: own };
  }
  if (!isShippedName(scenario)) return { problem: noScenario(scenario) };
  const file = shippedFile(scenario);
  const base = readSource(readFileSync(file, 'utf8'), basename(file)).value as Mapping;
  return { base, folder: dirname(file) };
}

function isPath(name: string): boolean {
  return /[/\\]|\.(?:ya?ml|json)$/.test(name);
}

function noScenario(name: string): Problem {
  const near = nearestWord(name, SHIPPED_NAMES);
  const advice = near === undefined ? `these ship: ${SHIPPED_NAMES.join(', ')}` : `did you mean ${near}?`;
  return { path: ['scenario'], message: `no scenario "${name}" ships; ${advice}`, expected: oneOf(SHIPPED_NAMES) };
}

export function placed(problem: Problem, source: Source | null): ScenarioProblem {
  const { path, at = 'value', message, expected = null, example = null } = problem;
  const place = source?.locate(path, at);
  return {
    file: source?.file ?? 'experiment',
    line: place?.line ?? null,
    column: place?.column ?? null,
    path: pathText(path),
    message,
    expected,
    example,
  };
}

function whyMissing(file: string, names: readonly DocumentName[]): string {
  if (/[/\\.]/.test(file)) return 'no such file';
  if ((SWEEP_NAMES as readonly string[]).includes(file)) return `this is a sweep: \`switchover sweep ${file}\` runs it`;
  const near = nearestWord(file, names);
  const advice = near === undefined ? `these ship: ${names.join(', ')}` : `did you mean ${near}?`;
  return `no such file, and no experiment of this name ships; ${advice}`;
}

function refused(file: string, message: string): ScenarioError {
  return new ScenarioError([{ file, line: null, column: null, path: '', message, expected: null, example: null }]);
}
