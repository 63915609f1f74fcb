/** What happens in the world by itself: what it does to the model, and how a whole run ends in which it happened. */
import { describe, expect, test } from 'vitest';
import type { CommandName } from '../../../machines/words.ts';
import type { WorldEvent } from '../../../src/drivers/mishaps.ts';
import type { ModelDeviceSpec } from '../../../src/drivers/model/spec.ts';
import { TCP_GIVES_UP_NS } from '../../../src/hardware/link.ts';
import { nic0, nic1, smallInput } from '../../lab/small-scenario.ts';
import { illegalities } from '../../simulation/illegal-end.ts';
import { type FaultInput, runFaulty } from '../../simulation/run-faulty.ts';
import { guest, Hand, MIB, MS, withDevices } from './hand.ts';

const NIC: ModelDeviceSpec = { id: 'nic0', features: 7, initialBytes: MIB, stopCopyBytes: 3 * MIB };
const RANGES = [{ firstPage: 0, pages: 40_000 }];

/** A guest of 40,000 pages whose first round takes 164 ms over 1 GB/s, with a NIC in pre-copy that logs its DMA. */
function begun(changes: Parameters<typeof guest>[1] = {}) {
  const hand = new Hand(withDevices(guest(40_000, changes), [NIC], 10 * MIB));
  hand.begin();
  hand.do('startTracking', { tracker: 'device', of: 'nic0', ranges: RANGES }, 'tracking/0');
  hand.setDevice('nic0', 'PRE_COPY');
  hand.do('setDeviceState', { target: 'RESUMING' }, 'device/destination/nic0');
  const happen = (event: WorldEvent) => hand.driver.mishaps.happen(event);
  const at = (ns: number, event: WorldEvent) => hand.clock.at(ns, () => happen(event));
  return { hand, happen, at };
}

const round = (hand: Hand) => hand.ask('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });

describe('guest-reset', () => {
  test('in pre-copy: RUNNING, the stream is dead, and the log of its DMA goes on', () => {
    const { hand, happen } = begun();
    const told: unknown[] = [];
    hand.driver.facts$.subscribe((input) => told.push(input));
    happen({ happens: 'guest-reset', device: 'nic0' });
    expect(hand.driver.inspect().devices.source.nic0).toBe('RUNNING');
    expect(told).toEqual([{ to: 'vfio/nic0', by: 'driver', event: { type: 'RESET' } }]);
    expect(round(hand)).toEqual({ type: 'FAILED.sendRound', errno: 'ENODEV' });
    const report = hand.do('reportDirty', { tracker: 'device', of: ['nic0'] }, 'tracking/0');
    expect(report.dirtyPages).toBeGreaterThan(0);
  });

  test('the next SET that opens a stream is out of sync, and one that opens none is not', () => {
    const { hand, happen } = begun();
    happen({ happens: 'guest-reset', device: 'nic0' });
    const quiet = hand.ask('setDeviceState', { target: 'PRE_COPY_P2P' }, 'device/nic0');
    expect(quiet).toEqual({ type: 'FAILED.setDeviceState', errno: 'EBADF' });
    expect(hand.setDevice('nic0', 'STOP_COPY').state).toBe('STOP_COPY');
    expect(hand.ask('sendDeviceState', { device: 'nic0' })).toMatchObject({ errno: 'ENODEV' });
    expect(hand.setDevice('nic0', 'RUNNING').state).toBe('RUNNING');
    expect(hand.setDevice('nic0', 'PRE_COPY').state).toBe('PRE_COPY');
  });

  test('a guest that stands still resets nothing until it runs again', () => {
    const { hand, happen } = begun();
    hand.do('stopVcpus', {});
    happen({ happens: 'guest-reset', device: 'nic0' });
    expect(hand.driver.inspect().devices.source.nic0).toBe('PRE_COPY');
    hand.do('resumeVcpus', {});
    expect(hand.driver.inspect().devices.source.nic0).toBe('RUNNING');
  });
});

describe('initial-bytes-again', () => {
  const sizes = (hand: Hand) => hand.do('queryDeviceSizes', { exact: true }).devices.nic0;

  test('a release that asked for it is told once, and without it the same bytes are only dirty', () => {
    const news = { happens: 'initial-bytes-again', device: 'nic0', bytes: 5000 } as const;
    const [newer, older] = [begun({ loop: 'qemu-11.1' }), begun({ loop: 'qemu-10.2' })];
    for (const { hand, happen } of [newer, older]) {
      round(hand);
      expect(sizes(hand)).toEqual({ initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 2 * MIB });
      happen(news);
    }
    const stopCopyBytes = 2 * MIB + 5000;
    expect(sizes(newer.hand)).toEqual({ initialBytes: 5000, dirtyBytes: 0, stopCopyBytes, reinit: true });
    expect(sizes(newer.hand)).toEqual({ initialBytes: 5000, dirtyBytes: 0, stopCopyBytes });
    expect(sizes(older.hand)).toEqual({ initialBytes: 0, dirtyBytes: 5000, stopCopyBytes });
  });

  test('outside pre-copy nothing', () => {
    const { hand, happen } = begun({ loop: 'qemu-11.1' });
    hand.setDevice('nic0', 'STOP_COPY');
    const before = sizes(hand);
    happen({ happens: 'initial-bytes-again', device: 'nic0', bytes: 5000 });
    expect(sizes(hand)).toEqual(before);
  });
});

describe('the link', () => {
  const plainNs = () => {
    const { hand } = begun();
    expect(round(hand).type).toBe('DONE.sendRound');
    return hand.clock.nowNs;
  };

  test('down for a time: what is under way is that much later', () => {
    const { hand, at } = begun();
    at(20 * MS, { happens: 'link-down', forNs: 300 * MS });
    expect(round(hand).type).toBe('DONE.sendRound');
    expect(hand.clock.nowNs).toBe(plainNs() + 300 * MS);
  });

  test('down for longer than TCP repeats itself: the connection is broken, also when the link is back', () => {
    const { hand, at } = begun();
    at(20 * MS, { happens: 'link-down', forNs: TCP_GIVES_UP_NS + 50 * MS });
    expect(round(hand)).toEqual({ type: 'FAILED.sendRound', errno: 'ETIMEDOUT' });
    expect(hand.clock.nowNs).toBe(20 * MS + TCP_GIVES_UP_NS);
    hand.clock.runUntil(hand.clock.nowNs + 100 * MS);
    expect(round(hand)).toMatchObject({ errno: 'ECONNRESET' });
  });

  test('down: a pass that is halted hangs up instead of waiting', () => {
    const { hand, at } = begun();
    at(20 * MS, { happens: 'link-down', forNs: null });
    hand.give('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });
    hand.clock.runUntil(1000 * MS);
    hand.do('haltRound', {});
    expect(hand.clock.nowNs).toBe(1000 * MS);
  });

  test('down: orders to the destination and their answers are as late as it is', () => {
    const { hand, happen } = begun({ link: { bytesPerSecond: 1e9, latencyNs: 10 } });
    happen({ happens: 'link-down', forNs: 500 });
    const fromNs = hand.clock.nowNs;
    expect(hand.ask('loadDestination', {}).type).toBe('DONE.loadDestination');
    expect(hand.clock.nowNs).toBe(fromNs + 500 + 10);
  });

  test('slow: the turns that follow take longer, and when it is over they do not', () => {
    const { hand, happen } = begun();
    happen({ happens: 'link-slow', percent: 50, forNs: null });
    expect(round(hand).type).toBe('DONE.sendRound');
    const slowNs = hand.clock.nowNs;
    expect(slowNs / plainNs()).toBeCloseTo(2, 5);
    const { hand: other, happen: then } = begun();
    then({ happens: 'link-slow', percent: 50, forNs: 1 });
    round(other);
    expect(other.clock.nowNs).toBeLessThan(slowNs);
  });
});

describe('a host that dies', () => {
  test('the destination: what is sent or asked finds the connection reset, and its devices are gone', () => {
    const { hand, at } = begun();
    at(20 * MS, { happens: 'destination-dies' });
    expect(round(hand)).toEqual({ type: 'FAILED.sendRound', errno: 'ECONNRESET' });
    expect(hand.ask('loadDestination', {})).toMatchObject({ errno: 'ECONNRESET' });
    const set = hand.ask('setDeviceState', { target: 'RESUMING' }, 'device/destination/nic0');
    expect(set).toMatchObject({ errno: 'ECONNRESET' });
    expect(hand.driver.inspect()).toMatchObject({ destination: 'gone', dead: ['destination'], storage: 'source' });
  });

  test('the destination without power: nothing is refused, and nothing answered', () => {
    const { hand, happen } = begun();
    happen({ happens: 'destination-dies', silent: true });
    hand.give('loadDestination', {});
    hand.give('setDeviceState', { target: 'RESUMING' }, 'device/destination/nic0');
    hand.give('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });
    const answered = hand.answers.length;
    hand.clock.runUntil(900e9);
    expect(hand.answers).toHaveLength(answered);
    hand.clock.runUntil(1000e9);
    expect(hand.answers.slice(answered).map(({ answer }) => answer)).toEqual([
      { type: 'FAILED.sendRound', errno: 'ETIMEDOUT' },
    ]);
  });

  test('the source: it answers nothing more, writes nothing more, and holds no storage', () => {
    const { hand, at } = begun();
    at(20 * MS, { happens: 'source-dies' });
    hand.give('sendRound', { round: 1, dirtySet: hand.dirtySet, ends: { rule: 'drained' } });
    const answered = hand.answers.length;
    hand.clock.runUntil(25 * MS);
    const { carried, source } = { carried: hand.driver.measured().wireBytes, source: hand.driver.inspect() };
    hand.give('resumeVcpus', {});
    hand.give('resetDevice', {}, 'device/nic0');
    let written = 0;
    hand.driver.pages$.subscribe(() => written++);
    hand.clock.runUntil(500 * MS);
    hand.driver.world.advanceTo(500 * MS);
    expect(hand.answers).toHaveLength(answered);
    expect(written).toBe(0);
    expect(source).toMatchObject({ sourceRuns: false, storage: 'nobody', dead: ['source'] });
    // The turn that was on the wire has been counted whole, and none came after it.
    expect((hand.driver.measured().wireBytes ?? 0) - (carried ?? 0)).toBeLessThan(60e6);
    expect(hand.driver.inspect().sourceRuns).toBe(false);
  });
});

describe('a whole run', () => {
  const input = smallInput({ vmm: { loop: 'qemu-10.2', switchoverAck: true, downtimeLimit: '100ms' } });

  test.each<[string, readonly FaultInput[], string, RegExp]>([
    ['no fault', [], 'completed', /^$/],
    [
      'the guest resets in pre-copy',
      [{ at: '300ms', happens: 'guest-reset', device: 'nic0' }],
      'failed',
      /sendRound.*ENODEV/,
    ],
    [
      'the guest resets at the decision',
      [{ after: 'stopVcpus', happens: 'guest-reset', device: 'nic0' }],
      'failed',
      /sendDeviceState.*ENODEV/,
    ],
    [
      'the guest had stopped before it could',
      [{ after: 'sendRemaining', happens: 'guest-reset', device: 'nic0' }],
      'completed',
      /^$/,
    ],
    ['an outage', [{ at: '300ms', happens: 'link-down', for: '20s' }], 'completed', /^$/],
    ['an outage in the downtime', [{ after: 'sendRemaining', happens: 'link-down', for: '2s' }], 'completed', /^$/],
    ['an outage for ever', [{ at: '300ms', happens: 'link-down' }], 'failed', /sendRound.*ETIMEDOUT/],
    [
      'the link is cut between the start and its answer',
      [{ after: 'startDestination', happens: 'link-down' }],
      'in-doubt',
      /startDestination/,
    ],
    [
      'the destination dies in pre-copy',
      [{ at: '300ms', happens: 'destination-dies' }],
      'failed',
      /sendRound.*ECONNRESET/,
    ],
    [
      'the destination dies in the downtime',
      [{ after: 'sendDeviceState', happens: 'destination-dies' }],
      'failed',
      /ECONNRESET/,
    ],
    [
      'the destination dies once it owns the storage',
      [{ after: 'startDestination', happens: 'destination-dies' }],
      'in-doubt',
      /ECONNRESET/,
    ],
    ['the source dies in pre-copy', [{ at: '300ms', happens: 'source-dies' }], 'failed', /sendRound.*ETIMEDOUT/],
    ['the source dies after the hand-over', [{ after: 'startDestination', happens: 'source-dies' }], 'completed', /^$/],
    ['the destination has no memory', [{ command: 'prepareDestination', fails: 'ENOMEM' }], 'failed', /ENOMEM/],
    ['the configuration is refused', [{ command: 'loadDestination', fails: 'EINVAL' }], 'failed', /EINVAL/],
    [
      'the answer to the start is lost',
      [{ command: 'startDestination', silent: true }],
      'in-doubt',
      /startDestination/,
    ],
    ['a report is lost', [{ command: 'reportDirty', nth: 2, fails: 'EIO', done: true }], 'failed', /EIO/],
    [
      'a device breaks',
      [{ command: 'setDeviceState', of: 'nic0', nth: 3, fails: 'EIO', restsIn: 'ERROR' }],
      'failed',
      /nic0.*ERROR/,
    ],
    [
      'the destination’s device rests midway',
      [{ command: 'setDeviceState', of: 'destination/nic0', nth: 1, fails: 'EIO', restsIn: 'STOP' }],
      'failed',
      /nic0.*STOP/,
    ],
  ])('%s', (_, faults, outcome, reason) => {
    const ended = runFaulty(input, faults);
    expect(ended.report.outcome).toBe(outcome);
    expect(ended.report.reason).toMatch(reason);
    expect(illegalities(ended)).toEqual([]);
  });

  test('new initial data after the ack: QEMU 11.1 waits for another one, and the releases before it do not', () => {
    const acks = (loop: 'qemu-10.2' | 'qemu-11.1') => {
      const vmm = { loop, switchoverAck: true, downtimeLimit: '100ms' } as const;
      const fault = {
        after: 'queryDeviceSizes',
        happens: 'initial-bytes-again',
        device: 'nic0',
        bytes: '1MiB',
      } as const;
      const ended = runFaulty(smallInput({ vmm }), [fault]);
      expect(illegalities(ended)).toEqual([]);
      expect(ended.report.outcome).toBe('completed');
      const acked = ended.records.flatMap((record) =>
        record.kind === 'input' && record.event.type === 'SWITCHOVER_ACKED' ? [String(record.event.device)] : [],
      );
      return acked.sort();
    };
    expect(acks('qemu-10.2')).toEqual(['nic0', 'nic1']);
    expect(acks('qemu-11.1')).toEqual(['nic0', 'nic0', 'nic1']);
  });

  const EVENTS: readonly FaultInput[] = [
    { happens: 'guest-reset', device: 'nic0' },
    { happens: 'initial-bytes-again', device: 'nic0', bytes: '1MiB' },
    { happens: 'link-down', for: '3s' },
    { happens: 'link-down' },
    { happens: 'destination-dies' },
    { happens: 'destination-dies', silent: true },
    { happens: 'source-dies' },
  ];
  const MOMENTS: readonly CommandName[] = [
    'prepareDestination',
    'setDeviceState',
    'sendRound',
    'syncBitmap',
    'stopVcpus',
    'sendRemaining',
    'sendDeviceState',
    'releaseStorage',
    'acquireStorage',
    'startDestination',
  ];

  test.each(EVENTS)('ends legally when there is %j after the first of each command', (event) => {
    for (const after of MOMENTS) {
      const ended = runFaulty(input, [{ ...event, after }]);
      expect(illegalities(ended), `after ${after}: ${ended.report.outcome} (${ended.report.reason})`).toEqual([]);
    }
  });

  test.each<FaultInput>([
    { at: '300ms', happens: 'initial-bytes-again', device: 'nic1', bytes: '1MiB' },
    { at: '300ms', happens: 'guest-reset', device: 'nic1' },
  ])('to a device that is still to be plugged nothing happens: %j', (fault) => {
    const vmm = { loop: 'textbook' } as const;
    const ended = runFaulty(smallInput({ devices: [nic0(), nic1({ pluggedAt: '400ms' })], vmm }), [fault]);
    expect(ended.report).toMatchObject({ outcome: 'completed', devices: [{ id: 'nic0' }, { id: 'nic1' }] });
    expect(illegalities(ended)).toEqual([]);
  });

  test('the same faults give the same records', () => {
    const faults: readonly FaultInput[] = [
      { at: '200ms', happens: 'link-slow', percent: '30%', for: '1s' },
      { command: 'sendRound', nth: 2, slowBy: '1s' },
      { after: 'sendRemaining', happens: 'link-down', for: '2s' },
    ];
    expect(runFaulty(input, faults).records).toEqual(runFaulty(input, faults).records);
  });
});
