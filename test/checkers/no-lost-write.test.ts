/** A page that differs at the hand-over is found, whoever counted it; what nobody counted is not called sound. */
import { describe, expect, test } from 'vitest';
import { runSmall } from '../simulation/run-small.ts';
import { answeredAt, check, editAnswer, expectBroken, expectHeld, issuedAt } from './planted.ts';

const NAME = 'no-lost-write';
const START = { name: 'startDestination' } as const;
const completed = runSmall().recorded;

describe('given a run that handed over', () => {
  const at = answeredAt(completed, START);

  test('when the model found no page that differs, it holds', () => {
    expectHeld(completed, NAME, { lostPages: 0 });
    expectHeld(editAnswer(completed, START, { lostPages: 0 }), NAME);
  });

  test('when the model says at the end that a page differs, the hand-over broke it', () => {
    expectBroken(completed, NAME, at, /^1 pages differ at the hand-over; the final sync \(record \d+\) knew them/, {
      lostPages: 1,
    });
  });

  test('when the answer to the hand-over says so, the pages are named', () => {
    const run = editAnswer(completed, START, { lostPages: 2, firstLostPages: [7, 9] });
    expectBroken(run, NAME, at, /^2 pages differ .* 7, 9; the final sync \(record \d+\) knew them/);
  });

  test('when two counts disagree, the worse one counts', () => {
    const run = editAnswer(completed, START, { lostPages: 0 });
    expectBroken(run, NAME, at, /^4 pages/, { lostPages: 4 });
    expectBroken(editAnswer(completed, START, { lostPages: 4 }), NAME, at, /^4 pages/, { lostPages: 0 });
  });

  test('when the hand-over was never answered, the order broke it', () => {
    const run = completed.slice(0, at);
    expectBroken(run, NAME, issuedAt(completed, START), /^3 pages differ/, { lostPages: 3 });
  });

  test('when nobody measured, it says that it did not', () => {
    expect(check(completed, NAME)).toEqual({
      name: NAME,
      held: true,
      because: expect.stringContaining('not measured'),
    });
  });
});

test('given a run that handed nothing over, when pages differ, nothing is lost', () => {
  const cancelled = runSmall({ cancelAfter: 12 }).recorded;
  expect(check(cancelled, NAME, { lostPages: 256 })).toEqual({
    name: NAME,
    held: true,
    because: 'nothing was handed over',
  });
});

describe('given a run that lost pages, the final sync says whose loss it is', () => {
  const at = answeredAt(completed, START);
  const FINAL = { name: 'syncBitmap', params: { final: true } } as const;
  const syncAt = answeredAt(completed, FINAL);
  const lost = editAnswer(completed, START, { lostPages: 5, firstLostPages: [1, 2] });
  const unreported = (underReportedPages: number) => editAnswer(lost, FINAL, { underReportedPages });

  test.each([
    [0, `; the final sync (record ${syncAt}) knew them: they were not sent, or written after it`],
    [
      3,
      `; the final sync (record ${syncAt}) did not report 3 of them, and the others were not sent, or written after it`,
    ],
    [5, `; the final sync (record ${syncAt}) did not report them`],
  ])('when no log reported %i of 5', (underReportedPages, blame) => {
    const { position, because } = check(unreported(underReportedPages), NAME);
    expect(position).toBe(at);
    expect(because).toBe(`5 pages differ at the hand-over, the first of them 1, 2${blame}`);
  });

  test('when there was none at all', () => {
    const without = lost.filter(({ record }) => record.position !== syncAt);
    expect(check(without, NAME).because).toMatch(/; there was no final sync$/);
  });
});
