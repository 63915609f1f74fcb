/**
 * One migration in a user's program: observables while it runs, a promise of the report, and `cancel`.
 *
 * A modelled run is paced against wall time or runs as fast as it goes, giving the event loop its turns; a run over a driver
 * of your own goes by its own clock. The promise is rejected only when the run cannot go on (a journal that cannot be
 * written, a programmer's error); a migration that fails is a report.
 */
import { EMPTY, filter, map, type Observable, Subject } from 'rxjs';
import type { Facts } from '../../machines/messages.ts';
import { type PaceOptions, pace } from '../clock/pace.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import type { Progress } from '../drivers/driver.ts';
import type { Recorded } from '../run/runner.ts';
import type { PageWrites } from '../streams/page-writes.ts';
import { type PrepareOptions, prepareRun } from './prepare.ts';
import type { Report } from './report/report.ts';
import { scenarioFrom } from './scenario/read.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { ScenarioInput } from './scenario/schema.ts';

export interface MigrateOptions extends PrepareOptions {
  /** In place of the scenario's own. */
  readonly seed?: number | undefined;
  /** Virtual seconds in a wall second; `max` (the default) never waits. */
  readonly pace?: number | 'max' | undefined;
  /** Aborting it cancels the migration, as `cancel()` does. */
  readonly signal?: AbortSignal | undefined;
  /** Called about ten times a second of wall time while it runs. */
  readonly onRefresh?: (() => void) | undefined;
}

/** A round as the policy judged it. */
export type RoundAssessed = Facts['ROUND_ASSESSED'] & { readonly atNs: number };

export interface Migration {
  /** Its name in the journal. */
  readonly run: string;
  readonly records$: Observable<Recorded>;
  readonly rounds$: Observable<RoundAssessed>;
  /** Batches are borrowed: copy what you keep. */
  readonly pages$: Observable<PageWrites>;
  /** At most one a send window; empty where the driver has nothing to tell. */
  readonly progress$: Observable<Progress>;
  /** ns on the run's clock. */
  readonly nowNs: number;
  /** The operator's order; the report says whether it came in time. */
  cancel(): void;
  /** The order to go on as post-copy (migrate-start-postcopy); needs `vmm.postcopy`, else the report warns. */
  startPostcopy(): void;
  /** Pauses a post-copy (migrate-pause); it goes on after `recover`. */
  pause(): void;
  /** Goes on with a paused post-copy (migrate-recover, migrate with resume). */
  recover(): void;
  readonly report: Promise<Report>;
}

/** Starts at the next turn of the event loop, so that a caller can subscribe first. Throws a ScenarioError for bad input. */
export function migrate(input: Scenario | ScenarioInput, options: MigrateOptions = {}): Migration {
  const read = isScenario(input) ? input : scenarioFrom(input);
  const scenario = options.seed === undefined ? read : { ...read, seed: options.seed };
  const prepared = prepareRun(scenario, options);
  const { runner, clock, driver, opened } = prepared;
  const records = new Subject<Recorded>();
  const report = new Promise<Report>((resolve, reject) => {
    runner.recorded$.subscribe({
      next: (recorded) => records.next(recorded),
      error: (error) => {
        driver.close();
        records.error(error);
        reject(error);
      },
      complete: () => {
        const ended = prepared.report();
        driver.close();
        records.complete();
        resolve(ended);
      },
    });
  });
  const { signal } = options;
  const cancel = () => prepared.cancel();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const unhook = () => signal?.removeEventListener('abort', cancel);
  // Handled here too: a caller who only watches the observables must not crash the process by a rejection nobody awaits.
  report.then(unhook, unhook);
  setImmediate(() => {
    try {
      prepared.start();
    } catch (error) {
      runner.stop(error);
      return;
    }
    if (clock instanceof VirtualClock) void walk(clock);
  });

  async function walk(virtual: VirtualClock): Promise<void> {
    const { onRefresh } = options;
    const pacing: PaceOptions = {
      factor: options.pace ?? 'max',
      done: () => runner.ended,
      ...(onRefresh === undefined ? {} : { onRefresh }),
    };
    try {
      const end = await pace(virtual, pacing);
      if (end === 'drained') runner.stop(new Error(`run ${opened.run} fell silent at ${virtual.nowNs} ns`));
    } catch (error) {
      runner.stop(error);
    }
  }

  const records$ = records.asObservable();
  return {
    run: opened.run,
    records$,
    rounds$: records$.pipe(
      map(roundOf),
      filter((round) => round !== undefined),
    ),
    pages$: driver.pages$,
    progress$: driver.progress$ ?? EMPTY,
    get nowNs() {
      return clock.nowNs;
    },
    cancel,
    startPostcopy: () => prepared.order('START_POSTCOPY'),
    pause: () => prepared.order('PAUSE'),
    recover: () => prepared.order('RECOVER'),
    report,
  };
}

function roundOf({ record, effects }: Recorded): RoundAssessed | undefined {
  for (const effect of effects) {
    if (effect.kind === 'fact' && effect.event.type === 'ROUND_ASSESSED') {
      const { type: _, ...round } = effect.event;
      return { ...(round as unknown as Facts['ROUND_ASSESSED']), atNs: record.atNs };
    }
  }
  return undefined;
}

/** A scenario that has been read has every section; an input says its memory as a person does. */
function isScenario(input: Scenario | ScenarioInput): input is Scenario {
  return 'memoryBytes' in input.vm;
}
