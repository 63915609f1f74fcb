/**
 * The three ways to get a `Scenario`: from a file or a shipped name, from text, from a typed object. All end in the same
 * schema and the same checks, and all throw `ScenarioError`, which lists every problem found with its place.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { check } from './check.ts';
import { pathText, ScenarioError, type ScenarioProblem } from './error.ts';
import { normalise } from './normalise.ts';
import { withOwnPolicies } from './own-policies.ts';
import { type Finding, phrase, shown } from './phrase.ts';
import type { Scenario } from './scenario.ts';
import { type ScenarioInput, scenarioSchema } from './schema.ts';
import { isShippedName, SHIPPED_NAMES, shippedFile } from './shipped-files.ts';
import { readSource, type Source } from './source.ts';
import { withTraces } from './trace-files.ts';
import { nearestWord } from './vocabulary.ts';

/** A scenario is a page of text; what is larger is some other file. */
const FILE_MAX_BYTES = 2 ** 20;

/** Reads a YAML or JSON file, or a scenario that ships under this name. A shipped name comes first. */
export function readScenario(pathOrShippedName: string): Scenario {
  if (isShippedName(pathOrShippedName)) {
    const file = shippedFile(pathOrShippedName);
    const source = readSource(readText(file), basename(file));
    return build(source.value, source, dirname(file));
  }
  return parseScenario(readText(pathOrShippedName), pathOrShippedName);
}

/** `fileName` is for messages, and what a relative path in the scenario starts from its folder. */
export function parseScenario(text: string, fileName: string): Scenario {
  const source = readSource(text, fileName);
  return build(source.value, source, dirname(fileName));
}

/** Takes what a file may hold, as an object: the same texts with units, the same defaults; paths start in `folder`, or here. */
export function scenarioFrom(input: ScenarioInput, folder = '.'): Scenario {
  return build(input, null, folder);
}

/** A scenario as it is written, for whoever changes some of its keys and reads it again with `scenarioFrom`. */
export interface WrittenScenario {
  readonly input: ScenarioInput;
  /** What its relative paths start from. */
  readonly folder: string;
}

/** Of a file or a shipped name; a scenario that cannot be run as it is written is refused as `readScenario` does. */
export function readWritten(pathOrShippedName: string): WrittenScenario {
  const file = isShippedName(pathOrShippedName) ? shippedFile(pathOrShippedName) : pathOrShippedName;
  const source = readSource(readText(file), isShippedName(pathOrShippedName) ? basename(file) : file);
  const folder = dirname(file);
  build(source.value, source, folder);
  return { input: source.value as ScenarioInput, folder };
}

function build(value: unknown, source: Source | null, folder: string): Scenario {
  const stranger = findStranger(value);
  if (stranger !== null) throw new ScenarioError([placed(stranger, source)]);
  const read = scenarioSchema.safeParse(value);
  if (!read.success)
    throw new ScenarioError(phrase(read.error.issues, value).map((finding) => placed(finding, source)));
  const normal = normalise(read.data);
  const findings = check(normal);
  if (findings.length > 0) throw new ScenarioError(findings.map((finding) => placed(finding, source)));
  const traced = withTraces(normal, folder);
  if (traced.findings.length > 0) throw new ScenarioError(traced.findings.map((finding) => placed(finding, source)));
  const owned = withOwnPolicies(traced.scenario, folder);
  if (owned.findings.length > 0) throw new ScenarioError(owned.findings.map((finding) => placed(finding, source)));
  return owned.scenario;
}

/** A document that shares no key with a scenario is some other file: one sentence is enough. */
function findStranger(value: unknown): Finding | null {
  const known = Object.keys(scenarioSchema.shape);
  const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isMapping && (Object.keys(value).length === 0 || known.some((key) => Object.hasOwn(value, key)))) return null;
  const what = isMapping ? 'none of its keys is known' : `this is ${shown(value)}`;
  return {
    path: [],
    message: `not a scenario: ${what}; a scenario is a mapping with name and vm`,
    expected: 'a mapping with name and vm',
    example: null,
    at: 'value',
  };
}

function placed({ path, at, message, expected, example }: Finding, source: Source | null): ScenarioProblem {
  const place = source?.locate(path, at);
  return {
    file: source?.file ?? null,
    line: place?.line ?? null,
    column: place?.column ?? null,
    path: pathText(path),
    message,
    expected,
    example,
  };
}

function readText(file: string): string {
  let bytes: Uint8Array;
  try {
    const { size } = statSync(file);
    if (size > FILE_MAX_BYTES) throw refused(file, `is ${size} bytes; a scenario has at most ${FILE_MAX_BYTES}`);
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    throw refused(file, whyUnreadable(file, (error as NodeJS.ErrnoException).code));
  }
  const text = decode(bytes);
  if (text === null) throw refused(file, 'is not a text file (UTF-8)');
  return text;
}

function whyUnreadable(file: string, code: string | undefined): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR': {
      if (/[/\\.]/.test(file)) return 'no such file';
      const near = nearestWord(file, SHIPPED_NAMES);
      const advice = near === undefined ? `these ship: ${SHIPPED_NAMES.join(', ')}` : `did you mean ${near}?`;
      return `no such file, and no scenario of this name ships; ${advice}`;
    }
    case 'EISDIR':
      return 'is a directory; name one file, or a scenario that ships';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read (permission denied)';
    default:
      return `cannot be read (${code ?? 'unknown error'})`;
  }
}

/** Null for bytes that are no UTF-8 text; a byte order mark is dropped. */
function decode(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function refused(file: string, message: string): ScenarioError {
  return new ScenarioError([{ file, line: null, column: null, path: '', message, expected: null, example: null }]);
}
