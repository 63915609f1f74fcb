/** The port's promises, kept by the model in each dialect, and by a wrapper that plans no fault. */
import { describe, it } from 'vitest';
import { LOOPS } from '../../../machines/loops.ts';
import { VirtualClock } from '../../../src/clock/virtual-clock.ts';
import { driverConformance } from '../../../src/drivers/conformance.ts';
import type { Driver } from '../../../src/drivers/driver.ts';
import { withFaults } from '../../../src/drivers/faulty.ts';
import { createModelDriver } from '../../../src/drivers/model/model-driver.ts';
import type { ModelSpec } from '../../../src/drivers/model/spec.ts';
import { guest, MIB, MS, withDevices } from './hand.ts';

const device = (id: string) =>
  ({
    id,
    features: 7,
    initialBytes: MIB,
    stopCopyBytes: 3 * MIB,
    times: { p2pNs: 2 * MS, stopNs: MS, resetNs: 5 * MS },
    loadInitialNs: 20 * MS,
    loadNs: MS,
  }) as const;

const slow: Partial<ModelSpec> = {
  link: { bytesPerSecond: 1e9, latencyNs: 50_000 },
  sender: { pageNs: 500, zeroPageNs: 50, firstTouchNs: 1000 },
  logs: {
    syncNs: MS,
    getDirtyLogNs: MS,
    startDirtyLogNs: MS,
    stopDirtyLogNs: MS,
    startTrackingNs: MS,
    reportDirtyNs: MS,
  },
  hosts: {
    source: { stopVcpusNs: MS, resumeVcpusNs: MS },
    destination: { prepareNs: MS, loadNs: MS, startNs: MS, quitNs: MS },
  },
  storage: { releaseNs: MS, acquireNs: MS },
  vcpus: {
    workloads: [{ kind: 'random', vcpus: '0', set: [{ firstPage: 0, pages: 200 }], rate: { writesPerSecond: 10_000 } }],
  },
};

function subject(spec: ModelSpec, wrapped: (driver: Driver, clock: VirtualClock) => Driver = (driver) => driver) {
  const clock = new VirtualClock();
  return {
    driver: wrapped(createModelDriver(spec, clock), clock),
    advance: (ns: number) => clock.runUntil(clock.nowNs + ns),
    devices: spec.devices.map(({ id }) => id),
    pages: 2000,
  };
}

const framework = { describe, it };
for (const loop of LOOPS) {
  describe(loop, () => {
    const spec = withDevices(guest(2000, { ...slow, loop }), [device('nic0'), device('nic1')], 100e6);
    driverConformance(() => subject(spec), framework);
  });
}
describe('without devices, and where nothing takes time', () => {
  driverConformance(() => subject(guest(2000)), framework);
});
describe('behind a wrapper without faults', () => {
  driverConformance(() => subject(guest(2000), (driver, clock) => withFaults(driver, clock, [])), framework);
});
