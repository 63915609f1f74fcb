/** A scenario as the model's own figures, where the two say things differently: curves. */
import { describe, expect, test } from 'vitest';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import { watchRun } from './watch-run.ts';

const withCurve = (points: readonly (readonly [number, number])[]) =>
  scenarioFrom({
    name: 'curve',
    vm: { memory: '16MiB', vcpus: 1, workloads: [{ kind: 'curve', points }] },
    link: { bandwidth: '100Mbit/s' },
    vmm: { maxBandwidth: 'unlimited' },
  });

describe('a curve', () => {
  test.each([
    [
      'of two points is what it is',
      [
        [100, 50],
        [200, 60],
      ],
      [
        { atMs: 100, pages: 50 },
        { atMs: 200, pages: 60 },
      ],
    ],
    [
      'of one point comes from (0, 0): its line has a middle',
      [[100, 50]],
      [
        { atMs: 50, pages: 25 },
        { atMs: 100, pages: 50 },
      ],
    ],
    [
      'that says itself that it begins at (0, 0) does so',
      [
        [0, 0],
        [100, 50],
        [200, 60],
      ],
      [
        { atMs: 50, pages: 25 },
        { atMs: 100, pages: 50 },
        { atMs: 200, pages: 60 },
      ],
    ],
  ] as const)('%s', (_, points, wanted) => {
    expect(modelSpecOf(withCurve(points)).vcpus.workloads).toMatchObject([{ kind: 'curve', points: wanted }]);
    expect(watchRun(withCurve(points)).report).toMatchObject({ outcome: 'completed' });
  });

  test('that never leaves (0, 0) writes nothing', () => {
    expect(modelSpecOf(withCurve([[0, 0]])).vcpus.workloads).toEqual([{ kind: 'idle', vcpus: '0' }]);
    const { report } = watchRun(withCurve([[0, 0]]));
    expect(report.outcome).toBe('completed');
    expect(report.rounds.map(({ dirtyPagesBySource }) => dirtyPagesBySource)).toEqual([{ vcpu: 0 }]);
  });
});
