/**
 * `accelerator`: results go to pages all over a set, by Zipf's law or evenly (skew 0), and perhaps into a peer's memory.
 * Presets of the patterns `zipf` and `peer`.
 */
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
  type PeerDma,
  p2pStopsKey,
  peerKeys,
  printPattern,
  withoutPattern,
  type ZipfDma,
  zipfKeys,
} from './patterns.ts';

export interface AcceleratorDevice extends AnyDevice {
  readonly kind: 'accelerator';
  /** Null: it has no work. */
  readonly dma: ZipfDma | null;
  /** Null: it writes into no other device. */
  readonly peer: PeerDma | null;
  readonly p2pStops: P2pStops;
}

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('accelerator'),
  features,
  dmaLogging,
  dma: section(zipfKeys).optional(),
  peer: section(peerKeys).optional(),
  ...p2pStopsKey,
  ...rest,
});
type Input = z.input<typeof schema>;

export const accelerator = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): AcceleratorDevice => ({
    kind: 'accelerator',
    ...normaliseCommon(read, pageSizeBytes),
    dma: read.dma === undefined ? null : (normalisePattern({ pattern: 'zipf', ...read.dma }, pageSizeBytes) as ZipfDma),
    peer:
      read.peer === undefined ? null : (normalisePattern({ pattern: 'peer', ...read.peer }, pageSizeBytes) as PeerDma),
    p2pStops: read.p2pStops,
  }),
  check: (device: AcceleratorDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...(device.dma === null ? [] : checkPattern(device.dma, vm, [...path, 'dma'])),
  ],
  print: (device: AcceleratorDevice): Input => ({
    kind: device.kind,
    ...printCommon(device),
    ...(device.dma === null ? {} : { dma: withoutPattern(printPattern(device.dma)) as Input['dma'] }),
    ...(device.peer === null ? {} : { peer: withoutPattern(printPattern(device.peer)) as Input['peer'] }),
    p2pStops: device.p2pStops,
  }),
};
