/**
 * The contract of a convergence policy: one question, one answer, both data.
 *
 * A policy is a chart that takes ASSESS with an observation and tells `pre-copy` a verdict with its reason in numbers. It
 * sees what its real counterpart can see and nothing more, and it keeps in its context only what its next verdict needs.
 */
import { type AnyStateMachine, assign, setup } from 'xstate';
import type { LoopName } from '../loops.ts';
import { messages, type Received } from '../messages.ts';
import type { Because, Observation } from '../words.ts';
import type { SteppedThrottleParameters } from './stepped-throttle.ts';

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
  /** Where its rule and its constants are published; absent: the chart's description says. */
  readonly source?: string;
  /** The loops that it fits, its own first; absent: any. */
  readonly loops?: readonly LoopName[];
  /** What each parameter is, for whoever writes a scenario; absent: a scenario cannot set any here. */
  readonly parameters?: { readonly [K in keyof P]: string };
  /** Of parameters that are words: which there are. */
  readonly words?: { readonly [K in keyof P]?: readonly string[] };
  /** Of parameters that are limited: the least that makes sense. */
  readonly least?: { readonly [K in keyof P]?: number };
  /** Each observation has the figures of the pass. */
  readonly seesPasses?: true;
  /** It is asked before the first pass, too. */
  readonly asksFirst?: true;
  /** Passes leave out pages that are dirty again by the time of their batch. */
  readonly skipsDirtied?: true;
  /** How fast the first pass may go, of a rule that sets the pace of each. */
  firstPace?(parameters: P): number;
  /** How fast a pass is at least, as far as the rule goes, that sends all of memory: a pass has time for it. */
  slowestPace?(parameters: P): number;
  /** The vmm's downtime-limit as the rule wants it; absent: the scenario's. */
  downtimeLimit?(parameters: P): number;
  /** It comes with a throttle by passes; the window is what the vCPUs sleep their share of. */
  throttle?(parameters: P): SteppedThrottleParameters & { readonly windowMs: number };
}

export type PolicyEvents = Received<'policy'>;

/** The messages that a policy sends: one for each verdict, so that a drawing shows which. */
export const verdicts = messages({
  tellContinue: ['pre-copy', 'VERDICT'],
  tellSwitchover: ['pre-copy', 'VERDICT'],
});

/** Of a rule that may give up. */
export const givingUp = messages({ tellAbort: ['pre-copy', 'VERDICT'] });

/** What a rule keeps that judges each observation by itself. */
export interface Judging<P> {
  parameters: P;
  observation: Observation | undefined;
}

/** The actions of such a rule; its chart adds the guards. `I`: what it is started with, where its context keeps another form. */
export function judging<P, I = P>() {
  return setup({
    types: {} as { context: Judging<P>; events: PolicyEvents; input: PolicyInput<I> },
    actions: { ...verdicts, remember: assign(({ event }) => ({ observation: event.observation })) },
  });
}

/** Before the first observation. */
export function nothingObserved<P>({ input }: { readonly input: PolicyInput<P> }): Judging<P> {
  return { parameters: input.parameters, observation: undefined };
}

/** Whatever such a rule has come to, the next observation is judged anew: it `watches`, and it is `judging`. */
export const judgesEach = {
  options: { maxIterations: 100 },
  initial: 'watching',
  on: { ASSESS: { target: '.judging', actions: 'remember' } },
} as const;

export const nothingIsDirty = ({ context }: Near<Judging<unknown>>) => context.observation?.remainingPages === 0;

type Reason<C> = (context: C) => Because;
interface Near<C> {
  readonly context: C;
}

/** Another pass, told with the numbers that say so; of a rule that sets the pace of each, with the next one's. */
export function goesOn<C>(because: Reason<C>, pace?: (context: C) => number) {
  return {
    type: 'tellContinue',
    params: ({ context }: Near<C>) => ({
      verdict: 'continue' as const,
      because: because(context),
      ...(pace === undefined ? {} : { paceBytesPerSecond: pace(context) }),
    }),
  } as const;
}

/** What remains goes with the guest stopped. */
export function stopsNow<C>(because: Reason<C>) {
  return {
    type: 'tellSwitchover',
    params: ({ context }: Near<C>) => ({ verdict: 'switchover' as const, because: because(context) }),
  } as const;
}

/** The migration is cancelled. */
export function givesUp<C>(because: Reason<C>) {
  return {
    type: 'tellAbort',
    params: ({ context }: Near<C>) => ({ verdict: 'abort' as const, because: because(context) }),
  } as const;
}

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
