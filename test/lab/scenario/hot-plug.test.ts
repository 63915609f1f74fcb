/** When devices are plugged and unplugged: what is read, what is refused with its key, and the way back to text. */
import { describe, expect, test } from 'vitest';
import { modelSpecOf } from '../../../src/lab/model/spec.ts';
import { planOf } from '../../../src/lab/plan.ts';
import { deviceOrders } from '../../../src/lab/scenario/hot-plug.ts';
import { toInput } from '../../../src/lab/scenario/print.ts';
import { scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';
import { nic0, nic1, smallInput } from '../small-scenario.ts';

type Changes = Parameters<typeof nic0>[0];
const at = (pluggedAt?: string, unpluggedAt?: string) =>
  ({
    ...(pluggedAt === undefined ? {} : { pluggedAt }),
    ...(unpluggedAt === undefined ? {} : { unpluggedAt }),
  }) as Changes;
const small = (...devices: ReturnType<typeof nic0>[]): ScenarioInput => smallInput({ devices });

test('without the keys nothing of it is anywhere', () => {
  const scenario = scenarioFrom(small(nic0(), nic1()));
  expect(deviceOrders(scenario)).toEqual([]);
  expect(planOf(scenario)).not.toHaveProperty('hotPlug');
  const hardware = [scenario.containers, planOf(scenario).containers, modelSpecOf(scenario).containers];
  expect(JSON.stringify(hardware)).not.toMatch(/plug|absent/i);
});

test('orders come in the order of their times; a device with pluggedAt is not there at the start', () => {
  const scenario = scenarioFrom(small(nic0(at(undefined, '1s')), nic1(at('500ms', '2s'))));
  expect(deviceOrders(scenario)).toEqual([
    { type: 'PLUG', device: 'nic1', atNs: 500_000_000 },
    { type: 'UNPLUG', device: 'nic0', atNs: 1_000_000_000 },
    { type: 'UNPLUG', device: 'nic1', atNs: 2_000_000_000 },
  ]);
  const [container] = planOf(scenario).containers;
  expect(container?.devices.map(({ id }) => id)).toEqual(['nic0']);
  expect(container?.pluggable?.map(({ id }) => id)).toEqual(['nic1']);
  expect(planOf(scenario).hotPlug).toBe(true);
  expect(modelSpecOf(scenario).containers[0]?.absent).toEqual(['nic1']);
});

test('pluggedAt 0 is a device that is there', () => {
  expect(scenarioFrom(small(nic0(at('0ms')), nic1()))).toEqual(scenarioFrom(small(nic0(), nic1())));
});

test('is printed as it is read', () => {
  const scenario = scenarioFrom(small(nic0(at(undefined, '1s')), nic1(at('500ms', '2s'))));
  expect(scenarioFrom(toInput(scenario))).toEqual(scenario);
});

describe('refuses', () => {
  const accelerator = (to: string) => ({
    id: 'gpu0',
    kind: 'accelerator',
    features: ['stop-copy', 'p2p'],
    dmaLogging: true,
    peer: { rate: '1MiB/s', to },
    state: { stopCopy: '1MiB' },
  });
  const rows: readonly (readonly [string, ScenarioInput, string])[] = [
    ['an unplug before the plug', small(nic0(at('2s', '1s'))), 'devices[0].unpluggedAt: must be later than pluggedAt'],
    ['an unplug at 0', small(nic0(at(undefined, '0ms'))), 'devices[0].unpluggedAt: must be later than 0'],
    [
      'a vGPU',
      small(nic0(), {
        id: 'vgpu0',
        kind: 'vgpu',
        features: ['stop-copy', 'p2p'],
        mapped: '1MiB',
        state: { stopCopy: '1MiB' },
        pluggedAt: '1s',
      } as never),
      'devices[1].pluggedAt: a vgpu comes and goes with its driver, which is not modelled',
    ],
    [
      'a device that another writes to',
      small(nic0(at(undefined, '1s')), accelerator('nic0') as never),
      'devices[0].unpluggedAt: another device writes to nic0, so it is there all the time',
    ],
    [
      'a device that writes to another',
      small(nic0(), { ...accelerator('nic0'), pluggedAt: '1s' } as never),
      'devices[1].pluggedAt: a device that writes to its peers is there all the time',
    ],
    ['a time that is none', small(nic0({ pluggedAt: 'soon' } as never)), 'devices[0].pluggedAt'],
  ];
  test.each(rows)('%s', (_, input, message) => {
    expect(() => scenarioFrom(input)).toThrow(message);
  });
});
