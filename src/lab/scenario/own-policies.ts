/**
 * Policies of the user's own in a scenario: `{ file: ./mine.mjs, ...parameters }` where a policy or a manager may stand, and
 * the list of shadows. The scenario keeps the file's whole path and the hash of its content, as it does of a trace.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { managers, policies } from '../../../machines/index.ts';
import type { Json } from '../../../machines/words.ts';
import { managerRef, NO_MANAGERS, type OwnPolicyRef, policyRef, refOf } from '../policy/own-policy.ts';
import { loadPolicy } from '../policy/policy-file.ts';
import { leaf } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import type { Scenario, VmmPolicy } from './scenario.ts';

/** What a person writes. */
export interface OwnPolicyInput {
  readonly file: string;
  readonly sha256?: string;
  readonly [parameter: string]: unknown;
}

/** What has been read, before the file has been. */
export interface ReadOwnPolicy {
  readonly name: 'own';
  readonly said: Readonly<Record<string, unknown>>;
}

const EXAMPLE = '{ file: ./patient.mjs }';

/** Any mapping that has a `file`; what is wrong with it is found once the file is looked at. */
export const ownPolicySchema = leaf<OwnPolicyInput, ReadOwnPolicy>({
  expected: 'a policy of your own',
  example: EXAMPLE,
  json: { type: 'object', required: ['file'], properties: { file: { type: 'string' }, sha256: { type: 'string' } } },
  description: 'A module that exports a function or a chart, and its parameters; relative to the scenario’s file.',
  read: (input) =>
    typeof input === 'object' && input !== null && !Array.isArray(input) && 'file' in input
      ? { value: { name: 'own', said: input as Readonly<Record<string, unknown>> } }
      : { hint: null },
});

const names = () => Object.keys(policies).filter((name) => name !== 'own-policy');

const isFile = (text: string) => /[/\\]|\.[cm]?[jt]s$/.test(text);

/** A shadow by name alone; one with parameters is a mapping. */
const shadowName = leaf<string, ReadOwnPolicy | { readonly name: 'manager'; readonly said: string }>({
  expected: 'a policy’s name, a file such as ./mine.mjs, or a mapping with name or file',
  example: 'qemu',
  json: { type: 'string', examples: ['qemu', './mine.mjs'] },
  description: 'A policy that watches and decides nothing: what it would have done is in the report.',
  read: (input) => {
    if (typeof input !== 'string') return { hint: null };
    if (Object.hasOwn(managers, input)) return { value: { name: 'manager', said: input } };
    if (isFile(input)) return { value: { name: 'own', said: { file: input } } };
    return { hint: `policies are ${names().join(', ')}` };
  },
});

/** `policy`: what may stand at vmm.policy. */
export function shadowsSchema<Policy extends z.ZodType>(policy: Policy) {
  return z
    .array(z.union([shadowName, policy]))
    .describe('Policies that watch the run and decide nothing.')
    .optional();
}

/** Its name and hash are the file's: `withOwnPolicies` fills them in. */
export function normaliseOwn({ said }: ReadOwnPolicy): OwnPolicyRef {
  const { file, sha256 = '', ...parameters } = said;
  const [where, hash] = [file, sha256] as [string, string];
  return { name: 'own', called: '', file: where, sha256: hash, is: 'function', parameters: parameters as never };
}

/** A manager by name is no shadow; it is kept as it was said, for the error. */
export function normaliseShadows(
  read: readonly { readonly name: string }[] | undefined,
  normalise: (policy: never) => VmmPolicy,
): Pick<Scenario, 'shadows'> {
  if (read === undefined || read.length === 0) return {};
  return { shadows: read.map((one) => (one.name === 'manager' ? (one as never) : normalise(one as never))) };
}

export function printOwn({ file = '', sha256, parameters }: Omit<OwnPolicyRef, 'name'>): OwnPolicyInput {
  return { file, ...(sha256 === '' ? {} : { sha256 }), ...parameters };
}

/** Every policy's file loaded once, as the scenario is read; `base` is the folder that relative paths start from. */
export function withOwnPolicies(
  scenario: Scenario,
  base: string,
): { readonly scenario: Scenario; readonly findings: readonly Finding[] } {
  const { vmm, manager, shadows } = scenario;
  const findings: Finding[] = [];
  const opened = (ref: OwnPolicyRef, path: Path, role: 'vmm' | 'manager'): OwnPolicyRef => {
    const found = lookedAt(ref, base, path, role);
    if (!Array.isArray(found)) return found as OwnPolicyRef;
    findings.push(...found);
    return ref;
  };
  const watching = shadows?.map((one, index) => {
    const path = ['shadows', index];
    if ((one.name as string) === 'manager') {
      findings.push(finding(path, `${(one as unknown as { said: string }).said} is a manager: ${NO_MANAGERS}`));
    }
    return one.name === 'own' ? opened(one, path, 'vmm') : one;
  });
  if (findings.length === 0) findings.push(...misfits(scenario));
  const resolved: Scenario = {
    ...scenario,
    vmm: vmm.policy.name === 'own' ? { ...vmm, policy: opened(vmm.policy, ['vmm', 'policy'], 'vmm') } : vmm,
    manager: manager.policy === 'own' ? managerRef(opened(policyRef(manager), ['manager'], 'manager')) : manager,
    ...(watching === undefined ? {} : { shadows: watching }),
  };
  return { scenario: resolved, findings };
}

/** A shadow sees what the run's policy sees: one that needs other figures, or another loop, has nothing to judge by. */
function misfits({ vmm, shadows = [] }: Scenario): readonly Finding[] {
  const deciding = policies[vmm.policy.name];
  return shadows.flatMap(({ name }, index) => {
    const entry = policies[name];
    const path = ['shadows', index];
    if (entry === undefined) return [];
    if (entry.loops !== undefined && !entry.loops.includes(vmm.loop)) {
      return [finding(path, `${name} is a rule of the loop ${entry.loops[0]}, and this one is ${vmm.loop}`)];
    }
    const [sees, has] = [figures(entry), figures(deciding ?? {})];
    if (sees === has) return [];
    return [
      finding(path, `${name} is asked otherwise than ${vmm.policy.name}, which decides here: it cannot be its shadow`),
    ];
  });
}

/** How a policy is asked. */
const figures = ({ seesPasses, asksFirst }: { readonly seesPasses?: true; readonly asksFirst?: true }) =>
  `${seesPasses === true} ${asksFirst === true}`;

function lookedAt(
  { file, sha256, parameters }: OwnPolicyRef,
  base: string,
  path: Path,
  role: 'vmm' | 'manager',
): OwnPolicyRef | readonly Finding[] {
  if (typeof file !== 'string' || file === '')
    return [finding([...path, 'file'], `expected the name of a file such as ./mine.mjs`)];
  const whole = resolve(base, file);
  const own = loadPolicy(whole);
  if (typeof own === 'string') return [finding([...path, 'file'], own)];
  if (sha256 !== '' && own.sha256 !== sha256) {
    return [finding([...path, 'sha256'], `${whole} holds something else: its SHA-256 is ${own.sha256}`)];
  }
  const is = own.is === 'function' ? 'vmm' : own.role;
  if (is !== role) {
    const text =
      role === 'manager'
        ? `${own.called} is no manager: a manager is a chart that asks the vmm and gives orders (role: 'manager'); a function stands at vmm.policy`
        : `${own.called} is a manager: it stands at manager, not here`;
    return [finding([...path, 'file'], text)];
  }
  const strange = strangers(parameters, own.defaults, path);
  if (strange.length > 0) return strange;
  return refOf(own, parameters, whole);
}

/** Where the file says which parameters there are, no others are taken. */
function strangers(
  parameters: OwnPolicyRef['parameters'],
  defaults: Readonly<Record<string, Json>> | undefined,
  path: Path,
): readonly Finding[] {
  if (defaults === undefined) return [];
  const known = Object.keys(defaults);
  return Object.keys(parameters)
    .filter((key) => !known.includes(key))
    .map((key) =>
      finding(
        [...path, key],
        `unknown key; ${known.length === 0 ? 'it has no parameters' : `its parameters are ${known.join(', ')}`}`,
      ),
    );
}
