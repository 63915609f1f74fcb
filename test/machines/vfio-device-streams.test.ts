/**
 * The data stream, arc by arc: which arc opens, ends or carries on a session, and which SET gives a new fd (uapi/linux/vfio.h).
 */
import { describe, expect, test } from 'vitest';
import { ARCS, path } from '../../machines/vfio-arcs.ts';
import type { DeviceEvent, DeviceFact } from '../../machines/vfio-protocol.ts';
import { DEVICE_STATES, type DeviceState, type FeatureMask } from '../../machines/words.ts';
import { run, set } from './run-vfio-device.ts';

const ALL: readonly FeatureMask[] = [1, 3, 5, 7];
const PRE: readonly FeatureMask[] = [5, 7];
const P2P: readonly FeatureMask[] = [3, 7];

/** The comment above `enum vfio_device_mig_state`: each arc, the devices that have it, what it does to the stream. */
const EFFECTS: readonly (readonly [DeviceState, DeviceState, readonly FeatureMask[], DeviceFact['type'] | 'none'])[] = [
  ['STOP', 'STOP_COPY', ALL, 'SAVING_STREAM_OPENED'],
  ['STOP_COPY', 'STOP', ALL, 'SAVING_STREAM_ENDED'],
  ['STOP', 'RESUMING', ALL, 'RESUMING_STREAM_OPENED'],
  ['RESUMING', 'STOP', ALL, 'RESUMING_STREAM_ENDED'],
  ['RUNNING', 'STOP', [1, 5], 'none'],
  ['STOP', 'RUNNING', [1, 5], 'none'],
  ['RUNNING', 'RUNNING_P2P', P2P, 'none'],
  ['RUNNING_P2P', 'RUNNING', P2P, 'none'],
  ['RUNNING_P2P', 'STOP', P2P, 'none'],
  ['STOP', 'RUNNING_P2P', P2P, 'none'],
  ['RUNNING', 'PRE_COPY', PRE, 'SAVING_STREAM_OPENED'],
  ['PRE_COPY', 'RUNNING', PRE, 'SAVING_STREAM_ENDED'],
  ['PRE_COPY', 'STOP_COPY', [5], 'SAVING_STREAM_CONTINUED'],
  ['PRE_COPY', 'PRE_COPY_P2P', [7], 'SAVING_STREAM_CONTINUED'],
  ['PRE_COPY_P2P', 'PRE_COPY', [7], 'SAVING_STREAM_CONTINUED'],
  ['RUNNING_P2P', 'PRE_COPY_P2P', [7], 'SAVING_STREAM_OPENED'],
  ['PRE_COPY_P2P', 'RUNNING_P2P', [7], 'SAVING_STREAM_ENDED'],
  ['PRE_COPY_P2P', 'STOP_COPY', [7], 'SAVING_STREAM_CONTINUED'],
];
const CELLS = EFFECTS.flatMap(([from, to, masks, effect]) => masks.map((features) => ({ from, to, features, effect })));

const SAVING: readonly DeviceState[] = ['STOP_COPY', 'PRE_COPY', 'PRE_COPY_P2P'];
const kindOf = (state: DeviceState) => (SAVING.includes(state) ? 'saving' : state === 'RESUMING' ? 'resuming' : 'none');

describe('each arc', () => {
  test('the table has every arc for every device that has it, and no other', () => {
    const has = (features: FeatureMask, needs: number, without: number) =>
      (features & needs) === needs && (features & without) === 0;
    const arcs = ARCS.flatMap(({ from, to, needs, without }) =>
      ALL.filter((features) => has(features, needs, without)).map((features) => `${features} ${from} ${to}`),
    );
    expect(arcs.toSorted()).toEqual(CELLS.map(({ features, from, to }) => `${features} ${from} ${to}`).toSorted());
  });

  test.each(CELLS)('features $features: $from to $to: $effect', ({ features, from, to, effect }) => {
    const before = run({ features, initial: from }).snapshot.context.session;
    const { facts, snapshot } = run({ features, initial: from, onBadImage: 'unseen' }, set(to));
    const opens = effect.endsWith('OPENED');
    const session = opens ? before + 1 : before;
    const stream = opens ? session : -1;
    const told = effect === 'none' ? [] : [{ type: effect, session }];
    expect(facts).toEqual([...told, { type: 'SET_DONE', state: to, stream }]);
    expect(snapshot.context).toMatchObject({ session, stream: kindOf(to) });
  });
});

describe('each state', () => {
  test.each(DEVICE_STATES)('%s has its kind of stream', (initial) => {
    expect(run({ initial }).snapshot.context.stream).toBe(kindOf(initial));
    expect(run({ initial }).state).toBe(initial);
  });
});

describe('the fd of a SET', () => {
  // Only a SET whose last arc opens a stream returns one: everything that comes to RESUMING, and everything that comes to a
  // saving state from outside the saving group.
  const pairs = ALL.flatMap((features) =>
    DEVICE_STATES.flatMap((from) => DEVICE_STATES.map((target) => ({ features, from, target }))),
  ).filter(({ features, from, target }) => path(features, from, target) !== 'EINVAL');

  test.each(pairs)('features $features: $from to $target', ({ features, from, target }) => {
    const { facts, snapshot } = run({ features, initial: from, onBadImage: 'unseen' }, set(target));
    const last = facts.at(-1);
    const isNew = from !== target && kindOf(target) !== 'none' && !(SAVING.includes(from) && SAVING.includes(target));
    expect(last).toEqual({ type: 'SET_DONE', state: target, stream: isNew ? snapshot.context.session : -1 });
    expect(facts.filter(({ type }) => type.endsWith('OPENED'))).toHaveLength(isNew ? 1 : 0);
  });

  test('the same state again: success, nothing done, no fd', () => {
    const { facts, snapshot } = run({ initial: 'PRE_COPY' }, set('PRE_COPY'));
    expect(facts).toEqual([{ type: 'SET_DONE', state: 'PRE_COPY', stream: -1 }]);
    expect(snapshot.context).toMatchObject({ session: 1, stream: 'saving' });
  });

  test('STOP_COPY from pre-copy goes on with the old fd; from RUNNING it has its own', () => {
    expect(run({ initial: 'PRE_COPY' }, set('STOP_COPY')).snapshot.context.session).toBe(1);
    const again = run({ initial: 'PRE_COPY' }, set('RUNNING'), set('STOP_COPY'));
    expect(again.snapshot.context.session).toBe(2);
    expect(again.facts.at(-1)).toEqual({ type: 'SET_DONE', state: 'STOP_COPY', stream: 2 });
  });

  test('the state changed, the fd could not be handed out: the SET fails, the stream is dropped', () => {
    const { facts, snapshot, state } = run(
      {},
      { type: 'SET', target: 'PRE_COPY', walk: 'whole', handOutErrno: 'EMFILE' },
    );
    expect(state).toBe('PRE_COPY');
    expect(snapshot.context.stream).toBe('none');
    expect(facts).toEqual([
      { type: 'SAVING_STREAM_OPENED', session: 1 },
      { type: 'SET_FAILED', errno: 'EMFILE', target: 'PRE_COPY', state: 'PRE_COPY' },
      { type: 'STREAM_DIED', session: 1, stream: 'saving' },
    ]);
    // The next SET has no stream to end, and finds its way all the same.
    const left = run({}, { type: 'SET', target: 'PRE_COPY', walk: 'whole', handOutErrno: 'EMFILE' }, set('RUNNING'));
    expect(left.facts.slice(3)).toEqual([{ type: 'SET_DONE', state: 'RUNNING', stream: -1 }]);
  });

  test('a dropped stream is neither carried on nor fed', () => {
    const drop: DeviceEvent = { type: 'SET', target: 'PRE_COPY', walk: 'whole', handOutErrno: 'EMFILE' };
    const { facts, snapshot } = run({}, drop, { type: 'STATE_CHANGED', bytes: 5 }, set('STOP_COPY'));
    expect(snapshot.context.dirtyBytes).toBe(0);
    expect(facts.slice(3)).toEqual([{ type: 'SET_DONE', state: 'STOP_COPY', stream: -1 }]);
  });

  test('nothing to hand out, nothing to fail on', () => {
    const { facts } = run({}, { type: 'SET', target: 'STOP', walk: 'whole', handOutErrno: 'EMFILE' });
    expect(facts).toEqual([{ type: 'SET_DONE', state: 'STOP', stream: -1 }]);
  });
});
