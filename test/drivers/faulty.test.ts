import { describe, expect, test } from 'vitest';
import type { Answer, DeviceState } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Command } from '../../src/core/effect.ts';
import { type PlannedFault, withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import type { ModelDeviceSpec } from '../../src/drivers/model/spec.ts';
import { guest, Hand, MIB, withDevices } from './model/hand.ts';

function faulty(...plan: PlannedFault[]) {
  const clock = new VirtualClock();
  const model = createModelDriver(guest(10), clock);
  const driver = withFaults(model, clock, plan);
  const answers: [number, Answer][] = [];
  let position = 0;
  const command = (name: Command['name'], id?: Command['id']) =>
    ({ kind: 'command', id: id ?? `${++position}:0`, by: 'guest', name, params: {}, deadlineNs: 1e9 }) as Command;
  const give = (one: Command) => {
    driver.perform(one, (answer) => answers.push([clock.nowNs, answer]));
    return one;
  };
  return { clock, model, driver, answers, command, give };
}

describe('the nth command', () => {
  test('fails, and is not done; the others are', () => {
    const { clock, model, answers, command, give } = faulty({ nth: 2, fault: { kind: 'error', errno: 'EIO' } });
    give(command('stopVcpus'));
    clock.runAll(10);
    give(command('resumeVcpus'));
    expect(answers).toHaveLength(1);
    clock.runAll(10);
    expect(answers.map(([, answer]) => answer)).toEqual([
      { type: 'DONE.stopVcpus' },
      { type: 'FAILED.resumeVcpus', errno: 'EIO' },
    ]);
    expect(model.inspect().sourceRuns).toBe(false);
  });

  test('hangs, and is not done', async () => {
    const { clock, model, driver, answers, command, give } = faulty({ nth: 1, fault: { kind: 'hang' } });
    const stop = give(command('stopVcpus'));
    give(stop);
    clock.runAll(10);
    expect(answers).toEqual([]);
    expect(model.inspect().sourceRuns).toBe(true);
    expect(await driver.reconcile([stop])).toEqual([{ id: stop.id, found: 'not-done' }]);
  });

  test('is done in time and answered late, unless it is abandoned', () => {
    const { clock, model, driver, answers, command, give } = faulty(
      { nth: 1, fault: { kind: 'slow', byNs: 500 } },
      { nth: 2, fault: { kind: 'slow', byNs: 500 } },
    );
    give(command('stopVcpus'));
    const resume = give(command('resumeVcpus'));
    clock.runUntil(100);
    expect(model.inspect().sourceRuns).toBe(true);
    driver.abandon(resume.id);
    clock.runUntil(1000);
    expect(answers).toEqual([[500, { type: 'DONE.stopVcpus' }]]);
  });

  test('is answered twice', () => {
    const { clock, answers, command, give } = faulty({ nth: 1, fault: { kind: 'twice' } });
    give(command('stopVcpus'));
    clock.runAll(10);
    expect(answers).toEqual([
      [0, { type: 'DONE.stopVcpus' }],
      [0, { type: 'DONE.stopVcpus' }],
    ]);
  });
});

test('commands can be counted by name, and the same id again is not counted', () => {
  const { clock, answers, command, give } = faulty({
    nth: 2,
    name: 'resumeVcpus',
    fault: { kind: 'error', errno: 'EPERM' },
  });
  give(command('stopVcpus'));
  const first = give(command('resumeVcpus'));
  give(first);
  give(command('stopVcpus'));
  give(command('resumeVcpus'));
  clock.runAll(20);
  expect(answers.filter(([, { type }]) => type.startsWith('FAILED')).map(([, answer]) => answer)).toEqual([
    { type: 'FAILED.resumeVcpus', errno: 'EPERM' },
  ]);
  expect(answers).toHaveLength(4);
});

test('reconcile says what a failed one was answered with, and asks the driver inside about the others', async () => {
  const { clock, driver, command, give } = faulty({ nth: 1, fault: { kind: 'error', errno: 'EBUSY' } });
  const failed = give(command('stopVcpus'));
  const done = give(command('stopVcpus'));
  clock.runAll(10);
  const found = await driver.reconcile([failed, done]);
  expect(found).toContainEqual({ id: failed.id, found: { type: 'FAILED.stopVcpus', errno: 'EBUSY' } });
  expect(found).toContainEqual({ id: done.id, found: { type: 'DONE.stopVcpus' } });
});

test('a plan that counts from 0 is a mistake', () => {
  expect(() => faulty({ nth: 0, fault: { kind: 'hang' } })).toThrow(/from 1/);
});

describe('done all the same', () => {
  test('and never answered', async () => {
    const { clock, model, driver, answers, command, give } = faulty({ nth: 1, fault: { kind: 'silent' } });
    const stop = give(command('stopVcpus'));
    clock.runAll(10);
    expect(answers).toEqual([]);
    expect(model.inspect().sourceRuns).toBe(false);
    expect(await driver.reconcile([stop])).toEqual([{ id: stop.id, found: { type: 'DONE.stopVcpus' } }]);
  });

  test('and answered as failed, also when it is asked for after a crash', async () => {
    const { clock, model, driver, answers, command, give } = faulty({
      nth: 1,
      fault: { kind: 'done-error', errno: 'EIO' },
    });
    const stop = give(command('stopVcpus'));
    clock.runAll(10);
    const failed = { type: 'FAILED.stopVcpus', errno: 'EIO' };
    expect(answers.map(([, answer]) => answer)).toEqual([failed]);
    expect(model.inspect().sourceRuns).toBe(false);
    expect(await driver.reconcile([stop])).toEqual([{ id: stop.id, found: failed }]);
  });
});

const NIC: ModelDeviceSpec = {
  id: 'nic0',
  features: 7,
  initialBytes: MIB,
  stopCopyBytes: 2 * MIB,
  times: { p2pNs: 20, stopCopyNs: 4000, resetNs: 100 },
};

/** Commands by hand on two devices, behind a plan. */
function devices(...plan: PlannedFault[]) {
  const hand = new Hand(withDevices(guest(4000), [NIC, { ...NIC, id: 'nic1' }], 100 * MIB));
  const model = hand.driver;
  Object.assign(hand, { driver: withFaults(model, hand.clock, plan) });
  return { hand, model, inspect: () => model.inspect() };
}

describe('of one device', () => {
  test('only its own commands are counted, and those of the same device on the other host are not', () => {
    const { hand, inspect } = devices({
      nth: 2,
      name: 'setDeviceState',
      of: 'nic1',
      fault: { kind: 'error', errno: 'EIO' },
    });
    hand.setDevice('nic1', 'PRE_COPY');
    hand.setDevice('nic0', 'PRE_COPY');
    hand.do('setDeviceState', { target: 'RESUMING' }, 'device/destination/nic1');
    hand.setDevice('nic0', 'PRE_COPY_P2P');
    const second = hand.ask('setDeviceState', { target: 'PRE_COPY_P2P' }, 'device/nic1');
    expect(second).toEqual({ type: 'FAILED.setDeviceState', errno: 'EIO' });
    expect(inspect().devices.source).toEqual({ nic0: 'PRE_COPY_P2P', nic1: 'PRE_COPY' });
    expect(inspect().devices.destination).toEqual({ nic0: 'RUNNING', nic1: 'RESUMING' });
  });
});

describe('a SET that fails midway rests', () => {
  // Paths and states: include/uapi/linux/vfio.h; RUNNING to STOP_COPY passes RUNNING_P2P and STOP.
  test.each<[DeviceState, DeviceState, DeviceState]>([
    ['STOP_COPY', 'RUNNING_P2P', 'RUNNING_P2P'],
    ['STOP_COPY', 'STOP', 'STOP'],
    ['STOP_COPY', 'ERROR', 'ERROR'],
    ['STOP_COPY', 'STOP_COPY', 'STOP_COPY'],
    ['PRE_COPY', 'RUNNING', 'RUNNING'],
    // Not on the way: it rests where it began.
    ['PRE_COPY', 'STOP', 'RUNNING'],
  ])('to %s in %s: %s', (target, restsIn, rests) => {
    const { hand, inspect } = devices({
      nth: 1,
      name: 'setDeviceState',
      of: 'nic0',
      fault: { kind: 'midway', errno: 'EIO', restsIn },
    });
    const answer = hand.ask('setDeviceState', { target }, 'device/nic0');
    expect(answer).toEqual({ type: 'FAILED.setDeviceState', errno: 'EIO' });
    expect(hand.do('getDeviceState', {}, 'device/nic0')).toMatchObject({ state: rests });
    expect(inspect().devices.source.nic0).toBe(rests);
  });

  test('only a driver that models devices can be told so', () => {
    const clock = new VirtualClock();
    const { mishaps: _, ...driver } = createModelDriver(guest(10), clock);
    const plan: PlannedFault[] = [{ nth: 1, fault: { kind: 'midway', errno: 'EIO', restsIn: 'ERROR' } }];
    expect(() => withFaults(driver, clock, plan)).toThrow(/has no device that could rest in ERROR/);
  });

  test('done and failed: it is there, and the stream that it opened is dropped', () => {
    const { hand, inspect } = devices({
      nth: 1,
      name: 'setDeviceState',
      of: 'nic0',
      fault: { kind: 'done-error', errno: 'EMFILE' },
    });
    hand.begin();
    expect(hand.ask('setDeviceState', { target: 'STOP_COPY' }, 'device/nic0')).toMatchObject({ errno: 'EMFILE' });
    expect(inspect().devices.source.nic0).toBe('STOP_COPY');
    expect(hand.ask('sendDeviceState', { device: 'nic0' })).toMatchObject({ errno: 'ENODEV' });
  });
});

describe('a log that is read for nothing is empty afterwards', () => {
  test.each([
    ['reportDirty', 'dma:nic0'],
    ['getDirtyLog', 'vcpu:0'],
  ] as const)('%s', (name, source) => {
    const remaining = (...plan: PlannedFault[]) => {
      const { hand, model } = devices(...plan);
      hand.do('prepareDestination', {});
      hand.do('startDirtyLog', {});
      const ranges = [{ firstPage: 0, pages: 4000 }];
      hand.do('startTracking', { tracker: 'device', of: 'nic0', ranges }, 'tracking/0');
      hand.do('syncBitmap', { final: false, everything: true });
      hand.setDevice('nic0', 'STOP');
      hand.setDevice('nic1', 'STOP');
      hand.drainingRound(1);
      hand.ask('reportDirty', { tracker: 'device', of: ['nic0'] }, 'tracking/0');
      hand.sync();
      hand.drainingRound(2);
      model.world.write(source, [{ firstPage: 10, pages: 5 }]);
      const collect = () =>
        name === 'reportDirty'
          ? hand.ask(name, { tracker: 'device', of: ['nic0'] }, 'tracking/0')
          : hand.ask(name, {}, 'dirty-log');
      const first = collect().type;
      // Asked again, there is nothing in it any more.
      collect();
      return [first, hand.do('syncBitmap', { final: false, everything: false }).remainingPages];
    };
    const fault = { kind: 'done-error', errno: 'EIO' } as const;
    expect(remaining()).toEqual([`DONE.${name}`, 5]);
    expect(remaining({ nth: 2, name, fault })).toEqual([`FAILED.${name}`, 0]);
  });
});
