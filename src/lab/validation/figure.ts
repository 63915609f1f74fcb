/**
 * One figure of the suite: what was published or follows from a formula, what a run of this project gave, how far they may
 * be apart, and what the closed form alone says on the same inputs.
 */

/** How far `got` may be from `expected`. */
export type Tolerance =
  | { readonly kind: 'exact' }
  | { readonly kind: 'percent'; readonly percent: number }
  /** In the figure's own unit. */
  | { readonly kind: 'absolute'; readonly by: number }
  /** Whichever of the two allows more. */
  | { readonly kind: 'percent-or-absolute'; readonly percent: number; readonly by: number }
  /** Anywhere between, the ends included: what is known is a bound, and `expected` is what was published. */
  | { readonly kind: 'between'; readonly least: number; readonly most: number }
  /** `deviations` standard deviations of a distribution that is known exactly. */
  | { readonly kind: 'deviations'; readonly deviations: number; readonly standardDeviation: number };

export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 's' | 'bytes' | 'pages' | 'rounds';
  /** Null: the migration does not end. */
  readonly expected: number | null;
  readonly got: number | null;
  readonly tolerance: Tolerance;
  /** Left out where there is none for these inputs. */
  readonly closedForm?: number | null;
}

export interface Judged extends Figure {
  readonly held: boolean;
  /** Got less expected; null where one of them is no number. */
  readonly error: number | null;
  readonly errorPercent: number | null;
  readonly closedFormErrorPercent?: number | null;
}

/** Figures of one source. */
export interface Group {
  readonly name: string;
  /** In a sentence: what is compared, and what is only derived or fitted. */
  readonly about: string;
  readonly source: string;
  readonly figures: readonly Figure[];
}

export function judged(figure: Figure): Judged {
  const { expected, got, closedForm } = figure;
  return {
    ...figure,
    held: holds(figure),
    error: expected === null || got === null ? null : got - expected,
    errorPercent: percentOff(got, expected),
    ...(closedForm === undefined ? {} : { closedFormErrorPercent: percentOff(closedForm, expected) }),
  };
}

function holds({ expected, got, tolerance }: Figure): boolean {
  if (expected === null || got === null) return expected === got;
  if (tolerance.kind === 'between') return tolerance.least <= got && got <= tolerance.most;
  return Math.abs(got - expected) <= allowance(tolerance, expected);
}

/** In the figure's own unit. */
function allowance(tolerance: Exclude<Tolerance, { kind: 'between' }>, expected: number): number {
  switch (tolerance.kind) {
    case 'exact':
      return 0;
    case 'percent':
      return (Math.abs(expected) * tolerance.percent) / 100;
    case 'absolute':
      return tolerance.by;
    case 'percent-or-absolute':
      return Math.max(tolerance.by, (Math.abs(expected) * tolerance.percent) / 100);
    case 'deviations':
      return tolerance.deviations * tolerance.standardDeviation;
    default:
      return tolerance satisfies never;
  }
}

/** Null where one of them is no number, or where nothing was expected but 0 and something else came. */
function percentOff(got: number | null, expected: number | null): number | null {
  if (got === null || expected === null) return null;
  if (got === expected) return 0;
  return expected === 0 ? null : (100 * (got - expected)) / expected;
}
