/**
 * A copy of an SQLite file whose log is damaged, with as much of the log as is good, for reading what can still be read. The
 * damaged files stay as they are: they are the only evidence of what was lost, and any connection to them may change them.
 */
import { constants, copyFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface GoodCopy {
  readonly path: string;
  remove(): void;
}

/** `logBytes`: how much of the log to take. In a folder of its own; throws what the file system throws. */
export function goodCopy(path: string, logBytes: number): GoodCopy {
  const folder = mkdtempSync(join(tmpdir(), 'switchover-'));
  const copy = join(folder, 'copy.db');
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    copyFileSync(path, copy, constants.COPYFILE_FICLONE);
    if (logBytes > 0) {
      copyFileSync(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
      truncateSync(`${copy}-wal`, logBytes);
    }
    return { path: copy, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
