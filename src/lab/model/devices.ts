/** A scenario's devices in the model's own words: what each writes and logs, and its migration side. */
import type { ModelDeviceSpec } from '../../drivers/model/spec.ts';
import type { DeviceDmaSpec } from '../../hardware/dma/device-dma.ts';
import type { DmaPattern } from '../../hardware/dma/pattern.ts';
import { LOGGERS } from '../../hardware/dma-log.ts';
import type { Dma } from '../scenario/devices/patterns.ts';
import { pagesIn } from '../scenario/places.ts';
import type { Device } from '../scenario/scenario.ts';
import { patternOf } from './patterns.ts';
import { range } from './places.ts';

/** How often a vGPU writes each page that it has mapped, per second. Nobody published one: this project's own default. */
export const VGPU_REWRITES_PER_SECOND = 10;

export function dmaOf(device: Device, pageBytes: number): DeviceDmaSpec {
  const dma = writesOf(device, pageBytes);
  const { id, dmaLogging } = device;
  // A device that cannot tell its writes to peers from others stops all of them in a P2P state.
  const quiet = 'p2pStops' in device && device.p2pStops === 'all' ? { quietStopsAllDma: true } : {};
  const driver = driverWritesOf(device, pageBytes);
  if (dmaLogging === null) return { id, dma, ...quiet, ...driver };
  const { maxRanges, pageSizeBytes, preset = 'mlx5', physicalFunction } = dmaLogging;
  const logging = {
    ...LOGGERS[preset],
    maxRanges,
    minPageBytes: pageSizeBytes,
    maxPageBytes: pageSizeBytes,
    ...(physicalFunction === undefined ? {} : { physicalFunction }),
  };
  return { id, dma, logging, ...quiet, ...driver };
}

function driverWritesOf(device: Device, pageBytes: number): Pick<DeviceDmaSpec, 'driverWrites'> {
  if (!('driverWrites' in device) || device.driverWrites === undefined) return {};
  const { atBytes, setBytes, bytesPerSecond } = device.driverWrites;
  return { driverWrites: { set: [range(atBytes, setBytes, pageBytes)], bytesPerSecond } };
}

function writesOf(device: Device, pageBytes: number): DeviceDmaSpec['dma'] {
  switch (device.kind) {
    case 'nic':
      return nicDma(device, pageBytes);
    case 'vgpu':
      return vgpuDma(device, pageBytes);
    case 'mediated-nic':
      return mediatedNicDma(device, pageBytes);
    case 'guest-cooperative':
      return cooperativeDma(device, pageBytes);
    case 'nvme':
      return patternsOf(device.dma === null ? [] : [device.dma], device.id, pageBytes);
    case 'accelerator':
      return patternsOf(
        [device.dma, device.peer].filter((part) => part !== null),
        device.id,
        pageBytes,
      );
    case 'custom':
      return patternsOf(device.dma, device.id, pageBytes);
    default:
      return device satisfies never;
  }
}

function patternsOf(parts: readonly Dma[], deviceId: string, pageBytes: number): readonly DmaPattern[] {
  return parts.map((part) => patternOf(part, deviceId, pageBytes));
}

function vgpuDma(device: Extract<Device, { kind: 'vgpu' }>, pageBytes: number): DeviceDmaSpec['dma'] {
  const { mappedBytes, scattered, maintain, updateNs, walkNs, churnPagesPerSecond } = device;
  const pages = pagesIn(mappedBytes, pageBytes);
  const costs = {
    ...(maintain === undefined ? {} : { maintain }),
    ...(updateNs === undefined ? {} : { updateNs }),
    ...(walkNs === undefined ? {} : { entryNs: walkNs }),
  };
  return {
    kind: 'vgpu',
    mapped: scattered ? { scatteredPages: pages } : { ranges: [{ firstPage: 0, pages }] },
    writesPerSecond: pages * VGPU_REWRITES_PER_SECOND,
    ...(Object.keys(costs).length === 0 ? {} : { costs }),
    ...(churnPagesPerSecond === undefined ? {} : { churnPagesPerSecond }),
  };
}

function mediatedNicDma(
  { atBytes, poolBytes, descriptors, bytesPerSecond, scanNs }: Extract<Device, { kind: 'mediated-nic' }>,
  pageBytes: number,
): DeviceDmaSpec['dma'] {
  const pool = [range(atBytes, poolBytes, pageBytes)];
  const scan = scanNs === undefined ? {} : { descriptorNs: scanNs };
  return { kind: 'mediated-nic', pool, descriptors, bytesPerSecond, ...scan };
}

/** Ring, late buffers and coherent memory, one behind the other. */
function cooperativeDma(
  { dma, cooperation }: Extract<Device, { kind: 'guest-cooperative' }>,
  pageBytes: number,
): DeviceDmaSpec['dma'] {
  const { atBytes, ringBytes, lateBytes, coherentBytes, bytesPerSecond } = dma;
  const { mode, notifyNs, haltNs, resumeNs, writePageNs, vcpu, dmaApi } = cooperation;
  const part = (at: number, bytes: number) => (bytes === 0 ? [] : [range(at, bytes, pageBytes)]);
  return {
    kind: 'guest-cooperative',
    buffers: part(atBytes, ringBytes),
    lateBuffers: part(atBytes + ringBytes, lateBytes),
    coherent: part(atBytes + ringBytes + lateBytes, coherentBytes),
    bytesPerSecond,
    driver: { mode, notifyNs, haltNs, resumeNs, writePageNs, vcpu, dmaApi },
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
    ...(state.readBytesPerSecond === undefined ? {} : { readBytesPerSecond: state.readBytesPerSecond }),
    times: walk,
    loadInitialNs,
    loadNs,
  };
}
