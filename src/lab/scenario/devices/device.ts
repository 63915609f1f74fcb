/**
 * Every kind of device that a scenario can name. A kind is a file beside this one: its shape, its defaults, what must
 * agree with the rest of the scenario, and how it is written again. This file only finds the right one.
 */
import { z } from 'zod';
import type { Finding } from '../phrase.ts';
import type { Path } from '../places.ts';
import type { Vm } from '../vm.ts';
import { type AcceleratorDevice, accelerator } from './accelerator.ts';
import { type CustomDevice, custom } from './custom.ts';
import { type GuestCooperativeDevice, guestCooperative } from './guest-cooperative.ts';
import { type MediatedNicDevice, mediatedNic } from './mediated-nic.ts';
import { type NicDevice, nic } from './nic.ts';
import { type NvmeDevice, nvme } from './nvme.ts';
import { type VgpuDevice, vgpu } from './vgpu.ts';

export type Device =
  | NicDevice
  | VgpuDevice
  | NvmeDevice
  | AcceleratorDevice
  | MediatedNicDevice
  | GuestCooperativeDevice
  | CustomDevice;

export const deviceSchema = z.discriminatedUnion('kind', [
  nic.schema,
  vgpu.schema,
  nvme.schema,
  accelerator.schema,
  mediatedNic.schema,
  guestCooperative.schema,
  custom.schema,
]);

export function normaliseDevice(read: z.output<typeof deviceSchema>, pageSizeBytes: number): Device {
  switch (read.kind) {
    case 'nic':
      return nic.normalise(read, pageSizeBytes);
    case 'nvme':
      return nvme.normalise(read, pageSizeBytes);
    case 'accelerator':
      return accelerator.normalise(read, pageSizeBytes);
    case 'mediated-nic':
      return mediatedNic.normalise(read, pageSizeBytes);
    case 'guest-cooperative':
      return guestCooperative.normalise(read, pageSizeBytes);
    case 'custom':
      return custom.normalise(read, pageSizeBytes);
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
    case 'nvme':
      return nvme.check(device, vm, path);
    case 'accelerator':
      return accelerator.check(device, vm, path);
    case 'mediated-nic':
      return mediatedNic.check(device, vm, path);
    case 'guest-cooperative':
      return guestCooperative.check(device, vm, path);
    case 'custom':
      return custom.check(device, vm, path);
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
    case 'nvme':
      return nvme.print(device);
    case 'accelerator':
      return accelerator.print(device);
    case 'mediated-nic':
      return mediatedNic.print(device);
    case 'guest-cooperative':
      return guestCooperative.print(device);
    case 'custom':
      return custom.print(device);
    case 'vgpu':
      return vgpu.print(device);
    default:
      return device satisfies never;
  }
}
