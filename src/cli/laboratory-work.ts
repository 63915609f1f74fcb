/**
 * What the inspector has done in a thread of its own: runs made again, for a branch or to watch their pages. Plain data in, plain
 * data out; what a person asked for and cannot have comes back as a sentence, because an error loses its name on the way.
 */
import type { Rec } from '../core/record.ts';
import type { Branch, BranchWish, MemoryMap } from '../inspector/page-data.ts';
import type { Span } from '../inspector/server/workbench.ts';
import type { RunSummary } from '../journal/journal.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { describeError } from './describe-error.ts';
import { changesOf } from './set-option.ts';

export interface BranchJob {
  readonly job: 'branch';
  readonly run: string;
  readonly records: readonly Rec[];
  readonly wish: BranchWish;
  /** Names that the new run must not have. */
  readonly taken: readonly string[];
}

export interface MapJob {
  readonly job: 'memory-map';
  readonly records: readonly Rec[];
  readonly span?: Span | undefined;
}

export interface BranchDone extends Omit<Branch, 'run'> {
  readonly run: string;
  readonly records: readonly Rec[];
}

export type Done<T> = { readonly done: T } | { readonly refused: string };

export async function work(job: BranchJob | MapJob): Promise<Done<BranchDone | MemoryMap>> {
  try {
    return { done: job.job === 'branch' ? await branchOf(job) : await mapOf(job) };
  } catch (error) {
    const isBug = describeError(error).message.startsWith('switchover:');
    if (isBug && (error as Error).name !== 'MemoryMapError') throw error;
    return { refused: (error as Error).message };
  }
}

async function branchOf({ run, records, wish, taken }: BranchJob): Promise<BranchDone> {
  const { branch } = await import('../lab/branch/branch.ts');
  const { policyChange } = await import('../lab/branch/change.ts');
  const { figuresOf } = await import('../lab/branch/compare.ts');
  const journal = new MemoryJournal();
  journal.append(run, 0, records);
  const { policy, ...rest } = wish.set;
  const change = {
    ...(policy === undefined ? {} : policyChange(policy)),
    ...Object.fromEntries(await changesOf(Object.entries(rest).map(([key, value]) => `${key}=${value}`))),
  };
  const into = new JournalAmong(taken);
  const made = branch(journal, { run, at: wish.position, change, into });
  const { differsFromRound: round } = made.comparison;
  return {
    run: made.run,
    records: [...into.read(made.run)],
    figures: figuresOf(made.comparison),
    sentence: `${made.branch.sentence} ${round === null ? 'No round differs.' : `They differ from round ${round} on.`}`,
  };
}

async function mapOf({ records, span }: MapJob): Promise<MemoryMap> {
  const { memoryMap } = await import('../lab/memory-map/memory-map.ts');
  return memoryMap(records, span);
}

/** A journal beside others: their runs' names are taken. */
class JournalAmong extends MemoryJournal {
  readonly #taken: readonly string[];

  constructor(taken: readonly string[]) {
    super();
    this.#taken = taken;
  }

  override runs(): readonly RunSummary[] {
    return [...this.#taken.map((run) => ({ run, records: 0 })), ...super.runs()];
  }
}
