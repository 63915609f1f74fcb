/**
 * A policy of the user's own decides a run: a function gives what the same rule built in gives, its verdicts are in the
 * journal so that a replay needs no file, and whatever else a function may do ends in a sentence.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { noProgressPolicy } from '../../../machines/convergence/no-progress.ts';
import { nova } from '../../../machines/convergence/nova.ts';
import { managers } from '../../../machines/index.ts';
import { proveRun } from '../../../src/cli/prove-run.ts';
import { VirtualClock } from '../../../src/clock/virtual-clock.ts';
import type { Rec } from '../../../src/core/record.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import type { PolicyFunction } from '../../../src/lab/policy/own-policy.ts';
import { prepareRun } from '../../../src/lab/prepare.ts';
import { recoverRun } from '../../../src/lab/recover-modelled.ts';
import { type Rehearsed, rehearse } from '../../../src/lab/rehearse.ts';
import { printScenario } from '../../../src/lab/scenario/print.ts';
import { parseScenario } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { smallInput, smallScenario } from '../small-scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'own-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of its own for each text: Node loads one once. */
function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const scenarioWith = (policy: object, vmm: object = {}) => smallScenario({ vmm: { ...vmm, policy: policy as never } });
const recordsOf = ({ journal, opened }: Rehearsed) => [...journal.read(opened.run)];
const proveIt = (records: readonly Rec[], reRun = false) => proveRun(records, 'small-1', { reRun, allowDrift: false });

/** QEMU's rule since 8.0, written anew. */
const likeQemu: PolicyFunction = ({ remainingBytes, bandwidthBytesPerSecond, downtimeLimitMs }) => ({
  verdict: remainingBytes <= (bandwidthBytesPerSecond * downtimeLimitMs) / 1000 ? 'switchover' : 'continue',
});

const COUNTS = `export const parameters = { passes: 3 };
export default (observation, memory, { passes }) => {
  const seen = (memory?.seen ?? 0) + 1;
  return { verdict: seen >= passes ? 'switchover' : 'continue', because: { seen }, memory: { seen } };
};`;

test("a function that repeats QEMU's rule gives the same run as the rule built in", () => {
  const cases = fc.record({
    seed: fc.integer({ min: 1, max: 1000 }),
    limitMs: fc.integer({ min: 5, max: 200 }),
    rate: fc.integer({ min: 500, max: 8000 }),
    devices: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ seed, limitMs, rate, devices }) => {
      const scenario = smallScenario({
        ...(devices ? {} : { devices: [] }),
        vmm: { downtimeLimit: `${limitMs}ms` },
        rest: {
          seed,
          giveUpAfter: '1500ms',
          vm: { memory: '64MiB', vcpus: 1, workloads: [{ kind: 'random', set: '16MiB', rate: `${rate}/s` }] },
        },
      });
      const told = ({ ended }: Rehearsed) => ({
        outcome: ended.outcome,
        downtime: ended.downtime,
        totalMs: ended.totalMs,
        bytes: ended.bytes,
        rounds: ended.rounds.map(({ because: _, ...round }) => round),
      });
      expect(told(rehearse(scenario, { policy: likeQemu, strict: true }))).toEqual(told(rehearse(scenario)));
    }),
    { numRuns: 5, seed: 7 },
  );
});

describe('a function in a file', () => {
  const file = written('counts.mjs', COUNTS);
  const scenario = scenarioWith({ file, passes: 4 }, { downtimeLimit: '1ms' });
  const run = rehearse(scenario, { strict: true });
  const records = recordsOf(run);

  test('decides, with its parameters and its memory, and the report says why', () => {
    expect(run.ended).toMatchObject({ outcome: 'completed', vmm: { policy: 'counts' } });
    expect(run.ended.rounds.map(({ verdict, because }) => [verdict, because])).toEqual([
      ['continue', { seen: 1 }],
      ['continue', { seen: 2 }],
      ['continue', { seen: 3 }],
      ['switchover', { seen: 4 }],
    ]);
    expect(run.ended.sentence).toMatch(/It switched over because counts said so after round 4: seen 4\.$/);
  });

  test('is named before each of its verdicts, with the hash of its content', () => {
    const said = records.filter(
      ({ kind, ...record }) => kind === 'input' && 'by' in record && /^policy/.test(record.by),
    );
    expect(said).toHaveLength(4);
    const { policy } = scenario.vmm;
    const hash = policy.name === 'own' ? policy.sha256.slice(0, 16) : '';
    for (const record of said) expect(record).toMatchObject({ to: 'policy', by: `policy:counts@${hash}` });
  });

  test('as a scenario it is printed and read back', () => {
    expect(parseScenario(printScenario(scenario), join(folder, 'printed.yaml'))).toEqual(scenario);
    const beside = printScenario(scenario).replace(file, './counts.mjs');
    expect(parseScenario(beside, join(folder, 'beside.yaml'))).toEqual(scenario);
  });

  test('a crash while it is asked: it is asked again, and the run ends as it would have', async () => {
    const asked = records.findIndex((record) => 'by' in record && record.by.startsWith('policy:')) - 1;
    for (const fate of ['not-done', 'half-done', 'done'] as const) {
      const journal = new MemoryJournal();
      const clock = new VirtualClock();
      const prepared = prepareRun(scenario, { clock, journal, run: 'crashed' });
      prepared.dieAfter(asked);
      prepared.start();
      while (!prepared.runner.ended && clock.step());
      prepared.driver.close();
      const { report } = await recoverRun(journal, 'crashed', { fate });
      expect(report).toMatchObject({ outcome: 'completed', vmm: { policy: 'counts' } });
      expect(report.rounds.map(({ verdict }) => verdict).at(-1)).toBe('switchover');
    }
  });

  test('a replay does not need it, and a re-run does', async () => {
    expect(await proveIt(records, true)).toMatchObject({ divergence: undefined });
    rmSync(file);
    const proof = await proveIt(records);
    expect(proof).toMatchObject({ divergence: undefined, records: records.length });
    expect(proof.report).toEqual({ ...run.ended, checks: expect.anything(), expectations: expect.anything() });
    await expect(proveIt(records, true)).rejects.toThrow(`policy counts: ${file}: no such file`);
    writeFileSync(file, `${COUNTS}\n// other`);
    await expect(proveIt(records, true)).rejects.toThrow(/counts\.mjs has changed since this process loaded it/);
  });

  test('one that has changed since the run was made is refused by its hash', async () => {
    const [first, ...rest] = records;
    const other = written('counts-again.mjs', `${COUNTS} `);
    const moved = JSON.parse(JSON.stringify(first).replaceAll(file, other)) as Rec;
    await expect(proveIt([moved, ...rest], true)).rejects.toThrow(
      /^policy counts: .*counts-again\.mjs has changed: its SHA-256 is \w{64}, and the run is of \w{64}$/,
    );
  });
});

describe('a wake in the middle of a pass', () => {
  const EARLY: PolicyFunction = ({ cause, atNs, round }) =>
    cause === 'wake'
      ? { verdict: 'switchover', because: { woken: round } }
      : { verdict: 'continue', wakeAtNs: atNs + 20_000_000 };

  test.each([
    ['with devices', {}],
    ['without', { devices: [] }],
  ])('ends the pass, and what is dirty then is the last set: %s', (_, changes) => {
    const workloads = [{ kind: 'random', set: '16MiB', rate: '40k/s' }] as const;
    const rest = { vm: { memory: '64MiB', vcpus: 1, workloads } } as const;
    const scenario = smallScenario({ ...changes, vmm: { downtimeLimit: '1ms' }, rest });
    const { ended } = rehearse(scenario, { policy: EARLY, strict: true });
    const twice: PolicyFunction = ({ round }) => ({ verdict: round === 2 ? 'switchover' : 'continue' });
    const whole = rehearse(scenario, { policy: twice }).ended.rounds[1]?.durationMs ?? 0;
    expect(ended).toMatchObject({ outcome: 'completed' });
    const [first, second, ...others] = ended.rounds;
    expect(others).toEqual([]);
    expect(first).toMatchObject({ verdict: 'continue' });
    expect(second).toMatchObject({ verdict: 'switchover', because: { woken: 1 } });
    // What is on the wire when it wakes goes out.
    expect(second?.durationMs).toBeGreaterThanOrEqual(20);
    expect(second?.durationMs).toBeLessThan(0.8 * whole);
    expect(ended.checks.filter(({ held }) => !held)).toEqual([]);
  });

  test('that says continue changes nothing, and one that throws is a warning', () => {
    const scenario = smallScenario();
    const quiet: PolicyFunction = (observation) => ({ ...likeQemu(observation, null, {}) });
    const waking: PolicyFunction = (observation) => {
      if (observation.cause === 'wake') throw new Error('not now');
      const { verdict } = likeQemu(observation, null, {});
      return verdict === 'switchover' ? { verdict } : { verdict, wakeAtNs: observation.atNs + 1_000_000 };
    };
    const [plain, warned] = [rehearse(scenario, { policy: quiet }).ended, rehearse(scenario, { policy: waking }).ended];
    expect(warned.rounds).toEqual(plain.rounds);
    expect(warned.warnings.length).toBeGreaterThan(0);
    for (const warning of warned.warnings)
      expect(warning).toMatch(/^policy waking threw Error: not now while .*; the guest runs on the destination$/);
  });
});

describe('what a function may do instead of judging', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  const good = { verdict: 'continue' };
  test.each<readonly [string, () => unknown, string]>([
    ['throws', () => JSON.parse('{'), 'threw SyntaxError: '],
    ['throws no error', () => raise('a text'), 'threw a text'],
    ['gives nothing', () => undefined, 'gave back undefined: expected { verdict'],
    ['gives a word', () => 'switchover', 'gave back "switchover": expected { verdict'],
    ['gives a list', () => [good], 'gave back a list'],
    ['gives a promise', async () => good, 'gave back a promise: a policy answers at once'],
    ['gives a promise that is rejected', () => Promise.reject(new Error('later')), 'gave back a promise'],
    ['gives no verdict', () => ({}), "gave the verdict undefined: expected 'continue' or 'switchover'"],
    ['gives another verdict', () => ({ verdict: 'postcopy' }), 'gave the verdict "postcopy"'],
    ['gives a reason in words', () => ({ ...good, because: 'so' }), 'gave as its reason "so"'],
    ['gives a reason that is no number', () => ({ ...good, because: { a: Number.NaN } }), 'because.a is NaN'],
    ['remembers a function', () => ({ ...good, memory: { f: () => 1 } }), 'is not JSON: memory.f is a function'],
    ['remembers nothing in a list', () => ({ ...good, memory: [1, undefined] }), 'memory[1] is undefined'],
    ['remembers a hole', () => ({ ...good, memory: new Array(2) }), 'memory[0] is undefined'],
    ['remembers infinity', () => ({ ...good, memory: Infinity }), 'memory is Infinity'],
    ['remembers a big number', () => ({ ...good, memory: { n: 1n } }), 'memory.n is 1n'],
    ['remembers a date', () => ({ ...good, memory: new Date(0) }), 'memory is a Date'],
    ['remembers itself', () => ({ ...good, memory: cyclic }), 'it holds itself'],
    ['wakes in the past', () => ({ ...good, wakeAtNs: 0 }), 'wants to be asked again at 0: expected a whole number'],
    ['wakes at a fraction', () => ({ ...good, wakeAtNs: 1e15 + 0.5 }), 'expected a whole number of ns after'],
    ['wakes after it has decided', () => ({ verdict: 'switchover', wakeAtNs: 1e15 }), 'has decided to switch over'],
    ['gives more', () => ({ ...good, abort: true }), 'gave back "abort", which is no part of a verdict'],
  ])('%s', async (_, bad, message) => {
    const run = rehearse(smallScenario(), { policy: bad as PolicyFunction, strict: true });
    expect(run.ended.outcome).toBe('failed');
    expect(run.ended.guestRunsOn).toBe('source');
    expect(run.ended.sentence).toContain(message);
    expect(run.ended.reason).toMatch(/^policy \w+ .* \(EINVAL\)$/s);
    expect(run.ended.reason).toContain(message);
    expect(await proveIt(recordsOf(run))).toMatchObject({ divergence: undefined });
  });

  test('changes what it was given: nobody else sees it', () => {
    const spoils: PolicyFunction = (observation, memory) => {
      const { verdict } = likeQemu(observation, null, {});
      const kept = { rounds: [...(memory?.rounds ?? []), observation.round] };
      (observation as { round: number }).round = 99;
      memory?.rounds.push(98);
      return { verdict, memory: kept, because: { passes: kept.rounds.length } };
    };
    const { ended } = rehearse(smallScenario({ vmm: { downtimeLimit: '20ms' } }), { policy: spoils });
    expect(ended.rounds.map(({ because }) => because.passes)).toEqual(ended.rounds.map(({ round }) => round));
  });
});

describe('a chart of the user', () => {
  test('decides as the same chart built in does, and a replay takes it from its file', async () => {
    const scenario = smallScenario({ vmm: { downtimeLimit: '5ms', policy: 'no-progress' } });
    const built = rehearse(scenario);
    const { machine } = noProgressPolicy;
    const own = rehearse(smallScenario({ vmm: { downtimeLimit: '5ms' } }), {
      policy: { machine, name: 'mine', defaults: { shrinkPercent: 5 } },
      strict: true,
    });
    expect(own.ended.rounds).toEqual(built.ended.rounds);
    expect(own.opened.policies[0]).toMatchObject({ name: 'own:mine', parameters: { shrinkPercent: 5 } });
    expect(own.opened.fingerprint).not.toBe(built.opened.fingerprint);
    await expect(proveIt(recordsOf(own))).rejects.toThrow('policy mine was handed over by a program');
  });

  test('from a file: a policy, and a manager with its parameters', async () => {
    const text = (role: string, what: string) =>
      `const own = globalThis[Symbol.for('own-policy-test')];\nexport default { role: '${role}', machine: own.${what}, defaults: own.${what}Defaults };`;
    Object.assign(globalThis, {
      [Symbol.for('own-policy-test')]: {
        policy: noProgressPolicy.machine,
        policyDefaults: noProgressPolicy.defaults,
        manager: nova,
        managerDefaults: managers.nova.defaults,
      },
    });
    const policy = written('chart.mjs', text('vmm', 'policy'));
    const manager = written('boss.mjs', text('manager', 'manager'));
    const input: ScenarioInput = {
      ...smallInput({ vmm: { downtimeLimit: '5ms', policy: { file: policy, shrinkPercent: 50 } } }),
      manager: { file: manager, downtimeMs: 900 },
    };
    const scenario = parseScenario(JSON.stringify(input), 'charts.yaml');
    const run = rehearse(scenario, { strict: true });
    expect(run.ended).toMatchObject({
      outcome: 'completed',
      vmm: { policy: 'chart', parameters: { shrinkPercent: 50 } },
      manager: { policy: 'boss', parameters: { ...managers.nova.defaults, downtimeMs: 900 } },
    });
    expect(run.ended.manager.decisions?.length).toBeGreaterThan(0);
    expect(await proveIt(recordsOf(run), true)).toMatchObject({ divergence: undefined });
    rmSync(policy);
    await expect(proveIt(recordsOf(run))).rejects.toThrow(`policy chart: ${policy}: no such file`);
  });
});

function raise(what: unknown): never {
  throw what;
}

test('a journal that fails under a verdict fails the run, and nothing else', () => {
  class FullAtVerdicts extends MemoryJournal {
    override append(run: string, position: number, records: readonly Rec[]): void {
      if (records.some((record) => record.kind === 'input' && record.by.startsWith('policy:'))) throw new Error('full');
      super.append(run, position, records);
    }
  }
  // Thrown to the caller; an error that RxJS reports by itself would end the process.
  expect(() => rehearse(smallScenario(), { policy: likeQemu, journal: new FullAtVerdicts() })).toThrow('full');
});
