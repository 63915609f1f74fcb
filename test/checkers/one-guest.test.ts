/** Two guests are found however they come about; so is an end that leaves the wrong one running, or none. */
import { describe, test } from 'vitest';
import { runSmall } from '../simulation/run-small.ts';
import {
  abandon,
  addAnswer,
  addCommand,
  announcedAt,
  answeredAt,
  dropAnswer,
  dropCommand,
  editFact,
  expectBroken,
  expectHeld,
  failAnswer,
  issuedAt,
  moveCommand,
  type Run,
  timeOut,
} from './planted.ts';

const NAME = 'one-guest';
const STOP = { name: 'stopVcpus' } as const;
const START = { name: 'startDestination' } as const;
const RESUME = { name: 'resumeVcpus' } as const;

const completed: Run = runSmall().recorded;
const released = answeredAt(completed, { name: 'releaseStorage' });
const cancelledLate: Run = runSmall({ cancelAfter: released - 1 }).recorded;
const cancelledEarly: Run = runSmall({ cancelAfter: 12 }).recorded;
const endOf = (run: Run) => announcedAt(run, 'ENDED');

test('given sound runs, it holds', () => {
  for (const run of [completed, cancelledLate, cancelledEarly]) expectHeld(run, NAME);
});

describe('given a completed run', () => {
  test('when the vCPUs were never stopped, the order to start the destination broke it', () => {
    expectBroken(dropCommand(completed, STOP), NAME, issuedAt(completed, START), /while the source runs/);
  });

  test('when the stop was never answered, the same', () => {
    expectBroken(dropAnswer(completed, STOP), NAME, issuedAt(completed, START), /while the source runs/);
  });

  test('when the stop failed, the source may run, and that is enough', () => {
    expectBroken(failAnswer(completed, STOP, 'EIO'), NAME, issuedAt(completed, START), /while the source may run/);
  });

  test('when the stop ran out of time and is answered late, nobody knows what came after it', () => {
    const run = addAnswer(timeOut(completed, STOP), answeredAt(completed, STOP), STOP, { type: 'DONE.stopVcpus' });
    expectBroken(run, NAME, issuedAt(run, START), /while the source may run/);
  });

  test('when nobody waited for the stop, the source may run', () => {
    const run = abandon(completed, STOP, issuedAt(completed, STOP));
    expectBroken(run, NAME, issuedAt(completed, START), /while the source may run/);
  });

  test('when the destination is started before the stop has been answered, that order broke it', () => {
    const position = issuedAt(completed, STOP);
    expectBroken(moveCommand(completed, START, position), NAME, position, /while the source runs/);
  });

  test('when the source is resumed once the destination was told to run, that order broke it', () => {
    const position = issuedAt(completed, START) + 1;
    expectBroken(
      addCommand(completed, position, { ...RESUME, by: 'guest' }),
      NAME,
      position,
      /after the destination was/,
    );
  });

  test('when the destination refused to start, the source still may not be resumed by this run', () => {
    const refused = failAnswer(completed, START, 'EPERM');
    const position = answeredAt(completed, START);
    expectBroken(
      addCommand(refused, position, { ...RESUME, by: 'guest' }),
      NAME,
      position,
      /after the destination was/,
    );
  });

  test('when a resume is on its way as the destination is told to run, the order to start broke it', () => {
    const run = addCommand(completed, released, { ...RESUME, by: 'guest' });
    expectBroken(run, NAME, issuedAt(run, START), /while the source may run/);
  });

  test('when the destination is said to run and never was told to, its end broke it', () => {
    expectBroken(dropCommand(completed, START), NAME, endOf(completed), /not the destination alone runs/);
  });

  test('when the destination is ended while it may run, or runs, that order broke it', () => {
    const end = { name: 'quitDestination', by: 'destination' } as const;
    const position = issuedAt(completed, START) + 1;
    const inTime = timeOut(completed, START);
    expectBroken(addCommand(inTime, position, end), NAME, position, /ended .*while it may run/);
    const runs = answeredAt(completed, START);
    expectBroken(addCommand(completed, runs, end), NAME, runs, /ended .*while it runs/);
  });

  test('when it has refused to start, it may be ended', () => {
    const refused = failAnswer(completed, START, 'EPERM');
    const run = addCommand(refused, answeredAt(completed, START), { name: 'quitDestination', by: 'destination' });
    expectBroken(run, NAME, endOf(run), /source: no, destination: no/);
  });

  test('when the destination refused to start, the end as completed broke it', () => {
    expectBroken(failAnswer(completed, START, 'EPERM'), NAME, endOf(completed), /source: no, destination: no/);
  });

  test.each(['ETIMEDOUT', 'ECONNRESET'] as const)(
    'when the start failed with %s, the destination may run all the same',
    (errno) => {
      expectBroken(failAnswer(completed, START, errno), NAME, endOf(completed), /source: no, destination: maybe/);
    },
  );

  test('when the start ran out of time and is answered late, the destination runs', () => {
    const run = addAnswer(timeOut(completed, START), answeredAt(completed, START), START, {
      type: 'DONE.startDestination',
    });
    expectHeld(run, NAME);
  });

  test.each(['cancelled', 'failed', 'unconverged', 'blocked'])(
    'when it calls itself %s, its end broke it',
    (outcome) => {
      const run = editFact(completed, 'ENDED', {}, { outcome });
      expectBroken(run, NAME, endOf(run), /not the source alone runs/);
    },
  );
});

describe('given a run that was cancelled after the vCPUs had stopped', () => {
  test('when the source was never resumed, none runs and its end broke it', () => {
    expectBroken(dropCommand(cancelledLate, RESUME), NAME, endOf(cancelledLate), /source: no, destination: no/);
  });

  test('when the resume failed, nobody knows, and its end broke it', () => {
    expectBroken(failAnswer(cancelledLate, RESUME, 'EIO'), NAME, endOf(cancelledLate), /source: maybe/);
  });

  test('when none runs and the outcome is in doubt, it holds', () => {
    const run = editFact(dropCommand(cancelledLate, RESUME), 'ENDED', {}, { outcome: 'in-doubt' });
    expectHeld(run, NAME);
  });

  test('when it calls itself completed, its end broke it', () => {
    const run = editFact(cancelledLate, 'ENDED', {}, { outcome: 'completed' });
    expectBroken(run, NAME, endOf(run), /not the destination alone runs/);
  });

  test('when the destination is started after the resume, that order broke it', () => {
    const position = answeredAt(cancelledLate, RESUME);
    const run = addCommand(cancelledLate, position, { ...START, by: 'destination' });
    expectBroken(run, NAME, position, /while the source runs/);
  });

  test('when the resume is answered while the destination is being started, the start broke it first', () => {
    const position = issuedAt(cancelledLate, RESUME);
    const run = addCommand(cancelledLate, position, { ...START, by: 'destination' });
    expectBroken(run, NAME, position, /while the source may run/);
  });
});
