/** `zipf`: few pages get most of the writes, by Zipf's law. */
import { z } from 'zod';
import { leaf, section, word, workRate } from '../leaf.ts';
import type { Finding } from '../phrase.ts';
import { finding, type Path, pagesIn, sizeText } from '../places.ts';
import type { Vm } from '../vm.ts';
import {
  at,
  checkWriting,
  normaliseWriting,
  printWriteRate,
  printWriting,
  set,
  vcpus,
  type WorkloadRoom,
  type Writing,
  writesPerSecond,
} from './writing.ts';

export const PAGE_ORDERS = ['scattered', 'address'] as const;
export type PageOrder = (typeof PAGE_ORDERS)[number];

export interface ZipfWorkload extends Writing {
  readonly kind: 'zipf';
  readonly writesPerSecond: number;
  readonly skew: number;
  readonly order: PageOrder;
}

/** Beyond it all writes go to one page (the first rank has more than 99.9 % of them). */
const SKEW_MAX = 10;
/** What a seeded shuffle takes. */
export const SCATTERED_PAGES_MAX = 2 ** 30;

export const skew = leaf<number, number>({
  expected: `a number from 0 to ${SKEW_MAX}`,
  example: '0.99',
  json: { type: 'number', minimum: 0, maximum: SKEW_MAX, examples: [0.99] },
  description: "Exponent of Zipf's law: 0 writes all pages alike, 1 is the classic law.",
  read: (input) => (typeof input === 'number' && input >= 0 && input <= SKEW_MAX ? { value: input } : { hint: null }),
});

export const pageOrder = word(PAGE_ORDERS, 'Where the hot pages are: scattered by the seed, or by address.').prefault(
  'scattered',
);

const schema = section({
  kind: z.literal('zipf'),
  set,
  rate: workRate('Writes, most of them to few pages.'),
  skew,
  order: pageOrder,
  vcpus,
  at,
});

export const zipf = {
  schema,
  normalise: (read: z.output<typeof schema>, room: WorkloadRoom): ZipfWorkload => ({
    kind: 'zipf',
    writesPerSecond: writesPerSecond(read.rate, room.pageSize),
    skew: read.skew,
    order: read.order,
    ...normaliseWriting(read, room),
  }),
  check: (workload: ZipfWorkload, vm: Vm, path: Path): readonly Finding[] => [
    ...checkWriting(workload, vm, path),
    ...checkScattered(workload, vm, [...path, 'set']),
  ],
  print: (workload: ZipfWorkload) => ({
    kind: workload.kind,
    rate: printWriteRate(workload.writesPerSecond),
    skew: workload.skew,
    order: workload.order,
    ...printWriting(workload),
  }),
};

/** A set that is scattered is at most as large as a shuffle. */
export function checkScattered(
  { setBytes, order }: Pick<ZipfWorkload, 'setBytes' | 'order'>,
  { pageSizeBytes }: Pick<Vm, 'pageSizeBytes'>,
  path: Path,
): readonly Finding[] {
  if (order === 'address' || pagesIn(setBytes, pageSizeBytes) <= SCATTERED_PAGES_MAX) return [];
  return [
    finding(
      path,
      `scattered, it is at most ${sizeText(SCATTERED_PAGES_MAX * pageSizeBytes)}; order: address has no limit`,
    ),
  ];
}
