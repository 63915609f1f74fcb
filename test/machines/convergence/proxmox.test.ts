/**
 * Proxmox's manager against timelines written down from its source: qemu-server, PVE/QemuMigrate.pm, the loop at the end of
 * phase2, commits e594231bf1 (February 2022) and e6352be6 (August 2026). Each line says how long it waits before it asks, what
 * it is answered, and what it orders then.
 */
import { describe, expect, test } from 'vitest';
import type { Given } from '../given.ts';
import { active, failed, orderOf, setup, startedManager } from './managed.ts';

/** The waits in ms; the answer: what has been sent and what remains, or a word; the order. */
type Line = readonly [
  readonly number[],
  readonly [sent: number, left: number] | 'failed' | 'setup',
  (number | 'abort')?,
];

const ANSWERS = { failed, setup } as const;
const DELAYS: Readonly<Record<string, string>> = {
  watching: 'poll',
  watchingClosely: 'nearPoll',
  waitingLonger: 'retryDelay',
};

function timeline(lines: readonly Line[], parameters: object = {}): void {
  let chart = startedManager('proxmox', parameters);
  const seen = lines.map(([, answer]): Line => {
    const waits: number[] = [];
    chart = asked(chart, waits);
    chart = chart.when(
      typeof answer === 'string' ? ANSWERS[answer] : active({ transferredBytes: answer[0], remainingBytes: answer[1] }),
    );
    const order = orderOf(chart) as number | 'abort' | undefined;
    return order === undefined ? [waits, answer] : [waits, answer, order];
  });
  expect(seen).toEqual(lines);
}

/** Its timers fire until it asks. */
function asked(from: Given, waits: number[]): Given {
  let chart = from;
  while (chart.commanded.length === 0) {
    const state = String(chart.snapshot.value);
    waits.push(...chart.timers.filter((timer) => timer !== 'cleared'));
    chart = chart.when({ type: `xstate.after.${DELAYS[state]}.manager-proxmox.${state}` });
  }
  return chart.then({ state: 'asking', commanded: [{ command: 'queryMigrate' }], timers: ['cleared'] });
}

const S = [1000];
const CLOSE = [100];
/** It sleeps a second for what went wrong, and then as always. */
const AGAIN = [1000, 1000];

test('begins with 100 ms, and looks a second later', () => {
  const first = startedManager('proxmox');
  expect([orderOf(first), first.snapshot.value, first.timers]).toEqual([100, 'watching', S]);
});

describe('the limit is doubled at the sixth look that counts', () => {
  test('more remains than at the look before', () => {
    timeline([
      [S, [10, 1000]],
      [S, [20, 1001]],
      [S, [30, 1002]],
      [S, [40, 1002]],
      [S, [50, 900]],
      [S, [60, 901]],
      [S, [70, 902]],
      [S, [80, 903]],
      [S, [90, 904], 200],
      [S, [100, 905]],
      [S, [110, 906]],
      [S, [120, 907]],
      [S, [130, 908]],
      [S, [140, 909]],
      [S, [150, 910], 400],
    ]);
  });

  test('nothing remains; more than nothing is no growth', () => {
    timeline([
      [S, [10, 0]],
      [S, [20, 9000]],
      [S, [30, 0]],
      [CLOSE, [40, 9000]],
      [CLOSE, [50, 9001]],
      [CLOSE, [60, 0]],
      [CLOSE, [70, 0]],
      [CLOSE, [80, 0], 200],
    ]);
  });

  // With a bound of 0 each look that counts is seen at once.
  test('where nothing was sent since the look before, nothing is compared and nothing remembered', () => {
    timeline(
      [
        [S, [0, 0]],
        [S, [10, 500]],
        [S, [10, 900]],
        [S, [10, 0]],
        [S, [20, 700], 200],
        [S, [30, 700]],
      ],
      { growthCountMax: 0 },
    );
  });

  test('to what QEMU takes, and then no more', () => {
    timeline(
      [
        [S, [10, 500]],
        [S, [20, 501], 2_000_000],
        [S, [30, 502]],
        [S, [40, 503]],
      ],
      { growthCountMax: 0, initialDowntimeMs: 1_500_000 },
    );
  });
});

describe('looks ten times a second once less remains than it has sent by the look before, over the looks so far', () => {
  test('this one among them: 300 / 3; and never again each second', () => {
    timeline([
      [S, [100, 10]],
      [S, [300, 50]],
      [S, [400, 99]],
      [CLOSE, [500, 5000]],
      [CLOSE, [600, 4000]],
    ]);
  });

  test('strictly less', () => {
    timeline([
      [S, [300, 1000]],
      [S, [400, 150]],
      [S, [450, 133]],
      [CLOSE, [450, 133]],
    ]);
  });

  test('failures and setup are looks too', () => {
    timeline([
      [S, 'setup'],
      [AGAIN, [400, 1000]],
      [S, 'failed'],
      [AGAIN, [500, 120]],
      [S, [600, 99]],
      [CLOSE, [700, 99]],
    ]);
  });

  test('not where nothing was sent since the look before', () => {
    timeline([
      [S, [300, 5]],
      [S, [300, 5]],
      [S, [301, 5]],
      [CLOSE, [302, 5]],
    ]);
  });

  test('the second after a failure stays a second', () => {
    timeline([
      [S, [300, 5]],
      [S, [400, 5]],
      [CLOSE, 'failed'],
      [
        [1000, 100],
        [500, 5],
      ],
      [CLOSE, [600, 5]],
    ]);
  });
});

describe('five queries in a row may fail', () => {
  const fails = (times: number, first = S): readonly Line[] =>
    Array.from({ length: times }, (_, i) => [i === 0 ? first : AGAIN, 'failed']);

  test('the sixth is an abort', () => {
    timeline([...fails(5), [AGAIN, 'failed', 'abort']]);
  });

  test('any good answer begins anew', () => {
    timeline([
      ...fails(5),
      [AGAIN, [10, 1000]],
      ...fails(5),
      // Also one that finds nothing sent.
      [AGAIN, [10, 1000]],
      ...fails(5),
      [AGAIN, [20, 1000]],
      ...fails(5),
      [AGAIN, 'failed', 'abort'],
    ]);
  });

  test('setup is none', () => {
    timeline([...fails(5), [AGAIN, 'setup'], [AGAIN, 'failed', 'abort']]);
  });

  test('and the reason counts them', () => {
    const once = startedManager('proxmox', { queryErrorsMax: 0 });
    expect(asked(once, []).when(failed).facts[0]?.because).toMatchObject({ failedQueries: 1 });
  });
});
