/**
 * The traps of the device state machine, each under its number in this project's list of what simple implementations get
 * wrong (T1 to T34; those about dirty logs are beside the logs). The uAPI is include/uapi/linux/vfio.h; T1's fix is commit
 * a26b499b757c, T19's flag came with Linux 7.1.
 */
import { describe, expect, test } from 'vitest';
import { stopAndCopy } from '../../machines/stop-and-copy.ts';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import { given } from './given.ts';
import { run, set } from './run-vfio-device.ts';

const read = (bytes: number): DeviceEvent => ({ type: 'READ', bytes });
const INFO: DeviceEvent = { type: 'GET_PRECOPY_INFO' };
const SIZES = { initialBytes: 100, stopCopyBytes: 40 };

describe('traps of the device state machine', () => {
  test.each(['PRE_COPY', 'PRE_COPY_P2P'] as const)(
    'T1: STOP_COPY to %s is refused; the way back is a new session',
    (target) => {
      const refused = run({ initial: 'STOP_COPY' }, set(target));
      expect(refused.state).toBe('STOP_COPY');
      expect(refused.facts).toEqual([{ type: 'SET_FAILED', errno: 'EINVAL', target, state: 'STOP_COPY' }]);
      const again = run({ initial: 'STOP_COPY' }, set('RUNNING'), set(target));
      expect(again.state).toBe(target);
      expect(again.facts.at(-1)).toEqual({ type: 'SET_DONE', state: target, stream: 2 });
    },
  );

  test('T16: after a failed SET the device may be anywhere on the way, so it has to be asked', () => {
    const stepwise: DeviceEvent = { type: 'SET', target: 'STOP_COPY', walk: 'stepwise' };
    const failed: DeviceEvent = { type: 'ARC_FAILED', errno: 'EIO', rests: 'here' };
    const arc: DeviceEvent = { type: 'ARC' };
    expect(run({}, stepwise, failed).state).toBe('RUNNING');
    expect(run({}, stepwise, arc, failed).state).toBe('RUNNING_P2P');
    expect(run({}, stepwise, arc, arc, failed).state).toBe('STOP');
    expect(run({}, stepwise, arc, { ...failed, rests: 'ERROR' }).state).toBe('ERROR');
  });

  test('T17: PRE_COPY to STOP_COPY keeps its fd (-1); RUNNING to STOP_COPY has one of its own', () => {
    expect(run({ initial: 'PRE_COPY' }, set('STOP_COPY')).facts.at(-1)).toMatchObject({ stream: -1 });
    expect(run({}, set('STOP_COPY')).facts.at(-1)).toMatchObject({ stream: 1 });
  });

  test('T18: a drained stream is ENOMSG in pre-copy, for now, and 0 bytes in STOP_COPY, for good', () => {
    const { facts } = run(
      { ...SIZES, initial: 'PRE_COPY' },
      read(100),
      read(1),
      set('STOP_COPY'),
      read(40),
      read(1),
      read(1),
    );
    expect(facts.filter(({ type }) => type === 'READ_ANSWERED')).toEqual([
      { type: 'READ_ANSWERED', session: 1, bytes: 100 },
      { type: 'READ_ANSWERED', errno: 'ENOMSG' },
      { type: 'READ_ANSWERED', session: 1, bytes: 40 },
      { type: 'READ_ANSWERED', session: 1, bytes: 0 },
      { type: 'READ_ANSWERED', session: 1, bytes: 0 },
    ]);
  });

  test('T19: initial_bytes may rise again, which only who has opted in is told', () => {
    const more: DeviceEvent = { type: 'REINITIALISED', initialBytes: 250 };
    const infos = (...events: DeviceEvent[]) =>
      run({ ...SIZES, initial: 'PRE_COPY' }, ...events, INFO).facts.filter(
        ({ type }) => type === 'PRECOPY_INFO_ANSWERED',
      );
    expect(infos({ type: 'REINIT_OPT_IN' }, read(100), more)).toMatchObject([{ initialBytes: 250, reinit: true }]);
    expect(infos(read(100), more)).toMatchObject([{ initialBytes: 0, reinit: false }]);
  });

  test('T21: a reset by the guest in pre-copy leaves RUNNING and a dead stream', () => {
    const { state, facts } = run({ ...SIZES, initial: 'PRE_COPY' }, { type: 'RESET' }, read(1), INFO);
    expect(state).toBe('RUNNING');
    expect(facts).toContainEqual({ type: 'STREAM_DIED', session: 1, stream: 'saving' });
    expect(facts.filter((fact) => 'errno' in fact)).toHaveLength(2);
  });

  test('T22: all devices are quiet before the first is stopped', () => {
    const devices = ['nic0', 'nic1'].map((id) => ({ id, address: `device/${id}`, p2p: true, preCopy: false }));
    const reached = (id: string, asked: string) => ({
      type: 'DEVICE_REACHED',
      from: `device/${id}`,
      device: id,
      asked,
      state: asked,
    });
    const stopped = { type: 'GUEST_REACHED', from: 'guest', asked: 'stopped', state: 'stopped' };
    const one = given(stopAndCopy, { devices, pauseBeforeSwitchover: false }).when(
      stopped,
      reached('nic0', 'RUNNING_P2P'),
    );
    expect(one.snapshot.value).toEqual({ switching: 'quiescing' });
    expect(one.when(reached('nic1', 'RUNNING_P2P')).snapshot.value).toEqual({ switching: 'stoppingDevices' });
  });
});
