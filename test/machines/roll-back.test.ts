/**
 * The one way back: sending ends, the destination is given up, the storage is had again, the devices run, the logs are off, and only then
 * the vCPUs run (QEMU hw/vfio/migration.c: the notifier sets RUNNING for every device before the VM is started; kernel order PRE_COPY to
 * RUNNING for a cancel in pre-copy, all to RUNNING_P2P first after a stop). A source without its storage stays stopped.
 */
import { describe, expect, test } from 'vitest';
import { REACQUIRE_ATTEMPTS_MAX, type RollBackInput, rollBack } from '../../machines/roll-back.ts';
import { type Given, given } from './given.ts';

const device = (id: string, p2p = true) => ({ id, address: `device/${id}`, p2p });
const A = 'nic0';
const B = 'nic1';
const begin = (sending: RollBackInput['sending'], devices: RollBackInput['devices'] = [device(A), device(B)]) =>
  given(rollBack, { sending, switching: sending === 'stop-and-copy', devices });

const halted = (from: string) => ({ type: 'SENDING_HALTED', from });
const GONE = { type: 'DESTINATION_REACHED', from: 'destination', asked: 'gone', state: 'gone' };
const ACQUIRED = { type: 'DONE.acquireStorage' };
const NOT_ACQUIRED = { type: 'FAILED.acquireStorage', errno: 'EBUSY' };
const reached = (id: string, asked: string, state = asked, errno?: string) => ({
  type: 'DEVICE_REACHED',
  from: `device/${id}`,
  device: id,
  asked,
  state,
  errno,
});
const both = (asked: string) => [reached(A, asked), reached(B, asked)];
const LOG_OFF = { type: 'DIRTY_LOG_REACHED', from: 'dirty-log', asked: 'off', state: 'off' };
const guestIs = (state: string, errno?: string) => ({
  type: 'GUEST_REACHED',
  from: 'guest',
  asked: 'running',
  state,
  errno,
});

const halt = (to: string) => ({ to, type: 'HALT' });
const abandon = { to: 'destination', type: 'ABANDON' };
const acquire = { command: 'acquireStorage', host: 'source' } as const;
const orders = (target: string, ...ids: string[]) =>
  ids.map((id) => ({ to: `device/${id}`, type: 'SET_STATE', target }));
const stopLog = { to: 'dirty-log', type: 'STOP' };
const resume = { to: 'guest', type: 'RESUME' };
const over = (guest: 'running' | 'stopped', because = '') => ({ to: 'migration', type: 'ROLLED_BACK', guest, because });

describe('nothing has been sent', () => {
  test('the destination is given up, the devices run, the log is off', () => {
    const start = begin('nobody').then({ state: 'abandoningDestination', told: [abandon] });
    const returning = start.when(GONE).then({ state: 'returningDevices', told: orders('RUNNING', A, B) });
    returning.when(reached(B, 'RUNNING')).then({ state: 'returningDevices' });
    const stopping = returning.when(...both('RUNNING')).then({ state: 'stoppingLog', told: [stopLog] });
    stopping.when(LOG_OFF).then({ state: 'done', told: [over('running')] });
  });
});

describe('out of pre-copy', () => {
  test('sending ends first; storage and vCPUs have never been given up', () => {
    const start = begin('pre-copy').then({ state: 'haltingPreCopy', told: [halt('pre-copy')] });
    start.when(halted('pre-copy')).then({ state: 'abandoningDestination', told: [abandon] });
    const whole = start.when(halted('pre-copy'), GONE, ...both('RUNNING')).when(LOG_OFF);
    whole.then({ state: 'done', told: [over('running')] });
  });

  test('devices go to RUNNING directly, P2P or not', () => {
    const returning = begin('pre-copy', [device(A), device(B, false)])
      .when(halted('pre-copy'))
      .when(GONE);
    returning.then({ state: 'returningDevices', told: orders('RUNNING', A, B) });
  });
});

const start = begin('stop-and-copy');
const abandoning = start.when(halted('stop-and-copy'));
const reacquiring = abandoning.when(GONE);
const quieting = reacquiring.when(ACQUIRED);
const returning = quieting.when(...both('RUNNING_P2P'));
const stoppingLog = returning.when(...both('RUNNING'));
const resuming = stoppingLog.when(LOG_OFF);

describe('out of the switchover', () => {
  test('in this order', () => {
    start.then({ state: 'haltingStopAndCopy', told: [halt('stop-and-copy')] });
    abandoning.then({ state: 'abandoningDestination', told: [abandon] });
    reacquiring.then({ state: 'reacquiringStorage', commanded: [acquire] });
    quieting.then({ state: 'quietingDevices', told: orders('RUNNING_P2P', A, B) });
    returning.then({ state: 'returningDevices', told: orders('RUNNING', A, B) });
    stoppingLog.then({ state: 'stoppingLog', told: [stopLog] });
    resuming.then({ state: 'resumingGuest', told: [resume] });
    resuming.when(guestIs('running')).then({ state: 'done', told: [over('running')] });
  });

  test('no device may write to another before all answer each other', () => {
    quieting.when(reached(A, 'RUNNING_P2P'), reached(A, 'RUNNING_P2P')).then({ state: 'quietingDevices' });
  });

  test('the guest is not resumed before all devices run', () => {
    returning.when(reached(A, 'RUNNING')).then({ state: 'returningDevices' });
  });

  test('devices without P2P are ordered to run with the others', () => {
    const mixed = begin('stop-and-copy', [device(A, false), device(B)])
      .when(halted('stop-and-copy'), GONE)
      .when(ACQUIRED);
    mixed.then({ state: 'quietingDevices', told: orders('RUNNING_P2P', B) });
    mixed.when(reached(B, 'RUNNING_P2P')).then({ state: 'returningDevices', told: orders('RUNNING', A, B) });
    const none = begin('stop-and-copy', [device(A, false)])
      .when(halted('stop-and-copy'), GONE)
      .when(ACQUIRED);
    none.then({ state: 'returningDevices', told: orders('RUNNING', A) });
  });

  test('without devices goes on to the log', () => {
    begin('stop-and-copy', [])
      .when(halted('stop-and-copy'), GONE)
      .when(ACQUIRED)
      .then({
        state: 'stoppingLog',
        told: [stopLog],
      });
  });
});

describe('the storage', () => {
  test('is tried three times; without it the source stays stopped and nothing of it runs', () => {
    expect(REACQUIRE_ATTEMPTS_MAX).toBe(3);
    const second = reacquiring.when(NOT_ACQUIRED).then({ state: 'reacquiringStorage', commanded: [acquire] });
    const third = second.when(NOT_ACQUIRED).then({ state: 'reacquiringStorage', commanded: [acquire] });
    third.when(NOT_ACQUIRED).then({
      state: 'stuck',
      told: [over('stopped', 'the source could not acquire its storage again (EBUSY)')],
    });
    third.when(ACQUIRED).then({ state: 'quietingDevices', told: orders('RUNNING_P2P', A, B) });
  });
});

describe('a device', () => {
  test.each(['STOP', 'ERROR', 'unknown'])('that is not quiet but %s is left to the order to run', (state) => {
    quieting.when(reached(A, 'RUNNING_P2P'), reached(B, 'RUNNING_P2P', state, 'EIO')).then({
      state: 'returningDevices',
      told: orders('RUNNING', A, B),
    });
  });

  test.each(['ERROR', 'unknown', 'STOP'])('that does not run but is %s is passed over with a warning', (state) => {
    returning.when(reached(A, 'RUNNING', state, 'ENODEV')).then({
      state: 'returningDevices',
      facts: [{ type: 'WARNED', of: `device nic0 is ${state}`, errno: 'ENODEV' }],
    });
    returning
      .when(reached(A, 'RUNNING', state, 'ENODEV'))
      .when(reached(B, 'RUNNING'))
      .then({
        state: 'stoppingLog',
        told: [stopLog],
      });
  });

  test('answers to orders of before do not count', () => {
    quieting
      .when(reached(A, 'STOP_COPY'), reached(B, 'PRE_COPY_P2P', 'ERROR', 'EIO'))
      .then({ state: 'quietingDevices' });
    returning.when(...both('RUNNING_P2P'), reached(A, 'STOP_COPY', 'ERROR', 'EIO')).then({ state: 'returningDevices' });
  });
});

describe('the guest', () => {
  test.each([
    ['unknown', 'EIO'],
    ['stopped', 'ETIMEDOUT'],
  ])('is %s: the source stays stopped', (state, errno) => {
    resuming.when(guestIs(state, errno)).then({
      state: 'stuck',
      told: [over('stopped', `the vCPUs of the source could not be resumed (${errno})`)],
    });
  });

  test('an answer to the stop of before does not count', () => {
    resuming.when({ ...guestIs('stopped'), asked: 'stopped' }).then({ state: 'resumingGuest' });
  });
});

describe('answers that nobody waits for', () => {
  const states: Readonly<Record<string, Given>> = {
    start,
    abandoning,
    reacquiring,
    quieting,
    returning,
    stoppingLog,
    resuming,
  };
  const late = [
    reached(A, 'PRE_COPY'),
    reached(A, 'STOP_COPY', 'ERROR', 'EIO'),
    { ...guestIs('stopped'), asked: 'stopped' },
    { type: 'DIRTY_LOG_REACHED', from: 'dirty-log', asked: 'on', state: 'on' },
    { type: 'DESTINATION_REACHED', from: 'destination', asked: 'loaded', state: 'failed', errno: 'EIO' },
  ];
  test.each(Object.entries(states))('are taken and change nothing: %s', (_, state) => {
    state.when(...late).then({ state: state.snapshot.value });
  });

  test('a destination that fails by itself is still waited for until it is gone', () => {
    abandoning.when(late.at(-1) as { type: string }).then({ state: 'abandoningDestination' });
  });
});
