/** Phases take their turns on the run's clock, however the run cuts its time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Phases } from '../../../src/hardware/workloads/phases.ts';
import type { Writer } from '../../../src/hardware/workloads/writer.ts';

/** Notes the ns that it was asked for, by its name. */
function probe(name: string, asked: Map<string, number>): Writer {
  return { advance: (fromNs, toNs) => void asked.set(name, (asked.get(name) ?? 0) + toNs - fromNs) };
}

function phases(asked: Map<string, number>, repeat: boolean): Phases {
  return new Phases(
    [
      { forNs: 30, workload: probe('a', asked) },
      { forNs: 5, workload: probe('b', asked) },
      { forNs: 65, workload: probe('c', asked) },
    ],
    repeat,
  );
}

test.each([
  [true, 30, { a: 30 }],
  [true, 31, { a: 30, b: 1 }],
  [true, 100, { a: 30, b: 5, c: 65 }],
  [true, 233, { a: 90, b: 13, c: 130 }],
  [false, 100, { a: 30, b: 5, c: 65 }],
  [false, 10_000, { a: 30, b: 5, c: 65 }],
] as const)('repeat %s: %i ns', (repeat, ns, expected) => {
  const asked = new Map<string, number>();
  phases(asked, repeat).advance(0, ns, 100, () => {});
  expect(Object.fromEntries(asked)).toEqual(expected);
});

test('however time is cut, each phase gets the same', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 30 }), fc.boolean(), (steps, repeat) => {
      const [whole, cut] = [new Map<string, number>(), new Map<string, number>()];
      const total = steps.reduce((sum, step) => sum + step, 0);
      phases(whole, repeat).advance(0, total, 100, () => {});
      const one = phases(cut, repeat);
      let at = 0;
      for (const step of steps) {
        one.advance(at, at + step, 100, () => {});
        at += step;
      }
      expect(cut).toEqual(whole);
    }),
  );
});

test('a phase is no longer for a throttled guest, and a sync reaches every phase', () => {
  const speeds: number[] = [];
  let syncs = 0;
  const workload: Writer = { advance: (_, __, speed) => void speeds.push(speed), synced: () => void syncs++ };
  const one = new Phases(
    [
      { forNs: 10, workload },
      { forNs: 10, workload },
    ],
    true,
  );
  one.advance(0, 20, 30, () => {});
  one.synced();
  expect([speeds, syncs]).toEqual([[30, 30], 2]);
});

test.each([[[]], [[0]], [[1.5]], [[5, -1]]])('phases of %j ns are refused', (lengths) => {
  const make = () =>
    new Phases(
      lengths.map((forNs) => ({ forNs, workload: { advance() {} } })),
      true,
    );
  expect(make).toThrow(RangeError);
});
