/**
 * Who has the guest, of every answer and every fencing: nothing is concluded from silence, and nobody goes on before the other
 * one is known not to run.
 */
import { describe, expect, test } from 'vitest';
import { ASK_AGAIN_MS, ASK_ATTEMPTS_MAX, inDoubt } from '../../machines/in-doubt.ts';
import { given } from './given.ts';

const mayRun = given(inDoubt, { why: 'startDestination (ETIMEDOUT)', destination: 'may-run' });
const givenUp = given(inDoubt, {
  why: 'the source could not acquire its storage again (EBUSY)',
  destination: 'given-up',
});

const order = (type: string) => ({ type, from: 'migration' });
const RESOLVE = order('RESOLVE');
const SOURCE_FENCED = order('SOURCE_FENCED');
const DESTINATION_FENCED = order('DESTINATION_FENCED');
const answers = (state: string) => ({ type: 'DONE.queryDestination', state });
const SILENT = { type: 'FAILED.queryDestination', errno: 'ETIMEDOUT' };
const ENDED = { type: 'DONE.quitDestination' };
const NOT_ENDED = { type: 'FAILED.quitDestination', errno: 'ECONNRESET' };
const HELD = { type: 'DONE.queryStorage', holder: 'destination' };
const takesOver = (state: string) => ({
  type: 'DESTINATION_REACHED',
  from: 'destination',
  asked: 'running',
  state,
  errno: 'EIO',
});
const AGAIN = { type: 'xstate.after.askAgain.in-doubt.waiting', from: 'timer' };

/** What the migration is told, and nothing else happens with it. */
const resolved = (guest: string, because: string, sourceFenced = false) => ({
  state: 'resting',
  told: [{ to: 'migration', type: 'DOUBT_RESOLVED', guest, sourceFenced, because }],
});
const remains = (because: string) => ({
  state: 'resting',
  told: [{ to: 'migration', type: 'DOUBT_REMAINS', because }],
});

test('it does nothing by itself', () => {
  mayRun.then({ state: 'resting' });
  givenUp.then({ state: 'resting' });
});

describe('a destination that may run is asked', () => {
  const asking = mayRun.when(RESOLVE);

  test('before anything else', () => {
    asking.then({ state: 'asking', commanded: [{ command: 'queryDestination' }] });
  });

  test('it runs: it has the guest', () => {
    asking.when(answers('running')).then(resolved('destination', ''));
  });

  test.each(['incoming', 'loaded'])('%s: it is ended, and only then the source may', (state) => {
    const ending = asking.when(answers(state));
    ending.then({ state: 'endingDestination', commanded: [{ command: 'quitDestination' }] });
    ending.when(ENDED).then(resolved('source', 'startDestination (ETIMEDOUT); the destination does not run'));
  });

  test('it has ended: the source may', () => {
    asking.when(answers('gone')).then(resolved('source', 'startDestination (ETIMEDOUT); the destination does not run'));
  });

  test('it cannot be ended: the doubt remains', () => {
    asking
      .when(answers('loaded'))
      .when(NOT_ENDED, HELD)
      .then({
        ...remains(
          'ask the destination again later, or fence a host: quitDestination (ECONNRESET); the storage is held by destination',
        ),
        commanded: [{ command: 'queryStorage' }],
      });
  });

  test('it does not answer: the doubt remains, whoever holds the storage', () => {
    const silent = asking.when(SILENT);
    silent.then({ state: 'askingStorage', commanded: [{ command: 'queryStorage' }] });
    for (const holder of ['source', 'nobody', 'destination']) {
      const because = `ask the destination again later, or fence a host: queryDestination (ETIMEDOUT); the storage is held by ${holder}`;
      silent.when({ ...HELD, holder }).then(remains(because));
    }
    silent
      .when({ type: 'FAILED.queryStorage', errno: 'EIO' })
      .then(remains('ask the destination again later, or fence a host: queryDestination (ETIMEDOUT)'));
  });

  test('it is about to run: it is asked again, not for ever, and never ended meanwhile', () => {
    let starting = asking.when(answers('starting'));
    starting.then({ state: 'waiting', timers: [ASK_AGAIN_MS] });
    for (let attempt = 2; attempt < ASK_ATTEMPTS_MAX; attempt++) starting = starting.when(AGAIN, answers('starting'));
    const last = starting.when(AGAIN, answers('starting'));
    expect(last.snapshot.value).toBe('askingStorage');
    starting.when(AGAIN, answers('running')).then({
      ...resolved('destination', ''),
      commanded: [{ command: 'queryDestination' }],
      timers: ['cleared'],
    });
  });

  test('afterwards it can be asked anew', () => {
    asking.when(SILENT, HELD, RESOLVE, answers('running'));
    asking.when(SILENT, HELD, RESOLVE).then({
      state: 'asking',
      told: [{ to: 'migration', type: 'DOUBT_REMAINS', because: expect.any(String) }],
      commanded: [{ command: 'queryStorage' }, { command: 'queryDestination' }],
    });
  });
});

describe('fencing', () => {
  const lost = (why: string) =>
    `${why}; the source was fenced and the destination does not have all of the guest: the guest is lost`;

  test('the destination: the source may, without its answer', () => {
    mayRun
      .when(DESTINATION_FENCED)
      .then(resolved('source', 'startDestination (ETIMEDOUT); the destination was fenced'));
  });

  test.each([answers('loaded'), SILENT])(
    'the source, and the destination had everything: it takes over ($type)',
    (answer) => {
      const takingOver = mayRun.when(SOURCE_FENCED, answer);
      takingOver.then({
        state: 'takingOver',
        told: [{ to: 'destination', type: 'TAKE_OVER' }],
        commanded: [{ command: 'queryDestination' }],
      });
      takingOver.when(takesOver('running')).then(resolved('destination', '', true));
      takingOver.when(takesOver('unknown'), HELD).then({
        ...remains(
          'the source is fenced, and the destination could not take over: destination: running (EIO); the storage is held by destination',
        ),
        commanded: [{ command: 'queryStorage' }],
      });
    },
  );

  test.each(['incoming', 'gone'])('the source, and the destination is %s: the guest is lost', (state) => {
    mayRun.when(SOURCE_FENCED, answers(state)).then({
      ...resolved('lost', lost('startDestination (ETIMEDOUT)'), true),
      commanded: [{ command: 'queryDestination' }],
    });
  });

  test('the source, and the destination runs already', () => {
    mayRun.when(SOURCE_FENCED, answers('running')).then({
      ...resolved('destination', '', true),
      commanded: [{ command: 'queryDestination' }],
    });
  });

  test('the source, after the destination was given up: the guest is lost', () => {
    const why = 'the source could not acquire its storage again (EBUSY)';
    givenUp.when(SOURCE_FENCED).then(resolved('lost', lost(why), true));
  });

  test('a second one changes nothing', () => {
    const fenced = mayRun.when(SOURCE_FENCED, SILENT, takesOver('unknown'), HELD);
    fenced.when(DESTINATION_FENCED).then({ state: 'resting' });
    fenced.when(SOURCE_FENCED).then({ state: 'resting' });
    mayRun.when(DESTINATION_FENCED).when(SOURCE_FENCED).then({ state: 'resting' });
  });
});

test('a destination that was given up never runs: the way back is tried again, as often as it is asked for', () => {
  const because = 'the source could not acquire its storage again (EBUSY); the destination does not run';
  const once = givenUp.when(RESOLVE);
  once.then(resolved('source', because));
  once.when(RESOLVE).then(resolved('source', because));
});
