/**
 * Every checker holds over every sound run: plain, cancelled after each record, with an error, a hang or a lost answer at
 * each command, and with a crash after each record. A checker that cries wolf is worth nothing.
 */
import { describe, expect, test } from 'vitest';
import type { Plan, PlanContainer } from '../../machines/plan.ts';
import type { FeatureMask } from '../../machines/words.ts';
import { createCheckers } from '../../src/checkers/index.ts';
import { runSmall, runSmallWithCrash, type SmallRun } from '../simulation/run-small.ts';

const NAMES = ['no-lost-write', 'one-guest', 'legal-arcs', 'final-order', 'trackers-cover', 'accounted'];

const variants: readonly { name: string; plan: Partial<Plan>; thorough?: boolean }[] = [
  { name: 'pre-copy and P2P devices', plan: {}, thorough: true },
  { name: 'a pause before the switchover', plan: { pauseBeforeSwitchover: true } },
  { name: 'stop-copy devices with P2P', plan: { containers: [container('0', 3, true)] } },
  { name: 'one device without P2P', plan: { loop: 'qemu-8.0', containers: [container('0', 1, true, 1)] } },
  { name: 'one device with pre-copy and no P2P', plan: { containers: [container('0', 5, true, 1)] } },
  { name: 'IOMMU tracking', plan: { containers: [container('0', 7, false)] } },
  {
    name: 'perpetual tracking',
    plan: { enableMigration: 'on', containers: [{ ...container('0', 7, false), iommuTracks: false }] },
  },
  { name: 'two containers', plan: { containers: [container('0', 7, true), container('1', 3, false, 1)] } },
  { name: 'a failed sync means all dirty', plan: { afterSyncError: 'allDirty' } },
  {
    name: 'textbook',
    plan: { loop: 'textbook', policy: { name: 'no-progress', version: '1', parameters: { shrinkPercent: 5 } } },
  },
  { name: 'no devices', plan: { loop: 'qemu-7.2', containers: [] } },
  { name: 'blocked', plan: { containers: [container('0', 1, true)] } },
];

function container(id: string, features: FeatureMask, logsDma: boolean, devices = 2): PlanContainer {
  const device = (index: number) => ({ id: `c${id}-nic${index}`, features, logsDma });
  return { id, iommuTracks: true, devices: Array.from({ length: devices }, (_, index) => device(index)) };
}

function broken({ recorded }: SmallRun) {
  const checkers = createCheckers();
  for (const one of recorded) checkers.see(one);
  const results = checkers.finish();
  expect(results.map(({ name }) => name)).toEqual(NAMES);
  return results.filter(({ held }) => !held);
}

describe.each(variants)('$name', ({ plan, thorough }) => {
  const plain = runSmall({ plan });
  const positions = plain.recorded.map(({ record }) => record.position);

  test('holds over a plain run', () => {
    expect(broken(plain)).toEqual([]);
  });

  test('holds over a run that is cancelled, at every record', () => {
    for (const cancelAfter of positions) {
      expect(broken(runSmall({ plan, cancelAfter })), `cancelled after ${cancelAfter}`).toEqual([]);
    }
  });

  const kinds = thorough ? (['error', 'hang', 'silent'] as const) : (['error'] as const);
  test.each(kinds)('holds over a run with an %s, at every command', (kind) => {
    for (const [index, name] of plain.commands.entries()) {
      expect(broken(runSmall({ plan, [kind]: index + 1 })), `${kind} of ${name}, command ${index + 1}`).toEqual([]);
    }
  });
});

describe.each(variants.filter(({ thorough }) => thorough))('$name, crashed', ({ plan }) => {
  const positions = runSmall({ plan }).recorded.map(({ record }) => record.position);

  test.each(['sent', 'unsent'] as const)(
    'holds over a crash and a recovery at every record, its effects %s',
    async (effects) => {
      for (const position of positions.slice(0, -1)) {
        expect(broken(await runSmallWithCrash(position, effects, plan)), `crash after ${position}`).toEqual([]);
      }
    },
  );
});

test('results may be asked for while the run goes on, and asking changes nothing', () => {
  const { recorded } = runSmall();
  const quiet = createCheckers();
  const asked = createCheckers();
  for (const one of recorded) {
    quiet.see(one);
    asked.see(one);
    asked.finish({ lostPages: 3, underReportedPages: 3, wireBytes: 3 });
  }
  expect(asked.finish()).toEqual(quiet.finish());
});

test('only the named checkers run, in the fixed order', () => {
  const checkers = createCheckers({ only: ['accounted', 'one-guest'] });
  expect(checkers.finish().map(({ name }) => name)).toEqual(['one-guest', 'accounted']);
});
