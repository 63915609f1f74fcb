import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DueHeap } from '../../src/clock/due-heap.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { ReferenceClock } from './reference-clock.ts';

describe('order', () => {
  test('by due time, and by order of asking where times are equal', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    for (const [name, dueNs] of [
      ['c', 30],
      ['a1', 10],
      ['b', 20],
      ['a2', 10],
      ['a3', 10],
    ] as const) {
      clock.at(dueNs, () => fired.push(`${name}@${clock.nowNs}`));
    }
    expect(clock.runAll(10)).toBe(5);
    expect(fired).toEqual(['a1@10', 'a2@10', 'a3@10', 'b@20', 'c@30']);
  });

  test('an entry asked for by another at the same time comes after all that waited for it', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.at(10, () => {
      fired.push('first');
      clock.at(10, () => fired.push('asked for by first'));
    });
    clock.at(10, () => fired.push('second'));
    clock.runUntil(10);
    expect(fired).toEqual(['first', 'second', 'asked for by first']);
  });

  test('an entry due in the past fires next, and the clock does not go back', () => {
    const clock = new VirtualClock(100);
    const fired: string[] = [];
    clock.at(100, () => fired.push(`now@${clock.nowNs}`));
    clock.at(40, () => fired.push(`late@${clock.nowNs}`));
    clock.runAll(2);
    expect(fired).toEqual(['late@100', 'now@100']);
  });
});

describe('cancel', () => {
  test('an entry taken back does not fire; twice, or after firing, changes nothing', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    const a = clock.at(10, () => fired.push('a'));
    const b = clock.at(20, () => fired.push('b'));
    clock.at(30, () => fired.push('c'));
    clock.cancel(b);
    clock.cancel(b);
    expect(clock.waitingEntries).toBe(2);
    expect(clock.step()).toBe(true);
    clock.cancel(a);
    expect(clock.waitingEntries).toBe(1);
    expect(clock.nextDueNs()).toBe(30);
    clock.runAll(1);
    expect(fired).toEqual(['a', 'c']);
    expect(clock.waitingEntries).toBe(0);
  });

  test('an entry can take back one due at the same time', () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.at(10, () => clock.cancel(second));
    const second = clock.at(10, () => fired.push('second'));
    clock.runAll(5);
    expect(fired).toEqual([]);
  });

  test('a timeout set and cleared 100,000 times holds no memory', () => {
    const heap = new DueHeap();
    for (let index = 0; index < 10; index++) heap.add(index, () => {});
    for (let index = 0; index < 100_000; index++) heap.cancel(heap.add(1_000_000 + index, () => {}));
    expect(heap.livingEntries).toBe(10);
    expect(heap.heldEntries).toBeLessThan(200);
  });
});

describe('stepping', () => {
  test('runUntil fires what is due by then and shows that time', () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const tick = () => {
      fired.push(clock.nowNs);
      clock.at(clock.nowNs + 10, tick);
    };
    clock.at(10, tick);
    clock.runUntil(35);
    expect(fired).toEqual([10, 20, 30]);
    expect(clock.nowNs).toBe(35);
    expect(clock.nextDueNs()).toBe(40);
    expect(() => clock.runUntil(34)).toThrow(RangeError);
  });

  test('runAll stops at its limit with an error', () => {
    const clock = new VirtualClock();
    const again = () => void clock.at(clock.nowNs + 1, again);
    clock.at(1, again);
    expect(() => clock.runAll(1_000)).toThrow('after 1000 entries, at 1000 ns');
  });

  test('an empty clock does not step', () => {
    const clock = new VirtualClock(5);
    expect(clock.step()).toBe(false);
    expect(clock.nextDueNs()).toBeUndefined();
    expect(clock.nowNs).toBe(5);
  });

  test('an error in an entry comes through, and the rest still fires', () => {
    const clock = new VirtualClock();
    let fired = 0;
    clock.at(1, () => {
      throw new Error('of the entry');
    });
    clock.at(2, () => fired++);
    expect(() => clock.step()).toThrow('of the entry');
    expect(clock.step()).toBe(true);
    expect(fired).toBe(1);
  });

  test('an entry does not step the clock', () => {
    const clock = new VirtualClock();
    clock.at(1, () => clock.step());
    clock.at(2, () => {});
    expect(() => clock.step()).toThrow('not stepped by what it fires');
  });

  test.each([0.5, Number.NaN, Infinity, 2 ** 53])('%d is no due time', (dueNs) => {
    expect(() => new VirtualClock().at(dueNs, () => {})).toThrow(RangeError);
    expect(() => new VirtualClock(dueNs)).toThrow(RangeError);
  });
});

test('fires what a sorted list fires, whatever is asked for, cancelled and asked for while firing', () => {
  const operation = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('at' as const), dueNs: fc.nat(30), thenNs: fc.option(fc.nat(15)) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(200) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('step' as const) }) },
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const drive = <E>(clock: {
        nowNs: number;
        at(n: number, f: () => void): E;
        cancel(e: E): void;
        step(): boolean;
      }) => {
        const log: string[] = [];
        const entries: E[] = [];
        operations.forEach((operation, index) => {
          if (operation.do === 'at') {
            const run = () => {
              log.push(`${index} at ${clock.nowNs}`);
              if (operation.thenNs === null) return;
              const dueNs = clock.nowNs + operation.thenNs;
              clock.at(dueNs, () => log.push(`after ${index} at ${clock.nowNs}`));
            };
            entries.push(clock.at(operation.dueNs, run));
          } else if (operation.do === 'cancel') {
            if (entries.length > 0) clock.cancel(entries[operation.which % entries.length]!);
          } else {
            log.push(String(clock.step()));
          }
        });
        while (clock.step()) log.push('stepped');
        return log;
      };
      expect(drive(new VirtualClock())).toEqual(drive(new ReferenceClock()));
    }),
    { numRuns: 1_000 },
  );
});

test('with thousands of entries and most of them cancelled the order still holds', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(500), { minLength: 300, maxLength: 2_000 }),
      fc.integer({ min: 2, max: 9 }),
      (dueTimes, keepEach) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const entries = dueTimes.map((dueNs, index) => clock.at(dueNs, () => fired.push(index)));
        entries.forEach((entry, index) => {
          if (index % keepEach !== 0) clock.cancel(entry);
        });
        clock.runAll(dueTimes.length);
        const kept = dueTimes.map((dueNs, index) => ({ dueNs, index })).filter(({ index }) => index % keepEach === 0);
        expect(fired).toEqual(
          kept.toSorted((a, b) => a.dueNs - b.dueNs || a.index - b.index).map(({ index }) => index),
        );
      },
    ),
    { numRuns: 100 },
  );
});
