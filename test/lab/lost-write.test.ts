/**
 * Trackers learn of writes from the stream alone: make one of them blind in a running model, and the comparison of source
 * and destination names the pages that were lost. The truth about content is kept in two independent ways, which agree.
 */
import { describe, expect, test } from 'vitest';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { nic0, nic1, smallScenario, WRITERS } from './small-scenario.ts';
import { type WatchedRun, watchRun } from './watch-run.ts';

/** A run in which this tracker sees nothing more, from the start or once the first pass has been sent. */
function blinded(scenario: Scenario, tracker: string, when: 'from the start' | 'after the first pass'): WatchedRun {
  const run = watchRun(scenario, {
    before: (driver) => {
      if (when === 'from the start') driver.subscriptions.get(tracker)?.unsubscribe();
    },
    meanwhile: ({ record }, driver) => {
      if (record.kind === 'input' && record.event.type === 'DONE.sendRound') {
        driver.subscriptions.get(tracker)?.unsubscribe();
      }
    },
  });
  expect(run.driver.subscriptions.get(tracker)).toBeDefined();
  return run;
}

/** The pages that the report names. */
function namedPages({ report }: WatchedRun): readonly number[] {
  const check = report.checks.find(({ name }) => name === 'no-lost-write');
  expect(check).toMatchObject({ held: false });
  const said = /^(\d+) pages differ at the hand-over, the first of them ([\d, ]+)(?:;|$)/.exec(check?.because ?? '');
  expect(said, check?.because ?? 'no reason').not.toBeNull();
  const pages = (said?.[2] ?? '').split(', ').map(Number);
  expect(pages).toHaveLength(Math.min(16, Number(said?.[1])));
  return pages;
}

const byDevices = smallScenario();
const byIommu = smallScenario({ devices: [nic0(), nic1({ dmaLogging: false })] });

// What is known to be dirty is sent whoever goes blind: nic1's ring is the last in memory, unsent until the stop.
test.each([
  ['kvm-log', 'from the start', byDevices, [WRITERS.vcpu]],
  ['dma-log/nic0', 'from the start', byDevices, [WRITERS.nic0]],
  ['dma-log/nic1', 'from the start', byDevices, [WRITERS.nic1]],
  ['iommu/0', 'from the start', byIommu, [WRITERS.nic0, WRITERS.nic1]],
  ['kvm-log', 'after the first pass', byDevices, [WRITERS.vcpu]],
  ['dma-log/nic0', 'after the first pass', byDevices, [WRITERS.nic0]],
  ['iommu/0', 'after the first pass', byIommu, [WRITERS.nic0]],
] as const)(
  '%s is blind %s: pages of those that it watched are lost, and named',
  (tracker, when, scenario, writers) => {
    const run = blinded(scenario, tracker, when);
    expect(run.report.outcome).toBe('completed');
    const pages = namedPages(run);
    for (const page of pages) {
      expect(
        writers.some(({ from, to }) => page >= from && page < to),
        `page ${page}`,
      ).toBe(true);
    }
    // The record that broke it is the one that says that the destination runs.
    const { position } = run.report.checks.find(({ name }) => name === 'no-lost-write') ?? {};
    expect(run.recorded[position as number]?.record).toMatchObject({ event: { type: 'DONE.startDestination' } });
  },
);

test.each([
  ['a tracker that is not in use', byDevices, 'iommu/0'],
  ['the log of a host that writes nothing itself', byDevices, 'host-log'],
] as const)('making %s blind loses nothing', (_, scenario, tracker) => {
  const { report } = blinded(scenario, tracker, 'from the start');
  expect(report.outcome).toBe('completed');
  expect(report.checks).toContainEqual({ name: 'no-lost-write', held: true });
});

describe('the two books of the truth', () => {
  const shipped = ['qemu-32mib', 'two-nics', 'vgpu-10g'] as const;
  const cases: readonly (readonly [string, Scenario])[] = [
    ['two small NICs', byDevices],
    ['the IOMMU', byIommu],
    ...shipped.map((name) => [name, scenarios[name]] as const),
  ];

  test.each(cases)('agree over %s', (_, scenario) => {
    const [bit, versions, both] = (['bit', 'versions', 'both'] as const).map(
      (truth) => watchRun({ ...scenario, checks: { truth } }).report,
    );
    expect(bit?.checks).toContainEqual({ name: 'no-lost-write', held: true });
    expect(versions).toEqual(bit);
    expect(both).toEqual(bit);
  });

  test.each(['bit', 'versions', 'both'] as const)('name the same lost pages: %s', (truth) => {
    const lost = (scenario: Scenario) => namedPages(blinded(scenario, 'kvm-log', 'after the first pass'));
    expect(lost({ ...byDevices, checks: { truth } })).toEqual(lost(byDevices));
  });
});
