/** Branches that were made in this page, in the order in which they were made: the server holds them in memory only. */
import { signal } from '@preact/signals';
import type { Branch } from '../page-data.ts';

export interface MadeBranch {
  /** Id of the run that it leaves. */
  readonly parent: string;
  readonly position: number;
  readonly atNs: number;
  readonly set: Readonly<Record<string, string>>;
  readonly branch: Branch;
}

export const madeBranches = signal<readonly MadeBranch[]>([]);
