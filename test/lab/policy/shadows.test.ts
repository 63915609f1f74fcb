/**
 * Policies that watch: they see what the policy that decides sees, the report says when each would have switched over, and the
 * run is what it is without them, record for record.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { noProgressPolicy } from '../../../machines/convergence/no-progress.ts';
import { nova } from '../../../machines/convergence/nova.ts';
import { proveRun } from '../../../src/cli/prove-run.ts';
import type { PolicyFunction } from '../../../src/lab/policy/own-policy.ts';
import { type Rehearsed, rehearse } from '../../../src/lab/rehearse.ts';
import { reportText } from '../../../src/lab/report/text.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';
import { smallInput, smallScenario } from '../small-scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'shadows-'));
afterAll(() => rmSync(folder, { recursive: true }));

const vmm = { downtimeLimit: '20ms', policy: 'no-progress' } as const;
const seen: { round: number; cause: string }[] = [];
const watching: PolicyFunction = ({ round, cause, atNs }) => {
  seen.push({ round, cause });
  return { verdict: 'continue', because: { round }, wakeAtNs: atNs + 10_000_000 };
};

/** Records without the shadows' own: who said what to whom, when. Positions and checksums count those. */
const ofTheRun = ({ journal, opened }: Rehearsed) =>
  [...journal.read(opened.run)].flatMap((record) => {
    if (record.kind === 'opened' || record.to.startsWith('shadow/')) return [];
    const { to, by, event, atNs } = record;
    return [{ to, by, event, atNs }];
  });

describe('a run that is watched', () => {
  const plain = rehearse(smallScenario({ vmm }));
  const shadows = ['qemu', { name: 'no-progress', shrink: '80%' }, 'predictor'] as const;
  const watched = rehearse(smallScenario({ vmm, rest: { shadows } }), { shadows: [watching], strict: true });

  test('is the same without them', () => {
    expect(ofTheRun(watched)).toEqual(ofTheRun(plain));
    const { shadows: told, ...report } = watched.ended;
    expect(report).toEqual(plain.ended);
    expect(told).toHaveLength(4);
  });

  test('each sees what the policy sees, and one that wakes is asked in between', () => {
    const rounds = plain.ended.rounds.map(({ round }) => round);
    expect(seen.filter(({ cause }) => cause === 'round').map(({ round }) => round)).toEqual(rounds);
    expect(seen.some(({ cause }) => cause === 'wake')).toBe(true);
  });

  test('the first that a shadow would have done is what it does when it decides', () => {
    for (const [index, policy] of shadows.entries()) {
      const deciding = rehearse(smallScenario({ vmm: { ...vmm, policy } })).ended;
      const last = deciding.rounds.at(-1);
      const told = watched.ended.shadows?.[index];
      if (told?.wouldSwitchOver === null) {
        expect(deciding.rounds.length).toBeGreaterThanOrEqual(plain.ended.rounds.length);
        continue;
      }
      expect(told?.wouldSwitchOver).toMatchObject({
        round: last?.round,
        because: last?.because,
        remainingBytes: last?.remainingBytes,
        expectedDowntimeMs: deciding.expectedDowntimeMs,
      });
    }
    expect(watched.ended.shadows?.filter(({ wouldSwitchOver }) => wouldSwitchOver !== null).length).toBeGreaterThan(0);
  });

  test('the text has a line of each', () => {
    const text = reportText(watched.ended);
    const lines = /^Shadows\n((?: {2}.*\n)+)/m.exec(text)?.[1]?.trim().split('\n') ?? [];
    expect(lines.map((line) => line.trim().split(':')[0])).toEqual(['qemu', 'no-progress', 'predictor', 'watching']);
    expect(lines.join()).toMatch(/would have switched over at .* ms, after round \d+, with .* left, .* ms to copy/);
    expect(lines.at(-1)).toMatch(/would never have switched over \(asked \d+ times\)/);
  });

  test('folds again from its journal, without the function', async () => {
    const records = [...watched.journal.read(watched.opened.run)];
    const proof = await proveRun(records, 'small-1', { reRun: false, allowDrift: false });
    expect(proof.divergence).toBeUndefined();
    expect(proof.report?.shadows).toEqual(watched.ended.shadows);
  });
});

test('a shadow that fails is told of, and the run goes on', () => {
  const failing: PolicyFunction = ({ round }) => {
    if (round === 2) throw new Error('lost');
    return { verdict: 'continue' };
  };
  const { ended } = rehearse(smallScenario({ vmm: { downtimeLimit: '20ms' } }), { shadows: [failing], strict: true });
  expect(ended).toMatchObject({ outcome: 'completed', warnings: [] });
  expect(ended.shadows).toMatchObject([{ policy: 'failing', failures: ['policy failing threw Error: lost'] }]);
  expect(reportText(ended)).toContain('policy failing threw Error: lost');
});

test('a chart of the user watches too, and one that would meddle is refused', () => {
  const { machine, defaults } = noProgressPolicy;
  const { ended } = rehearse(smallScenario({ vmm }), { shadows: [{ machine, defaults, name: 'mine' }], strict: true });
  expect(ended.shadows?.[0]?.wouldSwitchOver?.round).toBe(ended.rounds.length);
  const meddle = () => rehearse(smallScenario({ vmm }), { shadows: [{ machine: nova }] });
  expect(meddle).toThrow(/^manager-nova cannot be a shadow: its action \w+ would change the run$/);
});

describe('what stands at shadows', () => {
  const file = join(folder, 'boss.mjs');
  writeFileSync(
    file,
    `export default { role: 'manager', machine: { config: {}, implementations: {}, transition() {} } };`,
  );
  const told = (shadows: unknown) => {
    try {
      scenarioFrom({ ...smallInput(), shadows } as never);
    } catch (error) {
      return (error as Error).message;
    }
    return 'nothing';
  };

  test.each<readonly [unknown, RegExp]>([
    [['nova'], /^scenario: shadows\[0\]: nova is a manager: a shadow must not change the run, and a manager asks/],
    [[{ file }], /^scenario: shadows\[0\]\.file: boss is a manager: it stands at manager, not here$/],
    [['qemv'], /^scenario: shadows\[0\]: expected a policy’s name, a file such as .*, got "qemv"; .*qemu, no-progress/],
    [['./none.mjs'], /^scenario: shadows\[0\]\.file: .*none\.mjs: no such file$/],
    [['./mine.ts'], /^scenario: shadows\[0\]\.file: .*mine\.ts is TypeScript, which plain Node does not load/],
    [['xen-now'], /^scenario: shadows\[0\]: xen-now is a rule of the loop xen, and this one is qemu-10\.2$/],
    ['qemu', /^scenario: shadows: expected a list, got "qemu"$/],
  ])('%j', (shadows, message) => {
    expect(told(shadows)).toMatch(message);
  });
});
