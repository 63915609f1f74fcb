/** A place in guest memory as a scenario says it, in bytes, as the model's page numbers. */
import type { PageRange } from '../../../machines/words.ts';
import { pagesIn } from '../scenario/places.ts';

export function range(atBytes: number, bytes: number, pageBytes: number): PageRange {
  return { firstPage: atBytes / pageBytes, pages: pagesIn(bytes, pageBytes) };
}
