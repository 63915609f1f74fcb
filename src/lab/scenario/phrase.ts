/**
 * What Zod found wrong, in sentences a person can act on: one problem per place, a near word where a word was mistyped,
 * and "not in this version" for what this library knows but cannot do yet. It decides nothing; schema.ts did.
 */
import type { z } from 'zod';
import type { LeafParams } from './leaf.ts';
import { oneOf } from './leaf.ts';
import { isLaterKey, isLaterWord, kindWithKey, nearestWord } from './vocabulary.ts';

/** A problem before its place in a text is known. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly expected: string | null;
  readonly example: string | null;
  /** Whether the key itself is wrong, or what stands at it. */
  readonly at: 'key' | 'value';
}

type Issue = z.core.$ZodIssue;

/** `value` is the whole document that was checked. */
export function phrase(issues: readonly Issue[], value: unknown): readonly Finding[] {
  return issues.flatMap((issue) => phraseIssue(issue, [], value));
}

function phraseIssue(issue: Issue, under: readonly PropertyKey[], value: unknown): readonly Finding[] {
  const path = [...under, ...issue.path];
  const got = valueAt(value, path);
  switch (issue.code) {
    case 'custom':
      return [phraseLeaf(path, (issue.params ?? { expected: issue.message }) as unknown as LeafParams, got)];
    case 'unrecognized_keys':
      return issue.keys.map((key) => phraseKey(path, key, issue.message.split(' ')));
    case 'invalid_type':
      return [phraseLeaf(path, { expected: kindName(issue.expected) }, got)];
    case 'invalid_union': {
      if (issue.errors.length > 0) return likeliest(issue.errors).flatMap((inner) => phraseIssue(inner, path, value));
      const words = (issue as { options?: readonly unknown[] }).options?.map(String) ?? [];
      return [phraseLeaf(path, { expected: oneOf(words), words }, got)];
    }
    default:
      return [{ path, message: issue.message, expected: null, example: null, at: 'value' }];
  }
}

/** Of a union's branches, the first whose kind of value was right; else the first. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  return (
    branches.find((issues) => issues.every((issue) => issue.path.length > 0 || issue.code === 'unrecognized_keys')) ??
    branches[0]!
  );
}

function phraseLeaf(path: readonly PropertyKey[], params: LeafParams, got: unknown): Finding {
  const { expected, example = null, hint = null, words } = params;
  const at = 'value';
  if (words !== undefined && isLaterWord(path, got)) {
    return {
      path,
      message: `${shown(got)} is not in this version; available: ${words.join(', ')}`,
      expected,
      example,
      at,
    };
  }
  const near = words !== undefined && typeof got === 'string' ? nearestWord(got, words) : undefined;
  const wanted = example === null ? `expected ${expected}` : `expected ${expected} such as ${example}`;
  const advice = near === undefined ? hint : `did you mean ${near}?`;
  return { path, message: `${wanted}, ${received(got)}${advice === null ? '' : `; ${advice}`}`, expected, example, at };
}

function phraseKey(mapping: readonly PropertyKey[], key: string, known: readonly string[]): Finding {
  const message = isLaterKey(mapping, key) ? 'not in this version' : `unknown key; ${adviceOn(mapping, key, known)}`;
  return { path: [...mapping, key], message, expected: oneOf(known), example: null, at: 'key' };
}

function adviceOn(mapping: readonly PropertyKey[], key: string, known: readonly string[]): string {
  const kind = kindWithKey(mapping, key);
  if (kind !== undefined) return `only kind: ${kind} has it`;
  const near = nearestWord(key, known);
  return near === undefined ? `known keys: ${known.join(', ')}` : `did you mean ${near}?`;
}

function kindName(kind: string): string {
  return { object: 'a mapping', array: 'a list' }[kind] ?? `a ${kind}`;
}

function received(value: unknown): string {
  if (value === undefined) return 'but it is missing';
  if (value === null) return 'but it is empty';
  return `got ${shown(value)}`;
}

const SHOWN_MAX = 60;

/** Enough of a value to recognise it: texts in quotes and cut at 60 characters, lists of plain values if they are short. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (Array.isArray(value)) {
    const list = `[${value.join(', ')}]`;
    return value.some((item) => typeof item === 'object') || list.length > SHOWN_MAX ? 'a list' : list;
  }
  return typeof value === 'object' && value !== null ? 'a mapping' : String(value);
}

function cut(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX - 1)}…` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[part];
  }
  return found;
}
