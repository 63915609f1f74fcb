/**
 * Machines that are hard to draw, each for its own reason: many arcs between few states, deep nesting with edges across
 * levels, parallel regions, timers, several guarded transitions on one event with long names.
 */
import { type AnyStateMachine, and, assign, createMachine, emit, not, raise, setup } from 'xstate';

const route = (kind: 'command' | 'message' | 'open' | 'close' | 'fact', more: object = {}) =>
  Object.assign(() => {}, { route: { kind, ...more } });

/** Eight states, sixteen arcs and more: the shape of the VFIO migration FSM. */
const flat = createMachine({
  id: 'flat',
  initial: 'RUNNING',
  states: {
    ERROR: { on: { RESET: 'RUNNING' }, description: 'Only a reset leads out.' },
    STOP: {
      on: { TO_RUNNING: 'RUNNING_P2P', TO_STOP_COPY: 'STOP_COPY', TO_RESUMING: 'RESUMING', FAILED: 'ERROR' },
    },
    RUNNING: { on: { TO_P2P: 'RUNNING_P2P', TO_PRE_COPY: 'PRE_COPY', FAILED: 'ERROR' } },
    STOP_COPY: { on: { TO_STOP: 'STOP', FAILED: 'ERROR' } },
    RESUMING: { on: { TO_STOP: 'STOP', FAILED: 'ERROR' } },
    RUNNING_P2P: { on: { TO_RUNNING: 'RUNNING', TO_STOP: 'STOP', TO_PRE_COPY: 'PRE_COPY_P2P', FAILED: 'ERROR' } },
    PRE_COPY: { on: { TO_RUNNING: 'RUNNING', TO_P2P: 'PRE_COPY_P2P', FAILED: 'ERROR' } },
    PRE_COPY_P2P: {
      on: { TO_RUNNING: 'RUNNING_P2P', TO_PRE_COPY: 'PRE_COPY', TO_STOP_COPY: 'STOP_COPY', FAILED: 'ERROR' },
    },
  },
});

/** Three levels of compound states; edges leave deep states, enter deep states, and lead from a parent to its own child. */
const nested = setup({
  actions: {
    stopGuest: route('message', { to: ['guest'], type: 'STOP' }),
    quiesceDevices: route('message', { to: ['device'], type: 'SET_STATE' }),
    answerAll: route('message', { to: ['pre-copy', 'stop-and-copy', 'migration'], type: 'DEVICE_REACHED' }),
    sendRemaining: route('command', { name: 'sendRemaining' }),
    syncBitmap: route('command', { name: 'syncBitmap' }),
    openStopAndCopy: route('open', { chart: 'stop-and-copy' }),
    closeStopAndCopy: route('close', { chart: 'stop-and-copy' }),
    announce: route('fact', { type: 'STATUS_CHANGED' }),
    remember: assign({}),
  },
  guards: { everyoneArrived: () => true, belowThreshold: () => false },
  delays: { giveUp: 1000 },
}).createMachine({
  id: 'nested',
  initial: 'idle',
  entry: 'announce',
  on: { CANCEL: { target: '.active.rollingBack', actions: ['remember', 'closeStopAndCopy'] } },
  states: {
    idle: { on: { MIGRATE: { target: 'active', guard: and(['everyoneArrived', not('belowThreshold')]) } } },
    active: {
      description: 'Guest memory moves while the guest runs.',
      initial: 'copying',
      entry: [{ type: 'announce', params: { status: 'active' } }],
      exit: 'remember',
      after: { giveUp: { target: 'failed', actions: 'remember' } },
      on: { HOST_LOST: 'failed', STATUS: { actions: 'answerAll' } },
      states: {
        copying: {
          initial: 'sending',
          onDone: { target: 'switching', actions: 'openStopAndCopy' },
          states: {
            sending: { entry: 'sendRemaining', on: { ROUND_SENT: 'syncing' } },
            syncing: {
              entry: 'syncBitmap',
              on: {
                SYNCED: [
                  { target: 'converged', guard: 'belowThreshold', actions: 'remember' },
                  { target: 'sending', actions: ['remember', 'announce'] },
                ],
                SYNC_FAILED: { target: '#nested.failed' },
              },
            },
            converged: { type: 'final' },
          },
        },
        switching: {
          initial: 'quiescing',
          on: { DEVICE_FAILED: 'rollingBack', SYNC: '.flushing.again' },
          states: {
            quiescing: {
              entry: ['stopGuest', { type: 'quiesceDevices', params: { target: 'STOP_COPY' } }],
              always: { target: 'flushing', guard: 'everyoneArrived' },
            },
            flushing: {
              initial: 'once',
              states: {
                once: { on: { MORE: 'again', DONE: '#nested.completed' } },
                again: { on: { DONE: '#nested.completed', LESS: { target: 'once', reenter: true } } },
                last: { type: 'history', history: 'deep', target: 'once' },
              },
            },
          },
        },
        rollingBack: { on: { ROLLED_BACK: '#nested.idle', RESUME: 'switching.flushing.last' } },
      },
    },
    completed: { type: 'final', entry: 'announce' },
    failed: { type: 'final', entry: 'announce' },
  },
});

const parallel = setup({ delays: { patience: 10 } }).createMachine({
  id: 'parallel',
  type: 'parallel',
  onDone: undefined,
  states: {
    link: {
      initial: 'up',
      states: {
        up: { on: { LINK_LOST: 'down' } },
        down: { on: { LINK_BACK: 'up' }, after: { patience: 'gone', 300: { actions: raise({ type: 'RETRY' }) } } },
        gone: { type: 'final' },
      },
    },
    guest: {
      initial: 'running',
      states: {
        running: { on: { STOP: 'stopped', THROTTLE: { actions: emit({ type: 'THROTTLED' }) } } },
        stopped: { on: { RESUME: 'running', STOP: {}, HALT: {} }, type: 'parallel', states: { vcpus: {}, clock: {} } },
      },
    },
    devices: {
      initial: 'idle',
      states: {
        idle: { on: { START: 'tracking' } },
        tracking: { on: { STOP: 'idle', SYNC: { target: 'tracking', reenter: true } } },
      },
    },
  },
});

const timers = setup({ delays: { firstWarning: 10, lastWarning: 20, deadline: 30 } }).createMachine({
  id: 'timers',
  initial: 'waiting',
  states: {
    waiting: {
      after: { firstWarning: 'warned', deadline: 'expired' },
      on: { ANSWERED: 'answered' },
    },
    warned: { after: { lastWarning: 'expired', 500: 'waiting' }, on: { ANSWERED: 'answered' } },
    answered: { type: 'final' },
    expired: { type: 'final' },
  },
});

/** One event, many guarded ways: XState tries them in order. */
const guarded = setup({
  guards: {
    thereIsNoRoomForAnotherRoundWithinTheDowntimeLimit: () => false,
    everyDeviceHasAcknowledgedTheSwitchover: () => false,
    remainingIsBelowThreshold: () => false,
    next: (_, _params: { from: string; to: string }) => true,
    isStalled: () => false,
    atMost: (_, _params: { percent: number; strict: boolean }) => false,
  },
  actions: {
    rememberEverythingThatTheNextDecisionNeeds: () => {},
    tellThePolicyWhatWasSeen: route('message', { to: ['policy'], type: 'ASSESS' }),
    raiseThrottle: route('command'),
  },
}).createMachine({
  id: 'guarded',
  initial: 'deciding',
  states: {
    deciding: {
      on: {
        ROUND_ASSESSED: [
          {
            guard: and(['everyDeviceHasAcknowledgedTheSwitchover', 'remainingIsBelowThreshold']),
            target: 'switching',
            actions: ['rememberEverythingThatTheNextDecisionNeeds', 'tellThePolicyWhatWasSeen'],
          },
          { guard: 'thereIsNoRoomForAnotherRoundWithinTheDowntimeLimit', target: 'givingUp' },
          { guard: 'isStalled', target: 'throttling', actions: 'raiseThrottle' },
          { guard: { type: 'atMost', params: { percent: 99, strict: true } }, target: 'throttling' },
          { guard: { type: 'next', params: { from: 'deciding', to: 'sending' } }, target: 'sending' },
          { actions: 'rememberEverythingThatTheNextDecisionNeeds' },
        ],
      },
    },
    throttling: { always: [{ guard: 'isStalled', target: 'givingUp' }, { target: 'sending' }] },
    sending: { on: { ROUND_SENT: 'deciding', '*': 'givingUp' } },
    switching: { type: 'final' },
    givingUp: { type: 'final' },
  },
});

/** As large as this project's largest: nested phases in a ring, each with its own failure, and global escapes. */
const large = createMachine({
  id: 'large',
  initial: 'phase0',
  states: {
    ...Object.fromEntries(
      Array.from({ length: 6 }, (_, phase) => [
        `phase${phase}`,
        {
          initial: 'ordered',
          on: { CANCEL: 'cancelling', [`FAILED.phase${phase}`]: 'failing' },
          states: {
            ordered: { on: { ORDER_TAKEN: 'working' }, entry: 'giveOrder' },
            working: {
              on: {
                HALF_DONE: 'checking',
                [`DONE.phase${phase}`]: phase < 5 ? `#large.phase${phase + 1}` : '#large.completed',
              },
            },
            checking: { on: { WRONG: 'ordered', RIGHT: 'working', LOST: '#large.failing' } },
          },
        },
      ]),
    ),
    cancelling: { on: { CANCELLED: 'cancelled' } },
    failing: { on: { ROLLED_BACK: 'failed', AGAIN: 'phase0' } },
    cancelled: { type: 'final' },
    failed: { type: 'final' },
    completed: { type: 'final' },
  },
} as Parameters<typeof createMachine>[0]);

export const sampleMachines: Readonly<Record<string, AnyStateMachine>> = {
  flat,
  nested,
  parallel,
  timers,
  guarded,
  large,
};
