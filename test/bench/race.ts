/**
 * Rivals timed against each other in one run: each has its turn in every round, so that a busy machine is busy for all of
 * them, and the median round counts. CPU time of this process unless a disk is waited for.
 */

export interface Rival {
  readonly name: string;
  /** How many things one run does: times are told for one of them. */
  readonly units: number;
  /** Not timed; returns what is. */
  prepare(): () => void;
}

export interface RaceOptions {
  /** Rounds that count; one more goes before them, to warm up. */
  readonly rounds?: number;
  readonly clock?: 'cpu' | 'wall';
}

/** Median ns for one unit, by name, in the order of the rivals. */
export function race(rivals: readonly Rival[], options: RaceOptions = {}): ReadonlyMap<string, number> {
  const { rounds = 7, clock = 'cpu' } = options;
  const nowNs = clock === 'cpu' ? cpuNs : wallNs;
  const samples = new Map<string, number[]>(rivals.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < rivals.length; turn++) {
      // Each goes first in its turn: nobody always inherits the same rival's garbage.
      const { name, units, prepare } = rivals[(turn + round + rivals.length) % rivals.length]!;
      const run = prepare();
      const startNs = nowNs();
      run();
      const ns = nowNs() - startNs;
      if (round >= 0) samples.get(name)!.push(ns / units);
    }
  }
  return new Map([...samples].map(([name, taken]) => [name, median(taken)]));
}

/** Throws a RangeError for no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** User time alone: the kernel's share is page faults, and depends on what ran before. */
function cpuNs(): number {
  return process.cpuUsage().user * 1000;
}

function wallNs(): number {
  return Number(process.hrtime.bigint());
}
