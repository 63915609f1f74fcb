/**
 * What is left to read: initial and dirty bytes in pre-copy, "nothing now" against the end of the stream, new initial data (Linux 7.1),
 * and the estimate that may be asked for in any state.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import { DEVICE_STATES } from '../../machines/words.ts';
import { run, set } from './run-vfio-device.ts';

const read = (bytes: number): DeviceEvent => ({ type: 'READ', bytes });
const changed = (bytes: number): DeviceEvent => ({ type: 'STATE_CHANGED', bytes });
const INFO: DeviceEvent = { type: 'GET_PRECOPY_INFO' };
const info = (initialBytes: number, dirtyBytes: number, reinit = false) => ({
  type: 'PRECOPY_INFO_ANSWERED',
  initialBytes,
  dirtyBytes,
  reinit,
});
const got = (bytes: number, session = 1) => ({ type: 'READ_ANSWERED', session, bytes });
const NOTHING_NOW = { type: 'READ_ANSWERED', errno: 'ENOMSG' };
const DEVICE = { initialBytes: 100, stopCopyBytes: 40 };

describe('pre-copy info', () => {
  test('initial starts whole and shrinks, dirty starts at 0, grows, and shrinks after initial', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      INFO,
      read(60),
      INFO,
      changed(30),
      INFO,
      read(50),
      INFO,
      read(50),
      INFO,
    );
    expect(facts).toEqual([
      info(100, 0),
      got(60),
      info(40, 0),
      info(40, 30),
      got(50),
      info(0, 20),
      got(20),
      info(0, 0),
    ]);
  });

  test('goes on into PRE_COPY_P2P and back, the same session', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      read(30),
      set('PRE_COPY_P2P'),
      INFO,
      set('PRE_COPY'),
      INFO,
    );
    expect(facts.filter(({ type }) => type === 'PRECOPY_INFO_ANSWERED')).toEqual([info(70, 0), info(70, 0)]);
  });

  test('a new session begins anew', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      read(100),
      changed(9),
      set('RUNNING'),
      set('PRE_COPY'),
      INFO,
    );
    expect(facts.at(-1)).toEqual(info(100, 0));
  });

  test.each(['RUNNING', 'STOP_COPY'] as const)(
    'what a device changes in %s is not dirty: it was never sent',
    (initial) => {
      expect(run({ ...DEVICE, initial }, changed(7)).snapshot.context.dirtyBytes).toBe(0);
    },
  );
});

describe('nothing now, and the end', () => {
  test('drained pre-copy is ENOMSG and comes back to life', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      read(500),
      read(1),
      read(1),
      changed(3),
      read(500),
      read(1),
    );
    expect(facts).toEqual([got(100), NOTHING_NOW, NOTHING_NOW, got(3), NOTHING_NOW]);
  });

  test('both zero, and STOP_COPY carries data all the same; its end is 0 bytes, for good, never ENOMSG', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      read(100),
      INFO,
      set('STOP_COPY'),
      read(30),
      read(30),
      read(30),
      read(30),
    );
    expect(facts.filter(({ type }) => !type.includes('STREAM'))).toEqual([
      got(100),
      info(0, 0),
      { type: 'SET_DONE', state: 'STOP_COPY', stream: -1 },
      got(30),
      got(10),
      got(0),
      got(0),
    ]);
  });

  test('what pre-copy left unread is read in STOP_COPY, before the rest', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      read(90),
      changed(20),
      set('STOP_COPY'),
      read(1000),
      read(1),
    );
    expect(facts.slice(-2)).toEqual([got(10 + 20 + 40), got(0)]);
  });

  test('without pre-copy STOP_COPY carries everything', () => {
    const { facts } = run({ ...DEVICE, features: 1 }, set('STOP_COPY'), read(1000), read(1));
    expect(facts.slice(-2)).toEqual([got(140), got(0)]);
  });

  test('no byte is read twice or lost, however it is asked for', () => {
    const step = fc.oneof(
      fc.nat(50).map((bytes) => read(bytes)),
      fc.nat(20).map((bytes) => changed(bytes)),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 50 })), (precopy, last) => {
        const events = [...precopy, set('STOP_COPY'), ...last.map(read), read(10_000), read(1)];
        const { facts } = run({ ...DEVICE, initial: 'PRE_COPY' }, ...events);
        const readBytes = facts.reduce(
          (sum, fact) => sum + (fact.type === 'READ_ANSWERED' && 'bytes' in fact ? fact.bytes : 0),
          0,
        );
        const dirtied = precopy.reduce((sum, event) => sum + (event.type === 'STATE_CHANGED' ? event.bytes : 0), 0);
        expect(readBytes).toBe(100 + 40 + dirtied);
        expect(facts.at(-1)).toEqual(got(0));
      }),
    );
  });
});

describe('new initial data', () => {
  const reinitialised: DeviceEvent = { type: 'REINITIALISED', initialBytes: 250 };
  const optIn: DeviceEvent = { type: 'REINIT_OPT_IN' };
  const infos = (events: readonly DeviceEvent[]) =>
    run({ ...DEVICE, initial: 'PRE_COPY' }, ...events).facts.filter(({ type }) => type === 'PRECOPY_INFO_ANSWERED');

  test('after opt-in: initial jumps, dirty restarts at 0, the flag is told once', () => {
    expect(infos([optIn, read(100), changed(30), INFO, reinitialised, INFO, INFO, changed(5), INFO])).toEqual([
      info(0, 30),
      info(250, 0, true),
      info(250, 0),
      info(250, 5),
    ]);
  });

  test('it may also jump down', () => {
    expect(infos([optIn, { type: 'REINITIALISED', initialBytes: 1 }, INFO])).toEqual([info(1, 0, true)]);
  });

  test('each new one is told again', () => {
    expect(infos([optIn, reinitialised, INFO, reinitialised, INFO])).toEqual([info(250, 0, true), info(250, 0, true)]);
  });

  test('without opt-in no flag, and initial only falls: the same bytes are told as dirty', () => {
    expect(infos([read(60), reinitialised, INFO, optIn, INFO])).toEqual([info(40, 210), info(40, 210)]);
  });

  test('an untold flag does not outlive its session; the opt-in does, and a reset too', () => {
    const events = [optIn, reinitialised, { type: 'RESET' }, set('PRE_COPY'), INFO, reinitialised, INFO] as const;
    expect(infos(events)).toEqual([info(100, 0), info(250, 0, true)]);
  });

  test('outside pre-copy it changes nothing', () => {
    const { snapshot, facts } = run({ ...DEVICE, initial: 'STOP_COPY' }, optIn, reinitialised);
    expect(facts).toEqual([{ type: 'REINIT_OPT_IN_ANSWERED' }]);
    expect(snapshot.context).toMatchObject({ initialBytes: 100, stopCopyBytes: 40 });
  });
});

describe('MIG_DATA_SIZE', () => {
  const SIZE: DeviceEvent = { type: 'MIG_DATA_SIZE' };
  const size = (stopCopyBytes: number) => ({ type: 'MIG_DATA_SIZE_ANSWERED', stopCopyBytes });

  test.each(DEVICE_STATES)('is answered in %s: everything, while nothing was read', (initial) => {
    expect(run({ ...DEVICE, initial }, SIZE).facts).toEqual([size(140)]);
  });

  test('is what STOP_COPY would read from now on, dirty bytes included', () => {
    const { facts } = run(
      { ...DEVICE, initial: 'PRE_COPY' },
      read(100),
      changed(7),
      SIZE,
      set('STOP_COPY'),
      SIZE,
      read(20),
      SIZE,
      read(99),
      SIZE,
    );
    expect(facts.filter(({ type }) => type === 'MIG_DATA_SIZE_ANSWERED')).toEqual([
      size(47),
      size(47),
      size(27),
      size(0),
    ]);
  });
});
