/** `nic`: received data goes through a ring of buffers, for ever. */
import { z } from 'zod';
import { section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkRange, type Path } from '../places.ts';
import { dataRate, printDataRate, printSize, size } from '../values.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';

export interface NicDevice extends AnyDevice {
  readonly kind: 'nic';
  /** Received data, written through a ring of buffers for ever; null: no traffic. */
  readonly dma: { readonly bytesPerSecond: number; readonly ringBytes: number; readonly atBytes: number } | null;
}

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('nic'),
  features,
  dmaLogging,
  dma: section({
    rate: dataRate('Received data.'),
    ring: size('The buffers that it is written to, in turn.'),
    at: size('Where the set begins; a whole number of pages.').prefault(0),
  }).optional(),
  ...rest,
});

export const nic = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): NicDevice => ({
    kind: 'nic',
    ...normaliseCommon(read, pageSizeBytes),
    dma:
      read.dma === undefined ? null : { bytesPerSecond: read.dma.rate, ringBytes: read.dma.ring, atBytes: read.dma.at },
  }),
  check: (device: NicDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...(device.dma === null ? [] : checkRange([...path, 'dma'], 'ring', device.dma.atBytes, device.dma.ringBytes, vm)),
  ],
  print: (device: NicDevice) => ({
    kind: device.kind,
    ...printCommon(device),
    ...(device.dma === null ? {} : { dma: printDma(device.dma) }),
  }),
};

function printDma({ bytesPerSecond, ringBytes, atBytes }: NonNullable<NicDevice['dma']>) {
  return { rate: printDataRate(bytesPerSecond), ring: printSize(ringBytes), at: printSize(atBytes) };
}
