/** The parts of a device's DMA in the model's own words. */
import type { DmaPattern } from '../../hardware/dma/pattern.ts';
import { type Dma, queueBytes } from '../scenario/devices/patterns.ts';
import { bySource, loadTrace } from '../trace-file.ts';
import { range } from './places.ts';

export function patternOf(dma: Dma, deviceId: string, pageBytes: number): DmaPattern {
  switch (dma.pattern) {
    case 'ring':
      return { pattern: 'ring', set: [placeOf(dma, pageBytes)], bytesPerSecond: dma.bytesPerSecond };
    case 'random': {
      const { blockBytes, bytesPerSecond } = dma;
      const blocksPerSecond = bytesPerSecond / blockBytes;
      return { pattern: 'random', set: [placeOf(dma, pageBytes)], blockBytes, blocksPerSecond };
    }
    case 'zipf': {
      const { skew, order, writesPerSecond } = dma;
      return { pattern: 'zipf', set: [placeOf(dma, pageBytes)], skew, order, writesPerSecond };
    }
    case 'queues': {
      const bytes = queueBytes(dma.depth, pageBytes);
      const { readsPerSecond, readBytes, otherCommandsPerSecond } = dma;
      return {
        pattern: 'queues',
        queues: Array.from({ length: dma.queues }, (_, i) => range(dma.atBytes + i * bytes, bytes, pageBytes)),
        buffers: [range(dma.buffersAtBytes, dma.buffersBytes, pageBytes)],
        readsPerSecond,
        readBytes,
        otherCommandsPerSecond,
      };
    }
    case 'peer':
      return { pattern: 'peer', to: dma.to, bytesPerSecond: dma.bytesPerSecond };
    case 'trace':
      return { pattern: 'trace', writes: bySource(loadTrace(dma)).get(`dma:${deviceId}`) ?? [] };
    default:
      return dma satisfies never;
  }
}

function placeOf({ atBytes, setBytes }: { readonly atBytes: number; readonly setBytes: number }, pageBytes: number) {
  return range(atBytes, setBytes, pageBytes);
}
