/**
 * Four migrations of a real QEMU against the four scenarios that ship for them. The constants of sender and hosts come from
 * the idle and the unlimited run only, and are the same in all four.
 *
 * Source of the measurements: test/fixtures/qemu-7.2-runs.json, recorded on Debian's QEMU 7.2.22 (TCG), two processes on one
 * host, unix socket; events by the host's time, and the source's last query-migrate.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/lab/report/report.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../src/lab/shipped.ts';
import { watchRun } from './watch-run.ts';

interface QemuEvent {
  readonly timestamp: { readonly seconds: number; readonly microseconds: number };
  readonly event: string;
  readonly data?: { readonly status?: string; readonly pass?: number };
}

interface QemuRun {
  readonly config: { readonly dirty_mib: number; readonly max_bandwidth: number; readonly downtime_limit: number };
  readonly src_events: readonly QemuEvent[];
  readonly dst_events: readonly QemuEvent[];
  readonly final: {
    readonly downtime: number;
    readonly 'total-time': number;
    readonly ram: {
      readonly total: number;
      readonly transferred: number;
      readonly 'dirty-sync-count': number;
      readonly duplicate: number;
      readonly normal: number;
    };
  };
}

const fixture = new URL('../fixtures/qemu-7.2-runs.json', import.meta.url);
const { runs } = JSON.parse(readFileSync(fixture, 'utf8')) as { readonly runs: Readonly<Record<string, QemuRun>> };

const NAMES = ['idle', '8mib', '32mib', 'unlimited'] as const;
type Name = (typeof NAMES)[number];

function measured(name: Name): QemuRun {
  const run = runs[name];
  if (run === undefined) throw new Error(`no measured run ${name}`);
  return run;
}

function atMs(events: readonly QemuEvent[], isIt: (event: QemuEvent) => boolean): number {
  const event = events.find(isIt);
  if (event === undefined) throw new Error('no such event was recorded');
  return event.timestamp.seconds * 1000 + event.timestamp.microseconds / 1000;
}

const passes = ({ src_events }: QemuRun) => src_events.filter(({ event }) => event === 'MIGRATION_PASS');

/** STOP on the source to RESUME on the destination: one host, one clock. */
function gapMs(run: QemuRun): number {
  return (
    atMs(run.dst_events, ({ event }) => event === 'RESUME') - atMs(run.src_events, ({ event }) => event === 'STOP')
  );
}

/** 20 % or 5 ms, whichever is more: what two processes under TCG scatter by. */
function expectNearMs(value: number | null, wantedMs: number): void {
  expect(value).not.toBeNull();
  expect(Math.abs((value as number) - wantedMs)).toBeLessThanOrEqual(Math.max(5, 0.2 * wantedMs));
}

const withWrites = (
  scenario: Scenario,
  change: { readonly mibPerSecond?: number; readonly phaseBytes?: number },
): Scenario => ({
  ...scenario,
  vm: {
    ...scenario.vm,
    workloads: scenario.vm.workloads.map((workload) => {
      if (workload.kind !== 'cycle') throw new Error('the measured guest writes in address order');
      const { mibPerSecond, phaseBytes = workload.phaseBytes } = change;
      const writesPerSecond = mibPerSecond === undefined ? workload.writesPerSecond : mibPerSecond * 256;
      return { ...workload, writesPerSecond, phaseBytes };
    }),
  },
});

describe.each(NAMES)('qemu-%s', (name) => {
  const real = measured(name);
  const scenario = scenarios[`qemu-${name}`];
  const { report } = watchRun(scenario);

  test('is the migration that was measured', () => {
    expect(scenario.vm.memoryBytes).toBe(real.final.ram.total);
    expect(scenario.vmm.maxBandwidthBytesPerSecond).toBe(real.config.max_bandwidth);
    expect(scenario.vmm.downtimeLimitMs).toBe(real.config.downtime_limit);
    const [workload] = scenario.vm.workloads;
    const setBytes = workload !== undefined && 'setBytes' in workload ? workload.setBytes : 0;
    expect(setBytes).toBe(real.config.dirty_mib * 2 ** 20);
  });

  test('has as many passes', () => {
    expect(report.outcome).toBe('completed');
    expect(report.dirtySyncCount).toBe(real.final.ram['dirty-sync-count']);
    expect(report.dirtySyncCount).toBe(passes(real).length);
  });

  test('ends each pass in the same window', () => {
    const setupMs = atMs(real.src_events, ({ data }) => data?.status === 'setup');
    // The first PASS begins the first pass, the last one the stop phase; those between end a pass each.
    const realEndsMs = passes(real)
      .slice(1, -1)
      .map((pass) => atMs(real.src_events, (event) => event === pass) - setupMs);
    const endsMs = report.rounds.map(({ startMs, durationMs }) => startMs + durationMs);
    expect(endsMs).toHaveLength(realEndsMs.length);
    endsMs.forEach((endMs, index) => {
      // A window is 100 ms.
      expect(Math.abs(endMs - (realEndsMs[index] as number))).toBeLessThan(25);
    });
  });

  test('takes as long, within 3 %', () => {
    const wantedMs = real.final['total-time'];
    expect(Math.abs(report.totalMs - wantedMs)).toBeLessThan(0.03 * wantedMs);
  });

  test('sends as much, within 1 %, and as many zero pages exactly', () => {
    const { transferred, duplicate, normal } = real.final.ram;
    expect(Math.abs(report.bytes.total - transferred)).toBeLessThan(0.01 * transferred);
    expect(report.bytes.zeroPages).toBe(duplicate);
    expect(Math.abs(report.bytes.normalPages - normal)).toBeLessThan(0.01 * normal);
  });

  test('stands still as long, by its own count and from STOP to RESUME', () => {
    expectNearMs(report.vmmDowntimeMs, real.final.downtime);
    expectNearMs(report.downtimeMs, gapMs(real));
    // QEMU 7.2 stops counting when the source is done, before the destination runs.
    expect(report.vmmDowntimeMs).toBeLessThan(report.downtimeMs as number);
  });
});

test("all four have the same constants, and the vmm's costs come from nothing else", () => {
  const constants = NAMES.map((name) => {
    const { sender, hosts, storage, link } = scenarios[`qemu-${name}`];
    return { sender, hosts, storage, link };
  });
  expect(constants).toEqual(NAMES.map(() => constants[0]));
  const { vm, vmm } = scenarios['qemu-idle'];
  for (const name of NAMES) {
    const other = scenarios[`qemu-${name}`];
    expect({ ...other.vm, workloads: [] }).toEqual({ ...vm, workloads: [] });
    expect({ ...other.vmm, maxBandwidthBytesPerSecond: 0 }).toEqual({ ...vmm, maxBandwidthBytesPerSecond: 0 });
  }
});

/**
 * The measured run was 0.6 MiB above its threshold of 19.2 MiB when pass 2 ended (13.4 MiB after pass 3, which sent one
 * window of 6.4 MiB), and its guest counted only whole cycles, so its rate is known as 16 to 24 MiB/s and where its write
 * head stood is not known at all. So near to the threshold, rate and phase decide about one pass more or less, and a test
 * that wanted five passes at every rate would be wrong about the real QEMU, too.
 */
describe('qemu-32mib with another rate or phase is within one pass of the measured run', () => {
  const wanted = measured('32mib').final.ram['dirty-sync-count'];

  function check(report: Report): void {
    expect(report.outcome).toBe('completed');
    expect(Math.abs(report.dirtySyncCount - wanted)).toBeLessThanOrEqual(1);
    // It went on while the remainder was at or above the threshold, and stopped at the first one below.
    const verdicts = report.rounds.map(({ remainingBytes, thresholdBytes }) => remainingBytes < thresholdBytes);
    expect(verdicts).toEqual(report.rounds.map((_, index) => index === report.rounds.length - 1));
  }

  test.each([16, 18, 20, 22, 24, 26, 28, 30, 32])('at %d MiB/s', (mibPerSecond) => {
    check(watchRun(withWrites(scenarios['qemu-32mib'], { mibPerSecond })).report);
  });

  test.each([0, 4, 8, 12, 16, 20, 24, 28])('with the write head %d MiB into the set', (phaseMib) => {
    check(watchRun(withWrites(scenarios['qemu-32mib'], { phaseBytes: phaseMib * 2 ** 20 })).report);
  });
});
