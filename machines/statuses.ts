/**
 * What several statuses of the root chart have in common: how one is announced, and the transitions that they share. Parts of
 * migration.ts, and like it they decide nothing that is another chart's.
 */
import { hotPlug, throttles } from './openings.ts';
import type { Plan } from './plan.ts';

export function status<N extends string>(name: N) {
  return { type: 'announce', params: { status: name } } as const;
}

/** Whatever is opened from now on is opened with the devices that are there. */
export const devicesChange = {
  DEVICES_CHANGED: { description: 'One came or went.', actions: 'rememberDevices' },
} as const;

/** From here on no device comes or goes, and whoever asked for it is told why. */
export function settleDevices(because: string) {
  return {
    type: 'settleDevices',
    params: ({ context }: { readonly context: { readonly plan: Plan } }) => ({
      to: hotPlug(context.plan).map(({ address }) => address),
      because,
    }),
  } as const;
}

/** `PRECOPY_ENDED`: no pass will end any more. `RELEASE`: the vCPUs are to have all of their time again. */
export function tellThrottle(type: 'endThrottle' | 'releaseThrottle') {
  return {
    type,
    params: ({ context }: { readonly context: { readonly plan: Plan } }) => ({ to: throttles(context.plan) }),
  } as const;
}

/** The incoming side may fail by itself while it is being fed. */
export const destinationMayFail = {
  guard: 'destinationFailed',
  target: '#migration.failing',
  actions: 'noteFailure',
} as const;

/** Past the hand-over: arrived, safely back, or in doubt; never cancelled. */
export function handOver<T extends string>(arrived: T) {
  return {
    CANCEL: { description: 'Too late: the destination may own the storage.' },
    DESTINATION_REACHED: { description: 'stop-and-copy asked it, and judges the answer.' },
    SWITCHED_OVER: { target: arrived },
    SWITCHOVER_FAILED: [
      { guard: 'mayStillRun', target: '#migration.in-doubt', actions: 'noteInDoubt' },
      { target: '#migration.failing', actions: 'noteFailure' },
    ],
  } as const;
}

export function onTheWayBack(target: 'cancelled' | 'failed') {
  return {
    ROLLED_BACK: [
      { guard: 'sourceRuns', target },
      { target: 'in-doubt', actions: 'noteSourceStopped' },
    ],
    CANCEL: { description: 'Under way already.' },
    CONTINUE: { description: 'Nothing is paused.' },
    PRECOPY_FAILED: { description: 'The way back has begun.' },
    SWITCHOVER_FAILED: { description: 'The way back has begun.' },
    DESTINATION_REACHED: { description: 'The way back has begun.' },
    PAUSED_BEFORE_SWITCHOVER: { description: 'The way back has begun.' },
  } as const;
}
