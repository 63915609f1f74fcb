/** What a page posts: JSON of a limited size, held to the shape that was agreed on. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { RefusedError } from './answer.ts';

/** A wish is a few lines; a walk carries its events so far. */
const BODY_MAX_BYTES = 1024 * 1024;

const event = z.looseObject({ type: z.string().min(1) });

export const branchWish = z.strictObject({
  position: z.int().min(0),
  set: z.record(z.string().min(1), z.string()),
});

export const walkWish = z.strictObject({
  machine: z.string().min(1),
  input: z.unknown().optional(),
  events: z.array(event).max(10_000),
});

/** Throws a RefusedError that says what was expected. */
export async function readBody<T>(request: IncomingMessage, shape: z.ZodType<T>): Promise<T> {
  const text = await readText(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RefusedError(400, `the body is not JSON: ${(error as Error).message}`);
  }
  const read = shape.safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const place = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
  throw new RefusedError(400, `${place}: ${issue?.message ?? 'it is not what was expected'}`);
}

async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_MAX_BYTES) throw new RefusedError(413, `the body is larger than ${BODY_MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
