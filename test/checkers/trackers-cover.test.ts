/** A sync after a report that was not heard must take everything for dirty. */
import { describe, expect, test } from 'vitest';
import { runSmall } from '../simulation/run-small.ts';
import {
  abandon,
  addCommand,
  answeredAt,
  check,
  editAnswer,
  editCommand,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  type Run,
} from './planted.ts';

const NAME = 'trackers-cover';
const completed: Run = runSmall().recorded;
const SYNC = { name: 'syncBitmap' } as const;

describe.each([
  { name: 'getDirtyLog' as const, nth: 1 },
  { name: 'reportDirty' as const, nth: 1 },
])('given a run whose second $name fails', (report) => {
  const failed = failAnswer(completed, report, 'EIO');
  const next = { ...SYNC, nth: 1 };

  test('when the next sync goes on as if nothing had happened, it broke it', () => {
    expectBroken(failed, NAME, issuedAt(completed, next), new RegExp(`^${report.name} failed \\(EIO\\)`));
  });

  test('when the next sync takes everything for dirty, it holds, also for the syncs after it', () => {
    expectHeld(editCommand(failed, next, { everything: true }), NAME);
  });

  test('when only the sync after the next does, it is too late', () => {
    expectBroken(
      editCommand(failed, { ...SYNC, nth: 2 }, { everything: true }),
      NAME,
      issuedAt(completed, next),
      /failed/,
    );
  });

  test('when the log is started anew before the next sync, a new epoch has begun', () => {
    expectHeld(
      addCommand(failed, answeredAt(completed, report), { name: 'startDirtyLog', by: 'dirty-log' }, 'first'),
      NAME,
    );
  });
});

test('given a report that is abandoned, when the next sync does not take everything for dirty, it broke it', () => {
  const run = abandon(completed, { name: 'reportDirty' }, issuedAt(completed, { name: 'reportDirty' }));
  expectBroken(run, NAME, issuedAt(run, SYNC), /^reportDirty was abandoned/);
});

test('given another command that fails, it holds', () => {
  expectHeld(failAnswer(completed, { name: 'sendRound' }, 'EIO'), NAME);
});

describe('given a model that counts what no sync reported', () => {
  test('when it counted none, it holds', () => expectHeld(completed, NAME, { underReportedPages: 0 }));

  test('when it counted one, the last sync had its chance', () => {
    const last = answeredAt(completed, { ...SYNC, params: { final: true } });
    expectBroken(completed, NAME, last, /^1 pages were written and no sync reported them$/, { underReportedPages: 1 });
  });

  test('when no sync was ever answered, there is no record to name', () => {
    const opened = completed.slice(0, 1);
    expect(check(opened, NAME, { underReportedPages: 5 })).toEqual({
      name: NAME,
      held: false,
      because: expect.stringContaining('5 pages'),
    });
  });
});

describe('given a final sync that says what no log reported', () => {
  const FINAL = { ...SYNC, params: { final: true } };
  const at = answeredAt(completed, FINAL);
  const told = (underReportedPages: number, firstUnderReportedPages: readonly number[] = []) =>
    editAnswer(completed, FINAL, { underReportedPages, firstUnderReportedPages });

  test('when it says so, that sync broke it and the pages are named', () => {
    expectBroken(told(2, [7, 9]), NAME, at, /^2 pages were written .* by this sync, the first of them 7, 9$/);
  });

  test('when it names none, the count is told', () => {
    expectBroken(told(3), NAME, at, /^3 pages were written and no log reported them by this sync$/);
  });

  test('when it counted none, it holds', () => expectHeld(told(0), NAME));
});
