/**
 * What every report must satisfy, whatever the run: each millisecond of downtime and each byte is accounted for once, all
 * checks and expectations hold, it is plain JSON, and the text for a person has no hole in it.
 */
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../machines/messages.ts';
import { exitCodeOf } from '../../src/cli/exit-code.ts';
import { policyName } from '../../src/lab/policy/own-policy.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { reportText } from '../../src/lab/report/text.ts';
import { devicesOf, type Scenario } from '../../src/lab/scenario/scenario.ts';
import { SHIPPED_NAMES, scenarios } from '../../src/lab/shipped.ts';
import { nic0, nic1, smallScenario } from './small-scenario.ts';
import { watchRun } from './watch-run.ts';

const CHECKS = ['one-guest', 'legal-arcs', 'final-order', 'trackers-cover', 'accounted'];

/** Two minutes and a minute of the same pass again and again say no more than ten seconds of it. */
const GIVE_UP_AT_MOST_NS = 10_000_000_000;

/** Nor do ten million entries of a ring more than a sixteenth of the guest has; kvm-logs.test.ts runs one of them in full. */
const OF_THE_GUEST = 16;

function shorter({ giveUpAfterNs, vm, ...rest }: Scenario): Scenario {
  const wantsToGiveUp = rest.expect.outcome === 'unconverged';
  return {
    ...rest,
    vm: /^(range-)?ring$/.test(vm.dirtyLog) ? partOf(vm) : vm,
    giveUpAfterNs: wantsToGiveUp ? Math.min(giveUpAfterNs, GIVE_UP_AT_MOST_NS) : giveUpAfterNs,
  };
}

function partOf(vm: Scenario['vm']): Scenario['vm'] {
  const workloads = vm.workloads.map((one) => {
    if (one.kind !== 'random') throw new Error(`no part of a workload ${one.kind}`);
    return { ...one, setBytes: one.setBytes / OF_THE_GUEST, writesPerSecond: one.writesPerSecond / OF_THE_GUEST };
  });
  const part = (bytes: number) => bytes / OF_THE_GUEST;
  return { ...vm, memoryBytes: part(vm.memoryBytes), nonZeroBytes: part(vm.nonZeroBytes), workloads };
}

/** Without those that take seconds each: the published ones are held to more in a test of their own. */
const shipped = SHIPPED_NAMES.filter((name) => !/^(big-random|one-tib|published-.*)$/.test(name)).map(
  (name) => [name, shorter(scenarios[name])] as const,
);

const times = {
  preCopy: '1ms',
  p2p: '3ms',
  stop: '2ms',
  stopCopy: '1ms',
  resuming: '4ms',
  run: '5ms',
  load: '6ms',
} as const;

/** What the shipped ones do not have: every duration, a pause, an ack, a cancel in each phase, every release. */
const others: readonly (readonly [string, Scenario])[] = [
  [
    'every duration',
    smallScenario({
      devices: [nic0({ times }), nic1({ times })],
      rest: {
        hosts: {
          source: { stopVcpus: '1ms', resumeVcpus: '1ms', startDirtyLog: '2ms' },
          destination: { prepare: '3ms', load: '7ms', resume: '2ms' },
        },
        storage: { release: '4ms', acquire: '5ms' },
        sender: { page: '500ns', zeroPage: '50ns', firstTouch: '1us', sync: '1ms', syncPage: '10ns' },
      },
    }),
  ],
  ['switchover-ack', smallScenario({ vmm: { switchoverAck: true } })],
  [
    'no-progress',
    smallScenario({ vmm: { loop: 'textbook', policy: 'no-progress' }, rest: { expect: { outcome: 'completed' } } }),
  ],
  ...(['qemu-8.2', 'qemu-9.2', 'qemu-11.1', 'textbook'] as const).map(
    (name) => [name, smallScenario({ iommu: { kind: 'type1' }, vmm: { loop: name } })] as const,
  ),
  ...(['0s', '100ms', '600ms', '630ms', '680ms'] as const).map(
    (cancelAt) =>
      [`cancelled at ${cancelAt}`, smallScenario({ rest: { cancelAt, expect: { outcome: 'cancelled' } } })] as const,
  ),
];

/** QEMU has no status for a run that gave up, nor for one in doubt. */
const LAST_STATUS: Readonly<Record<Outcome, string>> = {
  completed: 'completed',
  cancelled: 'cancelled',
  unconverged: 'cancelled',
  failed: 'failed',
  'in-doubt': 'failed',
  blocked: 'none',
};

/** Times of a report are exact to the nanosecond. */
const ns = (ms: number) => Math.round(ms * 1e6);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function expectAccounted(report: Report): void {
  const { downtime, downtimeMs, bytes, rounds, totalMs } = report;
  expect(downtime === null).toBe(downtimeMs === null);
  if (downtime !== null && downtimeMs !== null) {
    expect(sum(Object.values(downtime).map(ns))).toBe(ns(downtimeMs));
    expect(Object.values(downtime).every((partMs) => partMs >= 0)).toBe(true);
    expect(downtimeMs).toBeLessThanOrEqual(totalMs);
    expect(report.guest.stalledMs.downtime).toBe(downtimeMs);
    expect(report.guest.brownoutMs + downtimeMs).toBeCloseTo(totalMs, 6);
  }
  expect(bytes.total).toBe(bytes.memory + bytes.deviceState);
  const inRounds = sum(rounds.map(({ sentBytes }) => sentBytes));
  expect(bytes.total).toBe(inRounds + bytes.inDowntime + (report.postcopy?.sentBytes ?? 0));
  expect(bytes.resent).toBeLessThanOrEqual(bytes.memory);
  expect(sum(report.devices.map(({ stateBytes }) => stateBytes))).toBeLessThanOrEqual(bytes.deviceState);
  const sentPages = sum(rounds.map((round) => round.sentPages));
  expect(bytes.normalPages + bytes.zeroPages).toBeGreaterThanOrEqual(sentPages);
}

/** Rounds follow each other, and each is judged but for a last one that was cut short. */
function expectRounds({ rounds, totalMs, outcome, missingBytes, postcopy }: Report): void {
  rounds.forEach((round, index) => {
    expect(round.round).toBe(index + 1);
    const before = rounds[index - 1];
    if (before !== undefined) {
      expect(ns(round.startMs)).toBeGreaterThanOrEqual(ns(before.startMs) + ns(before.durationMs));
      expect(before.verdict).not.toBeNull();
    }
    expect(ns(round.startMs) + ns(round.durationMs)).toBeLessThanOrEqual(ns(totalMs));
    expect(round.zeroPages).toBeLessThanOrEqual(round.sentPages);
  });
  if (outcome === 'completed') {
    // Where the guest's drivers helped, what they wrote was sent in a round after the decision.
    const decided = rounds.at(-1)?.verdict === null ? rounds.at(-2) : rounds.at(-1);
    // Post-copy needs no verdict: it goes on where the last round was cut short.
    if (postcopy === undefined) expect(decided?.verdict).toBe('switchover');
    expect(missingBytes).toBeNull();
  }
}

function expectChecked(report: Report, scenario: Scenario): void {
  const names = report.checks.map(({ name }) => name);
  expect(names).toEqual(report.outcome === 'completed' ? ['no-lost-write', ...CHECKS] : CHECKS);
  expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  expect(report.expectations.filter(({ held }) => !held)).toEqual([]);
  if (scenario.expect.outcome !== null) expect(report.outcome).toBe(scenario.expect.outcome);
  expect(exitCodeOf(report, scenario)).toBe(report.outcome === (scenario.expect.outcome ?? 'completed') ? 0 : 1);
}

function expectReadable(report: Report, scenario: Scenario): void {
  for (const colour of [false, true]) {
    const text = reportText(report, { colour, next: 'Replay it:  switchover replay runs.db' });
    expect(text).not.toMatch(/undefined|NaN|Infinity|null|\[object|e[+-]\d/);
    expect(text.includes('\u001b[')).toBe(colour);
    expect(text).toContain(scenario.name);
    expect(text).toContain(report.sentence);
    expect(text.endsWith('Replay it:  switchover replay runs.db\n')).toBe(true);
    expect(text).not.toMatch(/[ \t]\n/);
  }
  // A table fits a terminal of 120 columns; a sentence is wrapped by it.
  const rows = reportText(report)
    .split('\n')
    .filter((line) => /^ {2}\d/.test(line));
  for (const row of rows) expect(row.length, row).toBeLessThanOrEqual(120);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
}

describe.each([...shipped, ...others])('%s', (_, scenario) => {
  const { report, driver } = watchRun(scenario);

  test('accounts for every millisecond and every byte once', () => {
    expectAccounted(report);
    expectRounds(report);
  });

  test('holds every check and every expectation', () => {
    expectChecked(report, scenario);
  });

  test('says who runs in the end', () => {
    const { sourceRuns, destinationRuns, storage, dead } = driver.inspect();
    // The one scenario that ends in doubt has lost an answer of a destination that runs.
    const there = report.outcome === 'completed' || report.outcome === 'in-doubt';
    expect({ sourceRuns, destinationRuns, storage }).toEqual({
      sourceRuns: !there,
      destinationRuns: there,
      storage: there ? 'destination' : 'source',
    });
    expect(dead).not.toContain(there ? 'destination' : 'source');
    expect(report.status.at(-1)?.status).toBe(LAST_STATUS[report.outcome]);
  });

  test('names its devices, and what it ran with', () => {
    expect(report.devices.map(({ id, kind }) => ({ id, kind }))).toEqual(
      devicesOf(scenario).map(({ id, kind }) => ({ id, kind })),
    );
    for (const { serviceDowntimeMs, dmaHaltedMs } of report.devices) {
      if (report.outcome !== 'completed') continue;
      if (dmaHaltedMs !== undefined) {
        expect(serviceDowntimeMs).toBeGreaterThan(report.downtimeMs as number);
        continue;
      }
      // A device stops after the vCPUs and runs before them, unless the guest's driver halted it.
      expect(serviceDowntimeMs).toBeLessThanOrEqual(report.downtimeMs as number);
    }
    expect(report).toMatchObject({
      scenario: scenario.name,
      seed: scenario.seed,
      vmm: {
        loop: scenario.vmm.loop,
        policy: policyName(scenario.vmm.policy),
        downtimeLimitMs: scenario.vmm.downtimeLimitMs,
      },
    });
  });

  test('reads well', () => {
    expectReadable(report, scenario);
  });
});

test('the named durations are where the split says they are', () => {
  const [, scenario] = others[0] as readonly [string, Scenario];
  const { report } = watchRun(scenario);
  expect(report.downtime).toMatchObject({
    stopVcpusMs: 1,
    quiesceMs: 3 + 1, // quiet, then STOP_COPY out of pre-copy
    pauseMs: 0,
    loadMs: 7 + 6 + 2, // the machine, the devices side by side, then RESUMING to STOP, which both do at once
    resumeMs: 4 + 5 + 3 + 5 + 2, // storage released and acquired, RUNNING_P2P, RUNNING, vCPUs
  });
  // The destination, its devices by RUNNING_P2P and STOP to RESUMING, the log, a sync of 16,384 pages, PRE_COPY.
  expect(report.setupMs).toBe(3 + (3 + 2 + 4) + 2 + (1 + 0.16384) + 1);
});
