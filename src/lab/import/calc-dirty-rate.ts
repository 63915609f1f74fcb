/**
 * Samples of `calc-dirty-rate`: one JSON object with `page-size`, `n-total-pages`, `n-sampled-pages`, `n-zero-pages` and the
 * lists `periods` (ms since the clean state) and `n-dirty-pages` (sampled pages found dirty by then), as a reply's `return` or
 * by itself. Source of the format: A. Gudkov, "Migration time prediction using calc-dirty-rate", v2, qemu-devel, April 2023.
 *
 * n of N pages were sampled without replacement, so a count of k stands for N k/n pages, give or take 1.96 standard deviations
 * N sqrt(p (1-p) / n (N-n) / (N-1)) with p = k/n.
 */
import {
  type Imported,
  type ImportFile,
  lineOfKey,
  type Mapping,
  pageSizeOf,
  refuse,
  rising,
  shownValue,
} from './imported.ts';

const SIGMAS_OF_95_PERCENT = 1.96;

export function isCalcDirtyRate(value: Mapping): boolean {
  return 'n-dirty-pages' in value || 'n-sampled-pages' in value;
}

export function importCalcDirtyRate(file: ImportFile, value: Mapping): Imported {
  const total = wholeAt(file, value, 'n-total-pages', 1, 8_392_704);
  const sampled = wholeAt(file, value, 'n-sampled-pages', 1, 16_392);
  if (sampled > total)
    refuse(
      file,
      lineOfKey(file, 'n-sampled-pages'),
      'n-sampled-pages',
      `at most n-total-pages (${total})`,
      '16392',
      String(sampled),
    );
  const zero = 'n-zero-pages' in value ? wholeAt(file, value, 'n-zero-pages', 0, 10_060) : 0;
  const periods = listAt(file, value, 'periods', '[125, 250, 500]');
  const dirty = listAt(file, value, 'n-dirty-pages', '[33, 78, 151]');
  if (periods.length === 0 || periods.length !== dirty.length) {
    const got = `${dirty.length} for ${periods.length} periods`;
    refuse(file, lineOfKey(file, 'n-dirty-pages'), 'n-dirty-pages', 'one count for each period', '[33, 78, 151]', got);
  }
  checkCounts(file, periods, dirty, sampled - zero);
  const pageBytes = pageSizeOf(file, lineOfKey(file, 'page-size'), 'page-size', value['page-size']);
  const scale = total / sampled;
  const { points, raised } = rising(
    periods.map((afterMs, index) => {
      const share = (dirty[index] ?? 0) / sampled;
      const rest = total === 1 ? 0 : (total - sampled) / (total - 1);
      const deviation = total * Math.sqrt(((share * (1 - share)) / sampled) * rest);
      return {
        afterMs,
        pages: Math.round(share * total),
        plusMinusPages: Math.ceil(SIGMAS_OF_95_PERCENT * deviation),
      };
    }),
  );
  return {
    from: 'calc-dirty-rate samples',
    pageBytes,
    memoryBytes: total * pageBytes,
    ...(zero === 0 ? {} : { nonZeroBytes: Math.round((sampled - zero) * scale) * pageBytes }),
    points,
    notes: [
      `${sampled} of ${total} pages were sampled; what stands behind ± holds in 95 of 100 cases.`,
      'Sampling compares content: a page written with what it held already counts as clean here and as dirty in a migration.',
      ...(raised === 0 ? [] : [`${raised} counts were lower than an earlier one and were raised to it.`]),
    ],
  };
}

function checkCounts(file: ImportFile, periods: readonly number[], dirty: readonly number[], most: number): void {
  periods.forEach((ms, index) => {
    const before = periods[index - 1] ?? 0;
    if (ms > before) return;
    refuse(
      file,
      lineOfKey(file, 'periods'),
      `periods[${index}]`,
      `a time later than ${before} ms`,
      String(before + 125),
      String(ms),
    );
  });
  dirty.forEach((pages, index) => {
    if (pages <= most) return;
    const expected = `at most ${most} pages, those sampled with content`;
    refuse(file, lineOfKey(file, 'n-dirty-pages'), `n-dirty-pages[${index}]`, expected, String(most), String(pages));
  });
}

function wholeAt(file: ImportFile, value: Mapping, key: string, least: number, example: number): number {
  const number = value[key];
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= least) return number;
  return refuse(file, lineOfKey(file, key), key, `a whole number from ${least}`, String(example), shownValue(number));
}

function listAt(file: ImportFile, value: Mapping, key: string, example: string): readonly number[] {
  const list = value[key];
  const isGood = (one: unknown) => typeof one === 'number' && Number.isFinite(one) && one >= 0;
  if (Array.isArray(list) && list.every(isGood)) return list as number[];
  return refuse(file, lineOfKey(file, key), key, 'a list of numbers', example, shownValue(list));
}
