/** `vgpu`: everything that is mapped into its page tables is dirty at every query. */
import { z } from 'zod';
import { quantity, section, truth, word } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkFits, type Path } from '../places.ts';
import { WRITE_RATE, type WriteRateText } from '../quantity.ts';
import { cost, printCost, printDuration, printSize, printText, size } from '../values.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';
import {
  checkDriverWrites,
  type DriverWrites,
  driverWritesSchema,
  normaliseDriverWrites,
  printDriverWrites,
} from './mediated.ts';
import { watchdog } from './watchdog.ts';

export interface VgpuDevice extends AnyDevice {
  readonly kind: 'vgpu';
  /** Memory in its page tables: reported dirty as a whole at every query. The last page counts whole. */
  readonly mappedBytes: number;
  /** Whether the mapped pages lie all over memory, or in one run from address 0. */
  readonly scattered: boolean;
  /** When the host learns of the map: at each update, which is meant where it is absent, or at each query. */
  readonly maintain?: 'onUpdate' | 'walkAtQuery';
  /** Per page whose mapping or unmapping the host notes, paid by the guest; absent: 0. */
  readonly updateNs?: number;
  /** Per page that a query finds in the tables, with `walkAtQuery`; absent: 0. */
  readonly walkNs?: number;
  /** Pages that the guest unmaps and replaces a second; absent: 0. */
  readonly churnPagesPerSecond?: number;
  /** What the driver on the host writes for the guest itself; absent: nothing. */
  readonly driverWrites?: DriverWrites;
  /** The guest resets it when its service stops for longer; absent: it has no watchdog. */
  readonly watchdogNs?: number;
}

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('vgpu'),
  features,
  dmaLogging,
  mapped: size('Memory in its page tables, reported dirty as a whole at every query.'),
  scattered: truth('The mapped pages lie all over memory; else in one run from address 0.').prefault(true),
  maintain: word(
    ['onUpdate', 'walkAtQuery'],
    'When the host learns what is mapped: at each table write (the default), or by a walk at each query.',
  ).optional(),
  updateCost: cost('Per page whose mapping or unmapping is noted; the guest pays. 0 by default.').optional(),
  walkCost: cost('Per page that a walk finds, with walkAtQuery; the query takes longer. 0 by default.').optional(),
  churn: quantity<WriteRateText>(
    WRITE_RATE,
    'Pages that the guest unmaps a second, oldest first, with another mapped for each; 0 by default.',
  ).optional(),
  driverWrites: driverWritesSchema.optional(),
  watchdog: watchdog.optional(),
  ...rest,
});
type Read = z.output<typeof schema>;

export const vgpu = {
  schema,
  normalise: (read: Read, pageSizeBytes: number): VgpuDevice => ({
    kind: 'vgpu',
    ...normaliseCommon(read, pageSizeBytes),
    mappedBytes: read.mapped,
    scattered: read.scattered,
    ...(read.maintain === undefined ? {} : { maintain: read.maintain }),
    ...(read.updateCost === undefined ? {} : { updateNs: read.updateCost }),
    ...(read.walkCost === undefined ? {} : { walkNs: read.walkCost }),
    ...(read.churn === undefined ? {} : { churnPagesPerSecond: read.churn }),
    ...(read.driverWrites === undefined ? {} : { driverWrites: normaliseDriverWrites(read.driverWrites) }),
    ...(read.watchdog === undefined || read.watchdog === null ? {} : { watchdogNs: read.watchdog }),
  }),
  check: (device: VgpuDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...checkFits([...path, 'mapped'], device.mappedBytes, vm.memoryBytes),
    ...checkDriverWrites(device.driverWrites, vm, path),
  ],
  print: (device: VgpuDevice) => ({
    kind: device.kind,
    ...printCommon(device),
    mapped: printSize(device.mappedBytes),
    scattered: device.scattered,
    ...printTables(device),
    ...(device.driverWrites === undefined ? {} : { driverWrites: printDriverWrites(device.driverWrites) }),
    ...(device.watchdogNs === undefined ? {} : { watchdog: printDuration(device.watchdogNs) }),
  }),
};

function printTables({ maintain, updateNs, walkNs, churnPagesPerSecond }: VgpuDevice) {
  return {
    ...(maintain === undefined ? {} : { maintain }),
    ...(updateNs === undefined ? {} : { updateCost: printCost(updateNs) }),
    ...(walkNs === undefined ? {} : { walkCost: printCost(walkNs) }),
    ...(churnPagesPerSecond === undefined ? {} : { churn: printText<WriteRateText>(WRITE_RATE, churnPagesPerSecond) }),
  };
}
