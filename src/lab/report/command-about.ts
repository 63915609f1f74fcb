/**
 * What a command was about, and how a person says it: `setDeviceState of nic0 to STOP_COPY`. Read off the command itself (who
 * gave it, and with which parameters), never out of a chart's text.
 */
import type { CommandName, DeviceState, Errno } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import { formatMs } from './format.ts';

export type Host = 'source' | 'destination';

/** What the command concerned; a key that does not apply is left out. */
export interface About {
  readonly command: CommandName;
  readonly host: Host;
  readonly device?: string;
  readonly container?: string;
  /** Of a SET. */
  readonly target?: DeviceState;
  /** Of a pass. */
  readonly round?: number;
}

/** Commands that only the destination is ever given, so that a sentence need not say where. */
const OF_THE_DESTINATION: ReadonlySet<string> = new Set([
  'prepareDestination',
  'loadDestination',
  'startDestination',
  'quitDestination',
  'queryDestination',
]);

export function aboutOf(command: Command): About {
  const { by, name } = command;
  const params = command.params as Readonly<Record<string, unknown>>;
  const [kind, first, second] = by.split('/');
  const asked = params.host;
  const host: Host =
    asked === 'destination' || (asked === undefined && isThere(kind, second, name)) ? 'destination' : 'source';
  const container = kind === 'tracking' ? first : undefined;
  const device = deviceOf(kind, second ?? first, params);
  return {
    command: name,
    host,
    ...(device === undefined ? {} : { device }),
    ...(container === undefined ? {} : { container }),
    ...(name === 'setDeviceState' ? { target: command.params.target } : {}),
    ...(name === 'sendRound' ? { round: command.params.round } : {}),
  };
}

function isThere(kind: string | undefined, second: string | undefined, name: string): boolean {
  return kind === 'destination' || (kind === 'device' && second !== undefined) || OF_THE_DESTINATION.has(name);
}

function deviceOf(kind: string | undefined, named: string | undefined, params: Readonly<Record<string, unknown>>) {
  if (kind === 'device' || kind === 'guest-driver') return named;
  if (typeof params.device === 'string') return params.device;
  return typeof params.of === 'string' && params.of !== 'iommu' ? params.of : undefined;
}

/** `setDeviceState of nic0 to STOP_COPY`, `acquireStorage on the destination`, `reportDirty of container 0`. */
export function commandText({ command, host, device, container, target }: About): string {
  const of = device ?? (container === undefined ? undefined : `container ${container}`);
  return [
    command,
    ...(of === undefined ? [] : [`of ${of}`]),
    ...(host === 'destination' && !OF_THE_DESTINATION.has(command) ? ['on the destination'] : []),
    ...(host === 'source' && command === 'acquireStorage' ? ['on the source'] : []),
    ...(target === undefined ? [] : [`to ${target}`]),
  ].join(' ');
}

export interface HowItFailed {
  readonly errno: Errno;
  /** The time limit, where it was that which passed. */
  readonly deadlineMs?: number;
  /** It was answered as done, and this is what the answer said all the same; of `decide`, what the function did instead. */
  readonly said?: string;
}

/** `failed with EIO`, `was not answered within 30 s (ETIMEDOUT)`, `was answered with DMA still on (EBUSY)`. */
export function failedText({ errno, deadlineMs, said }: HowItFailed): string {
  if (said !== undefined) return `was answered with ${said} (${errno})`;
  return deadlineMs === undefined
    ? `failed with ${errno}`
    : `was not answered within ${formatMs(deadlineMs)} (${errno})`;
}
