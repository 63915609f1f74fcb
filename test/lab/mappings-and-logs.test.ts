/**
 * Whole runs: a guest that maps and unmaps while it is migrated, memory with a hole, a device that reports nothing until it
 * stops, functions that share a tracker. Page by page, nothing is lost; where a step is left out, the comparison says so.
 */
import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { nic0, nic1, type SmallScenario, smallScenario } from './small-scenario.ts';
import { watchRun } from './watch-run.ts';

type Container = NonNullable<ScenarioInput['containers']>[number];
const heldBy = (scenario: Scenario, before?: NonNullable<Parameters<typeof watchRun>[1]>['before']) =>
  watchRun(scenario, before === undefined ? {} : { before }).report;
const broken = ({ checks }: ReturnType<typeof heldBy>) => checks.filter(({ held }) => !held).map(({ name }) => name);

function behind(loop: string, device: Record<string, unknown> = {}, dirtyTracking = true): Scenario {
  const container = {
    iommu: { kind: 'iommufd', dirtyTracking },
    viommu: { mapped: '4MiB', mapping: '16KiB', churn: '3k/s', pool: '32MiB' },
    devices: [nic0({ dmaLogging: false, dma: { rate: '20MiB/s', ring: '2MiB' }, ...device } as never)],
  } as Container;
  return smallScenario({ vmm: { loop, enableMigration: 'on' } as never, rest: { containers: [container] } });
}

describe('behind a vIOMMU', () => {
  test.each([
    ['the IOMMU tracks', behind('qemu-11.1'), 'iommu'],
    ['the device logs', behind('textbook', { dmaLogging: 'mlx5' } as never, false), 'device'],
    ['nobody tracks', behind('qemu-11.1', {}, false), 'perpetual'],
  ] as const)('%s: nothing is lost', (_, scenario, tracker) => {
    const report = heldBy(scenario);
    expect(report.outcome).toBe('completed');
    expect(report.trackers.map((chosen) => chosen.tracker)).toEqual([tracker]);
    expect(broken(report)).toEqual([]);
  });

  test('T29: were nothing read when a mapping goes, pages would be lost', () => {
    const report = heldBy(behind('qemu-11.1'), ({ world }) => {
      const viommu = world.viommu('0')!;
      viommu.unmap = (slot) => viommu.takeStep(slot, 'unmap', 'iommufd');
    });
    expect(broken(report)).toContain('no-lost-write');
  });

  test.each([
    ['qemu-10.2', behind('qemu-10.2')],
    ['qemu-11.1 with a device that logs', behind('qemu-11.1', { dmaLogging: true })],
  ])('%s is blocked', (_, scenario) => {
    expect(heldBy(scenario)).toMatchObject({ outcome: 'blocked', reason: expect.stringContaining('vIOMMU') });
  });
});

describe('memory with a hole', () => {
  const holed = (changes: SmallScenario = {}) =>
    smallScenario({
      ...changes,
      rest: {
        vm: {
          memory: '64MiB',
          holes: [{ at: '34MiB', size: '1GiB' }],
          workloads: [{ kind: 'random', set: '48MiB', rate: '2k/s' }],
        },
      },
    });

  test.each([
    ['devices log', holed()],
    ['the IOMMU tracks', holed({ devices: [nic0({ dmaLogging: false })] })],
    [
      'nobody tracks',
      holed({
        iommu: { kind: 'none' },
        vmm: { enableMigration: 'on', downtimeLimit: '2s' },
        devices: [nic0({ dmaLogging: false })],
      }),
    ],
  ])('%s: all of memory is sent, and nothing of the hole', (_, scenario) => {
    const report = heldBy(scenario);
    expect(report.outcome).toBe('completed');
    expect(broken(report)).toEqual([]);
    expect(report.rounds[0]!.sentPages).toBeLessThanOrEqual(16_384);
  });

  test('qemu.md trap 16: a device with fewer ranges than were asked for watches the hole, and the report says so', () => {
    const one = { ranges: 1 };
    const exact = holed({ vmm: { ranges: 'exact' }, devices: [nic0({ dmaLogging: one })] });
    expect(heldBy(exact).warnings).toEqual([
      'container 0: a device joined its DMA ranges and watches 1024 MiB of gaps as well',
    ]);
    expect(heldBy(holed({ vmm: { ranges: 'exact' } })).warnings).toEqual([]);
    // Below 4 GiB QEMU's own range bridges the hole before any device does.
    expect(heldBy(holed()).trackers[0]!.because).toContain('its ranges span 1024 MiB more than is mapped');
  });
});

describe('qemu.md trap 17: a device that reports nothing until it stops', () => {
  const tracked = (preCopyDirtyTracking: boolean) =>
    heldBy(
      smallScenario({
        vmm: { downtimeLimit: '50ms' },
        devices: [
          nic0({ dma: { rate: '20MiB/s', ring: '16MiB', at: '32MiB' }, preCopyDirtyTracking } as never),
          nic1({ dma: { rate: '1MiB/s', ring: '2MiB', at: '48MiB' } } as never),
        ],
      }),
    );

  test('the estimate is perfect, the downtime is not, and nothing is lost', () => {
    const [on, off] = [tracked(true), tracked(false)];
    for (const report of [on, off]) expect([report.outcome, broken(report)]).toEqual(['completed', []]);
    // No round has heard of either device: one such device keeps its whole container from being collected.
    expect(
      off.rounds.every((round) => Object.keys(round.dirtyPagesBySource).every((source) => source === 'vcpu')),
    ).toBe(true);
    expect(on.rounds.some((round) => Object.keys(round.dirtyPagesBySource).includes('dma:nic0'))).toBe(true);
    expect(off.expectedDowntimeMs).toBeLessThanOrEqual(50);
    expect(off.downtimeMs!).toBeGreaterThan(2 * off.expectedDowntimeMs!);
    expect(off.downtimeMs!).toBeGreaterThan(on.downtimeMs!);
  });
});

describe('functions of one physical function', () => {
  const sharing = (ranges: number) => {
    const dmaLogging = { ranges, physicalFunction: 'pf0' };
    return heldBy(smallScenario({ devices: [nic0({ dmaLogging }), nic1({ dmaLogging })] }));
  };

  test('one range each fits into two', () => {
    expect([sharing(2).outcome, broken(sharing(2))]).toEqual(['completed', []]);
  });

  test('the second finds nothing left: its START fails, the first is stopped, and the migration fails', () => {
    expect(sharing(1)).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('ENOMEM') });
  });
});

test('T26: one of several cannot log: the IOMMU covers all of them, and nothing is lost', () => {
  const report = heldBy(smallScenario({ devices: [nic0(), nic1({ dmaLogging: 'hisi' } as never)] }));
  expect(report.trackers.map(({ tracker }) => tracker)).toEqual(['iommu']);
  expect(broken(report)).toEqual([]);
});
