/** `cycle`: address order over the set, for ever; the first write is `phaseBytes` into the set. */
import { z } from 'zod';
import { section, workRate } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { finding, type Path, sizeText } from '../places.ts';
import { printSize, size } from '../values.ts';
import type { Vm } from '../vm.ts';
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

export interface CycleWorkload extends Writing {
  readonly kind: 'cycle';
  readonly writesPerSecond: number;
  readonly phaseBytes: number;
}

const schema = section({
  kind: z.literal('cycle'),
  set,
  rate: workRate('Whole pages in address order, for ever.'),
  vcpus,
  at,
  phase: size('How far into the set the first write is.').prefault(0),
});

export const cycle = {
  schema,
  normalise: (read: z.output<typeof schema>, room: WorkloadRoom): CycleWorkload => ({
    kind: 'cycle',
    writesPerSecond: writesPerSecond(read.rate, room.pageSize),
    phaseBytes: read.phase,
    ...normaliseWriting(read, room),
  }),
  check: (workload: CycleWorkload, vm: Vm, path: Path): readonly Finding[] => [
    ...checkWriting(workload, vm, path),
    ...(workload.phaseBytes > 0 && workload.phaseBytes >= workload.setBytes
      ? [finding([...path, 'phase'], `must lie within the set, which is ${sizeText(workload.setBytes)}`)]
      : []),
  ],
  print: (workload: CycleWorkload) => ({
    kind: workload.kind,
    rate: printWriteRate(workload.writesPerSecond),
    phase: printSize(workload.phaseBytes),
    ...printWriting(workload),
  }),
};
