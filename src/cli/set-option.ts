/** `--set KEY=VALUE`: what is other in a scenario, by dotted path; the value is read as in a scenario file. */
import { UsageError } from './usage-error.ts';

/** In the order in which they were said. Throws a UsageError. */
export async function changesOf(set: readonly string[]): Promise<readonly (readonly [path: string, value: unknown])[]> {
  if (set.length === 0) return [];
  const { parse } = await import('yaml');
  const { isPath } = await import('../lab/experiment/path.ts');
  return set.map((text) => {
    const equals = text.indexOf('=');
    const key = text.slice(0, Math.max(0, equals)).trim();
    if (!isPath(key) || key.includes('[]'))
      throw new UsageError(`--set: expected KEY=VALUE such as link.bandwidth=40Gbit/s, got "${text}"`);
    try {
      return [key, parse(text.slice(equals + 1)) as unknown] as const;
    } catch (error) {
      throw new UsageError(`--set ${key}: ${(error as Error).message.split('\n')[0]}`);
    }
  });
}

/** For an option that may be said again. */
export function collected(one: string, others: readonly string[] = []): readonly string[] {
  return [...others, one];
}
