/** What a migration is doing, in words that stand after "while": read off its status, its phase and the command at hand. */
import type { SwitchoverPhase } from '../../../machines/messages.ts';
import type { CommandName } from '../../../machines/words.ts';
import type { About } from './command-about.ts';

const PHASES: Readonly<Record<SwitchoverPhase, string>> = {
  suspend: 'the guest stood suspended',
  'stop-vcpus': 'stopping the vCPUs',
  quiesce: 'quiescing and stopping the devices',
  pause: 'pausing before the switchover',
  'final-sync': 'collecting the dirty logs for the last time',
  memory: 'copying the memory that was left',
  'device-state': 'copying the device state',
  load: 'loading on the destination',
  resume: 'handing over',
};

/** Before the switchover, the command itself says what is being done. */
const BY_COMMAND: Partial<Record<CommandName, string>> = {
  prepareDestination: 'preparing the destination',
  startTracking: 'starting the dirty logs',
  startDirtyLog: 'starting the dirty logs',
  stopTracking: 'starting the dirty logs',
  getDirtyLog: 'collecting the dirty logs',
  reportDirty: 'collecting the dirty logs',
  syncBitmap: 'collecting the dirty logs',
  queryDeviceSizes: 'asking the devices for their sizes',
  notifyGuest: "having the guest's drivers halt their DMA",
  haltDma: "having the guest's drivers halt their DMA",
  confirmDmaHalted: "having the guest's drivers halt their DMA",
  dirtyDmaPages: "having the guest's drivers halt their DMA",
  resumeDma: "having the guest's drivers go on",
  throttleVcpus: 'throttling the vCPUs',
  plugDevice: 'plugging a device',
  ejectDevice: 'unplugging a device',
  removeDevice: 'unplugging a device',
};

export interface Stage {
  readonly status: string;
  readonly phase: SwitchoverPhase | undefined;
  readonly round: number;
  readonly turned: boolean;
}

export function stageText({ status, phase, round, turned }: Stage, about: Pick<About, 'command' | 'host'>): string {
  if (turned) return 'turning back';
  if (status === 'completed') return 'cleaning up on the source';
  if (status.startsWith('postcopy')) return 'fetching what was missing';
  if (phase !== undefined) return PHASES[phase];
  const doing = BY_COMMAND[about.command];
  if (round === 0 && about.command.endsWith('DeviceState'))
    return about.host === 'destination' ? 'preparing the destination' : 'bringing the devices into pre-copy';
  if (round === 0) return doing ?? 'setting up';
  if (about.command === 'haltRound') return `ending round ${round} early`;
  if (about.command === 'sendRound') return `sending round ${round}`;
  return `${doing ?? 'copying'} after round ${round}`;
}
