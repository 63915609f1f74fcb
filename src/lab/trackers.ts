/**
 * Every dirty tracker that the model has, for `switchover list trackers`: what it does in a line, where that is from, and
 * whether it exists anywhere. A KVM log is chosen by `vm.dirtyLog`, a container's tracker by what the container can do.
 */

export interface TrackerListing {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** Proposed somewhere, in no kernel. */
  readonly hypothetical: boolean;
}

export const TRACKERS: readonly TrackerListing[] = [
  {
    name: 'bitmap',
    description: 'KVM: write protection, a bit a page; GET takes the bits and protects again',
    source: 'virt/kvm/kvm_main.c, kvm_get_dirty_log_protect',
    hypothetical: false,
  },
  {
    name: 'bitmap-manual',
    description: 'KVM: GET copies, CLEAR protects, chunk by chunk before each copy; what QEMU uses where it can',
    source: 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, Documentation/virt/kvm/api.rst; accel/kvm/kvm-all.c, kvm_log_clear',
    hypothetical: false,
  },
  {
    name: 'pml',
    description: 'KVM: the CPU lists 512 pages a vCPU, unseen until it exits; no protection faults',
    source: 'arch/x86/kvm/vmx/vmx.c; PML series, Kai Huang, 2015',
    hypothetical: false,
  },
  {
    name: 'ring',
    description: 'KVM: a ring of entries a vCPU; one that fills its ring stands still until it is harvested and reset',
    source: 'virt/kvm/dirty_ring.c; KVM_CAP_DIRTY_LOG_RING, Documentation/virt/kvm/api.rst',
    hypothetical: false,
  },
  {
    name: 'range-ring',
    description: 'KVM: a ring of ranges, the newest held back for merging',
    source: 'review of "KVM: Dirty ring interface" on the kvm list, January 2020',
    hypothetical: true,
  },
  {
    name: 'device',
    description: 'VFIO: the device logs its own DMA; a report takes what it found',
    source: 'VFIO_DEVICE_FEATURE_DMA_LOGGING_*, include/uapi/linux/vfio.h',
    hypothetical: false,
  },
  {
    name: 'iommu',
    description: 'VFIO: dirty bits in the page tables of the IOMMU, one a leaf',
    source: 'IOMMU_HWPT_SET_DIRTY_TRACKING, include/uapi/linux/iommufd.h',
    hypothetical: false,
  },
  {
    name: 'perpetual',
    description: 'VFIO: nobody can tell, so all mapped memory is dirty at every sync',
    source: 'QEMU, hw/vfio/container.c',
    hypothetical: false,
  },
];
