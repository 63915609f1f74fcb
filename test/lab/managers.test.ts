/** Each manager in one whole run over the model: what it does to a guest that does not converge by itself, no write lost. */
import { describe, expect, test } from 'vitest';
import type { ManagerName } from '../../machines/index.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { verdictWords } from '../../src/lab/report/manager.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { reportText } from '../../src/lab/report/text.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { replay } from '../../src/run/replay.ts';

/** 64 MiB on 1 Gbit/s, of which 32 MiB are written all the time: about 250 ms remain at every sync. */
function input(
  manager: object,
  { rate = '100k/s', vmm = {}, rest = {} }: { rate?: string; vmm?: object; rest?: object } = {},
) {
  return {
    name: 'managed',
    vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '32MiB', rate }] },
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'qemu-10.2', downtimeLimit: '20ms', maxBandwidth: 'unlimited', ...vmm },
    manager,
    giveUpAfter: '2m',
    checks: { truth: 'both' },
    ...rest,
  } as unknown as ScenarioInput;
}

const run = (manager: object, options: Parameters<typeof input>[1] = {}) =>
  rehearse(scenarioFrom(input(manager, options)), { strict: true }).ended;
const ordered = ({ manager }: Report) => manager.decisions?.map(({ verdict }) => verdictWords(verdict));
const broken = (report: Report) => report.checks.filter(({ held }) => !held);

interface Row {
  readonly policy: ManagerName;
  readonly keys?: object;
  readonly options?: Parameters<typeof input>[1];
  readonly outcome: Report['outcome'];
  readonly orders: readonly string[];
}

const limits = (...limitsMs: readonly number[]) => limitsMs.map((ms) => `downtime limit ${ms} ms`);

const ROWS: readonly Row[] = [
  {
    policy: 'nova',
    keys: { downtimeDelay: '3s' },
    outcome: 'completed',
    orders: limits(50, 95, 140, 185, 230),
  },
  {
    policy: 'nova',
    keys: { completionTimeout: '5s' },
    outcome: 'cancelled',
    orders: [...limits(50), 'abort'],
  },
  {
    policy: 'nova',
    keys: { completionTimeout: '5s', timeoutAction: 'force_complete' },
    outcome: 'completed',
    orders: [...limits(50), 'suspend the guest'],
  },
  { policy: 'kubevirt-legacy', keys: { completionTimeoutPerGb: '5s' }, outcome: 'cancelled', orders: ['abort'] },
  {
    policy: 'kubevirt-legacy',
    keys: { completionTimeoutPerGb: '5s', allowWorkloadDisruption: true },
    options: { vmm: { postcopy: true } },
    outcome: 'completed',
    orders: ['start post-copy'],
  },
  { policy: 'kubevirt-downtime-tuning', outcome: 'completed', orders: limits(150, 257) },
  {
    policy: 'kubevirt-stall',
    keys: { initialDowntime: '20ms' },
    outcome: 'completed',
    orders: limits(20, 900),
  },
  { policy: 'ovirt-minimal-downtime', keys: { poll: '1s' }, outcome: 'completed', orders: limits(100, 150, 200, 300) },
  {
    policy: 'ovirt-minimal-downtime',
    keys: { poll: '1s', steps: ['110ms', '120ms'] },
    outcome: 'cancelled',
    orders: [...limits(100, 110, 120), 'abort'],
  },
  {
    policy: 'ovirt-suspend-if-needed',
    keys: { poll: '1s', steps: ['110ms', '120ms', '5s'] },
    outcome: 'completed',
    orders: limits(100, 110, 120, 5000),
  },
  {
    policy: 'ovirt-post-copy',
    options: { vmm: { postcopy: true } },
    outcome: 'completed',
    orders: [...limits(100, 150, 200), 'start post-copy'],
  },
  {
    policy: 'vdsm-exponential',
    keys: { poll: '1s', delay: '80s', maxTimePerGib: '0ms' },
    outcome: 'completed',
    orders: limits(101, 104, 120, 189, 500),
  },
  { policy: 'proxmox', keys: { initialDowntime: '100ms' }, outcome: 'completed', orders: limits(100, 200, 400) },
  {
    policy: 'libvirt',
    keys: { timeout: '3s' },
    outcome: 'completed',
    orders: ['suspend the guest'],
  },
  {
    policy: 'libvirt',
    keys: { postCopyAfterPreCopy: true },
    options: { vmm: { postcopy: true } },
    outcome: 'completed',
    orders: ['start post-copy'],
  },
];

describe.each(ROWS)('$policy $keys', ({ policy, keys, options, outcome, orders }) => {
  const report = run({ policy, ...keys }, options);

  test('orders what its rule says, and the run comes to that', () => {
    expect({ outcome: report.outcome, orders: ordered(report) }).toEqual({ outcome, orders });
    expect(broken(report)).toEqual([]);
    expect(report.guestRunsOn).toBe(outcome === 'completed' ? 'destination' : 'source');
  });

  test('is told of in the text, and names itself where it ended the run', () => {
    expect(reportText(report)).toContain(orders.at(-1));
    if (outcome === 'cancelled') {
      expect(report.reason).toMatch(new RegExp(`^aborted by ${policy}: `));
      expect(report.sentence).toContain(report.reason);
    }
  });
});

describe('query-migrate', () => {
  const seen = (loop: string) => {
    const journal = new MemoryJournal();
    const { opened } = rehearse(
      scenarioFrom(input({ policy: 'nova', poll: '100ms' }, { vmm: { loop }, rest: { giveUpAfter: '3s' } })),
      { journal },
    );
    return [...journal.read(opened.run)].flatMap((record) =>
      record.kind === 'input' && record.event.type === 'DONE.queryMigrate' ? [record.event] : [],
    );
  };
  const ramOf = (event: object | undefined) => (event as { readonly ram: Readonly<Record<string, number>> }).ram;

  test('is polled on time, and counts what is known dirty: less and less within a pass, whatever is written', () => {
    const answers = seen('qemu-10.2');
    expect(answers.slice(0, 4).map(({ totalTimeMs }) => totalTimeMs)).toEqual([100, 200, 300, 400]);
    const remaining = answers.slice(0, 4).map((event) => ramOf(event).remainingBytes as number);
    expect(remaining).toEqual([...remaining].sort((a, b) => b - a));
    expect(new Set(remaining).size).toBe(4);
    expect(ramOf(answers[0])).toMatchObject({ totalBytes: 64 * 2 ** 20, dirtySyncCount: 1, dirtyPagesPerSecond: 0 });
    // The rate is of a period of more than a second, so nothing is known of it before.
    const first = answers.find((event) => (ramOf(event).dirtyPagesPerSecond as number) > 0);
    expect(first?.totalTimeMs).toBeGreaterThan(1000);
    expect(answers[0]).not.toHaveProperty('remainingBytes');
  });

  test('says what remains in all from 11.1 on', () => {
    expect(seen('qemu-11.1')[0]).toHaveProperty('remainingBytes');
  });
});

describe('a suspended guest', () => {
  const report = run({ policy: 'libvirt', timeout: '3s' });

  test('is down from the order on, and all of its downtime is accounted for', () => {
    const { downtime, downtimeMs, totalMs } = report;
    expect(downtime?.suspendedMs).toBeGreaterThan(0);
    const sum = Object.values(downtime ?? {}).reduce((total, part) => total + part, 0);
    expect(sum).toBeCloseTo(downtimeMs as number, 6);
    expect(downtimeMs).toBeCloseTo(totalMs - 3000, 0);
  });

  test('that is cancelled runs on the source again', () => {
    const back = run(
      { policy: 'libvirt', timeout: '1s' },
      { rest: { cancelAt: '1010ms', link: { bandwidth: '100Mbit/s' } } },
    );
    expect(back).toMatchObject({ outcome: 'cancelled', guestRunsOn: 'source' });
    expect(back.guestRunsOnBecause).toContain('resumed');
    expect(broken(back)).toEqual([]);
  });
});

test('a limit that is raised ends the pass under way, not the next one', () => {
  // The first pass of 64 MiB takes 560 ms; at 50 ms of it a limit of 2 s lets everything go.
  const report = run({ policy: 'nova', poll: '50ms', downtime: '20s', downtimeSteps: 10 });
  const [first] = report.rounds;
  expect(first?.durationMs).toBeLessThan(200);
  expect(report.rounds.length).toBe(1);
});

test('the same scenario comes to the same records, and they replay', () => {
  const scenario = scenarioFrom(input({ policy: 'proxmox', initialDowntime: '100ms' }));
  const [first, second] = [new MemoryJournal(), new MemoryJournal()];
  const { ended, opened } = rehearse(scenario, { journal: first });
  expect(rehearse(scenario, { journal: second }).ended).toEqual(ended);
  const records = [...first.read(opened.run)];
  expect([...second.read(opened.run)]).toEqual(records);
  expect(replay(records).divergence).toBeUndefined();
});

test.each([
  [{ policy: 'libvirt', timeout: '300ms' }, {}],
  [{ policy: 'kubevirt-legacy', completionTimeoutPerGb: '300ms', allowWorkloadDisruption: true, poll: '50ms' }, {}],
  [{ policy: 'ovirt-post-copy', poll: '400ms', steps: ['21ms'] }, { vmm: { postcopy: true } }],
] as const)('a cancel all along the records of %j leaves one guest and nothing lost', (manager, options) => {
  const journal = new MemoryJournal();
  const { opened } = rehearse(scenarioFrom(input(manager, options)), { journal, strict: true });
  const count = [...journal.read(opened.run)].length;
  // Every fifth: what a manager does takes a few records each time.
  for (let record = 1; record < count; record += 5) {
    const report = run(manager, { ...options, rest: { cancelAt: { record } } });
    expect({ record, broken: broken(report) }).toEqual({ record, broken: [] });
    expect(['source', 'destination'], `record ${record}`).toContain(report.guestRunsOn);
  }
});

test.each(['queryMigrate', 'setDowntimeLimit'])('%s that hangs or fails does no harm', (command) => {
  for (const fault of ['hang', 'error']) {
    const faults = [{ command, nth: 1, ...(fault === 'hang' ? { hangs: true } : { fails: 'EIO' }) }];
    const report = run({ policy: 'nova', downtimeDelay: '3s' }, { rest: { faults } });
    expect({ fault, outcome: report.outcome, broken: broken(report) }).toEqual({
      fault,
      outcome: 'completed',
      broken: [],
    });
  }
});

test('an operator’s cancel is still an operator’s', () => {
  const report = run({ policy: 'nova' }, { rest: { cancelAt: '1s' } });
  expect(report).toMatchObject({ outcome: 'cancelled', reason: 'cancelled by the operator', guestRunsOn: 'source' });
});

test('without a manager nobody asks, and nothing is told', () => {
  const { manager } = run({ policy: 'none' }, { rest: { giveUpAfter: '3s' } });
  expect(manager).toEqual({ policy: 'none' });
});
