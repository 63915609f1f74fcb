/** A disk that fills up: nothing is done that is not in the journal, the run says why it stopped, and goes on when there is space. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { describeError } from '../../src/cli/describe-error.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import type { JournalError } from '../../src/journal/journal-error.ts';
import { SqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { migrate } from '../../src/lab/migrate.ts';
import { recover } from '../../src/run/recover.ts';
import { replay } from '../../src/run/replay.ts';
import { smallScenario } from '../lab/small-scenario.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { expectError } from './conformance.ts';
import { partOf, runOf } from './records.ts';

const root = mkdtempSync(join(tmpdir(), 'switchover-full-'));
afterAll(() => rmSync(root, { recursive: true }));
let files = 0;

/** A journal in a file that SQLite lets grow by so many pages only: then every commit that needs one fails with SQLITE_FULL. */
function almostFull(pages: number): { readonly journal: SqliteJournal; makeSpace(): void } {
  let connection: InstanceType<typeof Database> | undefined;
  const exec = vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: typeof connection, sql) {
    connection = this;
    return real.call(this!, sql);
  });
  try {
    const journal = new SqliteJournal(join(root, `${files++}.db`));
    const limit = (most: number) => connection!.prepare(`PRAGMA max_page_count = ${most}`).get();
    const { page_count: used } = connection!.prepare('PRAGMA page_count').get() as { page_count: number };
    limit(used + pages);
    return { journal, makeSpace: () => limit(1_000_000) };
  } finally {
    exec.mockRestore();
  }
}
const real = Database.prototype.exec;

describe('the journal', () => {
  test('says so with the position, keeps what was appended, and takes more when there is space', async () => {
    const { journal, makeSpace } = almostFull(3);
    journal.claim('a');
    let position = 0;
    const appending = () => {
      for (; position < 1_000; position++) journal.append('a', position, partOf('a', position, position + 1));
    };
    const error = await expectError('full', appending, { run: 'a' });
    expect(error.position).toBe(position);
    expect(position).toBeGreaterThan(3);
    expect(error.message).toContain('no space is left on the disk; what was appended before is safe');
    expect([...journal.read('a')]).toEqual(runOf('a', position));
    await expectError('full', () => journal.append('a', position, partOf('a', position, position + 50)));
    expect(journal.runs()).toMatchObject([{ run: 'a', records: position }]);
    makeSpace();
    journal.append('a', position, partOf('a', position, position + 50));
    expect([...journal.read('a')]).toEqual(runOf('a', position + 50));
    journal.close();
  });

  test('can be closed on a full disk, and is whole when it is opened again', () => {
    const { journal } = almostFull(0);
    expect(() => journal.append('a', 0, runOf('a', 200))).toThrow('no space');
    journal.close();
    const again = new SqliteJournal(journal.path, { readonly: true });
    expect(again.runs()).toEqual([]);
    again.close();
    expect(readdirSync(root).filter((name) => name.startsWith(`${files - 1}.db`))).toHaveLength(1);
  });
});

describe('a run', () => {
  test.each([1, 2, 3])(
    'with space for %d pages stops before it acts, and is recovered when there is some',
    async (pages) => {
      const { journal, makeSpace } = almostFull(pages);
      const performed: string[] = [];
      const watched = (inner: Driver): Driver => ({
        ...inner,
        perform(command, answer) {
          performed.push(command.id);
          inner.perform(command, answer);
        },
      });
      let world: ReturnType<typeof scriptedDriver> | undefined;
      let nowNs = 0;
      const migration = migrate(smallScenario(), {
        journal,
        driver: (_, clock) => {
          world = scriptedDriver(clock);
          return watched(world);
        },
      });
      const error = await migration.report.then(
        () => undefined,
        (thrown: JournalError) => thrown,
      );
      if (error === undefined) throw new Error('there was space for the whole run');
      expect(error).toMatchObject({ name: 'JournalError', kind: 'full', run: migration.run });
      const records = [...journal.read(migration.run)];
      expect(error.position).toBe(records.length);
      const { message, exitCode } = describeError(error);
      expect(exitCode).toBe(1);
      expect(message).toMatch(/no space is left.*before are good, and nothing was done that is not in them$/);

      const commanded: string[] = [];
      const { divergence } = replay(records, ({ effects }) => {
        for (const effect of effects) if (effect.kind === 'command') commanded.push(effect.id);
      });
      expect(divergence).toBeUndefined();
      expect(performed).toEqual(commanded);

      makeSpace();
      nowNs = records.at(-1)!.atNs;
      const clock = new VirtualClock(nowNs);
      const { runner, go } = await recover(records, { driver: scriptedDriver(clock), clock, journal });
      go();
      for (let steps = 0; !runner.ended && steps < 10_000; steps++) clock.step();
      expect(runner.ended).toBe(true);
      const whole = [...journal.read(migration.run)];
      expect(whole.slice(0, records.length)).toEqual(records);
      expect(replay(whole).divergence).toBeUndefined();
      journal.close();
    },
  );
});
