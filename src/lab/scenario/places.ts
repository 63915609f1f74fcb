/** Checks that several sections of a scenario share: what lies in guest memory lies in it, and on whole pages. */
import type { Finding } from './phrase.ts';
import { printQuantity, SIZE } from './quantity.ts';
import type { Vm } from './vm.ts';

export type Path = readonly PropertyKey[];

/** What a place in guest memory is checked against. */
export type Room = Pick<Vm, 'memoryBytes' | 'pageSizeBytes'>;

export function finding(path: Path, message: string): Finding {
  return { path, message, expected: null, example: null, at: 'value' };
}

export function sizeText(bytes: number): string {
  return String(printQuantity(SIZE, bytes));
}

/** A run of pages (`set`, `ring`) that begins at `at` and must lie within memory. */
export function checkRange(path: Path, key: string, atBytes: number, bytes: number, vm: Room): readonly Finding[] {
  const found: Finding[] = [...checkWhole([...path, 'at'], atBytes, vm.pageSizeBytes)];
  if (atBytes >= vm.memoryBytes && atBytes > 0) {
    found.push(finding([...path, 'at'], `must lie within vm.memory, which is ${sizeText(vm.memoryBytes)}`));
  } else if (bytes === 0) {
    found.push(finding([...path, key], 'must be larger than 0'));
  } else if (atBytes + bytes > vm.memoryBytes) {
    const place = atBytes === 0 ? '' : ` at ${sizeText(atBytes)}`;
    found.push(
      finding(
        [...path, key],
        `${sizeText(bytes)}${place} is more than vm.memory, which is ${sizeText(vm.memoryBytes)}`,
      ),
    );
  }
  return found;
}

export function checkFits(path: Path, bytes: number, memoryBytes: number): readonly Finding[] {
  if (bytes <= memoryBytes) return [];
  return [finding(path, `${sizeText(bytes)} is more than vm.memory, which is ${sizeText(memoryBytes)}`)];
}

export function checkWhole(path: Path, bytes: number, pageSizeBytes: number): readonly Finding[] {
  if (bytes % pageSizeBytes === 0) return [];
  return [finding(path, `must be a whole number of pages of ${sizeText(pageSizeBytes)}`)];
}

/** Pages that `bytes` take: a page that is begun counts whole. */
export function pagesIn(bytes: number, pageSizeBytes: number): number {
  return Math.ceil(bytes / pageSizeBytes);
}
