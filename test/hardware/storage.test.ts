import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { Storage } from '../../src/hardware/storage.ts';

function storage(releaseNs = 10, acquireNs = 5) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const one = new Storage({ releaseNs, acquireNs }, clock);
  const note = (what: string) => (errno?: string) => log.push(`${clock.nowNs} ${what} ${errno ?? 'ok'} ${one.holder}`);
  return { clock, log, one, note };
}

describe('the storage', () => {
  test("is the source's at first, and busy for the other", () => {
    const { clock, log, one, note } = storage();
    one.acquire('destination', note('destination'));
    one.acquire('source', note('source'));
    clock.runAll(10);
    expect(log).toEqual(['5 destination EBUSY source', '10 source ok source']);
  });

  test('serves requests in order, and decides when it serves', () => {
    const { clock, log, one, note } = storage();
    one.release('source', note('release'));
    one.acquire('destination', note('destination'));
    one.acquire('source', note('source'));
    expect(one.holder).toBe('source');
    clock.runAll(10);
    expect(log).toEqual(['10 release ok nobody', '15 destination ok destination', '20 source EBUSY destination']);
  });

  test('releasing what one does not hold is a success that changes nothing', () => {
    const { clock, log, one, note } = storage();
    one.release('destination', note('destination'));
    clock.runAll(10);
    expect(log).toEqual(['10 destination ok source']);
  });

  test('a holder that dies while it acquires leaves it free', () => {
    const { clock, log, one, note } = storage();
    one.release('source', note('release'));
    one.acquire('destination', note('destination'));
    one.die('destination', note('died'));
    one.acquire('source', note('source'));
    clock.runAll(10);
    expect(log).toEqual([
      '10 release ok nobody',
      '15 destination ok destination',
      '15 died ok nobody',
      '20 source ok source',
    ]);
  });

  test('answers on the clock, even what takes no time', () => {
    const { clock, log, one, note } = storage(0, 0);
    one.acquire('source', note('source'));
    expect(log).toEqual([]);
    clock.step();
    expect(log).toEqual(['0 source ok source']);
  });
});
