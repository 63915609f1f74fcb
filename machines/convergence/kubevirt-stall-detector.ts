/**
 * What KubeVirt's stall detector keeps of the passes, and what it makes of them; the chart kubevirt-stall asks it.
 *
 * Whole bytes and whole milliseconds are cut where Go cuts them. Source: KubeVirt
 * pkg/virt-launcher/virtwrap/stall-detector.go at 00eaaa9497:
 * `updateBandwidthEstimate`, `updateCandidates`, `checkStallCondition`, `findBestRemainingBytes`, `initializeRelaxationState`,
 * `relaxBestRemainingBytes`, `isAtLocalMinima`, `estimateDowntimeMs`.
 */

/** What remained when a pass began. */
export interface PassRecord {
  readonly atMs: number;
  readonly remainingBytes: number;
}

export interface StallDetector {
  /** 0: none is known yet. */
  readonly bandwidthBytesPerSecond: number;
  /** Younger than the window, each less than the one before. */
  readonly candidates: readonly PassRecord[];
  /** The least that has left the window; undefined: nothing has. */
  readonly oldMinBytes: number | undefined;
  /** What it waits for, once it has stalled. */
  readonly bestBytes: number;
  /** Remainders since then that have not become the best, the least first. */
  readonly since: readonly number[];
  readonly patienceMs: number;
  /** Elapsed when its patience is over. */
  readonly patienceEndsMs: number;
}

/** Of the remainders it keeps so many; KubeVirt keeps all, and takes no more than one for each pass. */
const SINCE_MAX = 1024;
/** `estimateDowntimeMs` is a uint32. */
const ESTIMATE_MAX_MS = 2 ** 32 - 1;

export const NOTHING_KEPT: StallDetector = {
  bandwidthBytesPerSecond: 0,
  candidates: [],
  oldMinBytes: undefined,
  bestBytes: 0,
  since: [],
  patienceMs: 0,
  patienceEndsMs: 0,
};

/** libvirt does not tell a bandwidth of 0 (`qemuDomainJobDataToParams`), so that it changes nothing. */
export function withBandwidth(detector: StallDetector, measured: number, weight: number): StallDetector {
  if (measured === 0) return detector;
  const { bandwidthBytesPerSecond: before } = detector;
  return { ...detector, bandwidthBytesPerSecond: before === 0 ? measured : weight * measured + (1 - weight) * before };
}

/** Without a bandwidth a pass is not looked at. */
export function withPass(detector: StallDetector, pass: PassRecord, windowMs: number): StallDetector {
  if (detector.bandwidthBytesPerSecond === 0) return detector;
  const isOld = ({ atMs }: PassRecord) => pass.atMs - atMs >= windowMs;
  const old = detector.candidates.filter(isOld).map(({ remainingBytes }) => remainingBytes);
  const minimum = Math.min(detector.oldMinBytes ?? Number.POSITIVE_INFINITY, ...old);
  const young = detector.candidates.filter((one) => !isOld(one));
  const last = young.at(-1)?.remainingBytes ?? Number.POSITIVE_INFINITY;
  const mayBecomeLeast = pass.remainingBytes <= minimum && pass.remainingBytes < last;
  return {
    ...detector,
    candidates: mayBecomeLeast ? [...young, pass] : young,
    oldMinBytes: minimum === Number.POSITIVE_INFINITY ? undefined : minimum,
  };
}

export function isStall({ oldMinBytes }: StallDetector, remainingBytes: number, margin: number): boolean {
  return oldMinBytes !== undefined && remainingBytes >= Math.trunc(oldMinBytes * (1 - margin));
}

/** From the stall on it waits for the least of all that it kept; remainders are kept anew. */
export function stalledAt(detector: StallDetector, pass: PassRecord, patienceMs: number): StallDetector {
  const { candidates, oldMinBytes = pass.remainingBytes } = detector;
  const bestBytes = Math.min(oldMinBytes, ...candidates.map(({ remainingBytes }) => remainingBytes));
  return { ...detector, bestBytes, since: [], patienceMs, patienceEndsMs: pass.atMs + patienceMs };
}

/** A later pass: when its patience is over, the least since, this one with them, is taken for the best. */
export function relaxed(detector: StallDetector, pass: PassRecord, patienceFactor: number): StallDetector {
  const after = detector.since.findIndex((one) => one > pass.remainingBytes);
  const since = detector.since.toSpliced(after < 0 ? detector.since.length : after, 0, pass.remainingBytes);
  if (pass.atMs < detector.patienceEndsMs) return { ...detector, since: since.slice(0, SINCE_MAX) };
  const [bestBytes = pass.remainingBytes, ...rest] = since;
  const patienceMs = Math.trunc(detector.patienceMs * patienceFactor);
  return {
    ...detector,
    bestBytes,
    since: rest.slice(0, SINCE_MAX),
    patienceMs,
    patienceEndsMs: pass.atMs + patienceMs,
  };
}

export function isNearBest({ bestBytes }: StallDetector, remainingBytes: number, margin: number): boolean {
  return remainingBytes <= Math.trunc(bestBytes * (1 + margin));
}

/** How long what remained at the last pass would take; 0 where no bandwidth is known. */
export function estimateMs({ bandwidthBytesPerSecond }: StallDetector, remainingBytes: number): number {
  if (bandwidthBytesPerSecond === 0) return 0;
  return Math.min(ESTIMATE_MAX_MS, Math.trunc(remainingBytes / (bandwidthBytesPerSecond / 1000)));
}
