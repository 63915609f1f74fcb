/** What a process that was killed leaves behind: a journal's file, its log and the index, as they are while it is open. */
import { copyFileSync, existsSync, readFileSync } from 'node:fs';

export const LOG_HEADER_BYTES = 32;
/** A frame is a page of 4096 bytes, SQLite's default, behind a header. */
export const FRAME_BYTES = 24 + 4096;

export function leaveBehind(open: string, as: string): void {
  for (const end of ['', '-wal', '-shm']) {
    if (existsSync(`${open}${end}`)) copyFileSync(`${open}${end}`, `${as}${end}`);
  }
}

/** The frames of a log after which a commit ends, from 1. */
export function commitsIn(log: string): readonly number[] {
  const bytes = readFileSync(log);
  const commits: number[] = [];
  for (let frame = 1; LOG_HEADER_BYTES + frame * FRAME_BYTES <= bytes.length; frame++) {
    if (bytes.readUInt32BE(LOG_HEADER_BYTES + (frame - 1) * FRAME_BYTES + 4) !== 0) commits.push(frame);
  }
  return commits;
}
