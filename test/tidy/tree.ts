/**
 * The repository as text: which files there are, what is code in them and what is comment, and who imports whom.
 *
 * A few regular expressions and one scanner, enough for code that Biome has formatted; not a TypeScript parser. What it
 * cannot see (an import whose name is computed) is not used here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A file by its path from the repository's root, with `/` between folders. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** As written. */
  readonly from: string;
  /** Nothing of it is there when the program runs. */
  readonly typeOnly: boolean;
}

const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** Paths of all files under a folder (or of the one file), sorted; none when there is no such folder. */
export function pathsUnder(folder: string): readonly string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  const paths = entries.flatMap((entry) => {
    const path = posix.join(folder, entry.name);
    if (NOT_OURS.has(entry.name)) return [];
    return entry.isDirectory() ? pathsUnder(path) : [path];
  });
  return paths.sort();
}

export function read(path: string): SourceFile {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') };
}

/** A comment, a string, a template or a regular expression: what may hold characters that are no code. */
const PIECE = new RegExp(
  [
    String.raw`\/\*[\s\S]*?\*\/|\/\/[^\n]*`,
    String.raw`'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"`,
    String.raw`${'`'}(?:\\[\s\S]|[^${'`'}\\])*${'`'}`,
    String.raw`(?<=[(,=:[!&|?{};]\s*|\breturn )\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/\w*`,
  ].join('|'),
  'g',
);

/** The text with every comment blanked, and with `strings: 'blank'` what stands in quotes as well; every place stays. */
export function code(text: string, strings: 'keep' | 'blank' = 'keep'): string {
  return text.replace(PIECE, (found) => {
    if (found.startsWith('/*') || found.startsWith('//')) return found.replace(/[^\n]/g, ' ');
    if (strings === 'keep' || found.startsWith('/')) return found;
    const quote = found.charAt(0);
    const inside = found
      .slice(1, -1)
      .replace(/\$\{[^}]*\}|[^\n]/g, (one) => (quote === '`' && one.length > 1 ? one : ' '));
    return `${quote}${inside}${quote}`;
  });
}

/** Every static and dynamic import and re-export. */
export function importsOf(text: string): readonly Import[] {
  // Found where strings are blank, so that no string is taken for code; named by what stands there.
  const blank = code(text, 'blank');
  // What follows a question mark tells the bundler how to take the file.
  const named = (end: number, length: number) => text.slice(end - 1 - length, end - 1).replace(/\?.*$/, '');
  const all = (pattern: RegExp) =>
    [...blank.matchAll(pattern)].map((match) => ({ match, end: match.index + match[0].length }));
  const clauses = all(/^(?:import|export)\s+(type\s+)?([\w\s{},*$]*?)\s*from\s*(['"])( *)\3/gm);
  const bare = all(/^import\s+(['"])( *)\1/gm);
  const dynamic = all(/\bimport\(\s*(['"])( *)\1/g);
  return [
    ...clauses.map(({ match: [, typed, clause = '', , blanked = ''], end }) => ({
      from: named(end, blanked.length),
      typeOnly: typed !== undefined || onlyTypes(clause),
    })),
    ...[...bare, ...dynamic].map(({ match: [, , blanked = ''], end }) => ({
      from: named(end, blanked.length),
      typeOnly: false,
    })),
  ];
}

/** `{ type A, type B }`: each name is a type. */
function onlyTypes(clause: string): boolean {
  const names =
    /^\{([\s\S]*)\}$/
      .exec(clause.trim())?.[1]
      ?.split(',')
      .map((name) => name.trim()) ?? [];
  const given = names.filter((name) => name !== '');
  return given.length > 0 && given.every((name) => name.startsWith('type '));
}

/** Where a relative name leads, from the repository's root. */
export function resolve(path: string, from: string): string {
  return posix.join(posix.dirname(path), from);
}

/** Relative names of files in any string of the code: imports, `new URL(...)`, a page's scripts. */
export function mentionsOf({ path, text }: SourceFile): readonly string[] {
  return [...code(text).matchAll(/(['"`])(\.{1,2}\/[^'"`\s?#]+)(?:[?#][^'"`]*)?\1/g)].map(([, , from = '']) =>
    resolve(path, from),
  );
}

export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}
