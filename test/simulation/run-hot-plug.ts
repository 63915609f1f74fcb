/**
 * Runs of a small VM whose devices come and go, over the hardware model, where starting and stopping a tracker takes time: so
 * that what is written in between shows. Test-made charts and spec stand in for the product's, one at a time.
 */
import { type AnyStateMachine, createMachine } from 'xstate';
import { chartsFor, dirtyTracking } from '../../machines/index.ts';
import type { Kind } from '../../machines/messages.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { type ChartSet, chartSet } from '../../src/core/system.ts';
import { type Fault, withFaults } from '../../src/drivers/faulty.ts';
import { createModelDriver, type ModelDriver } from '../../src/drivers/model/model-driver.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { prepareRun } from '../../src/lab/prepare.ts';
import type { Report } from '../../src/lab/report/report.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

type DeviceInput = NonNullable<ScenarioInput['containers']>[number]['devices'][number];
type IommuInput = NonNullable<ScenarioInput['containers']>[number]['iommu'];

/** 2 MiB each at its own place, written through once in 250 ms: a page that is missed is not soon written again. */
export function nic(nth: number, more: Partial<DeviceInput> = {}): DeviceInput {
  return {
    id: `nic${nth}`,
    kind: 'nic',
    features: ['stop-copy', 'p2p', 'pre-copy'],
    dmaLogging: true,
    dma: { rate: '8MiB/s', ring: '2MiB', at: `${4 + 2 * nth}MiB` },
    state: { initial: '64KiB', stopCopy: '128KiB' },
    ...more,
  } as DeviceInput;
}

export const AMD: IommuInput = { kind: 'iommufd', hardware: 'amd', dirtyTracking: true };

/** 12 MiB over 1 Gb/s: the first round takes 101 ms. */
export function changing(devices: readonly DeviceInput[], more: Partial<ScenarioInput> = {}): Scenario {
  return scenarioFrom({
    name: 'devices come and go',
    vm: { memory: '12MiB', vcpus: 1, workloads: [{ kind: 'random', set: '2MiB', rate: '2k/s' }] },
    containers: [{ iommu: AMD, devices }],
    link: { bandwidth: '1Gbit/s' },
    vmm: { loop: 'textbook', downtimeLimit: '30ms', policy: 'no-progress', enableMigration: 'on' },
    giveUpAfter: '20s',
    ...more,
  });
}

export interface Ran {
  readonly report: Report;
  readonly model: ModelDriver;
  readonly commands: readonly string[];
  readonly records: number;
}

export interface How {
  readonly fault?: { readonly nth: number; readonly fault: Fault };
  readonly cancelAfter?: number;
  readonly charts?: ChartSet;
  /** ns that starting and stopping one tracker takes. */
  readonly trackerNs?: number;
}

export function run(scenario: Scenario, { fault, cancelAfter, charts, trackerNs = 5_000_000 }: How = {}): Ran {
  const clock = new VirtualClock();
  const spec = modelSpecOf(scenario);
  const logs = { ...spec.logs, startTrackingNs: trackerNs, stopTrackingNs: trackerNs };
  const model = createModelDriver({ ...spec, logs }, clock);
  const faulty = withFaults(model, clock, fault === undefined ? [] : [fault]);
  const commands: string[] = [];
  const driver = {
    ...faulty,
    perform(...given: Parameters<typeof faulty.perform>) {
      commands.push(given[0].name);
      faulty.perform(...given);
    },
  };
  const prepared = prepareRun(scenario, { clock, driver: () => driver, strict: true, charts });
  let records = 0;
  prepared.runner.recorded$.subscribe(({ record }) => {
    records++;
    if (record.position === cancelAfter) prepared.cancel();
  });
  prepared.start();
  while (!prepared.runner.ended && clock.step());
  if (!prepared.runner.ended) throw new Error('the run did not end');
  return { report: prepared.report(), model, commands, records };
}

/** The charts of a run with the tracking chart changed. */
export function withTracking(change: (config: Record<string, never>) => void): ChartSet {
  const config = structuredClone(plain(dirtyTracking.config)) as Record<string, never>;
  restore(config, dirtyTracking.config as never);
  change(config);
  const mutant = createMachine(config as never, dirtyTracking.implementations as never) as AnyStateMachine;
  return chartSet({ ...(chartsFor('no-progress') as Record<Kind, AnyStateMachine>), tracking: mutant });
}

/** A config without its functions, which cannot be cloned. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? null : value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** Puts the functions back where they were. */
function restore(into: Record<string, unknown>, from: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(from)) {
    if (typeof value === 'function') into[key] = value;
    else if (typeof value === 'object' && value !== null) restore(into[key] as never, value as never);
  }
}
