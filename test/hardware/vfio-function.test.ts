import { describe, expect, test } from 'vitest';
import type { DeviceState, FeatureMask } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { dmaStateIn, VfioFunction, type VfioFunctionSpec } from '../../src/hardware/vfio-function.ts';

const TIMES = {
  preCopyNs: 1,
  p2pNs: 20,
  stopNs: 300,
  stopCopyNs: 4000,
  resumingNs: 50_000,
  runNs: 600_000,
  resetNs: 7_000_000,
};

function device(features: FeatureMask, changes: Partial<VfioFunctionSpec> = {}) {
  const clock = new VirtualClock();
  const walked: [number, DeviceState][] = [];
  const spec: VfioFunctionSpec = {
    features,
    initialBytes: 1000,
    dirtyBytesPerSecond: 0,
    stopCopyBytes: 5000,
    times: TIMES,
    onBadImage: 'stay',
    ...changes,
  };
  const one = new VfioFunction(spec, clock, (state) => walked.push([clock.nowNs, state]));
  const log: unknown[] = [];
  const set = (target: DeviceState) => one.set(target, (rested) => log.push([clock.nowNs, rested]));
  return { clock, one, walked, log, set };
}

/** Where a device walks and when it is there. Paths: include/uapi/linux/vfio.h; each step takes the time of its end. */
const WALKS: readonly [FeatureMask, readonly DeviceState[], readonly [number, DeviceState][]][] = [
  [
    7,
    ['PRE_COPY', 'STOP_COPY'],
    [
      [1, 'PRE_COPY'],
      [21, 'PRE_COPY_P2P'],
      [4021, 'STOP_COPY'],
    ],
  ],
  [
    7,
    ['STOP_COPY'],
    [
      [20, 'RUNNING_P2P'],
      [320, 'STOP'],
      [4320, 'STOP_COPY'],
    ],
  ],
  [
    3,
    ['RUNNING_P2P', 'STOP'],
    [
      [20, 'RUNNING_P2P'],
      [320, 'STOP'],
    ],
  ],
  [
    5,
    ['PRE_COPY', 'STOP_COPY'],
    [
      [1, 'PRE_COPY'],
      [4001, 'STOP_COPY'],
    ],
  ],
  [
    1,
    ['STOP', 'RUNNING'],
    [
      [300, 'STOP'],
      [600_300, 'RUNNING'],
    ],
  ],
  [
    1,
    ['RESUMING'],
    [
      [300, 'STOP'],
      [50_300, 'RESUMING'],
    ],
  ],
];

describe('a SET', () => {
  test.each(WALKS)('features %i to %j: %j', (features, targets, expected) => {
    const { clock, walked, log, set } = device(features);
    for (const target of targets) {
      set(target);
      clock.runAll(10);
    }
    expect(walked).toEqual(expected);
    expect(log.at(-1)).toEqual([expected.at(-1)?.[0], { state: targets.at(-1) }]);
  });

  test('to the state it is in is a success without a step', () => {
    const { log, set, walked } = device(7);
    set('RUNNING');
    expect(log).toEqual([[0, { state: 'RUNNING' }]]);
    expect(walked).toEqual([]);
  });

  test.each([
    [1, 'PRE_COPY'],
    [1, 'RUNNING_P2P'],
    [7, 'ERROR'],
  ] as const)('features %i to %s is EINVAL, and nothing moves', (features, target) => {
    const { log, set, walked } = device(features);
    set(target);
    expect(log).toEqual([[0, { state: 'RUNNING', errno: 'EINVAL' }]]);
    expect(walked).toEqual([]);
  });

  test('a second one is refused and does not disturb the first', () => {
    const { clock, log, set } = device(7);
    set('STOP');
    clock.runUntil(10);
    set('PRE_COPY');
    clock.runAll(10);
    expect(log).toEqual([
      [10, { state: 'RUNNING', errno: 'EBUSY' }],
      [320, { state: 'STOP' }],
    ]);
  });

  test('one that is answered may be followed by another at once', () => {
    const { clock, one, walked } = device(7);
    one.set('STOP', () => one.set('STOP_COPY', () => {}));
    clock.runAll(10);
    expect(walked.map(([, state]) => state)).toEqual(['RUNNING_P2P', 'STOP', 'STOP_COPY']);
  });

  test('a reset overtakes it', () => {
    const { clock, one, log, set } = device(7, { times: { ...TIMES, resetNs: 100 } });
    set('STOP');
    one.reset((rested) => log.push(rested));
    clock.runAll(10);
    expect(log).toEqual([[100, { state: 'RUNNING', errno: 'EIO' }], { state: 'RUNNING' }]);
    expect(one.state).toBe('RUNNING');
  });

  test('ends with its process', () => {
    const { clock, one, log, set } = device(7);
    set('STOP');
    clock.runUntil(50);
    one.kill();
    set('RUNNING');
    one.reset((rested) => log.push(rested));
    clock.runAll(10);
    const lost = { state: 'RUNNING_P2P', errno: 'ENODEV' };
    expect(log).toEqual([[50, lost], [50, lost], lost]);
    expect(one.write(1, true)).toEqual({ errno: 'ENODEV' });
  });
});

describe('the saving stream', () => {
  test('offers the initial part in pre-copy, then nothing for now, and the rest after the stop, to the end', () => {
    const { clock, one, set } = device(7);
    expect(one.read(10)).toEqual({ errno: 'EBADF' });
    expect(one.precopyInfo()).toEqual({ errno: 'EINVAL' });
    expect(one.dataSizeBytes()).toBe(5000);
    set('PRE_COPY');
    clock.runAll(10);
    expect(one.read(600)).toEqual({ bytes: 600 });
    expect(one.precopyInfo()).toMatchObject({ initialBytes: 400, dirtyBytes: 0 });
    expect(one.dataSizeBytes()).toBe(4400);
    expect(one.read(600)).toEqual({ bytes: 400 });
    expect(one.read(600)).toEqual({ errno: 'ENOMSG' });
    set('STOP_COPY');
    clock.runAll(10);
    expect(one.read(10_000)).toEqual({ bytes: 4000 });
    expect(one.read(10_000)).toEqual({ bytes: 0 });
  });

  test('what was read changes again while the device runs, and only that', () => {
    const { clock, one, set } = device(7, { dirtyBytesPerSecond: 100 });
    set('PRE_COPY');
    clock.runAll(10);
    clock.runUntil(clock.nowNs + 1e9);
    expect(one.precopyInfo()).toMatchObject({ initialBytes: 1000, dirtyBytes: 0 });
    one.read(300);
    clock.runUntil(clock.nowNs + 2_005_000_000);
    expect(one.precopyInfo()).toMatchObject({ initialBytes: 700, dirtyBytes: 200 });
    clock.runUntil(clock.nowNs + 5_000_000);
    expect(one.precopyInfo()).toMatchObject({ dirtyBytes: 201 });
    clock.runUntil(clock.nowNs + 60e9);
    expect(one.precopyInfo()).toMatchObject({ initialBytes: 700, dirtyBytes: 300 });
    set('STOP_COPY');
    clock.runAll(10);
    clock.runUntil(clock.nowNs + 60e9);
    expect(one.dataSizeBytes()).toBe(5000);
  });

  test('a size that does not hold its own beginning is refused', () => {
    expect(() => device(7, { initialBytes: 6000 })).toThrow(/5000 bytes of state do not hold 6000/);
  });
});

describe('the resuming stream', () => {
  test.each([
    ['stay', 'RESUMING'],
    ['error', 'ERROR'],
  ] as const)('an image without its end fails on the way out (%s)', (onBadImage, state) => {
    const { clock, one, log, set } = device(7, { onBadImage });
    set('RESUMING');
    clock.runAll(10);
    one.write(100, false);
    set('STOP');
    clock.runAll(10);
    expect(log.at(-1)).toMatchObject([expect.any(Number), { state, errno: 'EIO' }]);
  });

  test('a whole image lets it out, and nothing can be written to a device that is not resuming', () => {
    const { clock, one, log, set } = device(7);
    expect(one.write(1, false)).toEqual({ errno: 'EBADF' });
    set('RESUMING');
    clock.runAll(10);
    one.write(100, false);
    one.write(0, true);
    set('STOP');
    clock.runAll(10);
    expect(log.at(-1)).toMatchObject([expect.any(Number), { state: 'STOP' }]);
  });
});

test('what a device writes in each state: include/uapi/linux/vfio.h', () => {
  expect([...(['RUNNING', 'PRE_COPY'] as const)].map(dmaStateIn)).toEqual(['running', 'running']);
  expect((['RUNNING_P2P', 'PRE_COPY_P2P'] as const).map(dmaStateIn)).toEqual(['p2pQuiet', 'p2pQuiet']);
  expect((['STOP', 'STOP_COPY', 'RESUMING', 'ERROR'] as const).map(dmaStateIn)).toEqual(Array(4).fill('stopped'));
});

test('a GET waits for the SET under way, and tells where the device rests', () => {
  const { clock, one, log, set } = device(7);
  set('STOP');
  one.get((rested) => log.push([clock.nowNs, 'get', rested]));
  expect(log).toEqual([]);
  clock.runUntil(320);
  expect(log).toEqual([
    [320, { state: 'STOP' }],
    [320, 'get', { state: 'STOP' }],
  ]);
  one.get((rested) => log.push([clock.nowNs, 'get', rested]));
  expect(log.at(-1)).toEqual([320, 'get', { state: 'STOP' }]);
});
