/**
 * The policies of one run that are the user's own: where each stands in the system, the charts that it needs, and what stands
 * for it in the fingerprint. A scenario names a file with the hash of its content; a program hands over a function or chart.
 */
import { resolve } from 'node:path';
import { chartsFor, type Kind, policies } from '../../../machines/index.ts';
import type { OutputRoute } from '../../../machines/messages.ts';
import type { Plan } from '../../../machines/plan.ts';
import type { CommandName } from '../../../machines/words.ts';
import type { Opened } from '../../core/record.ts';
import { type ChartSet, chartSet } from '../../core/system.ts';
import type { Driver } from '../../drivers/driver.ts';
import { fingerprint } from '../../run/fingerprint.ts';
import { requireCommands } from '../../run/needs.ts';
import { indexOf, shadowChart } from '../../run/shadow-charts.ts';
import { VERSION } from '../../version.ts';
import type { Scenario } from '../scenario/scenario.ts';
import type { Deciders } from './deciding-driver.ts';
import {
  type GivenPolicy,
  hashOf,
  managerRef,
  NO_MANAGERS,
  type OwnChart,
  type OwnPolicy,
  type OwnPolicyRef,
  ownPolicyOf,
  policyRef,
  refOf,
} from './own-policy.ts';
import { PolicyError } from './policy-error.ts';
import { loadPolicy } from './policy-file.ts';

/** Handed over by a program, in place of what the scenario says. */
export interface GivenPolicies {
  /** A function, a chart or a file; a chart of a manager stands in for the manager. */
  readonly policy?: GivenPolicy | undefined;
  /** Those that watch as well, and decide nothing. */
  readonly shadows?: readonly GivenPolicy[] | undefined;
}

/** The user's own policies by the address of the chart. */
export type OwnPolicies = ReadonlyMap<string, OwnPolicy>;

/** The scenario with what was handed over in it, and every policy of its that is the user's own. Throws a PolicyError. */
export function withGiven(
  scenario: Scenario,
  { policy, shadows }: GivenPolicies,
): { readonly scenario: Scenario; readonly own: OwnPolicies } {
  let given = scenario;
  const handedOver = new Map<string, OwnPolicy>();
  if (policy !== undefined) {
    const { own, ref } = lookedAt(policy);
    const isManager = own.is === 'chart' && own.role === 'manager';
    handedOver.set(isManager ? 'manager' : 'policy', own);
    given = isManager ? { ...given, manager: managerRef(ref) } : { ...given, vmm: { ...given.vmm, policy: ref } };
  }
  if (shadows !== undefined && shadows.length > 0) {
    const first = given.shadows?.length ?? 0;
    const more = shadows.map(lookedAt);
    for (const [index, { own }] of more.entries()) handedOver.set(`shadow/${first + index}`, own);
    given = { ...given, shadows: [...(given.shadows ?? []), ...more.map(({ ref }) => ref)] };
  }
  return { scenario: given, own: ownPoliciesOf(given, handedOver) };
}

/** Every own policy that a scenario names, loaded; those that were handed over are taken as they are. Throws a PolicyError. */
export function ownPoliciesOf(scenario: Scenario, handedOver: OwnPolicies = new Map()): OwnPolicies {
  const own = new Map<string, OwnPolicy>();
  for (const [address, ref] of refsOf(scenario)) {
    const found = handedOver.get(address) ?? again(ref);
    own.set(address, found);
    const isManager = found.is === 'chart' && found.role === 'manager';
    if (address.startsWith('shadow/') && isManager) throw new PolicyError(`${ref.called} is a manager: ${NO_MANAGERS}`);
    if (found.is === 'chart' && address.startsWith('shadow/')) mustOnlyWatch(found);
  }
  return own;
}

/**
 * What a journal's run needs to be folded: charts. A function is not needed for that, since its verdicts are records; only a
 * run that is made again calls it. Throws a PolicyError for a file that is not there, or not as it was.
 */
export function ownPoliciesIn({ scenario }: Pick<Opened, 'scenario'>, toBeMadeAgain = false): OwnPolicies {
  return new Map(
    refsOf(scenario as Scenario)
      .filter(([, { is }]) => toBeMadeAgain || is === 'chart')
      .map(([address, ref]) => [address, again(ref)]),
  );
}

function mustOnlyWatch({ machine }: OwnChart): void {
  try {
    shadowChart(machine);
  } catch (error) {
    throw new PolicyError((error as Error).message);
  }
}

function refsOf({ vmm, manager, shadows = [] }: Scenario): readonly (readonly [string, OwnPolicyRef])[] {
  const all = [
    ['policy', vmm.policy],
    ...(manager.policy === 'own' ? [['manager', policyRef(manager)] as const] : []),
    ...shadows.map((one, index) => [`shadow/${index}`, one] as const),
  ] as const;
  return all.flatMap(([address, one]) => (one.name === 'own' ? [[address, one as OwnPolicyRef] as const] : []));
}

/** What a scenario names, in the state in which it was when the scenario was read. */
function again({ called, file, sha256 }: OwnPolicyRef): OwnPolicy {
  if (file === undefined) {
    throw new PolicyError(
      `policy ${called} was handed over by a program: a run with it is made where it is handed over again`,
    );
  }
  const found = loadPolicy(file);
  if (typeof found === 'string') throw new PolicyError(`policy ${called}: ${found}`);
  if (found.sha256 !== sha256) {
    throw new PolicyError(
      `policy ${called}: ${file} has changed: its SHA-256 is ${found.sha256}, and the run is of ${sha256}`,
    );
  }
  return found;
}

function lookedAt(given: GivenPolicy): { readonly own: OwnPolicy; readonly ref: OwnPolicyRef } {
  const file = typeof given === 'string' ? resolve(given) : undefined;
  const own = file === undefined ? ownPolicyOf(given) : loadPolicy(file);
  if (typeof own === 'string')
    throw new PolicyError(file === undefined ? `the policy that was handed over: ${own}` : own);
  return { own, ref: refOf(own, {}, file) };
}

/** Functions among them, with what the scenario gives each. */
export function decidersIn(own: OwnPolicies, scenario: Scenario): Deciders {
  const refs = new Map(refsOf(scenario));
  return new Map(
    [...own].flatMap(([address, one]) =>
      one.is === 'function' ? [[address, { own: one, parameters: refs.get(address)?.parameters ?? {} }] as const] : [],
    ),
  );
}

/** Undefined where the package's own charts do. */
export function ownCharts(plan: Plan, own: OwnPolicies): ChartSet | undefined {
  const charts = chartsIn(own);
  if (charts.size === 0) return undefined;
  const [policy, manager] = [charts.get('policy'), charts.get('manager')];
  const base = chartSet({
    ...packaged(plan, own),
    ...(policy === undefined ? {} : { policy: policy.machine }),
    ...(manager === undefined ? {} : { manager: manager.machine }),
  } as Readonly<Partial<Record<Kind, OwnChart['machine']>>>);
  return {
    root: base.root,
    chart(kind, address) {
      const shadow = kind === 'shadow' ? charts.get(`shadow/${indexOf(address)}`) : undefined;
      return shadow === undefined ? base.chart(kind, address) : shadowChart(shadow.machine);
    },
  };
}

/** As `fingerprint`, and of every chart that this run has and others have not. */
export function fingerprintOf(plan: Plan, own: OwnPolicies): string {
  const { policy, manager } = namesOf(plan, own);
  const packages = fingerprint(policy, VERSION, manager);
  const shadows = (plan.shadows ?? []).map(({ name }) => policies[name]?.machine.config);
  const charts = [...chartsIn(own)].map(([address, { machine }]) => [address, machine.config]);
  if (shadows.length === 0 && charts.length === 0) return packages;
  return hashOf(JSON.stringify([packages, shadows, charts])).slice(0, 16);
}

/** As `requireCommands`, also for charts of the user's own. */
export function requireFor(driver: Driver, plan: Plan, own: OwnPolicies): void {
  const { policy, manager } = namesOf(plan, own);
  const { manager: _, ...unmanaged } = plan;
  requireCommands(driver, policy, manager === undefined && plan.manager !== undefined ? unmanaged : plan);
  for (const { called, machine } of chartsIn(own).values()) {
    const missing = commandsOf(machine).filter((name) => !driver.commands.has(name));
    if (missing.length > 0) {
      throw new PolicyError(`driver "${driver.name}" cannot do ${missing.join(', ')}, which the chart ${called} needs`);
    }
  }
}

function commandsOf({ implementations }: OwnChart['machine']): readonly CommandName[] {
  return Object.values(implementations.actions).flatMap((action) => {
    const { route } = action as { readonly route?: OutputRoute };
    return route?.kind === 'command' ? [route.name] : [];
  });
}

const packaged = (plan: Plan, own: OwnPolicies) => {
  const { policy, manager } = namesOf(plan, own);
  return chartsFor(policy, manager);
};

/** Names that this package knows; another policy stands in for a chart of the user's own. */
function namesOf(plan: Plan, own: OwnPolicies): { readonly policy: string; readonly manager: string | undefined } {
  const charts = chartsIn(own);
  return {
    policy: charts.has('policy') ? 'qemu' : plan.policy.name,
    manager: charts.has('manager') ? undefined : plan.manager?.name,
  };
}

function chartsIn(own: OwnPolicies): ReadonlyMap<string, OwnChart> {
  return new Map([...own].flatMap(([address, one]) => (one.is === 'chart' ? [[address, one] as const] : [])));
}
