/**
 * The resuming stream: leaving RESUMING means "the image is complete", and the kernel validates it (uapi/linux/vfio.h).
 */
import { describe, expect, test } from 'vitest';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import type { DeviceState } from '../../machines/words.ts';
import { run, set } from './run-vfio-device.ts';

const write = (bytes: number, more: { complete?: boolean; bad?: boolean } = {}): DeviceEvent => ({
  type: 'IMAGE_WRITTEN',
  bytes,
  complete: false,
  ...more,
});
const written = (bytes: number) => ({ type: 'WRITE_ANSWERED', session: 1, bytes });
const refused = (state: DeviceState, target: DeviceState = 'STOP') => ({
  type: 'SET_FAILED',
  errno: 'EIO',
  target,
  state,
});
const DONE = { type: 'SET_DONE', state: 'STOP', stream: -1 };
const ENDED = { type: 'RESUMING_STREAM_ENDED', session: 1 };
const loading = { initial: 'RESUMING' } as const;

describe('a complete image', () => {
  test.each(['whole', 'stepwise'] as const)('is accepted (%s)', (walk) => {
    const arcs: DeviceEvent[] = walk === 'stepwise' ? [{ type: 'ARC' }] : [];
    const { facts, state } = run(
      loading,
      write(10),
      write(5, { complete: true }),
      { type: 'SET', target: 'STOP', walk },
      ...arcs,
    );
    expect(facts).toEqual([written(10), written(5), ENDED, DONE]);
    expect(state).toBe('STOP');
  });

  test('is validated on the way to anywhere', () => {
    expect(run(loading, write(1, { complete: true }), set('RUNNING')).state).toBe('RUNNING');
    expect(run(loading, write(1), set('RUNNING')).facts.at(-1)).toEqual(refused('RESUMING', 'RUNNING'));
  });
});

describe.each([
  ['empty', []],
  ['truncated', [write(10)]],
  ['bad', [write(10, { bad: true }), write(1, { complete: true })]],
] as const)('an image that is %s', (_, writes) => {
  test.each(['whole', 'stepwise'] as const)(
    'fails the SET and leaves the device in RESUMING, its stream open (%s)',
    (walk) => {
      const arcs: DeviceEvent[] = walk === 'stepwise' ? [{ type: 'ARC' }] : [];
      const { facts, state, snapshot } = run(loading, ...writes, { type: 'SET', target: 'STOP', walk }, ...arcs);
      expect(facts.at(-1)).toEqual(refused('RESUMING'));
      expect(state).toBe('RESUMING');
      expect(snapshot.context).toMatchObject({ stream: 'resuming', walk: null });
    },
  );

  test('or in ERROR, its stream dead', () => {
    const { facts, state } = run({ ...loading, onBadImage: 'error' }, ...writes, set('STOP'));
    expect(facts.slice(-2)).toEqual([refused('ERROR'), { type: 'STREAM_DIED', session: 1, stream: 'resuming' }]);
    expect(state).toBe('ERROR');
  });

  test('is no business of a mirror: the real device has judged it', () => {
    expect(run({ ...loading, onBadImage: 'unseen' }, ...writes, set('STOP')).state).toBe('STOP');
    expect(
      run({ ...loading, onBadImage: 'error' }, ...writes, { type: 'STATE_READ_BACK', state: 'RUNNING' }).state,
    ).toBe('RUNNING');
  });

  test('is abandoned by a reset', () => {
    const { facts, state } = run(loading, ...writes, { type: 'RESET' });
    expect(facts.slice(-2)).toEqual([
      { type: 'STREAM_DIED', session: 1, stream: 'resuming' },
      { type: 'RESET_DONE', from: 'RESUMING' },
    ]);
    expect(state).toBe('RUNNING');
  });
});

describe('after a refusal', () => {
  test('a truncated image is completed', () => {
    expect(run(loading, write(10), set('STOP'), write(5, { complete: true }), set('STOP')).facts.slice(-2)).toEqual([
      ENDED,
      DONE,
    ]);
  });
  test('what was written of a truncated one is kept', () => {
    expect(run(loading, write(10), set('STOP'), write(5)).snapshot.context.image.bytes).toBe(15);
  });
  test('complete stays complete', () => {
    expect(run(loading, write(10, { complete: true }), write(0), set('STOP')).state).toBe('STOP');
  });
  test('a bad one is written again from its start', () => {
    const bad = write(10, { bad: true, complete: true });
    expect(run(loading, bad, set('STOP'), set('STOP')).facts.at(-1)).toEqual(refused('RESUMING'));
    expect(run(loading, bad, set('STOP'), write(10, { complete: true }), set('STOP')).facts.slice(-2)).toEqual([
      ENDED,
      DONE,
    ]);
  });
  test('the next session starts with an empty image', () => {
    const { facts } = run(loading, write(10, { complete: true }), set('STOP'), set('RESUMING'), set('STOP'));
    expect(facts.at(-1)).toEqual(refused('RESUMING'));
  });
});
