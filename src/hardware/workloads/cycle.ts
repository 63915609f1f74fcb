/**
 * Goes over its set in address order, for ever: the worst case for pre-copy at a given rate, because no page is written
 * twice before all others have been.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageSet } from '../page-set.ts';
import type { Rate } from './rate.ts';
import { WriteHead } from './write-head.ts';

export interface CycleSpec {
  readonly kind: 'cycle';
  readonly set: readonly PageRange[];
  readonly rate: Rate;
  /** Index in the set where it begins; 0 when absent. */
  readonly phasePages?: number;
}

export function createCycle(spec: CycleSpec, source: WriteSource, pageBytes: number): WriteHead {
  const { rate, phasePages = 0 } = spec;
  return new WriteHead(source, { set: new PageSet(spec.set), rate, pageBytes, phasePages });
}
