/** Orders, crashes and pauses come at their moment: right after the command that they name is given, or answered. */
import { expect, test } from 'vitest';
import type { Case } from '../../../src/lab/check/case.ts';
import { type CaseRun, runCase } from '../../../src/lab/check/run-case.ts';
import { judge } from '../../../src/lab/check/verdict.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { smallInput } from '../small-scenario.ts';

async function run(one: Omit<Case, 'seed' | 'input'>, changes: Partial<ScenarioInput> = {}): Promise<CaseRun> {
  const input = { ...smallInput(), ...changes } as ScenarioInput;
  const done = await runCase({ ...one, seed: 1, input }, scenarioFrom(input));
  expect(judge(done)).toBeUndefined();
  return done;
}

/** Positions of the records with this event, and of those that give this command. */
function positions({ recorded }: CaseRun, type: string, gives: string) {
  const events = recorded.filter(({ record }) => record.kind === 'input' && record.event.type === type);
  const given = recorded.filter(({ effects }) => effects.some((one) => one.kind === 'command' && one.name === gives));
  return [events, given].map((found) => found.map(({ record }) => record.position)) as [number[], number[]];
}

test.each([1, 2, 3])('a cancel right after sendRound number %i is given is the next record', async (nth) => {
  const done = await run({ orders: [{ order: 'CANCEL', after: { command: 'sendRound', nth } }] });
  const [cancels, given] = positions(done, 'CANCEL', 'sendRound');
  expect(cancels).toEqual([given[nth - 1]! + 1]);
  expect(done.report.outcome).toBe('cancelled');
});

test('and one after it is answered comes after the answer', async () => {
  const after = { command: 'sendRound', nth: 2, answered: true } as const;
  const done = await run({ orders: [{ order: 'CANCEL', after }] });
  const [cancels] = positions(done, 'CANCEL', 'sendRound');
  const [answers] = positions(done, 'DONE.sendRound', 'sendRound');
  expect(cancels).toEqual([answers[1]! + 1]);
});

test.each([
  // Nobody knows what became of a pass that was on its way: the run turns back.
  ['sent', 'quitDestination'],
  ['unsent', 'loadDestination'],
] as const)('two crashes, effects %s: the run is taken up twice', async (effects, command) => {
  const crash = { after: { command: 'sendRound', nth: 1 }, effects, deadMs: 1 } as const;
  const secondCrash = { after: { command, nth: 1 }, effects, deadMs: 1 } as const;
  const done = await run({ crash, secondCrash });
  expect(positions(done, 'TAKE_UP', 'sendRound')[0]).toHaveLength(2);
  expect(done.crashed).toBe(true);
});

test.each([
  ['CANCEL', 'cancelled'],
  ['CONTINUE', 'completed'],
] as const)('a pause of 300 ms that ends with %s', async (order, outcome) => {
  const vmm = { loop: 'qemu-10.2', pauseBeforeSwitchover: true, downtimeLimit: '300ms' } as const;
  const done = await run({ pause: { order, afterMs: 300 } }, { vmm });
  expect(done.report.outcome).toBe(outcome);
  const [paused, ended] = ['pre-switchover', order === 'CANCEL' ? 'cancelling' : 'device'].map(
    (status) => done.report.status.find((one) => one.status === status)?.atMs ?? Number.NaN,
  );
  expect(ended! - paused!).toBeCloseTo(300, 6);
});

test('a host is fenced once: the order to fence the other one is not given', async () => {
  const faults: ScenarioInput['faults'] = [
    { command: 'startDestination', hangs: true },
    { command: 'queryDestination', fails: 'ECONNRESET' },
    { command: 'acquireStorage', nth: 2, fails: 'EBUSY' },
  ];
  const done = await run({ doubts: ['source-fenced', 'destination-fenced', 'asked'] }, { faults });
  expect(done.settled).toEqual(['source-fenced', 'asked']);
});
