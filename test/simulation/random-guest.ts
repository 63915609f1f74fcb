/**
 * Random small guests for laws that hold over all of them: any dirty log, page size, kind of container and tracker, devices
 * with and without a log of their own, and somebody who writes on the host. Everybody who can write does so all the time,
 * and the downtime limit is high enough for most of them to hand over.
 *
 * Whatever the scenario's own rules refuse is left out by the caller: `guests` only yields what can be read.
 */
import fc from 'fast-check';
import { ScenarioError } from '../../src/lab/scenario/error.ts';
import { scenarioFrom } from '../../src/lab/scenario/read.ts';
import { DIRTY_LOGS, type Scenario } from '../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../src/lab/scenario/schema.ts';

type VmInput = ScenarioInput['vm'];
type WorkloadInput = NonNullable<VmInput['workloads']>[number];
type ContainerInput = NonNullable<ScenarioInput['containers']>[number];
type DeviceInput = ContainerInput['devices'][number];

/** All places and sizes of one guest are multiples of a 64th of its memory. */
const PARTS = 64;

interface Room {
  readonly partKiB: number;
}

const part = fc.integer({ min: 0, max: PARTS - 17 });
const parts = fc.integer({ min: 1, max: 16 });

function workload({ partKiB }: Room, vcpus: number): fc.Arbitrary<WorkloadInput> {
  return fc
    .record({
      kind: fc.constantFrom('random' as const, 'cycle' as const, 'zipf' as const),
      at: part,
      set: parts,
      rate: fc.constantFrom('300/s', '3k/s', '20k/s'),
      first: fc.integer({ min: 0, max: vcpus - 1 }),
    })
    .map(
      ({ kind, at, set, rate, first }) =>
        ({
          kind,
          vcpus: `${first}-${vcpus - 1}`,
          at: `${at * partKiB}KiB`,
          set: `${set * partKiB}KiB`,
          rate,
          ...(kind === 'zipf' ? { skew: 0.9 } : {}),
        }) as WorkloadInput,
    );
}

function device(room: Room, id: string): fc.Arbitrary<DeviceInput> {
  const { partKiB } = room;
  const logging = fc.oneof(
    fc.constant(true),
    fc.constant(false),
    fc.record({ ranges: fc.constantFrom(1, 2, 255), pageSize: fc.constantFrom('64KiB', '256KiB') }),
  );
  const common = fc.record({
    id: fc.constant(id),
    features: fc.constantFrom(['stop-copy', 'p2p'], ['stop-copy', 'p2p', 'pre-copy']),
    dmaLogging: logging,
    state: fc.constant({ stopCopy: '256KiB' }),
    times: fc.constantFrom({}, { p2p: '2ms', stop: '1ms', run: '1ms' }),
  });
  const nic = fc.tuple(common, part, parts, fc.constantFrom('1MiB/s', '40MiB/s')).map(([rest, at, ring, rate]) => ({
    ...rest,
    kind: 'nic',
    dma: { rate, at: `${at * partKiB}KiB`, ring: `${ring * partKiB}KiB` },
  }));
  const vgpu = fc.tuple(common, fc.integer({ min: 1, max: 6 }), fc.boolean()).map(([rest, mapped, scattered]) => ({
    ...rest,
    kind: 'vgpu',
    dmaLogging: true,
    mapped: `${mapped * partKiB}KiB`,
    scattered,
  }));
  return fc.oneof(
    { weight: 3, arbitrary: nic },
    { weight: 1, arbitrary: vgpu },
  ) as unknown as fc.Arbitrary<DeviceInput>;
}

const iommu = fc.oneof(
  fc.record({
    kind: fc.constant('iommufd' as const),
    hardware: fc.constantFrom('amd' as const, 'intel' as const, 'smmuv3' as const),
    dirtyTracking: fc.constant(true),
    leaf: fc.constantFrom('4KiB' as const, '2MiB' as const),
  }),
  fc.constant({ kind: 'type1' as const }),
) as fc.Arbitrary<ContainerInput['iommu']>;

function container(room: Room, index: number): fc.Arbitrary<ContainerInput> {
  const devices = fc.oneof(
    fc.tuple(device(room, `dev${index}0`)),
    fc.tuple(device(room, `dev${index}0`), device(room, `dev${index}1`)),
  );
  return fc.record({ iommu, devices }) as fc.Arbitrary<ContainerInput>;
}

interface Shape {
  readonly pageKiB: 4 | 16 | 64;
  readonly pages: number;
  readonly vcpus: number;
}

const shape: fc.Arbitrary<Shape> = fc.record({
  pageKiB: fc.constantFrom(4 as const, 4 as const, 16 as const, 64 as const),
  pages: fc.constantFrom(2048, 4096, 8192),
  vcpus: fc.integer({ min: 1, max: 4 }),
});

const input: fc.Arbitrary<ScenarioInput> = shape.chain(({ pageKiB, pages, vcpus }) => {
  const room = { partKiB: (pages * pageKiB) / PARTS };
  const containers = fc.oneof(
    fc.constant([]),
    fc.tuple(container(room, 0)),
    fc.tuple(container(room, 0), container(room, 1)),
  );
  const hostWriter = fc
    .tuple(part, parts)
    .map(([at, set]) => [
      { id: 'vhost', kind: 'random', at: `${at * room.partKiB}KiB`, set: `${set * room.partKiB}KiB`, rate: '500/s' },
    ]);
  return fc
    .record({
      dirtyLog: fc.constantFrom(...DIRTY_LOGS),
      kvm: fc.constantFrom(undefined, {}, { ringPml: false }, { initiallySet: false }),
      workloads: fc.array(workload(room, vcpus), { minLength: 1, maxLength: 2 }),
      hostWriters: fc.option(hostWriter, { nil: undefined }),
      zeroParts: fc.integer({ min: 0, max: PARTS }),
      containers,
      loop: fc.constantFrom('qemu-8.2' as const, 'qemu-9.2' as const, 'qemu-10.2' as const, 'qemu-11.1' as const),
      bandwidth: fc.constantFrom('1Gbit/s', '4Gbit/s'),
      downtimeLimit: fc.constantFrom('100ms', '2s'),
      sync: fc.constantFrom('0ms', '2ms'),
      seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    })
    .map(
      ({ dirtyLog, kvm, workloads, hostWriters, zeroParts, loop, bandwidth, downtimeLimit, sync, ...rest }) =>
        ({
          name: 'random guest',
          vm: {
            memory: `${pages * pageKiB}KiB`,
            pageSize: `${pageKiB}KiB`,
            nonZero: `${(PARTS - zeroParts) * room.partKiB}KiB`,
            vcpus,
            dirtyLog,
            ...(kvm === undefined ? {} : { kvm }),
            workloads,
            ...(hostWriters === undefined ? {} : { hostWriters }),
          },
          link: { bandwidth },
          sender: { sync },
          vmm: { loop, downtimeLimit, maxBandwidth: 'unlimited', enableMigration: 'on' },
          giveUpAfter: '8s',
          checks: { truth: 'both' },
          ...rest,
        }) as unknown as ScenarioInput,
    );
});

function readable(one: ScenarioInput): Scenario | undefined {
  try {
    return scenarioFrom(one);
  } catch (error) {
    if (error instanceof ScenarioError) return undefined;
    throw error;
  }
}

/** Guests that can be rehearsed. */
export const guests: fc.Arbitrary<Scenario> = input
  .map(readable)
  .filter((scenario): scenario is Scenario => scenario !== undefined);
