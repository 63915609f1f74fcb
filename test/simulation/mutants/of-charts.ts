/** Charts with one thing wrong: a guard, an action, or where a transition leads. */
import { assign } from 'xstate';
import {
  destination,
  deviceControl,
  dirtyLog,
  dirtyTracking,
  guest,
  hotPlug,
  migration,
  rollBack,
  stopAndCopy,
} from '../../../machines/index.ts';
import { messages } from '../../../machines/messages.ts';
import { type Definition, type Mutant, provided, rewired, statesNamed } from './mutant.ts';
import { both, cancelDuring, either, faultOf, has } from './where.ts';

/** States of the switchover, up to the hand-over. */
const switching = (change: (states: Definition) => void) =>
  rewired(stopAndCopy, ({ states }) => change(states.switching.states));

/** Whoever has given the order is told, the root chart as well. */
const answersAnybody = Object.assign(() => {}, {
  route: { kind: 'message', to: ['stop-and-copy', 'roll-back', 'migration'], type: 'GUEST_REACHED' },
});

/** It can be halted when it is in doubt. */
const halts = rewired(stopAndCopy, ({ states }) => {
  states.inDoubt.on = { HALT: 'halted' };
});

export const CHART_MUTANTS: readonly Mutant[] = [
  {
    name: 'collects before the vCPUs have stopped',
    breaks: 'what they write after the last collect is lost',
    charts: { 'stop-and-copy': switching(({ stoppingGuest }) => (stoppingGuest.always = 'quiescing')) },
  },
  {
    name: 'collects before the devices have stopped',
    breaks: 'what they write after the last collect is lost',
    where: has.device,
    charts: { 'stop-and-copy': switching(({ stoppingDevices }) => (stoppingDevices.always = 'finalSync')) },
  },
  {
    name: 'counts on a guest that did not stop',
    breaks: 'it runs on beside the one on the destination',
    where: faultOf('stopVcpus', 'fails', 'hangs'),
    charts: {
      'stop-and-copy': provided(stopAndCopy, {
        guards: {
          guestStopped: ({ event }: Definition) => event.asked === 'stopped',
          guestDidNotStop: () => false,
        },
      }),
    },
  },
  {
    name: 'skips the P2P barrier',
    breaks: 'a device is stopped while another may still write to it',
    where: has.devices,
    charts: { 'stop-and-copy': switching(({ quiescing }) => (quiescing.always = 'stoppingDevices')) },
  },
  {
    name: 'skips the final sync',
    breaks: 'what was written since the last round is not copied',
    charts: {
      'stop-and-copy': switching(({ stoppingDevices }) => (stoppingDevices.always[1].target = 'copyingMemory')),
    },
  },
  {
    name: 'leaves out the state of the last device',
    breaks: 'it is another device there than the one that the guest left',
    where: has.device,
    charts: {
      'stop-and-copy': provided(stopAndCopy, {
        guards: { allSent: ({ context }: Definition) => context.toSend.length <= 1 },
      }),
    },
  },
  {
    name: 'loads before every device state was sent',
    breaks: 'the destination proves an image that is not there yet',
    where: has.device,
    charts: {
      'stop-and-copy': switching(({ copyingMemory, copyingDevices, loading }) => {
        copyingMemory.on['DONE.sendRemaining'] = 'loading';
        loading.on.DESTINATION_REACHED[0].target = 'copyingDevices';
        copyingDevices.states.next.always[0].target = '#stop-and-copy.switching.releasing';
      }),
    },
  },
  {
    name: 'hands over without releasing the storage',
    breaks: 'the destination cannot have it',
    charts: {
      'stop-and-copy': switching(
        ({ loading }) => (loading.on.DESTINATION_REACHED[0].target = '#stop-and-copy.handingOver'),
      ),
    },
  },
  {
    name: 'collects before the dummy writes',
    breaks: 'what a device wrote that nobody tracks is in no log',
    where: has.driverThatHelps,
    charts: { 'stop-and-copy': switching(({ haltingDma }) => (haltingDma.always = 'collectingDummyWrites')) },
  },
  {
    name: 'resumes the source after the hand-over',
    breaks: 'two guests',
    charts: {
      migration: provided(
        rewired(migration, ({ on, states }) => {
          states.completed.entry.push('resumeGuest');
          on.GUEST_REACHED = {};
        }),
        { actions: messages({ resumeGuest: ['guest', 'RESUME'] }) },
      ),
      guest: provided(guest, { actions: { answer: answersAnybody } }),
    },
  },
  {
    name: 'resumes the source when the start over there timed out',
    breaks: 'a guest that may run there is ended, and an older one goes on',
    where: faultOf('startDestination'),
    charts: {
      destination: provided(
        rewired(destination, ({ states: { owning } }) => {
          owning.on['FAILED.*'] = [
            { guard: 'timedOut', target: 'failed', actions: 'rememberErrno' },
            owning.on['FAILED.*'],
          ];
        }),
        { guards: { timedOut: ({ event }: Definition) => event.errno === 'ETIMEDOUT' } },
      ),
    },
  },
  {
    name: 'rolls back when the hand-over was not answered',
    breaks: 'a guest that may run there is ended, and an older one goes on',
    where: faultOf('startDestination'),
    charts: { migration: provided(migration, { guards: { mayStillRun: () => false } }), 'stop-and-copy': halts },
  },
  {
    name: 'accepts a cancel after the hand-over',
    breaks: 'a guest that may run there is ended, and an older one goes on',
    where: cancelDuring('startDestination'),
    charts: {
      migration: rewired(migration, (definition) => {
        for (const { on } of statesNamed(definition, 'handingOver')) {
          on.CANCEL = { target: '#migration.cancelling', actions: 'noteCancel' };
        }
      }),
      'stop-and-copy': rewired(stopAndCopy, ({ states }) => {
        states.handingOver.on.HALT = 'halted';
      }),
      destination: rewired(destination, ({ states }) => {
        states.owning.on.ABANDON = { target: 'quitting', actions: 'rememberAsker' };
        states.acquiring.on.ABANDON = { target: 'quitting', actions: 'rememberAsker' };
      }),
    },
  },
  {
    name: 'runs the guest before its devices',
    breaks: 'it finds a device that does not answer',
    where: both(has.device, has.cancel),
    charts: {
      'roll-back': rewired(rollBack, ({ states }) => {
        states.reacquiringStorage.on['DONE.acquireStorage'] = 'resumingGuest';
        states.resumingGuest.on.GUEST_REACHED[0].target = 'quietingDevices';
        states.checkingGuest.always = 'resumingDma';
      }),
    },
  },
  {
    name: 'never runs the devices of the destination',
    breaks: 'the guest there finds devices that do not answer',
    where: has.device,
    charts: { destination: rewired(destination, ({ states }) => (states.owning.initial = 'startingVcpus')) },
  },
  {
    name: 'leaves a device that failed without a reset',
    breaks: 'the guest goes on without a device that a reset would have brought back',
    where: both(has.device, faultOf('setDeviceState', 'rests')),
    charts: { device: provided(deviceControl, { guards: { resetHelps: () => false, asksToRun: () => false } }) },
  },
  {
    name: 'loses an order to a device that is busy',
    breaks: 'the device stays where nobody wants it, and whoever gave the order waits for ever',
    where: both(has.device, either(cancelDuring('setDeviceState'), faultOf('setDeviceState', 'slow', 'hangs'))),
    charts: {
      device: rewired(deviceControl, ({ on }) => {
        on.SET_STATE = {};
      }),
    },
  },
  {
    name: 'forgets the roll-back of a tracker that was started',
    breaks: 'a device logs for nobody from then on',
    where: faultOf('startTracking'),
    charts: {
      tracking: provided(dirtyTracking, {
        guards: {
          noneToStop: ({ context }: Definition) => context.started.length === 0 || context.errno !== undefined,
        },
      }),
    },
  },
  {
    name: 'keeps the goal to track after a STOP',
    breaks: 'it tracks on, and whoever stopped it waits for ever',
    charts: {
      tracking: provided(dirtyTracking, {
        actions: { rememberStop: assign(({ event }: Definition) => ({ asker: event.from, syncAsked: false })) },
      }),
    },
  },
  {
    name: 'tracks a hot-plugged device late',
    breaks: 'what it writes until the next change is in no log',
    where: has.plug,
    charts: {
      'hot-plug': provided(
        rewired(hotPlug, ({ states: { joining } }) => {
          joining.entry = joining.entry.filter(({ type }: Definition) => type !== 'tellTracking');
        }),
        {
          guards: {
            everyoneArrived: ({ context }: Definition) =>
              context.waitingFor.every((name: string) => name.startsWith('tracking/')),
          },
        },
      ),
    },
  },
  {
    name: 'ignores the error of a collect',
    breaks: 'part of the log was cleared, and not everything is dirty',
    where: ({ input }) =>
      input.vmm?.afterSyncError === 'allDirty' &&
      (input.faults ?? []).some(({ command }) => command === 'reportDirty' || command === 'getDirtyLog'),
    charts: {
      'dirty-log': provided(dirtyLog, {
        actions: {
          rememberErrno: assign(({ event }: Definition) => (event.errno === undefined ? {} : { errno: event.errno })),
        },
      }),
    },
  },
];
