/**
 * Random small guests for laws that hold over all of them: what `switchover check` draws, with every dirty log, page size,
 * kind of container, tracker and device, vIOMMUs and holes, and with nothing going wrong.
 *
 * Two things are made sure of, so that a law is not a law about nothing: somebody writes all the time, and most of the guests
 * hand over. Both truths are kept.
 */
import fc from 'fast-check';
import { drawScenario } from '../../src/lab/check/draw/scenario.ts';
import { ScenarioError } from '../../src/lab/scenario/error.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

function busy({ vm, vmm = {}, ...rest }: ScenarioInput): ScenarioInput {
  const memoryKiB = Number.parseInt(String(vm.memory), 10);
  const { postcopy: _, ...loop } = vmm;
  const all = { kind: 'random', set: `${memoryKiB / 2}KiB`, rate: '3k/s' } as const;
  return {
    ...rest,
    vm: { ...vm, workloads: [...(vm.workloads ?? []).slice(0, 1), all] },
    vmm: {
      ...loop,
      downtimeLimit: '2s',
      maxBandwidth: 'unlimited',
      enableMigration: 'on',
      pauseBeforeSwitchover: false,
    },
    giveUpAfter: '8s',
    checks: { truth: 'both' },
  } as ScenarioInput;
}

function readable(seed: number): Scenario | undefined {
  try {
    return scenarioFrom(busy(drawScenario(seed)));
  } catch (error) {
    if (error instanceof ScenarioError) return undefined;
    throw error;
  }
}

/** Guests that can be rehearsed; one is shrunk by its seed, which means nothing: `switchover check` makes cases small. */
export const guests: fc.Arbitrary<Scenario> = fc
  .noShrink(fc.nat({ max: 2 ** 31 - 1 }))
  .map(readable)
  .filter((scenario): scenario is Scenario => scenario !== undefined);
