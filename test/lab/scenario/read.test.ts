/** What a scenario becomes: every default, every derived value, and the same from YAML, JSON and a typed object. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../machines/words.ts';
import { pagesIn } from '../../../src/lab/scenario/places.ts';
import { parseScenario, scenarioFrom } from '../../../src/lab/scenario/read.ts';
import type { ScenarioInput } from '../../../src/lab/scenario/schema.ts';

const SMALLEST: ScenarioInput = { name: 'smallest', vm: { memory: '1GiB' } };
const GIB = 1_073_741_824;
const MIB = 1_048_576;

const workload = (input: NonNullable<ScenarioInput['vm']['workloads']>[number], vm: object = {}) =>
  scenarioFrom({ name: 'w', vm: { memory: '1GiB', vcpus: 4, workloads: [input], ...vm } }).vm.workloads[0];

const device = (input: object) =>
  scenarioFrom({
    name: 'd',
    vm: { memory: '1GiB' },
    containers: [
      {
        iommu: { kind: 'type1' },
        devices: [{ id: 'd0', kind: 'nic', features: ['stop-copy'], state: { stopCopy: '1MiB' }, ...input } as never],
      },
    ],
  }).containers[0]?.devices[0];

describe('a scenario', () => {
  it('has every default filled in', () => {
    expect(scenarioFrom(SMALLEST)).toEqual({
      name: 'smallest',
      description: '',
      vm: { memoryBytes: GIB, pageSizeBytes: 4096, nonZeroBytes: GIB, vcpus: 1, dirtyLog: 'bitmap', workloads: [] },
      containers: [],
      link: { bandwidthBytesPerSecond: 1_250_000_000, latencyNs: 0 },
      sender: { pageNs: 0, zeroPageNs: 0, firstTouchNs: 0, syncNs: 0, syncPageNs: 0 },
      hosts: {
        source: { stopVcpusNs: 0, resumeVcpusNs: 0, startDirtyLogNs: 0 },
        destination: { prepareNs: 0, loadNs: 0, resumeNs: 0 },
      },
      storage: { releaseNs: 0, acquireNs: 0 },
      vmm: {
        loop: 'qemu-10.2',
        policy: { name: 'qemu' },
        downtimeLimitMs: 300,
        maxBandwidthBytesPerSecond: 134_217_728,
        availSwitchoverBandwidthBytesPerSecond: 0,
        switchoverAck: false,
        enableMigration: 'auto',
        pauseBeforeSwitchover: false,
        afterSyncError: 'fail',
      },
      manager: { policy: 'none' },
      giveUpAfterNs: 3_600_000_000_000,
      cancelAtNs: null,
      deadlinesMs: Object.fromEntries(Object.entries(COMMANDS).map(([name, { deadlineMs }]) => [name, deadlineMs])),
      expect: {
        outcome: null,
        downtimeMs: { min: null, max: null },
        totalMs: { min: null, max: null },
        rounds: { min: null, max: null },
      },
      seed: 1,
      checks: { truth: 'bit' },
    });
  });

  it('is plain JSON, so that it can open a journal', () => {
    const scenario = scenarioFrom(SMALLEST);
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
  });

  it('takes YAML, JSON and an object for the same', () => {
    const fromYaml = parseScenario('name: smallest\nvm:\n  memory: 1GiB\n', 'a.yaml');
    const fromJson = parseScenario('{\n\t"name": "smallest",\r\n\t"vm": { "memory": "1GiB" }\n}\n', 'a.json');
    expect(fromYaml).toEqual(scenarioFrom(SMALLEST));
    expect(fromJson).toEqual(scenarioFrom(SMALLEST));
  });

  it('takes anchors and aliases', () => {
    const text = 'name: a\nvm: { memory: &m 1GiB, nonZero: *m }\n';
    expect(parseScenario(text, 'a.yaml').vm.nonZeroBytes).toBe(GIB);
  });

  it.each([
    ['qemu-7.2', 134_217_728],
    ['qemu-11.1', 134_217_728],
    ['textbook', 0],
  ] as const)('sends under %s with at most %d bytes/s unless told', (loop, maxBandwidthBytesPerSecond) => {
    expect(scenarioFrom({ ...SMALLEST, vmm: { loop } }).vmm).toMatchObject({ loop, maxBandwidthBytesPerSecond });
  });

  it.each([
    ['unlimited', 0],
    [0, 0],
    ['64MiB/s', 67_108_864],
    ['1Gbit/s', 125_000_000],
  ] as const)('maxBandwidth %s is %d bytes/s', (maxBandwidth, value) => {
    expect(scenarioFrom({ ...SMALLEST, vmm: { maxBandwidth } }).vmm.maxBandwidthBytesPerSecond).toBe(value);
  });

  it.each([
    ['qemu', { name: 'qemu' }],
    [{ name: 'qemu' }, { name: 'qemu' }],
    ['predictor', { name: 'predictor' }],
    [{ name: 'predictor' }, { name: 'predictor' }],
    ['no-progress', { name: 'no-progress', shrinkPercent: 5 }],
    [{ name: 'no-progress' }, { name: 'no-progress', shrinkPercent: 5 }],
    [
      { name: 'no-progress', shrink: '10%' },
      { name: 'no-progress', shrinkPercent: 10 },
    ],
  ] as const)('policy %o is %o', (policy, value) => {
    expect(scenarioFrom({ ...SMALLEST, vmm: { policy } }).vmm.policy).toEqual(value);
  });

  it('takes limits and an operator', () => {
    const scenario = scenarioFrom({
      ...SMALLEST,
      giveUpAfter: '2m',
      cancelAt: '1.5s',
      deadlines: { sendRound: '90s', setDeviceState: '2s' },
      expect: { outcome: 'cancelled', downtimeMs: { max: 300 } },
    });
    expect(scenario.giveUpAfterNs).toBe(120_000_000_000);
    expect(scenario.cancelAtNs).toBe(1_500_000_000);
    expect(scenario.deadlinesMs).toMatchObject({ sendRound: 90_000, setDeviceState: 2_000, stopVcpus: 10_000 });
    expect(scenario.expect).toMatchObject({ outcome: 'cancelled', downtimeMs: { min: null, max: 300 } });
  });

  it('takes an operator who cancels at a record', () => {
    const scenario = scenarioFrom({ ...SMALLEST, cancelAt: { record: 17 } });
    expect(scenario).toMatchObject({ cancelAtNs: null, cancelAfterRecord: 17 });
  });

  it.each([
    ['{ record: 0 }', 'cancelAt.record: expected a whole number from 1 to 4294967295, got 0'],
    ['{ recrd: 3 }', 'cancelAt.recrd: unknown key; did you mean record?'],
    ['soon', 'cancelAt: expected a duration such as 300ms, got "soon"'],
  ] as const)('refuses cancelAt: %s', (text, message) => {
    const read = () => parseScenario(`name: a\nvm: { memory: 1GiB }\ncancelAt: ${text}\n`, 'a.yaml');
    expect(read).toThrow(`a.yaml:3: ${message}`);
  });
});

describe('a workload', () => {
  const writing = { setBytes: 64 * MIB, atBytes: 0, vcpus: [0, 1, 2, 3] };
  it.each([
    [{ kind: 'idle' }, { kind: 'idle' }],
    [
      { kind: 'random', set: '64MiB', rate: '2k/s' },
      { kind: 'random', writesPerSecond: 2_000, ...writing },
    ],
    [
      { kind: 'random', set: '64MiB', rate: '2k/s', at: '1MiB', vcpus: '0,2-3' },
      { kind: 'random', writesPerSecond: 2_000, ...writing, atBytes: MIB, vcpus: [0, 2, 3] },
    ],
    [
      { kind: 'cycle', set: '64MiB', rate: '20MiB/s' },
      { kind: 'cycle', writesPerSecond: 5_120, phaseBytes: 0, ...writing },
    ],
    [
      { kind: 'cycle', set: '64MiB', rate: '5 writes/s', phase: '8KiB' },
      { kind: 'cycle', writesPerSecond: 5, phaseBytes: 8_192, ...writing },
    ],
    [
      { kind: 'sequential', rate: '4096B/s', at: '1MiB' },
      { kind: 'sequential', writesPerSecond: 1, ...writing, setBytes: GIB - MIB, atBytes: MIB },
    ],
    [
      {
        kind: 'curve',
        points: [
          [100, 50],
          ['1s', '1MiB'],
        ],
        set: '64MiB',
      },
      {
        kind: 'curve',
        points: [
          { afterNs: 100_000_000, distinctPages: 50 },
          { afterNs: 1_000_000_000, distinctPages: 256 },
        ],
        ...writing,
      },
    ],
  ] as const)('%o is %o', (input, value) => {
    expect(workload(input)).toEqual(value);
  });

  it('turns bytes into writes by the page size', () => {
    const cycle = { kind: 'cycle', set: '64MiB', rate: '64MiB/s' } as const;
    expect(workload(cycle, { pageSize: '64KiB' })).toMatchObject({ writesPerSecond: 1_024 });
  });

  it('counts a page that is begun', () => {
    expect(pagesIn(350_000_000, 4096)).toBe(85_450);
    expect(pagesIn(8_192, 4096)).toBe(2);
  });
});

describe('a device', () => {
  it('is a NIC without logging, traffic and delays unless told', () => {
    expect(device({})).toEqual({
      kind: 'nic',
      id: 'd0',
      featureMask: 1,
      dmaLogging: null,
      dma: null,
      state: { initialBytes: 0, dirtyBytesPerSecond: 0, stopCopyBytes: MIB },
      times: {
        preCopyNs: 0,
        p2pNs: 0,
        stopNs: 0,
        stopCopyNs: 0,
        resumingNs: 0,
        runNs: 0,
        loadInitialNs: 0,
        loadNs: 0,
        resetNs: 0,
      },
    });
  });

  // include/uapi/linux/vfio.h: VFIO_MIGRATION_STOP_COPY 1, _P2P 2, _PRE_COPY 4.
  it.each([
    [['stop-copy'], 1],
    [['stop-copy', 'p2p'], 3],
    [['pre-copy', 'stop-copy'], 5],
    [['pre-copy', 'p2p', 'stop-copy', 'p2p'], 7],
  ])('with %o has mask %d', (features, featureMask) => {
    expect(device({ features })).toMatchObject({ featureMask });
  });

  it.each([
    [false, null],
    [true, { maxRanges: 255, pageSizeBytes: 4096 }],
    [{}, { maxRanges: 255, pageSizeBytes: 4096 }],
    [
      { ranges: 8, pageSize: '64KiB' },
      { maxRanges: 8, pageSizeBytes: 65_536 },
    ],
  ])('with dmaLogging %o has %o', (dmaLogging, value) => {
    expect(device({ dmaLogging })).toMatchObject({ dmaLogging: value });
  });

  it('takes traffic, state and times', () => {
    const times = {
      preCopy: '1ms',
      p2p: '2ms',
      stop: '3ms',
      stopCopy: '4ms',
      resuming: '5ms',
      run: '6ms',
      load: '7ms',
      reset: '8ms',
    };
    expect(
      device({
        features: ['stop-copy', 'pre-copy'],
        dma: { rate: '1Gbit/s', ring: '16MiB', at: '1MiB' },
        state: { initial: '1MiB', dirtyRate: '1MB/s', stopCopy: '4MiB' },
        times,
      }),
    ).toMatchObject({
      dma: { bytesPerSecond: 125_000_000, ringBytes: 16 * MIB, atBytes: MIB },
      state: { initialBytes: MIB, dirtyBytesPerSecond: 1_000_000, stopCopyBytes: 4 * MIB },
      times: {
        preCopyNs: 1_000_000,
        p2pNs: 2_000_000,
        stopNs: 3_000_000,
        stopCopyNs: 4_000_000,
        resumingNs: 5_000_000,
        runNs: 6_000_000,
        loadInitialNs: 0,
        loadNs: 7_000_000,
        resetNs: 8_000_000,
      },
    });
  });

  it('is a vGPU with scattered pages unless told', () => {
    expect(device({ kind: 'vgpu', mapped: '350MB' })).toMatchObject({ mappedBytes: 350_000_000, scattered: true });
    expect(device({ kind: 'vgpu', mapped: '350MB', scattered: false })).toMatchObject({ scattered: false });
  });

  it.each([
    [{ kind: 'iommufd' }, { kind: 'iommufd', dirtyTracking: false, hardware: 'amd', leafBytes: 4_096 }],
    [
      { kind: 'iommufd', hardware: 'smmuv3', dirtyTracking: true, leaf: '1GiB' },
      { kind: 'iommufd', dirtyTracking: true, hardware: 'smmuv3', leafBytes: GIB },
    ],
    [
      { kind: 'type1', leaf: '2048KiB' },
      { kind: 'type1', dirtyTracking: false, hardware: null, leafBytes: 2 * MIB },
    ],
    [{ kind: 'none' }, { kind: 'none', dirtyTracking: false, hardware: null, leafBytes: 4_096 }],
  ] as const)('sits behind %o', (iommu, value) => {
    const { containers } = scenarioFrom({
      ...SMALLEST,
      containers: [
        { iommu, devices: [] },
        { id: 'b', iommu, devices: [] },
      ],
    });
    expect(containers).toEqual([
      { id: '0', iommu: value, devices: [] },
      { id: 'b', iommu: value, devices: [] },
    ]);
  });
});
