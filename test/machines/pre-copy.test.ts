/**
 * Pre-copy: the dirty logs' epoch begins before anything else (uapi vfio.h; QEMU ram_save_setup before vfio_save_setup), then rounds
 * until the policy says enough and, with switchover-ack (QEMU 8.1, 6574232fff), the destination is ready as well.
 */
import { describe, expect, test } from 'vitest';
import { type PreCopyInput, preCopy } from '../../machines/pre-copy.ts';
import { type Given, given } from './given.ts';

const device = (id: string, hasPreCopy = true) => ({ id, address: `device/${id}`, preCopy: hasPreCopy });
const begin = (changes: Partial<PreCopyInput> = {}) =>
  given(preCopy, {
    loop: 'qemu-10.2',
    downtimeLimitMs: 300,
    availSwitchoverBytesPerSecond: 0,
    devices: [device('nic0'), device('nic1')],
    switchoverAck: false,
    ...changes,
  });

const LOG_ON = { type: 'DIRTY_LOG_REACHED', from: 'dirty-log', asked: 'on', state: 'on' };
const LOG_FAILED = { ...LOG_ON, state: 'off', errno: 'ENOSPC' };
const synced = (dirtySet: number, remainingPages = 100) => ({
  type: 'BITMAP_SYNCED',
  from: 'dirty-log',
  dirtySet,
  remainingPages,
  remainingBytes: remainingPages * 4096,
  newDirtyPages: 5,
  dirtyPagesBySource: { vcpu: 4, 'dma:nic0': 2 },
  syncNs: 1000,
});
const SYNC_FAILED = { type: 'SYNC_FAILED', from: 'dirty-log', errno: 'EFAULT' };
const reached = (id: string, state = 'PRE_COPY', errno?: string) => ({
  type: 'DEVICE_REACHED',
  from: `device/${id}`,
  device: id,
  asked: 'PRE_COPY',
  state,
  errno,
});
const sent = (bandwidthBytesPerSecond = 1_000_000) => ({
  type: 'DONE.sendRound',
  sentPages: 90,
  zeroPages: 0,
  sentBytes: 369_360,
  deviceBytes: 0,
  remainingPages: 10,
  remainingBytes: 40_960,
  bandwidthBytesPerSecond,
});
const SIZES = { nic0: { initialBytes: 10, dirtyBytes: 20, stopCopyBytes: 1000 } };
const sized = { type: 'DONE.queryDeviceSizes', devices: SIZES };
const failed = (command: string) => ({ type: `FAILED.${command}`, errno: 'EIO' });
const BECAUSE = { thresholdBytes: 300_000 };
const says = (verdict: unknown) => ({ type: 'VERDICT', from: 'policy', verdict, because: BECAUSE });
const acked = (id: string) => ({ type: 'SWITCHOVER_ACKED', from: 'driver', device: id });
const HALT = { type: 'HALT', from: 'roll-back' };

const startLog = { to: 'dirty-log', type: 'START' };
const syncLog = { to: 'dirty-log', type: 'SYNC', final: false };
const enterPreCopy = (...ids: string[]) =>
  ids.map((id) => ({ to: `device/${id}`, type: 'SET_STATE', target: 'PRE_COPY' }));
const tellStarted = { to: 'migration', type: 'PRECOPY_STARTED' };
const ENDS = {
  rule: 'low-water',
  compare: 'below',
  counts: 'ram+precopy',
  windowMs: 100,
  downtimeLimitMs: 300,
  availSwitchoverBytesPerSecond: 0,
};
const sendRound = (round: number, dirtySet: number, ends: object = ENDS) =>
  ({ command: 'sendRound', round, dirtySet, ends }) as const;
const query = { command: 'queryDeviceSizes', exact: true } as const;
const haltRound = { command: 'haltRound' } as const;
const tellFailure = (during: string, errno: string) => ({ to: 'migration', type: 'PRECOPY_FAILED', during, errno });
const tellHalted = { to: 'roll-back', type: 'SENDING_HALTED' };

const started = begin();
const firstSync = started.when(LOG_ON);
const entering = firstSync.when(synced(1));
const sending = entering.when(reached('nic0'), reached('nic1'));
const syncing = sending.when(sent());
const sizing = syncing.when(synced(2));
const assessing = sizing.when(sized);

describe('setup', () => {
  test('starts the log first: no device moves and nothing is sent before the epoch has begun', () => {
    started.then({ state: { setup: 'startingLog' }, told: [startLog] });
    firstSync.then({ state: { setup: 'firstSync' }, told: [syncLog] });
    entering.then({ state: { setup: 'enteringPreCopy' }, told: enterPreCopy('nic0', 'nic1') });
  });

  test('waits for every device, then says that it has started and sends the first round', () => {
    entering.when(reached('nic1')).then({ state: { setup: 'enteringPreCopy' } });
    sending.then({ state: { iterating: 'sending' }, told: [tellStarted], commanded: [sendRound(1, 1)] });
  });

  test('asks only devices that have PRE_COPY', () => {
    const mixed = begin({ devices: [device('nic0', false), device('nic1')] })
      .when(LOG_ON)
      .when(synced(1));
    mixed.then({ state: { setup: 'enteringPreCopy' }, told: enterPreCopy('nic1') });
    mixed.when(reached('nic1')).then({
      state: { iterating: 'sending' },
      told: [tellStarted],
      commanded: [sendRound(1, 1)],
    });
  });

  test.each([[[]], [[device('nic0', false)]]])('with nobody to ask goes on at once (%o)', (devices) => {
    begin({ devices })
      .when(LOG_ON)
      .when(synced(1))
      .then({
        state: { iterating: 'sending' },
        told: [tellStarted],
        commanded: [sendRound(1, 1)],
      });
  });

  test('fails when the log does not start', () => {
    started.when(LOG_FAILED).then({ state: 'failed', told: [tellFailure('starting the dirty logs', 'ENOSPC')] });
  });

  test('fails when the first sync does', () => {
    firstSync.when(SYNC_FAILED).then({ state: 'failed', told: [tellFailure('collecting the dirty logs', 'EFAULT')] });
  });

  test.each(['RUNNING', 'ERROR', 'unknown'])('fails when a device rests in %s', (state) => {
    const during = `device nic0 to PRE_COPY, resting in ${state}`;
    const after = entering.when(reached('nic0', state, 'EINVAL')).then({
      state: 'failed',
      told: [tellFailure(during, 'EINVAL')],
    });
    // The other one answers later.
    after.when(reached('nic1')).then({ state: 'failed' });
  });
});

describe('a round', () => {
  test('is sent, collected, sized and judged', () => {
    syncing.then({ state: { iterating: 'syncing' }, told: [syncLog] });
    sizing.then({ state: { iterating: 'sizing' }, commanded: [query] });
    assessing.then({
      state: { iterating: 'assessing' },
      told: [
        {
          to: 'policy',
          type: 'ASSESS',
          observation: {
            cause: 'round',
            round: 1,
            remainingBytes: 100 * 4096 + 1000,
            remainingPages: 100,
            dirtyPagesBySource: { vcpu: 4, 'dma:nic0': 2 },
            bandwidthBytesPerSecond: 1_000_000,
            downtimeLimitMs: 300,
            throttlePercent: 0,
          },
        },
      ],
    });
  });

  test('without devices is judged on memory alone', () => {
    const judging = begin({ devices: [] }).when(LOG_ON, synced(1), sent()).when(synced(2, 7));
    judging.then({ state: { iterating: 'assessing' }, told: judging.told });
    expect(judging.told[0]?.observation).toMatchObject({ round: 1, remainingBytes: 7 * 4096, remainingPages: 7 });
  });

  // RAM 409,600 and a device of 10 + 20 pre-copy and 1000 stop-copy bytes; how they add up is loops.test.ts.
  test.each([
    ['qemu-8.0', 410_600],
    ['qemu-8.2', 410_630],
    ['qemu-9.2', 410_600],
    ['qemu-11.1', 410_600],
  ] as const)('is judged on what %s counts', (loop, remainingBytes) => {
    const devices = [device('nic0', loop !== 'qemu-8.0')];
    const entered = loop === 'qemu-8.0' ? [] : [reached('nic0')];
    const judging = begin({ loop, devices })
      .when(LOG_ON, synced(1), ...entered, sent(), synced(2))
      .when(sized);
    expect(judging.told[0]?.observation).toMatchObject({ remainingBytes });
  });

  test('is judged at avail-switchover-bandwidth where one is set', () => {
    const judging = begin({ devices: [], availSwitchoverBytesPerSecond: 5_000_000 }).when(LOG_ON, synced(1));
    const { told } = judging.when(sent(), synced(2));
    expect(told.at(-1)?.observation).toMatchObject({ bandwidthBytesPerSecond: 5_000_000 });
    judging.then({
      state: { iterating: 'sending' },
      told: [syncLog, tellStarted],
      commanded: [sendRound(1, 1, { ...ENDS, availSwitchoverBytesPerSecond: 5_000_000 })],
    });
  });

  test('carries the end of a pass of its dialect, and nothing of this chart', () => {
    begin({ loop: 'textbook', devices: [] })
      .when(LOG_ON)
      .when(synced(1))
      .then({
        state: { iterating: 'sending' },
        told: [tellStarted],
        commanded: [sendRound(1, 1, { rule: 'drained' })],
      });
    expect(Object.keys(sending.commanded[0]?.ends as object).toSorted()).toEqual(Object.keys(ENDS).toSorted());
  });

  test('takes a new downtime limit at once, the pass under way and the policy alike', () => {
    const raised = sending.when({ type: 'SET_DOWNTIME_LIMIT', from: 'operator', downtimeLimitMs: 500 });
    raised.then({
      state: { iterating: 'sending' },
      commanded: [{ command: 'setDowntimeLimit', downtimeLimitMs: 500 }],
    });
    for (const type of ['DONE.setDowntimeLimit', 'FAILED.setDowntimeLimit']) {
      raised.when({ type }).then({ state: { iterating: 'sending' } });
    }
    const judged = raised.when(sent(), synced(2)).when(sized);
    expect(judged.told[0]?.observation).toMatchObject({ downtimeLimitMs: 500 });
    judged.when(says('continue')).then({
      state: { iterating: 'sending' },
      facts: judged.when(says('continue')).facts,
      commanded: [sendRound(2, 2, { ...ENDS, downtimeLimitMs: 500 })],
    });
  });

  test.each([
    ['sendRound', sending],
    ['queryDeviceSizes', sizing],
  ] as const)('that fails in %s fails the migration', (command, state) => {
    state.when(failed(command)).then({ state: 'failed', told: [tellFailure(command, 'EIO')] });
  });

  test('that cannot be collected fails the migration', () => {
    syncing.when(SYNC_FAILED).then({ state: 'failed', told: [tellFailure('collecting the dirty logs', 'EFAULT')] });
  });
});

describe('a verdict', () => {
  const observation = assessing.told[0]?.observation;
  const assessed = (verdict: unknown, waitingForAck = false) =>
    ({ type: 'ROUND_ASSESSED', round: 1, verdict, because: BECAUSE, observation, waitingForAck }) as const;

  test('switchover ends pre-copy, with its reason', () => {
    assessing.when(says('switchover')).then({
      state: 'decided',
      facts: [assessed('switchover')],
      told: [{ to: 'migration', type: 'SWITCHOVER_DECIDED', round: 1, because: BECAUSE }],
    });
  });

  test('continue sends what the last sync found', () => {
    assessing.when(says('continue')).then({
      state: { iterating: 'sending' },
      facts: [assessed('continue')],
      commanded: [sendRound(2, 2)],
    });
  });

  test('rounds are counted, and each names the newest set', () => {
    const third = assessing.when(says('continue'), sent(), synced(7), sized).when(says('continue'));
    expect(third.commanded).toEqual([sendRound(3, 7)]);
    expect(third.facts).toMatchObject([{ type: 'ROUND_ASSESSED', round: 2 }]);
  });

  test('is judged on the newest sizes and bandwidth', () => {
    const sizes = { nic0: { initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 77 } };
    const second = assessing.when(says('continue'), sent(9_999), synced(3, 1)).when({ ...sized, devices: sizes });
    expect(second.told[0]?.observation).toMatchObject({
      round: 2,
      remainingBytes: 4096 + 77,
      bandwidthBytesPerSecond: 9_999,
    });
  });
});

describe('switchover-ack', () => {
  const gated = (devices: PreCopyInput['devices'] = [device('nic0'), device('nic1')]) => {
    const entered = devices.filter(({ preCopy }) => preCopy).map(({ id }) => reached(id));
    return begin({ switchoverAck: true, devices }).when(LOG_ON, synced(1), ...entered, sent(), synced(2), sized);
  };
  const waits = (state: Given) => {
    const { facts, commanded, snapshot } = state.when(says('switchover'));
    expect(snapshot.value).toEqual({ iterating: 'sending' });
    expect(facts).toMatchObject([{ verdict: 'switchover', waitingForAck: true }]);
    expect(commanded).toEqual([sendRound(2, 2)]);
  };
  const decides = (state: Given) => {
    const { facts, told, snapshot } = state.when(says('switchover'));
    expect(snapshot.value).toBe('decided');
    expect(facts).toMatchObject([{ verdict: 'switchover', waitingForAck: false }]);
    expect(told).toMatchObject([{ type: 'SWITCHOVER_DECIDED' }]);
  };

  test('no device has acked: another round', () => waits(gated()));
  test('one of two has acked: another round', () => waits(gated().when(acked('nic1'))));
  test('the same device twice is one ack', () => waits(gated().when(acked('nic1'), acked('nic1'))));
  test('both have: switchover', () => decides(gated().when(acked('nic1'), acked('nic0'))));
  test('only devices with PRE_COPY are waited for', () => {
    decides(gated([device('nic0'), device('nic1', false)]).when(acked('nic0')));
    waits(gated([device('nic0'), device('nic1', false)]));
    decides(gated([device('nic0', false)]));
  });
  test('without the capability nobody is waited for', () => decides(assessing));

  test('an ack that comes in the extra round counts at its end', () => {
    const extra = gated().when(acked('nic0'), says('switchover'), acked('nic1'), sent(), synced(3), sized);
    decides(extra);
  });

  test('a continue is not waiting', () => {
    const { facts } = gated().when(says('continue'));
    expect(facts).toMatchObject([{ verdict: 'continue', waitingForAck: false }]);
  });

  test('an ack is taken in every state', () => {
    const states = [started, firstSync, entering, sending, syncing, sizing, assessing];
    for (const state of states) {
      state.when(acked('nic0')).then({ state: state.snapshot.value });
      expect(() => state.when(HALT).when(acked('nic0'))).not.toThrow();
    }
  });
});

describe('HALT', () => {
  const running = { started, firstSync, entering, sending, syncing, sizing, assessing };
  test.each(Object.entries(running))('%s: what runs is ended early', (_, state) => {
    state.when(HALT).then({ state: 'halting', commanded: [haltRound] });
    state
      .when(HALT)
      .when({ type: 'DONE.haltRound' })
      .then({ state: 'halted', told: [tellHalted] });
    state
      .when(HALT)
      .when(failed('haltRound'))
      .then({ state: 'halted', told: [tellHalted] });
  });

  test.each(Object.entries(running))('%s: what still answers is taken and changes nothing', (_, state) => {
    const late = [
      LOG_ON,
      LOG_FAILED,
      synced(9),
      SYNC_FAILED,
      reached('nic0'),
      reached('nic0', 'RUNNING', 'EIO'),
      sent(),
      failed('sendRound'),
      sized,
      failed('queryDeviceSizes'),
      says('switchover'),
    ];
    const halting = state.when(HALT);
    halting.when(...late).then({ state: 'halting' });
    halting
      .when({ type: 'DONE.haltRound' })
      .when(...late)
      .then({ state: 'halted' });
  });

  test('after a decision or a failure there is nothing to end', () => {
    assessing
      .when(says('switchover'))
      .when(HALT)
      .then({ state: 'halted', told: [tellHalted] });
    sending
      .when(failed('sendRound'))
      .when(HALT)
      .then({ state: 'halted', told: [tellHalted] });
  });

  test('twice: ended once, and answered again once it has', () => {
    const halting = sending.when(HALT);
    halting.when(HALT).then({ state: 'halting' });
    halting
      .when({ type: 'DONE.haltRound' })
      .when(HALT)
      .then({ state: 'halted', told: [tellHalted] });
  });
});
