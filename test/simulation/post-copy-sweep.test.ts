/**
 * One disturbance each at every point of a small post-copy, over the scripted driver, and what an operator says of it: each
 * end must be legal. After the storage has changed hands that means completed, or in doubt with the source stopped.
 */
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../machines/plan.ts';
import type { Recorded } from '../../src/run/runner.ts';
import { type Disturbance, illegalities, runSmall, type SmallRun } from './run-small.ts';

const plan: Partial<Plan> = { containers: [], postCopy: true, giveUpAfterMs: 8_000_000 };
const variants: readonly { readonly name: string; readonly plan: Partial<Plan> }[] = [
  { name: '10.2', plan },
  { name: '7.2', plan: { ...plan, loop: 'qemu-7.2' } },
  { name: '7.2, paused before', plan: { ...plan, loop: 'qemu-7.2', pauseBeforeSwitchover: true } },
  { name: '11.1, paused before', plan: { ...plan, loop: 'qemu-11.1', pauseBeforeSwitchover: true } },
];

const announces = ({ effects }: Recorded, status: string) =>
  effects.some(({ kind, ...rest }) => kind === 'fact' && JSON.stringify(rest).includes(`"status":"${status}"`));

/** Orders post-copy once active, goes on after a pause, and recovers what is paused if it may. */
const operator =
  (recovers: boolean) =>
  (one: Recorded): readonly string[] => [
    ...(announces(one, 'active') ? ['START_POSTCOPY'] : []),
    ...(announces(one, 'pre-switchover') ? ['CONTINUE'] : []),
    ...(recovers && announces(one, 'postcopy-paused') ? ['RECOVER'] : []),
  ];

function run(disturbance: Disturbance, recovers = true): SmallRun {
  const ordered = operator(recovers);
  return runSmall({ orders: ordered, ...disturbance });
}

describe.each(variants)('$name', ({ plan }) => {
  const plain = run({ plan });

  test('completes by post-copy when nothing goes wrong', () => {
    expect(plain.outcome).toBe('completed');
    expect(plain.commands).toContain('sendMissing');
    expect(plain.commands).not.toContain('sendRemaining');
    expect(illegalities(plain)).toEqual([]);
  });

  test('a cancel after every record ends legally, and none that comes after the hand-over has an effect', () => {
    const handedOver = plain.recorded.findIndex(({ effects }) =>
      effects.some((effect) => effect.kind === 'command' && effect.name === 'acquireStorage'),
    );
    for (const { record } of plain.recorded) {
      const ran = run({ plan, cancelAfter: record.position });
      const where = `at ${record.position}: ${ran.outcome} (${ran.reason})`;
      expect(illegalities(ran), where).toEqual([]);
      if (record.position >= handedOver) expect(ran.outcome, where).toBe('completed');
    }
  });

  test.each(['error', 'hang', 'silent'] as const)('%s at every command ends legally', (kind) => {
    plain.commands.forEach((name, index) => {
      const ran = run({ plan, [kind]: index + 1 });
      expect(illegalities(ran), `${kind} of ${name}: ${ran.outcome} (${ran.reason})`).toEqual([]);
      if (name === 'sendMissing') expect(ran.outcome, `${kind} of ${name}: ${ran.reason}`).toBe('completed');
    });
  });

  test('a pause that nobody ends is in doubt, and says where the guest is', () => {
    const nth = plain.commands.indexOf('sendMissing') + 1;
    const ran = run({ plan, error: nth }, false);
    expect(ran.outcome).toBe('in-doubt');
    expect(ran.reason).toContain('sendMissing (EIO)');
    expect(ran.reason).toContain('the guest is on the destination');
    expect(ran.world).toMatchObject({ sourceRuns: false, destinationRuns: true, storage: 'destination' });
    expect(ran.statuses.at(-1)).toBe('postcopy-paused');
  });
});

test('an order that comes when nothing can be done about it changes nothing', () => {
  const orders = ['START_POSTCOPY', 'PAUSE', 'RECOVER', 'START_POSTCOPY'];
  const plain = runSmall({ plan: { containers: [] } });
  for (const { record } of plain.recorded) {
    const ran = runSmall({
      plan: { containers: [] },
      orders: (one) => (one.record.position === record.position ? orders : []),
    });
    expect(ran.outcome).toBe('completed');
    expect(ran.statuses).toEqual(plain.statuses);
    expect(illegalities(ran)).toEqual([]);
  }
});

test('every order at every record of a post-copy ends legally', () => {
  const plain = run({ plan });
  for (const { record } of plain.recorded) {
    for (const order of ['START_POSTCOPY', 'PAUSE', 'RECOVER', 'CONTINUE', 'MIGRATE']) {
      const ordered = operator(true);
      const ran = runSmall({
        plan,
        orders: (one) => [...ordered(one), ...(one.record.position === record.position ? [order] : [])],
      });
      expect(illegalities(ran), `${order} at ${record.position}: ${ran.outcome} (${ran.reason})`).toEqual([]);
      expect(ran.outcome).toBe('completed');
    }
  }
});
