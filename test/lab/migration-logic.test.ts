/** A migration inside somebody's own XState machine: invoked, watched, cancelled, stopped. */

import { JournalError, MemoryJournal, migrationLogic, type Rec, type Report } from 'switchover';
import { describe, expect, test, vi } from 'vitest';
import { assign, createActor, type SnapshotFrom, setup, toPromise, waitFor } from 'xstate';
import { rehearse } from '../../src/lab/rehearse.ts';
import { smallInput, smallScenario } from './small-scenario.ts';

/** What a user would write: evacuate a host, one VM after a decision; an operator may change their mind. */
const evacuation = setup({
  types: {} as {
    context: { report: Report | undefined; error: unknown };
    events: { type: 'EVACUATE' } | { type: 'CHANGE_MIND' };
    input: { journal?: MemoryJournal; pace?: number };
  },
  actors: { migration: migrationLogic },
  actions: {
    keepReport: assign({ report: (_, params: { report: Report }) => params.report }),
    keepError: assign({ error: (_, params: { error: unknown }) => params.error }),
  },
  guards: { completed: (_, params: { report: Report }) => params.report.outcome === 'completed' },
}).createMachine({
  context: ({ input }) => ({ report: undefined, error: undefined, ...input }),
  initial: 'waiting',
  states: {
    waiting: { on: { EVACUATE: 'migrating' } },
    migrating: {
      invoke: {
        id: 'migration',
        src: 'migration',
        input: ({ context }) => {
          const { journal, pace } = context as { journal?: MemoryJournal; pace?: number };
          return { scenario: smallInput(), journal, pace };
        },
        onDone: [
          {
            guard: { type: 'completed', params: ({ event }) => ({ report: event.output }) },
            target: 'evacuated',
            actions: { type: 'keepReport', params: ({ event }) => ({ report: event.output }) },
          },
          {
            target: 'stayed',
            actions: { type: 'keepReport', params: ({ event }) => ({ report: event.output }) },
          },
        ],
        onError: { target: 'broken', actions: { type: 'keepError', params: ({ event }) => ({ error: event.error }) } },
      },
      on: { CHANGE_MIND: { actions: ({ self }) => self.getSnapshot().children.migration?.send({ type: 'CANCEL' }) } },
    },
    evacuated: { type: 'final' },
    stayed: { type: 'final' },
    broken: { type: 'final' },
  },
});

function start(input: { journal?: MemoryJournal; pace?: number } = {}) {
  const actor = createActor(evacuation, { input });
  actor.start();
  actor.send({ type: 'EVACUATE' });
  const child = actor.getSnapshot().children.migration;
  if (child === undefined) throw new Error('nothing was invoked');
  return { actor, child };
}

const ended = (actor: ReturnType<typeof start>['actor']) => waitFor(actor, ({ status }) => status !== 'active');

describe('invoked from a machine', () => {
  test('its output is the report', async () => {
    const { actor } = start();
    const { value, context } = await ended(actor);
    expect(value).toBe('evacuated');
    expect(context.report).toEqual(rehearse(smallScenario()).ended);
  });

  test('it emits each round as the policy judged it', async () => {
    const { actor, child } = start();
    const rounds: unknown[] = [];
    child.on('ROUND_ASSESSED', ({ round, verdict, because }) => rounds.push({ round, verdict, because }));
    const { context } = await ended(actor);
    expect(rounds).toHaveLength(3);
    expect(rounds).toEqual(context.report?.rounds.map(({ round, verdict, because }) => ({ round, verdict, because })));
  });

  test('its context is the progress', async () => {
    const { actor, child } = start();
    const seen: SnapshotFrom<typeof migrationLogic>['context'][] = [child.getSnapshot().context];
    child.subscribe(({ context }) => seen.push(context));
    await ended(actor);
    expect(seen[0]).toEqual({ status: 'none', round: 0, remainingBytes: undefined });
    const statuses = seen.map(({ status }) => status).filter((status, index, all) => status !== all[index - 1]);
    // QEMU 10.2's own names.
    expect(statuses).toEqual(['none', 'setup', 'active', 'device', 'completed']);
    const rounds = seen.map(({ round }) => round).filter((round, index, all) => round !== all[index - 1]);
    expect(rounds).toEqual([0, 1, 2, 3]);
    const last = rehearse(smallScenario()).ended.rounds.at(-1);
    expect(seen.at(-1)).toEqual({ status: 'completed', round: 3, remainingBytes: last?.remainingBytes });
  });

  test.each(['at once', 'after a round'] as const)('CANCEL %s: done, with outcome cancelled', async (when) => {
    const { actor, child } = start();
    if (when === 'at once') actor.send({ type: 'CHANGE_MIND' });
    else child.on('ROUND_ASSESSED', () => actor.send({ type: 'CHANGE_MIND' }));
    const { value, context } = await ended(actor);
    expect(value).toBe('stayed');
    expect(context.report?.outcome).toBe('cancelled');
    expect(context.report?.rounds.length).toBe(when === 'at once' ? 0 : 2);
  });

  test('a journal that cannot be written is an error, not a report', async () => {
    class Full extends MemoryJournal {
      override append(run: string, expectedPosition: number, added: readonly Rec[]): void {
        if (expectedPosition >= 9) throw new JournalError('full', 'no space left on the disk', { run });
        super.append(run, expectedPosition, added);
      }
    }
    const { actor } = start({ journal: new Full() });
    const { value, context } = await ended(actor);
    expect(value).toBe('broken');
    expect(context.error).toBeInstanceOf(JournalError);
  });

  test('stopping the machine cancels the migration, which ends legally all the same', async () => {
    const warn = vi.spyOn(console, 'warn');
    const journal = new MemoryJournal();
    const { actor, child } = start({ journal });
    await new Promise<void>((resolve) => {
      child.on('ROUND_ASSESSED', () => {
        actor.stop();
        resolve();
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const orders = [...journal.read('small-1')].flatMap((record) =>
      record.kind === 'input' && record.by === 'operator' ? [record.event.type] : [],
    );
    expect(orders).toEqual(['MIGRATE', 'CANCEL']);
    const again = rehearse(smallScenario()).journal;
    expect([...journal.read('small-1')].length).not.toBe([...again.read('small-1')].length);
    expect(child.getSnapshot().status).toBe('stopped');
    // XState warns of events to a stopped actor.
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

describe('by itself', () => {
  test('it is an actor like any other', async () => {
    const actor = createActor(migrationLogic, { input: { scenario: smallScenario(), seed: 7 } });
    actor.start();
    const report = await toPromise(actor);
    expect(report).toMatchObject({ outcome: 'completed', seed: 7 });
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', output: report });
  });

  test('a wrong scenario is an error of the actor', async () => {
    const input = { scenario: smallInput({ vmm: { downtimeLimit: '300' as never } }) };
    const actor = createActor(migrationLogic, { input });
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(actor.getSnapshot().status).toBe('error');
    expect(String(errors[0])).toContain('vmm.downtimeLimit');
  });

  test('a snapshot that is done stays done when it is restored', async () => {
    const first = createActor(migrationLogic, { input: { scenario: smallScenario() } });
    first.start();
    const report = await toPromise(first);
    const snapshot = JSON.parse(JSON.stringify(first.getPersistedSnapshot()));
    const again = createActor(migrationLogic, { snapshot, input: { scenario: smallScenario() } });
    again.start();
    expect(again.getSnapshot()).toMatchObject({ status: 'done', output: report });
  });

  test('a snapshot of a migration under way does not begin a second one', async () => {
    const shared = new MemoryJournal();
    const journal = () => shared;
    const first = createActor(migrationLogic, { input: { scenario: smallScenario(), journal: journal() } });
    first.start();
    const { input: _, ...known } = first.getPersistedSnapshot() as unknown as Record<string, unknown>;
    const snapshot = { ...JSON.parse(JSON.stringify(known)), input: { scenario: smallScenario(), journal: journal() } };
    await toPromise(first);
    const before = journal().runs();
    const again = createActor(migrationLogic, { snapshot, input: { scenario: smallScenario() } });
    const errors: unknown[] = [];
    again.subscribe({ error: (error) => errors.push(error) });
    again.start();
    expect(again.getSnapshot().status).toBe('error');
    expect(String(errors[0])).toContain('recover its run from the journal');
    expect(journal().runs()).toEqual(before);
  });
});
