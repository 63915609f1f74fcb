/**
 * L5 and I3 behind a vIOMMU, over random writes, unmaps and syncs, for each tracker: what the destination lacks is what no
 * sync has told yet. Mutants, made here by another order of the steps, show that the law can fail.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UNMAP_ORDER, type UnmapStep } from '../../../machines/unmap-order.ts';
import { MLX5_LOGGER } from '../../../src/hardware/dma-log.ts';
import type { WorldSpec } from '../../../src/hardware/world.ts';
import { copyOf } from '../copy-of.ts';

type Kind = 'iommufd' | 'device' | 'perpetual';
const SLOTS = 6;
const specOf = (kind: Kind, seed: number): WorldSpec => ({
  seed,
  truth: 'bit',
  pageBytes: 4096,
  slots: [
    { firstPage: 0, pages: 40 },
    { firstPage: 64, pages: 40 },
  ],
  nonZeroPages: 80,
  vcpus: { workloads: [] },
  containers: [
    {
      id: 'c0',
      iommu: { dirtyTracking: kind === 'iommufd', leafPages: 4 },
      viommu: { mappingPages: 4, mappings: SLOTS, churnPerSecond: 0, poolPages: 80 },
      devices: [{ id: 'nic0', dma: { kind: 'none' }, ...(kind === 'device' ? { logging: MLX5_LOGGER } : {}) }],
    },
  ],
});

type Act =
  | { readonly do: 'write'; readonly slot: number; readonly offset: number }
  | { readonly do: 'replace' }
  | { readonly do: 'sync' };
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('write' as const), slot: fc.nat(SLOTS - 1), offset: fc.nat(3) }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'replace' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sync' as const }) },
);

/** What is lost once the script has run and a last sync has been copied; `replace` unmaps by these steps. */
function lostAfter(kind: Kind, seed: number, script: readonly Act[], steps: readonly UnmapStep[]): readonly number[] {
  const copy = copyOf(specOf(kind, seed));
  const { world, dirty } = copy;
  const viommu = world.viommu('c0')!;
  if (kind === 'device') world.startDmaLog('nic0', [{ firstPage: 0, pages: viommu.space.pages }]);
  if (kind === 'iommufd') world.setIommuTracking('c0', true);
  copy.copyAll();
  const sync = () => {
    if (kind === 'device') world.reportDmaLog('nic0', dirty);
    else if (kind === 'iommufd') world.reportIommu('c0', dirty);
    else world.reportPerpetual('c0', dirty);
    copy.copyDirty();
  };
  let oldest = 0;
  for (const one of script) {
    switch (one.do) {
      case 'write': {
        const { fromNs, toNs, source } = { fromNs: 0, toNs: 0, source: 'dma:nic0' as const };
        const pages = Uint32Array.of(viommu.ioPageOf(one.slot) + one.offset);
        viommu.io$.next({ fromNs, toNs, source, form: 'list', pages });
        world.write('dma:nic0', [{ firstPage: viommu.firstPageOf(one.slot) + one.offset, pages: 1 }]);
        break;
      }
      case 'replace':
        viommu.replaceBy(oldest, (slot) => {
          for (const step of steps) viommu.takeStep(slot, step, kind);
        });
        oldest = (oldest + 1) % SLOTS;
        break;
      case 'sync':
        sync();
        break;
      default:
        one satisfies never;
    }
  }
  sync();
  return copy.lost();
}

const scripts = fc.array(act, { maxLength: 40 });

test.each(['iommufd', 'device', 'perpetual'] as const)('L5, I1: %s in its own order loses nothing', (kind) => {
  fc.assert(
    fc.property(scripts, fc.integer({ min: 0, max: 1000 }), (script, seed) => {
      expect(lostAfter(kind, seed, script, UNMAP_ORDER[kind])).toEqual([]);
    }),
  );
});

describe('the law can fail', () => {
  test.each([
    ['iommufd', ['unmap', 'query-no-clear']],
    ['iommufd', ['unmap']],
    ['device', ['unmap']],
    ['perpetual', ['unmap']],
  ] as const)('%s by %o', (kind, steps) => {
    expect(() =>
      fc.assert(
        fc.property(scripts, (script) => {
          expect(lostAfter(kind, 1, script, steps)).toEqual([]);
        }),
        { seed: 1, numRuns: 300 },
      ),
    ).toThrow();
  });
});
