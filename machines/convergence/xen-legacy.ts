/**
 * Xen up to 4.5: as many passes as it takes, up to 29, at full rate. Passes end with one that had fewer than 50 pages to send,
 * with the 29th, or when three times the memory has been sent.
 *
 * Source: Xen tools/libxc/xc_domain_save.c before commit b15bc4345e (2015), whose rate limit was compiled out. It is judged by
 * what the pass had to send, before the bitmap is read again. Pages of a pass that are dirty again by the time of their batch
 * are skipped, and count like sent ones where few pages are asked for.
 */
import { goesOn, type Judging, judgesEach, judging, nothingObserved, type PolicyEntry, stopsNow } from './contract.ts';

export interface XenLegacyParameters {
  readonly passesMaxCount: number;
  readonly fewPagesCount: number;
  readonly memoryFactor: number;
}

type Context = Judging<XenLegacyParameters>;

export const xenLegacy = judging<XenLegacyParameters>()
  .extend({
    guards: {
      wasLastPass: ({ context }) => passesAreUp(context),
      hadFewPages: ({ context }) => hadFewPages(context),
      sentTooMuch: ({ context }) => sentTooMuch(context),
    },
  })
  .createMachine({
    id: 'convergence-xen-legacy',
    description:
      'Up to 29 passes, fewer than 50 pages, or three times the memory. Xen tools/libxc/xc_domain_save.c (4.5).',
    context: nothingObserved,
    ...judgesEach,
    states: {
      watching: {},
      judging: {
        always: [
          { guard: 'wasLastPass', target: 'passesAreUp' },
          { guard: 'hadFewPages', target: 'converged' },
          { guard: 'sentTooMuch', target: 'trafficIsUp' },
          { target: 'another' },
        ],
      },
      another: { entry: goesOn<Context>(passNumbers) },
      passesAreUp: { description: 'max_iters.', entry: stopsNow<Context>(passNumbers) },
      converged: { description: 'The pass had next to nothing to send.', entry: stopsNow<Context>(passNumbers) },
      trafficIsUp: { description: 'max_factor times the memory has been sent.', entry: stopsNow<Context>(passNumbers) },
    },
  });

/** What Xen's two older rules share, which count what passes send. */
export type Counting = Readonly<Judging<XenLegacyParameters>>;

export function passesAreUp({ observation, parameters }: Counting): boolean {
  return observation !== undefined && observation.round >= parameters.passesMaxCount;
}

/** A rule that is not told what passes send never finds this. */
export function hadFewPages({ observation, parameters }: Counting): boolean {
  if (observation?.pass === undefined) return false;
  const { sentPages, skippedPages } = observation.pass;
  return sentPages + skippedPages < parameters.fewPagesCount;
}

export function sentTooMuch({ observation, parameters }: Counting): boolean {
  if (observation?.pass === undefined) return false;
  const { totalSentPages, memoryPages } = observation.pass;
  return totalSentPages > parameters.memoryFactor * memoryPages;
}

export function passNumbers({ observation, parameters }: Counting) {
  if (observation === undefined) return {};
  const { round, remainingBytes, pass } = observation;
  const counted =
    pass === undefined
      ? {}
      : {
          sentPages: pass.sentPages,
          skippedPages: pass.skippedPages,
          totalSentPages: pass.totalSentPages,
          totalSentMaxPages: parameters.memoryFactor * pass.memoryPages,
        };
  return { pass: round, remainingBytes, ...counted };
}

export const XEN_LEGACY_PARAMETERS: { readonly [K in keyof XenLegacyParameters]: string } = {
  passesMaxCount: 'max_iters: so many passes at most.',
  fewPagesCount: 'A pass with fewer pages to send is the last.',
  memoryFactor: 'max_factor: so many times the memory is sent at most.',
};

export const xenLegacyPolicy: PolicyEntry<XenLegacyParameters> = {
  name: 'xen-legacy',
  version: '1',
  role: 'vmm',
  description: 'Xen up to 4.5: 29 passes, fewer than 50 pages to send, or 3 times the memory sent',
  source: 'Xen tools/libxc/xc_domain_save.c before commit b15bc4345e',
  machine: xenLegacy,
  defaults: { passesMaxCount: 29, fewPagesCount: 50, memoryFactor: 3 },
  parameters: XEN_LEGACY_PARAMETERS,
  least: { passesMaxCount: 1 },
  loops: ['xen', 'textbook'],
  seesPasses: true,
  skipsDirtied: true,
};
