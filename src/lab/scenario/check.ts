/**
 * What must agree between keys of a scenario, once each value alone is right: sizes fit into memory, names are unique, and
 * the release whose loop is asked for can do what the scenario needs. A device without P2P beside another, and a
 * container without any tracker, are no errors: the migration itself is then blocked or perpetual, and says why.
 */
import { LOOPS, type LoopName } from '../../../machines/loops.ts';
import { CLEAR_ALIGN_PAGES } from '../../hardware/kvm/bitmap-ioctls.ts';
import { checkRingBytes, RING_ENTRIES_MAX, RING_ENTRY_BYTES, reservedEntries } from '../../hardware/kvm/ring-size.ts';
import type { Finding } from './phrase.ts';
import { printQuantity, SIZE } from './quantity.ts';
import { type Device, devicesOf, FEATURES, pagesIn, type Scenario, type Workload } from './scenario.ts';

type Path = readonly PropertyKey[];

/** Batches of page writes carry 32-bit page numbers, and bit arithmetic is signed: 2^31 pages, 8 TiB of 4 KiB. */
export const PAGES_MAX = 2 ** 31;

/** QEMU refuses a `downtime-limit` above 2000 s: `migrate_params_check`, migration/options.c. */
const DOWNTIME_LIMIT_MAX_MS = 2_000_000;

export function check(scenario: Scenario): readonly Finding[] {
  return [
    ...checkMemory(scenario),
    ...checkKvm(scenario),
    ...scenario.vm.workloads.flatMap((workload, index) =>
      checkWorkload(scenario, workload, ['vm', 'workloads', index]),
    ),
    ...checkNames(scenario),
    ...scenario.containers.flatMap((container, c) => [
      ...checkIommu(container.iommu, ['containers', c, 'iommu']),
      ...container.devices.flatMap((device, d) => checkDevice(scenario, device, ['containers', c, 'devices', d])),
    ]),
    ...checkRelease(scenario),
    ...checkLimits(scenario),
  ];
}

function checkMemory({ vm }: Scenario): readonly Finding[] {
  if (vm.memoryBytes === 0) return [finding(['vm', 'memory'], 'a VM has some memory')];
  const pages = pagesIn(vm.memoryBytes, vm.pageSizeBytes);
  return [
    ...(pages > PAGES_MAX
      ? [finding(['vm', 'memory'], `at most ${PAGES_MAX} pages, which is ${size(PAGES_MAX * vm.pageSizeBytes)} here`)]
      : []),
    ...checkWhole(['vm', 'memory'], vm.memoryBytes, vm.pageSizeBytes),
    ...checkFits(['vm', 'nonZero'], vm.nonZeroBytes, vm.memoryBytes),
  ];
}

/** What KVM refuses of a log's options, where that log is the one that is used. */
function checkKvm({ vm }: Scenario): readonly Finding[] {
  const { kvm, dirtyLog, pageSizeBytes } = vm;
  if (kvm === undefined) return [];
  const found: Finding[] = [];
  const chunk = CLEAR_ALIGN_PAGES * pageSizeBytes;
  if (dirtyLog === 'bitmap-manual' && (kvm.clearChunkBytes === 0 || kvm.clearChunkBytes % chunk !== 0)) {
    found.push(finding(['vm', 'kvm', 'clearChunk'], `CLEAR takes multiples of 64 pages, which is ${size(chunk)}`));
  }
  if (dirtyLog !== 'ring' && dirtyLog !== 'range-ring') return found;
  const bytes = kvm.ringEntries * RING_ENTRY_BYTES;
  const errno = checkRingBytes(bytes, { pml: kvm.ringPml, pageBytes: pageSizeBytes });
  if (errno !== undefined) {
    const reserve = reservedEntries(kvm.ringPml);
    const rule = `a power of two, at least a page and ${reserve} entries of reserve, at most ${RING_ENTRIES_MAX}`;
    found.push(finding(['vm', 'kvm', 'ringEntries'], `KVM refuses ${kvm.ringEntries} (${errno}): ${rule}`));
  }
  if (kvm.reapEveryNs === 0) found.push(finding(['vm', 'kvm', 'reapEvery'], 'must be longer than 0'));
  return found;
}

function checkWorkload({ vm }: Scenario, workload: Workload, path: Path): readonly Finding[] {
  if (workload.kind === 'idle') return [];
  const found: Finding[] = [...checkRange(path, 'set', workload.atBytes, workload.setBytes, vm)];
  const absent = workload.vcpus.find((vcpu) => vcpu >= vm.vcpus);
  if (absent !== undefined) {
    found.push(finding([...path, 'vcpus'], `there is no vCPU ${absent}: vm.vcpus is ${vm.vcpus}, numbered from 0`));
  }
  if (workload.kind === 'cycle' && workload.phaseBytes > 0 && workload.phaseBytes >= workload.setBytes) {
    found.push(finding([...path, 'phase'], `must lie within the set, which is ${size(workload.setBytes)}`));
  }
  if (workload.kind === 'curve') found.push(...checkCurve(workload, vm.pageSizeBytes, [...path, 'points']));
  return found;
}

function checkCurve(
  { points, setBytes }: Workload & { kind: 'curve' },
  pageSizeBytes: number,
  path: Path,
): readonly Finding[] {
  if (points.length === 0) return [finding(path, 'a curve has at least one point')];
  const setPages = pagesIn(setBytes, pageSizeBytes);
  return points.flatMap((point, index): readonly Finding[] => {
    const before = points[index - 1] ?? { afterNs: -1, distinctPages: 0 };
    const at = [...path, index];
    if (point.afterNs <= before.afterNs) return [finding(at, 'times must rise from point to point')];
    if (point.distinctPages < before.distinctPages)
      return [finding(at, 'distinct pages cannot become fewer with time')];
    if (point.distinctPages > setPages) {
      return [finding(at, `${point.distinctPages} pages are more than the set, which is ${setPages} pages`)];
    }
    return point.afterNs === 0 && point.distinctPages > 0 ? [finding(at, 'at time 0 nothing has been written')] : [];
  });
}

function checkNames({ containers }: Scenario): readonly Finding[] {
  const found: Finding[] = [];
  const seen = { container: new Map<string, string>(), device: new Map<string, string>() };
  const once = (kind: keyof typeof seen, id: string, path: Path, owner: string) => {
    const first = seen[kind].get(id);
    if (first === undefined) seen[kind].set(id, owner);
    else found.push(finding([...path, 'id'], `${id} is the ${kind} at ${first} already`));
  };
  containers.forEach((container, c) => {
    once('container', container.id, ['containers', c], `containers[${c}]`);
    container.devices.forEach((device, d) => {
      once('device', device.id, ['containers', c, 'devices', d], `containers[${c}].devices[${d}]`);
    });
  });
  return found;
}

function checkIommu(iommu: Scenario['containers'][number]['iommu'], path: Path): readonly Finding[] {
  const found: Finding[] = [];
  if (iommu.kind === 'none' && iommu.dirtyTracking) {
    found.push(finding([...path, 'dirtyTracking'], 'without an IOMMU there is none that tracks'));
  }
  if (iommu.kind === 'type1' && iommu.dirtyTracking) {
    found.push(
      finding(
        [...path, 'dirtyTracking'],
        'type1 reports all that is mapped or pinned, which is not in this version; iommufd tracks',
      ),
    );
  }
  if (iommu.kind !== 'iommufd' && iommu.hardware !== null) {
    found.push(
      finding([...path, 'hardware'], `only iommufd uses dirty bits of the hardware, and kind is ${iommu.kind}`),
    );
  }
  return found;
}

function checkDevice({ vm }: Scenario, device: Device, path: Path): readonly Finding[] {
  const found: Finding[] = [];
  const { state, dmaLogging, featureMask } = device;
  const preCopy = (featureMask & FEATURES['pre-copy']) !== 0;
  if (!preCopy && state.initialBytes > 0) {
    found.push(
      finding([...path, 'state', 'initial'], 'only a device with pre-copy among its features has initial data'),
    );
  }
  if (!preCopy && state.dirtyBytesPerSecond > 0) {
    found.push(
      finding([...path, 'state', 'dirtyRate'], 'only a device with pre-copy among its features has pre-copy data'),
    );
  }
  if (state.initialBytes > state.stopCopyBytes) {
    found.push(
      finding([...path, 'state', 'stopCopy'], `includes initial, so it is at least ${size(state.initialBytes)}`),
    );
  }
  if (
    dmaLogging !== null &&
    !(dmaLogging.pageSizeBytes >= 4096 && Number.isInteger(Math.log2(dmaLogging.pageSizeBytes)))
  ) {
    found.push(finding([...path, 'dmaLogging', 'pageSize'], 'must be a power of two from 4KiB up'));
  }
  switch (device.kind) {
    case 'nic':
      if (device.dma !== null) {
        found.push(...checkRange([...path, 'dma'], 'ring', device.dma.atBytes, device.dma.ringBytes, vm));
      }
      return found;
    case 'vgpu':
      return [...found, ...checkFits([...path, 'mapped'], device.mappedBytes, vm.memoryBytes)];
    default:
      return device satisfies never;
  }
}

function checkLimits({ vmm, link, giveUpAfterNs, deadlinesMs, expect }: Scenario): readonly Finding[] {
  const found: Finding[] = [];
  if (link.bandwidthBytesPerSecond === 0)
    found.push(finding(['link', 'bandwidth'], 'a link that carries nothing ends no migration'));
  if (giveUpAfterNs === 0) found.push(finding(['giveUpAfter'], 'must be longer than 0'));
  for (const [name, limitMs] of Object.entries(deadlinesMs)) {
    if (limitMs === 0) found.push(finding(['deadlines', name], 'must be longer than 0'));
  }
  const whole = Number.isInteger(vmm.downtimeLimitMs) && vmm.downtimeLimitMs <= DOWNTIME_LIMIT_MAX_MS;
  if (vmm.loop !== 'textbook' && !whole) {
    found.push(finding(['vmm', 'downtimeLimit'], 'QEMU takes whole milliseconds up to 2000s'));
  }
  for (const key of ['downtimeMs', 'totalMs', 'rounds'] as const) {
    const { min, max } = expect[key];
    if (min !== null && max !== null && min > max)
      found.push(finding(['expect', key], `min ${min} is more than max ${max}`));
  }
  return found;
}

/** The first QEMU release with each feature, and the commit that brought it. */
const SINCE = {
  /** The v2 protocol: 31bcbbb5be. */
  vfio: [8, 0],
  /** eda7362af9. */
  preCopy: [8, 1],
  /** 6574232fff. */
  switchoverAck: [8, 1],
  /** 94f775e428. */
  p2p: [8, 2],
  /** 5c7a4b6035; before it, 29d81b71aa blocks. */
  severalDevices: [8, 2],
  /** 8b2395970a. */
  availSwitchoverBandwidth: [8, 2],
  /** 52ce88229c. */
  iommufdTracking: [9, 1],
} as const satisfies Record<string, readonly [number, number]>;

function checkRelease(scenario: Scenario): readonly Finding[] {
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
function releaseOf(loop: LoopName): readonly [number, number] | null {
  const match = /^qemu-(\d+)\.(\d+)$/.exec(loop);
  return match === null ? null : [Number(match[1]), Number(match[2])];
}

function isAtLeast(
  [major, minor]: readonly [number, number],
  [wantedMajor, wantedMinor]: readonly [number, number],
): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

/** A run of pages (`set`, `ring`) that begins at `at` and must lie within memory. */
function checkRange(path: Path, key: string, atBytes: number, bytes: number, vm: Scenario['vm']): readonly Finding[] {
  const found: Finding[] = [...checkWhole([...path, 'at'], atBytes, vm.pageSizeBytes)];
  if (atBytes >= vm.memoryBytes && atBytes > 0) {
    found.push(finding([...path, 'at'], `must lie within vm.memory, which is ${size(vm.memoryBytes)}`));
  } else if (bytes === 0) {
    found.push(finding([...path, key], 'must be larger than 0'));
  } else if (atBytes + bytes > vm.memoryBytes) {
    const place = atBytes === 0 ? '' : ` at ${size(atBytes)}`;
    found.push(
      finding([...path, key], `${size(bytes)}${place} is more than vm.memory, which is ${size(vm.memoryBytes)}`),
    );
  }
  return found;
}

function checkFits(path: Path, bytes: number, memoryBytes: number): readonly Finding[] {
  if (bytes <= memoryBytes) return [];
  return [finding(path, `${size(bytes)} is more than vm.memory, which is ${size(memoryBytes)}`)];
}

function checkWhole(path: Path, bytes: number, pageSizeBytes: number): readonly Finding[] {
  if (bytes % pageSizeBytes === 0) return [];
  return [finding(path, `must be a whole number of pages of ${size(pageSizeBytes)}`)];
}

function size(bytes: number): string {
  return String(printQuantity(SIZE, bytes));
}

function finding(path: Path, message: string): Finding {
  return { path, message, expected: null, example: null, at: 'value' };
}
