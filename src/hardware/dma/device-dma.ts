/**
 * What one device writes into guest memory, in its run states. A device that is quiet towards its peers (the P2P states)
 * still writes guest memory, unless it cannot tell the two apart and then stops all of it; a stopped one writes nothing
 * (include/uapi/linux/vfio.h, VFIO_DEVICE_STATE_RUNNING_P2P and _STOP).
 */
import type { WriteSource } from '../../streams/page-writes.ts';
import type { DmaLoggerSpec } from '../dma-log.ts';
import type { GuestMemory } from '../memory.ts';
import type { Random } from '../random.ts';
import { Idle } from '../workloads/idle.ts';
import type { Emit, Writer } from '../workloads/writer.ts';
import type { MappedPages } from './mapped-pages.ts';
import { createNicDma, type NicDmaSpec } from './nic.ts';
import { VgpuDma, type VgpuDmaSpec } from './vgpu.ts';

/** `none`: a device that reads guest memory or does nothing. */
export type DmaSpec = { readonly kind: 'none' } | NicDmaSpec | VgpuDmaSpec;

export interface DeviceDmaSpec {
  readonly id: string;
  readonly dma: DmaSpec;
  /** Absent: the device has no DMA logging. */
  readonly logging?: DmaLoggerSpec;
  /** It cannot tell peer-to-peer from other DMA, and stops all of it in a P2P state. */
  readonly quietStopsAllDma?: boolean;
}

export type DmaState = 'running' | 'p2pQuiet' | 'stopped';

export class DeviceDma {
  readonly id: string;
  /** A mediated device's map; undefined for others. */
  readonly mapped: MappedPages | undefined;
  readonly #writer: Writer;
  readonly #quietStopsAllDma: boolean;
  #state: DmaState = 'running';

  /** Throws a RangeError when the device would write outside RAM. */
  constructor(spec: DeviceDmaSpec, memory: GuestMemory, random: Random) {
    this.id = spec.id;
    this.#quietStopsAllDma = spec.quietStopsAllDma ?? false;
    this.#writer = createDma(spec.dma, `dma:${spec.id}`, memory, random);
    this.mapped = this.#writer instanceof VgpuDma ? this.#writer.mapped : undefined;
  }

  get state(): DmaState {
    return this.#state;
  }

  set(state: DmaState): void {
    this.#state = state;
  }

  advance(fromNs: number, toNs: number, emit: Emit): void {
    if (this.#state === 'stopped' || (this.#state === 'p2pQuiet' && this.#quietStopsAllDma)) return;
    this.#writer.advance(fromNs, toNs, 100, emit);
  }
}

function createDma(spec: DmaSpec, source: WriteSource, memory: GuestMemory, random: Random): Writer {
  switch (spec.kind) {
    case 'none':
      return new Idle();
    case 'nic':
      memory.requireRam(spec.buffers, source);
      return createNicDma(spec, source, memory.pageBytes);
    case 'vgpu':
      return new VgpuDma(spec, source, memory, random);
    default:
      return spec satisfies never;
  }
}
