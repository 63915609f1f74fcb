/** What the release whose loop is asked for cannot do: an error that names the first release here that can. */
import { LOOPS, type LoopName } from '../../../machines/loops.ts';
import type { Finding } from './phrase.ts';
import { finding, type Path } from './places.ts';
import { devicesOf, FEATURES, type Scenario } from './scenario.ts';

/** The first QEMU release with each feature, and the commit that brought it. */
const SINCE = {
  /** The v2 protocol: 31bcbbb5be. */
  vfio: [8, 0],
  /** eda7362af9. */
  preCopy: [8, 1],
  /** 6574232fff. */
  switchoverAck: [8, 1],
  /** acac51ba24. */
  dirtyLimit: [8, 1],
  /** 94f775e428. */
  p2p: [8, 2],
  /** 5c7a4b6035; before it, 29d81b71aa blocks. */
  severalDevices: [8, 2],
  /** 8b2395970a. */
  availSwitchoverBandwidth: [8, 2],
  /** 52ce88229c. */
  iommufdTracking: [9, 1],
  /** 623af41dd3. */
  multifdDeviceState: [10, 0],
} as const satisfies Record<string, readonly [number, number]>;

export function checkRelease(scenario: Scenario): readonly Finding[] {
  const { vmm, containers } = scenario;
  const release = releaseOf(vmm.loop);
  if (release === null) return [];
  const found: Finding[] = [];
  const need = (what: string, since: keyof typeof SINCE, path: Path) => {
    if (!isAtLeast(release, SINCE[since])) found.push(finding(path, tooOld(what, SINCE[since], vmm.loop)));
  };
  if (vmm.switchoverAck) need('switchover-ack', 'switchoverAck', ['vmm', 'switchoverAck']);
  if (vmm.availSwitchoverBandwidthBytesPerSecond > 0) {
    need('avail-switchover-bandwidth', 'availSwitchoverBandwidth', ['vmm', 'availSwitchoverBandwidth']);
  }
  if (vmm.dirtyLimit !== undefined) need('dirty-limit', 'dirtyLimit', ['vmm', 'dirtyLimit']);
  if (vmm.multifd?.deviceState === 'channels') {
    need('device state over multifd', 'multifdDeviceState', ['vmm', 'multifd', 'deviceState']);
  }
  const devices = devicesOf(scenario);
  if (devices.length > 0 && !isAtLeast(release, SINCE.vfio)) {
    need('VFIO migration v2', 'vfio', ['containers']);
    return found;
  }
  if (devices.length > 1) need('more than one VFIO device', 'severalDevices', ['containers']);
  containers.forEach(({ iommu, devices }, c) => {
    if (iommu.kind === 'iommufd' && iommu.dirtyTracking) {
      need('dirty tracking by iommufd', 'iommufdTracking', ['containers', c, 'iommu', 'dirtyTracking']);
    }
    devices.forEach(({ featureMask }, d) => {
      const path = ['containers', c, 'devices', d, 'features'];
      if ((featureMask & FEATURES.p2p) !== 0) need('P2P', 'p2p', path);
      if ((featureMask & FEATURES['pre-copy']) !== 0) need('pre-copy of VFIO devices', 'preCopy', path);
    });
  });
  return found;
}

function tooOld(what: string, since: readonly [number, number], loop: LoopName): string {
  const first = LOOPS.find((candidate) => {
    const release = releaseOf(candidate);
    return release !== null && isAtLeast(release, since);
  });
  return `${what} needs QEMU ${since.join('.')} or later, and vmm.loop is ${loop}; the first loop here that can is ${first}`;
}

/** `qemu-10.2` as [10, 2]; null for a loop that is no release and hence lacks nothing. */
export function releaseOf(loop: LoopName): readonly [number, number] | null {
  const match = /^qemu-(\d+)\.(\d+)$/.exec(loop);
  return match === null ? null : [Number(match[1]), Number(match[2])];
}

export function isAtLeast(
  [major, minor]: readonly [number, number],
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
