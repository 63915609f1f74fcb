/**
 * What holds whatever happens: the fold always comes to rest (the kernel's own table once did not: STOP_COPY to PRE_COPY span for ever
 * from Linux 6.2 until commit a26b499b757c), every SET is answered once, and everything is JSON.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { transition } from 'xstate';
import { vfioDevice } from '../../machines/vfio-device.ts';
import type { DeviceEvent, DeviceInput } from '../../machines/vfio-protocol.ts';
import { DEVICE_STATES, type DeviceState, type FeatureMask } from '../../machines/words.ts';
import { run, set } from './run-vfio-device.ts';

const SAVING: readonly DeviceState[] = ['STOP_COPY', 'PRE_COPY', 'PRE_COPY_P2P'];
const bytes = fc.nat(100);
const state = fc.constantFrom(...DEVICE_STATES);
const event: fc.Arbitrary<DeviceEvent> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('SET'), target: state, walk: fc.constantFrom('whole', 'stepwise') }),
  },
  { weight: 6, arbitrary: fc.constant({ type: 'ARC' } as const) },
  fc.record({
    type: fc.constant('SET'),
    target: state,
    walk: fc.constant('whole'),
    handOutErrno: fc.constant('EMFILE'),
  }),
  fc.record({ type: fc.constant('ARC_FAILED'), errno: fc.constant('EIO'), rests: fc.constantFrom('here', 'ERROR') }),
  fc.record({ type: fc.constant('STATE_READ_BACK'), state }),
  fc.record({ type: fc.constant('READ'), bytes }),
  fc.record({ type: fc.constant('STATE_CHANGED'), bytes }),
  fc.record({ type: fc.constant('REINITIALISED'), initialBytes: bytes }),
  fc.record({ type: fc.constant('IMAGE_WRITTEN'), bytes, complete: fc.boolean(), bad: fc.boolean() }),
  fc.constantFrom(
    { type: 'RESET' },
    { type: 'GET_PRECOPY_INFO' },
    { type: 'MIG_DATA_SIZE' },
    { type: 'REINIT_OPT_IN' },
  ),
) as fc.Arbitrary<DeviceEvent>;
const device = fc.record({
  features: fc.constantFrom<FeatureMask>(1, 3, 5, 7),
  initialBytes: bytes,
  stopCopyBytes: bytes,
  onBadImage: fc.constantFrom<DeviceInput['onBadImage']>('stay', 'error', 'unseen'),
});
const events = fc.array(event, { maxLength: 40 });

describe('whatever happens', () => {
  test('the context is JSON and agrees with the state; a stream is open only where there can be one', () => {
    fc.assert(
      fc.property(device, events, (input, happened) => {
        const { snapshot } = run(input, ...happened);
        const { context } = snapshot;
        expect(snapshot.status).toBe('active');
        expect(JSON.parse(JSON.stringify(context))).toEqual(context);
        expect(context.at).toBe(snapshot.value);
        if (context.stream === 'saving') expect(SAVING).toContain(snapshot.value);
        if (context.stream === 'resuming') expect(snapshot.value).toBe('RESUMING');
        for (const left of [context.initialBytes, context.dirtyBytes, context.stopCopyBytes])
          expect(left).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 300 },
    );
  });

  test('every SET is answered exactly once, and only one can be waiting', () => {
    fc.assert(
      fc.property(device, events, (input, happened) => {
        const { facts, snapshot } = run(input, ...happened);
        const asked = happened.filter(({ type }) => type === 'SET').length;
        const answered = facts.filter(({ type }) => type === 'SET_DONE' || type === 'SET_FAILED').length;
        expect(answered).toBe(asked - (snapshot.context.walk === null ? 0 : 1));
        if (snapshot.context.walk !== null)
          expect(snapshot.context.walk).toMatchObject({ why: 'set', walk: 'stepwise', arcDue: false });
      }),
      { numRuns: 300 },
    );
  });

  test('every session that opens is closed once: ended, dead, or still open', () => {
    fc.assert(
      fc.property(device, events, (input, happened) => {
        const { facts, snapshot } = run(input, ...happened);
        const sessions = (...suffixes: readonly string[]) =>
          facts.flatMap((fact) =>
            'session' in fact && suffixes.some((suffix) => fact.type.endsWith(suffix)) ? [fact.session] : [],
          );
        const open = snapshot.context.stream === 'none' ? [] : [snapshot.context.session];
        expect([...sessions('STREAM_ENDED', 'STREAM_DIED'), ...open]).toEqual(sessions('STREAM_OPENED'));
      }),
      { numRuns: 300 },
    );
  });

  test('a fold goes on from a snapshot that went through JSON', () => {
    fc.assert(
      fc.property(device, events, events, (input, before, after) => {
        const { snapshot } = run(input, ...before);
        const stored = JSON.parse(JSON.stringify(vfioDevice.getPersistedSnapshot(snapshot)));
        let restored = vfioDevice.resolveState({ value: stored.value, context: stored.context });
        for (const next of after) [restored] = transition(vfioDevice, restored, next);
        const straight = run(input, ...before, ...after).snapshot;
        expect([restored.value, restored.context]).toEqual([straight.value, straight.context]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the request that span for ever in Linux 6.2 to June 2026', () => {
  test.each([5, 7] as const)(
    'comes back at once (features %i), again and again, and Cancel goes the other way',
    (features) => {
      const targets: readonly DeviceState[] = features === 7 ? ['PRE_COPY', 'PRE_COPY_P2P'] : ['PRE_COPY'];
      for (const target of targets) {
        const { facts, state } = run({ features, initial: 'STOP_COPY' }, set(target), set(target), {
          type: 'SET',
          target,
          walk: 'stepwise',
        });
        const answer = { type: 'SET_FAILED', errno: 'EINVAL', target, state: 'STOP_COPY' };
        expect(facts).toEqual([answer, answer, answer]);
        expect(state).toBe('STOP_COPY');
      }
      const back = run({ features, initial: 'STOP_COPY' }, set('RUNNING'), set('PRE_COPY'));
      expect(back.state).toBe('PRE_COPY');
      expect(back.snapshot.context.session).toBe(2);
    },
  );

  test('a chart that came to spin would throw, not hang', () => {
    expect(vfioDevice.options.maxIterations).toBe(100);
  });
});
