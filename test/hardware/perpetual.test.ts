import { expect, test } from 'vitest';
import { GuestMemory } from '../../src/hardware/memory.ts';
import { PageBitmap } from '../../src/hardware/page-bitmap.ts';
import { reportEverythingMapped } from '../../src/hardware/perpetual.ts';

test('all of RAM, at every sync, and no hole', () => {
  const slots = [
    { firstPage: 0, pages: 100 },
    { firstPage: 150, pages: 50 },
  ];
  const memory = new GuestMemory({ pageBytes: 4096, slots, nonZeroPages: 0 });
  const into = new PageBitmap(memory.pages);
  into.set(3);
  expect(reportEverythingMapped(memory, into)).toEqual({ dirtyPages: 150, newPages: 149 });
  expect(reportEverythingMapped(memory, into)).toEqual({ dirtyPages: 150, newPages: 0 });
  expect(into.countRange(100, 50)).toBe(0);
});
