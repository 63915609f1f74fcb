import {
  bufferTime,
  delay,
  interval,
  merge,
  observeOn,
  of,
  Subject,
  Subscription,
  take,
  throwError,
  timer,
} from 'rxjs';
import { describe, expect, test } from 'vitest';
import { rxjsScheduler } from '../../src/clock/rxjs-scheduler.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { xstateClock } from '../../src/clock/xstate-clock.ts';

const MS = 1_000_000;

function world() {
  const clock = new VirtualClock();
  return { clock, scheduler: rxjsScheduler(clock) };
}

describe('interval', () => {
  test('ticks 10,000 times, can then be unsubscribed, and leaves nothing behind', () => {
    const { clock, scheduler } = world();
    let ticks = 0;
    const subscription = interval(5, scheduler).subscribe(() => ticks++);
    clock.runUntil(5 * 10_000 * MS);
    expect(ticks).toBe(10_000);
    expect(clock.waitingEntries).toBe(1);
    subscription.unsubscribe();
    expect(clock.waitingEntries).toBe(0);
    clock.runUntil(clock.nowNs + 100 * MS);
    expect(ticks).toBe(10_000);
  });

  test('interleaves with timeouts by due time, then by order of asking', () => {
    const { clock, scheduler } = world();
    const fired: string[] = [];
    interval(10, scheduler)
      .pipe(take(2))
      .subscribe(() => fired.push(`interval@${scheduler.now()}`));
    xstateClock(clock).setTimeout(() => fired.push(`timeout@${scheduler.now()}`), 10);
    timer(15, scheduler).subscribe(() => fired.push(`timer@${scheduler.now()}`));
    clock.runAll(100);
    expect(fired).toEqual(['interval@10', 'timeout@10', 'timer@15', 'interval@20']);
  });
});

describe('operators', () => {
  test('delay and bufferTime take their time from it', () => {
    const { clock, scheduler } = world();
    const seen: string[] = [];
    of('x')
      .pipe(delay(20, scheduler))
      .subscribe((value) => seen.push(`${value}@${scheduler.now()}`));
    interval(4, scheduler)
      .pipe(take(5), bufferTime(10, scheduler))
      .subscribe((values) => seen.push(`[${values}]@${scheduler.now()}`));
    clock.runUntil(100 * MS);
    expect(seen).toEqual(['[0,1]@10', 'x@20', '[2,3]@20', '[4]@20']);
  });

  test('an action that repeats is one finalizer of its subscriber, however often it repeats', () => {
    const { clock, scheduler } = world();
    const subscription = new Subject().pipe(bufferTime(10, scheduler)).subscribe();
    clock.runUntil(10 * 5_000 * MS);
    expect(finalizersBelow(subscription)).toBeLessThan(20);
    subscription.unsubscribe();
    expect(clock.waitingEntries).toBe(0);
  });

  test('an action that is done leaves its subscriber', () => {
    const { clock, scheduler } = world();
    const source = new Subject<number>();
    const seen: number[] = [];
    const subscription = source.pipe(observeOn(scheduler)).subscribe((value) => seen.push(value));
    for (let value = 0; value < 1_000; value++) {
      source.next(value);
      clock.runAll(10);
    }
    expect(seen).toHaveLength(1_000);
    expect(finalizersBelow(subscription)).toBeLessThan(20);
  });

  test('an error travels as it does on any scheduler', () => {
    const { clock, scheduler } = world();
    const errors: string[] = [];
    merge(
      throwError(() => new Error('no link')),
      timer(5, scheduler),
    ).subscribe({ error: (error: Error) => errors.push(error.message) });
    clock.runAll(10);
    expect(errors).toEqual(['no link']);
  });
});

describe('an action', () => {
  test('hands its state on, and rescheduling replaces what it waited for', () => {
    const { clock, scheduler } = world();
    const seen: string[] = [];
    const action = scheduler.schedule<string>(
      (state) => seen.push(`${state}@${scheduler.now()}`),
      10,
      'first',
    ) as Subscription & {
      schedule(state: string, delayMs: number): Subscription;
    };
    expect(action.schedule('second', 30)).toBe(action);
    clock.runAll(10);
    expect(seen).toEqual(['second@30']);
  });

  test('without a delay fires at the present time, not at once', () => {
    const { clock, scheduler } = world();
    let fired = 0;
    scheduler.schedule(() => fired++);
    expect(fired).toBe(0);
    clock.runUntil(0);
    expect(fired).toBe(1);
  });

  test('whose work throws ends, and the error comes out of the clock', () => {
    const { clock, scheduler } = world();
    const action = scheduler.schedule(function () {
      this.schedule(undefined, 10);
      throw new Error('of the work');
    }, 10);
    expect(() => clock.runAll(10)).toThrow('of the work');
    expect(action.closed).toBe(true);
    expect(clock.waitingEntries).toBe(0);
  });
});

test('now is in milliseconds with fractions', () => {
  const { clock, scheduler } = world();
  clock.runUntil(1_500_000);
  expect(scheduler.now()).toBe(1.5);
});

/** Counts what a subscription, and whatever hangs on it, would have to undo. */
function finalizersBelow(root: unknown): number {
  const seen = new Set<unknown>();
  const visit = (node: unknown): number => {
    if (!(node instanceof Subscription) || seen.has(node)) return 0;
    seen.add(node);
    const finalizers = (node as unknown as { _finalizers: unknown[] | null })._finalizers ?? [];
    const destination = (node as unknown as { destination?: unknown }).destination;
    return finalizers.length + [...finalizers, destination].reduce<number>((sum, next) => sum + visit(next), 0);
  };
  return visit(root);
}
