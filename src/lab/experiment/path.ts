/**
 * Dotted paths such as `containers[0].devices[0].dma.rate`: into what a scenario is made of, to put something there, and
 * into a report, to take a figure out. Plain data in, plain data out; the original is never changed.
 */

export type PathParts = readonly (string | number)[];

const PATH = /^[A-Za-z][\w-]*(?:\[\d*\]|\.[A-Za-z][\w-]*)*$/;

export function isPath(text: unknown): text is string {
  return typeof text === 'string' && PATH.test(text);
}

/** `a.b[0].c` as `['a', 'b', 0, 'c']`; `[]` is -1. */
export function partsOf(path: string): PathParts {
  return [...path.matchAll(/\[(\d*)\]|[^.[\]]+/g)].map(([part, index]) =>
    index === undefined ? part : index === '' ? -1 : Number(index),
  );
}

/** Why something could not be put at a path. */
export interface Unreachable {
  /** The last part that was there. */
  readonly reached: PathParts;
  readonly because: string;
}

/**
 * A copy of `root` with `value` at `path`: two mappings are merged, anything else is put in the place of what was there, null
 * takes the key away. Mappings on the way are made; an element of a list has to be there.
 */
export function put(root: unknown, path: PathParts, value: unknown): { readonly value: unknown } | Unreachable {
  return putUnder(root, path, value, 0);
}

function putUnder(root: unknown, path: PathParts, value: unknown, depth: number): { value: unknown } | Unreachable {
  const part = path[depth];
  if (part === undefined) return { value: merged(root, value) };
  const reached = path.slice(0, depth);
  if (typeof part === 'number') {
    if (!Array.isArray(root)) return { reached, because: 'is no list' };
    if (part < 0 || part >= root.length) return { reached, because: `has ${root.length} elements, counted from 0` };
    const inner = putUnder(root[part], path, value, depth + 1);
    return 'value' in inner ? { value: root.with(part, inner.value) } : inner;
  }
  if (root !== undefined && !isMapping(root)) return { reached, because: 'is no mapping' };
  const mapping = root ?? {};
  if (value === null && depth === path.length - 1) {
    const { [part]: _, ...others } = mapping;
    return { value: others };
  }
  const inner = putUnder(mapping[part], path, value, depth + 1);
  return 'value' in inner ? { value: { ...mapping, [part]: inner.value } } : inner;
}

function merged(old: unknown, value: unknown): unknown {
  if (!isMapping(old) || !isMapping(value)) return value;
  const kept = Object.entries(old).filter(([key]) => value[key] !== null);
  const added = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries([...kept, ...added.map(([key, member]) => [key, merged(old[key], member)] as const)]);
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What there is to name instead, where a path leads nowhere. */
export interface Nowhere {
  readonly reached: PathParts;
  readonly known: readonly string[];
}

/**
 * The number at `path`: a list is as many as it has elements, null is null, `[]` is the mean of what all elements have.
 */
export function figureAt(root: unknown, path: PathParts): { readonly figure: number | null } | Nowhere {
  let found = root;
  for (const [index, part] of path.entries()) {
    if (part === -1) return meanOf(found, path, index);
    const known = typeof found === 'object' && found !== null && Object.hasOwn(found, part);
    if (!known) return nowhere(found, path.slice(0, index));
    found = (found as Record<string | number, unknown>)[part];
    if (found === null) return { figure: null };
  }
  if (Array.isArray(found)) return { figure: found.length };
  return typeof found === 'number' ? { figure: found } : nowhere(found, path);
}

function meanOf(list: unknown, path: PathParts, index: number): { readonly figure: number | null } | Nowhere {
  if (!Array.isArray(list)) return nowhere(list, path.slice(0, index));
  let sum = 0;
  for (const element of list) {
    const inner = figureAt(element, path.slice(index + 1));
    if (!('figure' in inner)) return { ...inner, reached: [...path.slice(0, index + 1), ...inner.reached] };
    if (inner.figure === null) return inner;
    sum += inner.figure;
  }
  return { figure: list.length === 0 ? null : sum / list.length };
}

function nowhere(found: unknown, reached: PathParts): Nowhere {
  if (Array.isArray(found)) return { reached, known: found.map((_, index) => `[${index}]`) };
  return { reached, known: isMapping(found) ? Object.keys(found) : [] };
}
