/**
 * A user's own function as a policy: `(observation, memory, parameters) => ({ verdict, because, memory, wakeAtNs })`.
 *
 * The chart does not call it. It asks with the command `decide` and is answered by whoever runs the function, so that the
 * verdict is a record like any answer and a replay never runs anybody's code. The function's memory is in the context and so
 * is folded with the rest. `wakeAtNs` has it asked again then, with what was last observed, unless a pass ends before: a
 * verdict to switch over ends the pass that is under way.
 *
 * A verdict that pre-copy waits for and that does not come fails the migration: one that nobody gave is not made up, and the
 * guest goes on where it is. One that nobody waits for (after a wake) is a warning, and the end of the pass asks anew.
 */
import { assign, setup } from 'xstate';
import { commands, facts, messages, type Received } from '../messages.ts';
import type { Done, Errno, Failed, Json, Observation } from '../words.ts';
import { type PolicyEntry, type PolicyInput, verdicts } from './contract.ts';

export interface OwnPolicyParameters {
  /** What the function is called, and its content's hash: they stand before its verdicts in a journal. */
  readonly policy: string;
  readonly hash: string;
  /** What the function is given as its third argument. */
  readonly parameters: Readonly<Record<string, Json>>;
}

type Answered = Done<'decide'> | (Failed<'decide'> & { readonly reason?: string });
type Events = Received<'policy'> | (Answered & { readonly atNs: number }) | { readonly type: 'xstate.after' };

interface Context {
  policy: string;
  observation: Observation | undefined;
  /** When it is asked, on the run's clock. */
  atNs: number;
  memory: Json;
  wakeAtNs: number | undefined;
  because: Readonly<Record<string, number>>;
  problem: string;
  errno: Errno;
}

export const ownPolicy = setup({
  types: {} as { context: Context; events: Events; input: PolicyInput<OwnPolicyParameters> },
  actions: {
    ...verdicts,
    ...commands('decide'),
    ...messages({ tellFailure: ['pre-copy', 'POLICY_FAILED'] }),
    ...facts({ warn: 'WARNED' }),
    remember: assign(({ event }) =>
      event.type === 'ASSESS' ? { observation: event.observation, atNs: event.atNs, wakeAtNs: undefined } : {},
    ),
    noteWake: assign(({ context }) => ({
      atNs: context.wakeAtNs ?? context.atNs,
      wakeAtNs: undefined,
      observation: context.observation === undefined ? undefined : { ...context.observation, cause: 'wake' as const },
    })),
    rememberVerdict: assign(({ event }) =>
      event.type === 'DONE.decide' ? { because: event.because, memory: event.memory, wakeAtNs: event.wakeAtNs } : {},
    ),
    rememberProblem: assign(({ event }) =>
      event.type === 'FAILED.decide' ? { problem: event.reason ?? 'did not answer', errno: event.errno } : {},
    ),
  },
  guards: {
    saysSwitchover: ({ event }) => event.type === 'DONE.decide' && event.verdict === 'switchover',
    saysWhenToWake: ({ event }) => event.type === 'DONE.decide' && event.wakeAtNs !== undefined,
  },
  delays: {
    untilWake: ({ context, event }) => {
      const nowNs = event.type === 'DONE.decide' ? event.atNs : context.atNs;
      return Math.max(0, ((context.wakeAtNs ?? nowNs) - nowNs) / 1e6);
    },
  },
}).createMachine({
  id: 'convergence-own-policy',
  description: "A user's own function, asked by command: its verdicts are records, and a replay does not run it.",
  context: ({ input }) => ({
    policy: input.parameters.policy,
    observation: undefined,
    atNs: 0,
    memory: null,
    wakeAtNs: undefined,
    because: {},
    problem: '',
    errno: 'EINVAL',
  }),
  options: { maxIterations: 100 },
  initial: 'watching',
  on: {
    ASSESS: {
      description: 'The latest observation is the one that counts: a question under way is asked anew.',
      target: '.asking',
      actions: 'remember',
      reenter: true,
    },
  },
  states: {
    watching: {},
    asking: {
      description: 'Pre-copy waits for the verdict.',
      entry: question(),
      on: {
        'DONE.decide': answered(),
        'FAILED.decide': { target: 'failed', actions: 'rememberProblem' },
      },
    },
    goingOn: {
      description: 'Another pass; it is asked again when that is over.',
      entry: { type: 'tellContinue', params: ({ context }) => ({ verdict: 'continue', because: context.because }) },
    },
    sleeping: {
      description: 'Another pass; it is asked again when that is over, or at the time that it has named.',
      entry: { type: 'tellContinue', params: ({ context }) => ({ verdict: 'continue', because: context.because }) },
      after: { untilWake: { target: 'askingAgain', actions: 'noteWake' } },
    },
    askingAgain: {
      description: 'In the middle of a pass, with what was last observed. Nobody waits for the verdict.',
      entry: question(),
      on: {
        'DONE.decide': answered(),
        'FAILED.decide': { target: 'silent', actions: 'rememberProblem' },
      },
    },
    switching: {
      entry: { type: 'tellSwitchover', params: ({ context }) => ({ verdict: 'switchover', because: context.because }) },
    },
    silent: {
      entry: { type: 'warn', params: ({ context }) => ({ of: failure(context), errno: context.errno }) },
    },
    failed: {
      description: 'A verdict that nobody gave is not made up.',
      entry: {
        type: 'tellFailure',
        params: ({ context }) => ({ during: failure(context), errno: context.errno }),
      },
    },
  },
});

function question() {
  return {
    type: 'decide',
    params: ({ context }: { readonly context: Context }) => ({
      policy: context.policy,
      observation: { ...(context.observation as Observation), atNs: context.atNs },
      memory: context.memory,
    }),
  } as const;
}

function answered() {
  return [
    { guard: 'saysSwitchover', target: 'switching', actions: 'rememberVerdict' },
    { guard: 'saysWhenToWake', target: 'sleeping', actions: 'rememberVerdict' },
    { target: 'goingOn', actions: 'rememberVerdict' },
  ] as const;
}

function failure({ policy, problem }: Context): string {
  return `policy ${policy} ${problem}`;
}

/** Named by a run whose policy is a function; a scenario names the function's file. */
export const ownPolicyEntry: PolicyEntry<OwnPolicyParameters> = {
  name: 'own-policy',
  version: '1',
  role: 'vmm',
  description: 'a function of yours: vmm.policy: { file: ./mine.mjs }, or --policy ./mine.mjs',
  machine: ownPolicy,
  defaults: { policy: 'own', hash: '', parameters: {} },
};
