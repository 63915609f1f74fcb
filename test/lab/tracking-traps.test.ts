/**
 * Traps about tracking that only a whole migration can fall into, each with the right behaviour: what follows when one log
 * is taken for all of them, a failed order for an undone one, a device's dirty bytes for its downtime, or a figure that was
 * read late for the figure at the pass.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { ALL_PAGES, nic0, nic1, smallScenario, WRITERS } from './small-scenario.ts';
import { answers, watchRun } from './watch-run.ts';

describe("T13: KVM's log is one of several", () => {
  test('it sees no DMA: taken for all of them, the pages of the NICs are lost and named', () => {
    const run = watchRun(smallScenario(), {
      before: (driver) => {
        for (const nic of ['nic0', 'nic1']) driver.subscriptions.get(`dma-log/${nic}`)?.unsubscribe();
      },
    });
    const lost = run.driver.inspect().lost!;
    expect(lost.count).toBeGreaterThan(0);
    for (const page of lost.firstPages) expect(page).toBeGreaterThanOrEqual(WRITERS.nic0.from);
  });

  test('nor does it see what the vmm and vhost write: they are in a log of their own', () => {
    const vm = {
      memory: '64MiB',
      hostWriters: [{ id: 'vhost', kind: 'random', set: '1MiB', at: '20MiB', rate: '1k/s' }],
    } as const;
    const sound = watchRun(smallScenario({ devices: [], rest: { vm } }));
    expect(sound.report.checks).toContainEqual({ name: 'no-lost-write', held: true });
    const blind = watchRun(smallScenario({ devices: [], rest: { vm } }), {
      before: (driver) => driver.subscriptions.get('host-log')?.unsubscribe(),
    });
    const lost = blind.driver.inspect().lost!;
    expect(lost.count).toBeGreaterThan(0);
    for (const page of lost.firstPages) expect(page >= 5120 && page < 5376, `page ${page}`).toBe(true);
  });
});

/** A run in which the nth SET fails, and is not done. */
function runWithFailedSet(nth: number) {
  const clock = new VirtualClock();
  const scenario = smallScenario();
  const model = createModelDriver(modelSpecOf(scenario), clock);
  const driver = withFaults(model, clock, [{ nth, name: 'setDeviceState', fault: { kind: 'error', errno: 'EIO' } }]);
  const asked: string[] = [];
  const prepared = prepareRun(scenario, { clock, driver: () => driver, strict: true });
  prepared.runner.recorded$.subscribe(({ effects }) => {
    for (const effect of effects) if (effect.kind === 'command') asked.push(`${effect.name} by ${effect.by}`);
  });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  const report = prepared.report();
  const inspection = model.inspect();
  driver.close();
  return { report, inspection, asked };
}

test('T16: a failed SET says nothing about the state: the device is asked, and the source ends as it was', () => {
  // The first two are the destination's; then nic0's and nic1's way into pre-copy.
  const { report, inspection, asked } = runWithFailedSet(3);
  expect(report.outcome).toBe('failed');
  const set = asked.findIndex((one) => /^setDeviceState by device\/nic/.test(one));
  expect(asked.slice(set).some((one) => /^getDeviceState by device\/nic/.test(one))).toBe(true);
  expect(inspection).toMatchObject({ sourceRuns: true, storage: 'source', lost: undefined });
  expect(new Set(Object.values(inspection.devices.source))).toEqual(new Set(['RUNNING']));
  expect(report.checks.filter(({ held }) => !held)).toEqual([]);
});

describe('T20: dirty bytes do not bound the downtime', () => {
  /** All that changes is small, and all that must be sent once it stops is not: 60 MB are half a second of this link. */
  const device = nic0({ state: { initial: '1MiB', stopCopy: '60MiB' }, dma: { rate: '1MiB/s', ring: '1MiB' } });
  const limited = (limit: '300ms' | '1s') =>
    smallScenario({ devices: [device], vmm: { downtimeLimit: limit }, rest: { giveUpAfter: '700ms' } });

  test('while the state of the stopped device does not fit, it does not switch over', () => {
    const { ended } = rehearse(limited('300ms'));
    expect(ended.outcome).toBe('unconverged');
    // 37.5 MB fit into 300 ms at 1 Gbit/s.
    expect(ended.missingBytes).toBeLessThan(37_500_000);
  });

  test('where it fits, its copy is what the downtime is', () => {
    const { ended } = rehearse(limited('1s'));
    expect(ended.outcome).toBe('completed');
    expect(ended.downtime?.deviceStateMs).toBeGreaterThan(450);
  });
});

describe('qemu.md traps of tracking', () => {
  test('14: one device that nobody can track makes all of memory dirty at every sync, beside a container that can', () => {
    const untracked = { iommu: { kind: 'type1' }, devices: [nic1({ dmaLogging: false })] };
    const tracked = { iommu: { kind: 'type1' }, devices: [nic0()] };
    const run = watchRun(
      smallScenario({
        vmm: { enableMigration: 'on' },
        rest: { containers: [tracked, untracked], giveUpAfter: '3s' } as never,
      }),
    );
    expect(run.report.trackers.map(({ tracker }) => tracker)).toEqual(['device', 'perpetual']);
    const syncs = answers(run, 'DONE.syncBitmap').slice(1);
    expect(syncs.length).toBeGreaterThan(1);
    for (const { remainingPages, dirtyPagesBySource } of syncs) {
      expect(remainingPages).toBe(ALL_PAGES);
      // The union is of all of them; none stands in for another.
      expect(Object.keys(dirtyPagesBySource as object).sort()).toEqual(['dma:nic0', 'perpetual:1', 'vcpu']);
    }
  });

  test('17: a NIC that is not asked before it stops: it fits by the estimate and takes three times the limit', () => {
    const silent = scenarios['stop-phase-only'];
    const { ended } = rehearse(silent);
    expect(ended.checks.every(({ held }) => held)).toBe(true);
    const { downtimeLimitMs } = silent.vmm;
    expect(ended.expectedDowntimeMs).toBeLessThanOrEqual(downtimeLimitMs);
    expect(ended.downtimeMs).toBeGreaterThan(3 * downtimeLimitMs);
  });

  describe('25: up to 8.2 a busy RAM handler starves the devices behind it', () => {
    // Dirtied faster than the link sends, so that RAM always has something left.
    const acked = (loop: 'qemu-8.2' | 'qemu-9.2') =>
      watchRun(
        smallScenario({
          iommu: { kind: 'type1' },
          devices: [nic0()],
          vmm: { loop, switchoverAck: true, downtimeLimit: '1s' },
          rest: {
            vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '48MiB', rate: '200k/s' }] },
            giveUpAfter: '6s',
          },
        }),
      );
    const acks = (loop: 'qemu-8.2' | 'qemu-9.2') => answers(acked(loop), 'SWITCHOVER_ACKED').length;

    test('so the initial data goes out late, if at all; from 9.0 on it goes out with the first pass', () => {
      const late = acked('qemu-8.2');
      const early = acked('qemu-9.2');
      const ackedAtNs = ({ recorded }: typeof late) =>
        recorded.find(({ record }) => record.kind === 'input' && record.event.type === 'SWITCHOVER_ACKED')?.record
          .atNs ?? Number.POSITIVE_INFINITY;
      expect(ackedAtNs(early)).toBeLessThan(ackedAtNs(late));
      expect(acks('qemu-9.2')).toBe(1);
    });
  });

  test('26: what is read a window after a pass says less than the sync found', () => {
    const scenario: Scenario = smallScenario({
      rest: {
        vm: { memory: '256MiB', vcpus: 1, workloads: [{ kind: 'random', set: '128MiB', rate: '40k/s' }] },
        giveUpAfter: '6s',
      },
      devices: [],
    });
    const synced: { readonly atNs: number; readonly bytes: number }[] = [];
    const sampled: { readonly atNs: number; readonly bytes: number }[] = [];
    watchRun(scenario, {
      before: (driver) => {
        driver.progress$.subscribe(({ nowNs, remainingBytes }) => sampled.push({ atNs: nowNs, bytes: remainingBytes }));
      },
      meanwhile: ({ record }) => {
        if (record.kind !== 'input' || record.event.type !== 'DONE.syncBitmap') return;
        synced.push({ atNs: record.atNs, bytes: record.event.remainingBytes as number });
      },
    });
    const late = synced.flatMap(({ atNs, bytes }, index) => {
      const untilNs = synced[index + 1]?.atNs ?? Number.POSITIVE_INFINITY;
      const sample = sampled.find((one) => one.atNs > atNs + 100_000_000 && one.atNs < untilNs);
      return sample === undefined ? [] : [{ bytes, late: sample.bytes }];
    });
    expect(late.length).toBeGreaterThan(0);
    for (const one of late) expect(one.late).toBeLessThan(one.bytes);
  });
});
