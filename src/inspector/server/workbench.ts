/**
 * What the inspector asks of whoever can run migrations and load a user's code: it can do neither itself. Everything that a
 * person asked for and cannot have is an Error with a sentence.
 */
import type { AnyStateMachine } from 'xstate';
import type { Address, Opened, Rec } from '../../core/record.ts';
import type { Journal } from '../../journal/journal.ts';
import type { Branch, BranchWish, MemoryMap } from '../page-data.ts';

export interface Workbench {
  /** What today's charts make of a run that was opened like this. Never throws. */
  lookAt(opened: Opened): Looked;
  /** Makes the run again up to a moment and goes on otherwise. `taken`: names that the new run must not have. */
  branch(
    parent: { readonly journal: Journal; readonly run: string },
    how: { readonly wish: BranchWish; readonly taken: readonly string[] },
  ): Promise<MadeBranch>;
  /** Makes the run again and watches its pages; all of it unless a span is given. `gone`: nobody waits for it any more. */
  memoryMap(records: readonly Rec[], span?: Span, gone?: AbortSignal): Promise<MemoryMap>;
  /** What a chart of the gallery is opened with in a real run; undefined for any other. */
  exampleInput?(machine: string): Promise<unknown>;
}

export interface Looked {
  /** Of today's charts; undefined where they cannot be had. */
  readonly fingerprint: string | undefined;
  /** Charts of the user's own by address. */
  readonly own: ReadonlyMap<Address, AnyStateMachine>;
  /** Why charts of the user's own are missing from `own`. */
  readonly missing?: string;
  /** Why the run cannot be made again. */
  readonly unrepeatable?: string;
}

export interface MadeBranch extends Omit<Branch, 'run'> {
  readonly journal: Journal;
  /** Its name there. */
  readonly run: string;
}

export interface Span {
  readonly fromNs: number;
  readonly toNs: number;
}

/** A run that goes on while it is looked at. */
export interface LiveFeed {
  readonly run: string;
  /** The scenario. */
  readonly source: string;
  readonly journal: Journal;
  /** What its clock shows: between two records nothing else tells that it goes on. */
  readonly nowNs: number;
  /** Calls back with each record as it is written, and at the end, with the reason if it broke off. */
  follow(listener: { readonly record: (record: Rec) => void; readonly ended: (error?: Error) => void }): void;
}
