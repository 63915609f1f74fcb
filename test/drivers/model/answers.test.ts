/** The driver's own promises beyond the conformance suite: halting, abandoning sends, progress, close, bad specs. */
import { describe, expect, test } from 'vitest';
import type { ModelSpec } from '../../../src/drivers/model/spec.ts';
import { guest, Hand, MIB, MS, withDevices } from './hand.ts';

const DRAINED = { rule: 'drained' } as const;
/** 10,000 pages at 10 us each: 100 ms in all, in turns of 50. */
const slowGuest = () => guest(10_000, { sender: { pageNs: 10_000 }, loop: 'textbook' });

describe('haltRound', () => {
  test('ends a pass after the turn under way, and is answered after it', () => {
    const hand = new Hand(slowGuest());
    hand.begin();
    hand.give('sendRound', { round: 1, dirtySet: 1, ends: DRAINED });
    hand.clock.runUntil(20 * MS);
    hand.do('haltRound', {});
    expect(hand.answers.slice(-2)).toEqual([
      {
        atNs: 50 * MS,
        answer: expect.objectContaining({ type: 'DONE.sendRound', sentPages: 5000, remainingPages: 5000 }),
      },
      { atNs: 50 * MS, answer: { type: 'DONE.haltRound' } },
    ]);
  });

  test('wakes a pass that sleeps to the end of its window', () => {
    const hand = new Hand(guest(10_000, { maxBandwidthBytesPerSecond: 64 * MIB }));
    hand.begin();
    hand.give('sendRound', { round: 1, dirtySet: 1, ends: DRAINED });
    hand.clock.runUntil(20 * MS);
    hand.do('haltRound', {});
    expect(hand.clock.nowNs).toBe(20 * MS);
    expect(hand.answers.at(-2)?.answer).toMatchObject({ type: 'DONE.sendRound', sentPages: 1636 });
  });

  test("ends a device's state, and with nothing to end is a success", () => {
    const spec = withDevices(guest(10, { link: { bytesPerSecond: MIB } }), [
      { id: 'a', features: 1, stopCopyBytes: 10 * MIB },
    ]);
    const hand = new Hand(spec);
    hand.do('prepareDestination', {});
    hand.do('setDeviceState', { target: 'RESUMING' }, 'device/destination/a');
    hand.setDevice('a', 'STOP_COPY');
    hand.give('sendDeviceState', { device: 'a' });
    hand.clock.runUntil(1500 * MS);
    hand.do('haltRound', {});
    expect(hand.answers.at(-2)?.answer).toEqual({ type: 'DONE.sendDeviceState', sentBytes: 2 * (MIB + 24) });
    hand.do('haltRound', {});
  });

  test('ends what waits behind a pass, too', () => {
    const hand = new Hand(slowGuest());
    hand.begin();
    hand.give('sendRound', { round: 1, dirtySet: 1, ends: DRAINED });
    hand.give('sendRemaining', { dirtySet: 1 });
    hand.give('haltRound', {});
    hand.clock.runUntil(500 * MS);
    const types = hand.answers.slice(-3).map(({ answer }) => answer.type);
    expect(types).toEqual(['DONE.sendRound', 'DONE.sendRemaining', 'DONE.haltRound']);
    expect(hand.answers.at(-2)?.answer).toMatchObject({ sentPages: 0, remainingPages: 5000 });
  });
});

describe('abandon', () => {
  test('ends a pass, so that the next one has what it left', () => {
    const hand = new Hand(slowGuest());
    hand.begin();
    const first = hand.give('sendRound', { round: 1, dirtySet: 1, ends: DRAINED });
    hand.clock.runUntil(MS);
    hand.driver.abandon(first.id);
    expect(hand.drainingRound(2)).toMatchObject({ sentPages: 5000, remainingPages: 0 });
    expect(hand.answers.filter(({ answer }) => answer.type === 'DONE.sendRound')).toHaveLength(1);
  });

  test('does not stop vCPUs from stopping; the same id again is answered when they have', () => {
    const hand = new Hand(guest(10, { hosts: { source: { stopVcpusNs: 10 * MS } } }));
    const stop = hand.give('stopVcpus', {});
    hand.driver.abandon(stop.id);
    hand.clock.runUntil(20 * MS);
    expect(hand.driver.inspect().sourceRuns).toBe(false);
    expect(hand.answers).toEqual([]);
    const answered: string[] = [];
    hand.driver.perform(stop, ({ type }) => answered.push(type));
    hand.clock.runAll(10);
    expect(answered).toEqual(['DONE.stopVcpus']);
  });
});

test('reconcile knows what was done, what is under way, and what nobody asked for', async () => {
  const hand = new Hand(guest(10, { hosts: { source: { stopVcpusNs: 10 * MS } } }));
  const done = hand.give('throttleVcpus', { percent: 10 });
  hand.clock.runUntil(MS);
  const underWay = hand.give('stopVcpus', {});
  const never = hand.command('resumeVcpus', {});
  expect(await hand.driver.reconcile([done, underWay, never])).toEqual([
    { id: done.id, found: { type: 'DONE.throttleVcpus' } },
    { id: underWay.id, found: 'unknown' },
    { id: never.id, found: 'not-done' },
  ]);
});

test('progress comes at most once in 100 ms and counts up', () => {
  const hand = new Hand(guest(30_000, { sender: { pageNs: 20_000 } }));
  hand.begin();
  const told: { nowNs: number; sentBytes: number; remainingBytes: number }[] = [];
  hand.driver.progress$.subscribe((progress) => told.push(progress));
  hand.round(1, 0);
  expect(told.length).toBeGreaterThan(3);
  for (const [i, { nowNs, sentBytes, remainingBytes }] of told.entries()) {
    expect(nowNs - (told[i - 1]?.nowNs ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(100 * MS);
    expect(sentBytes).toBeGreaterThan(told[i - 1]?.sentBytes ?? 0);
    expect(Math.floor(sentBytes / 4104)).toBe(30_000 - remainingBytes / 4096);
  }
});

test('close leaves nothing on the clock, and what comes after it is a mistake', () => {
  const hand = new Hand(slowGuest());
  hand.begin();
  hand.give('sendRound', { round: 1, dirtySet: 1, ends: DRAINED });
  hand.give('stopVcpus', {});
  hand.driver.close();
  hand.driver.close();
  expect(hand.clock.nextDueNs()).toBeUndefined();
  expect(() => hand.give('resumeVcpus', {})).toThrow(/closed/);
});

test('nothing is sent to a destination that does not listen', () => {
  const hand = new Hand(guest(10));
  hand.do('startDirtyLog', {});
  hand.sync();
  expect(hand.ask('sendRound', { round: 1, dirtySet: 1, ends: DRAINED })).toMatchObject({ errno: 'ENOTCONN' });
});

describe('a spec that contradicts itself', () => {
  const device = { id: 'a', features: 7, stopCopyBytes: 1 } as const;
  const cases: readonly [ModelSpec, RegExp][] = [
    [guest(10, { loop: 'qemu-6.0' as never }), /no loop qemu-6.0/],
    [guest(10, { devices: [device] }), /no container has device a/],
    [{ ...withDevices(guest(2000), [device]), devices: [] }, /device a of a container has no migration side/],
    [withDevices(guest(2000), [{ ...device, initialBytes: 2 }]), /do not hold/],
    [withDevices(guest(2000), [{ ...device, loadNs: -1 }]), /loadNs/],
    [withDevices(guest(2000), [{ ...device, times: { p2pNs: Number.NaN } }]), /p2pNs/],
    [guest(10, { sender: { pageNs: -1 } }), /pageNs/],
    [guest(10, { link: { bytesPerSecond: 0 } }), /rate/],
  ];
  test.each(cases)('%# is refused', (spec, message) => {
    expect(() => new Hand(spec)).toThrow(message);
  });
});
