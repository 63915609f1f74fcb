/**
 * The page that `--report` writes. Whether it can be written is found out before anything runs, because a run may take hours.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writeWhole } from '../lab/whole-file.ts';
import { UsageError } from './usage-error.ts';

export class ReportFile {
  readonly path: string;

  /** Throws a UsageError for a path that cannot be written. */
  constructor(path: string) {
    this.path = path;
    const folder = dirname(path);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UsageError(
        `--report ${path}: there is no folder ${folder}; expected a file in one, such as report.html`,
      );
    }
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile()) {
      throw new UsageError(
        `--report ${path}: it is no file that can be replaced; expected one such as ${join(path, 'report.html')}`,
      );
    }
    try {
      accessSync(folder, constants.W_OK);
    } catch {
      throw new UsageError(`--report ${path}: the folder ${folder} cannot be written to`);
    }
  }

  write(page: string): void {
    try {
      writeWhole(this.path, page);
    } catch (error) {
      throw new UsageError(`--report ${this.path}: ${(error as Error).message}`);
    }
    process.stderr.write(`wrote ${this.path}\n`);
  }
}

/** Undefined where no report was asked for. */
export function reportFile(path: string | undefined): ReportFile | undefined {
  return path === undefined ? undefined : new ReportFile(path);
}

/** Words of a command line as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

export function quoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
