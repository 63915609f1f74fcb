/**
 * `vm.holes`: addresses at which the guest has no memory, such as a PC's below 4 GiB. Memory goes on above a hole, so that
 * a guest with 16 GiB and a hole of 1 GiB ends at 17 GiB. Everything else in a scenario counts memory and not addresses:
 * a set that begins 3 GiB into it lies above a hole at 3 GiB.
 */
import { z } from 'zod';
import type { PageRange } from '../../../machines/words.ts';
import { section } from './leaf.ts';
import type { Finding } from './phrase.ts';
import { checkWhole, finding, sizeText } from './places.ts';
import { printSize, size } from './values.ts';
import type { Vm } from './vm.ts';

export interface Hole {
  /** Guest-physical address. */
  readonly atBytes: number;
  readonly sizeBytes: number;
}

export const holesSchema = z
  .array(
    section({
      at: size('Guest-physical address of the hole; a whole number of pages.'),
      size: size('How large it is; memory goes on above it.'),
    }),
  )
  .describe('Addresses without memory, such as the PCI hole below 4GiB; sets are laid around them.');

export function normaliseHoles(read: z.output<typeof holesSchema>): readonly Hole[] {
  return read.map((hole) => ({ atBytes: hole.at, sizeBytes: hole.size })).sort((a, b) => a.atBytes - b.atBytes);
}

/** `pagesMax`: page numbers that there may be, holes included. */
export function checkHoles({ holes = [], memoryBytes, pageSizeBytes }: Vm, pagesMax: number): readonly Finding[] {
  const found: Finding[] = [];
  let endBytes = memoryBytes;
  let lastBytes = 0;
  holes.forEach(({ atBytes, sizeBytes }, h) => {
    const path = ['vm', 'holes', h];
    found.push(...checkWhole([...path, 'at'], atBytes, pageSizeBytes));
    found.push(...checkWhole([...path, 'size'], sizeBytes, pageSizeBytes));
    if (sizeBytes === 0) found.push(finding([...path, 'size'], 'must be larger than 0'));
    if (atBytes < lastBytes) found.push(finding([...path, 'at'], 'overlaps the hole before it'));
    else if (atBytes >= endBytes) found.push(finding([...path, 'at'], `memory ends at ${sizeText(endBytes)} already`));
    endBytes += sizeBytes;
    lastBytes = atBytes + sizeBytes;
  });
  if (holes.length > 0 && endBytes / pageSizeBytes > pagesMax) {
    found.push(finding(['vm', 'holes'], `memory must end at or below ${sizeText(pagesMax * pageSizeBytes)}`));
  }
  return found;
}

export function printHoles(holes: readonly Hole[]): z.input<typeof holesSchema> {
  return holes.map(({ atBytes, sizeBytes }) => ({ at: printSize(atBytes), size: printSize(sizeBytes) }));
}

/** Where memory is, in pages: one run, or the runs between the holes. */
export function slotsOf({ holes = [], memoryBytes, pageSizeBytes }: Vm): readonly PageRange[] {
  const slots: PageRange[] = [];
  let atPage = 0;
  let leftPages = memoryBytes / pageSizeBytes;
  for (const { atBytes, sizeBytes } of holes) {
    const pages = Math.min(leftPages, atBytes / pageSizeBytes - atPage);
    if (pages > 0) slots.push({ firstPage: atPage, pages });
    leftPages -= pages;
    atPage = (atBytes + sizeBytes) / pageSizeBytes;
  }
  if (leftPages > 0) slots.push({ firstPage: atPage, pages: leftPages });
  return slots;
}
