/**
 * The simulation that one would write down first, as a rival: a byte a page, every write drawn, every page looked at in each
 * round, rounds drained to zero. It has no devices, logs, charts, journal, report or lost-write check, and no QEMU loop, so
 * its rounds are not QEMU's; the amount of pages and writes is the same.
 */

export interface PlainSpec {
  readonly pages: number;
  /** The first so many pages are written to. */
  readonly setPages: number;
  readonly writesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly pageBytes: number;
  readonly downtimeLimitMs: number;
}

export interface PlainResult {
  readonly rounds: number;
  readonly totalMs: number;
  readonly writes: number;
}

export function simulatePlainly(spec: PlainSpec): PlainResult {
  const { pages, setPages, writesPerSecond, pageBytes } = spec;
  const pagesPerSecond = spec.bytesPerSecond / pageBytes;
  const limitPages = (pagesPerSecond * spec.downtimeLimitMs) / 1000;
  const unsent = new Uint8Array(pages).fill(1);
  const dirty = new Uint8Array(pages);
  const writesPerPage = writesPerSecond / pagesPerSecond;
  let [rounds, sent, writes, owed] = [0, 0, 0, 0];
  for (let left = pages; left > limitPages; rounds++) {
    for (let page = 0; page < pages; page++) {
      if (unsent[page] === 0) continue;
      unsent[page] = 0;
      sent++;
      for (owed += writesPerPage; owed >= 1; owed--, writes++) dirty[Math.floor(Math.random() * setPages)] = 1;
    }
    left = 0;
    for (let page = 0; page < pages; page++) {
      if (dirty[page] === 0) continue;
      dirty[page] = 0;
      unsent[page] = 1;
      left++;
    }
  }
  return { rounds, totalMs: (sent / pagesPerSecond) * 1000, writes };
}
