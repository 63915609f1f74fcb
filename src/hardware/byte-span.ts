/** Bytes of guest memory as the pages that they touch. */
import type { PageRange } from '../../machines/words.ts';

export interface ByteSpan {
  readonly atBytes: number;
  readonly bytes: number;
}

/**
 * Every page that holds one of the bytes. The place within the first page counts, too: two bytes at offset 4095 touch two
 * pages of 4 KiB. The kernel counted by the length alone until 2020 (vfio/type1, commit 2c5af98592f6).
 */
export function pagesTouched({ atBytes, bytes }: ByteSpan, pageBytes: number): PageRange {
  if (!(Number.isSafeInteger(atBytes) && atBytes >= 0 && Number.isSafeInteger(bytes) && bytes >= 0)) {
    throw new RangeError(`no bytes of memory: ${bytes} at ${atBytes}`);
  }
  const firstPage = Math.floor(atBytes / pageBytes);
  if (bytes === 0) return { firstPage, pages: 0 };
  return { firstPage, pages: Math.floor((atBytes + bytes - 1) / pageBytes) - firstPage + 1 };
}
