/**
 * The workloads that know no time of their own, without the vCPUs that run them: what phases are made of, and what the
 * host's own writers do. A kind's rules stay in its file; here they are only put into other company.
 */
import { z } from 'zod';
import { section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import type { Path } from '../places.ts';
import type { Vm } from '../vm.ts';
import { type CurveWorkload, curve } from './curve.ts';
import { type CycleWorkload, cycle } from './cycle.ts';
import { type RandomWorkload, random } from './random.ts';
import { type SequentialWorkload, sequential } from './sequential.ts';
import type { WorkloadRoom } from './writing.ts';
import { type ZipfWorkload, zipf } from './zipf.ts';

type Kind = RandomWorkload | ZipfWorkload | CycleWorkload | SequentialWorkload | CurveWorkload;
type WithoutVcpus<One> = One extends unknown ? Omit<One, 'vcpus'> : never;

/** A set, where it lies, and how it is written. */
export type SteadyWorkload = WithoutVcpus<Kind>;

const { vcpus: _r, ...randomKeys } = random.schema.shape;
const { vcpus: _z, ...zipfKeys } = zipf.schema.shape;
const { vcpus: _c, ...cycleKeys } = cycle.schema.shape;
const { vcpus: _s, ...sequentialKeys } = sequential.schema.shape;
const { vcpus: _u, ...curveKeys } = curve.schema.shape;

/** Each kind's own keys, for a section that adds its own to them. */
export const steadyKeys = {
  random: randomKeys,
  zipf: zipfKeys,
  cycle: cycleKeys,
  sequential: sequentialKeys,
  curve: curveKeys,
};

/** The shape of its own keys. */
const steadySchema = z.discriminatedUnion('kind', [
  section(randomKeys),
  section(zipfKeys),
  section(cycleKeys),
  section(sequentialKeys),
  section(curveKeys),
]);
export type ReadSteady = z.output<typeof steadySchema>;
export type SteadyInput = z.input<typeof steadySchema>;

/** A kind's rules, whatever the kind: the key that finds it says that its types agree. */
interface Rules {
  normalise(read: ReadSteady, room: WorkloadRoom): Kind;
  check(workload: Kind, vm: Vm, path: Path): readonly Finding[];
  print(workload: Kind): SteadyInput & { vcpus?: unknown };
}
const RULES = { random, zipf, cycle, sequential, curve } as unknown as Readonly<Record<Kind['kind'], Rules>>;

/** Nobody's vCPUs: the rules want some. */
const NO_VCPUS = { vcpus: [] as readonly number[] };

export function normaliseSteady(read: ReadSteady, room: WorkloadRoom): SteadyWorkload {
  const { vcpus: _, ...steady } = RULES[read.kind].normalise(read, room);
  return steady as SteadyWorkload;
}

export function checkSteady(steady: SteadyWorkload, vm: Vm, path: Path): readonly Finding[] {
  return RULES[steady.kind].check({ ...steady, ...NO_VCPUS } as Kind, vm, path);
}

export function printSteady(steady: SteadyWorkload): SteadyInput {
  const { vcpus: _, ...printed } = RULES[steady.kind].print({ ...steady, ...NO_VCPUS } as Kind);
  return printed as SteadyInput;
}
