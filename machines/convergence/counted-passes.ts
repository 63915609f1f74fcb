/**
 * The oldest rule that there is: so many passes, then stop; earlier when there is nothing left to send. It looks neither at
 * time nor at bandwidth, so its downtime is whatever the last set takes. Two vmms that have, or had, it are charts of it.
 */
import { goesOn, type Judging, judgesEach, judging, nothingIsDirty, stopsNow } from './contract.ts';

export interface CountedPassesParameters {
  /** The first pass, of all memory, is one of them. */
  readonly passesMaxCount: number;
}

type Context = Judging<CountedPassesParameters>;

/** The rule as a chart of its own name, with whatever its parameters come to in passes. */
export function countedPasses<P>(name: string, description: string, passesMaxCount: (parameters: P) => number) {
  return judging<CountedPassesParameters, P>()
    .extend({
      guards: {
        nothingIsDirty,
        passesAreUp: ({ context: { observation, parameters } }) =>
          observation !== undefined && observation.round >= parameters.passesMaxCount,
      },
    })
    .createMachine({
      id: `convergence-${name}`,
      description,
      context: ({ input }) => ({
        parameters: { passesMaxCount: passesMaxCount(input.parameters) },
        observation: undefined,
      }),
      ...judgesEach,
      states: {
        watching: {},
        judging: {
          always: [
            { guard: 'nothingIsDirty', target: 'drained' },
            { guard: 'passesAreUp', target: 'passesAreUp' },
            { target: 'another' },
          ],
        },
        another: { entry: goesOn<Context>(reason) },
        drained: { entry: stopsNow<Context>(reason) },
        passesAreUp: {
          description: 'The rest is copied with the guest stopped.',
          entry: stopsNow<Context>(reason),
        },
      },
    });
}

function reason({ observation, parameters }: Context) {
  if (observation === undefined) return {};
  const { round, remainingPages, remainingBytes } = observation;
  return { pass: round, passesMax: parameters.passesMaxCount, dirtyPages: remainingPages, remainingBytes };
}
