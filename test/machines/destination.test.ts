/**
 * The incoming side: devices to RESUMING before anything arrives, out of it by STOP where the kernel validates the image, the storage,
 * all devices to RUNNING_P2P before the first to RUNNING, the vCPUs last (QEMU docs/devel/migration/vfio.rst; uapi vfio.h). Acquiring the
 * storage is the point of no return: what fails before it is a failure, what fails after it a doubt.
 */
import { describe, expect, test } from 'vitest';
import { type DestinationInput, destination } from '../../machines/destination.ts';
import { type Given, given } from './given.ts';

const device = (id: string, p2p = true) => ({ id, address: `device/destination/${id}`, p2p });
const A = 'nic0';
const B = 'nic1';
const begin = (devices: DestinationInput['devices'] = [device(A), device(B)]) => given(destination, { devices });

const PREPARE = { type: 'PREPARE', from: 'migration' };
const LOAD = { type: 'LOAD', from: 'stop-and-copy' };
const TAKE_OVER = { type: 'TAKE_OVER', from: 'stop-and-copy' };
const ABANDON = { type: 'ABANDON', from: 'roll-back' };
const done = (command: string) => ({ type: `DONE.${command}` });
const failed = (command: string, errno = 'EIO') => ({ type: `FAILED.${command}`, errno });
const reached = (id: string, asked: string, state = asked, errno?: string) => ({
  type: 'DEVICE_REACHED',
  from: `device/destination/${id}`,
  device: id,
  asked,
  state,
  errno,
});
const both = (asked: string) => [reached(A, asked), reached(B, asked)];

const orders = (target: string, ...ids: string[]) =>
  ids.map((id) => ({ to: `device/destination/${id}`, type: 'SET_STATE', target }));
const command = (name: 'prepareDestination' | 'loadDestination' | 'startDestination' | 'quitDestination') => ({
  command: name,
});
const acquire = { command: 'acquireStorage', host: 'destination' } as const;
const answer = (to: string, asked: string, state: string, more: { during?: string; errno?: string } = {}) => ({
  to,
  type: 'DESTINATION_REACHED',
  asked,
  state,
  ...more,
});

const preparing = begin().when(PREPARE);
const resuming = preparing.when(done('prepareDestination'));
const prepared = resuming.when(...both('RESUMING'));
const loading = prepared.when(LOAD);
const proving = loading.when(done('loadDestination'));
const loaded = proving.when(...both('STOP'));
const acquiring = loaded.when(TAKE_OVER);
const startingP2p = acquiring.when(done('acquireStorage'));
const startingDevices = startingP2p.when(...both('RUNNING_P2P'));
const startingVcpus = startingDevices.when(...both('RUNNING'));
const running = startingVcpus.when(done('startDestination'));

describe('the way to a running guest', () => {
  test('prepares, then all devices go to RESUMING', () => {
    begin().then({ state: 'inmigrate' });
    preparing.then({ state: { incoming: 'preparing' }, commanded: [command('prepareDestination')] });
    resuming.then({ state: { incoming: 'resumingDevices' }, told: orders('RESUMING', A, B) });
    resuming.when(reached(B, 'RESUMING')).then({ state: { incoming: 'resumingDevices' } });
    prepared.then({ state: { incoming: 'prepared' }, told: [answer('migration', 'prepared', 'prepared')] });
  });

  test('loads, then every image is proved on the way to STOP', () => {
    loading.then({ state: { incoming: 'loading' }, commanded: [command('loadDestination')] });
    proving.then({ state: { incoming: 'provingDevices' }, told: orders('STOP', A, B) });
    proving.when(reached(A, 'STOP')).then({ state: { incoming: 'provingDevices' } });
    loaded.then({ state: { incoming: 'loaded' }, told: [answer('stop-and-copy', 'loaded', 'loaded')] });
  });

  test('acquires the storage before a device runs', () => {
    acquiring.then({ state: 'acquiring', commanded: [acquire] });
    startingP2p.then({ state: { owning: 'startingP2p' }, told: orders('RUNNING_P2P', A, B) });
  });

  test('no device runs before all answer each other, no vCPU before all devices run', () => {
    startingP2p.when(reached(A, 'RUNNING_P2P')).then({ state: { owning: 'startingP2p' } });
    startingDevices.then({ state: { owning: 'startingDevices' }, told: orders('RUNNING', A, B) });
    startingDevices.when(reached(B, 'RUNNING')).then({ state: { owning: 'startingDevices' } });
    startingVcpus.then({ state: { owning: 'startingVcpus' }, commanded: [command('startDestination')] });
    running.then({ state: 'running', told: [answer('stop-and-copy', 'running', 'running')] });
  });

  test('a device without P2P is left out of the first barrier only', () => {
    const mixed = begin([device(A, false), device(B)]).when(PREPARE, done('prepareDestination'), ...both('RESUMING'));
    const owning = mixed.when(LOAD, done('loadDestination'), ...both('STOP'), TAKE_OVER).when(done('acquireStorage'));
    owning.then({ state: { owning: 'startingP2p' }, told: orders('RUNNING_P2P', B) });
    owning
      .when(reached(B, 'RUNNING_P2P'))
      .then({ state: { owning: 'startingDevices' }, told: orders('RUNNING', A, B) });
  });

  test('without devices waits for nobody', () => {
    const alone = begin([]).when(PREPARE).when(done('prepareDestination'));
    alone.then({ state: { incoming: 'prepared' }, told: [answer('migration', 'prepared', 'prepared')] });
    alone
      .when(LOAD, done('loadDestination'), TAKE_OVER)
      .when(done('acquireStorage'))
      .then({
        state: { owning: 'startingVcpus' },
        commanded: [command('startDestination')],
      });
  });
});

type Point = readonly [name: string, at: Given, event: { type: string }, to: string, during: string];
const badDevice = (id: string, asked: string, state: string) =>
  [reached(id, asked, state, 'EIO'), `device ${id} to ${asked}, resting in ${state}`] as const;
const BAD_RESUMING = badDevice(A, 'RESUMING', 'RUNNING');
/** A bad image: the kernel may leave the device in RESUMING or put it into ERROR (mlx5, hisi_acc). */
const BAD_IMAGE = badDevice(B, 'STOP', 'RESUMING');
const ERROR_IMAGE = badDevice(B, 'STOP', 'ERROR');

const BEFORE: readonly Point[] = [
  ['it cannot be prepared', preparing, failed('prepareDestination'), 'migration', 'prepareDestination'],
  ['a device does not resume', resuming, BAD_RESUMING[0], 'migration', BAD_RESUMING[1]],
  ['it cannot be loaded', loading, failed('loadDestination'), 'stop-and-copy', 'loadDestination'],
  ['an image is bad', proving, BAD_IMAGE[0], 'stop-and-copy', BAD_IMAGE[1]],
  ['an image is bad, in ERROR', proving, ERROR_IMAGE[0], 'stop-and-copy', ERROR_IMAGE[1]],
  ['the storage is not acquired', acquiring, failed('acquireStorage'), 'stop-and-copy', 'acquireStorage'],
];

describe('before the storage is acquired', () => {
  test.each(BEFORE)('%s: failed, and the source may go on', (_, at, event, to, during) => {
    const over = at.when(event).then({
      state: 'failed',
      told: [answer(to, 'loaded', 'failed', { during, errno: 'EIO' })],
    });
    over.when(ABANDON).then({ state: 'quitting', commanded: [command('quitDestination')] });
    over
      .when(reached(A, 'STOP'), reached(B, 'RESUMING', 'ERROR'), done('loadDestination'), failed('loadDestination'))
      .then({
        state: 'failed',
      });
  });

  test('a failed one that is asked to load says so again, to who asks', () => {
    resuming
      .when(BAD_RESUMING[0])
      .when(LOAD)
      .then({
        state: 'failed',
        told: [answer('stop-and-copy', 'loaded', 'failed', { during: BAD_RESUMING[1], errno: 'EIO' })],
      });
  });

  test('it is never started', () => {
    for (const [, at, event] of BEFORE) {
      expect(at.when(event).commanded).toEqual([]);
      if (event.type !== 'FAILED.acquireStorage') at.when(event).ignores(TAKE_OVER);
    }
  });

  test('one that lacks only the storage can be told again to take over, by who knows that the source is dead', () => {
    acquiring
      .when(failed('acquireStorage', 'EBUSY'))
      .when({ ...TAKE_OVER, from: 'in-doubt' })
      .then({ state: 'acquiring', commanded: [{ command: 'acquireStorage', host: 'destination' }] });
  });
});

const BAD_P2P = badDevice(A, 'RUNNING_P2P', 'STOP');
const BAD_RUNNING = badDevice(B, 'RUNNING', 'unknown');
const AFTER: readonly Point[] = [
  ['a device is not quiet', startingP2p, BAD_P2P[0], 'stop-and-copy', BAD_P2P[1]],
  ['a device does not run', startingDevices, BAD_RUNNING[0], 'stop-and-copy', BAD_RUNNING[1]],
  ['the start fails', startingVcpus, failed('startDestination', 'EIO'), 'stop-and-copy', 'startDestination'],
];

describe('after the storage is acquired', () => {
  test.each(AFTER)('%s: in doubt, and it does nothing until the doubt is settled', (_, at, event, to, during) => {
    const doubt = at.when(event).then({
      state: 'inDoubt',
      told: [answer(to, 'running', 'unknown', { during, errno: 'EIO' })],
    });
    const from = 'in-doubt';
    doubt.when({ ...ABANDON, from }).then({ state: 'quitting', commanded: [{ command: 'quitDestination' }] });
    doubt
      .when({ ...TAKE_OVER, from })
      .then({ state: 'acquiring', commanded: [{ command: 'acquireStorage', host: 'destination' }] });
  });

  test.each([
    ['acquiring', acquiring],
    ['starting P2P', startingP2p],
    ['starting devices', startingDevices],
    ['starting vCPUs', startingVcpus],
    ['running', running],
  ])('ABANDON is not taken while %s', (_, at) => {
    at.ignores(ABANDON);
  });
});

describe('given up', () => {
  const states = { inmigrate: begin(), preparing, resuming, prepared, loading, proving, loaded };
  test.each(Object.entries(states))('while %s: it is ended, and gone', (_, at) => {
    const quitting = at.when(ABANDON).then({ state: 'quitting', commanded: [command('quitDestination')] });
    const late = [
      reached(A, 'RESUMING'),
      reached(A, 'STOP', 'ERROR'),
      done('prepareDestination'),
      failed('loadDestination'),
    ];
    quitting.when(...late, LOAD).then({ state: 'quitting' });
    const gone = quitting.when(done('quitDestination'));
    gone.then({ state: 'gone', told: [answer('roll-back', 'gone', 'gone')] });
    gone.when(...late).then({ state: 'gone' });
    gone.when(ABANDON).then({ state: 'gone', told: [answer('roll-back', 'gone', 'gone')] });
  });

  test('even if its end is not answered: it owns no storage', () => {
    prepared
      .when(ABANDON)
      .when(failed('quitDestination', 'ETIMEDOUT'))
      .then({
        state: 'gone',
        told: [answer('roll-back', 'gone', 'gone', { during: 'quitDestination', errno: 'ETIMEDOUT' })],
      });
  });

  test('twice: ended once, answered to the latest', () => {
    const quitting = prepared
      .when(ABANDON)
      .when({ ...ABANDON, from: 'migration' })
      .then({ state: 'quitting' });
    quitting.when(done('quitDestination')).then({ state: 'gone', told: [answer('migration', 'gone', 'gone')] });
  });

  test('an errno of before is not that of the end', () => {
    const gone = loading.when(failed('loadDestination'), ABANDON).when(done('quitDestination'));
    expect(gone.told[0]).toEqual(answer('roll-back', 'gone', 'gone'));
  });
});

test('a late answer of a device to an order of before changes nothing', () => {
  for (const at of [prepared, loading, loaded]) at.when(reached(A, 'RUNNING')).then({ state: at.snapshot.value });
});

describe('taking over in the place of a dead source, with an answer from before the doubt still to come', () => {
  const doubtful = startingDevices.when(reached(B, 'RUNNING', 'RUNNING_P2P', 'EINVAL'));
  const again = doubtful.when({ ...TAKE_OVER, from: 'in-doubt' });
  const stale = reached(A, 'RUNNING', 'RUNNING_P2P', 'ECONNRESET');

  test('it does not matter while the storage is acquired, nor while the devices are told again', () => {
    again.then({ state: 'acquiring', commanded: [acquire] });
    again.when(stale).then({ state: 'acquiring' });
    const starting = again.when(stale, done('acquireStorage'));
    starting.then({ state: { owning: 'startingP2p' }, told: orders('RUNNING_P2P', A, B) });
    const late = starting.when(stale).then({ state: { owning: 'startingP2p' } });
    late
      .when(...both('RUNNING_P2P'))
      .when(...both('RUNNING'))
      .then({ state: { owning: 'startingVcpus' }, commanded: [command('startDestination')] });
  });
});
