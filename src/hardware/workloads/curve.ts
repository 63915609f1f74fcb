/**
 * A workload known only by what `calc-dirty-rate` style sampling measures of a real VM: how many distinct pages it has
 * dirtied some time after a clean state. Rules of extrapolation as in "Migration time prediction using calc-dirty-rate"
 * (A. Gudkov, qemu-devel, v2, April 2023).
 *
 * The curve says how many pages, not which. The pages are taken in a fixed order, by address or by a seeded shuffle, and
 * each sync begins the curve, and that order, again: the set dirtied t after any sync is the same. A page that is already
 * in this epoch's set is not written again, so between two syncs every emitted page is a new one.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageBatches } from '../page-batches.ts';
import { PageSet } from '../page-set.ts';
import { Permutation } from '../permutation.ts';
import type { Random } from '../random.ts';
import type { Emit, Writer } from './writer.ts';

export interface CurvePoint {
  /** Time since the clean state. */
  readonly atMs: number;
  /** Distinct pages dirtied until then. */
  readonly pages: number;
}

export interface CurveSpec {
  readonly kind: 'curve';
  /** Everything it can ever dirty: the curve ends at this many pages. */
  readonly set: readonly PageRange[];
  /** Two or more, by ascending time; pages never fall. */
  readonly points: readonly CurvePoint[];
  readonly order: 'address' | 'scattered';
}

/**
 * Distinct pages `ms` after the clean state: straight lines between the points; before the first, the line of the first
 * two carried back to 0 ms and there not below 0 pages; after the last, the last slope, up to `maxPages` and then flat.
 * Not rounded.
 */
export function distinctPagesAfter(points: readonly CurvePoint[], maxPages: number, ms: number): number {
  const first = points[0]!;
  const second = points[1]!;
  let i = 1;
  while (i < points.length - 1 && ms > points[i]!.atMs) i += 1;
  let left = points[i - 1]!;
  let right = points[i]!;
  if (ms < first.atMs) {
    left = { atMs: 0, pages: Math.max(0, first.pages - slope(first, second) * first.atMs) };
    right = first;
  }
  return Math.min(maxPages, left.pages + slope(left, right) * (ms - left.atMs));
}

function slope(left: CurvePoint, right: CurvePoint): number {
  return (right.pages - left.pages) / (right.atMs - left.atMs);
}

export class Curve implements Writer {
  readonly #source: WriteSource;
  readonly #set: PageSet;
  readonly #points: readonly CurvePoint[];
  readonly #order: Permutation | undefined;
  readonly #batches: PageBatches;
  readonly #pairs: Uint32Array;
  /** Time this epoch at full speed, in hundredths of a ns: whole numbers, so that a throttle's percents add up exactly. */
  #activeCentiNs = 0;
  #done = 0;

  constructor(spec: CurveSpec, source: WriteSource, random: Random) {
    checkPoints(spec.points, source);
    this.#source = source;
    this.#set = new PageSet(spec.set);
    this.#points = spec.points;
    this.#order = spec.order === 'scattered' ? new Permutation(this.#set.pages, random) : undefined;
    this.#batches = new PageBatches(source, this.#set);
    this.#pairs = new Uint32Array(2 * spec.set.length);
  }

  synced(): void {
    this.#activeCentiNs = 0;
    this.#done = 0;
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    if (speedPercent === 0 || toNs === fromNs) return;
    this.#activeCentiNs += (toNs - fromNs) * speedPercent;
    const due = Math.round(distinctPagesAfter(this.#points, this.#set.pages, this.#activeCentiNs / 1e8));
    if (due <= this.#done) return;
    if (this.#order === undefined) {
      const end = this.#set.extentsInto(this.#pairs, 0, this.#done, due - this.#done);
      emit({ fromNs, toNs, source: this.#source, form: 'extents', pairs: this.#pairs.subarray(0, end) });
    } else {
      this.#emitScattered(this.#order, due, fromNs, toNs, emit);
    }
    this.#done = due;
  }

  #emitScattered(order: Permutation, due: number, fromNs: number, toNs: number, emit: Emit): void {
    this.#batches.begin(fromNs, toNs, due - this.#done, emit);
    for (let index = this.#done; index < due; index++) this.#batches.add(this.#set.pageAt(order.at(index)));
    this.#batches.end();
  }
}

function checkPoints(points: readonly CurvePoint[], source: WriteSource): void {
  if (points.length < 2) throw new RangeError(`${source}: a curve needs two points`);
  let before: CurvePoint = { atMs: 0, pages: 0 };
  for (const point of points) {
    if (!(point.atMs > before.atMs && point.pages >= before.pages)) {
      throw new RangeError(`${source}: a curve's times must grow and its pages not fall (at ${point.atMs} ms)`);
    }
    before = point;
  }
}
