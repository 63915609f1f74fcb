/**
 * What KVM refuses when the dirty ring is enabled, in its order (virt/kvm/kvm_main.c, kvm_vm_ioctl_enable_dirty_log_ring),
 * and how many entries it keeps in reserve (virt/kvm/dirty_ring.c). Pure; errnos are values.
 */
import type { Errno } from '../../../machines/words.ts';
import { PML_ENTRIES } from './pml-buffers.ts';

/** `sizeof(struct kvm_dirty_gfn)`. */
export const RING_ENTRY_BYTES = 16;
/** KVM_DIRTY_RING_MAX_ENTRIES. */
export const RING_ENTRIES_MAX = 65_536;
/** KVM_DIRTY_RING_RSVD_ENTRIES: what a vCPU may log between the request to exit and the exit. */
export const RING_RESERVED_ENTRIES = 64;

export function reservedEntries(pml: boolean): number {
  return RING_RESERVED_ENTRIES + (pml ? PML_ENTRIES : 0);
}

export interface RingVm {
  readonly pml: boolean;
  /** The host's page size. */
  readonly pageBytes: number;
  readonly vcpusCreated?: boolean;
  readonly ringEnabled?: boolean;
}

/** KVM_ENABLE_CAP(KVM_CAP_DIRTY_LOG_RING), whose argument is a size in bytes. Undefined: it is enabled. */
export function checkRingBytes(bytes: number, vm: RingVm): Errno | undefined {
  if (bytes <= 0 || !Number.isInteger(Math.log2(bytes))) return 'EINVAL';
  if (bytes < reservedEntries(vm.pml) * RING_ENTRY_BYTES || bytes < vm.pageBytes) return 'EINVAL';
  if (bytes > RING_ENTRIES_MAX * RING_ENTRY_BYTES) return 'E2BIG';
  return vm.ringEnabled === true || vm.vcpusCreated === true ? 'EINVAL' : undefined;
}
