/**
 * The guest on the source: are its vCPUs running, throttled or stopped, and who asked last.
 *
 * Orders are goals: STOP and RESUME are accepted in every state, the latest wins, and the answer says what was reached.
 * A stop that failed leaves the guest in doubt (`uncertain`): it is neither counted as stopped nor left alone. Resuming is
 * tried a few times, because a guest that stays stopped is the one thing a roll-back must not leave behind.
 */
import { assign, setup } from 'xstate';
import { type Address, commands, facts, messages, type Received } from './messages.ts';
import type { Answer, Errno } from './words.ts';

/** How often a resume is tried before the guest is given up as stopped; this project's own default. */
export const RESUME_ATTEMPTS_MAX = 3;

interface Context {
  asker: Address;
  goal: 'running' | 'stopped';
  throttlePercent: number;
  /** As the vmm was last told; it stays in force while the guest stands still. */
  orderedPercent: number;
  attempts: number;
  errno: Errno | undefined;
}

type Events = Received<'guest'> | Answer<'stopVcpus' | 'resumeVcpus' | 'throttleVcpus'>;

/**
 * A throttle that is ordered while the guest does not run is in force when it does; one that is taken off is taken off at once,
 * as QEMU's migration does when it ends (cpu_throttle_stop), because nobody may be there any more when it runs.
 */
const whileNotRunning = [
  {
    guard: 'releases',
    actions: ['rememberThrottle', { type: 'throttleVcpus', params: { percent: 0 } }, 'noteOrdered'],
  },
  { actions: 'rememberThrottle' },
] as const;

export const guest = setup({
  types: {} as { context: Context; events: Events },
  actions: {
    ...commands('stopVcpus', 'resumeVcpus', 'throttleVcpus'),
    ...messages({ answer: [['stop-and-copy', 'roll-back', 'manager'], 'GUEST_REACHED'] }),
    ...facts({ warn: 'WARNED' }),
    rememberStop: assign(({ event }) => ({
      goal: 'stopped' as const,
      asker: (event as Received<'guest'>).from,
      errno: undefined,
    })),
    rememberResume: assign(({ event }) => ({
      goal: 'running' as const,
      asker: (event as Received<'guest'>).from,
      errno: undefined,
    })),
    rememberThrottle: assign(({ event }) => (event.type === 'THROTTLE' ? { throttlePercent: event.percent } : {})),
    rememberErrno: assign(({ event }) => ('errno' in event ? { errno: event.errno } : {})),
    countAttempt: assign(({ context }) => ({ attempts: context.attempts + 1 })),
    forgetAttempts: assign({ attempts: 0 }),
    noteOrdered: assign(({ context }) => ({ orderedPercent: context.throttlePercent })),
    forgetThrottle: assign({ throttlePercent: 0 }),
  },
  guards: {
    isThrottled: ({ context }) => context.throttlePercent > 0 || context.orderedPercent > 0,
    isReleased: ({ context }) => context.throttlePercent === 0,
    releases: ({ context, event }) => event.type === 'THROTTLE' && event.percent === 0 && context.orderedPercent > 0,
    wantsStopped: ({ context }) => context.goal === 'stopped',
    wantsRunning: ({ context }) => context.goal === 'running',
    mayTryAgain: ({ context }) => context.attempts < RESUME_ATTEMPTS_MAX,
  },
}).createMachine({
  id: 'guest',
  description: 'vCPU run state of the source guest. QEMU: vm_stop / vm_start, system/cpus.c.',
  context: {
    asker: 'stop-and-copy',
    goal: 'running',
    throttlePercent: 0,
    orderedPercent: 0,
    attempts: 0,
    errno: undefined,
  },
  options: { maxIterations: 100 },
  initial: 'running',
  on: {
    'DONE.throttleVcpus': { description: 'The guest has been told to stop in the meantime.' },
    'FAILED.throttleVcpus': [
      {
        guard: 'isReleased',
        description: 'It will run on as slow as before.',
        actions: { type: 'warn', params: ({ event }) => ({ of: 'throttleVcpus', errno: event.errno }) },
      },
      { description: 'The guest has been told to stop in the meantime.' },
    ],
  },
  states: {
    running: {
      entry: 'forgetAttempts',
      initial: 'choosing',
      on: {
        STOP: { target: 'stopping', actions: 'rememberStop' },
        RESUME: {
          description: 'Already so: the answer says it.',
          actions: [
            'rememberResume',
            { type: 'answer', params: ({ context }) => ({ to: context.asker, asked: 'running', state: 'running' }) },
          ],
        },
      },
      states: {
        choosing: {
          description: 'A throttle that was ordered while the guest stood still is in force when it runs again.',
          always: [{ guard: 'isThrottled', target: 'throttled' }, { target: 'free' }],
        },
        free: {
          on: { THROTTLE: { target: 'throttled', actions: 'rememberThrottle' } },
        },
        throttled: {
          description: 'vCPUs are put to sleep for a share of the time (QEMU cpu-throttle.c).',
          entry: [
            { type: 'throttleVcpus', params: ({ context }) => ({ percent: context.throttlePercent }) },
            'noteOrdered',
          ],
          on: {
            THROTTLE: { target: 'throttled', reenter: true, actions: 'rememberThrottle' },
            'DONE.throttleVcpus': [{ guard: 'isReleased', target: 'free' }, {}],
            'FAILED.throttleVcpus': {
              description: 'The guest runs on as fast, or as slow, as before.',
              target: 'free',
              actions: [
                { type: 'warn', params: ({ event }) => ({ of: 'throttleVcpus', errno: event.errno }) },
                'forgetThrottle',
              ],
            },
          },
        },
      },
    },
    stopping: {
      entry: ['forgetAttempts', 'stopVcpus'],
      on: {
        STOP: { actions: 'rememberStop' },
        RESUME: { description: 'Carried out once the stop has been answered.', actions: 'rememberResume' },
        THROTTLE: whileNotRunning,
        'DONE.stopVcpus': [{ guard: 'wantsRunning', target: 'resuming' }, { target: 'stopped' }],
        'FAILED.stopVcpus': [
          { guard: 'wantsRunning', target: 'resuming', actions: 'rememberErrno' },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    stopped: {
      entry: { type: 'answer', params: ({ context }) => ({ to: context.asker, asked: 'stopped', state: 'stopped' }) },
      on: {
        STOP: { target: 'stopped', reenter: true, actions: 'rememberStop' },
        RESUME: { target: 'resuming', actions: 'rememberResume' },
        THROTTLE: whileNotRunning,
      },
    },
    resuming: {
      entry: ['countAttempt', 'resumeVcpus'],
      on: {
        STOP: { description: 'Carried out once the resume has been answered.', actions: 'rememberStop' },
        RESUME: { actions: 'rememberResume' },
        THROTTLE: whileNotRunning,
        'DONE.resumeVcpus': [
          { guard: 'wantsStopped', target: 'stopping' },
          {
            target: 'running',
            actions: {
              type: 'answer',
              params: ({ context }) => ({ to: context.asker, asked: 'running', state: 'running' }),
            },
          },
        ],
        'FAILED.resumeVcpus': [
          { guard: 'wantsStopped', target: 'stopping', actions: 'rememberErrno' },
          { guard: 'mayTryAgain', target: 'resuming', reenter: true, actions: 'rememberErrno' },
          { target: 'uncertain', actions: 'rememberErrno' },
        ],
      },
    },
    uncertain: {
      description: 'A stop or a resume failed: nobody may count on either. Each order is tried anew.',
      entry: [
        {
          type: 'answer',
          params: ({ context }) => ({ to: context.asker, asked: context.goal, state: 'unknown', errno: context.errno }),
        },
        'forgetAttempts',
      ],
      on: {
        STOP: { target: 'stopping', actions: 'rememberStop' },
        RESUME: { target: 'resuming', actions: 'rememberResume' },
        THROTTLE: whileNotRunning,
      },
    },
  },
});
