/** Every chart of the gallery with the kind of its inbox and a generator of inputs that reach all of its states. */
import { managers, type PublishedRule, policies, publishedRules } from '../../machines/index.ts';
import type { Kind } from '../../machines/messages.ts';
import type { Plan, PlanDevice } from '../../machines/plan.ts';
import { smallPlan } from '../simulation/small-plan.ts';
import type { Draw } from './event-table.ts';

export interface Subject {
  /** As in `machines`. */
  readonly name: string;
  readonly kind: Kind;
  readonly input: (draw: Draw) => unknown;
  /** How many random runs, of how many events at most: enough to take every transition a few times. */
  readonly runs: number;
  readonly eventsMax: number;
}

const ids = (draw: Draw) =>
  draw.weighted<readonly string[]>([
    [[], 2],
    [['nic0'], 2],
    [['nic0', 'nic1'], 2],
  ]);
const addressed = (draw: Draw) =>
  ids(draw).map((id) => ({ id, address: `device/${id}`, p2p: draw.chance(60), preCopy: draw.chance(60) }));

/** Guest drivers that take part, or none. */
const DRIVERS = ['nic0', 'nic1'].map((id) => ({ id, address: `guest-driver/${id}` }));
const drivers = (draw: Draw) => (draw.chance(50) ? {} : { drivers: DRIVERS });
const cooperation = (draw: Draw) =>
  draw.chance(60) ? {} : { cooperation: { drivers: DRIVERS, round: 3, ends: { rule: 'drained' } } };

/** No device takes part; one of them was asked for without the capability. */
function postCopyPlan(draw: Draw): Plan {
  const on = draw.chance(90) ? { postCopy: true as const } : {};
  return smallPlan({
    loop: draw.one(['qemu-8.2', 'qemu-9.2', 'qemu-10.2']),
    pauseBeforeSwitchover: draw.chance(30),
    containers: [],
    ...on,
  });
}

function plan(draw: Draw): Plan {
  const logsDma = draw.chance(70);
  const helps = !logsDma && draw.chance(50) ? { cooperates: true } : {};
  const devices: PlanDevice[] = ids(draw).map((id) => ({ id, features: draw.chance(95) ? 7 : 1, logsDma, ...helps }));
  if (draw.chance(40)) return postCopyPlan(draw);
  return smallPlan({
    loop: draw.one(['qemu-8.2', 'qemu-9.2', 'qemu-10.2', 'qemu-11.1', 'textbook']),
    pauseBeforeSwitchover: draw.chance(50),
    giveUpAfterMs: draw.chance(15) ? 5 : 60_000,
    containers: draw.one([[], [{ id: '0', iommuTracks: draw.chance(85), devices }]]),
  });
}

/** As few passes as the drawn observations have. */
function xenParameters(name: PublishedRule, draw: Draw): object {
  return { ...publishedRules[name].defaults, passesMaxCount: draw.one([3, 29]) };
}

function cloudHypervisorParameters(draw: Draw): object {
  return { timeoutMs: draw.one([1000, 3_600_000]), timeoutStrategy: draw.one(['cancel', 'ignore']) };
}

/** Parameters that make a policy's rule come out both ways; one that is not here is tried with its defaults. */
const PARAMETERS: Readonly<Record<string, (draw: Draw) => object>> = {
  qemu: (draw) => ({ switchesOver: draw.one(['below-or-zero', 'at-or-below']) }),
  'no-progress': (draw) => ({ shrinkPercent: draw.one([5, 50]) }),
  'xen-2004': (draw) => xenParameters('xen-2004', draw),
  'xen-legacy': (draw) => xenParameters('xen-legacy', draw),
  'xen-now': (draw) => xenParameters('xen-now', draw),
  'detach-reattach': (draw) => ({ switchesOver: draw.one(['below-or-zero', 'at-or-below']) }),
  'hyper-v': () => ({ passesMaxCount: 3 }),
  'cloud-hypervisor-old': () => ({ dirtyPassesMaxCount: 2 }),
  'cloud-hypervisor': cloudHypervisorParameters,
  'cloud-hypervisor-auto-converge': cloudHypervisorParameters,
};

const POLICIES = Object.values(policies).map(({ name, defaults }): Subject => {
  const parameters = PARAMETERS[name] ?? (() => defaults);
  const input = (draw: Draw) => ({ parameters: parameters(draw) });
  // A function is answered, and asked again: more of its events wait for another.
  const [runs, eventsMax] = name === 'own-policy' ? [200, 24] : [60, 12];
  return { name: `convergence-${name}`, kind: 'policy', input, runs, eventsMax };
});

/** Through its items before the passes that are drawn come to an end. */
const shortLadder = (draw: Draw) => ({ stepsMs: [150], stepPasses: draw.one([[0], [0], [9]]) });

/** Parameters that make a manager's rule come out every way; one that is not here is tried with its defaults. */
const MANAGED: Readonly<Record<string, (draw: Draw) => object>> = {
  nova: (draw) => ({ timeoutAction: draw.one(['abort', 'force_complete']) }),
  'kubevirt-legacy': (draw) => ({ allowWorkloadDisruption: draw.chance(70) }),
  'kubevirt-stall': (draw) => ({
    allowWorkloadDisruption: draw.chance(50),
    completionTimeoutPerGbMs: draw.one([150_000, 450_000]),
  }),
  'kubevirt-downtime-tuning': (draw) => ({ downtimeMaxMs: draw.one([150, 250, 900]) }),
  proxmox: (draw) => ({ growthCountMax: draw.one([0, 5]), queryErrorsMax: draw.one([0, 5]) }),
  'ovirt-minimal-downtime': shortLadder,
  'ovirt-suspend-if-needed': shortLadder,
  'ovirt-post-copy': shortLadder,
  // A step each second, which is what passes between two looks where an answer is late.
  'vdsm-exponential': (draw) => ({
    stepsCount: 3,
    delayMs: 3000,
    maxTimePerGibMs: draw.one([0, 400_000]),
    progressTimeoutMs: draw.one([240_000, 1e9]),
  }),
  libvirt: (draw) => ({
    timeoutMs: draw.one([0, 5]),
    timeoutAction: draw.one(['suspend', 'postcopy']),
    postCopyAfterPreCopy: draw.chance(30),
    maxDowntimeMs: draw.one([0, 500]),
  }),
};

/** These have far to go to their last states. */
const FAR = new Set(['kubevirt-stall', 'ovirt-post-copy', 'vdsm-exponential']);

const MANAGERS = Object.values(managers).map(({ name, defaults }): Subject => {
  const input = (draw: Draw) => ({
    parameters: { ...defaults, ...('pollMs' in defaults ? { pollMs: 2 } : {}), ...MANAGED[name]?.(draw) },
    vm: { ramBytes: 2 ** 30, vfio: draw.chance(30), postCopy: draw.chance(40), downtimeLimitMs: 300 },
  });
  return {
    name: `manager-${name}`,
    kind: 'manager',
    input,
    runs: FAR.has(name) ? 600 : 150,
    eventsMax: 40,
  };
});

/** A container with one device that is there and one that may be plugged; each may be of a kind that blocks. */
function hotPlugPlan(draw: Draw): Plan {
  const device = (id: string): PlanDevice => ({
    id,
    features: draw.weighted([
      [7, 5],
      [3, 5],
      [1, 1],
    ]),
    logsDma: draw.chance(60),
  });
  return smallPlan({
    loop: draw.weighted([
      ['textbook', 9],
      ['qemu-10.2', 1],
    ]),
    hotPlug: true,
    containers: [{ id: '0', iommuTracks: draw.chance(90), devices: [device('nic0')], pluggable: [device('nic1')] }],
  });
}

export const SUBJECTS: readonly Subject[] = [
  { name: 'migration', kind: 'migration', input: plan, runs: 1100, eventsMax: 40 },
  {
    name: 'pre-copy',
    kind: 'pre-copy',
    input: (draw) => ({
      loop: draw.one(['qemu-8.2', 'qemu-10.2', 'qemu-11.1', 'textbook']),
      downtimeLimitMs: 100,
      availSwitchoverBytesPerSecond: draw.one([0, 1000]),
      devices: addressed(draw),
      switchoverAck: draw.chance(50),
      ...drivers(draw),
      ...(draw.chance(30) ? { seesPasses: true, asksFirst: true, skipsDirtied: true, paceBytesPerSecond: 1000 } : {}),
    }),
    runs: 200,
    eventsMax: 40,
  },
  {
    name: 'stop-and-copy',
    kind: 'stop-and-copy',
    input: (draw) => ({
      devices: addressed(draw),
      pauseBeforeSwitchover: draw.chance(40),
      ...(draw.chance(30) ? { postCopy: true } : cooperation(draw)),
      ...(draw.chance(40) ? { deviceStates: draw.one(['together', 'beside-memory']) } : {}),
    }),
    runs: 260,
    eventsMax: 40,
  },
  {
    name: 'post-copy',
    kind: 'post-copy',
    input: (draw) => ({ giveUpAfterMs: draw.one([5, 60_000]) }),
    runs: 120,
    eventsMax: 30,
  },
  {
    name: 'roll-back',
    kind: 'roll-back',
    input: (draw) => ({
      sending: draw.one(['pre-copy', 'stop-and-copy', 'nobody']),
      switching: draw.chance(60),
      devices: addressed(draw),
      ...drivers(draw),
    }),
    runs: 100,
    eventsMax: 40,
  },
  {
    name: 'in-doubt',
    kind: 'in-doubt',
    input: (draw) => ({ why: 'startDestination (EIO)', destination: draw.one(['may-run', 'given-up']) }),
    runs: 150,
    eventsMax: 30,
  },
  {
    name: 'destination',
    kind: 'destination',
    input: (draw) => ({ devices: addressed(draw) }),
    runs: 250,
    eventsMax: 50,
  },
  {
    name: 'auto-converge',
    kind: 'auto-converge',
    input: (draw) => ({
      initialPercent: 20,
      incrementPercent: draw.one([10, 99]),
      maxPercent: 99,
      tailslow: draw.chance(50),
      triggerThresholdPercent: 50,
      periodOverMs: draw.one([0, 2]),
      syncTickMs: draw.one([0, 3, 5000]),
    }),
    runs: 120,
    eventsMax: 30,
  },
  {
    name: 'dirty-limit',
    kind: 'dirty-limit',
    input: (draw) => ({
      bytesPerSecond: 2 ** 20,
      periodMs: 1000,
      triggerThresholdPercent: 50,
      periodOverMs: draw.one([0, 2]),
    }),
    runs: 120,
    eventsMax: 20,
  },
  {
    name: 'stepped-throttle',
    kind: 'stepped-throttle',
    input: (draw) => ({
      afterPasses: draw.one([1, 4]),
      everyPasses: 2,
      stepPercent: draw.one([10, 50]),
      maxPercent: 99,
      ...(draw.chance(30) ? { whileLosing: true, pageBytes: 4096 } : {}),
    }),
    runs: 60,
    eventsMax: 40,
  },
  { name: 'guest', kind: 'guest', input: () => ({}), runs: 60, eventsMax: 60 },
  { name: 'hot-plug', kind: 'hot-plug', input: (draw) => ({ plan: hotPlugPlan(draw) }), runs: 400, eventsMax: 50 },
  {
    name: 'dirty-log',
    kind: 'dirty-log',
    input: (draw) => ({
      trackings: draw.one([[], ['tracking/0'], ['tracking/0', 'tracking/1']]),
      afterSyncError: draw.one(['fail', 'allDirty']),
    }),
    runs: 150,
    eventsMax: 50,
  },
  {
    name: 'dirty-tracking',
    kind: 'tracking',
    input: (draw) => ({
      tracking: '0',
      devices: ['nic0', 'nic1'].slice(0, draw.one([0, 1, 2])).map((id) => ({
        id,
        logsDma: draw.chance(60),
        ...(draw.chance(60) ? { cooperates: true } : {}),
      })),
      iommuTracks: draw.chance(50),
      ...draw.one([{}, {}, { choice: 'iommu-first' }, { choice: 'per-device' }]),
      sections: [{ of: 'ram', firstPage: 0, pages: 256 }],
      ranges: draw.one(['two', 'three']),
      pageBytes: 4096,
    }),
    runs: 200,
    eventsMax: 50,
  },
  {
    name: 'device-control',
    kind: 'device',
    input: (draw) => ({
      device: 'nic0',
      mirror: 'vfio/nic0',
      state: draw.one(['RUNNING', 'STOP']),
      mayReset: draw.one([true, true, false]),
    }),
    runs: 120,
    eventsMax: 50,
  },
  {
    name: 'guest-driver',
    kind: 'guest-driver',
    input: () => ({ device: 'nic0' }),
    runs: 120,
    eventsMax: 60,
  },
  {
    name: 'vfio-device',
    kind: 'vfio',
    input: (draw) => ({
      features: draw.one([1, 3, 5, 5, 7, 7]),
      initial: draw.one(['RUNNING', 'STOP', 'STOP_COPY', 'RESUMING', 'ERROR']),
      initialBytes: draw.one([0, 4]),
      stopCopyBytes: draw.one([0, 6]),
      onBadImage: draw.one(['stay', 'error', 'unseen']),
    }),
    runs: 350,
    eventsMax: 60,
  },
  { name: 'observed', kind: 'observed', input: () => ({}), runs: 250, eventsMax: 60 },
  ...POLICIES,
  ...MANAGERS,
];
