/**
 * The vmm's own throttles as whole runs over the model: what does not converge without them does, nothing is lost, the throttle
 * is gone at every end, and what a scenario may not ask for. Figures that are held are the published ones: QEMU's ladder, the
 * sync every five seconds from 9.2 on, and that only writers pay for a dirty limit.
 */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { toInput } from '../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { replay } from '../../src/run/replay.ts';

/** 256 MiB over 200 Mbit/s: a pass of the 64 MiB that are always dirty takes 2.7 s. */
function input(vmm: object = {}, more: object = {}): ScenarioInput {
  return {
    name: 'throttled',
    vm: {
      memory: '256MiB',
      vcpus: 4,
      workloads: [{ kind: 'random', vcpus: '0-3', set: '64MiB', rate: '30k/s' }],
    },
    link: { bandwidth: '200Mbit/s' },
    vmm: { loop: 'qemu-10.2', maxBandwidth: 'unlimited', ...vmm },
    giveUpAfter: '60s',
    ...more,
  } as ScenarioInput;
}
const scenario = (vmm: object = {}, more: object = {}) => scenarioFrom(input(vmm, more));
/** Each vCPU dirties 390 MiB/s, all together over six times what the link carries. */
const withRing = (vmm: object = {}, more: object = {}) =>
  scenario(vmm, {
    vm: {
      ...input().vm,
      dirtyLog: 'ring',
      workloads: [{ kind: 'random', vcpus: '0-3', set: '128MiB', rate: '400k/s' }],
    },
    link: { bandwidth: '2Gbit/s' },
    giveUpAfter: '6s',
    ...more,
  });
const broken = (report: Report) => report.checks.filter(({ held }) => !held);
const ladder = (report: Report) => [...new Set(report.rounds.map(({ throttlePercent }) => throttlePercent))];

interface Order {
  readonly name: string;
  readonly atMs: number;
  readonly [param: string]: unknown;
}

/** A run with every command that the vmm gave, in order. */
function run(one: Scenario) {
  const clock = new VirtualClock();
  const journal = new MemoryJournal();
  const model = createModelDriver(modelSpecOf(one), clock);
  const prepared = prepareRun(one, { clock, journal, driver: () => model, strict: true });
  const given: Order[] = [];
  prepared.runner.recorded$.subscribe(({ record, effects }) => {
    for (const effect of effects) {
      if (effect.kind === 'command') given.push({ name: effect.name, atMs: record.atNs / 1e6, ...effect.params });
    }
  });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  return {
    report: prepared.report(),
    given: (...names: readonly string[]) => given.filter(({ name }) => names.includes(name)),
    vcpus: model.world.vcpus,
    replayed: replay(journal.read(prepared.opened.run)),
  };
}
const percents = (one: ReturnType<typeof run>) => one.given('throttleVcpus').map(({ percent }) => percent);

describe('auto-converge', () => {
  const without = run(scenario()).report;
  const throttled = run(scenario({ autoConverge: true }));
  const { report } = throttled;

  test('ends what does not end without it, and loses nothing', () => {
    expect(without.outcome).toBe('unconverged');
    expect(report.outcome).toBe('completed');
    expect(broken(report)).toEqual([]);
    expect(throttled.replayed.divergence).toBeUndefined();
  });

  test("climbs QEMU's ladder rung by rung, and not before the third sync", () => {
    const rungs = percents(throttled).slice(0, -1);
    expect(rungs).toEqual([20, 30, 40, 50, 60, 70, 80, 90, 99].slice(0, rungs.length));
    expect(rungs.length).toBeGreaterThan(3);
    expect(report.rounds.slice(0, 2).map(({ throttlePercent }) => throttlePercent)).toEqual([0, 0]);
  });

  test('says what it cost the guest: percent x time, and nothing else', () => {
    const stop = throttled.given('stopVcpus')[0]!.atMs;
    const orders = throttled.given('throttleVcpus').filter(({ atMs }) => atMs < stop);
    const expectedMs = orders.reduce(
      (ms, { percent, atMs }, i) => ms + ((percent as number) / 100) * ((orders[i + 1]?.atMs ?? stop) - atMs),
      0,
    );
    // A rung may end in the middle of a tick, which is at most 1 s long, and much less on most rungs.
    expect(Math.abs(report.guest.stalledMs.cpuThrottle! - expectedMs)).toBeLessThan(0.05 * expectedMs);
    expect(without.guest.stalledMs).not.toHaveProperty('cpuThrottle');
    const sum = report.guest.stalledMs.cpuThrottle! + report.downtimeMs!;
    expect(report.guest.slowdownPercent).toBeCloseTo((100 * sum) / report.totalMs, 2);
  });

  test('stays in force until the guest runs elsewhere', () => {
    const [last, off] = throttled.given('throttleVcpus').slice(-2);
    expect(last?.percent).toBeGreaterThan(0);
    expect(off?.percent).toBe(0);
    expect(off?.atMs).toBeGreaterThanOrEqual(throttled.given('startDestination')[0]!.atMs);
    expect(throttled.vcpus.running).toBe(false);
  });

  test('reports the throttle of each round, which never falls', () => {
    const told = report.rounds.map(({ throttlePercent }) => throttlePercent);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(ladder(report).slice(1)).toEqual(
      percents(throttled)
        .slice(0, -1)
        .filter((percent) => ladder(report).includes(percent as number)),
    );
  });
});

describe('in a pass of many seconds', () => {
  const slow = { link: { bandwidth: '50Mbit/s' }, giveUpAfter: '400s' };
  const [old, now] = ['qemu-8.2', 'qemu-9.2'].map((loop) => run(scenario({ loop, autoConverge: true }, slow)));

  test('9.2 looks in its middle, 8.2 only at its end; never in the first', () => {
    const first = now!.report.rounds[0]!;
    const firstRung = (one: ReturnType<typeof run>) => one.given('throttleVcpus')[0]!.atMs;
    expect(firstRung(now!)).toBeLessThan(firstRung(old!));
    expect(now!.given('haltRound')[0]!.atMs).toBeGreaterThan(first.startMs + first.durationMs);
    expect(old!.given('haltRound')).toEqual([]);
    const asked = now!.given('haltRound').map(({ atMs }) => atMs);
    const gaps = asked.slice(1).map((atMs, i) => (atMs - asked[i]!) % 5000);
    expect(gaps.length).toBeGreaterThan(2);
    // Its clock has whole ms, as QEMU's.
    expect(gaps.filter((ms) => ms >= 1 && ms <= 4999)).toEqual([]);
    // A pass that goes on is looked at at each tick, not at every second one.
    const least = Math.min(...asked.slice(1).map((atMs, i) => Math.round(atMs - asked[i]!)));
    expect(least).toBeLessThanOrEqual(5001);
  });

  test('and a pass that was looked at is still one round', () => {
    const { report } = now!;
    expect(report.rounds.map(({ round }) => round)).toEqual(report.rounds.map((_, i) => i + 1));
    expect(report.dirtySyncCount).toBeGreaterThan(report.rounds.length + 2);
    expect([report.outcome, broken(report)]).toEqual(['completed', []]);
    const long = report.rounds[1]!;
    expect(long.sentPages * 4104).toBeLessThanOrEqual(long.sentBytes);
    expect(report.bytes.normalPages + report.bytes.zeroPages).toBeGreaterThanOrEqual(
      report.rounds.reduce((sum, { sentPages }) => sum + sentPages, 0),
    );
  });
});

describe('every end', () => {
  test('a cancel takes the throttle away from a guest that runs', () => {
    const cancelled = run(scenario({ autoConverge: true }, { cancelAt: '25s' }));
    expect(cancelled.report.outcome).toBe('cancelled');
    expect(percents(cancelled).at(-1)).toBe(0);
    expect([cancelled.vcpus.running, cancelled.vcpus.throttlePercent]).toEqual([true, 0]);
  });

  test('so does a failure after the guest had stopped: it comes back at its speed', () => {
    const faults = [{ command: 'sendRemaining', fails: 'EIO' }];
    const failed = run(scenario({ autoConverge: true }, { faults }));
    expect(failed.report.outcome).toBe('failed');
    expect(percents(failed).slice(-2)[0]).toBeGreaterThan(0);
    expect([failed.vcpus.running, failed.vcpus.throttlePercent]).toEqual([true, 0]);
  });

  test('with post-copy the guest goes on at full speed over there', () => {
    const moved = run(scenario({ autoConverge: true, postcopy: { at: '25s' } }));
    expect([moved.report.outcome, broken(moved.report)]).toEqual(['completed', []]);
    expect(percents(moved).length).toBeGreaterThan(0);
    expect(moved.report.postcopy!.missingPages).toBeGreaterThan(0);
    expect(moved.vcpus.throttlePercent).toBe(0);
  });

  test('a throttle that is refused leaves the guest at its speed', () => {
    const faults = [{ command: 'throttleVcpus', fails: 'EINVAL' }];
    const refused = run(scenario({ autoConverge: true }, { faults, giveUpAfter: '20s' }));
    expect(refused.report.outcome).toBe('unconverged');
    expect(broken(refused.report)).toEqual([]);
  });
});

describe('dirty limit', () => {
  const limited = run(withRing({ dirtyLimit: { vcpuDirtyLimit: '2MiB/s' } }));

  test('ends what does not end without it, with one quota and at the cost of those who write', () => {
    expect(run(withRing()).report.outcome).toBe('unconverged');
    expect([limited.report.outcome, broken(limited.report)]).toEqual(['completed', []]);
    expect(limited.given('limitVcpuDirtyRate')).toMatchObject([
      { bytesPerSecond: 2 ** 21, periodMs: 1000 },
      { bytesPerSecond: 0 },
    ]);
    expect(limited.report.guest.stalledMs.dirtyLimit).toBeGreaterThan(0);
    expect(percents(limited)).toEqual([]);
    expect(limited.replayed.divergence).toBeUndefined();
  });

  test('ends with a cancel', () => {
    const cancelled = run(withRing({ dirtyLimit: true }, { cancelAt: '3s' }));
    expect(cancelled.report.outcome).toBe('cancelled');
    expect(cancelled.given('limitVcpuDirtyRate').map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([2 ** 20, 0]);
  });
});

describe('by passes', () => {
  test('ten percent with every second pass from the fourth on', () => {
    const stepped = run(scenario({ loop: 'textbook', steppedThrottle: true }));
    expect([stepped.report.outcome, broken(stepped.report)]).toEqual(['completed', []]);
    const told = stepped.report.rounds.map(({ throttlePercent }) => throttlePercent);
    expect(told.slice(0, 9)).toEqual([0, 0, 0, 0, 10, 10, 20, 20, 30]);
  });
});

describe('a scenario', () => {
  test.each([
    [{ autoConverge: true, dirtyLimit: true }, /vmm.dirtyLimit: excludes autoConverge/],
    [{ dirtyLimit: true }, /vmm.dirtyLimit: .* needs vm.dirtyLog: ring, not bitmap/],
    [
      { loop: 'qemu-8.0', dirtyLimit: true },
      /dirty-limit needs QEMU 8.1 or later.* the first loop here that can is qemu-8.2/,
    ],
    [{ steppedThrottle: true }, /vmm.steppedThrottle: qemu-10.2 has no throttle by passes/],
    [{ autoConverge: { max: '10%' } }, /vmm.autoConverge.max: is below initial, 20%/],
    [{ autoConverge: { increment: '100%' } }, /increment: is a whole percentage from 1% to 99%/],
    [{ autoConverge: { initail: '5%' } }, /vmm.autoConverge.initail: unknown key; did you mean initial/],
    [{ dirtyLimit: { period: '2s' } }, /vmm.dirtyLimit.period: QEMU takes whole milliseconds from 1ms to 1s/],
    [{ dirtyLimit: { vcpuDirtyLimit: '100KiB/s' } }, /vcpuDirtyLimit: QEMU takes whole MiB.s from 1MiB.s on/],
  ])('may not say %o', (vmm, message) => {
    expect(() => scenario(vmm)).toThrow(message);
  });

  test.each([
    { autoConverge: true },
    { autoConverge: { initial: '5%', increment: '7%', max: '80%', tailslow: true, triggerThreshold: '30%' } },
    { loop: 'textbook', steppedThrottle: { afterPasses: 2, everyPasses: 1, step: '20%', max: '90%', window: '50ms' } },
  ])('is printed as it is read: %o', (vmm) => {
    const read = scenario(vmm);
    expect(scenarioFrom(toInput(read))).toEqual(read);
    const ring = withRing({ dirtyLimit: { vcpuDirtyLimit: '3MiB/s', period: '500ms' } });
    expect(scenarioFrom(toInput(ring))).toEqual(ring);
  });

  test('that throttles nothing has nothing of it', () => {
    const plain = scenario({ autoConverge: false });
    for (const key of ['autoConverge', 'dirtyLimit', 'steppedThrottle']) expect(plain.vmm).not.toHaveProperty(key);
  });
});
