/**
 * Functions as a user may hand them over, by name: some decide well, some are asked again in the middle of a pass, and some do
 * what no policy may. They are pure, so that a case stays its seed.
 */
import type { PolicyFunction } from '../../policy/own-policy.ts';

/** It never fails: whatever becomes of the run, it is not its doing. */
const SOUND = {
  /** A pass or two, counted in its memory. */
  counts: (_, memory) => {
    const passes = (memory ?? 0) + 1;
    return { verdict: passes >= 3 ? 'switchover' : 'continue', because: { passes }, memory: passes };
  },
  /** What fits, as QEMU has it. */
  fits: ({ remainingBytes, bandwidthBytesPerSecond, downtimeLimitMs }) => {
    const thresholdBytes = (bandwidthBytesPerSecond * downtimeLimitMs) / 1000;
    return { verdict: remainingBytes <= thresholdBytes ? 'switchover' : 'continue', because: { thresholdBytes } };
  },
  'at-once': () => ({ verdict: 'switchover' }),
  /** Wakes in the middle of a pass and ends it. */
  wakes: ({ cause, atNs }, memory) =>
    cause === 'wake' || memory === 3
      ? { verdict: 'switchover', because: { woken: memory ?? 0 } }
      : { verdict: 'continue', memory: (memory ?? 0) + 1, wakeAtNs: atNs + 7_000_000 },
  /** Wakes again and again, and lets the pass go on. */
  restless: ({ atNs }, memory) =>
    (memory ?? 0) < 40
      ? { verdict: 'continue', memory: (memory ?? 0) + 1, wakeAtNs: atNs + 20_000_000 }
      : { verdict: 'switchover' },
} satisfies Readonly<Record<string, PolicyFunction>>;

const FAULTY = {
  throws: () => {
    throw new Error('planted by the check');
  },
  'throws-later': (_, memory) => {
    if (memory === 2) throw new RangeError('planted by the check');
    return { verdict: 'continue', memory: (memory ?? 0) + 1 };
  },
  'throws-awake': ({ cause, atNs }) => {
    if (cause === 'wake') throw new Error('planted by the check');
    return { verdict: 'continue', wakeAtNs: atNs + 3_000_000 };
  },
  'says-nothing': () => undefined as never,
  'says-maybe': () => ({ verdict: 'maybe' }) as never,
  promises: () => Promise.reject(new Error('planted by the check')) as never,
  'no-number': () => ({ verdict: 'continue', because: { ratio: Number.NaN } }),
  'wakes-before': ({ atNs }) => ({ verdict: 'continue', wakeAtNs: atNs - 1 }),
  'remembers-itself': () => {
    const memory: Record<string, unknown> = {};
    memory.self = memory;
    return { verdict: 'continue', memory };
  },
} satisfies Readonly<Record<string, PolicyFunction>>;

export const OWN_POLICIES: Readonly<Record<keyof typeof SOUND | keyof typeof FAULTY, PolicyFunction>> = {
  ...SOUND,
  ...FAULTY,
};
export type OwnPolicyName = keyof typeof OWN_POLICIES;

/** Whether a run that it decides may fail with nothing else wrong. */
export function isFaulty(name: OwnPolicyName): boolean {
  return Object.hasOwn(FAULTY, name);
}
