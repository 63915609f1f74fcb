/**
 * `trace`: what a file has recorded, write by write. The scenario keeps the file's whole path and the hash of its content,
 * so that a journal of the run tells when the file has changed since; the content itself stays in the file.
 */
import { z } from 'zod';
import { leaf, section } from '../leaf.ts';

/** A file of a scenario: where it is, and what it held when the scenario was read. */
export interface TraceFile {
  /** Made absolute when the scenario is read; what is relative is so to the scenario's file. */
  readonly file: string;
  /** SHA-256 of the file, in hex; empty until it has been read. */
  readonly sha256: string;
}

export interface TraceWorkload extends TraceFile {
  readonly kind: 'trace';
}

/** The keys of a trace, wherever one may stand. */
export const traceKeys = {
  file: leaf<string, string>({
    expected: 'the name of a file',
    example: 'web-server.trace',
    json: { type: 'string', minLength: 1 },
    description: 'As `switchover run --record-trace` writes it; relative to the scenario’s file.',
    read: (input) => (typeof input === 'string' && input !== '' ? { value: input } : { hint: null }),
  }),
  sha256: leaf<string, string>({
    expected: 'a SHA-256 in hex',
    json: { type: 'string', pattern: '^[0-9a-f]{64}$' },
    description: 'What the file must hold; whatever it holds unless given.',
    read: (input) => (typeof input === 'string' && /^[0-9a-f]{64}$/.test(input) ? { value: input } : { hint: null }),
  }).optional(),
};

const schema = section({ kind: z.literal('trace'), ...traceKeys });

export function normaliseTraceFile(read: { file: string; sha256?: string | undefined }): TraceFile {
  return { file: read.file, sha256: read.sha256 ?? '' };
}

export function printTraceFile({ file, sha256 }: TraceFile): { file: string; sha256?: string } {
  return { file, ...(sha256 === '' ? {} : { sha256 }) };
}

export const trace = {
  schema,
  normalise: (read: z.output<typeof schema>): TraceWorkload => ({ kind: 'trace', ...normaliseTraceFile(read) }),
  print: (workload: TraceWorkload) => ({ kind: workload.kind, ...printTraceFile(workload) }),
};
