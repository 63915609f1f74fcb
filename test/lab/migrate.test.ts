/** The library as a program uses it: what can be watched, cancelled, paced, kept, and driven by somebody else's driver. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom, toArray } from 'rxjs';
import {
  copyBatch,
  type Journal,
  JournalError,
  MemoryJournal,
  migrate,
  type PageWrites,
  type Rec,
  type Recorded,
  ScenarioError,
  SqliteJournal,
  scenarios,
} from 'switchover';
import { afterAll, describe, expect, test } from 'vitest';
import { WallClock } from '../../src/clock/wall-clock.ts';
import type { ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { smallInput, smallScenario } from './small-scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'switchover-migrate-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('a migration', () => {
  test('is a promise of the report that a rehearsal gives', async () => {
    const migration = migrate(smallScenario());
    expect(await migration.report).toEqual(rehearse(smallScenario()).ended);
    expect(migration.run).toBe('small-1');
  });

  test('takes what a person writes, a scenario that was read, and another seed', async () => {
    const input = smallInput();
    expect((await migrate(input).report).seed).toBe(1);
    const other = await migrate(input, { seed: 7 }).report;
    expect(other).toMatchObject({ seed: 7, outcome: 'completed' });
    expect(other).toEqual(await migrate({ ...smallScenario(), seed: 7 }).report);
    expect(other.bytes.total).not.toBe((await migrate(input).report).bytes.total);
    // A shipped scenario is frozen, and stays as it was.
    expect((await migrate(scenarios['qemu-idle'], { seed: 3 }).report).seed).toBe(3);
    expect(scenarios['qemu-idle'].seed).toBe(1);
  });

  test('refuses a wrong scenario at once, with the place of the mistake', () => {
    const input = smallInput({ vmm: { downtimeLimit: '300' as never } });
    expect(() => migrate(input)).toThrow(ScenarioError);
    expect(() => migrate(input)).toThrow('vmm.downtimeLimit');
  });

  test('shows every record, in order, to whoever subscribes at once', async () => {
    const journal = new MemoryJournal();
    const migration = migrate(smallScenario(), { journal });
    const seen = await lastValueFrom(migration.records$.pipe(toArray()));
    await migration.report;
    expect(seen.map(({ record }) => record)).toEqual([...journal.read('small-1')]);
    expect(seen.map(({ record }) => record.position)).toEqual(seen.map((_, index) => index));
    expect(seen[0]?.record.kind).toBe('opened');
  });

  test('shows each round as the policy judged it', async () => {
    const migration = migrate(smallScenario());
    const rounds = await lastValueFrom(migration.rounds$.pipe(toArray()));
    const report = await migration.report;
    expect(rounds.map(({ round, verdict, because }) => ({ round, verdict, because }))).toEqual(
      report.rounds.map(({ round, verdict, because }) => ({ round, verdict, because })),
    );
    expect(rounds.map(({ observation }) => observation.remainingBytes)).toEqual(
      report.rounds.map(({ remainingBytes }) => remainingBytes),
    );
    expect(rounds.every(({ atNs }, index) => atNs > (rounds[index - 1]?.atNs ?? 0))).toBe(true);
  });

  test('shows the page writes of each source, in batches that can be copied', async () => {
    const migration = migrate(smallScenario());
    const kept: PageWrites[] = [];
    migration.pages$.pipe(copyBatch()).subscribe((batch) => kept.push(batch));
    const report = await migration.report;
    expect(new Set(kept.map(({ source }) => source))).toEqual(new Set(['vcpu:0', 'dma:nic0', 'dma:nic1']));
    for (const { fromNs, toNs } of kept) {
      expect(fromNs).toBeLessThan(toNs);
      expect(toNs).toBeLessThanOrEqual(report.totalMs * 1e6);
    }
    // Nobody writes once the vCPUs and the devices have stopped.
    const stopNs = (report.totalMs - (report.downtimeMs as number)) * 1e6;
    expect(Math.max(...kept.map(({ toNs }) => toNs))).toBeLessThanOrEqual(Math.round(stopNs));
  });

  test('shows how far it has come, at most once a send window', async () => {
    const migration = migrate(smallScenario());
    const progress = await lastValueFrom(migration.progress$.pipe(toArray()));
    expect(progress.length).toBeGreaterThan(2);
    progress.slice(1).forEach((one, index) => {
      const before = progress[index];
      if (before === undefined) throw new Error('there is one before');
      expect(one.nowNs - before.nowNs).toBeGreaterThanOrEqual(100_000_000);
      expect(one.sentBytes).toBeGreaterThan(before.sentBytes);
      expect(one.round).toBeGreaterThanOrEqual(before.round);
    });
    const { bytes } = await migration.report;
    expect(progress.at(-1)?.sentBytes).toBeLessThanOrEqual(bytes.total);
  });

  test('that pauses before the switchover is continued at once, and the journal says by whom', async () => {
    const migration = migrate(smallScenario({ vmm: { pauseBeforeSwitchover: true } }));
    const orders: string[] = [];
    migration.records$.subscribe(({ record }) => {
      if (record.kind === 'input' && record.by === 'operator') orders.push(record.event.type);
    });
    const report = await migration.report;
    expect(report).toMatchObject({ outcome: 'completed', downtime: { pauseMs: 0 } });
    expect(report.status.map(({ status }) => status)).toContain('pre-switchover');
    expect(orders).toEqual(['MIGRATE', 'CONTINUE']);
  });

  test('completes its observables, and does not need to be listened to', async () => {
    const migration = migrate(smallScenario());
    const ends: string[] = [];
    migration.records$.subscribe({ complete: () => ends.push('records') });
    migration.rounds$.subscribe({ complete: () => ends.push('rounds') });
    migration.progress$.subscribe({ complete: () => ends.push('progress') });
    await migration.report;
    expect(ends.sort()).toEqual(['progress', 'records', 'rounds']);
  });
});

describe('cancelling', () => {
  /** The model below a migration, to ask who runs. */
  function watched() {
    let model: ModelDriver | undefined;
    const options = {
      driver: (scenario: Parameters<typeof modelSpecOf>[0], clock: Parameters<typeof createModelDriver>[1]) => {
        model = createModelDriver(modelSpecOf(scenario), clock);
        return model;
      },
    };
    return { options, inspect: () => model?.inspect() };
  }
  const onTheSource = { sourceRuns: true, destinationRuns: false, storage: 'source' };

  test('mid-way: cancelled, and the guest runs on the source', async () => {
    const { options, inspect } = watched();
    const migration = migrate(smallScenario(), options);
    migration.rounds$.subscribe(() => migration.cancel());
    const report = await migration.report;
    expect(report.outcome).toBe('cancelled');
    // The second pass had begun, and was halted.
    expect(report.rounds.map(({ verdict }) => verdict)).toEqual(['continue', null]);
    expect(report.missingBytes).toBeGreaterThan(0);
    expect(report.sentence).toContain('the guest runs on the source');
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
    expect(inspect()).toMatchObject(onTheSource);
  });

  test('in the downtime: the guest runs again', async () => {
    const { options, inspect } = watched();
    const migration = migrate(smallScenario(), options);
    migration.records$.subscribe(({ effects }) => {
      if (effects.some((effect) => effect.kind === 'command' && effect.name === 'sendRemaining')) migration.cancel();
    });
    const report = await migration.report;
    expect(report.outcome).toBe('cancelled');
    expect(report.downtimeMs).not.toBeNull();
    expect(inspect()).toMatchObject({
      ...onTheSource,
      devices: { source: { nic0: 'RUNNING', nic1: 'RUNNING' } },
    });
  });

  test('by a signal', async () => {
    const { options, inspect } = watched();
    const controller = new AbortController();
    const migration = migrate(smallScenario(), { ...options, signal: controller.signal });
    migration.rounds$.subscribe(() => controller.abort());
    expect((await migration.report).outcome).toBe('cancelled');
    expect(inspect()).toMatchObject(onTheSource);
  });

  test.each([
    ['by a signal that was aborted long ago', (): AbortSignal => AbortSignal.abort()],
    ['by a signal before it has started', (): AbortSignal => abortedSoon()],
  ])('%s', async (_, signal) => {
    const report = await migrate(smallScenario(), { signal: signal() }).report;
    expect(report.outcome).toBe('cancelled');
    expect(report.rounds).toEqual([]);
  });

  /** Aborted once `migrate` has returned and before the next turn of the event loop. */
  function abortedSoon(): AbortSignal {
    const controller = new AbortController();
    queueMicrotask(() => controller.abort());
    return controller.signal;
  }

  test('by hand before it has started', async () => {
    const migration = migrate(smallScenario());
    migration.cancel();
    const report = await migration.report;
    expect(report.outcome).toBe('cancelled');
    expect(report.bytes.total).toBe(0);
  });

  test('after the end changes nothing', async () => {
    const controller = new AbortController();
    const migration = migrate(smallScenario(), { signal: controller.signal });
    const report = await migration.report;
    migration.cancel();
    controller.abort();
    expect(report.outcome).toBe('completed');
    expect(await migration.report).toBe(report);
  });

  test('too late, once the destination may own the storage, changes nothing', async () => {
    const { options, inspect } = watched();
    const migration = migrate(smallScenario(), options);
    migration.records$.subscribe(({ effects }) => {
      if (effects.some((effect) => effect.kind === 'command' && effect.name === 'acquireStorage')) migration.cancel();
    });
    expect((await migration.report).outcome).toBe('completed');
    expect(inspect()).toMatchObject({ sourceRuns: false, destinationRuns: true, storage: 'destination' });
  });

  test('leaves no listener on a signal that outlives the migration', async () => {
    const { signal } = new AbortController();
    const listeners = new Set<unknown>();
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: never, options?: never) => {
      listeners.add(listener);
      add(type, listener, options);
    };
    signal.removeEventListener = (type: string, listener: never, options?: never) => {
      listeners.delete(listener);
      remove(type, listener, options);
    };
    await migrate(smallScenario(), { signal }).report;
    expect(listeners.size).toBe(0);
  });
});

describe('pace', () => {
  // 0.69 s of virtual time.
  test('is wall time by its factor, with the same records', async () => {
    const beganMs = performance.now();
    let refreshes = 0;
    const report = await migrate(smallScenario(), { pace: 3, onRefresh: () => refreshes++ }).report;
    const tookMs = performance.now() - beganMs;
    expect(tookMs).toBeGreaterThan(0.9 * (report.totalMs / 3));
    expect(refreshes).toBeGreaterThan(0);
    expect(report).toEqual(rehearse(smallScenario()).ended);
  });

  test('does not delay a cancel', async () => {
    // At this pace the whole of it would take seven seconds, and the turn of 50 ms that is cut short half a second.
    const migration = migrate(smallScenario(), { pace: 0.1 });
    setTimeout(() => migration.cancel(), 30);
    const beganMs = performance.now();
    const report = await migration.report;
    expect(report.outcome).toBe('cancelled');
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect(report.totalMs).toBeLessThan(300);
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('%d is none', async (factor) => {
    await expect(migrate(smallScenario(), { pace: factor }).report).rejects.toThrow(RangeError);
  });
});

describe('the journal', () => {
  test('is an SQLite file if one is given, with the records that a rehearsal has', async () => {
    const path = join(folder, 'runs.db');
    const journal = new SqliteJournal(path);
    await migrate(smallScenario(), { journal, run: 'mine' }).report;
    await migrate(smallScenario(), { journal }).report;
    await migrate(smallScenario(), { journal }).report;
    journal.close();
    const again = new SqliteJournal(path, { readonly: true });
    expect(again.runs().map(({ run }) => run)).toEqual(['mine', 'small-1', 'small-1.2']);
    const { journal: memory } = rehearse(smallScenario(), { run: 'mine' });
    expect([...again.read('mine')]).toEqual([...memory.read('mine')]);
    again.close();
  });

  test('takes two migrations at once', async () => {
    const journal = new SqliteJournal(join(folder, 'two.db'));
    const both = [migrate(smallScenario(), { journal, run: 'a' }), migrate(smallScenario(), { journal, run: 'b' })];
    const reports = await Promise.all(both.map(({ report }) => report));
    expect(reports[0]).toEqual(reports[1]);
    expect(journal.runs().map(({ records }) => records)).toEqual([53, 53]);
    journal.close();
  });

  test('that cannot be written rejects the promise and ends the observables with its error', async () => {
    const journal = failingAfter(20);
    const migration = migrate(smallScenario(), { journal });
    const told = lastValueFrom(migration.records$.pipe(toArray())).catch((error: unknown) => error);
    await expect(migration.report).rejects.toThrow(JournalError);
    expect(await told).toBeInstanceOf(JournalError);
    expect([...journal.read('small-1')]).toHaveLength(20);
  });

  test('that cannot be written crashes nobody who did not ask for the report', async () => {
    const rejections: unknown[] = [];
    const listen = (error: unknown) => rejections.push(error);
    process.on('unhandledRejection', listen);
    const seen: Recorded[] = [];
    const { records$ } = migrate(smallScenario(), { journal: failingAfter(5) });
    await new Promise<void>((resolve) =>
      records$.subscribe({ next: (recorded) => seen.push(recorded), error: () => resolve() }),
    );
    // A rejection that nobody handles is told once the turn is over.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(seen).toHaveLength(5);
    expect(rejections).toEqual([]);
  });

  /** Full after so many records. */
  function failingAfter(records: number): Journal {
    class Full extends MemoryJournal {
      override append(run: string, expectedPosition: number, added: readonly Rec[]): void {
        if (expectedPosition >= records) throw new JournalError('full', 'no space left on the disk', { run });
        super.append(run, expectedPosition, added);
      }
    }
    return new Full();
  }
});

describe('a driver of your own', () => {
  test('is asked in place of the model, and its name is in the first record', async () => {
    const journal = new MemoryJournal();
    let made: ReturnType<typeof scriptedDriver> | undefined;
    const migration = migrate(smallScenario(), {
      journal,
      driver: (_, clock) => {
        made = scriptedDriver(clock);
        return made;
      },
    });
    const report = await migration.report;
    expect(report.outcome).toBe('completed');
    expect(made?.world).toMatchObject({ destinationRuns: true, sourceRuns: false, twoGuests: 0 });
    const [first] = [...journal.read(migration.run)];
    expect(first?.kind === 'opened' && first.opened.drivers).toEqual(['scripted']);
    // It measures no pages, so nothing is said about lost ones.
    expect(report.checks.map(({ name }) => name)).not.toContain('no-lost-write');
    expect(report.checks.filter(({ held }) => !held)).toEqual([]);
  });

  test('goes by its own clock', async () => {
    const clock = new WallClock();
    const migration = migrate(smallScenario(), { clock, driver: () => scriptedDriver(clock) });
    const beganMs = performance.now();
    const report = await migration.report;
    const tookMs = performance.now() - beganMs;
    expect(report.outcome).toBe('completed');
    expect(Math.abs(report.totalMs - tookMs)).toBeLessThan(0.2 * tookMs + 20);
    clock.close();
  });

  test('that throws where it should answer rejects the promise', async () => {
    const migration = migrate(smallScenario(), {
      driver: (_, clock) => ({
        ...scriptedDriver(clock),
        perform() {
          throw new TypeError('a bug of the driver');
        },
      }),
    });
    await expect(migration.report).rejects.toThrow('a bug of the driver');
  });
});
