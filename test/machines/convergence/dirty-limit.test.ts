/** QEMU's dirty limit, held to migration/ram.c: the alarm of auto-converge, then a quota on all vCPUs, once. */
import { describe, test } from 'vitest';
import { DIRTY_LIMIT_DEFAULTS, dirtyLimit } from '../../../machines/convergence/dirty-limit.ts';
import { given } from '../given.ts';

const synced = (atMs: number, newDirtyPages: number) => ({
  type: 'SYNCED',
  from: 'pre-copy',
  atNs: atMs * 1e6,
  round: 2,
  newDirtyPages,
  sentBytes: 100 * 4096,
});
const RELEASE = { type: 'RELEASE', from: 'migration' };
const ENDED = { type: 'PRECOPY_ENDED', from: 'migration' };
const order = (bytesPerSecond: number, periodMs: number) => ({
  command: 'limitVcpuDirtyRate' as const,
  bytesPerSecond,
  periodMs,
});

const started = given(dirtyLimit, { ...DIRTY_LIMIT_DEFAULTS, periodOverMs: 1000 }).when(synced(0, 0));
const limited = started.when(synced(2000, 51)).when(synced(4000, 51));

describe('the quota', () => {
  test('is set after the second bad period; a good one in between takes no hit away', () => {
    started.when(synced(2000, 51)).then({ state: { watching: 'waiting' } });
    limited.then({ state: 'limited', commanded: [order(1_048_576, 1000)] });
    started.when(synced(2000, 51), synced(4000, 50), synced(6000, 51)).then({
      state: 'limited',
      commanded: [order(1_048_576, 1000)],
    });
    started.when(synced(2000, 50), synced(4000, 50), synced(6000, 50)).then({ state: { watching: 'waiting' } });
  });

  test('is set once', () => {
    limited
      .when({ type: 'DONE.limitVcpuDirtyRate' })
      .when(synced(6000, 99), synced(8000, 99), synced(10_000, 99))
      .then({
        state: 'limited',
      });
  });

  test('goes when the migration ends, however it ends', () => {
    const cancelled = { state: 'cancelling', commanded: [order(0, 0)] };
    limited.when(RELEASE).then(cancelled);
    limited.when(ENDED).then({ state: 'limited' }).when(RELEASE).then(cancelled);
    limited.when(RELEASE).when(RELEASE).then({ state: 'cancelling' });
  });

  test('that was never set is not taken away', () => {
    started.when(ENDED).then({ state: 'released' }).when(RELEASE).then({ state: 'released' });
    started.when(RELEASE).then({ state: 'released' });
  });

  test('that cannot be set leaves the guest at its speed, with a warning', () => {
    limited.when({ type: 'FAILED.limitVcpuDirtyRate', errno: 'ENOTTY' }).then({
      state: 'limited',
      facts: [{ type: 'WARNED', of: 'limitVcpuDirtyRate', errno: 'ENOTTY' }],
    });
  });
});
