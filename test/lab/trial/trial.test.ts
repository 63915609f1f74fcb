/** Trials: what a policy's name means for a scenario, which fit, and that a row is what the same run's report says. */
import { describe, expect, test } from 'vitest';
import { managers, policies } from '../../../machines/index.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { policiesFor } from '../../../src/lab/trial/fitting.ts';
import { type Change, isPolicyName, partsOfPolicy, policyNames } from '../../../src/lab/trial/policy-choice.ts';
import { COLUMNS } from '../../../src/lab/trial/row.ts';
import { runTrial } from '../../../src/lab/trial/run.ts';
import { scenarioOf } from '../../../src/lab/trial/trial.ts';
import { smallInput } from '../small-scenario.ts';

const scenario = smallInput();
const bare = { ...smallInput(), containers: [] } as ScenarioInput;

describe('a policy by name', () => {
  test('is a whole policy: whatever else the scenario has is taken away', () => {
    const busy = { ...bare, manager: { policy: 'nova' }, vmm: { ...bare.vmm, autoConverge: true } } as ScenarioInput;
    const read = scenarioOf({ scenario: busy, policy: 'libvirt' });
    expect(read.manager.policy).toBe('libvirt');
    expect(read.vmm.autoConverge).toBeUndefined();
    expect(scenarioOf({ scenario: busy, policy: 'no-progress' })).toMatchObject({
      manager: { policy: 'none' },
      vmm: { policy: { name: 'no-progress', shrinkPercent: 5 } },
    });
  });
  test('keeps the parameters of what the scenario has already, and takes those that are set', () => {
    const own = { ...bare, vmm: { ...bare.vmm, policy: { name: 'no-progress', shrink: '9%' } } } as ScenarioInput;
    expect(scenarioOf({ scenario: own, policy: 'no-progress' }).vmm.policy).toMatchObject({ shrinkPercent: 9 });
    const set = [['manager.downtime', '800ms']] as const;
    const { manager } = scenarioOf({ scenario: bare, policy: 'nova', set });
    expect(manager).toMatchObject({ policy: 'nova', parameters: { downtimeMs: 800, downtimeStepsCount: 10 } });
  });
  test('may be two together, of different kinds', () => {
    const read = scenarioOf({ scenario: bare, policy: 'nova+auto-converge' });
    expect([read.manager.policy, read.vmm.autoConverge?.initialPercent]).toEqual(['nova', 20]);
    expect(() => scenarioOf({ scenario: bare, policy: 'nova+proxmox' })).toThrow(/one manager at a time/);
    expect(() => scenarioOf({ scenario: bare, policy: 'as-written+nova' })).toThrow(/goes with nothing else/);
  });
  test.each([
    ['nova', ['nova']],
    ['nova+auto-converge', ['nova', 'auto-converge']],
    ['./mine.mjs', ['./mine.mjs']],
    ['nova+./mine.mjs', ['nova', './mine.mjs']],
    ['./mine.mjs+nova', ['./mine.mjs', 'nova']],
    ['/no/c++/mine.mjs', ['/no/c++/mine.mjs']],
    ['c++/mine.mjs', ['c++/mine.mjs']],
    ['a+b.cjs', ['a+b.cjs']],
    ['./to+nova+qemu/mine.js+nova', ['./to+nova+qemu/mine.js', 'nova']],
    ['nova+C:\\c++\\mine.mjs+auto-converge', ['nova', 'C:\\c++\\mine.mjs', 'auto-converge']],
    ['./a.mjs+./b.mjs', ['./a.mjs', './b.mjs']],
    ['./c++/mine', ['./c++/mine']],
    ['nova+novva', ['nova', 'novva']],
    ['novva+./mine.mjs', ['novva', './mine.mjs']],
    ['novva+nova', ['novva', 'nova']],
    ['nova+', ['nova', '']],
  ])('%s is in parts', (name, parts) => {
    expect(partsOfPolicy(name)).toEqual(parts);
  });
  test('may be a file in a folder with a +', () => {
    expect(() => scenarioOf({ scenario: bare, policy: 'nova+/no/c++/mine.mjs' })).toThrow(
      /vmm\.policy\.file: \/no\/c\+\+\/mine\.mjs: no such file/,
    );
    expect(() => scenarioOf({ scenario: bare, policy: './a.mjs+./b.mjs' })).toThrow(/one rule at a time/);
    expect(isPolicyName('nova+auto-converge')).toBe(true);
    expect(isPolicyName('/no/c++/mine.mjs')).toBe(false);
  });
  test('that needs post-copy has it, and post-copy itself is ordered after the first pass', () => {
    expect(scenarioOf({ scenario: bare, policy: 'ovirt-post-copy' }).vmm.postcopy?.afterRound).toBeNull();
    expect(scenarioOf({ scenario: bare, policy: 'post-copy' }).vmm.postcopy?.afterRound).toBe(1);
  });
  test('of oVirt comes with auto-converge, unless another throttle is named or it is set off', () => {
    const throttles = (policy: string, set: readonly Change[] = []) => {
      const { autoConverge, dirtyLimit } = scenarioOf({ scenario: bare, policy, set }).vmm;
      return [autoConverge?.initialPercent, dirtyLimit === undefined ? 'no limit' : 'dirty-limit'];
    };
    for (const policy of ['ovirt-minimal-downtime', 'ovirt-suspend-if-needed', 'ovirt-post-copy'])
      expect(throttles(policy)).toEqual([20, 'no limit']);
    expect(throttles('ovirt-minimal-downtime+auto-converge')).toEqual(throttles('ovirt-minimal-downtime'));
    expect(throttles('nova')).toEqual([undefined, 'no limit']);
    expect(throttles('ovirt-minimal-downtime', [['vmm.autoConverge', { initial: '30%' }]])).toEqual([30, 'no limit']);
    expect(throttles('ovirt-minimal-downtime', [['vmm.autoConverge', false]])).toEqual([undefined, 'no limit']);
    expect(throttles('ovirt-minimal-downtime+dirty-limit', [['vm.dirtyLog', 'ring']])).toEqual([
      undefined,
      'dirty-limit',
    ]);
  });
  test('of another vmm comes with its loop, unless one is set', () => {
    expect(scenarioOf({ scenario: bare, policy: 'xen-now' }).vmm.loop).toBe('xen');
    const set = [['vmm.loop', 'qemu-10.2']] as const;
    expect(() => scenarioOf({ scenario: bare, policy: 'xen-now', set })).toThrow(/xen-now/);
  });
  test('that there is not is refused with the nearest one', () => {
    expect(() => scenarioOf({ scenario: bare, policy: 'novva' })).toThrow(
      'policy: no policy "novva"; did you mean nova?',
    );
    expect(() => scenarioOf({ scenario: bare, set: [['name.x', 1]] })).toThrow(/name\.x: leads nowhere/);
  });
});

test('all is every policy that fits, what the scenario says itself first, and a reason for each other', () => {
  const { chosen, leftOut } = policiesFor(['all'], { scenario });
  const names = chosen.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['qemu', 'no-progress', 'nova', 'auto-converge', 'kubevirt-stall']));
  expect(names[0]).toBe('qemu');
  const why = Object.fromEntries(leftOut.map(({ name, because }) => [name, because]));
  expect(why['dirty-limit']).toMatch(/needs vm\.dirtyLog: ring/);
  expect(why['post-copy']).toMatch(/exclude each other/);
  expect(why['xen-now']).toMatch(/xen does not migrate VFIO devices/);
  const every = policyNames().filter(({ role }) => role !== 'as-written');
  expect(chosen.length + leftOut.length).toBe(every.length);
  for (const name of [...Object.keys(policies), ...Object.keys(managers)].filter((one) => one !== 'own-policy'))
    expect(every.map((one) => one.name)).toContain(name);
  const own = { ...scenario, vmm: { ...scenario.vmm, downtimeLimit: '70ms', autoConverge: { max: '50%' } } };
  const mixed = policiesFor(['all'], { scenario: { ...own, manager: { policy: 'proxmox' } } as ScenarioInput });
  expect(mixed.chosen[0]?.name).toBe('as-written');
});

test('a row is what the report of the same run says', () => {
  const read = scenarioOf({ scenario, policy: 'qemu', seed: 7 });
  const { ended } = rehearse(read);
  const row = runTrial({ scenario, policy: 'qemu', seed: 7 });
  expect(row).toMatchObject({
    policy: 'qemu',
    rule: 'qemu',
    throttle: 'none',
    manager: 'none',
    seed: 7,
    outcome: 'completed',
    downtimeMs: ended.downtimeMs,
    totalMs: ended.totalMs,
    bytesTotal: ended.bytes.total,
    bytesWasted: ended.bytes.resent,
    rounds: ended.rounds.length,
    slowdownPercent: ended.guest.slowdownPercent,
    lostPages: 0,
    broken: '',
    'serviceDowntimeMs.nic0': ended.devices[0]?.serviceDowntimeMs,
  });
  expect(row.serviceDowntimeMs).toBe(Math.max(...ended.devices.map((device) => device.serviceDowntimeMs ?? 0)));
  expect(Object.keys(row).slice(0, COLUMNS.length).sort()).toEqual([...COLUMNS].sort());
  expect(runTrial({ scenario, policy: 'qemu', seed: 7 })).toEqual(row);
});

test('a run that does not complete has wasted all that it sent, and has no downtime', () => {
  const endless = {
    ...scenario,
    vmm: { ...scenario.vmm, downtimeLimit: '1ms' },
    giveUpAfter: '700ms',
  } as ScenarioInput;
  const row = runTrial({ scenario: endless, seed: 1 });
  expect(row).toMatchObject({ policy: 'as-written', outcome: 'unconverged', downtimeMs: null, lostPages: null });
  expect(row.bytesWasted).toBe(row.bytesTotal);
  expect(row.bytesTotal).toBeGreaterThan(0);
});
