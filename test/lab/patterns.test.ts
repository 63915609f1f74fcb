/** Devices made of parts, in whole runs: a custom device can be what another kind is, and T22 counts peer-to-peer writes. */
import { describe, expect, test } from 'vitest';
import { modelSpecOf } from '../../src/lab/model/spec.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { nic0, smallInput } from './small-scenario.ts';
import { watchRun } from './watch-run.ts';

type DeviceInput = ReturnType<typeof nic0>;
const shared = { features: ['stop-copy', 'p2p', 'pre-copy'], dmaLogging: true, state: { stopCopy: '1MiB' } } as const;

const run = (...devices: DeviceInput[]) => watchRun(scenarioFrom(smallInput({ devices })));
const dmaOf = (scenario: Scenario) => modelSpecOf(scenario).containers[0]?.devices[0];
const dma = (device: DeviceInput) => dmaOf(scenarioFrom(smallInput({ devices: [device] })));

test('a ring described in the scenario is a NIC: the same rounds, bytes and downtime', () => {
  const nic = run(nic0());
  const { dma: _, ...rest } = nic0() as Extract<DeviceInput, { kind: 'nic' }>;
  const custom = run({
    ...rest,
    kind: 'custom',
    dma: [{ pattern: 'ring', rate: '20MiB/s', set: '4MiB', at: '32MiB' }],
  });
  for (const key of ['outcome', 'rounds', 'bytes', 'downtimeMs', 'checks'] as const) {
    expect(custom.report[key]).toEqual(nic.report[key]);
  }
});

describe('what the kinds are made of', () => {
  test('nvme: whole pages of queues, buffers behind them', () => {
    expect(
      dma({
        id: 'd0',
        kind: 'nvme',
        ...shared,
        dma: {
          queues: 2,
          depth: 300,
          at: '1MiB',
          reads: '5k/s',
          readSize: '8KiB',
          buffers: '8MiB',
          otherCommands: '1k/s',
        },
      }),
    ).toMatchObject({
      id: 'd0',
      dma: [
        {
          pattern: 'queues',
          // 300 entries of 16 bytes are 4800 bytes: two pages.
          queues: [
            { firstPage: 256, pages: 2 },
            { firstPage: 258, pages: 2 },
          ],
          buffers: [{ firstPage: 260, pages: 2048 }],
          readsPerSecond: 5000,
          readBytes: 8192,
          otherCommandsPerSecond: 1000,
        },
      ],
    });
  });

  test('accelerator: Zipf’s law, and a peer', () => {
    expect(
      dmaOf(
        scenarioFrom(
          smallInput({
            devices: [
              {
                id: 'a0',
                kind: 'accelerator',
                ...shared,
                dma: { set: '4MiB', at: '8MiB', rate: '4MiB/s', skew: 0.5 },
                peer: { to: 'nic0', rate: '1GiB/s' },
                p2pStops: 'all',
              },
              nic0(),
            ],
          }),
        ),
      ),
    ).toMatchObject({
      quietStopsAllDma: true,
      dma: [
        {
          pattern: 'zipf',
          set: [{ firstPage: 2048, pages: 1024 }],
          skew: 0.5,
          writesPerSecond: 1024,
          order: 'scattered',
        },
        { pattern: 'peer', to: 'nic0', bytesPerSecond: 2 ** 30 },
      ],
    });
  });

  test('random: blocks a second; a page each unless said otherwise', () => {
    const random = (block?: '64KiB') =>
      dma({
        id: 'd0',
        kind: 'custom',
        ...shared,
        dma: [{ pattern: 'random', set: '8MiB', rate: '1MiB/s', ...(block === undefined ? {} : { block }) }],
      });
    expect(random()).toMatchObject({ dma: [{ blockBytes: 4096, blocksPerSecond: 256 }] });
    expect(random('64KiB')).toMatchObject({ dma: [{ blockBytes: 65_536, blocksPerSecond: 16 }] });
  });

  test('without work they write nothing', () => {
    for (const kind of ['nvme', 'accelerator', 'custom'] as const) {
      expect(dma({ id: 'd0', kind, ...shared })).toMatchObject({ dma: [] });
    }
  });
});

test('T22: of what two devices write into each other nothing is aimed at one that has stopped', () => {
  const peer = (id: string, to: string): DeviceInput => ({
    id,
    kind: 'accelerator',
    ...shared,
    peer: { to, rate: '1GiB/s' },
    times: { p2p: '3ms', stopCopy: '4ms', stop: '2ms' },
  });
  const { report, driver } = run(peer('a', 'b'), peer('b', 'a'));
  expect(report.outcome).toBe('completed');
  for (const id of ['a', 'b']) {
    const [writes] = driver.world.dma(id).peers;
    expect(writes?.lostBytes).toBe(0);
    expect(writes?.arrivedBytes).toBeGreaterThan(2 ** 28);
  }
});
