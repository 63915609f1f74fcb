/**
 * Live and pure agree on any order of inputs, not only on those of a migration: toy charts that supersede, open, close and wait
 * are told random things at random times, by a runner and live, over a driver that answers some commands and some too late.
 */
import fc from 'fast-check';
import { Subject } from 'rxjs';
import { expect, test } from 'vitest';
import { type Answer, COMMANDS, type CommandName } from '../../machines/words.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { xstateClock } from '../../src/clock/xstate-clock.ts';
import type { Command, Effect } from '../../src/core/effect.ts';
import { live } from '../../src/core/live.ts';
import type { EffectId, Input } from '../../src/core/record.ts';
import { createStepper } from '../../src/core/step.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { Runner } from '../../src/run/runner.ts';
import { TOY_OPENED, toyCharts } from './toy-charts.ts';

const MS = 1_000_000;
/** So short that what is answered after 4 ms is late. */
const deadlinesMs = Object.fromEntries(Object.keys(COMMANDS).map((name) => [name, 3])) as Record<CommandName, number>;

interface Told {
  readonly afterMs: number;
  readonly to: string;
  readonly type: string;
}

interface Heard {
  readonly turns: unknown[];
  readonly abandoned: EffectId[];
  /** What the last input threw; nothing runs after it. */
  readonly error: string | undefined;
}

const told: fc.Arbitrary<Told> = fc
  .constantFrom(
    ...[
      'TELL',
      'ASK',
      'ASK_MUCH',
      'WAIT',
      'AGAIN',
      'STOP_WAITING',
      'CLOSE_GUEST',
      'CLOSE_A',
      'OPEN_A',
      'OPEN_GUEST',
    ].map((type) => ['roll-back', type] as const),
    ...[['guest', 'ASK'] as const, ['device/a', 'BUSY'] as const, ['device/b', 'BUSY'] as const],
  )
  .chain(([to, type]) => fc.record({ afterMs: fc.nat(6), to: fc.constant(to), type: fc.constant(type) }));

/** Answers two commands in three, after 2 ms, or after 4 and so too late, or at the very nanosecond of the deadline. */
function answerSome(clock: VirtualClock, { id, name }: Command, answer: (answer: Answer) => void): void {
  const tookMs = [2, 4, 3][Number(id.split(':')[0]) % 3] as number;
  if (id.endsWith('2')) return;
  clock.at(clock.nowNs + tookMs * MS, () => answer({ type: `DONE.${name}`, state: 'STOP' } as Answer));
}

/** Tells the inputs in their time and lets everything run out. */
function play(clock: VirtualClock, inputs: readonly Told[], deliver: (input: Input) => void): string | undefined {
  try {
    for (const { afterMs, to, type } of inputs) {
      clock.runUntil(clock.nowNs + afterMs * MS);
      deliver({ to, by: 'operator', event: { type } });
    }
    clock.runAll(1_000);
  } catch (error) {
    return String(error).replace(/record|turn/, '');
  }
  return undefined;
}

const turnOf = (position: number, atNs: number, outcome: string, effects: readonly Effect[]) => ({
  position,
  atNs,
  outcome,
  effects: [...effects],
});

function pure(inputs: readonly Told[], laps: number): Heard {
  const clock = new VirtualClock();
  const turns: unknown[] = [];
  const abandoned: EffectId[] = [];
  const driver: Driver = {
    name: 'some',
    commands: new Set(),
    loop: 'we',
    verdicts: new Set(),
    sizes: new Set(),
    perform: (command, answer) => answerSome(clock, command, answer),
    abandon: (id) => abandoned.push(id),
    reconcile: async () => [],
    facts$: new Subject(),
    pages$: new Subject(),
    close: () => {},
  };
  const stepper = createStepper(toyCharts(), { deadlinesMs });
  const opened = { ...TOY_OPENED, plan: { laps } };
  const runner = new Runner(opened, { stepper, driver, clock, journal: new MemoryJournal() });
  runner.recorded$.subscribe({
    next: ({ record, outcome, effects }) => turns.push(turnOf(record.position, record.atNs, outcome, effects)),
    error: () => {},
  });
  runner.open();
  return { turns, abandoned, error: play(clock, inputs, (input) => runner.deliver(input)) };
}

function alive(inputs: readonly Told[], laps: number): Heard {
  const clock = new VirtualClock();
  const turns: unknown[] = [];
  const abandoned: EffectId[] = [];
  const system = live(
    toyCharts(),
    { laps },
    {
      clock: xstateClock(clock),
      nowNs: () => clock.nowNs,
      deadlinesMs,
      perform: (command) => answerSome(clock, command, (answer) => system.answer(command.id, answer)),
      abandon: (id) => abandoned.push(id),
      watch: ({ position, atNs, outcome, effects }) => turns.push(turnOf(position, atNs, outcome, effects)),
    },
  );
  system.start();
  return { turns, abandoned, error: play(clock, inputs, (input) => system.deliver(input)) };
}

test('any inputs have the same effects, under the same ids, at the same times', () => {
  const seen = { late: 0, abandoned: 0, threw: 0, timers: 0 };
  const inputs = fc.array(told, { minLength: 1, maxLength: 25, size: 'max' });
  const agree = fc.property(inputs, fc.nat(3), (all, laps) => {
    const expected = pure(all, laps);
    expect(alive(all, laps)).toEqual(expected);
    const text = JSON.stringify(expected.turns);
    seen.late += Number(text.includes('"outcome":"late"'));
    seen.abandoned += Number(text.includes('"kind":"abandon"'));
    seen.timers += Number(text.includes('"kind":"clearTimer"'));
    seen.threw += Number(expected.error !== undefined);
  });
  fc.assert(agree, { seed: 11, numRuns: 300 });
  for (const [what, times] of Object.entries(seen)) expect(times, what).toBeGreaterThan(20);
});
