/**
 * What a branch is: the parent to the moment, and from there a run of its own. With no change it is the parent to the byte; with
 * one, the past is still the parent's, and the branch is a journal like any other.
 */
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proveRun } from '../../../src/cli/prove-run.ts';
import type { Rec } from '../../../src/core/record.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { branch } from '../../../src/lab/branch/branch.ts';
import type { Change } from '../../../src/lab/branch/change.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { reportText } from '../../../src/lab/report/text.ts';
import type { Scenario } from '../../../src/lab/scenario/scenario.ts';
import { scenarios } from '../../../src/lab/shipped.ts';
import { stepperFor } from '../../../src/run/stepper.ts';
import { smallScenario } from '../small-scenario.ts';

const MANAGED = smallScenario({
  vmm: { downtimeLimit: '15ms' },
  rest: { manager: { policy: 'nova' }, giveUpAfter: '800ms' },
});

function parentOf(scenario: Scenario) {
  const journal = new MemoryJournal();
  const { opened } = rehearse(scenario, { journal });
  const records = [...journal.read(opened.run)];
  return { journal, run: opened.run, records };
}

const tail = (records: readonly Rec[]) => records.slice(1).map(recordText);

/** Right after the nth round was judged. */
function afterRound(records: readonly Rec[], nth: number): number {
  return records.filter((one) => one.kind === 'input' && one.event.type === 'DONE.sendRound')[nth - 1]?.position ?? 1;
}

describe('with no change', () => {
  const cases: readonly (readonly [string, Scenario])[] = [
    ['two NICs', smallScenario()],
    ['a manager that watches', MANAGED],
    ['cancelled by the scenario', smallScenario({ rest: { cancelAt: '500ms' } })],
    ['a fault', scenarios['fault-destination-dies']],
    ['QEMU 7.2', scenarios['qemu-idle']],
    ['post-copy', scenarios['postcopy-link-lost']],
  ];
  test.each(cases)('%s: every record after the first is the parent’s, from any moment', (_, scenario) => {
    const { journal, records } = parentOf(scenario);
    const last = records.length - 1;
    const anywhere = fc.oneof(
      fc.integer({ min: 1, max: last - 1 }),
      fc.integer({ min: 1, max: (records[last]?.atNs ?? 1) - 1 }).map((ns) => ({ ns })),
    );
    fc.assert(
      fc.property(anywhere, (at) => {
        if (typeof at !== 'number' && !records.some(({ position, atNs }) => position > 0 && atNs <= at.ns)) return;
        const done = branch(journal, { at });
        expect(tail([...done.journal.read(done.run)])).toEqual(tail(records));
        const { origin, ...report } = done.branch;
        expect(report).toEqual({ ...done.parent, checks: report.checks });
        expect(origin?.changes).toEqual({});
        expect(done.comparison.differsFromRound).toBeNull();
      }),
      { numRuns: 2, seed: 1 },
    );
  });

  test('a person’s cancel later on is given again', () => {
    const journal = new MemoryJournal();
    const cancels = [{ position: 20, atNs: 400_000_000 }];
    const scenario = smallScenario({ vmm: { downtimeLimit: '15ms' } });
    const probe = parentOf({ ...scenario, giveUpAfterNs: 1e9 });
    const position = probe.records.findLastIndex(({ atNs }) => atNs <= 400_000_000) + 1;
    rehearse(scenario, { journal, cancels: cancels.map((one) => ({ ...one, position })) });
    const done = branch(journal, { at: 5 });
    expect(done.branch.outcome).toBe('cancelled');
    expect(done.branch.totalMs).toBe(done.parent.totalMs);
  });
});

const NOWHERE = { run: 'parent', position: 1, atNs: 0, changes: {} };
const inputsOf = (records: readonly Rec[]) => records.flatMap((one) => (one.kind === 'input' ? [one] : []));

/** Never fits, by itself. */
const HOVERING = smallScenario({ vmm: { downtimeLimit: '15ms' }, rest: { giveUpAfter: '800ms' } });

describe('with a change', () => {
  const run = parentOf(HOVERING);
  const changed = (change: Change, at: number | { ns: number } = afterRound(run.records, 2)) =>
    branch(run.journal, { at, change });

  test.each<readonly [string, Change]>([
    ['a wider link', { 'link.bandwidth': '10Gbit/s' }],
    ['a cap', { 'vmm.maxBandwidth': '20MiB/s' }],
    ['another limit', { 'vmm.downtimeLimit': '300ms' }],
    ['a manager', { 'manager.policy': 'nova' }],
    ['a manager with its parameters', { manager: { policy: 'kubevirt-stall', patience: '1s' } }],
    ['another rule of the vmm', { 'vmm.policy': { name: 'no-progress', shrink: '5%' } }],
    ['a cancel', { cancel: 'now' }],
    ['a cancel later', { cancelAt: '750ms' }],
    ['a fault', { faults: [{ command: 'sendRound', fails: 'EIO' }] }],
    ['what happens in the world', { faults: [{ happens: 'link-down', at: '700ms', for: '300ms' }] }],
  ])('%s: the past is the parent’s, the rest is not, and it can be made again', async (_, change) => {
    const at = afterRound(run.records, 2);
    const done = changed(change, at);
    const records = [...done.journal.read(done.run)];
    expect(records.slice(1, at + 1).map(recordText)).toEqual(run.records.slice(1, at + 1).map(recordText));
    expect(records[at + 1]).toMatchObject({
      by: 'operator',
      to: 'migration',
      event: { type: 'BRANCHED', set: change },
    });
    expect(tail(records)).not.toEqual(tail(run.records));
    const proof = await proveRun(records, done.run, { reRun: true, allowDrift: false });
    expect(proof.divergence).toBeUndefined();
  });

  test('does what it says', () => {
    const limit = changed({ 'vmm.downtimeLimit': '300ms' });
    expect(limit.branch.outcome).toBe('completed');
    expect(limit.branch.totalMs).toBeLessThan(limit.parent.totalMs);
    // The second pass is over, and its round is judged by the new limit.
    expect(limit.comparison.differsFromRound).toBe(2);
    expect(changed({ 'manager.policy': 'nova' }, { ns: 100e6 }).branch.outcome).toBe('completed');
    expect(changed({ cancel: 'now' }).branch.outcome).toBe('cancelled');
    expect(changed({ cancelAt: '750ms' }).branch.reason).toBe('cancelled by the operator');
    expect(changed({ faults: [{ command: 'sendRound', fails: 'EIO' }] }).branch.outcome).toBe('failed');
    const capped = changed({ 'vmm.maxBandwidth': '20MiB/s' }).branch.rounds.at(-1);
    expect(capped?.bandwidthBytesPerSecond).toBeLessThan(21 * 2 ** 20);
  });

  test('its report tells on top where it left its parent, and with what', () => {
    const { branch: report } = changed({ 'link.bandwidth': '10Gbit/s', manager: { policy: 'nova' } }, { ns: 300e6 });
    const told = `branched from small-1 at 300 ms (record ${report.origin?.position}): link.bandwidth=10Gbit/s, manager={"policy":"nova"}`;
    expect(reportText(report).split('\n\n')[1]).toBe(told);
    expect(reportText(changed({}).parent)).not.toContain('branched');
  });

  test('a manager is exchanged for another, or dismissed', async () => {
    const managed = parentOf(MANAGED);
    const at = afterRound(managed.records, 1) - 3;
    const none = branch(managed.journal, { at, change: { 'manager.policy': 'none' } });
    expect(none.parent.outcome).toBe('completed');
    expect(none.branch.outcome).toBe('unconverged');
    const other = branch(managed.journal, { at, change: { 'manager.policy': 'proxmox' } });
    const told = [...other.journal.read(other.run)];
    expect(told.some(({ atNs, kind }) => kind === 'input' && atNs >= other.origin.atNs)).toBe(true);
    const proof = await proveRun(told, other.run, { reRun: true, allowDrift: false });
    expect(proof.divergence).toBeUndefined();
    expect(other.branch.totalMs).not.toBe(none.branch.totalMs);
  });

  test('at a time between two records, it begins at that time', () => {
    const { origin, journal, run: name } = changed({ 'link.bandwidth': '10Gbit/s' }, { ns: 300_000_001 });
    expect(origin.atNs).toBe(300_000_001);
    const told = [...journal.read(name)].find((one) => one.kind === 'input' && one.event.type === 'BRANCHED');
    expect(told?.atNs).toBe(300_000_001);
  });

  test('a branch is branched: what it changed still holds, and its own end comes again', async () => {
    const first = changed({ 'link.bandwidth': '2Gbit/s' });
    const same = branch(first.journal, { at: first.origin.position, run: first.run });
    expect(tail([...same.journal.read(same.run)])).toEqual(tail([...first.journal.read(first.run)]));
    const at = { ns: first.origin.atNs + 50e6 };
    const again = (bandwidth: string) =>
      branch(first.journal, { at, run: first.run, change: { 'link.bandwidth': bandwidth } });
    expect(() => again('2Gbit/s')).toThrow(/nothing is other/);
    const second = again('1Gbit/s');
    expect(second.origin.run).toBe(first.run);
    const records = [...second.journal.read(second.run)];
    const proof = await proveRun(records, second.run, { reRun: true, allowDrift: false });
    expect(proof.divergence).toBeUndefined();
  });
});

test('a rule that comes while a question is open is asked it: pre-copy waits for nobody who is gone', () => {
  const parent = rehearse(smallScenario({ vmm: { downtimeLimit: '15ms' }, rest: { giveUpAfter: '800ms' } }), {
    policy: () => ({ verdict: 'continue' }),
  });
  const records = inputsOf([...parent.journal.read(parent.opened.run)]);
  const stepper = stepperFor({ ...parent.opened, origin: NOWHERE }, { strict: true });
  const answer = records.findIndex(({ event }) => event.type === 'DONE.decide');
  const { system: asked } = records
    .slice(0, answer)
    .reduce(({ system }, record) => stepper.step(system, record), stepper.open(parent.opened, 0));
  expect(asked.charts.get('pre-copy')?.value).toEqual({ iterating: 'assessing' });

  const { position, atNs } = records[answer]!;
  const plan = { policy: { name: 'no-progress', version: '1', parameters: { shrinkPercent: 5 } } };
  const event = { type: 'BRANCHED', plan, world: {} };
  const { system, effects } = stepper.step(asked, { position, atNs, to: 'migration', by: 'operator', event });
  expect(system.charts.get('pre-copy')?.value).toEqual({ iterating: 'sending' });
  const facts = effects.flatMap((one) => (one.kind === 'fact' ? [one.event.type] : []));
  expect(facts).toEqual(['ROUND_ASSESSED']);
  const late = stepper.step(system, { ...records[answer]!, position: position + 1 });
  expect(late.outcome).toBe('late');
  // Between two questions there is none to be asked again.
  const idle = stepper.step(late.system, { position: position + 2, atNs, to: 'migration', by: 'operator', event });
  expect(idle.effects).toEqual([]);
});

describe('refused', () => {
  const { journal, records } = parentOf(smallScenario());
  const last = records.length - 1;
  test.each<readonly [string, number | { ns: number }, Change, RegExp]>([
    [
      'memory',
      5,
      { 'vm.memory': '1GiB' },
      /vm\.memory cannot be changed .* its past was made with it[\s\S]*link\.bandwidth/,
    ],
    ['devices', 5, { 'containers[0].devices': [] }, /cannot be changed/],
    ['the seed', 5, { seed: 7 }, /seed cannot be changed/],
    ['a value that is none', 5, { 'link.bandwidth': 'fast' }, /link\.bandwidth: .*fast/],
    ['a policy that is none', 5, { 'manager.policy': 'novva' }, /manager\.policy/],
    ['nothing new', 5, { 'link.bandwidth': '1Gbit/s' }, /nothing is other/],
    ['before anything', 0, {}, /nothing has happened yet/],
    ['the end', last, {}, /the run ended with record/],
    ['past the end', { ns: 1e12 }, {}, /is not in run/],
    ['a limit after pre-copy', last - 2, { 'vmm.downtimeLimit': '1s' }, /pre-copy is over/],
  ])('%s', (_, at, change, message) => {
    expect(() => branch(journal, { at, change })).toThrow(message);
  });

  const OWN = { file: fileURLToPath(new URL('../../../src/lab/scenarios/patient.mjs', import.meta.url)) };
  const textbook = (policy: 'qemu' | 'cloud-hypervisor') => smallScenario({ vmm: { loop: 'textbook', policy } });
  test.each<readonly [string, Scenario, unknown, RegExp]>([
    [
      'a run that a policy of the user’s own decides',
      smallScenario({ vmm: { policy: OWN } }),
      'qemu',
      /patient is a policy of your own, and a run that it decides keeps it/,
    ],
    [
      'a policy of the user’s own',
      smallScenario(),
      OWN,
      /patient is a policy of your own, and cannot begin in the middle/,
    ],
    [
      'a run whose rule counts every pass',
      textbook('cloud-hypervisor'),
      'hyper-v',
      /cloud-hypervisor follows this run from its first pass on, and stays/,
    ],
    [
      'a rule that counts every pass',
      textbook('qemu'),
      'xen-legacy',
      /xen-legacy follows a run from its first pass on, and cannot begin/,
    ],
  ])('%s', (_, scenario, policy, message) => {
    const { journal: parent } = parentOf(scenario);
    expect(() => branch(parent, { at: 12, change: { 'vmm.policy': policy } })).toThrow(message);
  });

  test('a run of another driver', () => {
    const foreign = new MemoryJournal();
    const opening = records[0];
    if (opening?.kind !== 'opened') throw new Error('no first record');
    foreign.append(opening.opened.run, 0, [{ ...opening, opened: { ...opening.opened, drivers: ['qmp'] } }]);
    expect(() => branch(foreign, { at: 1 })).toThrow(/was driven by qmp.*A what-if starts from a model/);
  });
});
