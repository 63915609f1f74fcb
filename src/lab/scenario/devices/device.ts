/**
 * Every kind of device that a scenario can name. A kind is a file beside this one: its shape, its defaults, what must
 * agree with the rest of the scenario, and how it is written again. This file only finds the right one.
 */
import { z } from 'zod';
import type { Finding } from '../phrase.ts';
import type { Path } from '../places.ts';
import type { Vm } from '../vm.ts';
import { type NicDevice, nic } from './nic.ts';
import { type VgpuDevice, vgpu } from './vgpu.ts';

export type Device = NicDevice | VgpuDevice;

export const deviceSchema = z.discriminatedUnion('kind', [nic.schema, vgpu.schema]);

export function normaliseDevice(read: z.output<typeof deviceSchema>, pageSizeBytes: number): Device {
  switch (read.kind) {
    case 'nic':
      return nic.normalise(read, pageSizeBytes);
    case 'vgpu':
      return vgpu.normalise(read, pageSizeBytes);
    default:
      return read satisfies never;
  }
}

export function checkDevice(device: Device, vm: Vm, path: Path): readonly Finding[] {
  switch (device.kind) {
    case 'nic':
      return nic.check(device, vm, path);
    case 'vgpu':
      return vgpu.check(device, vm, path);
    default:
      return device satisfies never;
  }
}

export function printDevice(device: Device): z.input<typeof deviceSchema> {
  switch (device.kind) {
    case 'nic':
      return nic.print(device);
    case 'vgpu':
      return vgpu.print(device);
    default:
      return device satisfies never;
  }
}
