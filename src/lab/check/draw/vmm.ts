/** The vmm's loop with its parameters, the link, the sender, both hosts and the storage: everything that has a time. */
import { RANGE_RULES } from '../../../../machines/iova-ranges.ts';
import { isQemu } from '../../../../machines/loops.ts';
import type { ScenarioInput } from '../../scenario/schema.ts';
import type { Chance } from './chance.ts';
import type { Room } from './room.ts';
import { drawPolicy, drawThrottle } from './rules.ts';
import type { Theme } from './themes.ts';

type Vmm = NonNullable<ScenarioInput['vmm']>;

/** Bits per second. */
export const LINKS = { '200Mbit/s': 2e8, '1Gbit/s': 1e9, '10Gbit/s': 1e10 } as const;
const BANDWIDTHS = Object.keys(LINKS) as readonly (keyof typeof LINKS)[];

type Hosts = Pick<ScenarioInput, 'sender' | 'hosts' | 'storage'> & {
  readonly link: { readonly bandwidth: keyof typeof LINKS; readonly latency: '0us' | '100us' | '5ms' };
};

const TIMES = ['0ms', '0ms', '1ms', '8ms', '60ms'] as const;

export function drawVmm(chance: Chance, room: Room, hasDevices: boolean): Vmm {
  const { theme, loop, knowsAck, postCopy, throttle } = room;
  return {
    loop,
    policy: drawPolicy(chance, theme, loop),
    ...(throttle === undefined ? {} : drawThrottle(chance, throttle)),
    // A limit that nothing fits into makes a pass each millisecond, each of them a handful of records.
    downtimeLimit: drawLimit(chance, theme),
    maxBandwidth: chance.pick(theme === 'anything' ? ['unlimited', 'unlimited', '32MiB/s'] : ['unlimited']),
    ...(knowsAck ? chance.perhaps(30, () => ({ switchoverAck: true })) : {}),
    ...(knowsAck && loop !== 'textbook'
      ? chance.perhaps(15, () => ({ availSwitchoverBandwidth: '100MiB/s' as const }))
      : {}),
    enableMigration:
      theme !== 'anything' ? 'on' : chance.percent(2) ? 'off' : chance.pick(['auto', 'on', 'on', 'on', 'on', 'on']),
    // Post-copy and VFIO devices exclude each other: with devices it is a blocker, and seldom worth a run.
    ...(postCopy
      ? { postcopy: true }
      : chance.perhaps(!isQemu(loop) ? 0 : theme === 'post-copy' ? 100 : hasDevices ? 1 : 30, () =>
          drawPostcopy(chance),
        )),
    pauseBeforeSwitchover: chance.percent(20) && (isQemu(loop) || loop === 'textbook'),
    afterSyncError: chance.percent(50) ? 'fail' : 'allDirty',
    ...chance.perhaps(15, () => ({ ranges: chance.pick(RANGE_RULES) })),
  } as Vmm;
}

/** Device states over channels of their own, together or beside the memory, where the release can. */
export function drawMultifd(chance: Chance, { loop }: Room, hasDevices: boolean): Pick<Vmm, 'multifd'> {
  if (!hasDevices || (loop !== 'qemu-10.2' && loop !== 'qemu-11.1')) return {};
  const ways: readonly NonNullable<Vmm['multifd']>[] = [
    { channels: 2 },
    { channels: 3, deviceChannels: 1 },
    { channels: 2, deviceState: 'main' },
  ];
  return chance.perhaps(30, () => ({ multifd: chance.pick(ways) }));
}

/** A limit that nothing fits into makes a pass each millisecond, each of them a handful of records. */
function drawLimit(chance: Chance, theme: Theme) {
  // Post-copy is for what does not converge; every other theme is about what comes after the decision, or needs the passes.
  if (theme === 'post-copy') return chance.pick(['1ms', '20ms']);
  // So little that only the knobs help.
  if (theme === 'managed') return '20ms';
  if (theme === 'anything') return chance.percent(3) ? '1ms' : chance.pick(['20ms', '100ms', '300ms', '2s']);
  return chance.pick(theme === 'hot-plug' ? ['20ms', '100ms'] : ['100ms', '300ms', '2s']);
}

function drawPostcopy(chance: Chance): Pick<Vmm, 'postcopy' | 'maxPostcopyBandwidth'> {
  const postcopy = {
    ...(chance.percent(60)
      ? { after: chance.pick([1, 1, 2]) }
      : { at: `${chance.pick([1, 60, 150, 300])}ms` as const }),
    ...chance.perhaps(30, () => ({ pauseAt: `${chance.pick([301, 400, 700])}ms` as const })),
    ...chance.perhaps(70, () => ({ recoverAfter: chance.pick(['1ms', '300ms', '4s'] as const) })),
  };
  return { postcopy, ...chance.perhaps(30, () => ({ maxPostcopyBandwidth: '16MiB/s' as const })) };
}

export function drawHosts(chance: Chance, theme: Theme): Hosts {
  const time = () => chance.pick(TIMES);
  return {
    // What is to be fetched after the guest has gone takes a while.
    link: {
      bandwidth: theme === 'post-copy' || theme === 'managed' ? '200Mbit/s' : chance.pick(BANDWIDTHS),
      latency: chance.pick(['0us', '100us', '5ms']),
    },
    ...chance.perhaps(50, () => ({
      sender: {
        page: chance.pick(['0us', '1us']),
        zeroPage: chance.pick(['0us', '0.1us']),
        firstTouch: chance.pick(['0us', '1us']),
        sync: chance.pick(['0ms', '2ms', '30ms']),
        syncPage: chance.pick(['0ns', '10ns']),
      },
    })),
    ...chance.perhaps(70, () => ({
      hosts: {
        source: { stopVcpus: time(), resumeVcpus: time(), startDirtyLog: time() },
        destination: {
          prepare: time(),
          load: time(),
          // Longer than the deadline: it is asked while it starts.
          resume: theme === 'doubt' && chance.percent(35) ? chance.pick(['8s', '90s']) : time(),
        },
      },
    })),
    ...chance.perhaps(60, () => ({ storage: { release: time(), acquire: time() } })),
  };
}
