/**
 * A VM small enough to be rehearsed in milliseconds: 64 MiB, two NICs in one container, a vCPU that writes all the time. The
 * sets do not overlap, so that a page says who wrote it: the vCPU has 0 to 16 MiB, nic0 32 to 36 MiB, nic1 48 to 50 MiB.
 */
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

const MIB = 2 ** 20;

/** First page and end, in pages of 4 KiB. */
export const WRITERS = {
  vcpu: { from: 0, to: 4096 },
  nic0: { from: 8192, to: 9216 },
  nic1: { from: 12_288, to: 12_800 },
} as const;

export const ALL_PAGES = (64 * MIB) / 4096;

type DeviceInput = NonNullable<ScenarioInput['containers']>[number]['devices'][number];
type IommuInput = NonNullable<ScenarioInput['containers']>[number]['iommu'];

export function nic0(changes: Partial<DeviceInput> = {}): DeviceInput {
  return {
    id: 'nic0',
    kind: 'nic',
    features: ['stop-copy', 'p2p', 'pre-copy'],
    dmaLogging: true,
    dma: { rate: '20MiB/s', ring: '4MiB', at: '32MiB' },
    state: { initial: '1MiB', stopCopy: '2MiB' },
    ...changes,
  } as DeviceInput;
}

export function nic1(changes: Partial<DeviceInput> = {}): DeviceInput {
  return nic0({ id: 'nic1', dma: { rate: '10MiB/s', ring: '2MiB', at: '48MiB' }, ...changes } as Partial<DeviceInput>);
}

export interface SmallScenario {
  readonly iommu?: IommuInput;
  readonly devices?: readonly DeviceInput[];
  readonly vmm?: ScenarioInput['vmm'];
  /** Any other key. */
  readonly rest?: Partial<ScenarioInput>;
}

export function smallInput({ iommu, devices, vmm, rest }: SmallScenario = {}): ScenarioInput {
  return {
    name: 'small',
    vm: {
      memory: '64MiB',
      vcpus: 1,
      workloads: [{ kind: 'random', set: '16MiB', rate: '4k/s' }],
    },
    containers: [{ iommu: iommu ?? { kind: 'iommufd', dirtyTracking: true }, devices: devices ?? [nic0(), nic1()] }],
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', downtimeLimit: '100ms', maxBandwidth: 'unlimited', ...vmm },
    ...rest,
  };
}

export function smallScenario(changes: SmallScenario = {}): Scenario {
  return scenarioFrom(smallInput(changes));
}
