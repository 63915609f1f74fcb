/** What must agree between keys, and what each QEMU release can do. */

import { describe, expect, it } from 'vitest';
import type { LoopName } from '../../../machines/loops.ts';
import { ScenarioError } from '../../../src/lab/scenario/error.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';

type Vm = ScenarioInput['vm'];
type Workload = NonNullable<Vm['workloads']>[number];
type Device = NonNullable<ScenarioInput['containers']>[number]['devices'][number];

function told(input: ScenarioInput): readonly string[] {
  try {
    scenarioFrom(input);
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

const withVm = (vm: Partial<Vm>): ScenarioInput => ({ name: 'a', vm: { memory: '1GiB', ...vm } });
const withWorkload = (workload: Workload) => withVm({ vcpus: 2, workloads: [workload] });
const NIC = { id: 'n', kind: 'nic', features: ['stop-copy'], state: { stopCopy: '1MiB' } } as const;
const withDevices = (devices: readonly Device[], vmm: ScenarioInput['vmm'] = {}): ScenarioInput => ({
  ...withVm({}),
  containers: [{ iommu: { kind: 'type1' }, devices }],
  vmm,
});

describe('sizes', () => {
  it.each<readonly [string, ScenarioInput, readonly string[]]>([
    ['no memory', withVm({ memory: 0 }), ['vm.memory: a VM has some memory']],
    ['half a page', withVm({ memory: 4097 }), ['vm.memory: must be a whole number of pages of 4KiB']],
    [
      'half a large page',
      withVm({ memory: '4KiB', pageSize: '64KiB' }),
      ['vm.memory: must be a whole number of pages of 64KiB'],
    ],
    [
      'more pages than have numbers',
      withVm({ memory: '9TiB' }),
      ['vm.memory: at most 2147483648 pages, which is 8TiB here'],
    ],
    ['more, of larger pages', withVm({ memory: '9TiB', pageSize: '16KiB' }), []],
    [
      'more non-zero than memory',
      withVm({ nonZero: '2GiB' }),
      ['vm.nonZero: 2GiB is more than vm.memory, which is 1GiB'],
    ],
    ['all non-zero', withVm({ nonZero: '1GiB' }), []],
    ['nothing non-zero', withVm({ nonZero: 0 }), []],
    [
      'a set larger than memory',
      withWorkload({ kind: 'random', set: '2GiB', rate: '1/s' }),
      ['vm.workloads[0].set: 2GiB is more than vm.memory, which is 1GiB'],
    ],
    [
      'a set that ends outside',
      withWorkload({ kind: 'cycle', set: '512MiB', rate: '1/s', at: '768MiB' }),
      ['vm.workloads[0].set: 512MiB at 768MiB is more than vm.memory, which is 1GiB'],
    ],
    ['a set that ends with memory', withWorkload({ kind: 'cycle', set: '256MiB', rate: '1/s', at: '768MiB' }), []],
    [
      'a set that begins outside',
      withWorkload({ kind: 'sequential', rate: '1/s', at: '1GiB' }),
      ['vm.workloads[0].at: must lie within vm.memory, which is 1GiB'],
    ],
    [
      'a set that begins within a page',
      withWorkload({ kind: 'random', set: '1MiB', rate: '1/s', at: 5000 }),
      ['vm.workloads[0].at: must be a whole number of pages of 4KiB'],
    ],
    [
      'an empty set',
      withWorkload({ kind: 'random', set: 0, rate: '1/s' }),
      ['vm.workloads[0].set: must be larger than 0'],
    ],
    [
      'a phase outside the set',
      withWorkload({ kind: 'cycle', set: '1MiB', rate: '1/s', phase: '1MiB' }),
      ['vm.workloads[0].phase: must lie within the set, which is 1MiB'],
    ],
    [
      'a vCPU that is not there',
      withWorkload({ kind: 'random', set: '1MiB', rate: '1/s', vcpus: '0-2' }),
      ['vm.workloads[0].vcpus: there is no vCPU 2: vm.vcpus is 2, numbered from 0'],
    ],
    [
      'a curve without points',
      withWorkload({ kind: 'curve', points: [] }),
      ['vm.workloads[0].points: a curve has at least one point'],
    ],
    [
      'a curve that stands still',
      withWorkload({
        kind: 'curve',
        points: [
          [1, 1],
          [1, 2],
        ],
      }),
      ['vm.workloads[0].points[1]: times must rise from point to point'],
    ],
    [
      'a curve that falls',
      withWorkload({
        kind: 'curve',
        points: [
          [1, 2],
          [2, 1],
        ],
      }),
      ['vm.workloads[0].points[1]: distinct pages cannot become fewer with time'],
    ],
    [
      'a curve above its set',
      withWorkload({ kind: 'curve', set: '8KiB', points: [[1, 3]] }),
      ['vm.workloads[0].points[0]: 3 pages are more than the set, which is 2 pages'],
    ],
    [
      'a curve with a jump at the start',
      withWorkload({ kind: 'curve', points: [[0, 3]] }),
      ['vm.workloads[0].points[0]: at time 0 nothing has been written'],
    ],
    [
      'a vGPU that maps more than memory',
      withDevices([{ ...NIC, kind: 'vgpu', mapped: '2GiB' }]),
      ['containers[0].devices[0].mapped: 2GiB is more than vm.memory, which is 1GiB'],
    ],
    [
      'a ring that ends outside',
      withDevices([{ ...NIC, dma: { rate: '1MB/s', ring: '1GiB', at: '4KiB' } }]),
      ['containers[0].devices[0].dma.ring: 1GiB at 4KiB is more than vm.memory, which is 1GiB'],
    ],
  ])('%s', (_, input, messages) => {
    expect(told(input)).toEqual(messages);
  });
});

describe('devices', () => {
  it('have names of their own, across containers', () => {
    const container = { id: 'c', iommu: { kind: 'type1' }, devices: [NIC] } as const;
    expect(told({ ...withVm({}), containers: [container, container] })).toEqual([
      'containers[1].id: c is the container at containers[0] already',
      'containers[1].devices[0].id: n is the device at containers[0].devices[0] already',
    ]);
  });

  it.each<readonly [string, Device, readonly string[]]>([
    [
      'initial data without pre-copy',
      { ...NIC, state: { initial: '1MiB', stopCopy: '1MiB' } },
      ['containers[0].devices[0].state.initial: only a device with pre-copy among its features has initial data'],
    ],
    [
      'pre-copy data without pre-copy',
      { ...NIC, state: { dirtyRate: '1MB/s', stopCopy: '1MiB' } },
      ['containers[0].devices[0].state.dirtyRate: only a device with pre-copy among its features has pre-copy data'],
    ],
    [
      'initial data beyond the whole',
      { ...NIC, features: ['stop-copy', 'pre-copy'], state: { initial: '2MiB', stopCopy: '1MiB' } },
      ['containers[0].devices[0].state.stopCopy: includes initial, so it is at least 2MiB'],
    ],
    [
      'a log of half pages',
      { ...NIC, dmaLogging: { pageSize: '2KiB' } },
      ['containers[0].devices[0].dmaLogging.pageSize: must be a power of two from 4KiB up'],
    ],
    [
      'a log of odd pages',
      { ...NIC, dmaLogging: { pageSize: 12_288 } },
      ['containers[0].devices[0].dmaLogging.pageSize: must be a power of two from 4KiB up'],
    ],
  ])('%s', (_, device, messages) => {
    expect(told(withDevices([device]))).toEqual(messages);
  });

  it.each([
    [
      { kind: 'none', dirtyTracking: true },
      ['containers[0].iommu.dirtyTracking: without an IOMMU there is none that tracks'],
    ],
    [
      { kind: 'type1', hardware: 'amd' },
      ['containers[0].iommu.hardware: only iommufd uses dirty bits of the hardware, and kind is type1'],
    ],
  ] as const)('behind %o', (iommu, messages) => {
    expect(told({ ...withVm({}), containers: [{ iommu, devices: [] }] })).toEqual(messages);
  });

  it('may lack P2P beside another, or any tracker: that is for the migration to say', () => {
    expect(told(withDevices([NIC, { ...NIC, id: 'm', features: ['stop-copy', 'p2p'] }]))).toEqual([]);
  });
});

describe('limits', () => {
  it.each<readonly [ScenarioInput, readonly string[]]>([
    [{ ...withVm({}), link: { bandwidth: 0 } }, ['link.bandwidth: a link that carries nothing ends no migration']],
    [{ ...withVm({}), giveUpAfter: 0 }, ['giveUpAfter: must be longer than 0']],
    [{ ...withVm({}), deadlines: { sendRound: 0 } }, ['deadlines.sendRound: must be longer than 0']],
    [
      { ...withVm({}), vmm: { downtimeLimit: '50us' } },
      ['vmm.downtimeLimit: QEMU takes whole milliseconds up to 2000s'],
    ],
    [
      { ...withVm({}), vmm: { downtimeLimit: '2001s' } },
      ['vmm.downtimeLimit: QEMU takes whole milliseconds up to 2000s'],
    ],
    [{ ...withVm({}), vmm: { downtimeLimit: '2000s' } }, []],
    [{ ...withVm({}), vmm: { downtimeLimit: 0 } }, []],
    [{ ...withVm({}), vmm: { downtimeLimit: '50us', loop: 'textbook' } }, []],
    [{ ...withVm({}), expect: { totalMs: { min: 2, max: 1 } } }, ['expect.totalMs: min 2 is more than max 1']],
  ])('%j', (input, messages) => {
    expect(told(input)).toEqual(messages);
  });
});

describe('a release', () => {
  const tooOld = (path: string, what: string, since: string, first: LoopName) => (loop: LoopName) =>
    `${path}: ${what} needs QEMU ${since} or later, and vmm.loop is ${loop}; the first loop here that can is ${first}`;
  const one = (features: readonly ('stop-copy' | 'p2p' | 'pre-copy')[]) => (loop: LoopName) =>
    withDevices([{ ...NIC, features }], { loop });
  const at = 'containers[0].devices[0].features';

  // QEMU, first release that contains the commit: 31bcbbb5be 8.0; eda7362af9, 6574232fff 8.1; 94f775e428, 5c7a4b6035,
  // 8b2395970a 8.2; 52ce88229c 9.1.
  it.each<
    readonly [
      string,
      (loop: LoopName) => ScenarioInput,
      (loop: LoopName) => string,
      readonly LoopName[],
      readonly LoopName[],
    ]
  >([
    [
      'VFIO',
      one(['stop-copy']),
      tooOld('containers', 'VFIO migration v2', '8.0', 'qemu-8.0'),
      ['qemu-7.2'],
      ['qemu-8.0', 'textbook'],
    ],
    [
      'pre-copy',
      one(['stop-copy', 'pre-copy']),
      tooOld(at, 'pre-copy of VFIO devices', '8.1', 'qemu-8.2'),
      ['qemu-8.0'],
      ['qemu-8.2', 'qemu-11.1', 'textbook'],
    ],
    [
      'P2P',
      one(['stop-copy', 'p2p']),
      tooOld(at, 'P2P', '8.2', 'qemu-8.2'),
      ['qemu-8.0'],
      ['qemu-8.2', 'qemu-10.2', 'textbook'],
    ],
    [
      'several devices',
      (loop) => withDevices([NIC, { ...NIC, id: 'm' }], { loop }),
      tooOld('containers', 'more than one VFIO device', '8.2', 'qemu-8.2'),
      ['qemu-8.0'],
      ['qemu-8.2', 'textbook'],
    ],
    [
      'switchover-ack',
      (loop) => ({ ...withVm({}), vmm: { loop, switchoverAck: true } }),
      tooOld('vmm.switchoverAck', 'switchover-ack', '8.1', 'qemu-8.2'),
      ['qemu-7.2', 'qemu-8.0'],
      ['qemu-8.2', 'textbook'],
    ],
    [
      'avail-switchover-bandwidth',
      (loop) => ({ ...withVm({}), vmm: { loop, availSwitchoverBandwidth: '1GB/s' } }),
      tooOld('vmm.availSwitchoverBandwidth', 'avail-switchover-bandwidth', '8.2', 'qemu-8.2'),
      ['qemu-7.2', 'qemu-8.0'],
      ['qemu-8.2', 'textbook'],
    ],
    [
      'iommufd',
      (loop) => ({
        ...withVm({}),
        vmm: { loop },
        containers: [{ iommu: { kind: 'iommufd', dirtyTracking: true }, devices: [NIC] }],
      }),
      tooOld('containers[0].iommu.dirtyTracking', 'dirty tracking by iommufd', '9.1', 'qemu-9.2'),
      ['qemu-8.0', 'qemu-8.2'],
      ['qemu-9.2', 'qemu-10.2', 'textbook'],
    ],
  ])('with or without %s', (_, input, message, without, having) => {
    for (const loop of without) expect(told(input(loop))).toEqual([message(loop)]);
    for (const loop of having) expect(told(input(loop))).toEqual([]);
  });

  it('is told by line', () => {
    const text = `name: a
vm: { memory: 1GiB }
containers:
  - iommu: { kind: type1 }
    devices:
      - id: n
        kind: nic
        features: [stop-copy, p2p]
        state: { stopCopy: 1MiB }
vmm:
  loop: qemu-8.0
`;
    expect(() => parseScenario(text, 'a.yaml')).toThrow(
      'a.yaml:8: containers[0].devices[0].features: P2P needs QEMU 8.2 or later, and vmm.loop is qemu-8.0; the first loop here that can is qemu-8.2',
    );
  });
});
