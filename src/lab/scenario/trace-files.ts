/**
 * Every trace that a scenario names, opened once while it is read: paths become whole, hashes are filled in or held to
 * what the file has, and a trace of other pages than the guest's is refused where it is named.
 */
import { resolve } from 'node:path';
import { forEachPage } from '../../streams/page-writes.ts';
import { bySource, openTrace, type ReadTrace } from '../trace-file.ts';
import type { Device } from './devices/device.ts';
import { slotsOf } from './holes.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path, sizeText } from './places.ts';
import type { Scenario, Vm } from './scenario.ts';
import type { TraceFile } from './workloads/trace.ts';

/** `base`: the folder that relative paths start from. */
export function withTraces(
  scenario: Scenario,
  base: string,
): { readonly scenario: Scenario; readonly findings: readonly Finding[] } {
  const { vm } = scenario;
  const findings: Finding[] = [];
  const opened = <One extends TraceFile>(one: One, who: string, path: Path): One => {
    const file = resolve(base, one.file);
    const read = openTrace(file);
    if ('problem' in read) {
      findings.push(finding([...path, 'file'], read.problem));
      return one;
    }
    if (one.sha256 !== '' && one.sha256 !== read.sha256) {
      findings.push(finding([...path, 'sha256'], `${file} holds something else: its SHA-256 is ${read.sha256}`));
    }
    findings.push(...checkTrace(read, file, who, vm, [...path, 'file']));
    return { ...one, file, sha256: read.sha256 };
  };
  const device = (one: Device, path: Path): Device => {
    if (one.kind !== 'custom') return one;
    const dma = one.dma.map((part, i) =>
      part.pattern === 'trace' ? opened(part, `dma:${one.id}`, [...path, 'dma', i]) : part,
    );
    return { ...one, dma };
  };
  const resolved: Scenario = {
    ...scenario,
    vm: {
      ...vm,
      workloads: vm.workloads.map((one, i) =>
        one.kind === 'trace' ? opened(one, 'vcpu:', ['vm', 'workloads', i]) : one,
      ),
      ...(vm.hostWriters === undefined
        ? {}
        : {
            hostWriters: vm.hostWriters.map((one, i) =>
              one.kind === 'trace' ? opened(one, `host:${one.id}`, ['vm', 'hostWriters', i]) : one,
            ),
          }),
    },
    containers: scenario.containers.map((container, c) => ({
      ...container,
      devices: container.devices.map((one, d) => device(one, ['containers', c, 'devices', d])),
    })),
  };
  return { scenario: resolved, findings };
}

/** `who`: whose lines are replayed; one that ends in a colon stands for all of its kind. */
function checkTrace(trace: ReadTrace, file: string, who: string, vm: Vm, path: Path): readonly Finding[] {
  if (trace.pageBytes !== vm.pageSizeBytes) {
    const [has, wants] = [sizeText(trace.pageBytes), sizeText(vm.pageSizeBytes)];
    return [finding(path, `${file} is of pages of ${has}, and vm.pageSize is ${wants}`)];
  }
  const sources = [...bySource(trace)].filter(([source]) =>
    who.endsWith(':') ? source.startsWith(who) : source === who,
  );
  if (sources.length === 0)
    return [finding(path, `${file} has nothing that ${who}${who.endsWith(':') ? '*' : ''} wrote`)];
  const slots = slotsOf(vm);
  let stray: number | undefined;
  for (const [, writes] of sources) {
    for (const batch of writes) {
      forEachPage(batch, (page) => {
        if (!slots.some(({ firstPage, pages }) => page >= firstPage && page < firstPage + pages)) stray ??= page;
      });
    }
  }
  return [
    ...(stray === undefined ? [] : [finding(path, `${file} writes page ${stray}, which is no memory of this VM`)]),
    ...absentVcpus(
      sources.map(([source]) => source),
      vm,
      file,
      path,
    ),
  ];
}

function absentVcpus(sources: readonly string[], vm: Vm, file: string, path: Path): readonly Finding[] {
  const numbers = sources
    .filter((source) => source.startsWith('vcpu:'))
    .flatMap((source) => source.match(/\d+/g) ?? []);
  const largest = Math.max(-1, ...numbers.map(Number));
  if (largest < vm.vcpus) return [];
  return [finding(path, `${file} has writes of vCPU ${largest}: vm.vcpus is ${vm.vcpus}, numbered from 0`)];
}
