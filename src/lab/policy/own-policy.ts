/**
 * A policy of the user's own: a pure function, or an XState chart that keeps the contract of machines/convergence.
 *
 * A function is asked at the end of each pass and gives back a verdict with its reason in numbers, and the memory that it
 * will be given the next time. It must give the same for the same: its verdicts are recorded, so that a replay does not run
 * it, but a run that is made again does, and tells where it differs.
 */
import { createHash } from 'node:crypto';
import type { AnyStateMachine } from 'xstate';
import { ownPolicyEntry } from '../../../machines/index.ts';
import type { Plan } from '../../../machines/plan.ts';
import type { Because, Json, OwnObservation } from '../../../machines/words.ts';

/** `memory` is null at the first question; `parameters` are the scenario's. */
export type PolicyFunction = (
  observation: OwnObservation,
  // biome-ignore lint/suspicious/noExplicitAny: whoever writes the function knows what it keeps.
  memory: any,
  // biome-ignore lint/suspicious/noExplicitAny: and what its scenarios give it.
  parameters: any,
) => PolicyVerdict;

export interface PolicyVerdict {
  readonly verdict: 'continue' | 'switchover';
  /** The reason in numbers, each with its unit at the end of its name; none unless given. */
  readonly because?: Because | undefined;
  /** JSON; null unless given. */
  readonly memory?: unknown;
  /** Ask again at this time on the run's clock, if no pass has ended before. */
  readonly wakeAtNs?: number | undefined;
}

/** A chart as `PolicyEntry` and `ManagerEntry` describe one, of which the machine is all that must be there. */
export interface PolicyChart {
  readonly machine: AnyStateMachine;
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly role?: 'vmm' | 'manager' | undefined;
  readonly defaults?: object | undefined;
}

/** What a program may hand over: a file, a function or a chart. */
export type GivenPolicy = string | PolicyFunction | PolicyChart;

/** One that has been looked at. */
export type OwnPolicy = OwnFunction | OwnChart;

interface Own {
  readonly called: string;
  readonly sha256: string;
  /** Which parameters there are, with what they are unless a scenario says otherwise; absent: whatever a scenario gives. */
  readonly defaults?: Readonly<Record<string, Json>>;
}

export interface OwnFunction extends Own {
  readonly is: 'function';
  readonly decide: PolicyFunction;
}

export interface OwnChart extends Own {
  readonly is: 'chart';
  readonly role: 'vmm' | 'manager';
  readonly version: string;
  readonly machine: AnyStateMachine;
}

/** As it stands in a scenario. */
export interface OwnPolicyRef {
  readonly name: 'own';
  readonly called: string;
  /** Whole path; absent: a program handed it over. */
  readonly file?: string;
  readonly sha256: string;
  readonly is: 'function' | 'chart';
  readonly parameters: Readonly<Record<string, Json>>;
}

/** The same where a manager stands. */
export type OwnManagerRef = Omit<OwnPolicyRef, 'name'> & { readonly policy: 'own' };

export const managerRef = ({ name: policy, ...ref }: OwnPolicyRef): OwnManagerRef => ({ policy, ...ref });
export const policyRef = ({ policy: name, ...ref }: OwnManagerRef): OwnPolicyRef => ({ name, ...ref });

/** As a report calls it. */
export function policyName(policy: { readonly name: string; readonly called?: unknown }): string {
  return policy.name === 'own' ? String(policy.called) : policy.name;
}

export function managerName(manager: { readonly policy: string; readonly called?: unknown }): string {
  return manager.policy === 'own' ? String(manager.called) : manager.policy;
}

/** Why a manager does not watch as a shadow. */
export const NO_MANAGERS =
  'a shadow must not change the run, and a manager asks the vmm at each poll; run it once as the manager and compare';

export const NOT_A_POLICY =
  'it exports no policy: expected an export "policy", or a default export, that is a function (observation, memory) => ({ verdict, because, memory }) or an XState machine';

/** What was exported or handed over, as a policy; a sentence where it is none. `called` and `sha256` are the file's. */
export function ownPolicyOf(
  given: unknown,
  about: { readonly called?: string; readonly sha256?: string; readonly parameters?: unknown } = {},
): OwnPolicy | string {
  const defaults = about.parameters;
  if (defaults !== undefined && !isMapping(defaults))
    return 'its export "parameters" is no mapping of names to defaults';
  if (typeof given === 'function') {
    return {
      is: 'function',
      called: about.called ?? (given.name || 'function'),
      sha256: about.sha256 ?? hashOf(String(given)),
      ...(defaults === undefined ? {} : { defaults: defaults as OwnFunction['defaults'] & object }),
      decide: given as PolicyFunction,
    };
  }
  const entry: Partial<PolicyChart> = isMachine(given) ? { machine: given } : isMapping(given) ? given : {};
  if (!isMachine(entry.machine)) return NOT_A_POLICY;
  const { machine, name, version = '1', role = 'vmm' } = entry;
  if (role !== 'vmm' && role !== 'manager') return `its role is ${JSON.stringify(role)}: expected vmm or manager`;
  return {
    is: 'chart',
    called: name ?? about.called ?? machine.id,
    sha256: about.sha256 ?? hashOf(JSON.stringify(machine.config)),
    defaults: (entry.defaults ?? defaults ?? {}) as Readonly<Record<string, Json>>,
    role,
    version,
    machine,
  };
}

/** How a scenario names it. `parameters`: what is to be other than the defaults. */
export function refOf(own: OwnPolicy, parameters: OwnPolicyRef['parameters'] = {}, file?: string): OwnPolicyRef {
  return {
    name: 'own',
    called: own.called,
    ...(file === undefined ? {} : { file }),
    sha256: own.sha256,
    is: own.is,
    parameters: { ...own.defaults, ...parameters },
  };
}

/** How much of the content's hash stands before each verdict in a journal. */
const HASH_DIGITS = 16;

export const shortHash = (sha256: string) => sha256.slice(0, HASH_DIGITS);

/** What a plan calls a chart of the user's own: no other policy is called so. */
const chartName = (called: string) => `own:${called}`;

/** In a plan a function is the chart that asks it, and a chart stands for itself. */
export function planOwn({ called, sha256, is, parameters }: OwnPolicyRef): Plan['policy'] {
  if (is === 'chart') return { name: chartName(called), version: shortHash(sha256), parameters };
  const { name, version } = ownPolicyEntry;
  return { name, version, parameters: { policy: called, hash: shortHash(sha256), parameters } };
}

export function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function isMachine(value: unknown): value is AnyStateMachine {
  return isMapping(value) && 'config' in value && 'implementations' in value && typeof value.transition === 'function';
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
