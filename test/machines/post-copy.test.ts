/**
 * Post-copy's chart: pushing, a pause by the link or by an operator, every step of a recovery and its failure, and the end of
 * one that nobody recovered. Sources: QEMU migration/migration.c (postcopy_pause, postcopy_do_resume, migrate_fd_connect),
 * docs/devel/migration/postcopy.rst.
 */
import { describe, expect, test } from 'vitest';
import { postCopy } from '../../machines/post-copy.ts';
import { type Given, given } from './given.ts';

const begin = () => given(postCopy, { giveUpAfterMs: 60_000 });
const sent = (missingPages: number) => ({
  type: 'DONE.sendMissing',
  sentPages: 10,
  zeroPages: 0,
  sentBytes: 41_040,
  missingPages,
  requestedPages: 2,
});
const BROKEN = { type: 'FAILED.sendMissing', errno: 'ECONNRESET' };
const PAUSE = { type: 'PAUSE', from: 'migration' };
const RECOVER = { type: 'RECOVER', from: 'migration' };
const CONNECTED = { type: 'DONE.reconnect' };
const COMPARED = { type: 'DONE.compareReceived', missingPages: 7 };
const GIVE_UP = { type: 'xstate.after.giveUpAfter.post-copy.interrupted', from: 'timer' };

const pushing = begin();
const pausing = pushing.when(PAUSE);
const paused = pushing.when(BROKEN);
const reconnecting = paused.when(RECOVER);
const comparing = reconnecting.when(CONNECTED);
const completed = pushing.when(sent(0));
const unrecovered = paused.when(GIVE_UP);

const told = (type: string, more: object = {}) => ({ to: 'migration', type, ...more });

describe('what is missing', () => {
  test('is sent by one command, at once', () => {
    pushing.then({ state: 'pushing', commanded: [{ command: 'sendMissing' }] });
  });

  test('has arrived: it is over', () => {
    completed.then({ state: 'completed', told: [told('POSTCOPY_COMPLETED')] });
  });

  test('has not all arrived, and nobody halted it: paused', () => {
    pushing.when(sent(3)).then({
      state: { interrupted: 'paused' },
      told: [told('POSTCOPY_PAUSED', { during: 'sendMissing, cut short', errno: undefined })],
      timers: [60_000],
    });
  });

  test('cannot be sent: paused, whatever the errno says, for nobody can tell a dead host from a lost link', () => {
    for (const errno of ['ECONNRESET', 'ETIMEDOUT', 'EIO', 'ENOTCONN']) {
      pushing.when({ ...BROKEN, errno }).then({
        state: { interrupted: 'paused' },
        told: [told('POSTCOPY_PAUSED', { during: 'sendMissing', errno })],
        timers: [60_000],
      });
    }
  });
});

describe('PAUSE', () => {
  test('ends the sending first', () => {
    pausing.then({ state: 'pausing', commanded: [{ command: 'haltRound' }] });
    pausing.when(sent(3)).then({ state: 'pausing' });
  });

  test.each([{ type: 'DONE.haltRound' }, { type: 'FAILED.haltRound', errno: 'ETIMEDOUT' }])(
    'then pauses: %o',
    (halted) => {
      pausing
        .when(sent(3))
        .when(halted)
        .then({
          state: { interrupted: 'paused' },
          told: [told('POSTCOPY_PAUSED', { during: 'paused by the operator', errno: undefined })],
          timers: [60_000],
        });
    },
  );

  test('comes too late when everything has arrived', () => {
    pausing.when(sent(0)).then({ state: 'completed', told: [told('POSTCOPY_COMPLETED')] });
  });

  test('a failed send does not end it: the halt is answered, too', () => {
    pausing.when(BROKEN).then({ state: 'pausing' });
  });
});

describe('RECOVER', () => {
  test('connects, compares what has arrived, and sends the rest', () => {
    reconnecting.then({
      state: { interrupted: 'reconnecting' },
      told: [told('POSTCOPY_RECONNECTING')],
      commanded: [{ command: 'reconnect' }],
    });
    comparing.then({
      state: { interrupted: 'comparing' },
      told: [told('POSTCOPY_RECONNECTED')],
      commanded: [{ command: 'compareReceived' }],
    });
    comparing.when(COMPARED).then({
      state: 'pushing',
      told: [told('POSTCOPY_RESUMED')],
      commanded: [{ command: 'sendMissing' }],
      timers: ['cleared'],
    });
  });

  test.each([
    ['reconnect', reconnecting],
    ['compareReceived', comparing],
  ] as const)('that fails at %s leaves it paused, and may be tried again', (command, at) => {
    const again = at.when({ type: `FAILED.${command}`, errno: 'ENOTCONN' });
    again.then({
      state: { interrupted: 'paused' },
      told: [told('POSTCOPY_PAUSED', { during: command, errno: 'ENOTCONN' })],
    });
    again.when(RECOVER).then({
      state: { interrupted: 'reconnecting' },
      told: [told('POSTCOPY_RECONNECTING')],
      commanded: [{ command: 'reconnect' }],
    });
  });

  test('does not make the time limit longer: it is of the whole pause', () => {
    const again = reconnecting.when({ type: 'FAILED.reconnect', errno: 'ECONNRESET' });
    expect(again.when(RECOVER).snapshot.value).toEqual({ interrupted: 'reconnecting' });
    again
      .when(RECOVER)
      .when(GIVE_UP)
      .then({
        state: 'unrecovered',
        told: [told('POSTCOPY_UNRECOVERED', { because: expect.stringContaining('reconnect (ECONNRESET)') })],
        timers: ['cleared'],
      });
  });
});

describe('one that nobody recovers', () => {
  test('is left as it is, and the reason says what is where', () => {
    const because = String(unrecovered.told[0]?.because);
    expect(because).toContain('sendMissing (ECONNRESET)');
    expect(because).toContain('60 s');
    expect(because).toContain('the guest is on the destination');
    expect(unrecovered.snapshot.value).toBe('unrecovered');
    expect(unrecovered.commanded).toEqual([]);
  });

  test('names the pages that are missing where somebody has counted them', () => {
    const counted = comparing.when(COMPARED).when(BROKEN).when(GIVE_UP);
    expect(String(counted.told[0]?.because)).toContain('lacks 7 pages');
  });
});

describe('an order out of place', () => {
  const rows: readonly (readonly [string, Given, readonly string[]])[] = [
    ['pushing', pushing, ['RECOVER']],
    ['pausing', pausing, ['PAUSE', 'RECOVER']],
    ['paused', paused, ['PAUSE']],
    ['reconnecting', reconnecting, ['PAUSE', 'RECOVER']],
    ['comparing', comparing, ['PAUSE', 'RECOVER']],
    ['completed', completed, ['PAUSE', 'RECOVER']],
    ['unrecovered', unrecovered, ['PAUSE', 'RECOVER']],
  ];
  test.each(rows)('is taken and changes nothing: %s', (_, at, orders) => {
    for (const type of orders) at.when({ type, from: 'migration' }).then({ state: at.snapshot.value });
  });

  test('so does an answer that nobody waits for', () => {
    const late = [sent(0), BROKEN, CONNECTED, COMPARED, { type: 'DONE.haltRound' }];
    for (const event of late) {
      completed.when(event).then({ state: 'completed' });
      unrecovered.when(event).then({ state: 'unrecovered' });
    }
    paused.when(sent(0)).then({ state: { interrupted: 'paused' } });
  });
});

test('nobody is ever told to run, whatever happens: there is no way back', () => {
  const commands = Object.values(postCopy.implementations.actions).flatMap((action) => {
    const { route } = action as { route?: { kind: string; name?: string } };
    return route?.kind === 'command' ? [route.name] : [];
  });
  expect(commands.sort()).toEqual(['compareReceived', 'haltRound', 'reconnect', 'sendMissing']);
});
