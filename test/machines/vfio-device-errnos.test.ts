/**
 * Misuse and its errnos, one test per row: the checks of drivers/vfio/vfio_main.c, and what uapi/linux/vfio.h and mlx5 say of the
 * data_fd. Rows that end at the system call (struct sizes, pointers, positioned I/O, record formats) are no business of this chart.
 */
import { describe, expect, test } from 'vitest';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import type { DeviceState } from '../../machines/words.ts';
import { run, set } from './run-vfio-device.ts';

const MIG = (errno: string, target: string, state: DeviceState) => ({ type: 'SET_FAILED', errno, target, state });

describe('SET of MIG_DEVICE_STATE', () => {
  const whole = (target: string) => ({ type: 'SET', target, walk: 'whole' }) as DeviceEvent;

  test.each(['8', 'constructor', 'running', ''])('a target that is no state (%j): EINVAL', (target) => {
    const { facts, state } = run({}, whole(target));
    expect(facts).toEqual([MIG('EINVAL', target, 'RUNNING')]);
    expect(state).toBe('RUNNING');
  });

  test.each([
    [1, 'RUNNING_P2P'],
    [1, 'PRE_COPY'],
    [1, 'PRE_COPY_P2P'],
    [3, 'PRE_COPY'],
    [3, 'PRE_COPY_P2P'],
    [5, 'RUNNING_P2P'],
    [5, 'PRE_COPY_P2P'],
  ] as const)('features %i, target %s that needs an absent feature: EINVAL', (features, target) => {
    const { facts, state } = run({ features, initial: 'STOP' }, set(target));
    expect(facts).toEqual([MIG('EINVAL', target, 'STOP')]);
    expect(state).toBe('STOP');
  });

  test.each(['RUNNING', 'ERROR'] as const)('target ERROR, in %s: EINVAL', (initial) => {
    expect(run({ initial }, set('ERROR')).facts).toEqual([MIG('EINVAL', 'ERROR', initial)]);
  });

  test.each(['STOP', 'RUNNING', 'RESUMING'] as const)('in ERROR, target %s: EINVAL', (target) => {
    const { facts, state } = run({ initial: 'ERROR' }, set(target));
    expect(facts).toEqual([MIG('EINVAL', target, 'ERROR')]);
    expect(state).toBe('ERROR');
  });

  test.each(['PRE_COPY', 'PRE_COPY_P2P'] as const)(
    'STOP_COPY back to %s: EINVAL, and the stream is untouched',
    (target) => {
      const { facts, state, snapshot } = run({ initial: 'STOP_COPY' }, set(target));
      expect(facts).toEqual([MIG('EINVAL', target, 'STOP_COPY')]);
      expect(state).toBe('STOP_COPY');
      expect(snapshot.context).toMatchObject({ stream: 'saving', session: 1 });
    },
  );

  test.each(['EIO', 'ENOMEM'] as const)("a driver's own failure midway: its errno (%s)", (errno) => {
    const { facts } = run(
      {},
      { type: 'SET', target: 'STOP', walk: 'stepwise' },
      { type: 'ARC' },
      { type: 'ARC_FAILED', errno, rests: 'here' },
    );
    expect(facts).toEqual([MIG(errno, 'STOP', 'RUNNING_P2P')]);
  });

  test('a second SET while one is under way is refused and does not disturb it', () => {
    const { facts } = run(
      {},
      { type: 'SET', target: 'STOP', walk: 'stepwise' },
      set('PRE_COPY'),
      { type: 'ARC' },
      { type: 'ARC' },
    );
    expect(facts).toEqual([MIG('EBUSY', 'PRE_COPY', 'RUNNING'), { type: 'SET_DONE', state: 'STOP', stream: -1 }]);
  });

  test.each([
    ['EIO', {}],
    ['ENOMEM', { badImageErrno: 'ENOMEM' }],
  ] as const)('RESUMING to STOP with a truncated image: the errno of the driver (%s)', (errno, input) => {
    expect(run({ initial: 'RESUMING', ...input }, set('STOP')).facts).toEqual([MIG(errno, 'STOP', 'RESUMING')]);
  });
});

describe('GET_PRECOPY_INFO', () => {
  test.each(['STOP', 'RUNNING', 'STOP_COPY', 'RESUMING', 'RUNNING_P2P', 'ERROR'] as const)(
    'in %s: EINVAL',
    (initial) => {
      const { facts } = run({ initial }, { type: 'GET_PRECOPY_INFO' });
      expect(facts).toEqual([{ type: 'PRECOPY_INFO_ANSWERED', errno: 'EINVAL' }]);
    },
  );

  test('on a stream that is dead: ENODEV (mlx5)', () => {
    const { facts } = run({ initial: 'PRE_COPY' }, { type: 'RESET' }, set('PRE_COPY'), {
      type: 'GET_PRECOPY_INFO',
      session: 1,
    });
    expect(facts.at(-1)).toEqual({ type: 'PRECOPY_INFO_ANSWERED', errno: 'ENODEV' });
  });
});

describe('REINIT_OPT_IN', () => {
  test.each([1, 3] as const)('features %i, no PRE_COPY: EINVAL', (features) => {
    expect(run({ features }, { type: 'REINIT_OPT_IN' }).facts).toEqual([
      { type: 'REINIT_OPT_IN_ANSWERED', errno: 'EINVAL' },
    ]);
  });
  test.each([5, 7] as const)('features %i: taken', (features) => {
    expect(run({ features }, { type: 'REINIT_OPT_IN' }).facts).toEqual([{ type: 'REINIT_OPT_IN_ANSWERED' }]);
  });
});

describe('read and write of the data_fd', () => {
  const refused = (type: 'READ_ANSWERED' | 'WRITE_ANSWERED', errno: string) => [{ type, errno }];
  const read: DeviceEvent = { type: 'READ', bytes: 1 };
  const write: DeviceEvent = { type: 'IMAGE_WRITTEN', bytes: 1, complete: false };

  test.each(['PRE_COPY', 'PRE_COPY_P2P'] as const)('read, drained for now, in %s: ENOMSG', (initial) => {
    expect(run({ initial }, read).facts).toEqual(refused('READ_ANSWERED', 'ENOMSG'));
  });
  test('read, when there never was a stream: EBADF', () => {
    expect(run({}, read).facts).toEqual(refused('READ_ANSWERED', 'EBADF'));
    expect(run({ initial: 'PRE_COPY' }, { ...read, session: 2 }).facts).toEqual(refused('READ_ANSWERED', 'EBADF'));
  });
  test('read of the resuming fd, write to the saving fd: EBADF', () => {
    expect(run({ initial: 'RESUMING' }, read).facts).toEqual(refused('READ_ANSWERED', 'EBADF'));
    expect(run({ initial: 'STOP_COPY' }, write).facts).toEqual(refused('WRITE_ANSWERED', 'EBADF'));
  });
  test('read after the session was ended by an arc, or by a reset: ENODEV', () => {
    expect(run({ initial: 'PRE_COPY' }, set('RUNNING'), read).facts.slice(-1)).toEqual(
      refused('READ_ANSWERED', 'ENODEV'),
    );
    expect(run({ initial: 'STOP_COPY' }, { type: 'RESET' }, read).facts.slice(-1)).toEqual(
      refused('READ_ANSWERED', 'ENODEV'),
    );
  });
  test('read of an old fd while a new session is open: ENODEV, and nothing is taken from the new one', () => {
    const { facts, snapshot } = run({ initial: 'STOP_COPY', stopCopyBytes: 5 }, set('STOP'), set('STOP_COPY'), {
      ...read,
      session: 1,
    } as DeviceEvent);
    expect(facts.slice(-1)).toEqual(refused('READ_ANSWERED', 'ENODEV'));
    expect(snapshot.context.stopCopyBytes).toBe(5);
  });
  test('write after the load was abandoned by a reset: ENODEV', () => {
    expect(run({ initial: 'RESUMING' }, { type: 'RESET' }, write).facts.slice(-1)).toEqual(
      refused('WRITE_ANSWERED', 'ENODEV'),
    );
  });
  test.each([-1, 0.5, Number.NaN, 2 ** 53])(
    'a number of bytes that is none (%d) is a mistake of the caller',
    (bytes) => {
      expect(() => run({ initial: 'PRE_COPY', initialBytes: 1 }, { type: 'READ', bytes })).toThrow(RangeError);
      expect(() => run({ initial: 'RESUMING' }, { ...write, bytes } as DeviceEvent)).toThrow(RangeError);
    },
  );
});
