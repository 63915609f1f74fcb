/**
 * Traces on disk, for scenarios that name them: read whole, held to the hash that the scenario keeps, and split by who
 * wrote. The model is given arrays and reads no file. The latest few stay in memory, because a sweep runs the same trace
 * again and again.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { PageWrites, WriteSource } from '../streams/page-writes.ts';
import { readTrace, type Trace } from '../streams/trace-format.ts';
import { ScenarioError } from './scenario/error.ts';
import type { TraceFile } from './scenario/workloads/trace.ts';

/** A string holds no more than 2^29 characters in V8; this leaves room. */
const TRACE_BYTES_MAX = 2 ** 28;
const REMEMBERED = 4;

export interface ReadTrace extends Trace {
  readonly sha256: string;
}

const remembered = new Map<string, ReadTrace>();

/** Reads and checks a trace, or says why not. */
export function openTrace(file: string): ReadTrace | { readonly problem: string } {
  let text: string;
  let sha256: string;
  try {
    const { size } = statSync(file);
    if (size > TRACE_BYTES_MAX) return { problem: `${file} is ${size} bytes; a trace has at most ${TRACE_BYTES_MAX}` };
    const bytes = readFileSync(file);
    sha256 = createHash('sha256').update(bytes).digest('hex');
    const known = remembered.get(sha256);
    if (known !== undefined) return known;
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { problem: code === 'ENOENT' ? `${file}: no such file` : `${file} cannot be read (${code ?? 'no text'})` };
  }
  const trace = readTrace(text.split('\n'));
  if ('problem' in trace) return { problem: `${file}:${trace.line}: ${trace.problem}` };
  const read = { ...trace, sha256 };
  remembered.set(sha256, read);
  const [oldest] = remembered.keys();
  if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  return read;
}

/** What a scenario's trace holds. Throws a ScenarioError when it cannot be read or is not what it was. */
export function loadTrace({ file, sha256 }: TraceFile): ReadTrace {
  const read = openTrace(file);
  if ('problem' in read) throw refused(read.problem);
  if (read.sha256 !== sha256)
    throw refused(`${file} has changed since the scenario was read: its SHA-256 was ${sha256}`);
  return read;
}

/** Its batches by who wrote, sources in the order in which they first write. */
export function bySource({ writes }: Trace): ReadonlyMap<WriteSource, readonly PageWrites[]> {
  const sources = new Map<WriteSource, PageWrites[]>();
  for (const batch of writes) {
    const own = sources.get(batch.source);
    if (own === undefined) sources.set(batch.source, [batch]);
    else own.push(batch);
  }
  return sources;
}

function refused(message: string): ScenarioError {
  return new ScenarioError([
    { file: null, line: null, column: null, path: '', message, expected: null, example: null },
  ]);
}
