/** The keys about what a device logs, what a guest maps, and where its memory is: read, checked, printed, and read again. */
import { describe, expect, test } from 'vitest';
import { blockers } from '../../../machines/plan.ts';
import { modelSpecOf } from '../../../src/lab/model/spec.ts';
import { planOf } from '../../../src/lab/plan.ts';
import { slotsOf } from '../../../src/lab/scenario/holes.ts';
import { toInput } from '../../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { Scenario } from '../../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { nic0, nic1, type SmallScenario, smallInput } from '../small-scenario.ts';

type Container = NonNullable<ScenarioInput['containers']>[number];
const read = (changes: SmallScenario = {}) => scenarioFrom(smallInput(changes));
const logged = (...loggings: unknown[]): Scenario =>
  read({ devices: [nic0({ dmaLogging: loggings[0] } as never), nic1({ dmaLogging: loggings[1] ?? true } as never)] });
const behind = (viommu: unknown, device: Record<string, unknown> = {}, loop = 'qemu-11.1'): Scenario =>
  read({
    vmm: { loop } as never,
    rest: {
      containers: [
        {
          iommu: { kind: 'iommufd', dirtyTracking: true, leaf: '2MiB' },
          viommu,
          devices: [nic0({ dmaLogging: false, dma: { rate: '20MiB/s', ring: '4MiB' }, ...device } as never)],
        } as Container,
      ],
    },
  });
const messageOf = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was wrong');
};
const again = (scenario: Scenario) => scenarioFrom(toInput(scenario));

describe('dmaLogging', () => {
  test.each([
    ['mlx5', { preset: 'mlx5', maxRanges: 255, pageSizeBytes: 4096 }],
    ['pds', { preset: 'pds', maxRanges: 1, pageSizeBytes: 4096 }],
    ['hisi', null],
    [false, null],
    [true, { maxRanges: 255, pageSizeBytes: 4096 }],
    [
      { preset: 'pds', pageSize: '64KiB' },
      { preset: 'pds', maxRanges: 1, pageSizeBytes: 65_536 },
    ],
    [
      { ranges: 7, physicalFunction: 'pf0' },
      { physicalFunction: 'pf0', maxRanges: 7, pageSizeBytes: 4096 },
    ],
  ])('%o', (written, dmaLogging) => {
    const scenario = logged(written);
    expect(scenario.containers[0]!.devices[0]!.dmaLogging).toEqual(dmaLogging);
    expect(again(scenario)).toEqual(scenario);
  });

  test('a preset reaches the model with all that its tracker differs in', () => {
    const [mlx5, pds] = modelSpecOf(logged('mlx5', { preset: 'pds', physicalFunction: 'pf1' })).containers[0]!.devices;
    expect(mlx5!.logging).toMatchObject({ maxRanges: 255, alreadyActive: 'EINVAL', outsideRanges: 'nothing' });
    expect(pds!.logging).toMatchObject({ maxRanges: 1, alreadyActive: 'EEXIST', physicalFunction: 'pf1' });
  });

  test('a name that is none of them', () => {
    expect(messageOf(() => logged('mlx4'))).toContain(
      'dmaLogging: expected true or false, got "mlx4"; did you mean mlx5?',
    );
  });

  test('functions of one physical function have one set of limits', () => {
    const of = (ranges: number) => ({ ranges, physicalFunction: 'pf0' });
    expect(() => logged(of(3), of(3))).not.toThrow();
    expect(messageOf(() => logged(of(3), of(4)))).toContain('pf0 has one tracker for all its functions');
  });
});

test('preCopyDirtyTracking: off is kept, on is what there is anyway', () => {
  for (const [written, kept] of [
    [false, false],
    [true, undefined],
  ] as const) {
    const scenario = read({ devices: [nic0({ preCopyDirtyTracking: written })] });
    expect(scenario.containers[0]!.devices[0]!.preCopyDirtyTracking).toBe(kept);
    expect(planOf(scenario).containers[0]!.devices[0]!.preCopyDirtyTracking).toBe(kept);
    expect(again(scenario)).toEqual(scenario);
  }
});

test.each(['exact', 'two', 'three', undefined] as const)('vmm.ranges: %s', (ranges) => {
  const scenario = read(ranges === undefined ? {} : { vmm: { ranges } });
  expect(planOf(scenario).ranges).toBe(ranges);
  expect(again(scenario)).toEqual(scenario);
});

describe('vm.holes', () => {
  const MIB = 256;
  const holed = (...holes: readonly { at: string; size: string }[]) =>
    read({
      rest: {
        vm: {
          memory: '64MiB',
          holes: holes as never,
          workloads: [{ kind: 'random', set: '8MiB', at: '28MiB', rate: '1k/s' }],
        },
      },
    });

  test.each([
    ['none', [], [[0, 64]]],
    [
      'one',
      [{ at: '48MiB', size: '16MiB' }],
      [
        [0, 48],
        [64, 16],
      ],
    ],
    [
      'two, in whatever order',
      [
        { at: '80MiB', size: '1MiB' },
        { at: '32MiB', size: '32MiB' },
      ],
      [
        [0, 32],
        [64, 16],
        [81, 16],
      ],
    ],
    ['at 0', [{ at: '0', size: '1MiB' }], [[1, 64]]],
    [
      'two that touch',
      [
        { at: '8MiB', size: '8MiB' },
        { at: '16MiB', size: '8MiB' },
      ],
      [
        [0, 8],
        [24, 56],
      ],
    ],
  ] as const)('%s: memory goes on above', (_, holes, slots) => {
    const scenario = holed(...(holes as readonly { at: string; size: string }[]));
    expect(slotsOf(scenario.vm)).toEqual(slots.map(([at, size]) => ({ firstPage: at * MIB, pages: size * MIB })));
    expect(again(scenario)).toEqual(scenario);
    const spec = modelSpecOf(scenario);
    expect(spec.slots).toEqual(slotsOf(scenario.vm));
    expect(planOf(scenario).sections).toEqual(spec.slots.map((slot) => ({ of: 'ram', ...slot })));
  });

  test('sets and rings are laid around them', () => {
    const spec = modelSpecOf(holed({ at: '34MiB', size: '1GiB' }));
    expect(spec.vcpus.workloads[0]).toMatchObject({
      set: [
        { firstPage: 28 * MIB, pages: 6 * MIB },
        { firstPage: 1058 * MIB, pages: 2 * MIB },
      ],
    });
    // nic0's ring is 4 MiB from 32 MiB on, nic1's 2 MiB from 48 MiB on.
    expect(spec.containers[0]!.devices.map(({ dma }) => dma)).toMatchObject([
      {
        buffers: [
          { firstPage: 32 * MIB, pages: 2 * MIB },
          { firstPage: 1058 * MIB, pages: 2 * MIB },
        ],
      },
      { buffers: [{ firstPage: 1072 * MIB, pages: 2 * MIB }] },
    ]);
  });

  test.each([
    [[{ at: '1MiB', size: '0' }], 'vm.holes[0].size: must be larger than 0'],
    [[{ at: '64MiB', size: '1MiB' }], 'vm.holes[0].at: memory ends at 64MiB already'],
    [
      [
        { at: '8MiB', size: '2MiB' },
        { at: '9MiB', size: '1MiB' },
      ],
      'vm.holes[1].at: overlaps the hole before it',
    ],
    [[{ at: '1KiB', size: '1MiB' }], 'vm.holes[0].at: must be a whole number of pages'],
    [[{ at: '1MiB', size: '16TiB' }], 'vm.holes: memory must end at or below 8TiB'],
  ])('%o is an error', (holes, message) => {
    expect(messageOf(() => holed(...holes))).toContain(message);
  });
});

describe('containers[].viommu', () => {
  test('defaults, and the way to plan and model and back', () => {
    const scenario = behind({ mapped: '8MiB', churn: '2k/s' });
    expect(scenario.containers[0]!.viommu).toEqual({
      mappedBytes: 2 ** 23,
      mappingBytes: 65_536,
      churnPerSecond: 2000,
      poolBytes: 2 ** 24,
      queryNs: 1000,
    });
    expect(again(scenario)).toEqual(scenario);
    expect(planOf(scenario).containers[0]!.viommu).toEqual({ aperturePages: 4096 });
    expect(modelSpecOf(scenario).containers[0]).toMatchObject({
      viommu: { mappingPages: 16, mappings: 128, churnPerSecond: 2000, poolPages: 4096, queryNs: 1000 },
    });
    expect(blockers(planOf(scenario))).toEqual([]);
  });

  test('holes are memory’s, and the window has none', () => {
    const { vm, ...rest } = toInput(behind({ mapped: '8MiB' }));
    const scenario = scenarioFrom({ ...rest, vm: { ...vm, holes: [{ at: '1MiB', size: '1MiB' }] } });
    expect(modelSpecOf(scenario).containers[0]!.devices[0]!.dma).toMatchObject({
      buffers: [{ firstPage: 0, pages: 1024 }],
    });
  });

  test.each([
    [{ mapped: '8MiB', mapping: '12KiB' }, 'viommu.mapping: must be a power of two from 4KiB up'],
    [{ mapped: '8MiB', mapping: '2KiB' }, 'viommu.mapping: must be a power of two from 4KiB up'],
    [{ mapped: '65KiB' }, 'viommu.mapped: must be a whole number of mappings of 64KiB'],
    [{ mapped: '8MiB', pool: '1GiB' }, 'viommu.pool: 1GiB is more than vm.memory, which is 64MiB'],
    [{ mapped: '8MiB', pool: '4KiB' }, 'viommu.pool: must hold a mapping of 64KiB'],
    [{ mapped: '1MiB' }, 'dma.ring: 4MiB is more than viommu.mapped, which is 1MiB'],
  ])('%o is an error', (viommu, message) => {
    expect(messageOf(() => behind(viommu))).toContain(message);
  });

  test('a vGPU has none', () => {
    const { containers, ...rest } = toInput(behind({ mapped: '8MiB' }));
    const gpu = {
      id: 'gpu',
      kind: 'vgpu',
      features: ['stop-copy'],
      mapped: '1MiB',
      state: { stopCopy: '1MiB' },
    } as const;
    expect(messageOf(() => scenarioFrom({ ...rest, containers: [{ ...containers![0]!, devices: [gpu] }] }))).toContain(
      'devices[0].kind: vgpu has no vIOMMU in front of it',
    );
  });
});
