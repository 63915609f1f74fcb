import { describe, expect, test } from 'vitest';
import type { Answer } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { Command } from '../../src/core/effect.ts';
import { type PlannedFault, withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { guest } from './model/hand.ts';

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
