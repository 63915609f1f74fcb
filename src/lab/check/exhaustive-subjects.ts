/**
 * The scenarios whose every step is disturbed: as small as they can be and still go through everything, and what happens in
 * each of them by itself. Two of them are whole migrations, which are disturbed in pairs as well; each other one begins where
 * it goes another way than those.
 */
import { isQemu, LOOPS, type LoopName } from '../../../machines/loops.ts';
import type { CommandName } from '../../../machines/words.ts';
import type { ScenarioInput } from '../scenario/schema.ts';
import type { Case } from './case.ts';

const SMALL = {
  vm: { memory: '2MiB', workloads: [{ kind: 'random', set: '1MiB', rate: '2k/s' }] },
  link: { bandwidth: '1Gbit/s', latency: '100us' },
  // The rate is measured each 100 ms: until then every pass is followed by another, and a sync keeps them few.
  sender: { sync: '110ms' },
  hosts: { source: { stopVcpus: '1ms' }, destination: { load: '2ms', resume: '1ms' } },
  storage: { release: '1ms', acquire: '1ms' },
  giveUpAfter: '2s',
  deadlines: {
    sendRound: '5s',
    sendRemaining: '5s',
    sendDeviceState: '5s',
    loadDestination: '5s',
    dirtyDmaPages: '5s',
  },
} as const;
const FEATURES = ['stop-copy', 'p2p', 'pre-copy'] as const;

const NICS = ['nic0', 'nic1'].map((id, nth) => ({
  id,
  kind: 'nic' as const,
  features: FEATURES,
  dmaLogging: true as const,
  dma: { rate: '2MiB/s' as const, ring: '64KiB' as const, at: `${1024 + 256 * nth}KiB` as const },
  state: { initial: '16KiB' as const, stopCopy: '64KiB' as const },
  times: { p2p: '1ms' as const, stop: '1ms' as const, run: '1ms' as const },
}));
const TWO_DEVICES = {
  ...SMALL,
  containers: [{ iommu: { kind: 'iommufd', dirtyTracking: true }, devices: NICS }],
} as const;
const A_HELPER = [
  {
    iommu: { kind: 'none' },
    devices: [
      {
        id: 'vf0',
        kind: 'guest-cooperative',
        features: FEATURES,
        dma: { rate: '2MiB/s', ring: '128KiB', late: '64KiB', at: '1MiB' },
        state: { initial: '16KiB', stopCopy: '64KiB' },
      },
    ],
  },
] as const;
/** What remains after the first pass does not fit; it is sent after the guest has gone. */
const POST_COPY = {
  ...SMALL,
  vm: { memory: '2MiB', workloads: [{ kind: 'random', set: '1MiB', rate: '20k/s' }] },
  link: { bandwidth: '200Mbit/s', latency: '100us' },
} as const;
const post = { after: 1, recoverAfter: '1ms' } as const;

export interface ExhaustiveSubject {
  readonly input: ScenarioInput;
  /** What happens in it anyhow. */
  readonly by?: Omit<Case, 'seed' | 'input'>;
  /** Nothing is disturbed before this command is given: another subject goes the same way up to here. */
  readonly begins?: CommandName;
  /** Not a disturbance at a time, but a cancel that overtakes the answer to each command. */
  readonly overtaken?: true;
  readonly pairs: boolean;
}

const QEMU: readonly LoopName[] = LOOPS.filter(isQemu);

/** What is the same in every release is disturbed in one; here only what has another status. */
function ofReleases(
  name: string,
  releases: readonly LoopName[],
  subject: (loop: LoopName) => Omit<ExhaustiveSubject, 'pairs'>,
): Readonly<Record<string, ExhaustiveSubject>> {
  return Object.fromEntries(
    releases.map((loop) => {
      const { input, ...rest } = subject(loop);
      const named = `${name} (${loop})`;
      return [named, { ...rest, input: { ...input, name: named }, pairs: false }];
    }),
  );
}

export const EXHAUSTIVE_SUBJECTS: Readonly<Record<string, ExhaustiveSubject>> = {
  'two devices': { input: { ...TWO_DEVICES, name: 'two devices' }, pairs: true },
  'a guest that helps': {
    input: {
      ...SMALL,
      name: 'a guest that helps',
      containers: A_HELPER,
    },
    pairs: true,
  },
  'on the way back': {
    input: {
      ...TWO_DEVICES,
      name: 'on the way back',
      // The first SET on the way back, which only a reset can mend.
      faults: [{ command: 'setDeviceState', nth: 4, of: 'nic0', fails: 'EIO', restsIn: 'ERROR' }],
    },
    by: { orders: [{ order: 'CANCEL', after: { command: 'releaseStorage', nth: 1 } }] },
    begins: 'releaseStorage',
    pairs: false,
  },
  'a pass that is cut short': {
    input: {
      ...SMALL,
      name: 'a pass that is cut short',
      // A pass that lasts longer than the function sleeps.
      link: { bandwidth: '200Mbit/s', latency: '100us' },
      containers: [{ iommu: { kind: 'iommufd', dirtyTracking: true }, devices: NICS.slice(0, 1) }],
    },
    by: { own: 'wakes' },
    begins: 'haltRound',
    pairs: false,
  },
  'a pass that goes on': {
    input: {
      ...SMALL,
      name: 'a pass that goes on',
      link: { bandwidth: '200Mbit/s', latency: '100us' },
      containers: [{ iommu: { kind: 'iommufd', dirtyTracking: true }, devices: NICS.slice(0, 1) }],
    },
    by: { own: 'restless' },
    begins: 'startDestination',
    pairs: false,
  },
  'in doubt': {
    input: {
      ...TWO_DEVICES,
      name: 'in doubt',
      faults: [
        { command: 'startDestination', hangs: true },
        { command: 'queryDestination', fails: 'ECONNRESET' },
      ],
    },
    by: { doubts: ['asked', 'asked', 'source-fenced', 'asked'] },
    begins: 'acquireStorage',
    pairs: false,
  },
  'post-copy, paused and recovered': {
    input: { ...POST_COPY, name: 'post-copy, paused and recovered', vmm: { loop: 'qemu-11.1', postcopy: post } },
    by: {
      orders: [{ order: 'PAUSE', after: { command: 'sendMissing', nth: 1 } }],
      doubts: ['asked', 'source-fenced'],
    },
    pairs: false,
  },
  'post-copy of old': {
    input: { ...POST_COPY, name: 'post-copy of old', vmm: { loop: 'qemu-8.2', postcopy: post } },
    by: {
      orders: [{ order: 'PAUSE', after: { command: 'sendMissing', nth: 1 } }],
      doubts: ['asked', 'destination-fenced'],
    },
    begins: 'haltRound',
    pairs: false,
  },
  'devices that come and go': {
    input: {
      ...SMALL,
      name: 'devices that come and go',
      vm: {
        memory: '2MiB',
        // Busy for three passes.
        workloads: [
          {
            kind: 'phases',
            phases: [
              { for: '110ms', kind: 'random', set: '1MiB', rate: '20k/s' },
              { for: '10s', kind: 'idle' },
            ],
            repeat: false,
          },
        ],
      },
      vmm: { loop: 'textbook', downtimeLimit: '5ms' },
      containers: [
        {
          iommu: { kind: 'iommufd', dirtyTracking: true },
          devices: [
            { ...NICS[0], unpluggedAt: '1m' },
            { ...NICS[1], pluggedAt: '1m' },
          ],
        },
      ],
    } as ScenarioInput,
    by: {
      orders: [
        { order: 'PLUG', device: 'nic1', after: { command: 'sendRound', nth: 1 } },
        { order: 'UNPLUG', device: 'nic0', after: { command: 'sendRound', nth: 2 } },
      ],
    },
    begins: 'plugDevice',
    pairs: false,
  },
  'a cancel that overtakes': {
    input: { ...TWO_DEVICES, name: 'a cancel that overtakes' },
    overtaken: true,
    pairs: false,
  },
  'a cancel that overtakes a guest': {
    input: { ...SMALL, name: 'a cancel that overtakes a guest', containers: A_HELPER },
    overtaken: true,
    pairs: false,
  },
  'post-copy in doubt': {
    input: {
      ...POST_COPY,
      name: 'post-copy in doubt',
      vmm: { loop: 'qemu-10.2', postcopy: post },
      faults: [{ command: 'startDestination', silent: true }],
    },
    by: { doubts: ['source-fenced'] },
    begins: 'acquireStorage',
    pairs: false,
  },
  ...ofReleases('post-copy, recovered', ['qemu-7.2', 'qemu-8.0', 'qemu-9.2', 'qemu-10.2'], (loop) => ({
    input: { ...POST_COPY, name: '', vmm: { loop, postcopy: post } },
    by: { orders: [{ order: 'PAUSE', after: { command: 'sendMissing', nth: 1 } }] },
    begins: 'compareReceived',
  })),
  'device states at once': {
    input: { ...TWO_DEVICES, name: 'device states at once', vmm: { multifd: { channels: 2 } } },
    begins: 'sendRemaining',
    pairs: false,
  },
  'device states beside the memory': {
    input: {
      ...TWO_DEVICES,
      name: 'device states beside the memory',
      vmm: { multifd: { channels: 3, deviceChannels: 1 } },
    },
    begins: 'sendRemaining',
    pairs: false,
  },
  ...ofReleases('stopped after a pause', QEMU, (loop) => ({
    input: { ...SMALL, name: '', vmm: { loop, pauseBeforeSwitchover: true } },
    begins: 'sendRemaining',
  })),
};
