/**
 * What is to be drained: VMs of one host, each a scenario with a name and a seed of its own, over one link, so many at a time.
 *
 * A list file names scenarios with counts: `vms: [{ scenario: idle, count: 5 }, { scenario: my-vm.yaml }]`, and may say the
 * link that all share. Without it the scenarios' own link is meant, and they must agree on it.
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { ScenarioError } from '../scenario/error.ts';
import { LINK_RATE, readQuantity } from '../scenario/quantity.ts';
import { readScenario } from '../scenario/read.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { isShippedName } from '../scenario/shipped-files.ts';
import { readSource } from '../scenario/source.ts';

export const ORDERS = ['smallest-first', 'largest-first', 'as-listed', 'least-dirty-first'] as const;
export type Order = (typeof ORDERS)[number];

export interface DrainVm {
  /** `idle-3`: the scenario's name and which of them. */
  readonly name: string;
  readonly scenario: Scenario;
}

export interface DrainPlan {
  readonly vms: readonly DrainVm[];
  /** Of the link that all share. */
  readonly bytesPerSecond: number;
}

/** So many VMs that more is a mistake in a count. */
const VMS_MAX = 10_000;

interface Listed {
  readonly name: string;
  readonly scenario: Scenario;
  readonly count: number;
}

export interface ReadDrainOptions {
  /** Of a scenario, how many; of a list, only the first so many. */
  readonly vms?: number | undefined;
  /** Of the link, in place of what is read. */
  readonly bytesPerSecond?: number | undefined;
}

/** Reads a scenario or a list. Throws a ScenarioError. */
export function readDrain(pathOrName: string, { vms, bytesPerSecond }: ReadDrainOptions = {}): DrainPlan {
  const listed = isShippedName(pathOrName) ? undefined : readList(pathOrName);
  if (listed === undefined) {
    const scenario = readScenario(pathOrName);
    return planOfVms(pathOrName, [{ name: shortName(pathOrName), scenario, count: vms ?? 1 }], bytesPerSecond);
  }
  const plan = planOfVms(pathOrName, listed.vms, bytesPerSecond ?? listed.bytesPerSecond);
  if (vms === undefined || vms >= plan.vms.length) return plan;
  return { ...plan, vms: plan.vms.slice(0, vms) };
}

export function planOfVms(file: string, listed: readonly Listed[], bytesPerSecond: number | undefined): DrainPlan {
  // Before any is made: a count may be any number.
  const all = listed.reduce((sum, { count }) => sum + count, 0);
  if (all > VMS_MAX) refuse(file, null, 'vms', `at most ${VMS_MAX} VMs`, 'count: 20');
  const rates = new Set(listed.map(({ scenario }) => scenario.link.bandwidthBytesPerSecond));
  const [rate] = rates;
  if (bytesPerSecond === undefined && rates.size > 1) {
    refuse(
      file,
      null,
      'link',
      'the bandwidth of the link that all share, because the scenarios have different ones',
      'link: 25Gbit/s',
    );
  }
  for (const { name, scenario } of listed) {
    if (scenario.vmm.postcopy === undefined) continue;
    refuse(
      file,
      null,
      name,
      'a scenario without vmm.postcopy: what post-copy sends does not share a link here',
      'vmm: {}',
    );
  }
  const vms = listed.flatMap(({ name, scenario, count }) =>
    Array.from({ length: count }, (_, index) => ({ name: count === 1 ? name : `${name}-${index + 1}`, scenario })),
  );
  return { vms: distinct(vms), bytesPerSecond: bytesPerSecond ?? rate ?? 0 };
}

/** Two entries may name one scenario. */
function distinct(vms: readonly DrainVm[]): readonly DrainVm[] {
  const seen = new Map<string, number>();
  return vms.map((vm) => {
    const nth = (seen.get(vm.name) ?? 0) + 1;
    seen.set(vm.name, nth);
    return nth === 1 ? vm : { ...vm, name: `${vm.name}.${nth}` };
  });
}

type Mapping = Readonly<Record<string, unknown>>;
const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Undefined for what is no list: a scenario, or a file that a scenario's reader knows to refuse. */
function readList(path: string): { readonly vms: readonly Listed[]; readonly bytesPerSecond?: number } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const source = readSource(text, path);
  const { value } = source;
  if (!isMapping(value) || !('vms' in value)) return undefined;
  const line = (at: readonly PropertyKey[]) => source.locate(at, 'value')?.line ?? null;
  for (const key of Object.keys(value)) {
    if (key !== 'vms' && key !== 'link') {
      refuse(
        path,
        source.locate([key], 'key')?.line ?? null,
        key,
        'the keys vms and link only',
        'vms: [{ scenario: idle, count: 5 }]',
      );
    }
  }
  const { vms, link } = value;
  const entries = Array.isArray(vms) ? vms : [];
  if (entries.length === 0) refuse(path, line(['vms']), 'vms', 'a list of VMs', 'vms: [{ scenario: idle, count: 5 }]');
  const listed = entries.map((entry, index) => readEntry(path, entry, index, line));
  if (link === undefined) return { vms: listed };
  const read = readQuantity(LINK_RATE, link);
  if (!('value' in read) || read.value === 0)
    return refuse(path, line(['link']), 'link', 'a bandwidth', 'link: 25Gbit/s');
  return { vms: listed, bytesPerSecond: read.value };
}

function readEntry(
  path: string,
  entry: unknown,
  index: number,
  line: (at: readonly PropertyKey[]) => number | null,
): Listed {
  const at = `vms[${index}]`;
  const { scenario, count = 1, ...rest } = isMapping(entry) ? entry : ({} as Mapping);
  if (typeof scenario !== 'string' || Object.keys(rest).length > 0) {
    return refuse(path, line(['vms', index]), at, 'a mapping of scenario and count', '{ scenario: idle, count: 5 }');
  }
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1) {
    return refuse(path, line(['vms', index, 'count']), `${at}.count`, 'a whole number from 1', '5');
  }
  // As paths in a scenario do, it starts from the folder of the file that names it.
  const isName = isShippedName(scenario) || isAbsolute(scenario);
  return {
    name: shortName(scenario),
    scenario: readScenario(isName ? scenario : join(dirname(path), scenario)),
    count,
  };
}

/** `vms/idle.yaml` -> `idle`. */
function shortName(path: string): string {
  return (path.split(/[\\/]/).at(-1) ?? path).replace(/\.(ya?ml|json)$/, '');
}

function refuse(file: string, line: number | null, path: string, expected: string, example: string): never {
  const message = `expected ${expected}, for example ${example}`;
  throw new ScenarioError([{ file, line, column: null, path, message, expected, example }]);
}
