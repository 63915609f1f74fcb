/** `nvme`: reads write their data, and every command its completion entry. A preset of the pattern `queues`. */
import { z } from 'zod';
import { section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import type { Path } from '../places.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';
import {
  checkPattern,
  normalisePattern,
  type P2pStops,
  p2pStopsKey,
  printPattern,
  type QueuesDma,
  queuesKeys,
  withoutPattern,
} from './patterns.ts';

export interface NvmeDevice extends AnyDevice {
  readonly kind: 'nvme';
  /** Null: nobody uses the disk. */
  readonly dma: QueuesDma | null;
  readonly p2pStops: P2pStops;
}

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('nvme'),
  features,
  dmaLogging,
  dma: section(queuesKeys).optional(),
  ...p2pStopsKey,
  ...rest,
});

export const nvme = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): NvmeDevice => ({
    kind: 'nvme',
    ...normaliseCommon(read, pageSizeBytes),
    dma:
      read.dma === undefined
        ? null
        : (normalisePattern({ pattern: 'queues', ...read.dma }, pageSizeBytes) as QueuesDma),
    p2pStops: read.p2pStops,
  }),
  check: (device: NvmeDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...(device.dma === null ? [] : checkPattern(device.dma, vm, [...path, 'dma'])),
  ],
  print: (device: NvmeDevice): z.input<typeof schema> => ({
    kind: device.kind,
    ...printCommon(device),
    ...(device.dma === null ? {} : { dma: withoutPattern(printPattern(device.dma)) as z.input<typeof schema>['dma'] }),
    p2pStops: device.p2pStops,
  }),
};
