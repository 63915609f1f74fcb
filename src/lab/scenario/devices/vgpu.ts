/** `vgpu`: everything that is mapped into its page tables is dirty at every query. */
import { z } from 'zod';
import { section, truth } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { checkFits, type Path } from '../places.ts';
import { printSize, size } from '../values.ts';
import type { Vm } from '../vm.ts';
import { type AnyDevice, checkCommon, commonKeys, normaliseCommon, printCommon } from './common.ts';

export interface VgpuDevice extends AnyDevice {
  readonly kind: 'vgpu';
  /** Memory in its page tables: reported dirty as a whole at every query. The last page counts whole. */
  readonly mappedBytes: number;
  /** Whether the mapped pages lie all over memory, or in one run from address 0. */
  readonly scattered: boolean;
}

const { id, features, dmaLogging, ...rest } = commonKeys;
const schema = section({
  id,
  kind: z.literal('vgpu'),
  features,
  dmaLogging,
  mapped: size('Memory in its page tables, reported dirty as a whole at every query.'),
  scattered: truth('The mapped pages lie all over memory; else in one run from address 0.').prefault(true),
  ...rest,
});

export const vgpu = {
  schema,
  normalise: (read: z.output<typeof schema>, pageSizeBytes: number): VgpuDevice => ({
    kind: 'vgpu',
    ...normaliseCommon(read, pageSizeBytes),
    mappedBytes: read.mapped,
    scattered: read.scattered,
  }),
  check: (device: VgpuDevice, vm: Vm, path: Path): readonly Finding[] => [
    ...checkCommon(device, path),
    ...checkFits([...path, 'mapped'], device.mappedBytes, vm.memoryBytes),
  ],
  print: (device: VgpuDevice) => ({
    kind: device.kind,
    ...printCommon(device),
    mapped: printSize(device.mappedBytes),
    scattered: device.scattered,
  }),
};
