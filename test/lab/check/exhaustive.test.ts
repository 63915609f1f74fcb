/**
 * The exhaustive cases: every one is there once and can be read. That each thing that can go wrong alone ends legally is
 * CI's own check (.ci/run), of which coverage.test.ts has a part.
 */
import { describe, expect, test } from 'vitest';
import { type Case, kindOfFault } from '../../../src/lab/check/case.ts';
import { exhaustiveCase, exhaustiveCount } from '../../../src/lab/check/exhaustive.ts';
import { EXHAUSTIVE_SUBJECTS } from '../../../src/lab/check/exhaustive-subjects.ts';

const NAMES = Object.keys(EXHAUSTIVE_SUBJECTS);

describe.each(NAMES)('%s', (name) => {
  test('each single is another one, and every kind is among them', async () => {
    const { singles, pairs } = await exhaustiveCount(name);
    const cases = await Promise.all(Array.from({ length: singles }, (_, nth) => exhaustiveCase(name, nth)));
    const texts = cases.map(({ one: { seed: _, ...rest } }) => JSON.stringify(rest));
    expect(new Set(texts).size).toBe(singles);
    const kinds = new Set(cases.flatMap(({ one }) => (one.input.faults ?? []).map(kindOfFault)));
    const some = (has: (one: Case) => boolean) => cases.filter(({ one }) => has(one)).length;
    if (EXHAUSTIVE_SUBJECTS[name]?.overtaken === true) {
      expect([...kinds].sort()).toEqual(['fails', 'hangs', 'slow']);
      expect(some(({ orders }) => orders?.[0]?.order === 'CANCEL')).toBeGreaterThan(50);
    } else {
      expect([...kinds]).toEqual(expect.arrayContaining(['fails', 'fails, done', 'hangs', 'silent', 'slow', 'twice']));
      expect(some(({ input }) => input.cancelAt !== undefined)).toBeGreaterThan(2);
      expect(some(({ crash }) => crash !== undefined)).toBeGreaterThan(4);
    }
    await expect(exhaustiveCase(name, singles + pairs)).rejects.toThrow(RangeError);
  });
});

describe.each(NAMES.filter((name) => EXHAUSTIVE_SUBJECTS[name]?.pairs === true))('%s', (name) => {
  test('a pair is two singles at once', async () => {
    const { singles, pairs } = await exhaustiveCount(name);
    expect(pairs).toBeGreaterThan(100 * singles);
    const { one } = await exhaustiveCase(name, singles);
    expect(one.input.faults).toHaveLength(2);
  });
});
