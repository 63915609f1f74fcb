/**
 * Device states over multifd: what may be written, in which order it is sent, how connections share the link, and what the
 * threads of TLS and compression cost. Expected times are computed here from the scenario's figures.
 */
import { describe, expect, test } from 'vitest';
import { Channels } from '../../src/drivers/model/channels.ts';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { planOf } from '../../src/lab/plan.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { printScenario } from '../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

const yaml = (vmm: string) => `name: a\nvm: { memory: 1GiB }\nvmm: { ${vmm} }\n`;
const read = (vmm: string) => parseScenario(yaml(vmm), 'a.yaml');

describe('what may be written', () => {
  test.each([
    ['multifd: {}', 'together', { channels: 2, deviceChannels: 0 }],
    ['multifd: { channels: 15, deviceChannels: 4 }', 'beside-memory', { channels: 15, deviceChannels: 4 }],
    ['multifd: { channels: 8, deviceState: main }', undefined, { channels: 8, deviceChannels: 0 }],
    ['loop: qemu-9.2, multifd: { channels: 8 }', undefined, { channels: 8, deviceChannels: 0 }],
    ['multifd: {}, compression: { rate: 1GiB/s, ratio: 2 }', undefined, { channels: 2, deviceChannels: 0 }],
  ] as const)('%s', (vmm, way, multifd) => {
    const scenario = read(vmm);
    expect(planOf(scenario).deviceStates).toBe(way);
    expect(modelSpecOf(scenario).multifd).toEqual(multifd);
    expect(parseScenario(printScenario(scenario), 'b.yaml')).toEqual(scenario);
  });

  test.each([
    [
      'loop: qemu-9.2, multifd: { deviceState: channels }',
      'device state over multifd needs QEMU 10.0 or later, and vmm.loop is qemu-9.2; the first loop here that can is qemu-10.2',
    ],
    ['multifd: { channels: 4, deviceChannels: 4 }', 'must be fewer than the 4 channels: memory needs one'],
    ['multifd: { deviceState: main, deviceChannels: 1 }', 'contradict each other'],
    ['compression: { rate: 1GiB/s, ratio: 2 }', 'give vmm.multifd, too'],
    ['multifd: { deviceState: channels }, compression: { rate: 1GiB/s, ratio: 2 }', 'over the main channel then'],
    ['tls: { rate: 0 }', 'must be more than 0'],
    ['multifd: {}, compression: { rate: 1GiB/s, ratio: 0.5 }', 'a number of 1 or more'],
    ['loop: cloud-hypervisor, policy: cloud-hypervisor, multifd: {}', 'is a setting of QEMU'],
  ])('not: %s', (vmm, message) => {
    expect(() => read(vmm)).toThrow(message);
  });
});

describe('what is sent when', () => {
  // 10 ms a device to read, 1 ms of link; 20 ms of memory that is always dirty.
  const link = 1e9;
  const pages = Math.round((0.02 * link) / 4096);
  const guest = (vmm: ScenarioInput['vmm'], readMs = 10): ScenarioInput =>
    ({
      name: 'three devices',
      vm: { memory: '64MiB', workloads: [{ kind: 'random', set: pages * 4096, rate: '100M/s' }] },
      containers: [
        {
          iommu: { kind: 'none' },
          devices: ['a', 'b', 'c'].map((id) => ({
            id,
            kind: 'nic',
            features: ['stop-copy', 'p2p'],
            dmaLogging: true,
            state: { stopCopy: 1e6, readRate: `${1e9 / readMs}B/s` },
          })),
        },
      ],
      link: { bandwidth: `${link}B/s` },
      vmm: { loop: 'textbook', maxBandwidth: 'unlimited', ...vmm },
    }) as ScenarioInput;
  const split = (vmm: ScenarioInput['vmm'], readMs?: number) => {
    const { downtime, outcome, checks, devices } = rehearse(scenarioFrom(guest(vmm, readMs))).ended;
    expect(outcome).toBe('completed');
    expect(checks.filter(({ held }) => !held)).toEqual([]);
    expect(devices.map(({ stateBytes }) => stateBytes)).toEqual([1_000_024, 1_000_024, 1_000_024]);
    return [downtime!.memoryMs, downtime!.deviceStateMs];
  };
  const near = (ms: number) => expect.closeTo(ms, 1);
  const ramMs = (1000 * pages * 4096) / link;

  test('in turn on the main channel', () => {
    expect(split({})).toEqual([near(ramMs), near(30)]);
  });

  test('at once, after the memory, on channels that they share', () => {
    expect(split({ multifd: { channels: 4 } })).toEqual([near(ramMs), near(10)]);
  });

  test('beside the memory, which has the channels that are left; only what they take longer is theirs', () => {
    // 3 of 4 channels for the memory while devices are sent, and so until the slice under way is over.
    expect(split({ multifd: { channels: 4, deviceChannels: 1 } })).toEqual([near((ramMs * 4) / 3), near(0)]);
    const [memoryMs, stateMs] = split({ multifd: { channels: 4, deviceChannels: 1 } }, 50);
    expect([memoryMs, memoryMs! + stateMs!]).toEqual([near((ramMs * 4) / 3), near(50)]);
  });

  test('on a slow link no faster than the link', () => {
    const states = { multifd: { channels: 4 } };
    // 3 MB with next to nothing to read: the link alone.
    expect(split(states, 0.001)[1]).toBeCloseTo(3 * 1.000024, 2);
  });

  test('TLS takes a thread’s time, of each device and of each of the memory’s channels', () => {
    const tls = { rate: '100MB/s' } as const;
    expect(split({ tls })).toEqual([near(10 * ramMs), near(60)]);
    expect(split({ tls, multifd: { channels: 4 } })).toEqual([near((10 / 4) * ramMs), near(20)]);
  });

  test('compressed memory is shorter on the wire, as fast as its threads are', () => {
    const { bytes } = rehearse(
      scenarioFrom(guest({ multifd: { channels: 2 }, compression: { rate: '10GB/s', ratio: 4 } })),
    ).ended;
    expect(bytes.memory).toBe(bytes.normalPages * 1024);
    const compression = { rate: '100MB/s', ratio: 4 } as const;
    // What remains is reckoned by what was sent, and that is a quarter: the limit has to allow four times as much.
    const slow = { multifd: { channels: 2 }, compression, downtimeLimit: '1s' } as const;
    expect(split(slow)[0]).toBeCloseTo((10 / 2) * ramMs, 1);
  });
});

test('connections that send at once have the link between them, and no more', () => {
  const channels = new Channels({ channels: 8, deviceChannels: 2 });
  expect([channels.memoryPart, channels.statePart]).toEqual([1, 1]);
  channels.memoryBegins();
  channels.statesBegin(4);
  expect(channels.memoryPart + 4 * channels.statePart).toBe(1);
  channels.memoryEnds();
  channels.stateEnds();
  expect(3 * channels.statePart).toBe(1);
});
