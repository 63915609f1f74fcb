/** Every errno that the kernel's tables of misuse give can be given by a command, and every command can fail. */
import { describe, expect, test } from 'vitest';
import { COMMANDS, type CommandName, type Errno } from '../../machines/words.ts';
import { ERRNOS_BY_COMMAND, errnosOf } from '../../src/drivers/errnos.ts';

/** By the call that they are errors of, from the kernel's own checks. */
const KERNEL: readonly [string, readonly CommandName[], readonly Errno[]][] = [
  // drivers/vfio/vfio_main.c, vfio_ioctl_device_feature_mig_device_state; EMFILE and EFAULT as the fd is handed out.
  ['MIG_DEVICE_STATE', ['setDeviceState'], ['EINVAL', 'ENOTTY', 'EFAULT', 'EIO', 'ENOMEM', 'EMFILE']],
  ['GET_PRECOPY_INFO and MIG_DATA_SIZE', ['queryDeviceSizes'], ['EINVAL', 'ENOTTY', 'ENODEV']],
  ['read of the data_fd', ['sendRound', 'sendDeviceState'], ['ESPIPE', 'EAGAIN', 'ENODEV']],
  ['read in STOP_COPY', ['sendDeviceState'], ['ENOMSG']],
  ['write of the data_fd (mlx5)', ['sendDeviceState'], ['ENOMEM', 'EOPNOTSUPP']],
  // vfio_ioctl_device_feature_logging_start, and the drivers behind it.
  [
    'DMA_LOGGING_START',
    ['startTracking'],
    ['ENOTTY', 'EINVAL', 'E2BIG', 'ENOMEM', 'EFAULT', 'EOVERFLOW', 'EEXIST', 'EOPNOTSUPP'],
  ],
  ['DMA_LOGGING_REPORT', ['reportDirty'], ['EINVAL', 'EOVERFLOW', 'EIO', 'ENOTCONN']],
  // drivers/iommu/iommufd.
  ['HWPT_SET_DIRTY_TRACKING', ['startTracking', 'stopTracking'], ['EOPNOTSUPP', 'EINVAL']],
  ['HWPT_GET_DIRTY_BITMAP', ['reportDirty'], ['EOPNOTSUPP', 'EOVERFLOW', 'EINVAL', 'ENOMEM']],
  // drivers/vfio/vfio_iommu_type1.c, vfio_iommu_type1_dirty_pages.
  ['VFIO_IOMMU_DIRTY_PAGES', ['startTracking', 'reportDirty', 'stopTracking'], ['EACCES', 'EINVAL']],
  ['VFIO_IOMMU_DIRTY_PAGES start', ['startTracking'], ['ENOMEM']],
  // virt/kvm/kvm_main.c.
  ['KVM_GET_DIRTY_LOG', ['getDirtyLog'], ['EINVAL', 'ENOENT', 'ENXIO', 'EFAULT']],
];

describe('what the kernel gives, a command may fail with', () => {
  test.each(KERNEL)('%s', (_, commands, errnos) => {
    for (const command of commands) expect(errnosOf(command)).toEqual(expect.arrayContaining([...errnos]));
  });
});

describe('every command', () => {
  test.each(Object.keys(COMMANDS) as CommandName[])('%s can fail, each way once, and says who says so', (command) => {
    const causes = ERRNOS_BY_COMMAND[command];
    expect(causes.length).toBeGreaterThan(0);
    for (const { when, source } of causes) expect([when, source]).not.toContain('');
    const errnos = errnosOf(command);
    expect(new Set(errnos).size).toBe(errnos.length);
    // Nobody but the runner says that nobody answered; the streams alone have a time limit of their own, TCP's.
    const onTheWire = ['sendRound', 'sendRemaining', 'sendDeviceState', 'discardDirty', 'sendMissing'];
    expect(errnos.includes('ETIMEDOUT')).toBe(onTheWire.includes(command));
  });
});
