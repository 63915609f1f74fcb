/**
 * The house's own lint, a function a rule: what is wrong with one file, in words with the line, nothing when it is tidy.
 * What Biome can say (unused names, formatting, cycles) Biome says.
 */
import { posix } from 'node:path';
import { code, lineOf, type SourceFile } from './tree.ts';

export type FileRule = (file: SourceFile) => readonly string[];

/** Lines of a file that may be; a longer one says in its header why it is "long because". */
const LINES_MAX = 400;

const PURE = ['machines/', 'src/core/', 'src/streams/', 'src/hardware/'];
/** These give or take a host's timers by name: the wall clock and what paces it, the port to the host, XState's clock. */
const TIMER_FILES = ['wall-clock.ts', 'pace.ts', 'clock.ts', 'xstate-clock.ts'].map((name) => `src/clock/${name}`);

/** No wall clock, chance, timer or process where a run must come out the same twice. A clock that is passed in is fine. */
export const pure: FileRule = (file) => {
  if (PURE.some((folder) => file.path.startsWith(folder))) {
    const ambient =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|(?<![.\w])performance\b|(?<![.\w])process\s*\.|\bnode:/;
    const timers = /(?<![.\w])(?:setTimeout|setInterval|setImmediate|queueMicrotask)\b(?!\s*:)|\bglobalThis\b/;
    return [
      ...hits(file, code(file.text, 'blank'), ambient),
      ...hits(file, code(file.text, 'blank'), timers),
      ...hits(file, code(file.text), /['"]node:/),
    ];
  }
  if (!file.path.startsWith('src/clock/') || TIMER_FILES.includes(file.path)) return [];
  return hits(file, code(file.text, 'blank'), /\bset(?:Timeout|Interval|Immediate)\b/);
};

const TIME_OPERATORS =
  /^(?:interval|timer|delay|debounceTime|auditTime|sampleTime|throttleTime|bufferTime|windowTime|timeout|timeInterval|timestamp)$/;

/** RxJS's own clock is the wall clock: whatever waits there is told whose time it waits in. */
export const scheduled: FileRule = (file) => {
  if (!file.path.startsWith('src/')) return [];
  const source = code(file.text, 'blank');
  const wrong = hits(file, source, /\b(?:async|asap|animationFrame)Scheduler\b/);
  const records = ['src/run/runner.ts', 'src/hardware/', 'src/streams/'].some((folder) => file.path.startsWith(folder));
  const promises = records ? hits(file, source, /\b(?:first|last)ValueFrom\b/) : [];
  const calls = timeOperators(file.text).flatMap((name) =>
    [...source.matchAll(new RegExp(`(?<![.\\w])${name}\\(`, 'g'))]
      .filter(({ index }) => !/scheduler/i.test(argumentsAt(source, index + name.length)))
      .map(({ index }) => `${file.path}:${lineOf(source, index)} ${name}() has no scheduler`),
  );
  return [...wrong, ...promises, ...calls];
};

/** The names under which a file imports RxJS's time operators. */
function timeOperators(text: string): readonly string[] {
  const imports = [...code(text).matchAll(/^import\s+\{([^}]*)\}\s+from\s+['"]rxjs(?:\/operators)?['"]/gm)];
  const names = imports.flatMap(([, clause = '']) => clause.split(',').map((name) => name.trim().split(/\s+as\s+/)));
  return names.filter(([name = '']) => TIME_OPERATORS.test(name)).map(([name, alias]) => (alias ?? name) as string);
}

/** What stands between the bracket at `open` and the one that closes it. */
function argumentsAt(source: string, open: number): string {
  let depth = 0;
  for (let index = open; index < source.length; index++) {
    if (source[index] === '(') depth++;
    if (source[index] === ')' && --depth === 0) return source.slice(open + 1, index);
  }
  return source.slice(open + 1);
}

const UNFINISHED = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);

/** Nothing is left for later in the text. */
export const finished: FileRule = (file) => hits(file, file.text, UNFINISHED);

/** Every test runs, every time; only what needs a browser may look whether there is one. */
export const allTestsRun: FileRule = (file) => {
  const looks = /^test\/(?:inspector\/|lab\/html\/browser)/.test(file.path);
  const conditions = looks ? '' : '|skipIf|runIf';
  return hits(
    file,
    code(file.text, 'blank'),
    new RegExp(`\\b(?:test|it|describe|suite)(?:\\.\\w+)*\\.(?:only|skip|todo${conditions})\\b`),
  );
};

/** A file says first what it is. */
export const opensWithComment: FileRule = ({ path, text }) =>
  /^(?:#![^\n]*\n)?\/\*\*/.test(text) ? [] : [`${path}:1 does not open with a /** comment`];

/** A long file says why it is one. */
export const shortOrLongBecause: FileRule = ({ path, text }) => {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const header = /^(?:#![^\n]*\n)?\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
  const why = header.replace(/\s*\n\s*\*\s*/g, ' ');
  return lines <= LINES_MAX || /\blong because\b/.test(why)
    ? []
    : [`${path}:1 has ${lines} lines and does not say "long because"`];
};

export const namedExports: FileRule = (file) =>
  /\bconfig\.ts$/.test(file.path) ? [] : hits(file, code(file.text, 'blank'), /\bexport\s+default\b|\bas\s+default\b/);

/** A file is one noun. */
export const isOneNoun: FileRule = ({ path }) =>
  /^(?:utils?|helpers?|misc)\b/i.test(posix.basename(path)) ? [`${path}:1 is named after nothing`] : [];

/** No path of the machine that somebody worked on. */
export const noPlaceOfMine: FileRule = (file) => hits(file, file.text, /(?<![\w.~-])\/(?:work|tmp|home|root|Users)\//);

function hits({ path }: SourceFile, source: string, pattern: RegExp): readonly string[] {
  return [...source.matchAll(new RegExp(pattern, 'g'))].map(
    ({ 0: found, index }) => `${path}:${lineOf(source, index)} says ${found.trim()}`,
  );
}
