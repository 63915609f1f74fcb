/**
 * `vm.hostWriters`: who writes guest memory on the host itself, emulated devices and vhost. No log of KVM sees them, only
 * the vmm's own; they stop with the vCPUs.
 */
import { z } from 'zod';
import { id } from './devices/common.ts';
import { section } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import type { Vm } from './vm.ts';
import { checkSteady, normaliseSteady, printSteady, type SteadyWorkload, steadyKeys } from './workloads/steady.ts';
import { normaliseTraceFile, printTraceFile, type TraceWorkload, traceKeys } from './workloads/trace.ts';
import type { WorkloadRoom } from './workloads/writing.ts';

/** What it writes is named `host:<id>`; of a trace it writes what is named so there. */
export type HostWriter = { readonly id: string } & (SteadyWorkload | TraceWorkload);

export const hostWriterSchema = z
  .discriminatedUnion('kind', [
    section({ id, ...steadyKeys.random }),
    section({ id, ...steadyKeys.zipf }),
    section({ id, ...steadyKeys.cycle }),
    section({ id, ...steadyKeys.sequential }),
    section({ id, ...steadyKeys.curve }),
    section({ id, kind: z.literal('trace'), ...traceKeys }),
  ])
  .describe('Emulation or vhost: writes that only the vmm’s own log sees.');

export function normaliseHostWriter(read: z.output<typeof hostWriterSchema>, room: WorkloadRoom): HostWriter {
  if (read.kind === 'trace') return { id: read.id, kind: 'trace', ...normaliseTraceFile(read) };
  return { id: read.id, ...normaliseSteady(read, room) };
}

export function checkHostWriters(writers: readonly HostWriter[], vm: Vm, path: Path): readonly Finding[] {
  return writers.flatMap((writer, i) => {
    const first = writers.findIndex(({ id }) => id === writer.id);
    return [
      ...(first < i ? [finding([...path, i, 'id'], `${writer.id} is hostWriters[${first}] already`)] : []),
      ...(writer.kind === 'trace' ? [] : checkSteady(writer, vm, [...path, i])),
    ];
  });
}

export function printHostWriter(writer: HostWriter): z.input<typeof hostWriterSchema> {
  const { id } = writer;
  if (writer.kind === 'trace') return { id, kind: 'trace', ...printTraceFile(writer) };
  return { id, ...printSteady(writer) };
}
