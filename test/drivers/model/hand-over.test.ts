/** A whole migration by hand: nothing is lost when every log watches, and something is as soon as one does not. */
import { describe, expect, test } from 'vitest';
import { LOOPS } from '../../../machines/loops.ts';
import type { ModelSpec } from '../../../src/drivers/model/spec.ts';
import { guest, Hand, MIB, MS, withDevices } from './hand.ts';

const LOAD_INITIAL_NS = 80 * MS;
const LOAD_NS = 7 * MS;

function busyGuest(changes: Partial<ModelSpec> = {}): ModelSpec {
  const spec = guest(4000, {
    nonZeroPages: 2500,
    vcpus: {
      workloads: [
        { kind: 'random', vcpus: '0-1', set: [{ firstPage: 0, pages: 700 }], rate: { writesPerSecond: 20_000 } },
        { kind: 'cycle', vcpus: '2', set: [{ firstPage: 3000, pages: 500 }], rate: { bytesPerSecond: 20 * MIB } },
      ],
    },
    link: { bytesPerSecond: 50e6, latencyNs: MS },
    hosts: { source: { stopVcpusNs: 2 * MS }, destination: { startNs: 3 * MS } },
    storage: { releaseNs: 4 * MS, acquireNs: 5 * MS },
    ...changes,
  });
  const device = {
    id: 'nic0',
    features: 7,
    initialBytes: MIB,
    stopCopyBytes: 2 * MIB + 5,
    dirtyBytesPerSecond: MIB,
    times: { p2pNs: MS, stopNs: MS, stopCopyNs: MS },
    loadInitialNs: LOAD_INITIAL_NS,
    loadNs: LOAD_NS,
  } as const;
  return withDevices(spec, [device], 100e6);
}

const RANGES = [{ firstPage: 0, pages: 4000 }];

function collect(hand: Hand, final: boolean) {
  hand.do('getDirtyLog', {});
  hand.do('reportDirty', { tracker: 'device', of: ['nic0'] }, 'tracking/0');
  return hand.do('syncBitmap', { final, everything: false });
}

/** Up to the stop: three passes, with the device in pre-copy if its release has that. */
function preCopy(hand: Hand, precopies: boolean): void {
  hand.do('prepareDestination', {});
  hand.do('setDeviceState', { target: 'RESUMING' }, 'device/destination/nic0');
  hand.do('startTracking', { tracker: 'device', of: 'nic0', ranges: RANGES }, 'tracking/0');
  hand.do('startDirtyLog', {});
  collect(hand, false);
  if (precopies) hand.setDevice('nic0', 'PRE_COPY');
  for (let round = 1; round <= 3; round++) {
    hand.round(round, 30);
    hand.driver.world.write('host:vhost', [{ firstPage: 3900, pages: round }]);
    collect(hand, false);
  }
}

/** From the stop to the hand-over. */
function switchOver(hand: Hand): void {
  hand.do('stopVcpus', {});
  hand.setDevice('nic0', 'STOP_COPY');
  collect(hand, true);
  hand.do('sendRemaining', { dirtySet: hand.dirtySet });
  hand.do('sendDeviceState', { device: 'nic0' });
  hand.do('loadDestination', {});
  hand.do('setDeviceState', { target: 'STOP' }, 'device/destination/nic0');
  hand.do('releaseStorage', {});
  hand.do('acquireStorage', { host: 'destination' });
  hand.do('setDeviceState', { target: 'RUNNING' }, 'device/destination/nic0');
}

describe('with every log watching', () => {
  test.each(LOOPS)('%s: nothing is lost, and one guest runs', (loop) => {
    const hand = new Hand(busyGuest({ loop }));
    preCopy(hand, loop !== 'qemu-7.2' && loop !== 'qemu-8.0');
    expect(hand.driver.inspect()).toMatchObject({
      storage: 'source',
      sourceRuns: true,
      dead: [],
      destinationRuns: false,
      lost: undefined,
    });
    switchOver(hand);
    expect(hand.do('startDestination', {})).toEqual({
      type: 'DONE.startDestination',
      lostPages: 0,
      firstLostPages: [],
    });
    expect(hand.driver.inspect()).toEqual({
      storage: 'destination',
      sourceRuns: false,
      dead: [],
      destinationRuns: true,
      destination: 'running',
      devices: { source: { nic0: 'STOP_COPY' }, destination: { nic0: 'RUNNING' } },
      lost: { count: 0, firstPages: [] },
    });
  });
});

describe('with one of them blind', () => {
  test.each([
    ['kvm-log', 0, 3499],
    ['dma-log/nic0', 1000, 1063],
    ['host-log', 3900, 3902],
  ])('%s: pages are lost, and they are its own', (watcher, first, last) => {
    const hand = new Hand(busyGuest());
    hand.driver.subscriptions.get(watcher)?.unsubscribe();
    preCopy(hand, true);
    switchOver(hand);
    const { lostPages, firstLostPages } = hand.do('startDestination', {});
    expect(lostPages).toBeGreaterThan(0);
    for (const page of firstLostPages ?? []) {
      expect(page).toBeGreaterThanOrEqual(first);
      expect(page).toBeLessThanOrEqual(last);
    }
    expect(hand.driver.inspect().lost?.count).toBe(lostPages);
  });
});

test('a device that still runs at the last collect loses writes', () => {
  const hand = new Hand(busyGuest());
  preCopy(hand, true);
  hand.do('stopVcpus', {});
  collect(hand, true);
  hand.do('sendRemaining', { dirtySet: hand.dirtySet });
  hand.setDevice('nic0', 'STOP_COPY');
  hand.do('sendDeviceState', { device: 'nic0' });
  hand.do('loadDestination', {});
  hand.do('releaseStorage', {});
  hand.do('acquireStorage', { host: 'destination' });
  expect(hand.do('startDestination', {}).lostPages).toBeGreaterThan(0);
});

describe('the destination', () => {
  test('does not run without the storage, nor before it has loaded', () => {
    const hand = new Hand(busyGuest());
    hand.do('prepareDestination', {});
    expect(hand.ask('startDestination', {})).toEqual({ type: 'FAILED.startDestination', errno: 'EINVAL' });
    hand.do('loadDestination', {});
    expect(hand.ask('startDestination', {})).toEqual({ type: 'FAILED.startDestination', errno: 'EPERM' });
    expect(hand.ask('acquireStorage', { host: 'destination' })).toEqual({
      type: 'FAILED.acquireStorage',
      errno: 'EBUSY',
    });
    expect(hand.driver.inspect()).toMatchObject({ destinationRuns: false, storage: 'source' });
  });

  test('loads as long as its slowest device, and allocates early what came early', () => {
    const loadsFor = (precopies: boolean) => {
      const hand = new Hand(busyGuest());
      preCopy(hand, precopies);
      hand.do('stopVcpus', {});
      hand.setDevice('nic0', 'STOP_COPY');
      collect(hand, true);
      hand.do('sendRemaining', { dirtySet: hand.dirtySet });
      hand.do('sendDeviceState', { device: 'nic0' });
      const beganNs = hand.clock.nowNs;
      hand.do('loadDestination', {});
      return hand.clock.nowNs - beganNs;
    };
    expect(loadsFor(true)).toBe(LOAD_NS + 2 * MS);
    // The first MiB of the image arrives before the last one does: allocation has begun a little before.
    expect(loadsFor(false)).toBeGreaterThan(LOAD_INITIAL_NS / 2 + LOAD_NS);
    expect(loadsFor(false)).toBeLessThanOrEqual(LOAD_INITIAL_NS + LOAD_NS + 2 * MS);
  });

  test('proves an image: one that is not whole does not leave RESUMING', () => {
    const hand = new Hand(busyGuest());
    preCopy(hand, true);
    hand.do('loadDestination', {});
    expect(hand.ask('setDeviceState', { target: 'STOP' }, 'device/destination/nic0')).toEqual({
      type: 'FAILED.setDeviceState',
      errno: 'EIO',
    });
  });

  test('that is ended lets its storage go, its devices die, and nothing brings it back', () => {
    const hand = new Hand(busyGuest());
    preCopy(hand, true);
    switchOver(hand);
    hand.do('quitDestination', {});
    hand.do('quitDestination', {});
    expect(hand.driver.inspect()).toMatchObject({
      storage: 'nobody',
      destination: 'gone',
      devices: { destination: { nic0: 'gone' } },
    });
    for (const name of ['prepareDestination', 'loadDestination', 'startDestination'] as const) {
      expect(hand.ask(name, {})).toEqual({ type: `FAILED.${name}`, errno: 'ECONNRESET' });
    }
    expect(hand.ask('acquireStorage', { host: 'destination' })).toMatchObject({ errno: 'ECONNRESET' });
    expect(hand.ask('getDeviceState', {}, 'device/destination/nic0')).toMatchObject({ errno: 'ENODEV' });
    expect(hand.ask('sendRemaining', { dirtySet: hand.dirtySet })).toMatchObject({ errno: 'ECONNRESET' });
  });
});

describe('the source', () => {
  test('runs again after a roll-back, but not while another holds its storage', () => {
    const hand = new Hand(busyGuest());
    preCopy(hand, true);
    switchOver(hand);
    expect(hand.ask('resumeVcpus', {})).toEqual({ type: 'FAILED.resumeVcpus', errno: 'EPERM' });
    expect(hand.ask('acquireStorage', { host: 'source' })).toMatchObject({ errno: 'EBUSY' });
    hand.do('quitDestination', {});
    hand.do('acquireStorage', { host: 'source' });
    hand.setDevice('nic0', 'RUNNING');
    hand.do('resumeVcpus', {});
    expect(hand.driver.inspect()).toMatchObject({ storage: 'source', sourceRuns: true, destinationRuns: false });
  });

  test('stops and is throttled when the answer says so', () => {
    const hand = new Hand(busyGuest());
    hand.give('stopVcpus', {});
    hand.clock.runUntil(MS);
    expect(hand.driver.inspect().sourceRuns).toBe(true);
    hand.clock.runUntil(2 * MS);
    expect(hand.driver.inspect().sourceRuns).toBe(false);
    hand.do('throttleVcpus', { percent: 40 });
    expect(hand.driver.world.vcpus.throttlePercent).toBe(40);
    expect(hand.ask('throttleVcpus', { percent: 100 })).toMatchObject({ errno: 'EINVAL' });
  });
});
