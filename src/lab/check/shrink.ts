/**
 * Makes a failing case small: takes out what can be taken out while the same law stays broken. Greedy, largest part first, over
 * the case as plain JSON, so that a key that is added to a scenario tomorrow is shrunk without a word here; and bounded, so
 * that a slow case is reported larger rather than late.
 */
import type { Case } from './case.ts';
import type { Broken } from './verdict.ts';

/** How many smaller cases are tried; this project's own. */
const TRIES_MAX = 600;

/** Without them a case would take hours of virtual time, or be no case at all. */
const KEPT = new Set([
  'seed',
  'input',
  'input.name',
  'input.vm',
  'input.vm.memory',
  'input.giveUpAfter',
  'input.deadlines',
]);

export interface Shrunk {
  readonly one: Case;
  readonly broken: Broken;
  readonly tries: number;
}

/** `tries`: what a case breaks, or undefined for one that is legal or cannot be read. */
export async function shrink(
  failing: Case,
  broken: Broken,
  verdictOf: (one: Case) => Promise<Broken | undefined>,
  triesMax = TRIES_MAX,
): Promise<Shrunk> {
  let best: Shrunk = { one: failing, broken, tries: 0 };
  let tries = 0;
  const keepIfBroken = async (smaller: Case): Promise<boolean> => {
    if (tries >= triesMax) return false;
    tries++;
    const found = await verdictOf(smaller);
    if (found?.law !== broken.law) return false;
    best = { one: smaller, broken: found, tries };
    return true;
  };
  for (let progress = true; progress && tries < triesMax; ) {
    progress = false;
    for (const path of partsOf(best.one)) {
      if (!has(best.one, path)) continue;
      if (await keepIfBroken(without(best.one, path) as Case)) progress = true;
    }
    for (const smaller of halved(best.one)) if (await keepIfBroken(smaller)) progress = true;
  }
  return { ...best, tries };
}

type Path = readonly (string | number)[];

/** Everything that could be left out, the longest text first. */
function partsOf(one: Case): readonly Path[] {
  const found: { readonly path: Path; readonly length: number }[] = [];
  const visit = (value: unknown, path: Path) => {
    if (path.length > 0 && !KEPT.has(path.join('.'))) found.push({ path, length: JSON.stringify(value)?.length ?? 0 });
    // A crash and an order mean nothing in parts: they are left out whole.
    if (
      path[0] === 'crash' ||
      path[0] === 'secondCrash' ||
      path[0] === 'pause' ||
      path[0] === 'branch' ||
      (path[0] === 'orders' && path.length === 2)
    )
      return;
    // From the back, so that what is left out of a list does not move what comes before it.
    if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) visit(value[i], [...path, i]);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
  };
  visit(one, []);
  return found.sort((a, b) => b.length - a.length).map(({ path }) => path);
}

function has(value: unknown, [key, ...rest]: Path): boolean {
  if (key === undefined) return true;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return false;
  return has((value as Record<string | number, unknown>)[key], rest);
}

function without(value: unknown, [key, ...rest]: Path): unknown {
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.filter((_, i) => i !== key)
      : value.map((one, i) => (i === key ? without(one, rest) : one));
  }
  const { [key as string]: inner, ...others } = value as Record<string, unknown>;
  if (rest.length === 0) return others;
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([name, one]) => [
      name,
      name === key ? without(inner, rest) : one,
    ]),
  );
}

/** Half the memory; half of what a crash leaves the world alone. */
function halved(one: Case): readonly Case[] {
  const kib = Number(/^(\d+)KiB$/.exec(String(one.input.vm.memory))?.[1]);
  const smaller: Case[] = [];
  if (kib >= 8) {
    smaller.push({
      ...one,
      input: { ...one.input, vm: { ...one.input.vm, memory: `${kib / 2}KiB` as `${number}KiB` } },
    });
  }
  if (one.crash !== undefined && one.crash.deadMs > 0) {
    smaller.push({ ...one, crash: { ...one.crash, deadMs: Math.floor(one.crash.deadMs / 10) } });
  }
  return smaller;
}
