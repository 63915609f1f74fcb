/** Limits of a tracker that several functions of one physical function share, and the presets that have them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DmaLog, type DmaLoggerSpec, LOGGERS, MLX5_LOGGER, PDS_LOGGER } from '../../src/hardware/dma-log.ts';
import type { IovaRange } from '../../src/hardware/dma-log-checks.ts';
import { TrackerBudget } from '../../src/hardware/dma-log-limits.ts';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { createWorld } from '../../src/hardware/world.ts';

const range = (firstPage: number, pages: number): IovaRange => ({
  iova: BigInt(firstPage) * 4096n,
  lengthBytes: BigInt(pages) * 4096n,
});
const THREE = [range(0, 10), range(20, 10), range(100, 10)];
const memory = new GuestMemory({ pageBytes: 4096, slots: [{ firstPage: 0, pages: 1024 }], nonZeroPages: 0 });

describe('a budget', () => {
  test('what one function takes, another lacks, until it is given back', () => {
    const budget = new TrackerBudget({ maxRanges: 4 });
    expect(budget.take('vf0', THREE)).toEqual(THREE);
    expect(budget.rangesLeft).toBe(1);
    expect(budget.take('vf1', THREE)).toEqual([range(0, 110)]);
    expect(budget.take('vf2', [range(0, 1)])).toBe('ENOMEM');
    budget.release('vf0');
    expect(budget.take('vf2', THREE)).toEqual(THREE);
  });

  test('bytes: alone too many is EOPNOTSUPP, together too many is the parent’s errno', () => {
    const budget = new TrackerBudget({ maxRanges: 8, maxBytes: 100 * 4096 });
    expect(budget.take('vf0', [range(0, 101)])).toBe('EOPNOTSUPP');
    expect(budget.take('vf0', [range(0, 60)])).toHaveLength(1);
    expect(budget.take('vf1', [range(0, 41)])).toBe('ENOMEM');
    expect(budget.take('vf1', [range(0, 40)])).toHaveLength(1);
  });

  test('whatever is taken and released, the sum never exceeds the limit and nobody’s share changes', () => {
    const step = fc.record({ vf: fc.integer({ min: 0, max: 4 }), ranges: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 12 }), (steps, maxRanges) => {
        const budget = new TrackerBudget({ maxRanges });
        const held = new Map<string, number>();
        for (const { vf, ranges } of steps) {
          const id = `vf${vf}`;
          if (held.delete(id)) budget.release(id);
          else {
            const taken = budget.take(
              id,
              Array.from({ length: ranges }, (_, i) => range(i * 10, 5)),
            );
            if (typeof taken !== 'string') held.set(id, taken.length);
          }
          const sum = [...held.values()].reduce((a, b) => a + b, 0);
          expect(budget.rangesLeft).toBe(maxRanges - sum);
          expect(sum).toBeLessThanOrEqual(maxRanges);
        }
      }),
    );
  });
});

/** drivers/vfio/pci/mlx5, drivers/vfio/pci/pds, drivers/vfio/pci/hisilicon: an 8-bit field, one region, no logging ops. */
test.each([
  ['mlx5', 255],
  ['pds', 1],
  ['hisi', undefined],
] as const)('the preset %s watches %s ranges', (name, maxRanges) => {
  expect(LOGGERS[name]?.maxRanges).toBe(maxRanges);
});

test('a second pds function of one parent gets no region: EOPNOTSUPP', () => {
  const budget = new TrackerBudget(PDS_LOGGER);
  const [a, b] = ['vf0', 'vf1'].map((id) => new DmaLog(id, memory, PDS_LOGGER, undefined, budget));
  const request = { pageBytes: 4096, ranges: THREE };
  expect(a!.start(request)).toBeUndefined();
  expect(b!.start(request)).toBe('EOPNOTSUPP');
  expect(b!.active).toBe(false);
  a!.stop();
  expect(b!.start(request)).toBeUndefined();
});

test('a failed copy-out gives the ranges back', () => {
  const budget = new TrackerBudget(PDS_LOGGER);
  const log = new DmaLog('vf0', memory, PDS_LOGGER, undefined, budget);
  expect(log.start({ pageBytes: 4096, ranges: THREE }, { badCopyOut: true })).toBe('EFAULT');
  expect(budget.rangesLeft).toBe(1);
});

describe('in a world', () => {
  const vf = (id: string, logging: DmaLoggerSpec) => ({ id, dma: { kind: 'none' as const }, logging });
  const world = (...devices: ReturnType<typeof vf>[]) =>
    createWorld({
      seed: 1,
      truth: 'bit',
      pageBytes: 4096,
      slots: [{ firstPage: 0, pages: 1024 }],
      nonZeroPages: 0,
      vcpus: { workloads: [] },
      containers: [{ id: 'c', iommu: { dirtyTracking: false, leafPages: 1 }, devices }],
    });
  const two = [
    { firstPage: 0, pages: 10 },
    { firstPage: 20, pages: 10 },
  ];
  const pf0 = { ...MLX5_LOGGER, maxRanges: 3, physicalFunction: 'pf0' };

  test('functions of one parent share: the second watches the gap, too', () => {
    const found = world(vf('a', pf0), vf('b', pf0));
    expect(found.startDmaLog('a', two)).toBeUndefined();
    expect(found.startDmaLog('b', two)).toBeUndefined();
    expect(found.dmaLog('a').tracked).toEqual(two);
    expect(found.dmaLog('b').tracked).toEqual([{ firstPage: 0, pages: 30 }]);
    expect([found.dmaLog('a'), found.dmaLog('b')].map((log) => log.extraPagesOver(two))).toEqual([0, 10]);
  });

  test('functions of different parents do not', () => {
    const found = world(vf('a', pf0), vf('b', { ...pf0, physicalFunction: 'pf1' }));
    expect(found.startDmaLog('a', two)).toBeUndefined();
    expect(found.startDmaLog('b', two)).toBeUndefined();
    expect(found.dmaLog('b').tracked).toEqual(two);
  });

  test('one parent has one set of limits', () => {
    expect(() => world(vf('a', pf0), vf('b', { ...pf0, maxRanges: 4 }))).toThrow(/pf0 has other limits/);
  });
});
