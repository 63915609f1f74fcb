/**
 * What the inspector asks for and cannot do itself: branches and memory maps of modelled runs, and a user's own charts.
 *
 * To make a run again can take a minute, and a page that is shown must not wait for it, nor Ctrl-C: built code does it in threads.
 * From source, where no thread can load TypeScript, it is done here.
 */
import type { Piscina } from 'piscina';
import type { Plan } from '../../machines/plan.ts';
import type { Opened } from '../core/record.ts';
import type { MemoryMap } from '../inspector/page-data.ts';
import { RefusedError } from '../inspector/server/answer.ts';
import type { Looked, Workbench } from '../inspector/server/workbench.ts';
import { MemoryJournal } from '../journal/memory-journal.ts';
import { whyNoMemoryMap } from '../lab/memory-map/memory-map.ts';
import { fingerprintOf, ownPoliciesIn } from '../lab/policy/own-policies.ts';
import { PolicyError } from '../lab/policy/policy-error.ts';
import { observedFingerprint } from '../run/fingerprint.ts';
import { isObserved, readOnlyText } from '../run/observed-charts.ts';
import { VERSION } from '../version.ts';
import { type BranchDone, type BranchJob, type Done, type MapJob, work } from './laboratory-work.ts';

/** A branch need not wait for a memory map. */
const THREADS_MAX = 2;
const IDLE_MS = 30_000;
const BUILT = import.meta.url.endsWith('.js');
const ENTRY: { readonly file: string; readonly name: string } = {
  file: new URL('./laboratory-work.js', import.meta.url).href,
  name: 'work' satisfies (typeof work)['name'],
};

/** Close it, or the program does not end. */
export function modelWorkbench(): Workbench & { close(): Promise<void> } {
  let threads: Promise<Piscina> | undefined;
  const ask = async <T extends BranchDone | MemoryMap>(job: BranchJob | MapJob, gone?: AbortSignal): Promise<T> => {
    if (BUILT) threads ??= startThreads();
    const options = { name: ENTRY.name, ...(gone === undefined ? {} : { signal: gone }) };
    const done = (await ((await threads)?.run(job, options) ?? work(job))) as Done<T>;
    if ('refused' in done) throw new RefusedError(400, done.refused);
    return done.done;
  };
  return {
    lookAt,
    async branch(parent, { wish, taken }) {
      const { run } = parent;
      const job: BranchJob = { job: 'branch', run, records: [...parent.journal.read(run)], wish, taken };
      const { records, ...made } = await ask<BranchDone>(job);
      const journal = new MemoryJournal();
      journal.append(made.run, 0, records);
      return { ...made, journal };
    },
    memoryMap: (records, span, gone) => ask<MemoryMap>({ job: 'memory-map', records, span }, gone),
    async exampleInput(machine) {
      if (machine.startsWith('own/')) return undefined;
      const { exampleInput } = await import('../lab/example-inputs.ts');
      return exampleInput(machine);
    },
    async close() {
      await (await threads)?.destroy();
      threads = undefined;
    },
  };
}

async function startThreads(): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  return new Piscina({ filename: ENTRY.file, minThreads: 0, maxThreads: THREADS_MAX, idleTimeout: IDLE_MS });
}

function lookAt(opened: Opened): Looked {
  const { run } = opened;
  const none = { own: new Map() };
  if (isObserved(opened)) {
    return { ...none, fingerprint: observedFingerprint(VERSION), unrepeatable: readOnlyText(run) };
  }
  try {
    const policies = ownPoliciesIn(opened);
    const own = new Map(
      [...policies].flatMap(([address, one]) => (one.is === 'chart' ? [[address, one.machine] as const] : [])),
    );
    const unrepeatable = whyNoMemoryMap(opened);
    return {
      own,
      fingerprint: fingerprintOf(opened.plan as Plan, policies),
      ...(unrepeatable === undefined ? {} : { unrepeatable }),
    };
  } catch (error) {
    const missing =
      error instanceof PolicyError
        ? `its charts cannot be shown, only its records: ${error.message}`
        : 'its first record holds no scenario and no plan that this version understands';
    return { ...none, fingerprint: undefined, missing };
  }
}
