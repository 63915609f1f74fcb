/**
 * Orders to one device. A failed SET may leave it in any state along the path (include/uapi/linux/vfio.h), so it is read back;
 * ERROR is left by a reset alone, which QEMU does when the goal is to run (hw/vfio/migration.c, vfio_migration_set_state with
 * recover_state ERROR). The table of resting states is over all of the kernel's states.
 */
import { describe, expect, test } from 'vitest';
import { deviceControl } from '../../machines/device-control.ts';
import { DEVICE_STATES, type DeviceState } from '../../machines/words.ts';
import { given } from './given.ts';

const SAC = 'stop-and-copy';
const BACK = 'roll-back';
const at = (state: DeviceState, mayReset = true) =>
  given(deviceControl, { device: 'nic0', mirror: 'vfio/nic0', state, mayReset });
const order = (target: DeviceState, from = SAC) => ({ type: 'SET_STATE', target, from });
const done = (state: DeviceState) => ({ type: 'DONE.setDeviceState', state });
const read = (state: DeviceState) => ({ type: 'DONE.getDeviceState', state });
const NOT_SET = { type: 'FAILED.setDeviceState', errno: 'EIO' };
const NOT_READ = { type: 'FAILED.getDeviceState', errno: 'ETIMEDOUT' };
const RESET = { type: 'DONE.resetDevice', state: 'RUNNING' };
const NOT_RESET = { type: 'FAILED.resetDevice', errno: 'ENODEV' };

const set = (target: DeviceState) => ({ command: 'setDeviceState', target }) as const;
const get = { command: 'getDeviceState' } as const;
const reset = { command: 'resetDevice' } as const;
/** What a guest that finds its device reset has to be told about. */
const lostState = (errno?: string) =>
  ({ type: 'WARNED', of: 'device nic0 was reset and lost its state', errno }) as const;
const mirror = (state: DeviceState) => ({ to: 'vfio/nic0', type: 'STATE_READ_BACK', state });
const reached = (asked: DeviceState, state: DeviceState | 'unknown', more: { errno?: string; to?: string } = {}) => ({
  to: SAC,
  type: 'DEVICE_REACHED',
  device: 'nic0',
  asked,
  state,
  ...more,
});

describe('an order', () => {
  test('is carried out, told to the mirror and answered', () => {
    const setting = at('RUNNING').when(order('PRE_COPY'));
    setting.then({ state: 'setting', commanded: [set('PRE_COPY')] });
    setting.when(done('PRE_COPY')).then({
      state: 'resting',
      told: [mirror('PRE_COPY'), reached('PRE_COPY', 'PRE_COPY')],
    });
  });

  test.each(DEVICE_STATES)('to the state it is in (%s) needs no ioctl', (state) => {
    at(state)
      .when(order(state))
      .then({ state: 'resting', told: [reached(state, state)] });
  });

  test('is answered to who asked last, with what was asked last', () => {
    at('RUNNING')
      .when(order('STOP'), done('STOP'))
      .when(order('STOP', BACK))
      .then({ state: 'resting', told: [reached('STOP', 'STOP', { to: BACK })] });
  });
});

describe('a newer order while a SET is in flight', () => {
  const setting = at('RUNNING').when(order('STOP'));

  test('waits for the ioctl', () => {
    setting.when(order('RUNNING', BACK)).then({ state: 'setting' });
  });

  test('is carried out then, and only it is answered', () => {
    const next = setting.when(order('RUNNING', BACK), done('STOP')).then({
      state: 'setting',
      told: [mirror('STOP')],
      commanded: [set('RUNNING')],
    });
    next.when(done('RUNNING')).then({
      state: 'resting',
      told: [mirror('RUNNING'), reached('RUNNING', 'RUNNING', { to: BACK })],
    });
  });

  test('that asks for what the ioctl reached needs no other', () => {
    setting.when(order('RUNNING', BACK), order('STOP', BACK), done('STOP')).then({
      state: 'resting',
      told: [mirror('STOP'), reached('STOP', 'STOP', { to: BACK })],
    });
  });

  test('gets its turn after a failure too', () => {
    const reading = setting.when(order('RUNNING', BACK), NOT_SET).then({ state: 'reading', commanded: [get] });
    const second = reading.when(read('RUNNING_P2P')).then({
      state: 'setting',
      told: [mirror('RUNNING_P2P')],
      commanded: [set('RUNNING')],
    });
    second.when(done('RUNNING')).then({
      state: 'resting',
      told: [mirror('RUNNING'), reached('RUNNING', 'RUNNING', { to: BACK })],
    });
  });

  test('may come while the state is read back', () => {
    setting.when(NOT_SET, order('RUNNING', BACK), read('RUNNING')).then({
      state: 'resting',
      commanded: [get],
      told: [mirror('RUNNING'), reached('RUNNING', 'RUNNING', { to: BACK })],
    });
  });
});

describe('a SET failed', () => {
  const failed = at('RUNNING').when(order('STOP'), NOT_SET);

  test('the state is read back before anything is said', () => {
    failed.then({ state: 'reading', commanded: [set('STOP'), get] });
  });

  test.each(DEVICE_STATES.filter((state) => state !== 'ERROR' && state !== 'STOP'))('resting in %s', (state) => {
    failed.when(read(state)).then({
      state: 'resting',
      told: [mirror(state), reached('STOP', state, { errno: 'EIO' })],
    });
  });

  test('the target was reached all the same: no failure', () => {
    failed.when(read('STOP')).then({ state: 'resting', told: [mirror('STOP'), reached('STOP', 'STOP')] });
  });

  test('in ERROR, and nobody wants it to run: it stays there, no reset', () => {
    failed.when(read('ERROR')).then({
      state: 'lost',
      told: [mirror('ERROR'), reached('STOP', 'ERROR', { errno: 'EIO' })],
    });
  });

  test('and the state cannot be read: unknown, no reset', () => {
    failed.when(NOT_READ).then({ state: 'lost', told: [reached('STOP', 'unknown', { errno: 'ETIMEDOUT' })] });
  });

  test('the next order is judged by where the device rests', () => {
    failed
      .when(read('RUNNING_P2P'))
      .when(order('RUNNING_P2P'))
      .then({
        state: 'resting',
        told: [reached('RUNNING_P2P', 'RUNNING_P2P')],
      });
  });
});

describe('a SET to RUNNING failed', () => {
  const failed = at('STOP').when(order('RUNNING', BACK), NOT_SET);

  test.each(DEVICE_STATES.filter((state) => state !== 'RUNNING'))('resting in %s: it is reset', (state) => {
    const resetting = failed.when(read(state)).then({ state: 'resetting', told: [mirror(state)], commanded: [reset] });
    resetting.when(RESET).then({
      state: 'resting',
      told: [mirror('RUNNING'), reached('RUNNING', 'RUNNING', { to: BACK })],
      facts: [lostState('EIO')],
    });
  });

  test.each(DEVICE_STATES.filter((state) => state !== 'RUNNING'))(
    'on the destination, resting in %s: never reset, which would throw away what was loaded',
    (state) => {
      const there = at('STOP', false).when(order('RUNNING', 'destination'), NOT_SET, read(state));
      const said = reached('RUNNING', state, { errno: 'EIO', to: 'destination' });
      there.then({
        state: state === 'ERROR' ? 'lost' : 'resting',
        told: [mirror(state), said],
        commanded: [set('RUNNING'), get],
      });
    },
  );

  test('on the destination, lost: an order to run resets nothing', () => {
    const lost = at('STOP', false).when(order('RUNNING', 'destination'), NOT_SET, NOT_READ);
    lost.then({
      state: 'lost',
      told: [reached('RUNNING', 'unknown', { errno: 'ETIMEDOUT', to: 'destination' })],
      commanded: [set('RUNNING'), get],
    });
    lost.when(order('RUNNING', 'destination')).then({
      state: 'lost',
      told: [reached('RUNNING', 'unknown', { errno: 'ETIMEDOUT', to: 'destination' })],
    });
  });

  test('the state cannot be read: it is reset', () => {
    failed.when(NOT_READ).then({ state: 'resetting', commanded: [reset] });
  });

  test('it runs all the same: no reset', () => {
    failed.when(read('RUNNING')).then({
      state: 'resting',
      told: [mirror('RUNNING'), reached('RUNNING', 'RUNNING', { to: BACK })],
    });
  });

  test.each([
    ['ERROR', 'ERROR'],
    ['STOP', 'unknown'],
  ] as const)('in %s and the reset failed: the device is lost, as %s', (resting, said) => {
    failed.when(read(resting), NOT_RESET).then({
      state: 'lost',
      told: [mirror(resting), reached('RUNNING', said, { errno: 'ENODEV', to: BACK })],
      commanded: [reset],
    });
  });

  test('an order that comes during the reset follows it, without the old errno', () => {
    const next = failed.when(read('ERROR'), order('STOP'), RESET).then({
      state: 'setting',
      told: [mirror('ERROR'), mirror('RUNNING')],
      commanded: [reset, set('STOP')],
      facts: [lostState('EIO')],
    });
    const [, answer] = next.when(done('STOP')).told;
    expect(answer).toEqual(reached('STOP', 'STOP'));
    expect(answer?.errno).toBeUndefined();
  });

  test('an order that comes during a reset which fails is answered by it', () => {
    failed.when(read('ERROR'), order('STOP'), NOT_RESET).then({
      state: 'lost',
      told: [mirror('ERROR'), reached('STOP', 'ERROR', { errno: 'ENODEV' })],
      commanded: [reset],
    });
  });
});

describe('a device in ERROR', () => {
  const lost = at('RUNNING').when(order('STOP'), NOT_SET, read('ERROR'));

  test.each(DEVICE_STATES.filter((state) => state !== 'RUNNING'))(
    'an order to %s is answered and not tried',
    (target) => {
      lost.when(order(target, BACK)).then({
        state: 'lost',
        told: [reached(target, 'ERROR', { errno: 'EIO', to: BACK })],
      });
    },
  );

  test('an order to run resets it', () => {
    const resetting = lost.when(order('RUNNING', BACK)).then({ state: 'resetting', commanded: [reset] });
    resetting.when(RESET).then({
      state: 'resting',
      told: [mirror('RUNNING'), reached('RUNNING', 'RUNNING', { to: BACK })],
      facts: [lostState()],
    });
  });

  test('an order to run is tried anew after each reset that failed', () => {
    const still = lost.when(order('RUNNING', BACK), NOT_RESET);
    still.then({
      state: 'lost',
      told: [reached('RUNNING', 'ERROR', { errno: 'ENODEV', to: BACK })],
      commanded: [reset],
    });
    still.when(order('RUNNING', BACK)).then({ state: 'resetting', commanded: [reset] });
  });

  test('found so at the start: only an order to run resets it', () => {
    at('ERROR')
      .when(order('RUNNING', BACK))
      .then({ state: 'resetting', commanded: [reset] });
    at('ERROR')
      .when(order('STOP'))
      .then({ state: 'lost', told: [reached('STOP', 'ERROR', { errno: 'EIO' })] });
  });

  test('a driver that says DONE and reports another state is believed about the state', () => {
    at('RUNNING')
      .when(order('STOP'), done('RUNNING_P2P'))
      .then({
        state: 'resting',
        commanded: [set('STOP')],
        told: [mirror('RUNNING_P2P'), reached('STOP', 'RUNNING_P2P')],
      });
  });
});
