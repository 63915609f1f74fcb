/** A file of a sweep that cannot be used, told by its name and line: a person's mistake or a full disk, no mistake of this program. */
import { ScenarioError } from '../scenario/error.ts';

export function refused(file: string, message: string, line: number | null = null): ScenarioError {
  return new ScenarioError([{ file, line, column: null, path: '', message, expected: null, example: null }]);
}

/** What the file system refuses is a ScenarioError that names the file. */
export function tried<T>(file: string, what: 'read' | 'written', work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw refused(file, `cannot be ${what} (${code})`);
  }
}
