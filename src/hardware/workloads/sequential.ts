/**
 * Goes over its set in address order once and then stops, as the loading of a data set does. With `wraps` it begins
 * again, and is then a `cycle`.
 */
import type { PageRange } from '../../../machines/words.ts';
import type { WriteSource } from '../../streams/page-writes.ts';
import { PageSet } from '../page-set.ts';
import type { Rate } from './rate.ts';
import { WriteHead } from './write-head.ts';

export interface SequentialSpec {
  readonly kind: 'sequential';
  readonly set: readonly PageRange[];
  readonly rate: Rate;
  readonly wraps?: boolean;
}

export function createSequential(spec: SequentialSpec, source: WriteSource, pageBytes: number): WriteHead {
  return new WriteHead(source, {
    set: new PageSet(spec.set),
    rate: spec.rate,
    pageBytes,
    once: !(spec.wraps ?? false),
  });
}
