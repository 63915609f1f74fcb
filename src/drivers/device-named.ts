/**
 * Which device a command is about: it says so by the chart that asks (`device/nic0`, `guest-driver/nic0`), or among its
 * parameters. Devices of the source go by their own name, those of the destination as `destination/nic0`.
 */
import type { CommandName } from '../../machines/words.ts';
import type { Command } from '../core/effect.ts';

/** Commands that concern a device; of the source alone, or of either host. */
export const DEVICE_COMMANDS: Readonly<Partial<Record<CommandName, 'source' | 'either'>>> = {
  setDeviceState: 'either',
  getDeviceState: 'either',
  resetDevice: 'either',
  notifyGuest: 'source',
  haltDma: 'source',
  confirmDmaHalted: 'source',
  dirtyDmaPages: 'source',
  resumeDma: 'source',
  startTracking: 'source',
  reportDirty: 'source',
  stopTracking: 'source',
  sendDeviceState: 'source',
  plugDevice: 'source',
  ejectDevice: 'source',
  removeDevice: 'source',
};

const BY_DEVICE = /^(?:device|guest-driver)\/(.+)$/;

export function concernsDevice(command: Command, of: string): boolean {
  switch (command.name) {
    case 'sendDeviceState':
      return command.params.device === of || command.params.beside?.includes(of) === true;
    case 'plugDevice':
    case 'ejectDevice':
    case 'removeDevice':
      return command.params.device === of;
    case 'startTracking':
      return command.params.of === of;
    case 'reportDirty':
    case 'stopTracking':
      return command.params.of.includes(of);
    default:
      return BY_DEVICE.exec(command.by)?.[1] === of;
  }
}
