/**
 * The shape of an experiment file, as a Zod schema made of the same leaves as a scenario's. What stands at a path of the
 * scenario is not looked at here: the scenario's own schema does that, for each cell.
 */
import { z } from 'zod';
import { count, leaf, quantity, section, word } from '../scenario/leaf.ts';
import { DURATION, type DurationText, PERCENT, type PercentText } from '../scenario/quantity.ts';
import { type AxisValue, readAxisValue } from './axis-value.ts';
import { isPath } from './path.ts';

export type Mapping = Readonly<Record<string, unknown>>;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A sweep stands in the same kind of file, with `sweep` in the place of `vary` and `measure`. */
export function isSweep(value: unknown): boolean {
  return isMapping(value) && 'sweep' in value;
}

/** It has what an experiment puts into its `scenario`, and none of what an experiment has. */
export function isScenario(value: unknown): boolean {
  return isMapping(value) && 'vm' in value && !('scenario' in value) && !('vary' in value);
}

export const text = (description: string) =>
  leaf<string, string>({
    expected: 'a text',
    example: '"ring against bitmap"',
    json: { type: 'string', minLength: 1 },
    description,
    read: (input) => (typeof input === 'string' && input.trim() !== '' ? { value: input.trim() } : { hint: null }),
  });

export const base = leaf<string | Mapping, string | Mapping>({
  expected: 'a scenario, a file that holds one, or the name of one that ships',
  example: 'kvm-ring',
  json: { type: ['string', 'object'] },
  description: 'What every run begins with.',
  read: (input) => (isMapping(input) || typeof input === 'string' ? { value: input } : { hint: null }),
});

export const changes = (expected: string, description: string) =>
  leaf<Mapping, Mapping>({
    expected,
    example: '{ vm.dirtyLog: ring }',
    json: { type: 'object' },
    description,
    read: (input) => (isMapping(input) ? { value: input } : { hint: null }),
  });

const sides = leaf<Readonly<Record<string, Mapping>>, Readonly<Record<string, Mapping>>>({
  expected: 'two or more named sides, each a mapping of paths',
  example: '{ bitmap: { vm.dirtyLog: bitmap }, ring: { vm.dirtyLog: ring } }',
  json: { type: 'object', minProperties: 2 },
  description: 'What is set against each other, by name; a mapping is merged into the scenario, null takes a key away.',
  read: (input) =>
    isMapping(input) && Object.keys(input).length > 1 && Object.values(input).every(isMapping)
      ? { value: input as Readonly<Record<string, Mapping>> }
      : { hint: null },
});

export const path = leaf<string, string>({
  expected: 'a path into the scenario',
  example: 'vm.workloads[0].rate',
  json: { type: 'string' },
  description: 'Where the value is put.',
  read: (input) => (isPath(input) ? { value: input } : { hint: null }),
});

const value = leaf<string | number, AxisValue>({
  expected: 'a number or a quantity',
  example: '32k/s',
  json: { type: ['string', 'number'] },
  description: 'As the scenario takes it.',
  read: readAxisValue,
});

const figure = leaf<string, string>({
  expected: 'a path into the report',
  example: 'totalMs',
  json: { type: 'string' },
  description: 'A figure of the report; devices[].x is the mean over all devices.',
  read: (input) => (isPath(input) ? { value: input } : { hint: null }),
});

const over = section({
  name: text('What varies, in words for the sentence.'),
  path: z.union([path, z.array(path)]),
  values: z.array(value),
  scale: word(['linear', 'log'], 'What a crossover is interpolated on.').prefault('linear'),
});

const measure = section({
  figure,
  better: word(['lower', 'higher'], 'Which value wins.').prefault('lower'),
  margin: quantity<PercentText>(PERCENT, 'Values nearer to each other count as equal.').prefault('1%'),
});

export const experimentSchema = section({
  name: text('What the experiment is called.'),
  question: text('What it is to answer, in one sentence.'),
  scenario: base,
  with: changes('a mapping of paths', 'Put into the scenario before anything is varied.').prefault({}),
  vary: section({ side: sides.optional(), over: over.optional() }),
  measure,
  seeds: count(1, 1000, 'Runs of each cell; the median counts.').prefault(1),
  checkpoints: section({
    every: quantity<DurationText>(DURATION, 'How long the guest runs between two checkpoints.'),
    count: count(1, 100_000, 'How many checkpoints.').prefault(20),
  }).optional(),
});

export const checkpointsSchema = experimentSchema.shape.checkpoints;
