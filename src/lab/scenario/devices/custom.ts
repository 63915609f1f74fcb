/** `custom`: a device that nobody has written code for, put together from patterns (patterns.ts). */
import { z } from 'zod';
import { section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import type { Path } from '../places.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';
import {
  checkPattern,
  type Dma,
  normalisePattern,
  type P2pStops,
  p2pStopsKey,
  patternSchema,
  printPattern,
} from './patterns.ts';

export interface CustomDevice extends AnyDevice {
  readonly kind: 'custom';
  /** All at once. Of a trace it writes what is named `dma:<id>` there. */
  readonly dma: readonly Dma[];
  readonly p2pStops: P2pStops;
}

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('custom'),
  features,
  dmaLogging,
  dma: z.array(patternSchema).describe('What it writes, all at once.').prefault([]),
  ...p2pStopsKey,
  ...rest,
});

export const custom = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): CustomDevice => ({
    kind: 'custom',
    ...normaliseCommon(read, pageSizeBytes),
    dma: read.dma.map((pattern) => normalisePattern(pattern, pageSizeBytes)),
    p2pStops: read.p2pStops,
  }),
  check: (device: CustomDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...device.dma.flatMap((dma, i) => checkPattern(dma, vm, [...path, 'dma', i])),
  ],
  print: (device: CustomDevice): z.input<typeof schema> => ({
    kind: device.kind,
    ...printCommon(device),
    dma: device.dma.map(printPattern),
    p2pStops: device.p2pStops,
  }),
};
