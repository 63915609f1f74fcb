/**
 * Every kind of device that a scenario can name, for `switchover list devices`: what it writes, who can know of it, and what a
 * migration of it turns on. A kind is a composition of parts; what is said here is what its usual composition does.
 */

export interface DeviceListing {
  readonly name: string;
  readonly description: string;
  readonly source: string;
  /** Proposed somewhere, in no kernel. */
  readonly hypothetical: boolean;
}

export const DEVICES: readonly DeviceListing[] = [
  {
    name: 'nic',
    description:
      'Receives into a ring of buffers that it fills in turn, for ever, so that its dirty set grows to the size of the ring and no further. It logs its own DMA if it can; else the IOMMU does, or nobody.',
    source: 'drivers/vfio/pci/mlx5; drivers/vfio/pci/pds',
    hypothetical: false,
  },
  {
    name: 'nvme',
    description:
      'Writes the data of each read into its buffers and a completion entry for every command into its queues: a few pages that are always dirty, and as many as the reads touch. Tracked as a NIC is.',
    source:
      'NVM Express base specification, completion queues; VFIO_DEVICE_FEATURE_DMA_LOGGING_*, include/uapi/linux/vfio.h',
    hypothetical: false,
  },
  {
    name: 'vgpu',
    description:
      'A mediated GPU: everything in its page tables is dirty at every query, and pages that were unmapped show once more. It does not converge below what is mapped. A guest that stands too long finds its GPU reset by its own watchdog.',
    source: 'Kevin Tian, qemu-devel, June 2017',
    hypothetical: false,
  },
  {
    name: 'accelerator',
    description:
      'Writes results all over its working set, some pages far more often than others, and may write into the memory of a peer device. Large device state: what counts is how much of it goes before the stop.',
    source: 'VFIO_MIGRATION_PRE_COPY and VFIO_MIGRATION_P2P, include/uapi/linux/vfio.h',
    hypothetical: false,
  },
  {
    name: 'mediated-nic',
    description:
      'A NIC whose descriptors a driver on the host scans: a buffer is dirty from its posting until it was reported once after completion, at the cost of a scan for each descriptor. A guest that stands posts nothing, and what arrives then is dropped.',
    source: 'Intel on qemu-devel, 2017',
    hypothetical: true,
  },
  {
    name: 'guest-cooperative',
    description:
      "A device that nobody tracks, and whose driver in the guest helps: it halts the DMA and writes a word of every page that the device can reach, so that KVM's log knows them. A guest without such a driver is refused.",
    source: 'live migration of SR-IOV NICs, kvm list, December 2015',
    hypothetical: true,
  },
  {
    name: 'custom',
    description:
      "Whatever a list of DMA patterns describes: a ring, blocks at random places, pages by Zipf's law, queues and their buffers, a recorded trace, writes into a peer. For a device that nobody has written code for.",
    source: 'VFIO_DEVICE_FEATURE_MIGRATION and VFIO_DEVICE_FEATURE_DMA_LOGGING_*, include/uapi/linux/vfio.h',
    hypothetical: false,
  },
];
