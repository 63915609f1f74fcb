/**
 * A user's function asked once, and what it gave back held to what a verdict is. Whatever it does instead is the event
 * `FAILED.decide` with a sentence for the report; it never throws. Plain data goes in and comes out: the function gets
 * copies, and nothing of its own is kept.
 */
import type { Commands, Json } from '../../../machines/words.ts';
import type { RecordedEvent } from '../../core/record.ts';
import type { OwnFunction } from './own-policy.ts';

type Question = Commands['decide']['params'];

export function verdictOf(
  { decide }: Pick<OwnFunction, 'decide'>,
  { observation, memory }: Question,
  parameters: Readonly<Record<string, Json>>,
): RecordedEvent {
  let given: unknown;
  try {
    given = decide(structuredClone(observation), structuredClone(memory), structuredClone(parameters));
  } catch (error) {
    return failed(`threw ${String(error)}`);
  }
  if (isMapping(given) && typeof given.then === 'function') {
    // Nobody waits for it; that it may be rejected is nobody's business either.
    given.then(
      () => {},
      () => {},
    );
    return failed('gave back a promise: a policy answers at once');
  }
  if (!isMapping(given)) return failed(`gave back ${shown(given)}: ${EXPECTED}`);
  const { verdict, because = {}, memory: kept = null, wakeAtNs, ...others } = given;
  const problem =
    verdictProblem(verdict) ??
    becauseProblem(because) ??
    jsonProblem(kept, 'memory') ??
    wakeProblem(wakeAtNs, verdict, observation.atNs) ??
    strangerProblem(others);
  if (problem !== undefined) return failed(problem);
  const data = { verdict, because, memory: kept, ...(typeof wakeAtNs === 'number' ? { wakeAtNs } : {}) };
  return { type: 'DONE.decide', ...(structuredClone(data) as object) };
}

const EXPECTED = "expected { verdict: 'continue' or 'switchover', because, memory, wakeAtNs }";

function failed(reason: string): RecordedEvent {
  return { type: 'FAILED.decide', errno: 'EINVAL', reason };
}

function verdictProblem(verdict: unknown): string | undefined {
  if (verdict === 'continue' || verdict === 'switchover') return undefined;
  return `gave the verdict ${shown(verdict)}: expected 'continue' or 'switchover'`;
}

function becauseProblem(because: unknown): string | undefined {
  if (!isPlain(because))
    return `gave as its reason ${shown(because)}: expected numbers by name, such as { waitedMs: 300 }`;
  for (const [name, value] of Object.entries(because)) {
    if (typeof value === 'number' && Number.isFinite(value)) continue;
    return `gave a reason that is no number: because.${name} is ${shown(value)}`;
  }
  return undefined;
}

function wakeProblem(wakeAtNs: unknown, verdict: unknown, nowNs: number): string | undefined {
  if (wakeAtNs === undefined || wakeAtNs === null) return undefined;
  if (verdict === 'switchover') return 'wants to be asked again, and has decided to switch over';
  if (Number.isSafeInteger(wakeAtNs) && (wakeAtNs as number) > nowNs) return undefined;
  return `wants to be asked again at ${shown(wakeAtNs)}: expected a whole number of ns after observation.atNs (${nowNs})`;
}

function strangerProblem(others: object): string | undefined {
  const [stranger] = Object.keys(others);
  return stranger === undefined ? undefined : `gave back "${stranger}", which is no part of a verdict: ${EXPECTED}`;
}

/** Nested deeper than this it is taken for one that holds itself. */
const DEPTH_MAX = 64;

/** What a journal would not give back as it was. */
function jsonProblem(value: unknown, path: string, depth = 0): string | undefined {
  if (depth > DEPTH_MAX) return 'gave a memory that is not JSON: it holds itself, or is nested too deeply';
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0)) return undefined;
  if (Array.isArray(value)) {
    return firstOf([...value].map((item, index) => () => jsonProblem(item, `${path}[${index}]`, depth + 1)));
  }
  if (isPlain(value)) {
    return firstOf(
      Object.entries(value).map(
        ([key, item]) =>
          () =>
            jsonProblem(item, `${path}.${key}`, depth + 1),
      ),
    );
  }
  return `gave a memory that is not JSON: ${path} is ${shown(value)}`;
}

function firstOf(problems: readonly (() => string | undefined)[]): string | undefined {
  for (const problem of problems) {
    const found = problem();
    if (found !== undefined) return found;
  }
  return undefined;
}

function isMapping(value: unknown): value is Record<string, unknown> & { then?: (...them: unknown[]) => unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A mapping that is nothing else as well: no Date, no Map, nobody's class. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isMapping(value)) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return 'a list';
  if (isPlain(value)) return 'a mapping';
  if (isMapping(value)) return `a ${(value as object).constructor.name}`;
  return Object.is(value, -0) ? '-0' : String(value);
}
