/**
 * Which errnos each command may fail with, when, and who says so: the kernel's checks, QEMU's, and this project's own where
 * the port has to name one. What a driver answers beyond these is its mistake, and a scenario that asks for it is refused.
 *
 * A time-out is no errno of a driver: it is the runner's, for a command that nobody answered. (long because it is a table)
 */
import type { CommandName, Errno } from '../../machines/words.ts';

export interface ErrnoCause {
  readonly errno: Errno;
  readonly when: string;
  /** A file of the kernel or of QEMU, or `own`: this project's choice. */
  readonly source: string;
}

const UAPI = 'include/uapi/linux/vfio.h';
const VFIO = 'drivers/vfio/vfio_main.c';
const MLX5 = 'drivers/vfio/pci/mlx5/main.c';
const MLX5_LOG = 'drivers/vfio/pci/mlx5/cmd.c';
const PDS_LOG = 'drivers/vfio/pci/pds/dirty.c';
const PCI = 'drivers/vfio/pci/vfio_pci_core.c';
const IOVA_BITMAP = 'drivers/vfio/iova_bitmap.c';
const IOMMUFD = 'drivers/iommu/iommufd/hw_pagetable.c, io_pagetable.c';
const TYPE1 = 'drivers/vfio/vfio_iommu_type1.c';
const KVM = 'virt/kvm/kvm_main.c';
const QEMU_VFIO = 'hw/vfio/migration.c';
const QEMU_SOCKET = 'io/channel-socket.c';
const OWN = 'own';

const cause = (errno: Errno, when: string, source: string): ErrnoCause => ({ errno, when, source });

/** Every driver may find that it cannot do a thing and know no better word. */
const CANNOT = cause('EIO', 'the driver could not carry it out and knows no better word', OWN);
/** Whoever asks the other host may find its connection reset. */
const RESET_BY_PEER = cause('ECONNRESET', 'the process at the other end has died', QEMU_SOCKET);

/** What every call of VFIO_DEVICE_FEATURE is checked for. */
const FEATURE: readonly ErrnoCause[] = [
  cause('EINVAL', 'argsz, flags or direction are wrong, or the index is unknown to an old kernel', VFIO),
  cause('ENOTTY', 'no such feature, or a driver without migration operations', VFIO),
  cause('EFAULT', 'bad user pointer', VFIO),
  cause('ENODEV', 'the device is gone', PCI),
];

/** The migration stream, which QEMU writes to a socket and a device’s fd is read for. */
const STREAM: readonly ErrnoCause[] = [
  cause('EINVAL', 'a set of pages that is not the latest', OWN),
  cause('ENOTCONN', 'nobody is listening', QEMU_SOCKET),
  cause('ETIMEDOUT', 'the link was down for longer than TCP repeats itself', 'net/ipv4/tcp_timer.c'),
  RESET_BY_PEER,
  cause('ENODEV', 'read() of a data_fd whose device was reset or is in error', MLX5),
  cause('EBADF', 'the data_fd is not, or no longer, for reading', UAPI),
  cause('ESPIPE', 'read() or write() of the data_fd at a position', MLX5),
  cause('EAGAIN', 'read() of a non-blocking data_fd whose chunk is not there yet', MLX5),
  cause('ENOMEM', 'write() of a record that is larger than the firmware allows', MLX5),
  cause('EOPNOTSUPP', 'write() of a record with an unknown mandatory tag', MLX5),
  CANNOT,
];

/** The rows of one command; the last word is EIO where nothing else is said. */
export const ERRNOS_BY_COMMAND: Readonly<Record<CommandName, readonly ErrnoCause[]>> = {
  stopVcpus: [cause('ENOSPC', 'flushing the disks failed when the VM stopped', 'system/cpus.c, do_vm_stop'), CANNOT],
  resumeVcpus: [
    cause('EPERM', 'the disks cannot be activated: another host holds them', 'migration/migration.c'),
    CANNOT,
  ],
  throttleVcpus: [cause('EINVAL', 'no percentage from 0 to 99', 'migration/options.c'), CANNOT],
  limitVcpuDirtyRate: [cause('ENOTTY', 'KVM has no dirty ring', 'system/dirtylimit.c'), CANNOT],
  setDowntimeLimit: [
    cause('EINVAL', 'no whole number of ms from 0 to 2000000', 'migration/options.c, migrate_params_check'),
    CANNOT,
  ],
  queryMigrate: [CANNOT],
  decide: [cause('EINVAL', 'the function threw, or what it gave back is no verdict', OWN), CANNOT],
  setDeviceState: [
    ...FEATURE,
    cause('EIO', 'firmware or driver failed midway: an old, interior or ERROR state', UAPI),
    cause('ENOMEM', 'the driver found no memory midway', UAPI),
    cause('EMFILE', 'the state has changed, and no descriptor is left for the data_fd', VFIO),
    cause('EBADF', 'the kernel opened a stream while one was open: data_fd out of sync', QEMU_VFIO),
    cause('EBUSY', 'a second SET while one is under way', OWN),
    RESET_BY_PEER,
  ],
  getDeviceState: [...FEATURE, CANNOT, RESET_BY_PEER],
  resetDevice: [
    cause('EINVAL', 'the device cannot be reset', PCI),
    cause('ENODEV', 'the device is gone', PCI),
    cause('EIO', 'the device does not come back', PCI),
    RESET_BY_PEER,
  ],
  notifyGuest: [cause('EOPNOTSUPP', 'the guest has no driver that helps', OWN), CANNOT],
  haltDma: [cause('EOPNOTSUPP', 'the guest has no driver that helps', OWN), CANNOT],
  confirmDmaHalted: [cause('EOPNOTSUPP', 'the guest has no driver that helps', OWN), CANNOT],
  dirtyDmaPages: [
    cause('EBUSY', 'bus mastering is on', OWN),
    cause('EOPNOTSUPP', 'the guest has no driver that helps', OWN),
    CANNOT,
  ],
  resumeDma: [
    cause('EPERM', 'the guest does not run on that host', OWN),
    cause('EOPNOTSUPP', 'the guest has no driver that helps', OWN),
    CANNOT,
  ],
  plugDevice: [
    cause('EBUSY', 'its group or its cdev is in use by another', 'drivers/vfio/group.c, device_cdev.c'),
    cause('ENODEV', 'no such device, or it is bound to another driver', 'drivers/vfio/group.c'),
    cause('EEXIST', 'it is plugged already', OWN),
    CANNOT,
  ],
  ejectDevice: [cause('EBUSY', "the guest's driver does not let it go", OWN), CANNOT],
  removeDevice: [cause('ENODEV', 'it is not plugged', OWN), CANNOT],
  startTracking: [
    cause('ENOTTY', 'no logging operations', VFIO),
    cause('EINVAL', 'no ranges, ranges that overlap or are not aligned, or logging is on (mlx5)', VFIO),
    cause('E2BIG', 'more than 256 ranges', VFIO),
    cause('ENOMEM', 'no memory for the ranges or for the bitmaps', VFIO),
    cause('EFAULT', 'bad user pointer', VFIO),
    cause('EOVERFLOW', 'a range ends at or beyond 2^64', VFIO),
    cause('EEXIST', 'the device says that it logs already', PDS_LOG),
    cause(
      'EOPNOTSUPP',
      'a span that the firmware cannot watch, or an IOMMU without dirty tracking',
      `${MLX5_LOG}; ${IOMMUFD}`,
    ),
    cause('ENOSPC', 'the functions of one physical function share a tracker that is full', MLX5_LOG),
    cause('EACCES', 'the container is no type1 v2', TYPE1),
    CANNOT,
  ],
  reportDirty: [
    cause('EINVAL', 'not tracking, or a range or page size that is wrong', `${VFIO}; ${IOMMUFD}; ${TYPE1}`),
    cause('EOVERFLOW', 'the range wraps', `${VFIO}; ${IOMMUFD}`),
    cause('EIO', 'the tracker is broken until it is started anew', MLX5_LOG),
    cause('ENOTCONN', 'the parent function is gone', MLX5_LOG),
    cause('ENOTTY', 'no logging operations', VFIO),
    cause('EFAULT', 'bad user pointer', IOVA_BITMAP),
    cause('ENOMEM', 'no memory for the bitmap object', IOVA_BITMAP),
    cause('EOPNOTSUPP', 'an IOMMU domain without dirty operations', IOMMUFD),
    cause('EACCES', 'the container is no type1 v2', TYPE1),
  ],
  stopTracking: [
    cause('ENOTTY', 'no logging operations', VFIO),
    cause('EINVAL', 'wrong flags, or an IOMMU page table without an address space', `${VFIO}; ${IOMMUFD}`),
    cause('EOPNOTSUPP', 'an IOMMU domain without dirty operations', IOMMUFD),
    cause('EACCES', 'the container is no type1 v2', TYPE1),
    CANNOT,
  ],
  startDirtyLog: [
    cause('ENOMEM', 'no memory for the bitmaps of a slot', KVM),
    cause('EINVAL', 'a ring of a wrong size, or a log that cannot be had any more', KVM),
    cause('E2BIG', 'a ring of more than 65536 entries', KVM),
    CANNOT,
  ],
  getDirtyLog: [
    cause('EINVAL', 'no such slot, or the ring is not enabled', KVM),
    cause('ENOENT', 'a slot without a bitmap', KVM),
    cause('ENXIO', 'a bitmap call on a VM with rings', KVM),
    cause('EFAULT', 'the copy-out faulted, and the bits are gone', KVM),
    CANNOT,
  ],
  stopDirtyLog: [cause('ENOMEM', 'no memory to change a slot', KVM), CANNOT],
  syncBitmap: [cause('EINVAL', 'no log is on', OWN), CANNOT],
  queryDeviceSizes: [...FEATURE, cause('EIO', 'the device could not be asked', MLX5)],
  sendRound: STREAM,
  haltRound: [CANNOT],
  sendRemaining: STREAM,
  sendDeviceState: [
    ...STREAM,
    cause('ENOMSG', 'nothing to read now: right in pre-copy, and a broken driver in STOP_COPY', UAPI),
  ],
  discardDirty: STREAM,
  sendMissing: STREAM,
  reconnect: [cause('ENOTCONN', 'nobody is listening', QEMU_SOCKET), RESET_BY_PEER, CANNOT],
  compareReceived: [RESET_BY_PEER, CANNOT],
  releaseStorage: [cause('ENOSPC', 'flushing the disks failed', 'block.c, bdrv_inactivate_all'), CANNOT],
  acquireStorage: [
    cause('EBUSY', 'another host holds it', OWN),
    cause('EAGAIN', 'the image is locked by another process', 'block/file-posix.c'),
    cause('EPERM', 'the lock is refused', 'block/file-posix.c'),
    RESET_BY_PEER,
    CANNOT,
  ],
  prepareDestination: [
    cause('ENOMEM', 'no memory for the guest', 'system/physmem.c'),
    cause('EINVAL', 'a machine that cannot take this guest', 'migration/savevm.c'),
    RESET_BY_PEER,
    CANNOT,
  ],
  loadDestination: [
    cause('EINVAL', 'the configuration is refused, or nothing was prepared', 'migration/savevm.c; hw/vfio/migration.c'),
    cause('ENOMEM', 'no memory for what the devices need', MLX5),
    cause('EOPNOTSUPP', 'an image with an unknown mandatory record', MLX5),
    RESET_BY_PEER,
    CANNOT,
  ],
  startDestination: [
    cause('EPERM', 'it does not hold the storage', 'migration/migration.c'),
    cause('EINVAL', 'it has not loaded', OWN),
    RESET_BY_PEER,
    CANNOT,
  ],
  quitDestination: [RESET_BY_PEER, CANNOT],
  queryDestination: [RESET_BY_PEER, CANNOT],
  queryStorage: [CANNOT],
};

/** The errnos of a command, each once, in the order of the table. */
export function errnosOf(command: CommandName): readonly Errno[] {
  return [...new Set(ERRNOS_BY_COMMAND[command].map(({ errno }) => errno))];
}
