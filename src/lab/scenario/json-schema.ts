/**
 * The JSON Schema that editors check and complete scenario files with, made from the same Zod schema that reads them. It
 * knows shapes and words, not what must agree between keys. `npx tsx src/lab/scenario/write-schema.ts` writes the file
 * that is published; a test holds it up to date.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { scenarioSchema } from './schema.ts';
import { packageRoot } from './shipped-files.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Draft 2020-12. */
export function scenarioJsonSchema(): { readonly [key: string]: Json } {
  const { $schema, ...schema } = z.toJSONSchema(scenarioSchema, { io: 'input', unrepresentable: 'any' });
  return { $schema: $schema as Json, title: 'Switchover scenario', ...(schema as { readonly [key: string]: Json }) };
}

/** The text of `scenario.schema.json`. */
export function scenarioSchemaText(): string {
  return `${layOut(scenarioJsonSchema(), 0, 0)}\n`;
}

export function scenarioSchemaFile(): string {
  return join(packageRoot(), 'src', 'lab', 'scenario.schema.json');
}

export function writeScenarioSchema(): void {
  writeFileSync(scenarioSchemaFile(), scenarioSchemaText());
}

const LINE_WIDTH = 120;

/** JSON as this project's formatter lays it out: a mapping by lines, a list in one line if it fits after `column`. */
function layOut(value: Json, depth: number, column: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const indent = '  '.repeat(depth + 1);
  const end = `\n${'  '.repeat(depth)}`;
  if (isList(value)) {
    const oneLine = `[${value.map((item) => layOut(item, depth, 0)).join(', ')}]`;
    if (!oneLine.includes('\n') && column + oneLine.length < LINE_WIDTH) return oneLine;
    return `[${value.map((item) => `\n${indent}${layOut(item, depth + 1, indent.length)}`).join(',')}${end}]`;
  }
  const members = Object.entries(value).map(([key, member]) => {
    const name = `${indent}${JSON.stringify(key)}: `;
    return `\n${name}${layOut(member, depth + 1, name.length)}`;
  });
  return members.length === 0 ? '{}' : `{${members.join(',')}${end}}`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
