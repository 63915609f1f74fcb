/**
 * A host is emptied: its VMs leave over one link, so many at a time, on one virtual clock with a world for each.
 *
 * Each migration is the one that `run` makes of its scenario, with its own clock that begins when its turn comes; only the link
 * is shared. A place is free again when the migration before has cleaned up behind itself. One that does not complete leaves
 * its VM on the host, and is not tried again.
 */
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { createModelDriver } from '../../drivers/model/model-driver.ts';
import { SharedLink } from '../../hardware/shared-link.ts';
import { modelSpecOf } from '../model/spec.ts';
import { type PreparedRun, prepareRun } from '../prepare.ts';
import type { Report } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { ordered } from './order.ts';
import type { DrainPlan, DrainVm, Order } from './plan.ts';
import { ShiftedClock } from './shifted-clock.ts';

export interface DrainOptions {
  readonly atOnce: number;
  readonly order: Order;
  /** Of the first VM; each one after it has the next. */
  readonly seed: number;
  /** Bytes over the link, in whole windows of this length. */
  readonly windowNs?: number | undefined;
}

export interface DrainedVm {
  readonly name: string;
  readonly seed: number;
  readonly outcome: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly totalMs: number;
  /** 0: it was never stopped; null: nobody knows how long it stood, or stands. */
  readonly downtimeMs: number | null;
  readonly bytes: number;
  readonly rounds: number;
}

export interface Drained {
  readonly atOnce: number;
  readonly order: Order;
  readonly bytesPerSecond: number;
  readonly vms: readonly DrainedVm[];
  /** VMs that did not complete and are still here. */
  readonly left: readonly string[];
  /** When the last migration had ended. */
  readonly endedMs: number;
  /** The same, where nobody is left; null: the host is not empty. */
  readonly emptyMs: number | null;
  /** Of the VMs of which it is known, and of how many it is not. */
  readonly downtime: { readonly sumMs: number; readonly worstMs: number; readonly unknown: number };
  readonly bytes: number;
  /** What the link carried in each window, and how long one is. */
  readonly windowMs: number;
  readonly windowBytes: readonly number[];
}

/** QEMU's own window. */
const WINDOW_NS = 100_000_000;

interface UnderWay {
  readonly vm: DrainVm;
  /** Of those that leave. */
  readonly nth: number;
  readonly seed: number;
  readonly startedNs: number;
  readonly run: PreparedRun;
}

export function drain(
  { vms, bytesPerSecond }: DrainPlan,
  { atOnce, order, seed, windowNs = WINDOW_NS }: DrainOptions,
): Drained {
  const clock = new VirtualClock();
  const windows: number[] = [];
  const link = new SharedLink(bytesPerSecond, clock, (fromNs, toNs, bytes) =>
    count(windows, windowNs, { fromNs, toNs, bytes }),
  );
  // Whatever the order, a VM has its own seed.
  const seeds = new Map(vms.map((vm, index) => [vm, (seed + index) % 2 ** 32]));
  const waiting = ordered(vms, order).map((vm, nth) => ({ vm, nth, seed: seeds.get(vm) ?? seed }));
  const underWay = new Set<UnderWay>();
  const done: (DrainedVm & { readonly nth: number })[] = [];
  const startNext = () => {
    while (underWay.size < atOnce) {
      const next = waiting.shift();
      if (next === undefined) return;
      const run = begin(next.vm, next.seed, { clock, link });
      underWay.add({ ...next, startedNs: clock.nowNs, run });
      run.start();
    }
  };
  startNext();
  while (underWay.size > 0) {
    if (!clock.step()) throw new Error(`the drain fell silent at ${clock.nowNs} ns`);
    for (const one of underWay) {
      if (!one.run.runner.ended) continue;
      underWay.delete(one);
      done.push({ ...drained(one, clock.nowNs), nth: one.nth });
      one.run.driver.close();
    }
    startNext();
  }
  done.sort((a, b) => a.startedMs - b.startedMs || a.nth - b.nth);
  return summed(
    done.map(({ nth: _, ...vm }) => vm),
    { atOnce, order, bytesPerSecond, endedNs: clock.nowNs, windowNs, windows },
  );
}

function begin(vm: DrainVm, seed: number, { clock, link }: { clock: VirtualClock; link: SharedLink }): PreparedRun {
  const scenario: Scenario = {
    ...vm.scenario,
    seed,
    link: { ...vm.scenario.link, bandwidthBytesPerSecond: link.bytesPerSecond },
  };
  return prepareRun(scenario, {
    clock: new ShiftedClock(clock),
    // Another name: its journal alone does not say what the others sent.
    driver: (one, own) => ({
      ...createModelDriver(modelSpecOf(one), own, { share: link.share() }),
      name: 'model on a shared link',
    }),
  });
}

function drained({ vm, seed, startedNs, run }: UnderWay, endedNs: number): DrainedVm {
  const report: Report = run.report();
  return {
    name: vm.name,
    seed,
    outcome: report.outcome,
    startedMs: startedNs / 1e6,
    endedMs: endedNs / 1e6,
    totalMs: report.totalMs,
    downtimeMs: report.downtimeMs ?? (report.guestRunsOn === 'source' ? 0 : null),
    bytes: report.bytes.total,
    rounds: report.rounds.length,
  };
}

interface Ends extends Pick<Drained, 'atOnce' | 'order' | 'bytesPerSecond'> {
  readonly endedNs: number;
  readonly windowNs: number;
  readonly windows: readonly number[];
}

function summed(vms: readonly DrainedVm[], { endedNs, windowNs, windows, ...rest }: Ends): Drained {
  const left = vms.filter(({ outcome }) => outcome !== 'completed').map(({ name }) => name);
  const downtimes = vms.flatMap(({ downtimeMs }) => downtimeMs ?? []);
  const endedMs = endedNs / 1e6;
  return {
    ...rest,
    vms,
    left,
    endedMs,
    emptyMs: left.length === 0 ? endedMs : null,
    downtime: {
      sumMs: exactMs(downtimes.reduce((sum, one) => sum + one, 0)),
      worstMs: Math.max(0, ...downtimes),
      unknown: vms.length - downtimes.length,
    },
    bytes: vms.reduce((sum, { bytes }) => sum + bytes, 0),
    windowMs: windowNs / 1e6,
    windowBytes: windows.map((bytes) => Math.round(bytes)),
  };
}

const exactMs = (ms: number) => Math.round(ms * 1e6) / 1e6;

/** Constant meanwhile, so each window gets its part of the time. */
function count(
  windows: number[],
  windowNs: number,
  { fromNs, toNs, bytes }: { readonly fromNs: number; readonly toNs: number; readonly bytes: number },
): void {
  for (let from = fromNs; from < toNs; ) {
    const index = Math.floor(from / windowNs);
    const to = Math.min(toNs, (index + 1) * windowNs);
    while (windows.length <= index) windows.push(0);
    windows[index] = (windows[index] ?? 0) + (bytes * (to - from)) / (toNs - fromNs);
    from = to;
  }
}
