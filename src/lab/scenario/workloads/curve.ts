/** `curve`: distinct pages written since the last look, against the time since then, as measured on a real VM. */
import { z } from 'zod';
import { leaf, section } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { finding, type Path, pagesIn } from '../places.ts';
import { DURATION, type DurationText, readQuantity, SIZE, type SizeText } from '../quantity.ts';
import { printDuration } from '../values.ts';
import type { Vm } from '../vm.ts';
import {
  at,
  checkWriting,
  normaliseWriting,
  printWriting,
  vcpus,
  type WorkloadRoom,
  type Writing,
  wholeSet,
} from './writing.ts';

export interface CurveWorkload extends Writing {
  readonly kind: 'curve';
  readonly points: readonly CurvePoint[];
}

/**
 * Times rise strictly, pages never fall. Before the first point the line of the first two is carried back, not below 0 pages;
 * a curve of one point comes from (0, 0).
 */
export interface CurvePoint {
  readonly afterNs: number;
  readonly distinctPages: number;
}

export interface ReadPoint {
  readonly afterNs: number;
  readonly pages?: number;
  readonly bytes?: number;
}

const point = leaf<readonly [number | DurationText, number | SizeText], ReadPoint>({
  expected: 'a point [time, pages]',
  example: '[100, 5000] or [100ms, 20MiB]',
  json: { type: 'array', minItems: 2, maxItems: 2, items: { type: ['string', 'number'] } },
  description: 'Time since the last look (a number is ms), distinct pages written in it (a number is pages).',
  read: (input) => {
    if (!Array.isArray(input) || input.length !== 2) return { hint: null };
    const [time, pages] = input as [unknown, unknown];
    const after = readQuantity(DURATION, typeof time === 'number' ? `${time}ms` : time);
    const written = readQuantity(SIZE, pages);
    if (!('value' in after) || !('value' in written)) return { hint: null };
    return { value: { afterNs: after.value, ...(typeof pages === 'number' ? { pages } : { bytes: written.value }) } };
  },
});

const schema = section({
  kind: z.literal('curve'),
  points: z.array(point).describe('Distinct pages against time, as measured on a real VM.'),
  set: wholeSet,
  vcpus,
  at,
});

export const curve = {
  schema,
  normalise: (read: z.output<typeof schema>, room: WorkloadRoom): CurveWorkload => ({
    kind: 'curve',
    points: read.points.map(({ afterNs, pages, bytes }) => ({
      afterNs,
      distinctPages: pages ?? Math.ceil((bytes ?? 0) / room.pageSize),
    })),
    ...normaliseWriting(read, room),
  }),
  check: (workload: CurveWorkload, vm: Vm, path: Path): readonly Finding[] => [
    ...checkWriting(workload, vm, path),
    ...checkPoints(workload, vm.pageSizeBytes, [...path, 'points']),
  ],
  print: (workload: CurveWorkload) => ({
    kind: workload.kind,
    points: workload.points.map(({ afterNs, distinctPages }): [DurationText, number] => [
      printDuration(afterNs),
      distinctPages,
    ]),
    ...printWriting(workload),
  }),
};

function checkPoints({ points, setBytes }: CurveWorkload, pageSizeBytes: number, path: Path): readonly Finding[] {
  if (points.length === 0) return [finding(path, 'a curve has at least one point')];
  const setPages = pagesIn(setBytes, pageSizeBytes);
  return points.flatMap((point, index): readonly Finding[] => {
    const before = points[index - 1] ?? { afterNs: -1, distinctPages: 0 };
    const at = [...path, index];
    if (point.afterNs <= before.afterNs) return [finding(at, 'times must rise from point to point')];
    if (point.distinctPages < before.distinctPages)
      return [finding(at, 'distinct pages cannot become fewer with time')];
    if (point.distinctPages > setPages) {
      return [finding(at, `${point.distinctPages} pages are more than the set, which is ${setPages} pages`)];
    }
    return point.afterNs === 0 && point.distinctPages > 0 ? [finding(at, 'at time 0 nothing has been written')] : [];
  });
}
