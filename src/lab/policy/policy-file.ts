/**
 * A policy's file: a module whose export `policy`, or whose default export, is a function or a chart. It is loaded at once, as Node from
 * 20.19 on can, and a file that could not be is a sentence, never a stack trace. The hash is of this file alone, not of what
 * it imports.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, extname } from 'node:path';
import { hashOf, type OwnPolicy, ownPolicyOf } from './own-policy.ts';

const EXTENSIONS = ['.mjs', '.js', '.cjs'];

const load = createRequire(import.meta.url);
/** Node keeps a module for as long as the process lives: what it was when it was loaded. */
const loaded = new Map<string, OwnPolicy>();

/** `path` is whole. A text says why there is no policy. */
export function loadPolicy(path: string): OwnPolicy | string {
  const extension = extname(path);
  if (['.ts', '.mts', '.cts', '.tsx'].includes(extension)) {
    return `${path} is TypeScript, which plain Node does not load: compile it to .mjs (npx tsc ${basename(path)} --module nodenext) and name that`;
  }
  if (!EXTENSIONS.includes(extension)) return `${path}: expected a file that ends in ${EXTENSIONS.join(', ')}`;
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (error) {
    return `${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : 'cannot be read'}`;
  }
  const sha256 = hashOf(content);
  const known = loaded.get(path);
  if (known?.sha256 === sha256) return known;
  if (known !== undefined) return `${path} has changed since this process loaded it: start another one`;
  let exported: { readonly policy?: unknown; readonly default?: unknown; readonly parameters?: unknown };
  try {
    exported = load(path) as typeof exported;
  } catch (error) {
    return `${path} cannot be loaded: ${whyNot(error)}`;
  }
  const own = ownPolicyOf(typeof exported === 'function' ? exported : (exported?.policy ?? exported?.default), {
    called: basename(path, extension),
    sha256,
    parameters: exported?.parameters,
  });
  if (typeof own === 'string') return `${path}: ${own}`;
  loaded.set(path, own);
  return own;
}

function whyNot(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_REQUIRE_ASYNC_MODULE') return 'it has an await outside of any function';
  return String(message ?? error).split('\n')[0] ?? '';
}
