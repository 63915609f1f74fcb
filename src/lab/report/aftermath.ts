/**
 * What was done about a failure, a cancel or a run that gave up, in the order in which it was answered: one entry a command,
 * from the record that turned the migration back on. An entry that failed says so; nothing is left out.
 */
import type { CommandName, DeviceState, Errno } from '../../../machines/words.ts';
import type { RecordedEvent } from '../../core/record.ts';
import { type About, commandText, failedText } from './command-about.ts';

/** Times in ms since the order to migrate. */
export interface Remedy extends About {
  readonly done: boolean;
  /** What failed, and the time limit where it was that which passed. */
  readonly errno?: Errno;
  readonly deadlineMs?: number;
  /** Where the device is, as its answer said. */
  readonly state?: DeviceState;
  readonly atMs: number;
  readonly position: number;
  /** The same for a person: `nic1 was reset`. */
  readonly text: string;
}

export function remedyOf(
  about: About,
  event: RecordedEvent,
  at: { readonly atMs: number; readonly position: number; readonly deadlineMs?: number | undefined },
): Remedy {
  const { atMs, position, deadlineMs } = at;
  const errno = event.errno as Errno | undefined;
  const state = event.state as DeviceState | undefined;
  const failed = errno === undefined ? {} : { errno, ...(deadlineMs === undefined ? {} : { deadlineMs }) };
  return {
    ...about,
    done: errno === undefined,
    ...failed,
    ...(state === undefined ? {} : { state }),
    atMs,
    position,
    text: errno === undefined ? doneText(about, state) : `${commandText(about)} ${failedText({ errno, ...failed })}`,
  };
}

/** What a remedy came to; a command without words of its own is named as itself. */
const DONE: Partial<Record<CommandName, string>> = {
  haltRound: 'sending was stopped',
  quitDestination: 'the destination was given up',
  resumeVcpus: 'the vCPUs were resumed',
  stopVcpus: 'the vCPUs had stopped',
  stopDirtyLog: 'the dirty logs were switched off',
  releaseStorage: 'the source had released its storage',
};

function doneText(about: About, state: DeviceState | undefined): string {
  const { command, device, container, host } = about;
  const of = `${device}${host === 'destination' ? ' on the destination' : ''}`;
  switch (command) {
    case 'getDeviceState':
      return `${of} was read back as ${state}`;
    case 'setDeviceState':
      return `${of} went to ${state}`;
    case 'resetDevice':
      return `${of} was reset`;
    case 'stopTracking':
      return `the dirty log of container ${container} was switched off`;
    case 'acquireStorage':
      return `the ${host} took its storage again`;
    case 'resumeDma':
      return `the guest's driver of ${device} went on`;
    default:
      return DONE[command] ?? `${commandText(about)} was done`;
  }
}

/** Of those, what a sentence has room for: what changed who holds what, and whatever failed. */
export function inShort(remedies: readonly Remedy[], storageWasReleased: boolean): readonly string[] {
  const refused = remedies.some(({ command, done }) => command === 'acquireStorage' && !done);
  const told = remedies
    .filter((remedy) => !remedy.done || isTold(remedy, storageWasReleased || refused))
    .map(({ text }) => text);
  const clauses: { text: string; times: number }[] = [];
  for (const text of told) {
    const last = clauses.at(-1);
    if (last?.text === text) last.times++;
    else clauses.push({ text, times: 1 });
  }
  return clauses.map(({ text, times }) => (times === 1 ? text : `${text} ${TIMES[times] ?? `${times} times`}`));
}

const TIMES: Readonly<Record<number, string>> = { 2: 'twice', 3: 'three times' };

function isTold({ command, host }: Remedy, storageWasAway: boolean): boolean {
  if (command === 'acquireStorage') return host === 'source' && storageWasAway;
  return ['getDeviceState', 'resetDevice', 'quitDestination', 'resumeVcpus'].includes(command);
}
