/**
 * Runs a trial. A thread that runs many of them reads each setting once, and keeps no journal: of a run's records only what the
 * hand-over found is remembered.
 */
import type { Rec } from '../../core/record.ts';
import { createArena } from '../../hardware/kernels/page-arena.ts';
import type { Journal, RunSummary } from '../../journal/journal.ts';
import { rehearse } from '../rehearse.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { type RowHead, rowHead, rowOf, type TrialRow } from './row.ts';
import { scenarioOf, type Trial } from './trial.ts';

interface Ready {
  readonly scenario: Scenario;
  readonly head: RowHead;
}

/** Settings that a thread keeps: a sweep hands out all seeds of one before the next, by few policies. This project's own. */
const REMEMBERED = 64;

const remembered = new Map<string, Ready>();

/** Memory of the runs of this thread, one after the other: a row is all that is left of each. */
const arena = createArena();

/** Throws a ScenarioError for a setting that is no scenario, and what `rehearse` throws. */
export function runTrial(trial: Trial): TrialRow {
  const { scenario, head } = readyFor(trial);
  const journal = new HandOver();
  arena.reset();
  const { ended } = rehearse({ ...scenario, seed: trial.seed }, { journal, run: 'trial', arena });
  return rowOf(head, ended, journal.lostPages);
}

function readyFor(trial: Trial): Ready {
  const key = JSON.stringify([trial.scenario, trial.folder, trial.policy, trial.policyFolder, trial.set]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const scenario = scenarioOf(trial);
  const ready = { scenario, head: rowHead(trial.policy, scenario) };
  const oldest = remembered.keys().next().value;
  if (remembered.size >= REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  remembered.set(key, ready);
  return ready;
}

/** A journal for a run that nobody will read again: it keeps what the hand-over found, and nothing else. */
class HandOver implements Journal {
  lostPages: number | null = null;

  append(_run: string, _expectedPosition: number, records: readonly Rec[]): void {
    for (const record of records) {
      if (record.kind !== 'input') continue;
      const { type, lostPages } = record.event;
      if (type !== 'DONE.startDestination' && type !== 'DONE.sendMissing') continue;
      if (typeof lostPages === 'number') this.lostPages = (this.lostPages ?? 0) + lostPages;
    }
  }

  read(): Iterable<Rec> {
    return [];
  }

  runs(): readonly RunSummary[] {
    return [];
  }

  claim(): void {}
  release(): void {}
  close(): void {}
}
