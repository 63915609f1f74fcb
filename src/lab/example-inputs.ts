/**
 * What each chart of the gallery is opened with in a real run: an input for whoever walks through one chart by itself. Small
 * migrations are rehearsed, each of which opens what others do not, and the first input of each kind is kept.
 *
 * Policies and managers are opened with their defaults, which are the same for every run.
 */
import { chartsFor, managers, policies } from '../../machines/index.ts';
import type { Kind } from '../../machines/messages.ts';
import { type ChartSet, chartSet } from '../core/system.ts';
import { planOf } from './plan.ts';
import { rehearse } from './rehearse.ts';
import { scenarioFrom } from './scenario/read.ts';
import type { ScenarioInput } from './scenario/schema.ts';

/** Plain JSON; undefined for a name that no chart of the gallery has. */
export function exampleInput(machine: string): unknown {
  kept ??= inputsOfRuns();
  for (const { name, defaults } of Object.values(policies)) {
    if (machine === `convergence-${name}`) return { parameters: defaults };
  }
  for (const { name, defaults } of Object.values(managers)) {
    if (machine === `manager-${name}`) return { ...(kept.get('manager') as object), parameters: defaults };
  }
  if (machine === 'observed') return {};
  return kept.get(KINDS[machine] ?? (machine as Kind));
}

let kept: ReadonlyMap<Kind, unknown> | undefined;

/** Kinds of charts whose file has another name. */
const KINDS: Readonly<Record<string, Kind>> = {
  'dirty-tracking': 'tracking',
  'device-control': 'device',
  'vfio-device': 'vfio',
};

const NIC = {
  id: 'nic0',
  kind: 'nic',
  features: ['stop-copy', 'p2p', 'pre-copy'],
  dmaLogging: true,
  dma: { rate: '20MiB/s', ring: '4MiB', at: '32MiB' },
  state: { initial: '1MiB', stopCopy: '2MiB' },
} as const;
const GUEST_DRIVEN = {
  id: 'nic0',
  kind: 'guest-cooperative',
  features: ['stop-copy', 'p2p'],
  dma: { rate: '20MiB/s', ring: '4MiB', at: '32MiB' },
  cooperation: { mode: 'quiesce' },
  state: { stopCopy: '2MiB' },
} as const;

/** Named by what they open. */
const RUNS: readonly object[] = [
  { vmm: { autoConverge: true }, manager: { policy: 'nova' } },
  { name: 'roll-back', cancelAt: '300ms' },
  { name: 'post-copy', containers: [], vmm: { postcopy: { at: '100ms' } } },
  {
    name: 'in-doubt',
    hosts: { destination: { resume: '2s' } },
    deadlines: { startDestination: '1s' },
  },
  {
    name: 'guest-driver, dirty-limit',
    containers: [{ iommu: { kind: 'none' }, devices: [GUEST_DRIVEN] }],
    dirtyLog: 'ring',
    vmm: { dirtyLimit: { vcpuDirtyLimit: '2MiB/s' } },
  },
  {
    name: 'hot-plug, stepped-throttle',
    containers: [
      {
        iommu: { kind: 'iommufd', dirtyTracking: true },
        devices: [NIC, { ...NIC, id: 'nic1', dma: { ...NIC.dma, at: '48MiB' }, pluggedAt: '100ms' }],
      },
    ],
    vmm: { loop: 'textbook', steppedThrottle: true },
  },
];

function inputOf({ vmm, dirtyLog = 'bitmap', ...rest }: Readonly<Record<string, unknown>>): ScenarioInput {
  return {
    name: 'completed',
    vm: {
      memory: '64MiB',
      vcpus: 1,
      dirtyLog,
      workloads: [{ kind: 'random', set: '16MiB', rate: '4k/s' }],
    },
    containers: [{ iommu: { kind: 'iommufd', dirtyTracking: true }, devices: [NIC] }],
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', maxBandwidth: 'unlimited', ...(vmm as object) },
    giveUpAfter: '5s',
    ...rest,
  } as ScenarioInput;
}

function inputsOfRuns(): ReadonlyMap<Kind, unknown> {
  const inputs = new Map<Kind, unknown>();
  for (const run of RUNS) {
    const scenario = scenarioFrom(inputOf(run as Readonly<Record<string, unknown>>));
    const { policy, manager } = planOf(scenario);
    const charts = chartSet(chartsFor(policy.name, manager?.name));
    rehearse(scenario, { charts: keepingInputs(charts, inputs) });
  }
  return inputs;
}

/** The same charts; what each kind is opened with first is kept. */
function keepingInputs(charts: ChartSet, inputs: Map<Kind, unknown>): ChartSet {
  return {
    root: charts.root,
    chart(kind, address) {
      const chart = charts.chart(kind, address);
      return {
        ...chart,
        start(input) {
          if (!inputs.has(kind as Kind)) inputs.set(kind as Kind, structuredClone(input));
          return chart.start(input);
        },
      };
    },
  };
}
