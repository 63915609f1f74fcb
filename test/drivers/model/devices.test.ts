/** Devices on the driver's clock: SETs that overlap, DMA that follows the state, sizes, pre-copy data, the ack. */
import { describe, expect, test } from 'vitest';
import { LOOPS, type LoopName } from '../../../machines/loops.ts';
import type { Input } from '../../../src/core/record.ts';
import type { ModelDeviceSpec } from '../../../src/drivers/model/spec.ts';
import { guest, Hand, MIB, MS, withDevices } from './hand.ts';

const TIMES = { p2pNs: 10 * MS, stopNs: 2 * MS, stopCopyNs: 3 * MS, preCopyNs: MS };
const nic = (id: string, changes: Partial<ModelDeviceSpec> = {}): ModelDeviceSpec => ({
  id,
  features: 7,
  initialBytes: 4 * MIB,
  stopCopyBytes: 6 * MIB,
  times: TIMES,
  ...changes,
});
/** A buffer with its framing: hw/vfio/migration.c, be64 tag and length before, END_OF_STATE after. */
const CHUNK = MIB + 24;

function resumeDestination(hand: Hand, ...ids: string[]): void {
  for (const id of ids) hand.do('setDeviceState', { target: 'RESUMING' }, `device/destination/${id}`);
}

describe('a SET', () => {
  test('takes each step its time, and two devices walk at once', () => {
    const slow = nic('b', { times: { ...TIMES, p2pNs: 25 * MS } });
    const hand = new Hand(withDevices(guest(2000), [nic('a'), slow]));
    hand.give('setDeviceState', { target: 'STOP' }, 'device/a');
    hand.give('setDeviceState', { target: 'STOP' }, 'device/b');
    hand.clock.runUntil(11 * MS);
    expect(hand.driver.inspect().devices.source).toEqual({ a: 'RUNNING_P2P', b: 'RUNNING' });
    hand.clock.runAll(100);
    expect(hand.answers).toEqual([
      { atNs: 12 * MS, answer: { type: 'DONE.setDeviceState', state: 'STOP' } },
      { atNs: 27 * MS, answer: { type: 'DONE.setDeviceState', state: 'STOP' } },
    ]);
  });

  test('goes on when nobody waits any more; a GET and a reset say where the device is', () => {
    const hand = new Hand(withDevices(guest(2000), [nic('a', { times: { ...TIMES, resetNs: 100 * MS } })]));
    const set = hand.give('setDeviceState', { target: 'STOP_COPY' }, 'device/a');
    hand.driver.abandon(set.id);
    hand.clock.runUntil(50 * MS);
    expect(hand.do('getDeviceState', {}, 'device/a').state).toBe('STOP_COPY');
    expect(hand.do('resetDevice', {}, 'device/a').state).toBe('RUNNING');
    expect(hand.clock.nowNs).toBe(150 * MS);
    expect(hand.answers).toHaveLength(2);
  });

  test('that the chart refuses is a failure', () => {
    const hand = new Hand(withDevices(guest(2000), [nic('a', { features: 1 })]));
    expect(hand.ask('setDeviceState', { target: 'PRE_COPY' }, 'device/a')).toEqual({
      type: 'FAILED.setDeviceState',
      errno: 'EINVAL',
    });
  });

  test('is addressed to the end that its chart stands for', () => {
    const hand = new Hand(withDevices(guest(2000), [nic('a')]));
    resumeDestination(hand, 'a');
    expect(hand.driver.inspect().devices).toEqual({ source: { a: 'RUNNING' }, destination: { a: 'RESUMING' } });
    expect(() => hand.give('getDeviceState', {}, 'device/b')).toThrow(/no device b/);
  });
});

test('DMA follows the state: it runs, is quiet in P2P, and stops', () => {
  const hand = new Hand(withDevices(guest(2000), [nic('a')], 1e9));
  const { driver } = hand;
  const states: unknown[] = [];
  for (const target of ['PRE_COPY', 'PRE_COPY_P2P', 'STOP_COPY', 'STOP', 'RUNNING'] as const) {
    hand.setDevice('a', target);
    states.push(driver.world.dma('a').state);
  }
  expect(states).toEqual(['running', 'p2pQuiet', 'stopped', 'stopped', 'running']);
});

test('a device writes until it has stopped, not until it is told to', () => {
  const hand = new Hand(withDevices(guest(2000), [nic('a')], 1e9));
  const spans: number[] = [];
  hand.driver.pages$.subscribe(({ toNs }) => spans.push(toNs));
  hand.setDevice('a', 'STOP');
  hand.clock.runUntil(100 * MS);
  hand.do('getDeviceState', {}, 'device/a');
  expect(spans.at(-1)).toBe(12 * MS);
});

describe('sizes', () => {
  test('exact ones come from the device, remembered ones from the last exact ones less what was read', () => {
    const hand = new Hand(withDevices(guest(64), [nic('a', { dirtyBytesPerSecond: 1000 })]));
    expect(hand.do('queryDeviceSizes', { exact: true }).devices).toEqual({
      a: { initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 6 * MIB },
    });
    resumeDestination(hand, 'a');
    hand.begin();
    hand.setDevice('a', 'PRE_COPY');
    expect(hand.do('queryDeviceSizes', { exact: false }).devices).toEqual({
      a: { initialBytes: 4 * MIB, dirtyBytes: 0, stopCopyBytes: 6 * MIB },
    });
    hand.drainingRound(1);
    const left = 2 * MIB;
    expect(hand.do('queryDeviceSizes', { exact: false }).devices.a).toEqual({
      initialBytes: 0,
      dirtyBytes: 0,
      stopCopyBytes: left,
    });
    hand.clock.runUntil(hand.clock.nowNs + 1e9);
    const exact = hand.do('queryDeviceSizes', { exact: true }).devices.a;
    expect(exact?.dirtyBytes).toBeGreaterThanOrEqual(1000);
    expect(exact).toEqual({
      initialBytes: 0,
      dirtyBytes: exact?.dirtyBytes,
      stopCopyBytes: left + (exact?.dirtyBytes ?? 0),
    });
  });
});

describe('pre-copy data', () => {
  /** A first pass with 100 pages of RAM and one device in pre-copy, if the dialect has that. */
  function firstPass(loop: LoopName, pages: number, devices: readonly ModelDeviceSpec[]) {
    const hand = new Hand(withDevices(guest(pages, { loop, link: { bytesPerSecond: 1e9 } }), devices));
    resumeDestination(hand, ...devices.map(({ id }) => id));
    hand.begin();
    for (const { id } of devices) hand.setDevice(id, 'PRE_COPY');
    return { hand, sent: hand.round(1) };
  }

  test.each(LOOPS)('%s: goes out in buffers of 1 MiB, one a turn, if at all', (loop) => {
    const { sent } = firstPass(loop, 100, [nic('a')]);
    const never = ['qemu-7.2', 'qemu-8.0', 'xen', 'cloud-hypervisor'].includes(loop);
    expect(sent.deviceBytes).toBe(never ? 0 : 4 * CHUNK);
  });

  test('up to 8.2 it waits behind RAM and behind each other; later each has its turn', () => {
    // 36,500 pages of 4104 bytes are 150 ms of this link. The halt finds RAM's third turn, and nothing is sent after it.
    const devices = [nic('a', { initialBytes: 3 * MIB }), nic('b', { initialBytes: 3 * MIB })];
    for (const [loop, deviceBytes] of [
      ['qemu-8.2', 0],
      ['qemu-9.2', 4 * CHUNK],
    ] as const) {
      const hand = new Hand(withDevices(guest(36_500, { loop }), devices));
      resumeDestination(hand, 'a', 'b');
      hand.begin();
      hand.setDevice('a', 'PRE_COPY');
      hand.setDevice('b', 'PRE_COPY');
      hand.give('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });
      hand.clock.runUntil(hand.clock.nowNs + 120 * MS);
      hand.do('haltRound', {});
      expect(hand.answers.at(-2)?.answer, loop).toMatchObject({ type: 'DONE.sendRound', deviceBytes });
    }
  });

  test('up to 8.2 one that is not through keeps the next one waiting', () => {
    const { hand, sent } = firstPass('qemu-8.2', 100, [nic('a'), nic('b', { initialBytes: MIB })]);
    expect(sent.deviceBytes).toBe(5 * CHUNK);
    expect(hand.driver.inspect().devices.source).toEqual({ a: 'PRE_COPY', b: 'PRE_COPY' });
  });

  test('a cap holds for it, too: RAM that uses the budget up leaves nothing', () => {
    const spec = withDevices(guest(40_000, { maxBandwidthBytesPerSecond: 64 * MIB }), [nic('a')]);
    const hand = new Hand(spec);
    resumeDestination(hand, 'a');
    hand.begin();
    hand.setDevice('a', 'PRE_COPY');
    const round = hand.round(1);
    expect(round).toMatchObject({ deviceBytes: 0 });
    expect(round.remainingPages).toBeGreaterThan(0);
  });

  test('a destination that cannot take it fails the pass', () => {
    const hand = new Hand(withDevices(guest(100), [nic('a')]));
    hand.begin();
    hand.setDevice('a', 'PRE_COPY');
    expect(hand.ask('sendRound', { round: 1, dirtySet: 1, ends: { rule: 'drained' } })).toEqual({
      type: 'FAILED.sendRound',
      errno: 'EBADF',
    });
  });
});

describe("the destination's ack", () => {
  function acks(changes: Partial<ModelDeviceSpec>, switchoverAck = true) {
    const spec = guest(100, { switchoverAck, link: { bytesPerSecond: CHUNK * 1000, latencyNs: 5 * MS } });
    const hand = new Hand(withDevices(spec, [nic('a', changes)]));
    resumeDestination(hand, 'a');
    hand.begin();
    const facts: [number, Input][] = [];
    hand.driver.facts$.subscribe((fact) => facts.push([hand.clock.nowNs, fact]));
    hand.setDevice('a', 'PRE_COPY');
    const beganNs = hand.clock.nowNs;
    hand.round(1);
    hand.clock.runUntil(hand.clock.nowNs + 1e9);
    return facts.map(([atNs, fact]) => [(atNs - beganNs) / MS, fact]);
  }
  const fact = { to: 'pre-copy', by: 'driver', event: { type: 'SWITCHOVER_ACKED', device: 'a' } };

  test('comes once the initial data has been loaded: four buffers of 1 ms, RAM, 200 ms of loading, and both ways', () => {
    const [[atMs, told] = [], ...others] = acks({ loadInitialNs: 200 * MS });
    expect(told).toEqual(fact);
    expect(atMs).toBeGreaterThan(214);
    expect(atMs).toBeLessThan(215);
    expect(others).toEqual([]);
  });

  test('comes at once from a device that offers nothing early, and never unless it is asked for', () => {
    const [[atMs, told] = []] = acks({ initialBytes: 0, loadInitialNs: 200 * MS });
    expect(told).toEqual(fact);
    expect(atMs).toBeLessThan(11);
    expect(acks({}, false)).toEqual([]);
  });

  test('does not come from a destination that has ended', () => {
    const hand = new Hand(withDevices(guest(100, { switchoverAck: true }), [nic('a', { loadInitialNs: 200 * MS })]));
    resumeDestination(hand, 'a');
    hand.begin();
    hand.setDevice('a', 'PRE_COPY');
    let told = 0;
    hand.driver.facts$.subscribe(() => told++);
    hand.round(1);
    hand.do('quitDestination', {});
    hand.clock.runUntil(1e9);
    expect(told).toBe(0);
  });
});
