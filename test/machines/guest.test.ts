/** The source's vCPUs: orders are goals, a resume is tried three times, and what failed is neither running nor stopped. */
import { describe, expect, test } from 'vitest';
import { guest, RESUME_ATTEMPTS_MAX } from '../../machines/guest.ts';
import { type Given, given } from './given.ts';

const SAC = 'stop-and-copy';
const BACK = 'roll-back';
const STOP = { type: 'STOP', from: SAC };
const RESUME = { type: 'RESUME', from: BACK };
const STOPPED = { type: 'DONE.stopVcpus' };
const NOT_STOPPED = { type: 'FAILED.stopVcpus', errno: 'EIO' };
const RESUMED = { type: 'DONE.resumeVcpus' };
const NOT_RESUMED = { type: 'FAILED.resumeVcpus', errno: 'EAGAIN' };
const throttle = (percent: number) => ({ type: 'THROTTLE', percent, from: 'migration' });

const reached = (to: string, asked: string, state: string, errno?: string) => ({
  to,
  type: 'GUEST_REACHED',
  asked,
  state,
  errno,
});
const stopVcpus = { command: 'stopVcpus' } as const;
const resumeVcpus = { command: 'resumeVcpus' } as const;

const running = given(guest);
const stopping = running.when(STOP);
const stopped = stopping.when(STOPPED);
const resuming = stopped.when(RESUME);
const uncertain = stopping.when(NOT_STOPPED);

describe('a guest', () => {
  test('runs unthrottled at the start', () => {
    running.then({ state: { running: 'free' } });
  });

  test('is stopped, and says so to who asked', () => {
    stopping.then({ state: 'stopping', commanded: [stopVcpus] });
    stopped.then({ state: 'stopped', told: [reached(SAC, 'stopped', 'stopped')] });
  });

  test('is resumed, and says so to who asked', () => {
    resuming.then({ state: 'resuming', commanded: [resumeVcpus] });
    resuming.when(RESUMED).then({ state: { running: 'free' }, told: [reached(BACK, 'running', 'running')] });
  });

  test('already there: the answer says it and nothing is commanded', () => {
    running.when(RESUME).then({ state: { running: 'free' }, told: [reached(BACK, 'running', 'running')] });
    stopped.when({ ...STOP, from: BACK }).then({ state: 'stopped', told: [reached(BACK, 'stopped', 'stopped')] });
  });

  test('is in doubt when it could not be stopped', () => {
    uncertain.then({ state: 'uncertain', told: [reached(SAC, 'stopped', 'unknown', 'EIO')] });
    uncertain.when(STOP).then({ state: 'stopping', commanded: [stopVcpus] });
    uncertain.when(RESUME).then({ state: 'resuming', commanded: [resumeVcpus] });
  });

  test('an errno of an earlier order is not that of the next', () => {
    uncertain.when(RESUME, RESUMED).then({
      state: { running: 'free' },
      commanded: [resumeVcpus],
      told: [reached(BACK, 'running', 'running')],
    });
  });
});

describe('a resume', () => {
  test('is tried three times', () => {
    expect(RESUME_ATTEMPTS_MAX).toBe(3);
    const second = resuming.when(NOT_RESUMED).then({ state: 'resuming', commanded: [resumeVcpus] });
    const third = second.when(NOT_RESUMED).then({ state: 'resuming', commanded: [resumeVcpus] });
    third.when(NOT_RESUMED).then({ state: 'uncertain', told: [reached(BACK, 'running', 'unknown', 'EAGAIN')] });
    third.when(RESUMED).then({ state: { running: 'free' }, told: [reached(BACK, 'running', 'running')] });
  });

  const attempts = (from: Given) => {
    let now = from;
    let tried = 1;
    while (now.snapshot.value === 'resuming') {
      now = now.when(NOT_RESUMED);
      tried += now.commanded.length;
    }
    return tried;
  };
  test('each new order has all its attempts', () => {
    expect(attempts(resuming)).toBe(3);
    const givenUp = resuming.when(NOT_RESUMED, NOT_RESUMED, NOT_RESUMED);
    expect(attempts(givenUp.when(RESUME))).toBe(3);
    const stoppedAgain = resuming.when(NOT_RESUMED, STOP, NOT_RESUMED, STOPPED).then({
      state: 'stopped',
      commanded: [resumeVcpus, stopVcpus],
      told: [reached(SAC, 'stopped', 'stopped')],
    });
    expect(attempts(stoppedAgain.when(RESUME))).toBe(3);
  });
});

describe('the latest order wins', () => {
  test('RESUME while a stop is under way', () => {
    const waits = stopping.when(RESUME).then({ state: 'stopping' });
    waits.when(STOPPED).then({ state: 'resuming', commanded: [resumeVcpus] });
    waits.when(NOT_STOPPED).then({ state: 'resuming', commanded: [resumeVcpus] });
    waits.when(STOPPED, RESUMED).then({
      state: { running: 'free' },
      commanded: [resumeVcpus],
      told: [reached(BACK, 'running', 'running')],
    });
  });

  test('STOP while a resume is under way', () => {
    const waits = resuming.when(STOP).then({ state: 'resuming' });
    waits.when(RESUMED).then({ state: 'stopping', commanded: [stopVcpus] });
    waits.when(NOT_RESUMED).then({ state: 'stopping', commanded: [stopVcpus] });
  });

  test('STOP, RESUME, STOP: stopped once, answered once', () => {
    stopping.when(RESUME, STOP, STOPPED).then({ state: 'stopped', told: [reached(SAC, 'stopped', 'stopped')] });
  });

  test('the same order from another is answered to the latest', () => {
    stopping
      .when({ ...STOP, from: BACK }, STOPPED)
      .then({ state: 'stopped', told: [reached(BACK, 'stopped', 'stopped')] });
    resuming.when({ ...RESUME, from: SAC }, RESUMED).then({
      state: { running: 'free' },
      told: [reached(SAC, 'running', 'running')],
    });
  });
});

describe('a throttle', () => {
  test('is set, and set anew', () => {
    const slow = running.when(throttle(20)).then({
      state: { running: 'throttled' },
      commanded: [{ command: 'throttleVcpus', percent: 20 }],
    });
    slow.when({ type: 'DONE.throttleVcpus' }, throttle(30)).then({
      state: { running: 'throttled' },
      commanded: [{ command: 'throttleVcpus', percent: 30 }],
    });
  });

  test('that fails leaves the guest running', () => {
    running
      .when(throttle(20))
      .when({ type: 'FAILED.throttleVcpus', errno: 'EIO' })
      .then({
        state: { running: 'free' },
        facts: [{ type: 'WARNED', of: 'throttleVcpus', errno: 'EIO' }],
      });
  });

  test('is taken away by 0', () => {
    const slow = running.when(throttle(20)).when({ type: 'DONE.throttleVcpus' });
    slow
      .when(throttle(0))
      .then({ state: { running: 'throttled' }, commanded: [{ command: 'throttleVcpus', percent: 0 }] })
      .when({ type: 'DONE.throttleVcpus' })
      .then({ state: { running: 'free' } });
  });

  test('that is taken away while the guest stands still is taken away at once, one that failed too', () => {
    const slow = running.when(throttle(20));
    const failed = slow.when(throttle(30), { type: 'FAILED.throttleVcpus', errno: 'EIO' });
    const RESUMED = [STOP, STOPPED, { type: 'RESUME', from: 'roll-back' }] as const;
    for (const one of [slow, failed]) {
      const released = one.when(...RESUMED).when(throttle(0));
      expect(released.snapshot.value).toBe('resuming');
      expect(released.commanded).toEqual([{ command: 'throttleVcpus', percent: 0 }]);
      // Told once: nothing is left for when it runs.
      const again = released.when({ type: 'DONE.throttleVcpus' }).when({ type: 'DONE.resumeVcpus' });
      expect(again.snapshot.value).toEqual({ running: 'free' });
      released.when({ type: 'FAILED.throttleVcpus', errno: 'EIO' }).then({
        state: 'resuming',
        facts: [{ type: 'WARNED', of: 'throttleVcpus', errno: 'EIO' }],
      });
    }
    const never = running.when(...RESUMED).when({ type: 'DONE.resumeVcpus' });
    expect(never.snapshot.value).toEqual({ running: 'free' });
  });

  test('of a guest that is not running commands nothing', () => {
    for (const state of [stopping, stopped, resuming, uncertain]) {
      state.when(throttle(99)).then({ state: state.snapshot.value });
    }
  });

  test.each(['DONE', 'FAILED'])('%s after the guest was told to stop is taken and changes nothing', (answer) => {
    const late = { type: `${answer}.throttleVcpus`, errno: 'EIO' };
    const slowStopping = running.when(throttle(20), STOP);
    slowStopping.when(late).then({ state: 'stopping' });
    slowStopping.when(STOPPED).when(late).then({ state: 'stopped' });
  });
});
