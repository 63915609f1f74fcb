/** `mediated-nic`: a driver on the host scans its descriptors; a buffer is dirty from posting until once after completion. */
import { z } from 'zod';
import { count, section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkRange, finding, type Path, pagesIn } from '../places.ts';
import { cost, dataRate, printCost, printDataRate, printSize, size } from '../values.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';
import {
  checkDriverWrites,
  type DriverWrites,
  driverWritesSchema,
  normaliseDriverWrites,
  printDriverWrites,
} from './mediated.ts';

export interface MediatedNicDevice extends AnyDevice {
  readonly kind: 'mediated-nic';
  /** Received data. */
  readonly bytesPerSecond: number;
  /** The guest's buffers of a page each, posted round and round. */
  readonly poolBytes: number;
  readonly atBytes: number;
  /** Buffers that are posted at a time. */
  readonly descriptors: number;
  /** Per descriptor that a query finds posted or completed; absent: 0. */
  readonly scanNs?: number;
  /** What the driver on the host writes for the guest itself; absent: nothing. */
  readonly driverWrites?: DriverWrites;
}

/** This project's own. */
const DESCRIPTORS = 256;
const DESCRIPTORS_MAX = 2 ** 20;

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('mediated-nic'),
  features,
  dmaLogging,
  rate: dataRate('Received data.'),
  pool: size('The guest’s receive buffers, a page each, posted round and round.'),
  at: size('Where they begin; a whole number of pages.').prefault(0),
  descriptors: count(1, DESCRIPTORS_MAX, 'Buffers that are posted at a time.').prefault(DESCRIPTORS),
  scanCost: cost('Per descriptor that a query finds posted or completed since the last; 0 by default.').optional(),
  driverWrites: driverWritesSchema.optional(),
  ...rest,
});

export const mediatedNic = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): MediatedNicDevice => ({
    kind: 'mediated-nic',
    ...normaliseCommon(read, pageSizeBytes),
    bytesPerSecond: read.rate,
    poolBytes: read.pool,
    atBytes: read.at,
    descriptors: read.descriptors,
    ...(read.scanCost === undefined ? {} : { scanNs: read.scanCost }),
    ...(read.driverWrites === undefined ? {} : { driverWrites: normaliseDriverWrites(read.driverWrites) }),
  }),
  check: (device: MediatedNicDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...checkRange(path, 'pool', device.atBytes, device.poolBytes, vm),
    ...checkDescriptors(device, vm, path),
    ...checkDriverWrites(device.driverWrites, vm, path),
  ],
  print: (device: MediatedNicDevice) => ({
    kind: device.kind,
    ...printCommon(device),
    rate: printDataRate(device.bytesPerSecond),
    pool: printSize(device.poolBytes),
    at: printSize(device.atBytes),
    descriptors: device.descriptors,
    ...(device.scanNs === undefined ? {} : { scanCost: printCost(device.scanNs) }),
    ...(device.driverWrites === undefined ? {} : { driverWrites: printDriverWrites(device.driverWrites) }),
  }),
};

function checkDescriptors({ descriptors, poolBytes }: MediatedNicDevice, vm: Vm, path: Path): readonly Finding[] {
  const buffers = pagesIn(poolBytes, vm.pageSizeBytes);
  if (poolBytes === 0 || descriptors <= buffers) return [];
  return [finding([...path, 'descriptors'], `each names a buffer of its own, and the pool has ${buffers}`)];
}
