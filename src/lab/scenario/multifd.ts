/**
 * Multifd, TLS and compression in a scenario: how many connections, which of them carry device states, and what the threads
 * behind them do in a second. Memory has no content here, so how well it shrinks is said and not found.
 */
import { z } from 'zod';
import type { LoopName } from '../../../machines/loops.ts';
import type { DeviceStatesWay } from '../../../machines/words.ts';
import type { ModelSpec } from '../../drivers/model/spec.ts';
import { count, leaf, section, word } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding } from './places.ts';
import { isAtLeast, releaseOf } from './release.ts';
import type { Scenario } from './scenario.ts';
import { dataRate, printDataRate } from './values.ts';

/** Absent: one connection, no TLS, nothing compressed. */
export interface Connections {
  readonly multifd?: Multifd;
  /** Of one thread. */
  readonly tls?: { readonly bytesPerSecond: number };
  /** Of one thread, and how many bytes of memory become one. */
  readonly compression?: { readonly bytesPerSecond: number; readonly ratio: number };
}

export interface Multifd {
  readonly channels: number;
  /** Over the main channel, one after the other; or over multifd's, all at once. */
  readonly deviceState: 'main' | 'channels';
  /** Channels that carry device states and nothing else; 0: they share those of the memory. */
  readonly deviceChannels: number;
}

/** `multifd-channels`: 1 to 255, 2 by default (migration/options.c). */
const CHANNELS_MAX = 255;
const CHANNELS_DEFAULT = 2;
/** VFIO device state over multifd: QEMU 623af41dd3. */
const DEVICE_STATE_SINCE = [10, 0] as const;

const ratio = leaf<number, number>({
  expected: 'a number of 1 or more',
  example: '2.5',
  json: { type: 'number', minimum: 1 },
  description: 'Bytes of memory that become one on the wire: pages have no content here, so it is to be said.',
  read: (input) =>
    typeof input === 'number' && Number.isFinite(input) && input >= 1 ? { value: input } : { hint: null },
});

/** Keys of `vmm`. */
export const connectionsShape = {
  multifd: section({
    channels: count(1, CHANNELS_MAX, "QEMU's multifd-channels; a thread each.").prefault(CHANNELS_DEFAULT),
    deviceState: word(
      ['main', 'channels'],
      'Device states go over the main channel in turn, or over multifd’s at once (x-migration-multifd-transfer); as the release does by default.',
    ).optional(),
    deviceChannels: count(
      1,
      CHANNELS_MAX,
      'Of them, channels for device states alone: proposed in 2024, in no release; they share the memory’s by default.',
    ).optional(),
  }).optional(),
  tls: section({ rate: dataRate('What one thread encrypts.') }).optional(),
  compression: section({ rate: dataRate('Of memory, what one thread compresses.'), ratio }).optional(),
};

const shape = z.object(connectionsShape);
type Read = z.output<typeof shape>;

export function normaliseConnections(read: Read & { readonly loop: LoopName }): Connections {
  const { multifd, tls, compression, loop } = read;
  return {
    ...(multifd === undefined
      ? {}
      : {
          multifd: {
            channels: multifd.channels,
            deviceState:
              multifd.deviceState ?? (multifd.deviceChannels !== undefined ? 'channels' : byDefault(loop, compression)),
            deviceChannels: multifd.deviceChannels ?? 0,
          },
        }),
    ...(tls === undefined ? {} : { tls: { bytesPerSecond: tls.rate } }),
    ...(compression === undefined
      ? {}
      : { compression: { bytesPerSecond: compression.rate, ratio: compression.ratio } }),
  };
}

/** `auto`: where the release can, and memory is not compressed (multifd_device_state_supported, migration/multifd-device-state.c). */
function byDefault(loop: LoopName, compression: unknown): Multifd['deviceState'] {
  const release = releaseOf(loop);
  const can = release === null ? loop === 'textbook' : isAtLeast(release, DEVICE_STATE_SINCE);
  return can && compression === undefined ? 'channels' : 'main';
}

export function checkConnections({ vmm }: Scenario): readonly Finding[] {
  const { multifd, tls, compression } = vmm;
  const found: Finding[] = [];
  for (const [key, section] of Object.entries({ tls, compression })) {
    if (section?.bytesPerSecond === 0) found.push(finding(['vmm', key, 'rate'], 'must be more than 0'));
  }
  if (compression !== undefined && multifd === undefined)
    found.push(
      finding(['vmm', 'compression'], 'memory is compressed by the threads of multifd: give vmm.multifd, too'),
    );
  if (multifd === undefined) return found;
  const { channels, deviceState, deviceChannels } = multifd;
  if (deviceChannels >= channels)
    found.push(
      finding(['vmm', 'multifd', 'deviceChannels'], `must be fewer than the ${channels} channels: memory needs one`),
    );
  if (deviceState === 'main' && deviceChannels > 0)
    found.push(finding(['vmm', 'multifd', 'deviceChannels'], 'and deviceState main contradict each other'));
  if (deviceState === 'channels' && compression !== undefined)
    found.push(
      finding(
        ['vmm', 'multifd', 'deviceState'],
        'device states do not go over channels that compress; QEMU sends them over the main channel then',
      ),
    );
  return found;
}

export function printConnections({ multifd, tls, compression }: Connections) {
  return {
    ...(multifd === undefined
      ? {}
      : {
          multifd: {
            channels: multifd.channels,
            deviceState: multifd.deviceState,
            ...(multifd.deviceChannels === 0 ? {} : { deviceChannels: multifd.deviceChannels }),
          },
        }),
    ...(tls === undefined ? {} : { tls: { rate: printDataRate(tls.bytesPerSecond) } }),
    ...(compression === undefined
      ? {}
      : { compression: { rate: printDataRate(compression.bytesPerSecond), ratio: compression.ratio } }),
  };
}

/** In the model's words. */
export function modelConnections({ multifd, tls, compression }: Connections): Pick<ModelSpec, 'multifd' | 'threads'> {
  const threads = {
    ...(tls === undefined ? {} : { tlsBytesPerSecond: tls.bytesPerSecond }),
    ...(compression === undefined ? {} : { compression }),
  };
  return {
    ...(multifd === undefined
      ? {}
      : { multifd: { channels: multifd.channels, deviceChannels: multifd.deviceChannels } }),
    ...(Object.keys(threads).length === 0 ? {} : { threads }),
  };
}

/** In the plan's words. */
export function planDeviceStates({ multifd }: Connections): { readonly deviceStates?: DeviceStatesWay } {
  if (multifd === undefined || multifd.deviceState === 'main') return {};
  return { deviceStates: multifd.deviceChannels > 0 ? 'beside-memory' : 'together' };
}
