import { describe, expect, test } from 'vitest';
import type { HostTime } from '../../src/clock/clock.ts';
import { hostTime, WallClock } from '../../src/clock/wall-clock.ts';
import { FakeHost } from './fake-host.ts';

const MS = 1_000_000;

describe('with a host whose time we turn', () => {
  test('shows ns since it was made, from where it was told to start', () => {
    const host = new FakeHost(5_000);
    const fresh = new WallClock({ host });
    const recovered = new WallClock({ host, startNs: 60_000 * MS });
    expect([fresh.nowNs, recovered.nowNs]).toEqual([0, 60_000 * MS]);
    host.advance(2.5);
    expect([fresh.nowNs, recovered.nowNs]).toEqual([2_500_000, 60_002_500_000]);
  });

  test('fires in order of due time and of asking, never early', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host });
    const fired: string[] = [];
    for (const [name, dueMs] of [
      ['c', 30],
      ['a1', 10],
      ['a2', 10],
      ['b', 10.4],
    ] as const) {
      clock.at(dueMs * MS, () => fired.push(`${name}@${host.now()}`));
    }
    host.advance(9.9);
    expect(fired).toEqual([]);
    host.advance(50);
    expect(fired).toEqual(['a1@10', 'a2@10', 'b@11', 'c@30']);
    expect(host.armedTimers).toBe(0);
  });

  test('after a recovery what came due meanwhile fires at the first turn, in the order it was due', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host, startNs: 80_000 * MS });
    const fired: string[] = [];
    clock.at(60_000 * MS, () => fired.push('limit'));
    clock.at(70_000 * MS, () => fired.push('deadline'));
    clock.at(90_000 * MS, () => fired.push('later'));
    clock.at(59_000 * MS, () => fired.push('oldest'));
    expect(fired).toEqual([]);
    host.advance(0);
    expect(fired).toEqual(['oldest', 'limit', 'deadline']);
    host.advance(10_000);
    expect(fired.at(-1)).toBe('later');
  });

  test('one host timer is armed, for the earliest that is not cancelled', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host });
    const fired: string[] = [];
    const a = clock.at(10 * MS, () => fired.push('a'));
    clock.at(20 * MS, () => fired.push('b'));
    expect(host.armedTimers).toBe(1);
    clock.cancel(a);
    expect(host.armedTimers).toBe(1);
    host.advance(15);
    expect(host.wakeUps).toBe(0);
    host.advance(5);
    expect(fired).toEqual(['b']);
  });

  test('a host timer that comes early only sleeps on', () => {
    const host = new FakeHost();
    const early: HostTime = {
      now: () => host.now(),
      setTimeout: (run, ms) => host.setTimeout(run, ms * 0.9),
      clearTimeout: (h) => host.clearTimeout(h),
    };
    const clock = new WallClock({ host: early });
    const firedAt: number[] = [];
    clock.at(100 * MS, () => firedAt.push(clock.nowNs));
    host.advance(200);
    expect(firedAt).toHaveLength(1);
    expect(firedAt[0]).toBeGreaterThanOrEqual(100 * MS);
    expect(firedAt[0]).toBeLessThan(102 * MS);
  });

  test('a delay longer than 2^31 ms is slept in parts', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host });
    const dueMs = 2 ** 31 + 5_000;
    let firedAtMs = 0;
    clock.at(dueMs * MS, () => (firedAtMs = host.now()));
    expect(host.longestDelayMs).toBe(2 ** 31 - 1);
    host.advance(dueMs + 1);
    expect(firedAtMs).toBe(dueMs);
  });

  test('what re-asks for the present time for ever still leaves the event loop its turns', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host });
    let fired = 0;
    const again = () => {
      if (++fired < 5_000) clock.at(clock.nowNs, again);
    };
    clock.at(0, again);
    host.advance(0);
    expect(fired).toBe(5_000);
    expect(host.wakeUps).toBeGreaterThanOrEqual(5);
  });

  test('an error in an entry comes out of the host timer, and the rest still fires', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host });
    let fired = 0;
    clock.at(1 * MS, () => {
      throw new Error('of the entry');
    });
    clock.at(1 * MS, () => fired++);
    expect(() => host.advance(1)).toThrow('of the entry');
    host.advance(1);
    expect(fired).toBe(1);
  });

  test('never goes back, even if the host does', () => {
    let nowMs = 100;
    const clock = new WallClock({ host: { now: () => nowMs, setTimeout: () => 0, clearTimeout: () => {} } });
    nowMs = 150;
    expect(clock.nowNs).toBe(50 * MS);
    nowMs = 120;
    expect(clock.nowNs).toBe(50 * MS);
  });

  test('closed, it fires nothing more and takes nothing more', () => {
    const host = new FakeHost();
    const clock = new WallClock({ host });
    let fired = 0;
    clock.at(1 * MS, () => fired++);
    clock.close();
    clock.close();
    host.advance(10);
    expect(fired).toBe(0);
    expect(() => clock.at(1, () => {})).toThrow('closed');
  });
});

test('with the real host an entry fires at or after its time, and in order', async () => {
  const clock = new WallClock({ host: hostTime });
  const fired = await new Promise<{ name: string; atNs: number }[]>((resolve) => {
    const log: { name: string; atNs: number }[] = [];
    clock.at(20 * MS, () => resolve([...log, { name: 'b', atNs: clock.nowNs }]));
    clock.at(5 * MS, () => log.push({ name: 'a', atNs: clock.nowNs }));
  });
  clock.close();
  expect(fired.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(fired[0]!.atNs).toBeGreaterThanOrEqual(5 * MS);
  expect(fired[1]!.atNs).toBeGreaterThanOrEqual(20 * MS);
});
