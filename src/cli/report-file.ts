/**
 * The page that `--report` writes. Whether it can be written is found out before anything runs, because a run may take hours;
 * it is written beside and renamed, so that a half-written page is never left behind.
 */
import { accessSync, constants, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './usage-error.ts';

export class ReportFile {
  readonly path: string;
  private readonly beside: string;

  /** Throws a UsageError for a path that cannot be written. */
  constructor(path: string) {
    this.path = path;
    this.beside = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
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
      writeFileSync(this.beside, page, { flag: 'wx' });
      renameSync(this.beside, this.path);
    } catch (error) {
      rmSync(this.beside, { force: true });
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
