/** The `iommu` section end to end: from what a person writes to what the report says of the devices behind it. */
import { describe, expect, test } from 'vitest';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { ScenarioError } from '../../src/lab/scenario/error.ts';
import { toInput } from '../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { nic0, smallInput, smallScenario } from './small-scenario.ts';
import { answers, watchRun } from './watch-run.ts';

type IommuInput = NonNullable<ScenarioInput['containers']>[number]['iommu'];
const BASE = { kind: 'iommufd', dirtyTracking: true } as const;
const CANNOT_LOG = nic0({ dmaLogging: false });
const run = (iommu: Omit<IommuInput, 'kind'>) =>
  watchRun(smallScenario({ iommu: { ...BASE, ...iommu }, devices: [CANNOT_LOG] }));
const SLOW = { miss: '20us', iotlbEntries: 64 } as const;

describe('what the report says of a device', () => {
  test('nothing without costs', () => {
    const { report } = run({});
    expect(report.outcome).toBe('completed');
    expect(report.devices[0]).not.toHaveProperty('throughputPercent');
  });

  test.each([
    ['forced to 4 KiB it waits always', { leaf: '4KiB' }, 'low', 'low', 'low'],
    ['with 2 MiB leaves never', { leaf: '2MiB' }, 'full', 'full', 'full'],
    ['split when tracking starts, from then on', { leaf: '2MiB', split: 'eager' }, 'full', 'low', 'full'],
    ['split since it was provisioned, before too', { leaf: '2MiB', split: 'onDirty' }, 'low', 'low', 'full'],
  ] as const)('%s', (_, iommu, before, during, after) => {
    const { report } = run({ ...iommu, costs: SLOW });
    expect(report.outcome).toBe('completed');
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    const { throughputPercent } = report.devices[0]!;
    // 20 MiB/s are 5120 pages a second, 20 us each: 90.7 %.
    const kind = (percent: number | null) =>
      percent! > 99 ? 'full' : percent! > 85 && percent! < 95 ? 'low' : percent;
    expect(kind(throughputPercent!.before)).toBe(before);
    expect(kind(throughputPercent!.during)).toBe(during);
    expect(kind(throughputPercent!.after)).toBe(after);
  });

  test('after is not known of a run that did not get there', () => {
    const scenario = smallScenario({
      iommu: { ...BASE, costs: SLOW },
      devices: [CANNOT_LOG],
      rest: { cancelAt: '50ms' },
    });
    const { report } = watchRun(scenario);
    expect(report.outcome).toBe('cancelled');
    expect(report.devices[0]?.throughputPercent).toMatchObject({ after: null });
  });
});

describe('tracking takes time', () => {
  const startedMs = (iommu: Omit<IommuInput, 'kind'>) => run(iommu).report.setupMs!;

  test('an eager split is paid when tracking starts: 16384 pages of 64 MiB at 1 us each', () => {
    const costs = { flush: '0ns', walk: '0ns', split: '1us', miss: '0ns' } as const;
    const [whole, split] = [startedMs({ leaf: '2MiB', costs }), startedMs({ leaf: '2MiB', split: 'eager', costs })];
    expect(split - whole).toBeCloseTo(16.384, 6);
  });

  test('a flush a page makes every sync longer than a flush a query', () => {
    const costs = { flush: '20us', walk: '0ns', miss: '0ns' } as const;
    const syncMs = (flush: 'per-query' | 'per-page') => run({ flush, costs }).report.rounds[0]!.syncMs;
    // nic0's ring is rewritten during the first pass: 1024 pages.
    expect(syncMs('per-page') - syncMs('per-query')).toBeCloseTo((1024 - 1) * 0.02, 6);
  });

  test('small leaves find fewer pages: onDirty finds no more than 4 KiB leaves do', () => {
    const slow = nic0({ dmaLogging: false, dma: { rate: '1MiB/s', ring: '4MiB', at: '32MiB' } });
    const found = (iommu: Omit<IommuInput, 'kind'>) => {
      const watched = watchRun(smallScenario({ iommu: { ...BASE, ...iommu }, devices: [slow] }));
      expect(watched.report.checks.filter(({ held }) => !held)).toEqual([]);
      // The first report comes before anything was written.
      return answers(watched, 'DONE.reportDirty')[1]!.dirtyPages as number;
    };
    const [none, onDirty, small] = [found({ leaf: '2MiB' }), found({ leaf: '2MiB', split: 'onDirty' }), found({})];
    expect(onDirty).toBe(small);
    expect(none).toBe(512);
    expect(small).toBeLessThan(300);
  });
});

describe('write protection (hypothetical)', () => {
  test('without page requests the first write breaks the device: its next SET ends in ERROR, and the migration fails', () => {
    const { report, recorded } = run({ writeProtect: { pageRequests: false } });
    expect(report.outcome).toBe('failed');
    expect(report.reason).toMatch(/nic0.*ERROR.*EIO/);
    const failed = recorded.find(
      ({ record }) => record.kind === 'input' && record.event.type === 'FAILED.setDeviceState',
    );
    expect(failed?.record).toMatchObject({ to: 'device/nic0', event: { errno: 'EIO' } });
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  });

  test('with them it completes, loses nothing, and the device waits for each first write', () => {
    const { report } = run({ writeProtect: { pageRequests: true }, costs: { miss: '0ns', pageRequest: '100us' } });
    expect(report.outcome).toBe('completed');
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    const { before, during, after } = report.devices[0]!.throughputPercent!;
    expect([before, after]).toEqual([100, 100]);
    expect(during).toBeLessThan(95);
  });
});

describe('the section itself', () => {
  const ALL: IommuInput = {
    ...BASE,
    hardware: 'amd',
    leaf: '64KiB',
    split: 'eager',
    collapseAfter: '3s',
    flush: 'per-page',
    writeProtect: { pageRequests: true },
    costs: { flush: '3us', walk: '2ns', split: '70ns', miss: '300ns', pageRequest: '15us', iotlbEntries: 77 },
  };

  test('every key reaches the model, and is printed as it was written', () => {
    const scenario = scenarioFrom(smallInput({ iommu: ALL, devices: [CANNOT_LOG] }));
    expect(modelSpecOf(scenario).containers[0]?.iommu).toEqual({
      dirtyTracking: true,
      hardware: 'amd',
      leafPages: 16,
      split: 'eager',
      collapseAfterNs: 3e9,
      flush: 'per-page',
      writeProtect: { pageRequests: true },
      costs: { flushNs: 3000, walkNs: 2, splitNs: 70, missNs: 300, pageRequestNs: 15_000, iotlbEntries: 77 },
    });
    expect(scenarioFrom(toInput(scenario))).toEqual(scenario);
  });

  test('without new keys a scenario has none', () => {
    expect(smallScenario().containers[0]?.iommu).not.toHaveProperty('options');
  });

  test.each([
    [{ ...BASE, hardware: 'intel', leaf: '64KiB' }, /intel has no such leaf.*2MiB/],
    [{ ...BASE, hardware: 'smmuv3', leaf: '32MiB' }, /smmuv3 has no such leaf.*1GiB/],
    [{ ...BASE, collapseAfter: '1s' }, /only split: eager/],
    [{ ...BASE, split: 'onDirty', writeProtect: { pageRequests: true } }, /writeProtect has none/],
    [{ ...BASE, withoutDirtyBits: ['nic0'] }, /attach of nic0 fails with EINVAL/],
    [{ ...BASE, withoutDirtyBits: ['nic7'] }, /no device nic7/],
    [{ kind: 'type1', split: 'eager' }, /for kind: iommufd/],
    [{ kind: 'iommufd', costs: {} }, /dirtyTracking: true/],
    [{ ...BASE, costs: { iotlbEntries: 0 } }, /iotlbEntries/],
    [{ ...BASE, split: 'lazy' }, /none, eager or onDirty/],
  ] as const)('%o is refused', (iommu, message) => {
    const read = () => scenarioFrom(smallInput({ iommu: iommu as IommuInput, devices: [CANNOT_LOG] }));
    expect(read).toThrow(ScenarioError);
    expect(read).toThrow(message);
  });
});
