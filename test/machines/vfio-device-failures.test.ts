/**
 * ERROR and reset, and the SET that fails midway: the device may rest in any state along the way (uapi/linux/vfio.h), and only a reset
 * leaves ERROR.
 */
import { describe, expect, test } from 'vitest';
import { transition } from 'xstate';
import { path } from '../../machines/vfio-arcs.ts';
import { vfioDevice } from '../../machines/vfio-device.ts';
import type { DeviceEvent } from '../../machines/vfio-protocol.ts';
import { DEVICE_STATES, type DeviceState, type FeatureMask } from '../../machines/words.ts';
import { run, set } from './run-vfio-device.ts';

const MASKS: readonly FeatureMask[] = [1, 3, 5, 7];
const stepwise = (target: DeviceState): DeviceEvent => ({ type: 'SET', target, walk: 'stepwise' });
const ARC: DeviceEvent = { type: 'ARC' };
const failed = (rests: 'here' | 'ERROR'): DeviceEvent => ({ type: 'ARC_FAILED', errno: 'EIO', rests });

/** Every way of every device, with every number of arcs that may have been done when one fails. */
const CASES = MASKS.flatMap((features) =>
  DEVICE_STATES.flatMap((from) =>
    DEVICE_STATES.flatMap((target) => {
      const way = path(features, from, target);
      return way === 'EINVAL' ? [] : way.map((_, done) => ({ features, from, target, way, done }));
    }),
  ),
);

describe('a SET that fails midway', () => {
  test.each(CASES)(
    'features $features: $from to $target, after $done arcs',
    ({ features, from, target, way, done }) => {
      const device = { features, initial: from, onBadImage: 'unseen' } as const;
      const arcs = new Array<DeviceEvent>(done).fill(ARC);
      const rested = way[done - 1] ?? from;

      const here = run(device, stepwise(target), ...arcs, failed('here'));
      expect(here.state).toBe(rested);
      expect(here.facts.at(-1)).toEqual({ type: 'SET_FAILED', errno: 'EIO', target, state: rested });
      expect(here.snapshot.context.walk).toBeNull();
      // It is an ordinary state: from here the same SET goes the rest of the way.
      expect(run(device, stepwise(target), ...arcs, failed('here'), set(target)).state).toBe(target);

      const broken = run(device, stepwise(target), ...arcs, failed('ERROR'));
      expect(broken.state).toBe('ERROR');
      expect(broken.facts).toContainEqual({ type: 'SET_FAILED', errno: 'EIO', target, state: 'ERROR' });
      expect(broken.snapshot.context.stream).toBe('none');
      expect(broken.facts.filter(({ type }) => type === 'STREAM_DIED')).toHaveLength(
        here.snapshot.context.stream === 'none' ? 0 : 1,
      );
    },
  );

  test('arcs that nobody waits for are not taken', () => {
    const { snapshot } = run({});
    for (const event of [ARC, failed('here')]) {
      const [next, actions] = transition(vfioDevice, snapshot, event);
      expect(next).toBe(snapshot);
      expect(actions).toEqual([]);
    }
  });

  test('a mirror is told of ERROR with no SET under way', () => {
    const { facts, state } = run({ initial: 'PRE_COPY' }, failed('ERROR'));
    expect(state).toBe('ERROR');
    expect(facts).toEqual([{ type: 'STREAM_DIED', session: 1, stream: 'saving' }]);
  });
});

describe('reset', () => {
  test.each(DEVICE_STATES)('from %s: RUNNING, every stream dead', (initial) => {
    const before = run({ initial }).snapshot.context;
    const { facts, state, snapshot } = run({ initial, initialBytes: 10, stopCopyBytes: 5 }, { type: 'RESET' });
    const died =
      before.stream === 'none' ? [] : [{ type: 'STREAM_DIED', session: before.session, stream: before.stream }];
    expect(facts).toEqual([...died, { type: 'RESET_DONE', from: initial }]);
    expect(state).toBe('RUNNING');
    expect(snapshot.context).toMatchObject({ stream: 'none', initialBytes: 0, dirtyBytes: 0, stopCopyBytes: 0 });
    expect(snapshot.context.at).toBe('RUNNING');
  });

  test('is the way out of ERROR, and the device works as new', () => {
    const { facts, state } = run({ initial: 'ERROR' }, { type: 'RESET' }, set('PRE_COPY'));
    expect(state).toBe('PRE_COPY');
    expect(facts.at(-1)).toEqual({ type: 'SET_DONE', state: 'PRE_COPY', stream: 1 });
  });

  test('by the guest (FLR) in pre-copy: the fd dies under the user, a new session has a new one', () => {
    const { facts } = run(
      { initial: 'PRE_COPY', initialBytes: 10 },
      { type: 'RESET' },
      { type: 'READ', bytes: 1 },
      set('PRE_COPY'),
    );
    expect(facts).toEqual([
      { type: 'STREAM_DIED', session: 1, stream: 'saving' },
      { type: 'RESET_DONE', from: 'PRE_COPY' },
      { type: 'READ_ANSWERED', errno: 'ENODEV' },
      { type: 'SAVING_STREAM_OPENED', session: 2 },
      { type: 'SET_DONE', state: 'PRE_COPY', stream: 2 },
    ]);
  });

  test('in the middle of a SET: the SET is answered, once', () => {
    const { facts, state } = run({}, stepwise('STOP_COPY'), ARC, { type: 'RESET' });
    expect(state).toBe('RUNNING');
    expect(facts).toEqual([
      { type: 'SET_FAILED', errno: 'EIO', target: 'STOP_COPY', state: 'RUNNING' },
      { type: 'RESET_DONE', from: 'RUNNING_P2P' },
    ]);
  });
});

describe('reading back', () => {
  const found = (state: DeviceState): DeviceEvent => ({ type: 'STATE_READ_BACK', state });
  const pairs = DEVICE_STATES.flatMap((from) => DEVICE_STATES.map((state) => ({ from, state })));

  test.each(pairs)('a mirror in $from that learns of $state is there', ({ from, state }) => {
    const { facts, snapshot } = run({ initial: from }, found(state));
    expect(snapshot.value).toBe(state);
    expect(snapshot.context).toMatchObject({ at: state, walk: null });
    expect(facts.filter(({ type }) => type.startsWith('SET_'))).toEqual([]);
  });

  test('where no arcs lead, the device was reset: its stream is dead, another one is open', () => {
    const { facts } = run({ initial: 'STOP_COPY' }, found('PRE_COPY'));
    expect(facts).toEqual([
      { type: 'STREAM_DIED', session: 1, stream: 'saving' },
      { type: 'RESET_DONE', from: 'STOP_COPY' },
      { type: 'SAVING_STREAM_OPENED', session: 2 },
    ]);
    expect(run({ initial: 'STOP' }, found('ERROR')).facts, 'ERROR is not a reset').toEqual([]);
    expect(run({ initial: 'ERROR' }, found('RUNNING')).facts).toEqual([{ type: 'RESET_DONE', from: 'ERROR' }]);
  });

  test('a state that this device cannot be in is not followed', () => {
    const { facts, state } = run({ features: 1 }, found('PRE_COPY'));
    expect(facts).toEqual([{ type: 'READ_BACK_REFUSED', state: 'PRE_COPY' }]);
    expect(state).toBe('RUNNING');
  });

  test('a SET under way is answered, once', () => {
    const { facts, state } = run({}, stepwise('STOP'), found('RUNNING_P2P'));
    expect(state).toBe('RUNNING_P2P');
    expect(facts).toEqual([{ type: 'SET_FAILED', errno: 'EIO', target: 'STOP', state: 'RUNNING_P2P' }]);
  });
});
