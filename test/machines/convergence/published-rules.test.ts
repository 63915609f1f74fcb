/**
 * The rules of other vmms against tables transcribed from their sources, one decision a line: Xen tools/libxc/xc_linux_save.c
 * (commit e5901452e9), xc_domain_save.c (before b15bc4345e), tools/libs/guest/xg_sr_save.c; Cloud Hypervisor vmm/src/lib.rs
 * (is_precopy_converged, and 3ac9b6c40) and docs/live_migration.md; the published charts of Hyper-V and vMotion.
 */
import { describe, expect, test } from 'vitest';
import { LOOPS, policies, publishedRules } from '../../../machines/index.ts';
import type { Observation, PassFigures } from '../../../machines/words.ts';
import { given } from '../given.ts';

const GIB_PAGES = 262_144;
const C = 'continue';
const S = 'switchover';
const A = 'abort';

const PASS: PassFigures = {
  sentPages: 1000,
  skippedPages: 0,
  totalSentPages: GIB_PAGES,
  memoryPages: GIB_PAGES,
  newDirtyBytes: 4_096_000,
  sinceSyncMs: 1000,
  elapsedMs: 1000,
};

interface Seen extends Partial<Omit<Observation, 'pass'>> {
  readonly pass?: Partial<PassFigures>;
}

const assess = ({ pass, ...more }: Seen) => {
  const remainingPages = more.remainingPages ?? 1000;
  const observation: Observation = {
    cause: 'round',
    round: 1,
    remainingBytes: remainingPages * 4096,
    remainingPages,
    dirtyPagesBySource: {},
    bandwidthBytesPerSecond: 1e9,
    downtimeLimitMs: 300,
    throttlePercent: 0,
    ...more,
    pass: { ...PASS, ...pass },
  };
  return { type: 'ASSESS', from: 'pre-copy', observation };
};

function told(name: keyof typeof publishedRules, seen: readonly Seen[], parameters: object = {}) {
  const { machine, defaults } = publishedRules[name];
  return given(machine, { parameters: { ...defaults, ...parameters } }).when(...seen.map(assess)).told;
}
const verdicts = (...args: Parameters<typeof told>) => told(...args).map(({ verdict }) => verdict);
/** Passes 1 to n, each with so much left. */
const passes = (n: number, more: Seen = {}) => Array.from({ length: n }, (_, i) => ({ round: i + 1, ...more }));
const times = (n: number, verdict: string) => Array<string>(n).fill(verdict);

describe('xen-legacy', () => {
  test('29 passes: max_iters', () => {
    expect(verdicts('xen-legacy', passes(29))).toEqual([...times(28, C), S]);
  });

  // sent_this_iter + skip_this_iter < 50; total_sent > p2m_size * max_factor.
  test.each([
    ['50 pages were sent', { sentPages: 50 }, C],
    ['49 pages were sent', { sentPages: 49 }, S],
    ['49 pages were sent, and one was dirty again', { sentPages: 49, skippedPages: 1 }, C],
    ['three times the memory', { totalSentPages: 3 * GIB_PAGES }, C],
    ['a page more than that', { totalSentPages: 3 * GIB_PAGES + 1 }, S],
  ])('%s', (_, pass, verdict) => {
    expect(verdicts('xen-legacy', [{ pass }])).toEqual([verdict]);
  });

  test('what remains does not matter: a pass is judged by what it sent', () => {
    expect(verdicts('xen-legacy', [{ remainingPages: 3 }])).toEqual([C]);
  });
});

describe('xen-2004', () => {
  /** Mbit/s of pages dirtied in a second, and the pace of the next pass, in Mbit/s. */
  test.each([
    [0, 50],
    [100, 150],
    [449, 499],
    [450, 500],
    [2000, 500],
  ])('a dirty rate of %i Mbit/s: the next pass goes at %i', (dirtyMbit, paceMbit) => {
    const pass = { newDirtyBytes: dirtyMbit * 125_000, sinceSyncMs: 1000 };
    const [first] = told('xen-2004', [{ pass }]);
    expect(first).toMatchObject({ verdict: C, paceBytesPerSecond: paceMbit * 125_000 });
  });

  const fast = (sentPages: number): Seen => ({ pass: { sentPages, newDirtyBytes: 1e9 } });
  test.each([
    ['at 500 Mbit/s, and a pass larger than the one before', [fast(900), fast(901)], [C, S]],
    ['at 500 Mbit/s, and a pass as large', [fast(900), fast(900)], [C, C]],
    ['larger than the one before, but the pace was not at its maximum', [{}, { pass: { sentPages: 2000 } }], [C, C]],
    ['the first pass is not compared with any', [fast(1e6)], [C]],
    ['few pages', [fast(900), { pass: { sentPages: 49 } }], [C, S]],
    ['traffic', [{ pass: { totalSentPages: 3 * GIB_PAGES + 1 } }], [S]],
  ] as const)('%s', (_, seen, expected) => {
    expect(verdicts('xen-2004', seen)).toEqual(expected);
  });

  test('29 passes at most', () => {
    expect(verdicts('xen-2004', passes(29)).at(-1)).toBe(S);
  });

  test('the first pass has the pace of the parameters', () => {
    const { defaults, firstPace } = publishedRules['xen-2004'];
    expect(firstPace?.({ ...defaults, firstPaceBytesPerSecond: 7 })).toBe(7);
  });
});

describe('xen-now', () => {
  // simple_precopy_policy, called with the bitmap in hand before it is sent, and again when it has been sent.
  test.each([
    ['five passes', passes(5), [...times(4, C), S]],
    ['50 pages are too many', [{ remainingPages: 50 }], [C]],
    [
      '49 go while the guest runs, and then it stops',
      [{ remainingPages: 49 }, { round: 2, remainingPages: 70 }],
      [C, S],
    ],
    ['nothing is dirty: nothing is sent first', [{ remainingPages: 0 }], [S]],
    ['the fifth stops with few as with many', [...passes(4), { round: 5, remainingPages: 3 }], [...times(4, C), S]],
  ] as const)('%s', (_, seen, expected) => {
    expect(verdicts('xen-now', seen)).toEqual(expected);
  });
});

describe.each(['cloud-hypervisor', 'cloud-hypervisor-auto-converge'] as const)('%s', (name) => {
  // 4096 B/s for 1000 ms are one page.
  const speed = (bandwidthBytesPerSecond: number) => ({ bandwidthBytesPerSecond, downtimeLimitMs: 1000 });
  test.each([
    ['the rest takes just as long as the limit', [{ remainingPages: 1000, ...speed(4_096_000) }], [S]],
    ['a byte a second too slow', [{ remainingPages: 1000, ...speed(4_095_999) }], [C]],
    ['nothing is dirty, and no speed is known', [{ remainingPages: 0, ...speed(0) }], [S]],
    ['no speed is known', [{ remainingPages: 1, ...speed(0) }], [C]],
    ['a millisecond before the hour', [{ ...speed(1), pass: { elapsedMs: 3_599_999 } }], [C]],
    ['the hour is up: cancelled', [{ ...speed(1), pass: { elapsedMs: 3_600_000 } }], [A]],
    ['the hour is up, but it fits', [{ ...speed(1e9), pass: { elapsedMs: 3_600_000 } }], [S]],
  ] as const)('%s', (_, seen, expected) => {
    expect(verdicts(name, seen)).toEqual(expected);
  });

  test('timeout_strategy=ignore: it goes on to the stop regardless', () => {
    const late = [{ ...speed(1), pass: { elapsedMs: 3_600_000 } }];
    expect(verdicts(name, late, { timeoutStrategy: 'ignore' })).toEqual([S]);
  });
});

test('the prototype brings its ladder: after 4 passes 10 % every 2, at most 99 %, in windows of 100 ms', () => {
  const { defaults, throttle } = publishedRules['cloud-hypervisor-auto-converge'];
  expect(throttle?.(defaults)).toEqual({
    afterPasses: 4,
    everyPasses: 2,
    stepPercent: 10,
    maxPercent: 99,
    windowMs: 100,
  });
});

describe('a number of passes', () => {
  test.each([
    // A full copy and five dirty passes.
    ['cloud-hypervisor-old', 6],
    ['hyper-v', 10],
  ] as const)('%s: %i', (name, count) => {
    expect(verdicts(name, passes(count))).toEqual([...times(count - 1, C), S]);
    expect(verdicts(name, [{ remainingPages: 0 }])).toEqual([S]);
    // Neither looks at time or bandwidth.
    expect(verdicts(name, [{ remainingPages: 1, bandwidthBytesPerSecond: 1e12, pass: { elapsedMs: 1e9 } }])).toEqual([
      C,
    ]);
  });
});

describe('vmware-sdps', () => {
  test.each([
    ['just a second is not less', { remainingPages: 1000, bandwidthBytesPerSecond: 4_096_000 }, C],
    ['less than a second', { remainingPages: 1000, bandwidthBytesPerSecond: 4_096_001 }, S],
    ['no speed is known', { remainingPages: 1, bandwidthBytesPerSecond: 0 }, C],
    ['nothing is dirty', { remainingPages: 0, bandwidthBytesPerSecond: 0 }, S],
  ])('%s', (_, seen, verdict) => {
    expect(verdicts('vmware-sdps', [seen])).toEqual([verdict]);
  });
});

describe('baselines', () => {
  test('stop-and-copy is asked first, and says stop', () => {
    expect(policies['stop-and-copy']).toMatchObject({ asksFirst: true });
    expect(verdicts('stop-and-copy', [{ round: 0, remainingPages: GIB_PAGES, bandwidthBytesPerSecond: 0 }])).toEqual([
      S,
    ]);
  });

  test('vgpu-unbounded has the largest limit that QEMU takes, and stops at the first decision', () => {
    const { defaults, downtimeLimit } = publishedRules['vgpu-unbounded'];
    expect(downtimeLimit?.(defaults)).toBe(2_000_000);
    expect(verdicts('vgpu-unbounded', [{ remainingPages: GIB_PAGES }])).toEqual([S]);
  });
});

test('every rule says where it is published, what its parameters are, and which loops it fits', () => {
  for (const [name, entry] of Object.entries(publishedRules)) {
    expect(entry).toMatchObject({ name, role: 'vmm' });
    expect(entry.source?.length, name).toBeGreaterThan(10);
    expect(Object.keys(entry.parameters ?? {}).toSorted(), name).toEqual(Object.keys(entry.defaults).toSorted());
    for (const loop of entry.loops ?? []) expect(LOOPS).toContain(loop);
  }
});
