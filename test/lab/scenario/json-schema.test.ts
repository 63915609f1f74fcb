/** The published JSON Schema is the current one, and takes what the reader takes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  type Json,
  scenarioJsonSchema,
  scenarioSchemaFile,
  scenarioSchemaText,
} from '../../../src/lab/scenario/json-schema.ts';
import { toInput } from '../../../src/lab/scenario/print.ts';
import { readScenario } from '../../../src/lab/scenario/read.ts';
import { SHIPPED_NAMES, shippedFile } from '../../../src/lab/scenario/shipped-files.ts';

type Schema = { readonly [key: string]: Json };

/** Where `value` breaks `schema`: the keywords that the published schema uses, and an error for any other. */
function violations(schema: Schema, value: unknown, path = ''): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, rule]): readonly string[] => {
    const bad = (broken: boolean) => (broken ? [`${path}: ${keyword}`] : []);
    const subschemas = rule as readonly Schema[];
    const members = isMapping(value) ? value : {};
    switch (keyword) {
      case 'type':
        return bad(![rule].flat().some((type) => isOfType(value, type as string)));
      case 'const':
        return bad(value !== rule);
      case 'enum':
        return bad(!(rule as readonly Json[]).includes(value as Json));
      case 'pattern':
        return bad(typeof value === 'string' && !new RegExp(rule as string).test(value));
      case 'minimum':
        return bad(typeof value === 'number' && value < (rule as number));
      case 'maximum':
        return bad(typeof value === 'number' && value > (rule as number));
      case 'minLength':
        return bad(typeof value === 'string' && value.length < (rule as number));
      case 'minItems':
        return bad(Array.isArray(value) && value.length < (rule as number));
      case 'maxItems':
        return bad(Array.isArray(value) && value.length > (rule as number));
      case 'required':
        return (rule as readonly string[])
          .filter((key) => isMapping(value) && !(key in members))
          .map((key) => `${path}.${key}: required`);
      case 'additionalProperties':
        expect(rule).toBe(false);
        return Object.keys(members)
          .filter((key) => !Object.hasOwn(schema.properties as Schema, key))
          .map((key) => `${path}.${key}: unknown`);
      case 'properties':
        return Object.entries(rule as Schema).flatMap(([key, inner]) =>
          key in members ? violations(inner as Schema, members[key], `${path}.${key}`) : [],
        );
      case 'items':
        return Array.isArray(value)
          ? value.flatMap((item, i) => violations(rule as Schema, item, `${path}[${i}]`))
          : [];
      case 'oneOf':
        return bad(subschemas.filter((inner) => violations(inner, value, path).length === 0).length !== 1);
      case 'anyOf':
        return bad(subschemas.every((inner) => violations(inner, value, path).length > 0));
      case '$schema':
      case 'title':
      case 'description':
      case 'default':
      case 'examples':
        return [];
      default:
        throw new Error(`the test does not know ${keyword}`);
    }
  });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return isMapping(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return [typeof value].includes(type as 'string');
  }
}

const schema = scenarioJsonSchema();

describe('the JSON Schema', () => {
  it('is up to date (npx tsx src/lab/scenario/write-schema.ts)', () => {
    expect(readFileSync(scenarioSchemaFile(), 'utf8')).toBe(scenarioSchemaText());
    expect(JSON.parse(scenarioSchemaText())).toEqual(schema);
  });

  it.each(SHIPPED_NAMES)('takes %s as it is written', (name) => {
    expect(violations(schema, parse(readFileSync(shippedFile(name), 'utf8')))).toEqual([]);
  });

  it.each(SHIPPED_NAMES)('takes %s as it is printed, with every key', (name) => {
    expect(violations(schema, toInput(readScenario(name)))).toEqual([]);
  });

  it.each([
    [{ name: 'a' }, '.vm: required'],
    [{ name: 'a', vm: {} }, '.vm.memory: required'],
    [{ name: 'a', vm: { memory: '16G' } }, '.vm.memory: pattern'],
    [{ name: 'a', vm: { memory: -1 } }, '.vm.memory: minimum'],
    [{ name: 'a', vm: { memory: true } }, '.vm.memory: type'],
    [{ name: 'a', vm: { memory: 4096, memry: 1 } }, '.vm.memry: unknown'],
    [{ name: 'a', vm: { memory: 4096 }, vmm: { loop: 'qemu-8.1' } }, '.vmm.loop: enum'],
    [{ name: 'a', vm: { memory: 4096 }, vmm: { downtimeLimit: 300 } }, '.vmm.downtimeLimit: maximum'],
    [{ name: 'a', vm: { memory: 4096, workloads: [{ kind: 'spiral' }] } }, '.vm.workloads[0]: oneOf'],
    [{ name: 'a', vm: { memory: 4096 }, deadlines: { sendRond: '1s' } }, '.deadlines.sendRond: unknown'],
  ])('refuses %j', (value, violation) => {
    expect(violations(schema, value)).toEqual([violation]);
  });

  it('explains every value and shows the defaults', () => {
    const { vmm } = schema.properties as { vmm: { properties: Record<string, Schema> } };
    expect(vmm.properties.downtimeLimit).toMatchObject({ default: '300ms', description: "QEMU's downtime-limit." });
    expect(vmm.properties.loop).toMatchObject({ default: 'qemu-10.2' });
  });
});
