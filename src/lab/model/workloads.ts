/** A scenario's workloads and host-side writers in the model's own words. */
import type { HostWriterSpec } from '../../hardware/host-writers.ts';
import type { SteadySpec, WorkloadSpec } from '../../hardware/workloads/workload.ts';
import type { HostWriter } from '../scenario/host-writers.ts';
import type { Workload } from '../scenario/scenario.ts';
import type { CurvePoint } from '../scenario/workloads/curve.ts';
import type { SteadyWorkload } from '../scenario/workloads/steady.ts';
import type { TraceWorkload } from '../scenario/workloads/trace.ts';
import { bySource, loadTrace } from '../trace-file.ts';
import { range } from './places.ts';

/** A trace is one workload of the model for each of its vCPUs' names. */
export function workloadsOf(workload: Workload, pageBytes: number): readonly WorkloadSpec[] {
  switch (workload.kind) {
    case 'idle':
      return [{ kind: 'idle', vcpus: '0' }];
    case 'trace':
      return tracesOf(workload);
    case 'phases': {
      const phases = workload.phases.map(({ forNs, workload: one }) => {
        return { forNs, workload: one.kind === 'idle' ? one : steadyOf(one, pageBytes) };
      });
      return [{ kind: 'phases', vcpus: spanText(workload.vcpus), phases, repeat: workload.repeat }];
    }
    default:
      return [{ vcpus: spanText(workload.vcpus), ...steadyOf(workload, pageBytes) }];
  }
}

export function hostWriterOf(writer: HostWriter, pageBytes: number): HostWriterSpec {
  const { id } = writer;
  if (writer.kind !== 'trace') return { id, ...steadyOf(writer, pageBytes) };
  return { id, kind: 'trace', writes: bySource(loadTrace(writer)).get(`host:${id}`) ?? [] };
}

function tracesOf(workload: TraceWorkload): readonly WorkloadSpec[] {
  return [...bySource(loadTrace(workload))].flatMap(([source, writes]) => {
    const [kind, vcpus = ''] = source.split(':');
    return kind === 'vcpu' ? [{ kind: 'trace' as const, vcpus, writes }] : [];
  });
}

function steadyOf(workload: SteadyWorkload, pageBytes: number): SteadySpec {
  const set = [range(workload.atBytes, workload.setBytes, pageBytes)];
  switch (workload.kind) {
    case 'random':
      return { kind: 'random', set, rate: { writesPerSecond: workload.writesPerSecond } };
    case 'zipf': {
      const { skew, order } = workload;
      return { kind: 'zipf', set, rate: { writesPerSecond: workload.writesPerSecond }, skew, order };
    }
    case 'cycle':
      return {
        kind: 'cycle',
        set,
        rate: { writesPerSecond: workload.writesPerSecond },
        phasePages: Math.floor(workload.phaseBytes / pageBytes),
      };
    case 'sequential':
      return { kind: 'sequential', set, rate: { writesPerSecond: workload.writesPerSecond } };
    case 'curve': {
      const points = curveOf(workload.points);
      return points.length === 0 ? { kind: 'idle' } : { kind: 'curve', set, points, order: 'scattered' };
    }
    default:
      return workload satisfies never;
  }
}

/**
 * The model takes two points or more after 0 ms and carries their line back to it. A curve of one point, or one that says
 * itself that it begins at (0, 0), gets its line's middle as another point, and so comes from there.
 */
function curveOf(points: readonly CurvePoint[]): readonly { readonly atMs: number; readonly pages: number }[] {
  const later = points
    .filter(({ afterNs }) => afterNs > 0)
    .map(({ afterNs, distinctPages }) => ({ atMs: afterNs / 1e6, pages: distinctPages }));
  const [first] = later;
  if (first === undefined || (later.length > 1 && later.length === points.length)) return later;
  return [{ atMs: first.atMs / 2, pages: first.pages / 2 }, ...later];
}

/** vCPUs 0, 1, 2, 5 -> `0-2,5`. */
function spanText(vcpus: readonly number[]): string {
  const spans: [number, number][] = [];
  for (const vcpu of vcpus) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] === vcpu - 1) last[1] = vcpu;
    else spans.push([vcpu, vcpu]);
  }
  return spans.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
