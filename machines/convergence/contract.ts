/**
 * The contract of a convergence policy: one question, one answer, both data.
 *
 * A policy is a chart that takes ASSESS with an observation and tells `pre-copy` a verdict with its reason in numbers. It
 * sees what its real counterpart can see and nothing more, and it keeps in its context only what its next verdict needs.
 */
import type { AnyStateMachine } from 'xstate';
import { messages, type Received } from '../messages.ts';
import type { Because, Observation } from '../words.ts';

/** What every policy is started with: its own parameters. The vmm's limits come with each observation. */
export interface PolicyInput<P> {
  readonly parameters: P;
}

/** A policy as the run names it. */
export interface PolicyEntry<P = Readonly<Record<string, unknown>>> {
  readonly name: string;
  readonly version: string;
  /** `vmm`: a rule of the pre-copy loop itself; `manager`: who watches it from outside. */
  readonly role: 'vmm' | 'manager';
  readonly description: string;
  readonly machine: AnyStateMachine;
  readonly defaults: P;
}

export type PolicyEvents = Received<'policy'>;

/** The messages that a policy sends: one for each verdict, so that a drawing shows which. */
export const verdicts = messages({
  tellContinue: ['pre-copy', 'VERDICT'],
  tellSwitchover: ['pre-copy', 'VERDICT'],
});

/** The bytes that fit into the downtime limit at a bandwidth. */
export function thresholdBytes(observation: Pick<Observation, 'bandwidthBytesPerSecond' | 'downtimeLimitMs'>): number {
  return (observation.bandwidthBytesPerSecond * observation.downtimeLimitMs) / 1000;
}

/** The numbers that every verdict can be judged by. */
export function measured(observation: Observation): Because {
  return {
    remainingBytes: observation.remainingBytes,
    bandwidthBytesPerSecond: observation.bandwidthBytesPerSecond,
    thresholdBytes: Math.floor(thresholdBytes(observation)),
  };
}
