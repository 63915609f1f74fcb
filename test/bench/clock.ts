/**
 * Timers that fire and are set again, as a simulation has them: the run's clock against RxJS's VirtualTimeScheduler and
 * XState's SimulatedClock. The last one jumps past what is due in between, so it is moved on a millisecond at a time.
 */
import { VirtualTimeScheduler } from 'rxjs';
import { SimulatedClock } from 'xstate';
import { type Bench, built, figure, times } from './bench.ts';
import { race } from './race.ts';

const { VirtualClock } = await built<typeof import('../../src/clock/virtual-clock.ts')>('src/clock/virtual-clock');

/** Sets `timers` timers with these periods; returns what runs them for so many ms, and tells how many fired. */
type Way = (timers: number, horizonMs: number) => () => number;

const WAYS: readonly { readonly name: string; readonly way: Way }[] = [
  { name: 'heap clock', way: onHeap },
  { name: 'RxJS VirtualTimeScheduler', way: onVirtualTime },
  { name: 'XState SimulatedClock', way: onSimulatedClock },
];

/** Firings that each is timed over: fewer for those that look at every timer at each firing. */
const FIRINGS: readonly { readonly timers: number; readonly firings: readonly [number, number, number] }[] = [
  { timers: 100, firings: [200_000, 20_000, 1_000] },
  { timers: 1_000, firings: [200_000, 5_000, 1_000] },
  { timers: 10_000, firings: [200_000, 500, 100] },
];

export const clock: Bench = {
  name: 'clock',
  about: 'periodic timers firing: the heap clock, RxJS, XState',
  async run() {
    checkSame();
    const rows = FIRINGS.map(({ timers, firings }) => {
      const rivals = WAYS.map(({ name, way }, i) => {
        const horizonMs = Math.ceil((firings[i]! * MEAN_PERIOD_MS) / timers);
        const units = way(timers, horizonMs)();
        return { name, units, prepare: () => way(timers, horizonMs) };
      });
      const each = [...race(rivals, { rounds: 3 }).values()];
      const heap = each[0]!;
      return [figure(timers), ...each.map((ns) => figure(1e9 / ns)), ...each.slice(1).map((ns) => times(ns, heap))];
    });
    return [
      {
        title: 'Firings/s while so many timers wait, each set again as it fires',
        columns: ['timers', ...WAYS.map(({ name }) => name), 'RxJS takes', 'XState takes'],
        rows,
      },
    ];
  },
};

/** 500 to 1500 ms, no two neighbours alike. */
function periodMs(timer: number): number {
  return 500 + ((timer * 7919) % 1001);
}

const MEAN_PERIOD_MS = 1000;

/** The timers do not all begin at once. */
function firstMs(timer: number): number {
  return 1 + ((timer * 104_729) % periodMs(timer));
}

function onHeap(timers: number, horizonMs: number): () => number {
  const virtual = new VirtualClock();
  let fired = 0;
  for (let i = 0; i < timers; i++) {
    const periodNs = periodMs(i) * 1e6;
    const fire = () => {
      fired++;
      virtual.at(virtual.nowNs + periodNs, fire);
    };
    virtual.at(firstMs(i) * 1e6, fire);
  }
  return () => {
    virtual.runUntil(horizonMs * 1e6);
    return fired;
  };
}

function onVirtualTime(timers: number, horizonMs: number): () => number {
  const scheduler = new VirtualTimeScheduler(undefined, horizonMs);
  let fired = 0;
  for (let i = 0; i < timers; i++) {
    const period = periodMs(i);
    scheduler.schedule(function () {
      fired++;
      this.schedule(undefined, period);
    }, firstMs(i));
  }
  return () => {
    scheduler.flush();
    return fired;
  };
}

function onSimulatedClock(timers: number, horizonMs: number): () => number {
  const simulated = new SimulatedClock();
  let fired = 0;
  for (let i = 0; i < timers; i++) {
    const period = periodMs(i);
    const fire = () => {
      fired++;
      simulated.setTimeout(fire, period);
    };
    simulated.setTimeout(fire, firstMs(i));
  }
  return () => {
    for (let ms = 0; ms < horizonMs; ms++) simulated.increment(1);
    return fired;
  };
}

/** Rivals that do not do the same thing cannot be compared. */
function checkSame(): void {
  const fired = WAYS.map(({ way }) => way(50, 5000)());
  if (new Set(fired).size !== 1) throw new Error(`the clocks fired differently: ${fired.join(', ')}`);
}
