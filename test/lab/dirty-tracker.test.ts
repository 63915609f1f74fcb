/**
 * What two devices can do decides how, and whether, a VM migrates: the P2P barrier, the tracker of a container, and what
 * happens when nobody tracks.
 *
 * Sources: QEMU hw/vfio/migration.c (vfio_block_multiple_devices_migration; enable-migration in vfio_migration_realize),
 * hw/vfio/container.c (vfio_container_devices_dirty_tracking_is_supported), docs/devel/migration/vfio.rst (the order of
 * device states).
 */
import { describe, expect, test } from 'vitest';
import { scenarios } from '../../src/lab/shipped.ts';
import { ALL_PAGES, nic0, nic1, smallScenario } from './small-scenario.ts';
import { answers, type WatchedRun, watchRun } from './watch-run.ts';

/** Nothing left the charts, and nothing of the world moved. */
function expectNothingPerformed({ commands, recorded, driver, report }: WatchedRun): void {
  expect(commands).toEqual([]);
  // The run was opened and the operator's order written down, and that was all.
  expect(recorded.map(({ record }) => (record.kind === 'opened' ? 'opened' : record.event.type))).toEqual([
    'opened',
    'MIGRATE',
  ]);
  const { sourceRuns, destinationRuns, storage, devices } = driver.inspect();
  expect({ sourceRuns, destinationRuns, storage }).toEqual({
    sourceRuns: true,
    destinationRuns: false,
    storage: 'source',
  });
  expect(new Set(Object.values(devices.source))).toEqual(new Set(['RUNNING']));
  expect(report).toMatchObject({ outcome: 'blocked', rounds: [], downtimeMs: null, downtime: null });
  expect(report.bytes.total).toBe(0);
  expect(report.sentence).toContain('Blocked before anything started');
}

describe('two devices', () => {
  test('of which one has no P2P: blocked, with the reason, and nothing is performed', () => {
    const run = watchRun(smallScenario({ devices: [nic0(), nic1({ features: ['stop-copy', 'pre-copy'] })] }));
    expect(run.report.reason).toMatch(/2 VFIO devices.*P2P.*nic1/);
    expect(run.report.reason).not.toContain('nic0');
    expectNothingPerformed(run);
  });

  test('the shipped one as well', () => {
    const run = watchRun(scenarios['two-nics-no-p2p']);
    expect(run.report.reason).toContain('nic1');
    expectNothingPerformed(run);
  });

  test('one alone needs no P2P', () => {
    const { report } = watchRun(smallScenario({ devices: [nic0({ features: ['stop-copy', 'pre-copy'] })] }));
    expect(report.outcome).toBe('completed');
  });

  test.each([
    ['with pre-copy', ['stop-copy', 'p2p', 'pre-copy'], 'PRE_COPY', 'PRE_COPY_P2P', 'STOP_COPY'],
    ['without pre-copy', ['stop-copy', 'p2p'], undefined, 'RUNNING_P2P', 'STOP'],
  ] as const)('that both have P2P, %s: the barrier is in the journal', (_, features, early, quiet, stopped) => {
    // nic1 takes thirty times as long to become quiet, so that a missing barrier would let nic0 run ahead.
    const devices = [nic0({ features, times: { p2p: '1ms' } }), nic1({ features, times: { p2p: '30ms' } })].map(
      (device) => (early === undefined ? { ...device, state: { stopCopy: '2MiB' } as const } : device),
    );
    const run = watchRun(smallScenario({ devices }));
    expect(run.report.outcome).toBe('completed');

    const moves = answers(run, 'DONE.setDeviceState').map(({ to, state }) => `${to} ${state}`);
    const onSource = moves.filter((move) => !move.includes('destination'));
    const both = (state: string) => [`device/nic0 ${state}`, `device/nic1 ${state}`];
    const opened = early === undefined ? both('STOP_COPY') : [];
    expect(onSource).toEqual([
      ...(early === undefined ? [] : both(early)),
      ...both(quiet),
      ...both(stopped),
      ...opened,
      ...both('STOP'),
    ]);
    const onDestination = moves.filter((move) => move.includes('destination'));
    const bothThere = (state: string) => [`device/destination/nic0 ${state}`, `device/destination/nic1 ${state}`];
    expect(onDestination).toEqual([
      ...bothThere('RESUMING'),
      ...bothThere('STOP'),
      ...bothThere('RUNNING_P2P'),
      ...bothThere('RUNNING'),
    ]);

    // Not only the answers: no device is even asked to stop before the slower one has answered that it is quiet.
    const at = (wanted: string) =>
      run.recorded.findIndex(
        ({ record }) =>
          record.kind === 'input' &&
          record.event.type === 'DONE.setDeviceState' &&
          `${record.to} ${record.event.state}` === wanted,
      );
    const asked = run.recorded.findIndex(({ effects }) =>
      effects.some(
        (effect) =>
          effect.kind === 'command' &&
          effect.name === 'setDeviceState' &&
          effect.by === 'device/nic0' &&
          effect.params.target === stopped,
      ),
    );
    expect(asked).toBe(at(`device/nic1 ${quiet}`));
    expect(run.report.downtime?.quiesceMs).toBe(30);
  });
});

describe('the tracker of a container', () => {
  const trackers = ({ report }: WatchedRun) =>
    report.trackers.map(({ container, tracker }) => ({ container, tracker }));
  const starts = ({ commands }: WatchedRun) =>
    commands.flatMap((command) =>
      command.name === 'startTracking' ? [`${command.params.tracker} ${command.params.of}`] : [],
    );
  const sources = ({ report }: WatchedRun) => Object.keys(report.rounds[0]?.dirtyPagesBySource ?? {});

  test('is the devices when every one can log', () => {
    const run = watchRun(smallScenario());
    expect(trackers(run)).toEqual([{ container: '0', tracker: 'device' }]);
    expect(starts(run)).toEqual(['device nic0', 'device nic1']);
    expect(sources(run)).toEqual(['vcpu', 'dma:nic0', 'dma:nic1']);
  });

  test('is the IOMMU for all of them when one cannot log', () => {
    const run = watchRun(smallScenario({ devices: [nic0(), nic1({ dmaLogging: false })] }));
    expect(run.report.outcome).toBe('completed');
    expect(trackers(run)).toEqual([{ container: '0', tracker: 'iommu' }]);
    expect(run.report.trackers[0]?.because).toContain('nic1');
    expect(starts(run)).toEqual(['iommu iommu']);
    expect(sources(run)).toEqual(['vcpu', 'iommu:0']);
    // Both rings, 4 MiB and 2 MiB, are rewritten during the first pass.
    expect(run.report.rounds[0]?.dirtyPagesBySource['iommu:0']).toBe(1536);
  });

  test('finds whole leaves when it is the IOMMU with huge ones', () => {
    const iommu = { kind: 'iommufd', dirtyTracking: true, leaf: '2MiB' } as const;
    // One device writes little: 40 kB/s, of a ring of two leaves.
    const slow = nic0({ dmaLogging: false, dma: { rate: '40kB/s', ring: '4MiB', at: '32MiB' } });
    const run = watchRun(smallScenario({ iommu, devices: [slow] }));
    const found = answers(run, 'DONE.reportDirty').map(({ dirtyPages }) => dirtyPages as number);
    expect(found.filter((pages) => pages % 512 !== 0)).toEqual([]);
    expect(Math.max(...found)).toBeGreaterThanOrEqual(512);
  });

  test("is each container's own choice", () => {
    const { containers } = smallScenario();
    const [logging] = containers;
    if (logging === undefined) throw new Error('no container');
    const [first, second] = logging.devices;
    if (first === undefined || second === undefined) throw new Error('no devices');
    const run = watchRun({
      ...smallScenario(),
      containers: [
        { ...logging, devices: [first] },
        { ...logging, id: '1', devices: [{ ...second, dmaLogging: null }] },
      ],
    });
    expect(run.report.outcome).toBe('completed');
    expect(trackers(run)).toEqual([
      { container: '0', tracker: 'device' },
      { container: '1', tracker: 'iommu' },
    ]);
    expect(sources(run)).toEqual(['vcpu', 'dma:nic0', 'iommu:1']);
  });

  test('of the shipped scenario with one NIC that cannot log is the IOMMU', () => {
    const run = watchRun(scenarios['one-without-logging']);
    expect(trackers(run)).toEqual([{ container: '0', tracker: 'iommu' }]);
    expect(run.report.outcome).toBe('completed');
  });
});

describe('a container that nobody can track', () => {
  const blind = (enableMigration: 'auto' | 'on' | 'off') =>
    smallScenario({
      iommu: { kind: 'type1' },
      devices: [nic0({ dmaLogging: false })],
      vmm: { enableMigration },
      rest: { giveUpAfter: '5s' },
    });

  test.each(['auto', 'off'] as const)('blocks with enable-migration=%s', (enableMigration) => {
    const run = watchRun(blind(enableMigration));
    expectNothingPerformed(run);
    if (enableMigration === 'auto') expect(run.report.reason).toMatch(/container 0 has no dirty tracking: nic0/);
  });

  test('is perpetually dirty with enable-migration=on: a warning, and every sync finds every page', () => {
    const run = watchRun(blind('on'));
    const { report } = run;
    expect(report.trackers).toMatchObject([{ container: '0', tracker: 'perpetual' }]);
    expect(report.warnings).toHaveLength(1);
    expect(report.warnings[0]).toMatch(/container 0/);

    const syncs = answers(run, 'DONE.syncBitmap');
    expect(syncs.length).toBeGreaterThan(3);
    for (const sync of syncs) expect(sync.remainingPages).toBe(ALL_PAGES);
    for (const found of answers(run, 'DONE.reportDirty')) expect(found.dirtyPages).toBe(ALL_PAGES);
    for (const round of report.rounds.filter(({ verdict }) => verdict !== null)) {
      expect(round.dirtyPagesBySource['perpetual:0']).toBe(ALL_PAGES);
    }
    // 64 MiB never fit into 100 ms at 1 Gbit/s.
    expect(report.outcome).toBe('unconverged');
    expect(run.driver.inspect()).toMatchObject({ sourceRuns: true, devices: { source: { nic0: 'RUNNING' } } });
  });

  test('completes all the same where all of memory fits, and loses nothing', () => {
    const scenario = blind('on');
    const run = watchRun({ ...scenario, vmm: { ...scenario.vmm, downtimeLimitMs: 2000 } });
    expect(run.report.outcome).toBe('completed');
    expect(run.report.checks.filter(({ held }) => !held)).toEqual([]);
    expect(answers(run, 'DONE.sendRemaining')).toMatchObject([{ sentPages: ALL_PAGES }]);
  });
});
