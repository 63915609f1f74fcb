/**
 * How many seeds a check needs to find a mutant. Each case that the mutant is given the sound product is given as well, so
 * that what is found is the mutant's.
 */
import { chartsFor } from '../../../machines/index.ts';
import { type ChartSet, chartSet } from '../../../src/core/system.ts';
import { type Judges, judgesOf } from '../../../src/lab/check/coverage.ts';
import { type Drawn, drawCase } from '../../../src/lab/check/draw/case.ts';
import { runCase } from '../../../src/lab/check/run-case.ts';
import { type Broken, judge } from '../../../src/lab/check/verdict.ts';
import type { Mutant, Wrap } from './mutant.ts';

export interface Hunt {
  readonly mutant: Mutant;
  /** The first seed that finds it; undefined when none did. */
  readonly seed: number | undefined;
  readonly broken: Broken | undefined;
  /** Seeds that were run, and not only drawn. */
  readonly runs: number;
  /** The sound product failed in one of the same cases. */
  readonly unsound: (Broken & { readonly seed: number }) | undefined;
}

export class Hunter {
  readonly #drawn = new Map<number, Drawn>();
  readonly #soundCharts = new Map<string, ChartSet>();
  /** By the driver that it was run over, and seed. */
  readonly #sound = new Map<Wrap | undefined, Map<number, Broken | undefined>>();

  async hunt(mutant: Mutant, seedsMax: number): Promise<Hunt> {
    const { where = () => true, over } = mutant;
    const charts = new Map<string, ChartSet>();
    let runs = 0;
    for (let seed = 1; seed <= seedsMax; seed++) {
      if (!where(this.#draw(seed).one)) continue;
      runs += 1;
      const sound = await this.#soundly(seed, over);
      if (sound !== undefined) return { mutant, seed, broken: undefined, runs, unsound: { ...sound, seed } };
      const broken = await this.#wrongly(seed, mutant, charts);
      if (broken !== undefined) return { mutant, seed, broken, runs, unsound: undefined };
    }
    return { mutant, seed: undefined, broken: undefined, runs, unsound: undefined };
  }

  async #soundly(seed: number, over: Wrap | undefined): Promise<Broken | undefined> {
    const known = this.#sound.get(over) ?? new Map<number, Broken | undefined>();
    this.#sound.set(over, known);
    if (!known.has(seed)) {
      const { one, scenario } = this.#draw(seed);
      const charts = chartsOf(this.#soundCharts, judgesOf(one, scenario), {});
      known.set(seed, judge(await runCase(one, scenario, { charts, wrap: over }), charts));
    }
    return known.get(seed);
  }

  async #wrongly(seed: number, mutant: Mutant, made: Map<string, ChartSet>): Promise<Broken | undefined> {
    const { one, scenario } = this.#draw(seed);
    const judges = judgesOf(one, scenario);
    const charts = chartsOf(mutant.charts === undefined ? this.#soundCharts : made, judges, mutant.charts ?? {});
    const undo = mutant.plant?.();
    try {
      return judge(await runCase(one, scenario, { charts, wrap: mutant.wrap ?? mutant.over }), charts);
    } finally {
      undo?.();
    }
  }

  #draw(seed: number): Drawn {
    let drawn = this.#drawn.get(seed);
    if (drawn === undefined) {
      drawn = drawCase(seed);
      this.#drawn.set(seed, drawn);
    }
    return drawn;
  }
}

/** Warm charts for every run with the same policy and manager. */
function chartsOf(
  made: Map<string, ChartSet>,
  { policy, manager }: Judges,
  others: NonNullable<Mutant['charts']>,
): ChartSet {
  const key = `${policy} ${manager ?? ''}`;
  let charts = made.get(key);
  if (charts === undefined) {
    charts = chartSet({ ...chartsFor(policy, manager), ...others });
    made.set(key, charts);
  }
  return charts;
}
