/**
 * Every dirty tracker that the model has: what it does in a line, where that is from, whether it exists anywhere, and the five
 * questions that tell trackers apart. `switchover list trackers` and the table of src/hardware/README.md are both made of this.
 * A KVM log is chosen by `vm.dirtyLog`, a container's tracker by what the container and its devices can do.
 */

export interface TrackerListing {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** Proposed somewhere, in no kernel. */
  readonly hypothetical: boolean;
  /** A page that is dirty: since when? */
  readonly dirtySince: string;
  readonly epochEnds: string;
  /** Does it run, and cost, while nobody migrates? */
  readonly whileIdle: string;
  /** What may still come out of it after the device, or the vCPUs, have stopped? */
  readonly afterStop: string;
  readonly overReports: string;
}

/** What all of KVM's logs have in common. */
const KVM_LOG = { hypothetical: false, whileIdle: 'no' } as const;

export const TRACKERS: readonly TrackerListing[] = [
  {
    ...KVM_LOG,
    name: 'bitmap',
    description: 'KVM: write protection, a bit a page; GET takes the bits and protects again',
    source: 'virt/kvm/kvm_main.c, kvm_get_dirty_log_protect',
    dirtySince: 'the last GET, or the start of the log',
    epochEnds: 'GET: takes, protects, flushes',
    afterStop: 'nothing: the fault has set the bit before the write',
    overReports: 'nothing',
  },
  {
    ...KVM_LOG,
    name: 'bitmap-manual',
    description: 'KVM: GET copies, CLEAR protects, chunk by chunk before each copy; what QEMU uses where it can',
    source: 'KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, Documentation/virt/kvm/api.rst; accel/kvm/kvm-all.c, kvm_log_clear',
    dirtySince: 'the last CLEAR of its chunk',
    epochEnds: 'CLEAR, piece by piece; a GET alone ends nothing',
    afterStop: 'nothing new; whatever no CLEAR has taken, again',
    overReports: 'everything at first, where all bits are set initially',
  },
  {
    ...KVM_LOG,
    name: 'pml',
    description: 'KVM: the CPU lists 512 pages a vCPU, unseen until it exits; no protection faults',
    source: 'arch/x86/kvm/vmx/vmx.c; PML series, Kai Huang, 2015',
    dirtySince: 'the last GET',
    epochEnds: 'GET: makes every vCPU exit, takes, clears the D bits, flushes',
    afterStop: 'up to 512 pages a vCPU, until it has exited',
    overReports: 'nothing',
  },
  {
    ...KVM_LOG,
    name: 'ring',
    description: 'KVM: a ring of entries a vCPU; one that fills its ring stands still until it is harvested and reset',
    source: 'virt/kvm/dirty_ring.c; KVM_CAP_DIRTY_LOG_RING, Documentation/virt/kvm/api.rst',
    dirtySince: 'the last RESET of its entry',
    epochEnds: "harvest and RESET: at a sync, at a full ring, at the reaper's period",
    afterStop: 'PML buffers not yet drained; a backup bitmap, read last',
    overReports: 'a page once for each RESET; a write that is logged but not yet done',
  },
  {
    ...KVM_LOG,
    name: 'range-ring',
    description: 'KVM: a ring of ranges, the newest held back for merging',
    source: 'review of "KVM: Dirty ring interface" on the kvm list, January 2020',
    hypothetical: true,
    dirtySince: 'the last RESET of its range',
    epochEnds: 'as the ring',
    afterStop: 'the ranges held back, until every vCPU has been kicked',
    overReports: 'as the ring',
  },
  {
    name: 'device',
    description: 'VFIO: the device logs its own DMA; a report takes what it found',
    source: 'VFIO_DEVICE_FEATURE_DMA_LOGGING_*, include/uapi/linux/vfio.h',
    hypothetical: false,
    dirtySince: 'the last REPORT over that range, or START',
    epochEnds: 'REPORT: reads and clears what it was asked for',
    whileIdle: 'no',
    afterStop: 'what it wrote before: the last REPORT comes after STOP and before the log is stopped',
    overReports: 'whole pages of its own granularity; everything after any error',
  },
  {
    name: 'stop-phase-only',
    description: 'VFIO: a device that reports nothing until it is stopped, so that the estimate is too good',
    source: 'QEMU, hw/vfio/pci.c, x-pre-copy-dirty-page-tracking',
    hypothetical: false,
    dirtySince: 'the start of the migration',
    epochEnds: 'nothing, until the device has stopped',
    whileIdle: 'no',
    afterStop: 'everything that it has written since the start',
    overReports: 'nothing; while it runs it under-reports, and nobody may rely on it',
  },
  {
    name: 'iommu',
    description: 'VFIO: dirty bits in the page tables of the IOMMU, one a leaf',
    source: 'IOMMU_HWPT_SET_DIRTY_TRACKING, include/uapi/linux/iommufd.h',
    hypothetical: false,
    dirtySince: 'the last GET_DIRTY_BITMAP that cleared, or the enabling',
    epochEnds: 'clearing the bits and flushing the IOTLB; without the flush, nothing',
    whileIdle: 'the bits, on SMMUv3; the tracking, no',
    afterStop: 'what it wrote before: the bits stay until they are read',
    overReports: 'the whole leaf: 512 pages for 2 MiB, 262144 for 1 GiB',
  },
  {
    name: 'type1',
    description:
      'VFIO: no bits at all; all pinned pages are dirty, or all mapped ones if one group does not say what it pins',
    source: 'VFIO_IOMMU_DIRTY_PAGES, drivers/vfio/vfio_iommu_type1.c',
    hypothetical: false,
    dirtySince: 'unknown: pinned is dirty',
    epochEnds: 'GET: clears, and sets again what is pinned',
    whileIdle: 'the pins are known, the bitmap is not there',
    afterStop: 'everything pinned, every time; what was unpinned since, once',
    overReports: 'every pinned page that nobody wrote',
  },
  {
    name: 'perpetual',
    description: 'VFIO: nobody can tell, so all mapped memory is dirty at every sync',
    source: 'QEMU, hw/vfio/container.c',
    hypothetical: false,
    dirtySince: 'for ever',
    epochEnds: 'nothing',
    whileIdle: 'there is nothing to run',
    afterStop: 'all mapped memory',
    overReports: 'everything that was not written',
  },
  {
    name: 'vgpu',
    description: 'mediated GPU: everything in its page tables is dirty, and was known all along',
    source: 'Kevin Tian on qemu-devel, June 2017; KVMGT, drivers/gpu/drm/i915/gvt',
    hypothetical: false,
    dirtySince: 'it was mapped',
    epochEnds: 'a query: unmapped pages are forgotten after one more report',
    whileIdle: 'yes: the map is kept at every update of the tables, or walked at the query',
    afterStop: 'everything that is still mapped',
    overReports: 'mapped pages that nobody wrote',
  },
  {
    name: 'mediated-nic',
    description: 'mediated NIC: descriptors are scanned; a buffer is dirty from posting until once after completion',
    source: 'Intel on qemu-devel, 2017, for devices that a driver on the host mediates',
    hypothetical: true,
    dirtySince: 'its descriptor was posted',
    epochEnds: 'the query after its completion',
    whileIdle: 'the rings are mediated; the scan, no',
    afterStop: 'buffers that are posted and not completed',
    overReports: 'posted buffers that nothing has arrived in',
  },
  {
    name: 'dma-write-protection',
    description:
      'IOMMU entries made read-only, a page request for each first write; without ATS and PRI the write is aborted',
    source: "PCI Express ATS and PRI; 'IOMMUFD Dirty Tracking' RFC, April 2022: a read-only entry aborts the write",
    hypothetical: true,
    dirtySince: 'it was protected',
    epochEnds: 'protecting again, with a flush',
    whileIdle: 'no',
    afterStop: 'page requests that have not been answered',
    overReports: 'nothing',
  },
  {
    name: 'guest-cooperative',
    description: "no tracking hardware: the guest's driver halts its DMA and writes a word of every page with the CPU",
    source: 'live migration of SR-IOV NICs, kvm list, December 2015; in no kernel',
    hypothetical: true,
    dirtySince: "the dummy write, by way of KVM's log",
    epochEnds: "as KVM's log; a dummy write covers what was written before it and nothing after",
    whileIdle: 'no; a driver that dirties at every unmap, yes',
    afterStop: 'nothing: the vCPUs that would write are stopped last',
    overReports: 'every page that its DMA can reach',
  },
  {
    name: 'host',
    description: 'the vmm and vhost write guest memory themselves, and mark it in a log of their own',
    source: 'QEMU, system/physmem.c, cpu_physical_memory_set_dirty_range; VHOST_SET_LOG_BASE, drivers/vhost/vhost.c',
    hypothetical: false,
    dirtySince: 'the last sync',
    epochEnds: 'a sync: takes the bits',
    whileIdle: 'no',
    afterStop: "what devices' emulation and interrupt tables write while they are saved",
    overReports: 'nothing',
  },
];
