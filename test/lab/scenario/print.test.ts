/** The law of printing: what is printed reads back as the same scenario, whatever the scenario is. */

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OUTCOMES } from '../../../machines/messages.ts';
import { COMMANDS, type CommandName } from '../../../machines/words.ts';
import { printScenario, toInput } from '../../../src/lab/scenario/print.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';
import { DIRTY_LOGS, type Scenario } from '../../../src/lab/scenario/scenario.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';

type Workload = NonNullable<ScenarioInput['vm']['workloads']>[number];
type Container = NonNullable<ScenarioInput['containers']>[number];
type Device = Container['devices'][number];
/** The drawn numbers are turned into texts that the types cannot follow. */
const as = <T>(value: unknown) => value as T;

const MEMORY_PAGES = 65_536;
const PAGE = 4096;
const VCPUS = 4;

const duration = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 10 ** 12 }).map((ns) => `${ns}ns`),
);
const cost = fc.oneof(
  duration,
  fc.double({ min: 1e-3, max: 1e6, noNaN: true }).map((ns) => `${ns}ns`),
);
const longer = fc.integer({ min: 1, max: 10 ** 15 }).map((ns) => `${ns}ns`);
const bytes = fc.nat(10 ** 9);
const dataRate = fc.oneof(
  fc.constant(0),
  fc.double({ min: 1e-3, max: 1e12, noNaN: true }).map((rate) => `${rate}B/s`),
  fc.integer({ min: 1, max: 400 }).map((rate) => `${rate}Gbit/s`),
);
const workRate = fc.oneof(
  dataRate,
  fc.double({ min: 1e-3, max: 1e9, noNaN: true }).map((rate) => `${rate}/s`),
);
const text = fc
  .oneof(
    fc.constantFrom(
      'a: b',
      '# no comment',
      '- x',
      '0x10',
      'null',
      'true',
      "it's",
      'two\nlines',
      '%',
      '{',
      '\u{1F680} ü',
    ),
    fc.string({ minLength: 1 }),
  )
  .filter((drawn) => drawn.trim() !== '');

const run = fc
  .tuple(fc.nat(MEMORY_PAGES - 1), fc.nat(MEMORY_PAGES - 1))
  .map(([first, last]) => ({ at: Math.min(first, last) * PAGE, set: (Math.abs(first - last) + 1) * PAGE }));
const vcpus = fc.subarray(
  Array.from({ length: VCPUS }, (_, vcpu) => vcpu),
  { minLength: 1 },
);
const curve = fc
  .uniqueArray(fc.integer({ min: 1, max: 10_000 }), { minLength: 1, maxLength: 6 })
  .map((times) =>
    times
      .sort((a, b) => a - b)
      .map((time, index) => [time / 8, index % 2 === 0 ? index + 1 : (index + 1) * PAGE - 1] as const),
  );
const workload = fc.oneof(
  fc.constant<Workload>({ kind: 'idle' }),
  fc
    .record({ kind: fc.constantFrom('random', 'sequential', 'cycle'), rate: workRate, run, vcpus })
    .map(({ kind, rate, run, vcpus }) => as<Workload>({ kind, rate, ...run, vcpus })),
  fc
    .record({ run, rate: workRate })
    .map(({ run, rate }) => as<Workload>({ kind: 'cycle', rate, ...run, phase: run.set - 1 })),
  fc.record({ points: curve, vcpus }).map(({ points, vcpus }) =>
    as<Workload>({
      kind: 'curve',
      vcpus,
      points: points.map(([time, pages]) => [time, pages > PAGE ? `${pages}B` : pages]),
    }),
  ),
);

const common = fc
  .record({
    features: fc.subarray(['p2p', 'pre-copy'] as const).map((more) => ['stop-copy', ...more] as const),
    dmaLogging: fc.oneof(
      fc.boolean(),
      fc.record(
        { ranges: fc.integer({ min: 1, max: 256 }), pageSize: fc.constantFrom('4KiB', '2MiB') },
        { requiredKeys: [] },
      ),
    ),
    sizes: fc.tuple(bytes, bytes),
    dirtyRate: dataRate,
    times: fc.record(
      {
        preCopy: duration,
        p2p: duration,
        stop: duration,
        stopCopy: duration,
        resuming: duration,
        run: duration,
        load: duration,
        reset: duration,
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ features, sizes, dirtyRate, ...rest }) => ({
    ...rest,
    features,
    state: features.includes('pre-copy' as never)
      ? { initial: Math.min(...sizes), stopCopy: Math.max(...sizes), dirtyRate }
      : { stopCopy: sizes[0] },
  }));
const device = fc.oneof(
  fc.record({ common, dma: fc.option(fc.record({ rate: dataRate, run }), { nil: undefined }) }).map(({ common, dma }) =>
    as<Device>({
      kind: 'nic',
      ...common,
      ...(dma && { dma: { rate: dma.rate, ring: dma.run.set, at: dma.run.at } }),
    }),
  ),
  fc
    .record({ common, mapped: fc.nat(MEMORY_PAGES * PAGE), scattered: fc.boolean() })
    .map(({ common, mapped, scattered }) => as<Device>({ kind: 'vgpu', ...common, mapped, scattered })),
);
const iommu = fc.oneof(
  fc.record({
    kind: fc.constant('iommufd'),
    hardware: fc.constantFrom('amd', 'intel', 'smmuv3'),
    dirtyTracking: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('type1'), leaf: fc.constantFrom('4KiB', '2MiB', '1GiB') }),
  fc.constant({ kind: 'none' }),
);
const containers = fc.array(fc.tuple(iommu, fc.array(device, { maxLength: 3 })), { maxLength: 3 }).map((drawn) =>
  drawn.map(([iommu, devices], c) =>
    as<Container>({
      ...(c === 1 ? { id: 'named' } : {}),
      iommu,
      devices: devices.map((one, d) => ({ ...one, id: `d-${c}-${d}` })),
    }),
  ),
);

const limit = fc.nat({ max: 2_000_000 }).map((ms) => `${ms}ms`);
const bounds = fc.record({ min: fc.nat(10), max: fc.integer({ min: 10, max: 99 }) }, { requiredKeys: [] });
const kvm = fc.record(
  {
    fault: cost,
    exit: cost,
    harvest: cost,
    initiallySet: fc.boolean(),
    clearChunk: fc.integer({ min: 1, max: 100 }).map((chunks) => chunks * 64 * PAGE),
    ringEntries: fc.integer({ min: 10, max: 16 }).map((bits) => 2 ** bits),
    ringPml: fc.boolean(),
    reapEvery: fc.integer({ min: 1, max: 10 ** 12 }).map((ns) => `${ns}ns`),
    backupBitmap: fc.boolean(),
    heldBack: fc.nat(64),
  },
  { requiredKeys: [] },
);

const scenario: fc.Arbitrary<Scenario> = fc
  .record(
    {
      name: text,
      description: text,
      vm: fc.record(
        {
          memory: fc.constant(MEMORY_PAGES * PAGE),
          nonZero: fc.nat(MEMORY_PAGES * PAGE),
          vcpus: fc.constant(VCPUS),
          workloads: fc.array(workload, { maxLength: 3 }),
          dirtyLog: fc.constantFrom(...DIRTY_LOGS),
          kvm,
        },
        { requiredKeys: ['memory', 'vcpus'] },
      ),
      containers,
      link: fc.record({ bandwidth: dataRate.filter((rate) => rate !== 0), latency: duration }, { requiredKeys: [] }),
      sender: fc.record(
        {
          page: cost,
          zeroPage: cost,
          firstTouch: cost,
          sync: duration,
          syncPage: cost,
          wire: fc.record({ pageHeader: fc.nat(64), zeroPage: fc.nat(64) }),
        },
        { requiredKeys: [] },
      ),
      hosts: fc.record(
        {
          source: fc.record(
            { stopVcpus: duration, resumeVcpus: duration, startDirtyLog: duration },
            { requiredKeys: [] },
          ),
          destination: fc.record({ prepare: duration, load: duration, resume: duration }, { requiredKeys: [] }),
        },
        { requiredKeys: [] },
      ),
      storage: fc.record({ release: duration, acquire: duration }, { requiredKeys: [] }),
      vmm: fc.record(
        {
          loop: fc.constantFrom('qemu-9.2', 'qemu-10.2', 'qemu-11.1', 'textbook'),
          policy: fc.oneof(
            fc.constantFrom('qemu', 'no-progress', 'predictor'),
            fc
              .double({ min: 0, max: 100, noNaN: true })
              .map((percent) => ({ name: 'no-progress', shrink: `${percent}%` })),
          ),
          downtimeLimit: limit,
          maxBandwidth: fc.oneof(fc.constant('unlimited'), dataRate),
          availSwitchoverBandwidth: dataRate,
          switchoverAck: fc.boolean(),
          enableMigration: fc.constantFrom('auto', 'on', 'off'),
          pauseBeforeSwitchover: fc.boolean(),
          afterSyncError: fc.constantFrom('fail', 'allDirty'),
        },
        { requiredKeys: [] },
      ),
      giveUpAfter: longer,
      cancelAt: fc.oneof(duration, fc.record({ record: fc.integer({ min: 1, max: 1000 }) })),
      deadlines: fc.dictionary(fc.constantFrom(...(Object.keys(COMMANDS) as CommandName[])), longer, { maxKeys: 4 }),
      expect: fc.record(
        { outcome: fc.constantFrom(...OUTCOMES), downtimeMs: bounds, totalMs: bounds, rounds: bounds },
        { requiredKeys: [] },
      ),
      seed: fc.nat({ max: 2 ** 32 - 1 }),
      checks: fc.record({ truth: fc.constantFrom('bit', 'versions', 'both') }),
    },
    { requiredKeys: ['name', 'vm'] },
  )
  .map((input) => scenarioFrom(as<ScenarioInput>(input)));

it('a printed scenario reads back as the same', () => {
  fc.assert(
    fc.property(scenario, (drawn) => {
      expect(parseScenario(printScenario(drawn), 'printed.yaml')).toEqual(drawn);
    }),
    { numRuns: 200 },
  );
});

it('so does the object, also as JSON', () => {
  fc.assert(
    fc.property(scenario, (drawn) => {
      expect(scenarioFrom(toInput(drawn))).toEqual(drawn);
      expect(parseScenario(JSON.stringify(toInput(drawn), null, 2), 'printed.json')).toEqual(drawn);
    }),
    { numRuns: 100 },
  );
});

it('keeps a textbook limit of a fraction of a millisecond', () => {
  const drawn = scenarioFrom({
    name: 'a',
    vm: { memory: '1GiB' },
    vmm: { loop: 'textbook', downtimeLimit: '123456789ns' },
    deadlines: { sendRound: '987654321ns' },
  });
  expect(drawn.vmm.downtimeLimitMs).toBe(123.456789);
  expect(scenarioFrom(toInput(drawn))).toEqual(drawn);
});

it('is what a person would write', () => {
  const printed = printScenario(
    scenarioFrom({ name: 'a', vm: { memory: '16GiB', workloads: [{ kind: 'random', set: '64MiB', rate: '20k/s' }] } }),
  );
  expect(printed).toContain('memory: 16GiB\n');
  expect(printed).toContain('rate: 20k/s\n');
  expect(printed).toContain('bandwidth: 10Gbit/s\n');
  expect(printed).toContain('downtimeLimit: 300ms\n');
  expect(printed).toContain('maxBandwidth: 128MiB/s\n');
});
