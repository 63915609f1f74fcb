import { describe, expect, test } from 'vitest';
import { type ActorOptions, type AnyActorLogic, createActor, createMachine, SimulatedClock } from 'xstate';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { xstateClock } from '../../src/clock/xstate-clock.ts';

const MS = 1_000_000;

/** Two delays of 10 ms, one after the other. */
const chain = createMachine({
  initial: 'one',
  states: { one: { after: { 10: 'two' } }, two: { after: { 10: 'three' } }, three: {} },
});

describe('a chain of two 10 ms delays', () => {
  test('fires at 10 and at 20 ms', () => {
    const clock = new VirtualClock();
    const entered: string[] = [];
    // The types say that it has the shape that XState asks for.
    const face: NonNullable<ActorOptions<AnyActorLogic>['clock']> = xstateClock(clock);
    const actor = createActor(chain, { clock: face });
    actor.subscribe((snapshot) => entered.push(`${snapshot.value}@${clock.nowNs / MS}`));
    actor.start();
    clock.runUntil(100 * MS);
    expect(entered).toEqual(['one@0', 'two@10', 'three@20']);
  });

  test('is not done after 100 ms of the clock that XState brings, which is why it is not used', () => {
    const clock = new SimulatedClock();
    const actor = createActor(chain, { clock }).start();
    clock.set(100);
    expect(actor.getSnapshot().value).toBe('two');
  });
});

test('leaving a state takes its delay back', () => {
  const machine = createMachine({
    initial: 'waiting',
    states: { waiting: { after: { 10: 'late' }, on: { GO: 'gone' } }, late: {}, gone: {} },
  });
  const clock = new VirtualClock();
  const actor = createActor(machine, { clock: xstateClock(clock) }).start();
  clock.runUntil(5 * MS);
  expect(clock.waitingEntries).toBe(1);
  actor.send({ type: 'GO' });
  expect(clock.waitingEntries).toBe(0);
  clock.runUntil(100 * MS);
  expect(actor.getSnapshot().value).toBe('gone');
});

test('fractions of a millisecond are whole nanoseconds, less than nothing is now, and no handle clears nothing', () => {
  const clock = new VirtualClock();
  const face = xstateClock(clock);
  expect(face.setTimeout(() => {}, 0.1).dueNs).toBe(100_000);
  expect(face.setTimeout(() => {}, 1 / 3).dueNs).toBe(333_333);
  expect(face.setTimeout(() => {}, -5).dueNs).toBe(0);
  face.clearTimeout(undefined);
  expect(clock.waitingEntries).toBe(3);
});
