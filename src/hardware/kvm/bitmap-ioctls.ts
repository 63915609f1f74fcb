/**
 * What KVM_GET_DIRTY_LOG and KVM_CLEAR_DIRTY_LOG refuse, in the kernel's order (virt/kvm/kvm_main.c:
 * kvm_get_dirty_log_protect, kvm_clear_dirty_log_protect). Pure; errnos are values.
 */
import type { Errno } from '../../../machines/words.ts';

/** The VM as these checks see it. A slot is named by its index. */
export interface LoggedVm {
  readonly slots: readonly { readonly pages: number /** It has a dirty bitmap. */; readonly logged: boolean }[];
  /** A dirty ring without the backup bitmap: there is no bitmap at all. */
  readonly ringOnly: boolean;
}

/** KVM_CLEAR_DIRTY_LOG without its bitmap. Pages count from the slot's first one. */
export interface ClearRequest {
  readonly slot: number;
  readonly firstPage: number;
  readonly pages: number;
}

/** One word of the bitmap. */
export const CLEAR_ALIGN_PAGES = 64;

/** Undefined: it is done. */
export function checkGet(vm: LoggedVm, slot: number): Errno | undefined {
  if (vm.ringOnly) return 'ENXIO';
  const found = vm.slots[slot];
  if (found === undefined) return 'EINVAL';
  return found.logged ? undefined : 'ENOENT';
}

/** Undefined: it is done. A length that is no multiple of 64 is legal only where it reaches exactly the slot's end. */
export function checkClear(vm: LoggedVm, { slot, firstPage, pages }: ClearRequest): Errno | undefined {
  if (vm.ringOnly) return 'ENXIO';
  const found = vm.slots[slot];
  if (found === undefined || firstPage % CLEAR_ALIGN_PAGES !== 0) return 'EINVAL';
  if (!found.logged) return 'ENOENT';
  const left = found.pages - firstPage;
  if (left < 0 || pages > left) return 'EINVAL';
  return pages < left && pages % CLEAR_ALIGN_PAGES !== 0 ? 'EINVAL' : undefined;
}
