/** The suite finds the drivers that break a promise: each of these breaks one, and the test of that promise fails. */
import { expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { driverConformance } from '../../src/drivers/conformance.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver } from '../../src/drivers/model/model-driver.ts';
import { guest, MIB, withDevices } from './model/hand.ts';

type Breaking = (driver: Driver, clock: VirtualClock) => Driver;

/** Names of the tests that fail. */
async function failures(breaking: Breaking): Promise<string[]> {
  const tests: [string, () => void | Promise<void>][] = [];
  const spec = withDevices(guest(2000), [{ id: 'nic0', features: 7, initialBytes: MIB, stopCopyBytes: MIB }]);
  const create = () => {
    const clock = new VirtualClock();
    const driver = breaking(createModelDriver(spec, clock), clock);
    return {
      driver,
      advance: (ns: number) => clock.runUntil(clock.nowNs + ns),
      devices: ['nic0'],
      pages: 2000,
      limitNs: 1e9,
    };
  };
  driverConformance(create, {
    describe: (_, body) => body(),
    it: (name, body) => tests.push([name, body]),
  });
  const failed: string[] = [];
  for (const [name, body] of tests) {
    try {
      await body();
    } catch {
      failed.push(name);
    }
  }
  return failed;
}

const nothing = () => {};
const BROKEN: readonly [string, Breaking, RegExp][] = [
  [
    'answers before it returns',
    (driver) => ({ ...driver, perform: ({ name }, answer) => answer({ type: `DONE.${name}` } as never) }),
    /answers every command/,
  ],
  [
    'answers twice',
    (driver, clock) => withFaults(driver, clock, [{ nth: 5, fault: { kind: 'twice' } }]),
    /answers every command/,
  ],
  [
    'hangs',
    (driver, clock) => withFaults(driver, clock, [{ nth: 5, fault: { kind: 'hang' } }]),
    /answers every command/,
  ],
  [
    'fails where it should not',
    (driver, clock) => withFaults(driver, clock, [{ nth: 1, fault: { kind: 'error', errno: 'EIO' } }]),
    /answers every command/,
  ],
  [
    'does it again under the same id',
    (driver) => {
      let again = 0;
      return { ...driver, perform: (command, answer) => driver.perform({ ...command, id: `${again++}:7` }, answer) };
    },
    /same id/,
  ],
  ['answers what was abandoned', (driver) => ({ ...driver, abandon: nothing }), /abandon/],
  [
    'answers what it cannot do',
    (driver, clock) => ({
      ...driver,
      perform: (command, answer) =>
        driver.commands.has(command.name)
          ? driver.perform(command, answer)
          : void clock.at(clock.nowNs, () => answer({ type: `DONE.${command.name}` } as never)),
    }),
    /refused/,
  ],
  [
    'forgets a command in reconcile',
    (driver) => ({ ...driver, reconcile: async (pending) => (await driver.reconcile(pending)).slice(1) }),
    /reconcile/,
  ],
  [
    'claims in reconcile what was never asked',
    (driver) => ({
      ...driver,
      reconcile: async (pending) => pending.map(({ id, name }) => ({ id, found: { type: `DONE.${name}` } as never })),
    }),
    /reconcile/,
  ],
  ['goes on after close', (driver) => ({ ...driver, close: nothing }), /close/],
  [
    'cannot be closed twice',
    (driver) => {
      let closed = false;
      const close = () => {
        if (closed) throw new Error('closed already');
        closed = true;
      };
      return { ...driver, close };
    },
    /close/,
  ],
  ['declares what there is not', (driver) => ({ ...driver, commands: new Set(['makeCoffee' as never]) }), /declares/],
  [
    'answers with half a result',
    (driver) => ({
      ...driver,
      perform: (command, answer) =>
        driver.perform(command, (result) =>
          answer(
            result.type === 'DONE.syncBitmap' ? ({ type: result.type, dirtySet: result.dirtySet } as never) : result,
          ),
        ),
    }),
    /answers every command/,
  ],
];

test.each(BROKEN)('a driver that %s is found', async (_, breaking, promise) => {
  expect(await failures(breaking)).toEqual(expect.arrayContaining([expect.stringMatching(promise)]));
});

test('one that keeps its promises passes', async () => {
  expect(await failures((driver) => driver)).toEqual([]);
});
