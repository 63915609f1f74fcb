/** What went wrong, in the words of whoever reads the report; charts pass it on as `during`. */
import type { DestinationAnswer, DeviceAnswer, DirtyLogAnswer, DriverAnswer, Facts, GuestAnswer } from './messages.ts';

type Failing =
  | DeviceAnswer
  | DriverAnswer
  | GuestAnswer
  | DestinationAnswer
  | Extract<DirtyLogAnswer, { type: 'DIRTY_LOG_REACHED' | 'SYNC_FAILED' }>;

/** A guest driver that does not go on leaves its device silent, and the guest runs on without it: a warning's words. */
export function driverSilent({ device, errno }: DriverAnswer): Facts['WARNED'] {
  return { of: `the guest driver of ${device} does not go on`, errno };
}

/** What was being done when this event told of a failure. An answered command is named as itself. */
export function during(event: { readonly type: string }): string {
  const failing = event as Failing;
  switch (failing.type) {
    case 'DEVICE_REACHED':
      return `device ${failing.device} to ${failing.asked}, resting in ${failing.state}`;
    case 'DRIVER_REACHED':
      return `guest driver of ${failing.device} to ${failing.asked}, ${failing.state}`;
    case 'GUEST_REACHED':
      return 'stopVcpus';
    case 'DESTINATION_REACHED':
      return `destination: ${failing.during ?? failing.asked}`;
    case 'DIRTY_LOG_REACHED':
      return 'starting the dirty logs';
    case 'SYNC_FAILED':
      return 'collecting the dirty logs';
    default:
      failing satisfies never;
      return event.type.replace('FAILED.', '');
  }
}
