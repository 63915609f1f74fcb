/** A scenario's devices in the model's own words: what each writes and logs, and its migration side. */
import type { ModelDeviceSpec } from '../../drivers/model/spec.ts';
import type { DeviceDmaSpec } from '../../hardware/dma/device-dma.ts';
import { MLX5_LOGGER } from '../../hardware/dma-log.ts';
import { pagesIn } from '../scenario/places.ts';
import type { Device } from '../scenario/scenario.ts';
import { range } from './places.ts';

/** How often a vGPU writes each page that it has mapped, per second. Nobody published one: this project's own default. */
export const VGPU_REWRITES_PER_SECOND = 10;

export function dmaOf(device: Device, pageBytes: number): DeviceDmaSpec {
  const dma = device.kind === 'vgpu' ? vgpuDma(device, pageBytes) : nicDma(device, pageBytes);
  const { id, dmaLogging } = device;
  if (dmaLogging === null) return { id, dma };
  const { maxRanges, pageSizeBytes } = dmaLogging;
  const logging = { ...MLX5_LOGGER, maxRanges, minPageBytes: pageSizeBytes, maxPageBytes: pageSizeBytes };
  return { id, dma, logging };
}

function vgpuDma(
  { mappedBytes, scattered }: Extract<Device, { kind: 'vgpu' }>,
  pageBytes: number,
): DeviceDmaSpec['dma'] {
  const pages = pagesIn(mappedBytes, pageBytes);
  return {
    kind: 'vgpu',
    mapped: scattered ? { scatteredPages: pages } : { ranges: [{ firstPage: 0, pages }] },
    writesPerSecond: pages * VGPU_REWRITES_PER_SECOND,
  };
}

function nicDma({ dma }: Extract<Device, { kind: 'nic' }>, pageBytes: number): DeviceDmaSpec['dma'] {
  if (dma === null) return { kind: 'none' };
  return { kind: 'nic', buffers: [range(dma.atBytes, dma.ringBytes, pageBytes)], bytesPerSecond: dma.bytesPerSecond };
}

export function deviceOf({ id, featureMask, state, times }: Device): ModelDeviceSpec {
  const { loadInitialNs, loadNs, ...walk } = times;
  return {
    id,
    features: featureMask,
    initialBytes: state.initialBytes,
    dirtyBytesPerSecond: state.dirtyBytesPerSecond,
    stopCopyBytes: state.stopCopyBytes,
    times: walk,
    loadInitialNs,
    loadNs,
  };
}
