/**
 * How long devices that stand still keep a guest from running: states of several VFs over one channel or many, and a vGPU's
 * frame buffer. The sources print a few outcomes each; what is fitted to them says so, and the others are the test.
 */
import { rehearse } from '../rehearse.ts';
import { scenarioFrom } from '../scenario/read.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import type { Figure, Group } from './figure.ts';

const MIB = 2 ** 20;

/** 4 ConnectX-7 VFs, some 400 MiB of state in all, 15 GiB, 100 GbE, 15 channels, switchover-ack on. */
const VFS = { count: 4, stateMib: 100, linkBytesPerSecond: 12.5e9, channels: 15, deviceChannels: 4 } as const;
/** Downtimes as printed, ms. */
export const VFS_MS = { main: 2100, dedicated: 1100, shared: 1250, mainTls: 2300, dedicatedTls: 1200 } as const;

/** QEMU's default, which the author does not say he changed. */
const LIMIT_MS = 300;
/** The memory that is left at the stop was not printed: anything up to the limit. Half of it is this project's assumption. */
const REST_MS = LIMIT_MS / 2;
/** Fitted: `main` is F + rest + 4 d, `dedicated` is F + d, the rest being hidden behind the devices. */
const STATE_MS = (VFS_MS.main - VFS_MS.dedicated - REST_MS) / (VFS.count - 1);
const FIXED_MS = VFS_MS.dedicated - STATE_MS;
/** Fitted: what TLS adds where one thread encrypts all four states. */
const TLS_MIB_PER_SECOND = (1000 * VFS.count * VFS.stateMib) / (VFS_MS.mainTls - VFS_MS.main);

type Multifd = NonNullable<NonNullable<ScenarioInput['vmm']>['multifd']>;

/** Without any rest the same two figures make 333 ms a device and 767 ms for all else. */
const twoTerms = (devicesInTurn: number) => {
  const eachMs = (VFS_MS.main - VFS_MS.dedicated) / (VFS.count - 1);
  return VFS_MS.dedicated + (devicesInTurn - 1) * eachMs;
};

interface Row {
  readonly name: string;
  readonly expected: number;
  readonly multifd: Multifd;
  readonly tls: boolean;
  readonly fitted: boolean;
  readonly tolerance: Figure['tolerance'];
  readonly closedForm?: number;
}

const MAIN: Multifd = { channels: VFS.channels, deviceState: 'main' };
const SHARED: Multifd = { channels: VFS.channels, deviceState: 'channels' };
const DEDICATED: Multifd = { ...SHARED, deviceChannels: VFS.deviceChannels };
/** Slices, buffers and their headers. */
const CLOSE = { kind: 'percent', percent: 1 } as const;

const ROWS: readonly Row[] = [
  { name: 'one main channel', expected: VFS_MS.main, multifd: MAIN, tls: false, fitted: true, tolerance: CLOSE },
  {
    name: '4 of 15 channels',
    expected: VFS_MS.dedicated,
    multifd: DEDICATED,
    tls: false,
    fitted: true,
    tolerance: CLOSE,
  },
  {
    name: '15 shared channels',
    expected: VFS_MS.shared,
    multifd: SHARED,
    tls: false,
    fitted: false,
    tolerance: { kind: 'between', least: VFS_MS.dedicated, most: VFS_MS.dedicated + LIMIT_MS },
    closedForm: twoTerms(1),
  },
  {
    name: '11 shared channels',
    expected: VFS_MS.shared,
    multifd: { ...SHARED, channels: 11 },
    tls: false,
    fitted: false,
    tolerance: { kind: 'between', least: VFS_MS.dedicated, most: VFS_MS.dedicated + LIMIT_MS },
    closedForm: twoTerms(1),
  },
  { name: 'one main channel, TLS', expected: VFS_MS.mainTls, multifd: MAIN, tls: true, fitted: true, tolerance: CLOSE },
  {
    name: '4 of 15 channels, TLS',
    expected: VFS_MS.dedicatedTls,
    multifd: DEDICATED,
    tls: true,
    fitted: false,
    tolerance: { kind: 'percent', percent: 5 },
  },
];

export function deviceStateGroup(): Group {
  return {
    name: 'device-state',
    about:
      `Downtime. Fitted: ${FIXED_MS.toFixed(0)} ms for all, ${STATE_MS.toFixed(0)} ms a device, ` +
      `${TLS_MIB_PER_SECOND.toFixed(0)} MiB/s of TLS a thread; a rest of ${REST_MS} ms of memory is assumed. The other rows are the test; ` +
      'where channels are shared, what they add is the rest, so all that is held is that it is no more than the limit. Beside it: the two terms alone.',
    source:
      'M. Szmigiero, "[PATCH RFC 00/26] Multifd device state transfer support with VFIO consumer", qemu-devel, 16 and 17 April 2024',
    figures: ROWS.map(rowFigure),
  };
}

function rowFigure({ name, expected, tolerance, closedForm, fitted, multifd, tls }: Row): Figure {
  return {
    name: fitted ? `${name} (fitted)` : name,
    unit: 'ms',
    expected,
    got: rehearse(scenarioFrom(vfsScenario(name, multifd, tls))).ended.downtimeMs,
    tolerance,
    ...(closedForm === undefined ? {} : { closedForm }),
  };
}

/** A guest that has written its whole set again before a pass is over: so much, and no less, is left when it stops. */
function vfsScenario(name: string, multifd: Multifd, tls: boolean): ScenarioInput {
  const set = 4096 * Math.round((VFS.linkBytesPerSecond * REST_MS) / 1000 / 4096);
  const state = {
    stopCopy: VFS.stateMib * MIB,
    readRate: `${(1000 * VFS.stateMib * MIB) / STATE_MS}B/s` as const,
  };
  return {
    name: `device state, ${name}`,
    vm: { memory: '15GiB', workloads: [{ kind: 'random', set, rate: '100M/s' }] },
    containers: [
      {
        iommu: { kind: 'none' },
        devices: Array.from({ length: VFS.count }, (_, i) => ({
          id: `vf${i}`,
          kind: 'nic' as const,
          features: ['stop-copy', 'p2p', 'pre-copy'] as const,
          dmaLogging: true,
          state,
        })),
      },
    ],
    hosts: { destination: { load: `${FIXED_MS * 1e6}ns` } },
    link: { bandwidth: `${VFS.linkBytesPerSecond}B/s` },
    vmm: {
      loop: 'textbook',
      downtimeLimit: `${LIMIT_MS}ms`,
      maxBandwidth: 'unlimited',
      switchoverAck: true,
      multifd,
      ...(tls ? { tls: { rate: `${TLS_MIB_PER_SECOND * MIB}B/s` as const } } : {}),
    },
  } as ScenarioInput;
}

/** GB of frame buffer in use, and s that the guest stood. The third run was cut off: it had taken longer than 100 s. */
const STUNS = [
  { gb: 2, seconds: 16.5 },
  { gb: 8, seconds: 61.3 },
  { gb: 16, seconds: 100, cutOff: true },
] as const;
const STUN_S_PER_GB = (STUNS[1].seconds - STUNS[0].seconds) / (STUNS[1].gb - STUNS[0].gb);
const STUN_FIXED_S = STUNS[0].seconds - STUN_S_PER_GB * STUNS[0].gb;
/** No stun could end later here: the time limit of sending a device's state. */
const STUN_MOST_MS = 600_000;

export function stunGroup(): Group {
  return {
    name: 'vgpu-stun',
    about: `Two sizes fix both constants of a line, ${STUN_S_PER_GB.toFixed(2)} s a GB and ${STUN_FIXED_S.toFixed(1)} s; the third was cut off at 100 s, and must take longer.`,
    source: 'VMware vSphere 6.7 U3, Tesla P40, 10 GbE, the whole frame buffer in use (Yellow Bricks)',
    figures: STUNS.map((stun) => ({
      name: 'cutOff' in stun ? `${stun.gb} GB, cut off` : `${stun.gb} GB (fitted)`,
      unit: 'ms',
      expected: 1000 * stun.seconds,
      got: rehearse(scenarioFrom(stunScenario(stun.gb))).ended.downtimeMs,
      tolerance: 'cutOff' in stun ? { kind: 'between', least: 1000 * stun.seconds, most: STUN_MOST_MS } : CLOSE,
      closedForm: 1000 * (STUN_FIXED_S + STUN_S_PER_GB * stun.gb),
    })),
  };
}

function stunScenario(gb: number): ScenarioInput {
  return {
    name: `stun of ${gb} GB`,
    vm: { memory: '4GiB' },
    containers: [
      {
        iommu: { kind: 'none' },
        devices: [
          {
            id: 'vgpu0',
            kind: 'vgpu',
            features: ['stop-copy', 'p2p'],
            dmaLogging: true,
            mapped: '4MiB',
            state: { stopCopy: gb * 1e9, readRate: `${1e9 / STUN_S_PER_GB}B/s` },
          },
        ],
      },
    ],
    hosts: { destination: { load: `${Math.round(STUN_FIXED_S * 1e9)}ns` } },
    link: { bandwidth: '10Gbit/s' },
    vmm: { loop: 'textbook', downtimeLimit: '200s', maxBandwidth: 'unlimited' },
  } as ScenarioInput;
}
