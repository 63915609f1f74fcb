/** `sequential`: address order over the set, once. */
import { z } from 'zod';
import { section, workRate } from '../leaf.ts';
import {
  at,
  checkWriting,
  normaliseWriting,
  printWriteRate,
  printWriting,
  vcpus,
  type WorkloadRoom,
  type Writing,
  wholeSet,
  writesPerSecond,
} from './writing.ts';

export interface SequentialWorkload extends Writing {
  readonly kind: 'sequential';
  readonly writesPerSecond: number;
}

const schema = section({
  kind: z.literal('sequential'),
  rate: workRate('Whole pages in address order, once.'),
  set: wholeSet,
  vcpus,
  at,
});

export const sequential = {
  schema,
  normalise: (read: z.output<typeof schema>, room: WorkloadRoom): SequentialWorkload => ({
    kind: 'sequential',
    writesPerSecond: writesPerSecond(read.rate, room.pageSize),
    ...normaliseWriting(read, room),
  }),
  check: checkWriting,
  print: (workload: SequentialWorkload) => ({
    kind: workload.kind,
    rate: printWriteRate(workload.writesPerSecond),
    ...printWriting(workload),
  }),
};
