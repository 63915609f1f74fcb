/**
 * All that one inspector shows: runs out of journals and live ones, the branches that were made of them, and charts. It gives
 * each run its id, and does not know how it is served.
 */
import type { AnyStateMachine } from 'xstate';
import type { Journal, RunSummary } from '../../journal/journal.ts';
import { VERSION } from '../../version.ts';
import type { Branch, BranchWish, Session } from '../page-data.ts';
import { RefusedError } from './answer.ts';
import { Gallery } from './gallery.ts';
import { LiveRun } from './live-run.ts';
import { JournalRun, type ShownRun } from './shown-run.ts';
import type { LiveFeed, Workbench } from './workbench.ts';

/** Runs out of journals: more than that nobody can tell apart, and the rest is named. */
export const RUNS_MAX = 50;
/** Branches are held in memory, with all their records. */
const BRANCHES_MAX = 50;

export interface ExhibitionOptions {
  readonly workbench: Workbench;
  /** Of pictures drawn ahead of time. */
  readonly galleryFolder: string;
}

export class Exhibition {
  readonly gallery: Gallery;
  readonly workbench: Workbench;
  readonly #runs: ShownRun[] = [];
  readonly #notices: string[] = [];
  #branches = 0;

  constructor({ workbench, galleryFolder }: ExhibitionOptions) {
    this.workbench = workbench;
    this.gallery = new Gallery(galleryFolder);
  }

  get runs(): readonly ShownRun[] {
    return this.#runs;
  }

  run(id: string): ShownRun | undefined {
    return this.#runs.find((run) => run.id === id);
  }

  /** Runs of one journal, in its order. `source`: the file. */
  addJournal(journal: Journal, source: string, summaries: readonly RunSummary[]): void {
    const room = Math.max(0, RUNS_MAX - this.#runs.length);
    const ids = new Map<string, string>();
    for (const summary of summaries.slice(0, room)) {
      const id = this.#nextId();
      ids.set(summary.run, id);
      this.#runs.push(
        new JournalRun(
          journal,
          summary,
          this.#around(id, source, (run) => ids.get(run)),
        ),
      );
    }
    const left = summaries.slice(room).map(({ run }) => run);
    if (left.length > 0) {
      this.#notices.push(
        `${source} holds ${left.length} more ${left.length === 1 ? 'run' : 'runs'} than the ${RUNS_MAX} that are shown: ${named(left)}. Name those that you want with --run`,
      );
    }
  }

  addLive(feed: LiveFeed): LiveRun {
    const live = new LiveRun(
      feed,
      this.#around(this.#nextId(), feed.source, () => undefined),
    );
    this.#runs.push(live);
    return live;
  }

  /** Throws a RefusedError, and what the workbench throws. */
  async branch(parent: ShownRun, wish: BranchWish): Promise<Branch> {
    const { noBranch } = parent.header();
    if (noBranch !== undefined) throw new RefusedError(409, noBranch);
    if (this.#branches >= BRANCHES_MAX) {
      throw new RefusedError(409, `${BRANCHES_MAX} branches were made here: switchover branch keeps them in a journal`);
    }
    const taken = this.#runs.map((one) => one.run);
    const { journal, run, figures, sentence } = await this.workbench.branch(parent, { wish, taken });
    this.#branches++;
    const summary = journal.runs().find((one) => one.run === run) ?? { run, records: 0 };
    const id = this.#nextId();
    const shown = new JournalRun(
      journal,
      summary,
      this.#around(id, parent.header().source, () => parent.id),
    );
    this.#runs.push(shown);
    return { run: shown.header(), figures, sentence };
  }

  session(): Session {
    return {
      version: VERSION,
      mode: 'served',
      runs: this.#runs.map((run) => run.header()),
      machines: this.gallery.headers(),
      ...(this.#notices.length === 0 ? {} : { notice: this.#notices.join(' ') }),
    };
  }

  #nextId(): string {
    return String(this.#runs.length);
  }

  #around(id: string, source: string, idOf: (run: string) => string | undefined) {
    const nameOf = (machine: AnyStateMachine) => this.gallery.add(machine);
    return { id, source, workbench: this.workbench, nameOf, idOf };
  }
}

/** Runs that are left out are named as far as a sentence can hold. */
const NAMED_MAX = 10;

function named(runs: readonly string[]): string {
  const others = runs.length - NAMED_MAX;
  return `${runs.slice(0, NAMED_MAX).join(', ')}${others > 0 ? ` and ${others} others` : ''}`;
}
