/**
 * The page that `--report` writes, or another file that is made of a run after its end. Whether it can be written is found out before anything runs, because a run may take hours.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { writePieces } from '../lab/whole-file.ts';
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
    if (there !== undefined && !there.isFile()) {
      throw new UsageError(
        `${option} ${path}: it is no file that can be replaced; expected one such as ${join(path, example)}`,
      );
    }
    try {
      accessSync(folder, constants.W_OK);
    } catch {
      throw new UsageError(`${option} ${path}: the folder ${folder} cannot be written to`);
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

/** Words of a command line as a shell takes them. */
export function commandLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

export function quoted(word: string): string {
  return /^[\w./:@%+,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
