/**
 * Holm's correction: who looks at many differences finds some by chance, so each is judged more strictly than it would be alone,
 * the least likely one most strictly. Sture Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
 * Journal of Statistics 6 (1979).
 */

/** Corrected, in the order given; one that is null was no test, and counts as none. */
export function holm(chances: readonly (number | null)[]): readonly (number | null)[] {
  const tested = chances.flatMap((p, index) => (p === null ? [] : [{ p, index }])).sort((a, b) => a.p - b.p);
  const corrected: (number | null)[] = chances.map(() => null);
  let least = 0;
  for (const [rank, { p, index }] of tested.entries()) {
    least = Math.max(least, Math.min(1, p * (tested.length - rank)));
    corrected[index] = least;
  }
  return corrected;
}
