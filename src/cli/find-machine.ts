/**
 * Finds an XState machine: one of the gallery by its name, or what a module exports, as `FILE` or `FILE#EXPORT`. A module is
 * imported, so its code runs: name only what you would also run.
 *
 * TypeScript is loaded as it is, and so is a module beside which no XState is installed: it gets this package's.
 */
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { machines } from '../../machines/index.ts';
import { UsageError } from './usage-error.ts';

const TYPESCRIPT = ['.ts', '.mts', '.cts', '.tsx'];
export const MODULES: readonly string[] = [...TYPESCRIPT, '.js', '.mjs', '.cjs', '.jsx'];

type Module = Readonly<Record<string, unknown>>;

/** Throws a UsageError that says what there is. */
export async function findMachine(wanted: string): Promise<AnyStateMachine> {
  const known = Object.hasOwn(machines, wanted) ? machines[wanted] : undefined;
  if (known !== undefined) return known;
  const { file, name } = machineFile(wanted);
  const path = resolve(file);
  if (!(await stat(path).catch(() => undefined))?.isFile()) {
    throw new UsageError(`no machine and no file "${file}"; machines: ${Object.keys(machines).join(', ')}`);
  }
  const exported = await load(path).catch((cause: unknown) => {
    const because = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`cannot import ${file}: ${because}`, { cause });
  });
  return chooseExport(file, exported, name);
}

/** `FILE#EXPORT` in its two parts. */
export function machineFile(wanted: string): { readonly file: string; readonly name: string | undefined } {
  const hash = wanted.lastIndexOf('#');
  return hash > 0 ? { file: wanted.slice(0, hash), name: wanted.slice(hash + 1) } : { file: wanted, name: undefined };
}

async function load(path: string): Promise<Module> {
  const beside = createRequire(path);
  const isThere = resolves(beside, 'xstate');
  if (isThere && !TYPESCRIPT.includes(extname(path))) return (await import(pathToFileURL(path).href)) as Module;
  const { createJiti } = await import('jiti');
  const ours = dirname(createRequire(import.meta.url).resolve('xstate/package.json'));
  // Nothing is written anywhere, and a module is read as it is now.
  const options = { fsCache: false, moduleCache: false, interopDefault: false };
  const jiti = createJiti(import.meta.url, isThere ? options : { ...options, alias: { xstate: ours } });
  return (await jiti.import(path)) as Module;
}

function resolves(from: NodeJS.Require, name: string): boolean {
  try {
    from.resolve(name);
    return true;
  } catch {
    return false;
  }
}

function chooseExport(file: string, exported: Module, name: string | undefined): AnyStateMachine {
  const found = Object.entries(exported).filter((entry): entry is [string, AnyStateMachine] => isMachine(entry[1]));
  if (found.length === 0) throw new UsageError(`${file} exports no XState machine`);
  const names = found.map(([key]) => key);
  // One machine under several names is one machine: CommonJS modules show theirs twice.
  const isOnly = new Set(found.map(([, machine]) => machine)).size === 1;
  const chosen = found.find(([key]) => key === (name ?? (isOnly ? names[0] : 'default')));
  if (chosen !== undefined) return chosen[1];
  throw new UsageError(
    name === undefined
      ? `${file} exports several machines: say which, for example ${file}#${names[0]} (${names.join(', ')})`
      : `${file} exports no machine "${name}", but ${names.join(', ')}`,
  );
}

/** By shape: the module may come with a copy of XState of its own. */
function isMachine(value: unknown): value is AnyStateMachine {
  if (typeof value !== 'object' || value === null) return false;
  const { root, implementations, id } = value as Readonly<Record<string, unknown>>;
  return typeof root === 'object' && root !== null && typeof implementations === 'object' && typeof id === 'string';
}
