/** I5 and T13 in whole runs: what the host writes is in no log of KVM or of a device, only in the vmm's own. */
import { describe, expect, test } from 'vitest';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';
import { type SmallScenario, smallInput } from './small-scenario.ts';
import { watchRun } from './watch-run.ts';

/** Pages 14336 to 15359: nobody else writes there. */
const VHOST = { from: 14_336, to: 15_360 } as const;
const vhost = { id: 'vhost', kind: 'cycle', set: '4MiB', at: '56MiB', rate: '2k/s' } as const;

function scenario(hostWriters: NonNullable<ScenarioInput['vm']['hostWriters']>, changes: SmallScenario = {}) {
  const base = smallInput(changes);
  return scenarioFrom({ ...base, vm: { ...base.vm, hostWriters }, checks: { truth: 'both' } });
}

test('with every log nothing is lost, and the host’s pages are told apart', () => {
  const { report, driver } = watchRun(scenario([vhost]));
  expect(report.outcome).toBe('completed');
  expect(driver.inspect().lost?.count).toBe(0);
  for (const { dirtyPagesBySource } of report.rounds) expect(dirtyPagesBySource.host).toBeGreaterThan(0);
});

describe('T13: without the host’s own log', () => {
  test.each(['bitmap', 'bitmap-manual', 'pml', 'ring'] as const)(
    'pages that the host wrote are lost and named, whatever KVM’s %s sees',
    (dirtyLog) => {
      const base = scenario([vhost]);
      const { report, driver } = watchRun(
        { ...base, vm: { ...base.vm, dirtyLog } },
        { before: ({ subscriptions }) => subscriptions.get('host-log')?.unsubscribe() },
      );
      const check = report.checks.find(({ name }) => name === 'no-lost-write');
      expect(check).toMatchObject({ held: false });
      const { count, firstPages } = driver.inspect().lost!;
      expect(count).toBeGreaterThan(0);
      for (const page of firstPages) expect(page >= VHOST.from && page < VHOST.to, `page ${page}`).toBe(true);
    },
  );
});

test('they stop with the vCPUs: nothing of theirs is written after the stop', () => {
  const times: { readonly name: string; readonly ns: number }[] = [];
  const { recorded } = watchRun(scenario([vhost]), {
    before: (driver) => {
      driver.pages$.subscribe(({ source, toNs }) => times.push({ name: source, ns: toNs }));
    },
  });
  const stopped = recorded.find(({ record }) => record.kind === 'input' && record.event.type === 'DONE.stopVcpus');
  const lastNs = Math.max(...times.filter(({ name }) => name === 'host:vhost').map(({ ns }) => ns));
  expect(lastNs).toBeGreaterThan(0);
  expect(lastNs).toBeLessThanOrEqual(stopped!.record.atNs);
});
