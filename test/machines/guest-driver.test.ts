/**
 * Orders to the guest's driver of one device: halt its DMA, be sure of it, write every page, and only then say so. Each
 * failure leaves it in doubt, and whoever turns back meanwhile is obeyed as soon as what runs has been answered.
 */
import { describe, expect, test } from 'vitest';
import { guestDriver, RESUME_DMA_ATTEMPTS_MAX } from '../../machines/guest-driver.ts';
import { type Given, given } from './given.ts';

const SAC = 'stop-and-copy';
const BACK = 'roll-back';
const HALT = { type: 'HALT_DMA', from: SAC };
const resume = (host: 'source' | 'destination' = 'source', from = BACK) => ({ type: 'RESUME_DMA', host, from });
const HEARD = { type: 'DONE.notifyGuest' };
const HALTED = { type: 'DONE.haltDma', dmaPages: 64 };
const CONFIRMED = { type: 'DONE.confirmDmaHalted', halted: true };
const STILL_ON = { type: 'DONE.confirmDmaHalted', halted: false };
const wrote = (dirtiedPages: number) => ({ type: 'DONE.dirtyDmaPages', dirtiedPages });
const RESUMED = { type: 'DONE.resumeDma' };
const failed = (command: string, errno = 'EIO') => ({ type: `FAILED.${command}`, errno });
const reached = (to: string, asked: string, state: string, errno?: string) => ({
  to,
  type: 'DRIVER_REACHED',
  device: 'nic0',
  asked,
  state,
  errno,
});

const driving = given(guestDriver, { device: 'nic0' });
const notifying = driving.when(HALT);
const halting = notifying.when(HEARD);
const confirming = halting.when(HALTED);
const dirtying = confirming.when(CONFIRMED);
const quiet = dirtying.when(wrote(64));

describe('an order to halt', () => {
  test('G1, G4: tells the guest, halts, reads back, writes every page, and answers then', () => {
    driving.then({ state: 'driving' });
    notifying.then({ state: 'notifying', commanded: [{ command: 'notifyGuest' }] });
    halting.then({ state: 'halting', commanded: [{ command: 'haltDma' }] });
    confirming.then({ state: 'confirming', commanded: [{ command: 'confirmDmaHalted' }] });
    dirtying.then({ state: 'dirtying', commanded: [{ command: 'dirtyDmaPages' }] });
    quiet.then({ state: 'quiet', told: [reached(SAC, 'halted', 'halted')] });
  });

  test('is answered at once when it is halted already', () => {
    quiet.when(HALT).then({ state: 'quiet', told: [reached(SAC, 'halted', 'halted')] });
  });

  test('G1, T34: writes no page while bus mastering reads back as on', () => {
    confirming.when(STILL_ON).then({ state: 'uncertain', told: [reached(SAC, 'halted', 'unknown', 'EBUSY')] });
  });

  test.each([0, 1, 63])('G4, G6: %d of 64 pages written are not enough', (pages) => {
    dirtying.when(wrote(pages)).then({ state: 'uncertain', told: [reached(SAC, 'halted', 'unknown', 'EIO')] });
  });

  test('pages of a halt before do not count', () => {
    const again = quiet.when(resume(), RESUMED).when(HALT, HEARD, { type: 'DONE.haltDma', dmaPages: 65 }, CONFIRMED);
    again.when(wrote(64)).then({ state: 'uncertain', told: [reached(SAC, 'halted', 'unknown', 'EIO')] });
    again.when(wrote(65)).then({ state: 'quiet', told: [reached(SAC, 'halted', 'halted')] });
  });
});

const STEPS: readonly (readonly [string, Given, string])[] = [
  ['notifying', notifying, 'notifyGuest'],
  ['halting', halting, 'haltDma'],
  ['confirming', confirming, 'confirmDmaHalted'],
  ['dirtying', dirtying, 'dirtyDmaPages'],
];
const DONE: Readonly<Record<string, { type: string }>> = {
  notifyGuest: HEARD,
  haltDma: HALTED,
  confirmDmaHalted: CONFIRMED,
  dirtyDmaPages: wrote(64),
};

describe.each(STEPS)('while %s', (_, at, command) => {
  test('a failure, a guest that does not answer included, leaves it in doubt and says why', () => {
    at.when(failed(command, 'ETIMEDOUT')).then({
      state: 'uncertain',
      told: [reached(SAC, 'halted', 'unknown', 'ETIMEDOUT')],
    });
  });

  test.each(['done', 'failed'] as const)('an order to go on waits for the answer (%s) and is carried out', (how) => {
    const turned = at.when(resume()).then({ state: at.snapshot.value });
    const resuming = turned.when(how === 'done' ? (DONE[command] as { type: string }) : failed(command));
    resuming.then({ state: 'resuming', commanded: [{ command: 'resumeDma', host: 'source' }] });
    resuming.when(RESUMED).then({ state: 'driving', told: [reached(BACK, 'running', 'running')] });
  });

  test('the latest of several orders wins', () => {
    const next = at.when(resume(), HALT).when(DONE[command] as { type: string });
    expect(next.commanded.map((one) => one.command)).not.toContain('resumeDma');
  });
});

describe('an order to go on', () => {
  test('to a driver that never halted needs nothing', () => {
    driving.when(resume()).then({ state: 'driving', told: [reached(BACK, 'running', 'running')] });
  });

  test.each(['source', 'destination'] as const)('names where: %s', (host) => {
    const resuming = quiet.when(resume(host, 'migration'));
    resuming.then({ state: 'resuming', commanded: [{ command: 'resumeDma', host }] });
    resuming.when(RESUMED).then({ state: 'driving', told: [reached('migration', 'running', 'running')] });
  });

  test('is tried a few times, and then given up in doubt', () => {
    let state = quiet.when(resume());
    for (let nth = 1; nth < RESUME_DMA_ATTEMPTS_MAX; nth++) {
      state = state.when(failed('resumeDma')).then({
        state: 'resuming',
        commanded: [{ command: 'resumeDma', host: 'source' }],
      });
    }
    const lost = state.when(failed('resumeDma'));
    lost.then({ state: 'uncertain', told: [reached(BACK, 'running', 'unknown', 'EIO')] });
    lost.when(resume()).then({ state: 'resuming', commanded: [{ command: 'resumeDma', host: 'source' }] });
    lost.when(HALT).then({ state: 'notifying', commanded: [{ command: 'notifyGuest' }] });
  });

  test.each([RESUMED, failed('resumeDma')])('gives way to a newer order to halt ($type)', (answer) => {
    const resuming = quiet.when(resume()).when(HALT).then({ state: 'resuming' });
    resuming.when(answer).then({ state: 'notifying', commanded: [{ command: 'notifyGuest' }] });
  });
});
