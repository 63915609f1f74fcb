/**
 * A policy of one's own. Like QEMU it switches over when what remains fits into the downtime limit. Unlike QEMU it does not
 * wait for ever: when nothing better has come for a while it takes a longer downtime, up to a limit of its own.
 *
 * It is asked at the end of each pass. `observation` is what a vmm knows then, and when it is asked (`atNs`, on the run's
 * clock); `memory` is what it gave back the last time, null at first; `parameters` are the scenario's. It must be pure: the
 * same question gets the same answer, or a run that is made again comes out otherwise, which `replay --re-run` tells.
 */
export const parameters = { patienceMs: 3000, worstMs: 600 };

export function policy(observation, memory, { patienceMs, worstMs }) {
  const { atNs, remainingBytes, bandwidthBytesPerSecond, downtimeLimitMs } = observation;
  const copyMs = Math.round((1000 * remainingBytes) / bandwidthBytesPerSecond);
  if (copyMs <= downtimeLimitMs) return { verdict: 'switchover', because: { copyMs, downtimeLimitMs } };

  const best = memory === null || remainingBytes < memory.bytes ? { bytes: remainingBytes, sinceNs: atNs } : memory;
  const because = { copyMs, waitedMs: Math.round((atNs - best.sinceNs) / 1e6) };
  const enoughNs = best.sinceNs + patienceMs * 1e6;
  if (atNs < enoughNs) return { verdict: 'continue', because, memory: best, wakeAtNs: enoughNs };
  return { verdict: copyMs <= worstMs ? 'switchover' : 'continue', because, memory: best };
}
