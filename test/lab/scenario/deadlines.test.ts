/** The time limit of a pass under a rule that paces it: twice what all of memory takes, so that gentleness is no failure. */
import { describe, expect, test } from 'vitest';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { printScenario } from '../../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';

const scenario = (memory: string, policy: unknown, rest: object = {}) =>
  scenarioFrom({ name: 'paced', vm: { memory }, vmm: { loop: 'xen', policy }, ...rest } as unknown as ScenarioInput);

describe('sendRound', () => {
  // 64 GiB are 68,719,476,736 bytes: 5497.6 s at 12.5 MB/s, 1099.5 s at 62.5 MB/s; 20 GiB are 1718 s at 12.5.
  test.each([
    ['64GiB', 'xen-2004', 10_996],
    ['64GiB', { name: 'xen-2004', firstPace: '500Mbit/s' }, 3600],
    ['64GiB', { name: 'xen-2004', firstPace: '500Mbit/s', paceMax: '100Mbit/s' }, 10_996],
    ['20GiB', 'xen-2004', 3600],
    ['64GiB', 'xen-legacy', 3600],
  ])('of %s under %j has %i s', (memory, policy, seconds) => {
    const { deadlinesMs } = scenario(memory, policy);
    expect([deadlinesMs.sendRound, deadlinesMs.sendRemaining]).toEqual([seconds * 1000, 3_600_000]);
  });

  test('has what the scenario says, and a printed scenario says it only then', () => {
    const said = scenario('64GiB', 'xen-2004', { deadlines: { sendRound: '1h' } });
    expect(said.deadlinesMs.sendRound).toBe(3_600_000);
    expect(printScenario(said)).toMatch(/sendRound: (1h|60m|60min|3600s)\n/);
    expect(parseScenario(printScenario(said), 'said')).toEqual(said);
    const unsaid = scenario('64GiB', 'xen-2004');
    expect(printScenario(unsaid)).not.toContain('sendRound');
    expect(parseScenario(printScenario(unsaid), 'unsaid')).toEqual(unsaid);
  });
});

test('a large guest that is nearly idle gets across by the first rule of Xen', () => {
  const workloads = [{ kind: 'random', set: '1GiB', rate: '1/s' }];
  const { ended } = rehearse(
    scenario('48GiB', 'xen-2004', {
      vm: { memory: '48GiB', workloads },
      link: { bandwidth: '10Gbit/s' },
      giveUpAfter: '3h',
    }),
  );
  // 48 GiB at 100 Mbit/s are 4123 s.
  expect(ended.outcome).toBe('completed');
  expect(ended.rounds[0]?.durationMs).toBeGreaterThan(4_123_000);
}, 60_000);
