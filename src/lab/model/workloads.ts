/** A scenario's workloads in the model's own words. */
import type { WorkloadSpec } from '../../hardware/workloads/workload.ts';
import type { Workload } from '../scenario/scenario.ts';
import type { CurvePoint } from '../scenario/workloads/curve.ts';
import { range } from './places.ts';

export function workloadOf(workload: Workload, pageBytes: number): WorkloadSpec {
  if (workload.kind === 'idle') return { kind: 'idle', vcpus: '0' };
  const vcpus = spanText(workload.vcpus);
  const set = [range(workload.atBytes, workload.setBytes, pageBytes)];
  switch (workload.kind) {
    case 'random':
      return { kind: 'random', vcpus, set, rate: { writesPerSecond: workload.writesPerSecond } };
    case 'cycle':
      return {
        kind: 'cycle',
        vcpus,
        set,
        rate: { writesPerSecond: workload.writesPerSecond },
        phasePages: Math.floor(workload.phaseBytes / pageBytes),
      };
    case 'sequential':
      return { kind: 'sequential', vcpus, set, rate: { writesPerSecond: workload.writesPerSecond } };
    case 'curve': {
      const points = curveOf(workload.points);
      return points.length === 0 ? { kind: 'idle', vcpus } : { kind: 'curve', vcpus, set, points, order: 'scattered' };
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
