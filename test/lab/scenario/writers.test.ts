/** The keys of writers: what they default to, that they are printed as they read, and what is wrong with them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printScenario } from '../../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';

type Vm = ScenarioInput['vm'];
type Workload = NonNullable<Vm['workloads']>[number];
type Device = NonNullable<ScenarioInput['containers']>[number]['devices'][number];

const read = (vm: Partial<Vm>, devices: Device[] = []) =>
  scenarioFrom({
    name: 'x',
    vm: { memory: '64MiB', vcpus: 2, ...vm },
    containers: devices.length === 0 ? [] : [{ iommu: { kind: 'none' }, devices }],
    vmm: { loop: 'qemu-10.2' },
  });
const common = { id: 'd0', features: ['stop-copy'], state: { stopCopy: 0 } } satisfies Partial<Device>;

test('defaults', () => {
  const { workloads } = read({
    workloads: [
      { kind: 'zipf', set: '1MiB', rate: '4MiB/s', skew: 1 },
      { kind: 'phases', phases: [{ for: '1s', kind: 'random', set: '1MiB', rate: '1/s' }] },
    ],
  }).vm;
  expect(workloads).toEqual([
    { kind: 'zipf', setBytes: 2 ** 20, atBytes: 0, vcpus: [0, 1], writesPerSecond: 1024, skew: 1, order: 'scattered' },
    {
      kind: 'phases',
      vcpus: [0, 1],
      repeat: true,
      phases: [{ forNs: 1e9, workload: { kind: 'random', setBytes: 2 ** 20, atBytes: 0, writesPerSecond: 1 } }],
    },
  ]);
  expect(read({}).vm).not.toHaveProperty('hostWriters');
});

test('what is printed reads back as the same scenario', () => {
  const place = fc.record({
    set: fc.integer({ min: 1, max: 32 }).map((mib) => `${mib}MiB` as const),
    at: fc.integer({ min: 0, max: 32 }).map((mib) => `${mib}MiB` as const),
  });
  const rate = fc.integer({ min: 1, max: 9999 }).map((n) => `${n}/s` as const);
  const bytes = fc.integer({ min: 1, max: 9999 }).map((n) => `${n}KiB/s` as const);
  const skew = fc.double({ min: 0, max: 10, noNaN: true });
  const order = fc.constantFrom('scattered' as const, 'address' as const);
  const steady = fc.oneof(
    fc.tuple(place, rate).map(([at, r]) => ({ kind: 'random' as const, ...at, rate: r })),
    fc
      .tuple(place, rate, skew, order)
      .map(([at, r, s, o]) => ({ kind: 'zipf' as const, ...at, rate: r, skew: s, order: o })),
    fc.tuple(place, bytes).map(([at, r]) => ({ kind: 'cycle' as const, ...at, rate: r, phase: '4KiB' as const })),
    fc.tuple(place, rate).map(([at, r]) => ({ kind: 'sequential' as const, ...at, rate: r })),
    place.map((at) => ({ kind: 'curve' as const, ...at, points: [['10ms', 3] as ['10ms', number]] })),
  );
  const phases = fc
    .tuple(fc.array(fc.tuple(fc.integer({ min: 1, max: 1e6 }), steady), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([parts, repeat]) => ({
      kind: 'phases' as const,
      repeat,
      phases: [
        ...parts.map(([ns, one]) => ({ for: `${ns}ns` as const, ...one })),
        { for: '1ms' as const, kind: 'idle' as const },
      ],
    }));
  const pattern = fc.oneof(
    fc.tuple(place, bytes).map(([at, r]) => ({ pattern: 'ring' as const, ...at, rate: r })),
    fc.tuple(place, bytes).map(([at, r]) => ({ pattern: 'random' as const, ...at, rate: r, block: '12KiB' as const })),
    fc
      .tuple(place, rate, skew, order)
      .map(([at, r, s, o]) => ({ pattern: 'zipf' as const, ...at, rate: r, skew: s, order: o })),
    rate.map((r) => ({
      pattern: 'queues' as const,
      queues: 3,
      at: '32MiB' as const,
      reads: r,
      buffers: '8MiB' as const,
    })),
  );
  const p2pStops = fc.constantFrom('peers' as const, 'all' as const);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(steady, phases), { maxLength: 3 }),
      fc.array(steady, { maxLength: 3 }),
      fc.array(pattern, { maxLength: 3 }),
      p2pStops,
      (workloads, hosts, dma, stops) => {
        const hostWriters = hosts.map((one, i) => ({ id: `h${i}`, ...one }));
        const zipf = dma.find((one) => one.pattern === 'zipf');
        const queues = dma.find((one) => one.pattern === 'queues');
        const devices: Device[] = [
          { ...common, kind: 'custom', dma, p2pStops: stops },
          { ...common, id: 'd1', kind: 'accelerator', peer: { to: 'd0', rate: '1GiB/s' }, p2pStops: stops },
          { ...common, id: 'd2', kind: 'nvme', p2pStops: stops },
        ];
        if (zipf !== undefined) {
          const { pattern: _, ...keys } = zipf;
          devices[1] = { ...common, id: 'd1', kind: 'accelerator', dma: keys };
        }
        if (queues !== undefined) {
          const { pattern: _, ...keys } = queues;
          devices[2] = { ...common, id: 'd2', kind: 'nvme', dma: keys };
        }
        const scenario = read({ workloads: workloads as Workload[], hostWriters }, devices);
        expect(parseScenario(printScenario(scenario), 'printed.yaml')).toEqual(scenario);
      },
    ),
    { numRuns: 40 },
  );
});

const set = { set: '1MiB', rate: '1/s' } as const;
const ring = { pattern: 'ring', set: '1MiB', rate: '1MiB/s' } as const;
const queues = { reads: '1/s', buffers: '1MiB' } as const;

describe('wrong', () => {
  test.each<[string, Workload[], RegExp]>([
    ['no skew', [{ kind: 'zipf', ...set } as unknown as Workload], /workloads\[0\]\.skew: .*a number from 0 to 10/],
    ['skew too large', [{ kind: 'zipf', ...set, skew: 11 }], /skew/],
    ['zipf outside memory', [{ kind: 'zipf', set: '65MiB', rate: '1/s', skew: 1 }], /workloads\[0\]\.set/],
    ['no phase', [{ kind: 'phases', phases: [] }], /phases: there is at least one phase/],
    [
      'a phase of no time',
      [{ kind: 'phases', phases: [{ for: 0, kind: 'idle' }] }],
      /phases\[0\]\.for: must be longer than 0/,
    ],
    [
      'a phase outside memory',
      [{ kind: 'phases', phases: [{ for: '1s', kind: 'cycle', set: '1GiB', rate: '1/s' }] }],
      /phases\[0\]\.set: .*more than vm\.memory/,
    ],
    ['phases of a vCPU too many', [{ kind: 'phases', vcpus: 2, phases: [{ for: '1s', kind: 'idle' }] }], /no vCPU 2/],
    [
      'a phase with vCPUs of its own',
      [{ kind: 'phases', phases: [{ for: '1s', kind: 'random', ...set, vcpus: 0 }] } as unknown as Workload],
      /vcpus/,
    ],
  ])('%s', (_, workloads, message) => {
    expect(() => read({ workloads })).toThrow(message);
  });

  test.each<[string, NonNullable<Vm['hostWriters']>, RegExp]>([
    [
      'one name twice',
      [
        { id: 'a', kind: 'random', ...set },
        { id: 'a', kind: 'cycle', ...set },
      ],
      /hostWriters\[1\]\.id: a is hostWriters\[0\] already/,
    ],
    ['outside memory', [{ id: 'a', kind: 'random', set: '65MiB', rate: '1/s' }], /hostWriters\[0\]\.set/],
  ])('host writers: %s', (_, hostWriters, message) => {
    expect(() => read({ hostWriters })).toThrow(message);
  });

  test.each<[string, Device, RegExp]>([
    ['ring outside memory', { ...common, kind: 'custom', dma: [{ ...ring, at: '64MiB' }] }, /dma\[0\]\.at/],
    [
      'blocks of nothing',
      { ...common, kind: 'custom', dma: [{ ...ring, pattern: 'random', block: 0 }] },
      /dma\[0\]\.block: must be larger/,
    ],
    ['reads of nothing', { ...common, kind: 'nvme', dma: { ...queues, readSize: 0 } }, /dma\.readSize: must be larger/],
    [
      'buffers in the queues',
      { ...common, kind: 'nvme', dma: { ...queues, buffersAt: 0 } },
      /buffersAt: lies in the queues/,
    ],
    [
      'buffers on half a page',
      { ...common, kind: 'nvme', dma: { ...queues, buffersAt: '65KiB' } },
      /dma\.buffersAt: .*whole number of pages/,
    ],
    [
      'a peer that is not there',
      { ...common, kind: 'accelerator', peer: { to: 'gpu9', rate: '1MiB/s' } },
      /peer\.to: no device is gpu9/,
    ],
    [
      'a peer that is itself',
      { ...common, kind: 'custom', dma: [{ pattern: 'peer', to: 'd0', rate: '1MiB/s' }] },
      /dma\[0\]\.to: d0 is the device itself/,
    ],
    [
      'a pattern that is none',
      { ...common, kind: 'custom', dma: [{ pattern: 'spiral' }] } as unknown as Device,
      /pattern/,
    ],
  ])('devices: %s', (_, device, message) => {
    expect(() => read({}, [device])).toThrow(message);
  });
});
