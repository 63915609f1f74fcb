/**
 * A migration as XState actor logic, to invoke or spawn from one's own machine.
 *
 * Its snapshot's `context` is the progress, its output the report, it emits `ROUND_ASSESSED` for each round and takes
 * `CANCEL`. A migration that ends otherwise than completed is done, not in error: look at `output.outcome`. Stopping the
 * actor cancels the migration. A persisted snapshot keeps what was known; restored while the migration was under way it is
 * in error, because the run lives in its journal and is recovered from there.
 */
import type { ActorLogic, ActorRefFrom, ActorSystem, ActorSystemInfo, Snapshot } from 'xstate';
import { type MigrateOptions, type Migration, migrate, type RoundAssessed } from './migrate.ts';
import type { Report } from './report/report.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { ScenarioInput } from './scenario/schema.ts';

export interface MigrationInput extends MigrateOptions {
  readonly scenario: Scenario | ScenarioInput;
}

export interface MigrationProgress {
  /** QEMU's MigrationStatus name, `none` before the start. */
  readonly status: string;
  readonly round: number;
  readonly remainingBytes: number | undefined;
}

export type MigrationSnapshot = Snapshot<Report> & {
  readonly context: MigrationProgress;
  readonly input: MigrationInput;
  /** It has been persisted: whoever restores it restores what was known, not the run. */
  readonly persisted?: true;
};
export type MigrationEvent =
  | { readonly type: 'CANCEL' }
  | { readonly type: 'switchover.progress'; readonly progress: Partial<MigrationProgress> }
  | { readonly type: 'switchover.done'; readonly report: Report }
  | { readonly type: 'switchover.error'; readonly error: unknown };
export type MigrationEmitted = { readonly type: 'ROUND_ASSESSED' } & RoundAssessed;
export type MigrationLogic = ActorLogic<
  MigrationSnapshot,
  MigrationEvent,
  MigrationInput,
  ActorSystem<ActorSystemInfo>,
  MigrationEmitted
>;

/** A second migration of a VM whose first may be under way, or in doubt, must not begin by itself. */
const RESTORED = 'a migration that was under way is not begun again: recover its run from the journal';

/** The running migration of each live actor; a snapshot stays plain data. */
const running = new WeakMap<ActorRefFrom<MigrationLogic>, Migration>();

export const migrationLogic: MigrationLogic = {
  getInitialSnapshot: (_, input) => ({
    status: 'active',
    output: undefined,
    error: undefined,
    input,
    context: { status: 'none', round: 0, remainingBytes: undefined },
  }),
  getPersistedSnapshot: (snapshot) => ({ ...snapshot, persisted: true }),
  start(snapshot, { self, emit }) {
    if (snapshot.status !== 'active') return;
    if ('persisted' in snapshot) {
      self.send({ type: 'switchover.error', error: new Error(RESTORED) });
      return;
    }
    const { scenario, ...options } = snapshot.input;
    const migration = migrate(scenario, options);
    running.set(self, migration);
    // One that was stopped hears no more of its migration, which still ends.
    const tell = (event: MigrationEvent) => {
      if (self.getSnapshot().status === 'active') self.send(event);
    };
    migration.rounds$.subscribe({
      next: (round) => {
        emit({ type: 'ROUND_ASSESSED', ...round });
        const { remainingBytes } = round.observation;
        tell({ type: 'switchover.progress', progress: { round: round.round, remainingBytes } });
      },
      error: () => {},
    });
    migration.records$.subscribe({
      next: ({ effects }) => {
        for (const effect of effects) {
          if (effect.kind !== 'fact' || effect.event.type !== 'STATUS_CHANGED') continue;
          tell({ type: 'switchover.progress', progress: { status: String(effect.event.status) } });
        }
      },
      error: () => {},
    });
    migration.report.then(
      (report) => tell({ type: 'switchover.done', report }),
      (error) => tell({ type: 'switchover.error', error }),
    );
  },
  transition(snapshot, event, { self }) {
    // XState's own events (xstate.init, xstate.stop) reach a logic too.
    const { type } = event as { readonly type: string };
    if (type === 'xstate.stop') {
      running.get(self)?.cancel();
      return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
    }
    if (snapshot.status !== 'active') return snapshot;
    switch (event.type) {
      case 'CANCEL':
        running.get(self)?.cancel();
        return snapshot;
      case 'switchover.progress':
        return { ...snapshot, context: { ...snapshot.context, ...event.progress } };
      case 'switchover.done':
        return { ...snapshot, status: 'done', output: event.report, error: undefined };
      case 'switchover.error':
        return { ...snapshot, status: 'error', error: event.error, output: undefined };
      default:
        return snapshot;
    }
  },
};
