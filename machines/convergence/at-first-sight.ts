/** The rule that is none: the first decision is the switchover. What makes a baseline of it is when it is asked. */
import { assign, setup } from 'xstate';
import type { Observation } from '../words.ts';
import { measured, type PolicyEvents, stopsNow, verdicts } from './contract.ts';

export interface FirstSightContext {
  observation: Observation | undefined;
}

export function atFirstSight(name: string, description: string) {
  return setup({
    types: {} as { context: FirstSightContext; events: PolicyEvents },
    actions: {
      tellSwitchover: verdicts.tellSwitchover,
      remember: assign(({ event }) => ({ observation: event.observation })),
    },
  }).createMachine({
    id: `convergence-${name}`,
    description,
    context: { observation: undefined },
    options: { maxIterations: 100 },
    initial: 'watching',
    on: { ASSESS: { target: '.stopping', actions: 'remember' } },
    states: {
      watching: {},
      stopping: {
        entry: stopsNow<FirstSightContext>(({ observation }) =>
          observation === undefined ? {} : measured(observation),
        ),
      },
    },
  });
}
