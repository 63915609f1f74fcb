/** A modelled migration that is looked at while it runs: it begins when somebody looks, and its records are told as they come. */
import type { LiveFeed } from '../inspector/server/workbench.ts';
import type { Journal } from '../journal/journal.ts';
import type { Migration } from '../lab/migrate.ts';
import { type Choices, chosenScenario } from './chosen-scenario.ts';

export interface LiveOptions extends Choices {
  readonly seed?: number;
  readonly pace: number | 'max';
  readonly journal?: string;
}

export interface LiveMigration {
  readonly state: 'waits' | 'runs' | 'ended';
  /** It begins at the next turn of the event loop, so that a caller can follow first. */
  start(): LiveFeed;
  cancel(): void;
  /** What its report says in a sentence; rejects where it broke off. */
  readonly sentence: Promise<string>;
  /** Closes its journal. */
  close(): void;
}

/** Ready to start. Throws a ScenarioError, and what opening a journal throws. */
export async function liveMigration(name: string, options: LiveOptions): Promise<LiveMigration> {
  const { migrate } = await import('../lab/migrate.ts');
  const scenario = await chosenScenario(name, options);
  const journal = await journalAt(options.journal);
  const { promise: sentence, resolve, reject } = settled<string>();
  let state: LiveMigration['state'] = 'waits';
  let migration: Migration | undefined;
  return {
    get state() {
      return state;
    },
    start() {
      const started = migrate(scenario, { pace: options.pace, seed: options.seed, journal });
      migration = started;
      state = 'runs';
      const end = () => {
        state = 'ended';
      };
      started.report.then(end, end);
      started.report.then((report) => resolve(report.sentence), reject);
      return {
        run: started.run,
        source: name,
        journal,
        get nowNs() {
          return started.nowNs;
        },
        follow: (listener) => follow(started, listener),
      };
    },
    cancel: () => migration?.cancel(),
    sentence,
    close: () => journal.close(),
  };
}

function follow({ records$ }: Migration, { record, ended }: Parameters<LiveFeed['follow']>[0]): void {
  records$.subscribe({
    next: (recorded) => record(recorded.record),
    error: (error: Error) => ended(error),
    complete: () => ended(),
  });
}

/** A promise that is settled from outside; that nobody awaits it is no error. */
function settled<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}

async function journalAt(path: string | undefined): Promise<Journal> {
  if (path === undefined) {
    const { MemoryJournal } = await import('../journal/memory-journal.ts');
    return new MemoryJournal();
  }
  const { openJournal } = await import('../journal/open.ts');
  return openJournal(path);
}
