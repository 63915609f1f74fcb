/**
 * The shape of a sweep file, as a Zod schema made of the same leaves as an experiment's and a scenario's. What stands at a path of
 * the scenario is not looked at here: the scenario's own schema does that, for each point.
 */
import { z } from 'zod';
import { type AxisValue, readAxisValue } from '../experiment/axis-value.ts';
import { base, changes, isMapping, type Mapping, path, text } from '../experiment/schema.ts';
import { count, leaf, section, word } from '../scenario/leaf.ts';

/** More than any two days of this project's own machine make. */
export const POINTS_MAX = 1_000_000;
const SEED_MAX = 2 ** 32 - 1;
export const SEEDS_MAX = 100_000;

const value = (description: string) =>
  leaf<string | number, AxisValue>({
    expected: 'a number or a quantity',
    example: '32k/s',
    json: { type: ['string', 'number'] },
    description,
    read: readAxisValue,
  });

const list = leaf<readonly unknown[], readonly unknown[]>({
  expected: 'a list of values',
  example: '[1GiB, 2GiB]',
  json: { type: 'array', minItems: 1 },
  description: 'As the scenario takes them.',
  read: (input) => (Array.isArray(input) && input.length > 0 ? { value: input } : { hint: null }),
});

const multipleOf = value('What is drawn or stepped is rounded to a multiple of this.').optional();

const range = section({
  from: value('The first value.'),
  to: value('The last one.'),
  steps: count(2, POINTS_MAX, 'How many values, both ends among them.').optional(),
  step: value('From one value to the next; of a logarithmic scale, the factor.').optional(),
  scale: word(['linear', 'log'], 'Evenly spaced, or by equal factors.').prefault('linear'),
  multipleOf,
});

const kind = <const Name extends string>(name: Name) => ({ distribution: z.literal(name), multipleOf });
const ends = { from: value('Nothing below it.'), to: value('Nothing above it.') };
const cuts = { min: value('Nothing below it.').optional(), max: value('Nothing above it.').optional() };
const factor = leaf<number, number>({
  expected: 'a number above 0',
  example: '0.5',
  json: { type: 'number', exclusiveMinimum: 0 },
  description: 'Standard deviation of the natural logarithm.',
  read: (input) =>
    typeof input === 'number' && Number.isFinite(input) && input > 0 ? { value: input } : { hint: null },
});

const distribution = z.discriminatedUnion('distribution', [
  section({ ...kind('uniform'), ...ends }),
  section({ ...kind('log-uniform'), ...ends }),
  section({ ...kind('normal'), mean: value('Its mean.'), sd: value('Its standard deviation.'), ...cuts }),
  section({ ...kind('lognormal'), median: value('Its median.'), sigma: factor, ...cuts }),
  section({ ...kind('triangular'), ...ends, mode: value('The likeliest value.') }),
]);
export type ReadDistribution = z.output<typeof distribution>;
export type ReadRange = z.output<typeof range>;

/** Which of the three forms the values have, so that a mistake is told of the form that was meant. */
const values = z.unknown().transform((input, context): readonly unknown[] | ReadDistribution | ReadRange => {
  const form = !isMapping(input) ? list : 'distribution' in input ? distribution : range;
  const read = form.safeParse(input);
  if (read.success) return read.data as readonly unknown[] | ReadDistribution | ReadRange;
  for (const issue of read.error.issues) context.issues.push(issue as never);
  return z.NEVER;
});

const sides = leaf<Readonly<Record<string, Mapping>>, Readonly<Record<string, Mapping>>>({
  expected: 'named choices, each a mapping of paths',
  example: '{ small: { vm.memory: 4GiB, vm.vcpus: 2 }, large: { vm.memory: 64GiB, vm.vcpus: 16 } }',
  json: { type: 'object', minProperties: 1 },
  description: 'Keys that change together, by name; a mapping is merged into the scenario, null takes a key away.',
  read: (input) =>
    isMapping(input) && Object.keys(input).length > 0 && Object.values(input).every(isMapping)
      ? { value: input as Readonly<Record<string, Mapping>> }
      : { hint: null },
});

const axis = section({
  name: text('What varies: a column of the rows; the path unless given.').optional(),
  path: z.union([path, z.array(path).min(1)]).optional(),
  values: values.optional(),
  /** Values are multiples of what stands there. */
  of: path.optional(),
  choices: sides.optional(),
});
export type ReadAxis = z.output<typeof axis>;

const seed = count(0, SEED_MAX, 'Of everything random in a run.');

const name = leaf<string, string>({
  expected: 'the name of a policy',
  example: 'nova',
  json: { type: 'string' },
  description: 'As `switchover list policies` has it.',
  read: (input) => (typeof input === 'string' && input !== '' ? { value: input } : { hint: null }),
});

const column = leaf<string, string>({
  expected: 'a column of the rows',
  example: 'downtimeMs',
  json: { type: 'string' },
  description: 'One that is a number, and the better the lower.',
  read: (input) => (typeof input === 'string' && input !== '' ? { value: input } : { hint: null }),
});

export const sweepSchema = section({
  name: text('What the sweep is called.'),
  question: text('What it is to answer, in one sentence.'),
  description: text('What is run and why so, for whoever reads the results.').optional(),
  notModelled: z.array(text('Something that the results leave out, in one sentence.')).prefault([]),
  scenario: base,
  with: changes('a mapping of paths', 'Put into the scenario before anything is varied.').prefault({}),
  sweep: section({
    axes: z.array(axis).prefault([]),
    policies: z.union([z.literal('all'), z.array(name).min(1)]).optional(),
    seeds: z.union([count(1, SEEDS_MAX, "How many, from the scenario's own on."), z.array(seed).min(1)]).prefault(1),
    sample: section({
      kind: word(['grid', 'random', 'latin-hypercube'], 'All combinations, or so many that are drawn.').prefault(
        'grid',
      ),
      n: count(1, POINTS_MAX, 'How many points are drawn.').optional(),
      seed: seed.prefault(1),
    }).prefault({}),
    pareto: section({
      of: z.array(column).prefault(['downtimeMs', 'totalMs']),
      per: z.array(text('The name of an axis.')).prefault([]),
    }).prefault({}),
  }),
});
export type ReadSweep = z.output<typeof sweepSchema>;
