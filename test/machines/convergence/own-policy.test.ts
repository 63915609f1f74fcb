/**
 * The chart that asks a user's own function: what it asks with, what it makes of each answer, when it asks again; and what a
 * shadow of any policy tells in place of verdicts.
 */
import { describe, expect, test } from 'vitest';
import { assign, setup } from 'xstate';
import { ownPolicy } from '../../../machines/convergence/own-policy.ts';
import { qemu } from '../../../machines/convergence/qemu.ts';
import { shadowOf } from '../../../machines/convergence/shadow.ts';
import { steppedThrottle } from '../../../machines/convergence/stepped-throttle.ts';
import { messages } from '../../../machines/messages.ts';
import type { Observation } from '../../../machines/words.ts';
import { type Commanded, given, type Outcome } from '../given.ts';

const OBSERVED: Observation = {
  cause: 'round',
  round: 2,
  remainingBytes: 4096,
  remainingPages: 1,
  dirtyPagesBySource: { vcpu: 1 },
  bandwidthBytesPerSecond: 1000,
  downtimeLimitMs: 300,
  throttlePercent: 0,
};
const ASSESS = { type: 'ASSESS', from: 'pre-copy', atNs: 5_000_000, observation: OBSERVED };
const says = (verdict: string, more: object = {}) => ({
  type: 'DONE.decide',
  verdict,
  because: { waitedMs: 3 },
  memory: { since: 2 },
  ...more,
});
const FAILED = { type: 'FAILED.decide', errno: 'EINVAL', reason: 'threw Error: no' };
const verdict = (said: string) => [{ to: 'pre-copy', type: 'VERDICT', verdict: said, because: { waitedMs: 3 } }];
const asked = (memory: unknown, changes: object = {}): readonly Commanded[] => [
  { command: 'decide', policy: 'mine', memory, observation: { ...OBSERVED, atNs: 5_000_000, ...changes } },
];
const PARAMETERS = { policy: 'mine', hash: 'abc', parameters: { limit: 1 } };
const own = given(ownPolicy, { parameters: PARAMETERS });
const WAKE_MS = 2;

describe('a question and its answer', () => {
  const asking = own.when(ASSESS);

  test('it asks with the observation, the time and no memory at first', () => {
    asking.then({ state: 'asking', commanded: asked(null) });
  });

  test('continue', () => {
    asking.when(says('continue')).then({ state: 'goingOn', told: verdict('continue') });
  });

  test('switchover', () => {
    asking.when(says('switchover')).then({ state: 'switching', told: verdict('switchover') });
  });

  test('what it remembered comes back with the next question', () => {
    asking
      .when(says('continue'))
      .when(ASSESS)
      .then({ state: 'asking', commanded: asked({ since: 2 }) });
  });

  test('a later observation asks anew', () => {
    const later = { ...ASSESS, atNs: 6_000_000 };
    asking.when(later).then({ state: 'asking', commanded: asked(null, { atNs: 6_000_000 }) });
  });

  test.each([
    [FAILED, 'policy mine threw Error: no', 'EINVAL'],
    [{ type: 'FAILED.decide', errno: 'ETIMEDOUT' }, 'policy mine did not answer', 'ETIMEDOUT'],
  ])('%j fails the migration: a verdict is not made up', (failed, during, errno) => {
    asking.when(failed).then({ state: 'failed', told: [{ to: 'pre-copy', type: 'POLICY_FAILED', during, errno }] });
  });
});

describe('a wake', () => {
  const sleeping = own.when(ASSESS).when(says('continue', { wakeAtNs: 7_000_000, atNs: 5_000_000 }));
  const again = sleeping.when({ type: 'xstate.after.untilWake.convergence-own-policy.sleeping' });

  test('is timed from when it was asked', () => {
    sleeping.then({ state: 'sleeping', told: verdict('continue'), timers: [WAKE_MS] });
  });

  test('asks again with what was last observed', () => {
    again.then({
      state: 'askingAgain',
      commanded: asked({ since: 2 }, { atNs: 7_000_000, cause: 'wake' }),
      timers: ['cleared'],
    });
  });

  test.each<readonly [ReturnType<typeof says> | typeof FAILED, Outcome]>([
    [says('switchover'), { state: 'switching', told: verdict('switchover') }],
    [says('continue'), { state: 'goingOn', told: verdict('continue') }],
    [
      says('continue', { wakeAtNs: 9_000_000, atNs: 7_000_000 }),
      { state: 'sleeping', told: verdict('continue'), timers: [WAKE_MS] },
    ],
    [FAILED, { state: 'silent', facts: [{ type: 'WARNED', of: 'policy mine threw Error: no', errno: 'EINVAL' }] }],
  ])('%j', (answer, outcome) => {
    again.when(answer).then(outcome);
  });

  test('after one that failed it is asked again when the pass ends', () => {
    again
      .when(FAILED)
      .when(ASSESS)
      .then({ state: 'asking', commanded: asked({ since: 2 }) });
  });
});

describe('a shadow', () => {
  test('tells as a fact what the policy would have told', () => {
    const because = { remainingBytes: 4096, bandwidthBytesPerSecond: 1000, thresholdBytes: 300 };
    given(shadowOf(qemu), { parameters: { switchesOver: 'at-or-below' } })
      .when(ASSESS)
      .then({ state: 'tooMuch', facts: [{ type: 'SHADOW_JUDGED', verdict: 'continue', because }] });
  });

  test("asks a user's function, and tells when it fails", () => {
    const asking = given(shadowOf(ownPolicy), { parameters: PARAMETERS }).when(ASSESS);
    asking.then({ state: 'asking', commanded: asked(null) });
    const during = 'policy mine threw Error: no';
    asking.when(FAILED).then({ state: 'failed', facts: [{ type: 'SHADOW_FAILED', during, errno: 'EINVAL' }] });
  });

  test('is nothing that changes the run', () => {
    expect(() => shadowOf(steppedThrottle)).toThrow(
      /^stepped-throttle cannot be a shadow: its action \w+ would change/,
    );
    const meddling = setup({
      actions: { ...messages({ stopGuest: ['guest', 'STOP'] }), note: assign({}) },
    }).createMachine({ id: 'meddling', on: { ASSESS: { actions: ['note', 'stopGuest'] } } });
    expect(() => shadowOf(meddling)).toThrow('meddling cannot be a shadow: its action stopGuest would change the run');
  });
});
