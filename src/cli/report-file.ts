/**
 * The page that `--report` writes, or another file that is made of a run. Whether it can be written is found out before anything
 * runs, because a run may take hours. What is no plain file (a pipe) is written to.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { placeOf, writePieces } from '../lab/whole-file.ts';
import { UsageError } from './usage-error.ts';

export class ReportFile {
  readonly path: string;
  private readonly option: string;

  /** Throws a UsageError for a path that cannot be written. `option`: the one that named it; `example`: of a name. */
  constructor(path: string, option = '--report', example = 'report.html') {
    this.path = path;
    this.option = option;
    const folder = dirname(path);
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new UsageError(
        `${option} ${path}: there is no folder ${folder}; expected a file in one, such as ${example}`,
      );
    }
    const there = statSync(path, { throwIfNoEntry: false });
    if (there?.isDirectory() === true)
      throw new UsageError(`${option} ${path}: it is a folder; expected a file such as ${join(path, example)}`);
    const isReplaced = there === undefined || there.isFile();
    const written = isReplaced ? dirname(placeOf(path)) : path;
    try {
      accessSync(written, constants.W_OK);
    } catch {
      throw new UsageError(`${option} ${path}: ${isReplaced ? `the folder ${written}` : 'it'} cannot be written to`);
    }
  }

  /** `more`: what is said of it besides its name. */
  write(content: string | Iterable<string>, more = ''): void {
    try {
      writePieces(this.path, typeof content === 'string' ? [content] : content);
    } catch (error) {
      throw new UsageError(`${this.option} ${this.path}: ${(error as Error).message}`);
    }
    process.stderr.write(`wrote ${this.path}${more}\n`);
  }
}

/** Undefined where no report was asked for. */
export function reportFile(path: string | undefined): ReportFile | undefined {
  return path === undefined ? undefined : new ReportFile(path);
}
