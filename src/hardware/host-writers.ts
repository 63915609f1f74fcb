/**
 * Whoever writes guest memory on the source host itself: emulated devices in the vmm, vhost in the kernel or in a process
 * of its own. KVM's log does not see them (Documentation/virt/kvm/api.rst, KVM_GET_DIRTY_LOG), nor does any device's: only
 * the vmm's own log does (`host-log.ts`), and for vhost the log that it fills for the vmm (VHOST_SET_LOG_BASE,
 * include/uapi/linux/vhost.h), which the vmm merges into that.
 *
 * They run at their own speed, whatever throttles the vCPUs, and stop with them: QEMU stops its back ends in the change of
 * the run state (hw/virtio/virtio.c, virtio_vmstate_change). Whether they may run is the world's to say.
 */
import type { WriteSource } from '../streams/page-writes.ts';
import type { GuestMemory } from './memory.ts';
import { createRandom } from './random.ts';
import { createWriter, requireRamOf, type WriterSpec } from './workloads/workload.ts';
import type { Emit, Writer } from './workloads/writer.ts';

/** What it writes is named `host:<id>`. */
export type HostWriterSpec = { readonly id: string } & WriterSpec;

export class HostWriters {
  readonly #writers: readonly Writer[];

  /** Throws a RangeError for an id twice, and for one that would write outside RAM. */
  constructor(specs: readonly HostWriterSpec[], memory: GuestMemory, seed: number) {
    const ids = specs.map(({ id }) => id);
    const twice = ids.find((id, i) => ids.indexOf(id) !== i);
    if (twice !== undefined) throw new RangeError(`two host writers ${twice}`);
    this.#writers = specs.map((spec) => {
      const source: WriteSource = `host:${spec.id}`;
      requireRamOf(spec, memory, source);
      return createWriter(spec, source, memory.pageBytes, createRandom(seed, source));
    });
  }

  advance(fromNs: number, toNs: number, emit: Emit): void {
    for (const writer of this.#writers) writer.advance(fromNs, toNs, 100, emit);
  }

  synced(): void {
    for (const writer of this.#writers) writer.synced?.();
  }
}
