/**
 * Writes that go to few pages most of the time: page probabilities by Zipf's law, as a Poisson process. Hot pages are dirty
 * again at once and cold ones hardly ever, so pre-copy gains what a uniform stressor of the same rate denies it.
 *
 * Which page has which rank is a shuffle of the seed, or the address order, where the hot pages share their leaves and huge
 * pages. A span's touched pages are found without drawing each write, at the same distribution.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageBatches } from '../page-batches.ts';
import { PageSet } from '../page-set.ts';
import { Permutation } from '../permutation.ts';
import type { Random } from '../random.ts';
import { type Rate, writesPerSecondOf } from './rate.ts';
import type { Emit, Writer } from './writer.ts';
import { ZipfLaw } from './zipf-law.ts';

export interface ZipfSpec {
  readonly kind: 'zipf';
  /** At most 2^30 pages when scattered. */
  readonly set: readonly PageRange[];
  readonly rate: Rate;
  /** The exponent: 0 is uniform, 1 the classic law; up to 10. */
  readonly skew: number;
  /** Where the hot pages are. Default `scattered`. */
  readonly order?: 'address' | 'scattered';
}

export type ZipfMethod = 'draws' | 'ranks';

export class ZipfWriter implements Writer {
  readonly #set: PageSet;
  readonly #law: ZipfLaw;
  readonly #order: Permutation | undefined;
  readonly #writesPerNs: number;
  readonly #random: Random;
  readonly #batches: PageBatches;
  readonly #method: ZipfMethod | undefined;

  /** `method` fixes the way, for tests of its distribution; absent, each span takes the cheaper one. */
  constructor(spec: ZipfSpec, source: WriteSource, pageBytes: number, random: Random, method?: ZipfMethod) {
    this.#set = new PageSet(spec.set);
    if (this.#set.pages === 0) throw new RangeError(`${source}: nothing to write to`);
    this.#law = new ZipfLaw(this.#set.pages, spec.skew);
    this.#order = spec.order === 'address' ? undefined : new Permutation(this.#set.pages, random);
    this.#writesPerNs = writesPerSecondOf(spec.rate, pageBytes) / 1e9;
    this.#random = random;
    this.#batches = new PageBatches(source, this.#set);
    this.#method = method;
  }

  /** The page of this rank; rank 0 is the hottest. */
  pageOf(rank: number): number {
    return this.#set.pageAt(this.#order === undefined ? rank : this.#order.at(rank));
  }

  advance(fromNs: number, toNs: number, speedPercent: number, emit: Emit): void {
    const mean = (this.#writesPerNs * (toNs - fromNs) * speedPercent) / 100;
    if (mean === 0) return;
    // The other way looks at every group once; below that many writes drawing them costs less.
    const method = this.#method ?? (mean < this.#law.groups ? 'draws' : 'ranks');
    switch (method) {
      case 'draws':
        this.#batches.begin(fromNs, toNs, mean, emit);
        for (let left = this.#random.poisson(mean); left > 0; left--) {
          this.#batches.add(this.pageOf(this.#law.draw(this.#random)));
        }
        break;
      case 'ranks':
        this.#batches.begin(fromNs, toNs, this.#law.touchedAtMost(mean), emit);
        this.#law.forEachTouched(this.#random, mean, (rank) => this.#batches.add(this.pageOf(rank)));
        break;
      default:
        method satisfies never;
    }
    this.#batches.end();
  }
}
