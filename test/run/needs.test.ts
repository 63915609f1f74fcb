/** A driver that cannot do what the charts may ask is refused before the first record. */
import { expect, test } from 'vitest';
import { COMMANDS, type CommandName } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { commandsNeeded, requireCommands } from '../../src/run/needs.ts';
import { scriptedDriver } from '../simulation/scripted-driver.ts';
import { smallPlan } from '../simulation/small-plan.ts';

test('the charts ask for every command that there is, and for no other', () => {
  expect([...commandsNeeded('own-policy', 'nova')].sort()).toEqual((Object.keys(COMMANDS) as CommandName[]).sort());
});

test('a driver without one of them is refused by name', () => {
  const whole = scriptedDriver(new VirtualClock());
  expect(() => requireCommands({ ...whole, verdicts: new Set(['throttlePercent']) }, 'qemu')).not.toThrow();
  const commands = new Set([...whole.commands].filter((name) => name !== 'reportDirty' && name !== 'acquireStorage'));
  expect(() => requireCommands({ ...whole, commands }, 'qemu')).toThrow(
    /^driver "scripted" cannot do (reportDirty, acquireStorage|acquireStorage, reportDirty), which the charts need$/,
  );
});

test('a driver that cannot throttle need not have the command for it', () => {
  const whole = scriptedDriver(new VirtualClock());
  const commands = new Set([...whole.commands].filter((name) => name !== 'throttleVcpus'));
  expect(() =>
    requireCommands({ ...whole, commands, verdicts: new Set(['continue', 'switchover']) }, 'qemu'),
  ).not.toThrow();
  expect(() => requireCommands({ ...whole, commands, verdicts: new Set(['throttlePercent']) }, 'qemu')).toThrow(
    'throttleVcpus',
  );
});

test('a driver without post-copy is refused only where the capability is on', () => {
  const whole = scriptedDriver(new VirtualClock());
  const postCopy = ['discardDirty', 'sendMissing', 'reconnect', 'compareReceived'];
  const driver = { ...whole, commands: new Set([...whole.commands].filter((name) => !postCopy.includes(name))) };
  const plan = smallPlan({ containers: [] });
  expect(() => requireCommands(driver, 'qemu', plan)).not.toThrow();
  expect(() => requireCommands(driver, 'qemu', { ...plan, postCopy: true })).toThrow(/cannot do .*sendMissing/);
});
