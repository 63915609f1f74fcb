/** `random`: each write goes to a page drawn uniformly from the set. */
import { z } from 'zod';
import { section, workRate } from '../leaf.ts';
import {
  at,
  checkWriting,
  normaliseWriting,
  printWriteRate,
  printWriting,
  set,
  vcpus,
  type WorkloadRoom,
  type Writing,
  writesPerSecond,
} from './writing.ts';

export interface RandomWorkload extends Writing {
  readonly kind: 'random';
  readonly writesPerSecond: number;
}

const schema = section({
  kind: z.literal('random'),
  set,
  rate: workRate('Writes, each to a page drawn uniformly.'),
  vcpus,
  at,
});

export const random = {
  schema,
  normalise: (read: z.output<typeof schema>, room: WorkloadRoom): RandomWorkload => ({
    kind: 'random',
    writesPerSecond: writesPerSecond(read.rate, room.pageSize),
    ...normaliseWriting(read, room),
  }),
  check: checkWriting,
  print: (workload: RandomWorkload) => ({
    kind: workload.kind,
    rate: printWriteRate(workload.writesPerSecond),
    ...printWriting(workload),
  }),
};
