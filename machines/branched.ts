/**
 * What an operator changes of a migration that is under way, when its run is branched: another limit, another policy, another
 * manager from here on. A part of migration.ts.
 *
 * The charts keep what they have seen; a policy or a manager that comes now has seen nothing yet, as if its process had just
 * been started. Where pre-copy waits for a verdict, the policy that comes is asked for it. What changes in the world (the link, a cap, what goes wrong) is told to the driver and is no chart's
 * business; it stands in the same record. Once pre-copy is over there is nothing left to change here.
 */
import { manager } from './openings.ts';
import type { Plan } from './plan.ts';

/** What is other than before; absent: as it was. */
export interface PlanChange {
  readonly downtimeLimitMs?: number;
  readonly policy?: Plan['policy'];
  /** null: nobody watches any more. */
  readonly manager?: Plan['manager'] | null;
}

interface Near {
  readonly context: { readonly plan: Plan; readonly sending: string };
  readonly event: object;
}

const changeIn = (event: object): PlanChange => ('plan' in event ? (event.plan as PlanChange) : {});
const isPreCopy = ({ context }: Near) => context.sending === 'pre-copy';
/** The policy's chart is there and has not decided yet. */
const mayDecide = ({ context }: Near) => context.sending !== 'stop-and-copy';
const policyChanges = (near: Near) => mayDecide(near) && changeIn(near.event).policy !== undefined;
const managerChanges = (near: Near) => mayDecide(near) && changeIn(near.event).manager !== undefined;

/** The plan from here on. */
export function branchedPlan(plan: Plan, event: object): Plan {
  const { manager: watching, ...changed } = changeIn(event);
  if (watching === undefined) return { ...plan, ...changed };
  const { manager: _, ...unwatched } = plan;
  return { ...unwatched, ...changed, ...(watching === null ? {} : { manager: watching }) };
}

/** The name says which of all policies, or managers, this chart is: the run's first record names another. */
const named = (chart: string, input: object) => ({ ...input, chart });

const replaced = [
  'rememberBranch',
  {
    type: 'tellLimit',
    params: (near: Near) => {
      const { downtimeLimitMs } = changeIn(near.event);
      const to = isPreCopy(near) && downtimeLimitMs !== undefined ? ['pre-copy'] : [];
      return { to, downtimeLimitMs: downtimeLimitMs ?? 0 };
    },
  },
  {
    type: 'closePolicy',
    params: (near: Near) => ({ addresses: policyChanges(near) ? ['policy'] : [] }),
  },
  {
    type: 'openPolicy',
    params: (near: Near) => {
      const { policy } = changeIn(near.event);
      if (policy === undefined || !mayDecide(near)) return { charts: [] };
      return { charts: [{ address: 'policy', input: named(policy.name, { parameters: policy.parameters }) }] };
    },
  },
  {
    type: 'tellExchanged',
    params: (near: Near) => ({ to: isPreCopy(near) && policyChanges(near) ? ['pre-copy'] : [] }),
  },
  {
    type: 'closeManager',
    params: (near: Near) => ({ addresses: managerChanges(near) ? ['manager'] : [] }),
  },
  {
    type: 'openManager',
    params: (near: Near) => {
      const { manager: watching } = changeIn(near.event);
      if (!managerChanges(near) || watching === undefined || watching === null) return { charts: [] };
      const charts = manager(branchedPlan(near.context.plan, near.event));
      return { charts: charts.map(({ address, input }) => ({ address, input: named(watching.name, input) })) };
    },
  },
  {
    type: 'tellManaged',
    params: (near: Near) => ({
      to: isPreCopy(near) && managerChanges(near) ? ['pre-copy'] : [],
      managed: changeIn(near.event).manager !== null,
    }),
  },
] as const;

export const branched = {
  BRANCHED: {
    description: 'An operator goes on differently from here; what is over is not changed.',
    actions: replaced,
  },
} as const;

/** Before anything has been opened. */
export const branchedAtFirst = {
  BRANCHED: { description: 'It will begin with what is other.', actions: 'rememberBranch' },
} as const;

/** While passes are sent: a manager that comes now finds the migration active. */
export const branchedInPreCopy = {
  BRANCHED: {
    description: 'A manager that comes now finds the migration active.',
    actions: [
      ...replaced,
      {
        type: 'tellManager',
        params: (near: Near) => ({
          to: managerChanges(near) && changeIn(near.event).manager !== null ? ['manager'] : [],
        }),
      },
    ],
  },
} as const;
