/** The prototype's published rule: after 4 passes, 10 % more every 2, at most 99 %. */
import { expect, test } from 'vitest';
import { STEPPED_THROTTLE_DEFAULTS, steppedThrottle } from '../../../machines/convergence/stepped-throttle.ts';
import { type Given, given } from '../given.ts';

const pass = (round: number) => ({ type: 'SYNCED', from: 'pre-copy', round, newDirtyPages: 0, sentBytes: 0 });
const percentOf = (one: Given) => (one.snapshot.context as { throttlePercent: number }).throttlePercent;

/** After the sync of each pass, from 0 on. */
function ladder(changes: object, passes: number): readonly number[] {
  let one = given(steppedThrottle, { ...STEPPED_THROTTLE_DEFAULTS, ...changes });
  return Array.from({ length: passes + 1 }, (_, round) => {
    one = one.when(pass(round));
    return percentOf(one);
  });
}

test('nothing before the fourth pass is through, then a step with every second pass', () => {
  expect(ladder({}, 11)).toEqual([0, 0, 0, 0, 10, 10, 20, 20, 30, 30, 40, 40]);
});

test('at most 99 %', () => {
  expect(ladder({}, 28).slice(19)).toEqual([80, 90, 90, 99, 99, 99, 99, 99, 99, 99]);
});

test('with other figures', () => {
  expect(ladder({ afterPasses: 1, everyPasses: 1, stepPercent: 40, maxPercent: 70 }, 4)).toEqual([0, 40, 70, 70, 70]);
});

test('the guest is told, and it goes when the migration ends', () => {
  const throttled = given(steppedThrottle, STEPPED_THROTTLE_DEFAULTS).when(pass(4));
  throttled.then({
    told: [
      { to: 'guest', type: 'THROTTLE', percent: 10 },
      { to: 'pre-copy', type: 'THROTTLED', percent: 10 },
    ],
  });
  throttled
    .when({ type: 'PRECOPY_ENDED', from: 'migration' })
    .then({ state: 'keeping' })
    .when({ type: 'RELEASE', from: 'migration' })
    .then({ state: 'released', told: [{ to: 'guest', type: 'THROTTLE', percent: 0 }] });
});

test('while losing: a step only after a pass in whose time more was dirtied than sent', () => {
  const once = {
    ...STEPPED_THROTTLE_DEFAULTS,
    afterPasses: 1,
    everyPasses: 1,
    whileLosing: true as const,
    pageBytes: 4096,
  };
  const synced = (round: number, newDirtyPages: number) => ({ ...pass(round), newDirtyPages, sentBytes: 10 * 4096 });
  const percents = [11, 10, 9, 11].map((_, index, pages) => {
    const events = pages.slice(0, index + 1).map((dirty, at) => synced(at + 1, dirty));
    return percentOf(given(steppedThrottle, once).when(...events));
  });
  expect(percents).toEqual([10, 10, 10, 20]);
});
