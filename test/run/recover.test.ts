/** What a recovery must not do: act on records that are no longer the last, or let time run backwards; and facts that come early. */
import { of } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { MemoryJournal, MemoryRuns } from '../../src/journal/memory-journal.ts';
import { recover } from '../../src/run/recover.ts';
import { Runner } from '../../src/run/runner.ts';
import { stepperFor } from '../../src/run/stepper.ts';
import { runSmall } from '../simulation/run-small.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { openedFrom, smallPlan } from '../simulation/small-plan.ts';

const whole = runSmall().recorded.map(({ record }) => record);

function aftermath(kept: number, startNs = 1e9) {
  const runs = new MemoryRuns();
  new MemoryJournal(runs).append('test', 0, whole.slice(0, kept));
  const clock = new VirtualClock(startNs);
  const driver = scriptedDriver(clock);
  return { clock, driver, journal: new MemoryJournal(runs), other: new MemoryJournal(runs) };
}

describe('recover', () => {
  test.each([9, 14, 22, 37])('performs nothing when somebody went on after record %i was read', async (kept) => {
    const { driver, clock, journal, other } = aftermath(kept);
    const { go } = await recover([...journal.read('test')], { driver, clock, journal });
    other.append('test', kept, whole.slice(kept, kept + 1));
    expect(go).toThrow(`position ${kept}: the run has gone on since it was read`);
    expect(driver.performed).toEqual([]);
    // The writer's place is free again.
    expect(() => other.claim('test')).not.toThrow();
  });

  test('refuses a clock that is behind the last record', async () => {
    const { driver, journal } = aftermath(20);
    const clock = new VirtualClock();
    const { go } = await recover([...journal.read('test')], { driver, clock, journal });
    expect(go).toThrow(/the clock shows 0 ns, and record 19 was at \d+ ns/);
    expect(driver.performed).toEqual([]);
  });

  test('a run that had ended ends at once, and gives the writer place back', async () => {
    const { driver, clock, journal, other } = aftermath(whole.length);
    const { runner, go } = await recover([...journal.read('test')], { driver, clock, journal });
    go();
    expect(runner.ended).toBe(true);
    expect(driver.performed).toEqual([]);
    expect(() => other.claim('test')).not.toThrow();
  });
});

function prepared(change: (driver: ReturnType<typeof scriptedDriver>) => Driver) {
  const clock = new VirtualClock();
  const driver = scriptedDriver(clock);
  const opened = openedFrom(smallPlan());
  const journal = new MemoryJournal();
  const runner = new Runner(opened, { stepper: stepperFor(opened), driver: change(driver), clock, journal });
  return { clock, driver, journal, runner };
}

const ACK = { to: 'pre-copy', by: 'driver', event: { type: 'SWITCHOVER_ACKED', device: 'nic0' } } as const;

describe('the runner', () => {
  test('keeps what a driver says before the run is open until it is', () => {
    const { runner, journal } = prepared((driver) => ({ ...driver, facts$: of(ACK) }));
    expect([...journal.read('test')]).toEqual([]);
    runner.open();
    expect([...journal.read('test')].map(({ kind }) => kind)).toEqual(['opened', 'input']);
  });

  test('carries out nothing after it was stopped by who watches', () => {
    const { runner, driver, clock } = prepared((same) => same);
    runner.recorded$.subscribe(({ record }) => {
      if (record.position === 1) runner.stop();
    });
    runner.open();
    runner.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
    expect(driver.performed).toEqual([]);
    expect(clock.waitingEntries).toBe(0);
  });

  test('ends the driver wait for a deadline only after its record is written', () => {
    const abandoned: string[] = [];
    const { runner, journal, clock } = prepared((driver) => ({
      ...driver,
      perform() {},
      abandon: (id) => abandoned.push(`${id} with ${[...journal.read('test')].length} records`),
    }));
    runner.open();
    runner.deliver({ to: 'migration', by: 'operator', event: { type: 'MIGRATE' } });
    clock.step();
    expect(abandoned).toEqual(['1:1 with 3 records']);
  });
});
