/**
 * Mistakes planted in the records of a sound run: an order given earlier or not at all, an answer that says something else.
 * The edited run is what a wrong chart would have written down; a checker that reads it must name the record.
 */
import { expect } from 'vitest';
import type { CommandName, Errno } from '../../machines/words.ts';
import { type CheckName, type CheckResult, createCheckers, type ModelTruth } from '../../src/checkers/index.ts';
import type { Command, Effect } from '../../src/core/effect.ts';
import type { EffectId, Input, Rec, RecordedEvent } from '../../src/core/record.ts';

export interface Line {
  readonly record: Rec;
  readonly effects: readonly Effect[];
}
export type Run = readonly Line[];

/** Which command: its name, by whom, and some of its parameters; the first that fits. */
export interface Which {
  readonly name: CommandName;
  readonly by?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** From 0: not the first that fits but the nth. */
  readonly nth?: number;
}

export function check(run: Run, name: CheckName, truth?: ModelTruth): CheckResult {
  const checkers = createCheckers({ only: [name] });
  for (const line of run) checkers.see(line);
  const [result] = checkers.finish(truth);
  return result as CheckResult;
}

export function expectHeld(run: Run, name: CheckName, truth?: ModelTruth): void {
  expect(check(run, name, truth)).toEqual({ name, held: true });
}

export function expectBroken(run: Run, name: CheckName, position: number, because: RegExp, truth?: ModelTruth): void {
  expect(check(run, name, truth)).toEqual({ name, held: false, position, because: expect.stringMatching(because) });
}

export function commandOf(run: Run, which: Which): Command {
  const all = run.flatMap(({ effects }) => effects).filter((effect): effect is Command => effect.kind === 'command');
  const fitting = all.filter((command) => fits(command, which));
  const command = fitting[which.nth ?? 0];
  if (command === undefined) throw new Error(`no such command in this run: ${JSON.stringify(which)}`);
  return command;
}

/** Position of the record that gave this command. */
export function issuedAt(run: Run, which: Which): number {
  const { id } = commandOf(run, which);
  return positionOf(run, ({ effects }) => effects.some((effect) => effect.id === id));
}

/** Position of the record that answers this command. */
export function answeredAt(run: Run, which: Which): number {
  const { id } = commandOf(run, which);
  return positionOf(run, ({ record }) => record.kind === 'input' && record.answers === id);
}

/** Position of the record that announced this. */
export function announcedAt(run: Run, type: string, data: Readonly<Record<string, unknown>> = {}): number {
  return positionOf(run, ({ effects }) =>
    effects.some((effect) => effect.kind === 'fact' && hasAll(effect.event, { type, ...data })),
  );
}

/** The order is given by the record at this position instead, after or before what that record gives anyway. */
export function moveCommand(run: Run, which: Which, position: number, place: 'first' | 'last' = 'last'): Run {
  const command = commandOf(run, which);
  return giveCommand(dropCommand(run, which), position, command, place);
}

/** The order is never given; what answers it stays, and answers nothing. */
export function dropCommand(run: Run, which: Which): Run {
  const { id } = commandOf(run, which);
  return run.map(({ record, effects }) => ({ record, effects: effects.filter((effect) => effect.id !== id) }));
}

export function editCommand(run: Run, which: Which, params: Readonly<Record<string, unknown>>): Run {
  const command = commandOf(run, which);
  const edited = { ...command, params: { ...command.params, ...params } } as Command;
  return run.map(({ record, effects }) => ({
    record,
    effects: effects.map((effect) => (effect === command ? edited : effect)),
  }));
}

/** One more order, given by the record at this position. */
export function addCommand(
  run: Run,
  position: number,
  command: { name: CommandName; by: string; params?: object },
  place: 'first' | 'last' = 'last',
): Run {
  const id: EffectId = `${position}:999`;
  const whole = { kind: 'command', id, deadlineNs: Number.MAX_SAFE_INTEGER, params: {}, ...command } as Command;
  return giveCommand(run, position, whole, place);
}

/** Nobody waits for the answer any more, from the record at this position on. */
export function abandon(run: Run, which: Which, position: number): Run {
  const { id: of } = commandOf(run, which);
  const effect = { kind: 'abandon', id: `${position}:998`, of } as const;
  return run.map((line) =>
    line.record.position === position ? { ...line, effects: [...line.effects, effect] } : line,
  );
}

/** The answer says something else. */
export function editAnswer(run: Run, which: Which, event: Partial<RecordedEvent>): Run {
  const { id } = commandOf(run, which);
  return run.map((line) =>
    line.record.kind === 'input' && line.record.answers === id
      ? { ...line, record: { ...line.record, event: { ...line.record.event, ...event } } }
      : line,
  );
}

export function failAnswer(run: Run, which: Which, errno: Errno): Run {
  return editAnswer(run, which, { type: `FAILED.${which.name}`, errno });
}

/** The command ran out of time; its answer may still come. */
export function timeOut(run: Run, which: Which): Run {
  const position = answeredAt(run, which);
  return failAnswer(run, which, 'ETIMEDOUT').map((line) =>
    line.record.position === position ? { ...line, record: { ...line.record, by: 'timer' } as Rec } : line,
  );
}

/** The answer never came, and what its record caused was caused all the same. */
export function dropAnswer(run: Run, which: Which): Run {
  const { id } = commandOf(run, which);
  return run.map((line) =>
    line.record.kind === 'input' && line.record.answers === id ? { ...line, record: nothing(line.record) } : line,
  );
}

/** One more record, right after the one at this position; those behind it move up. */
export function addRecord(run: Run, position: number, input: Input, effects: readonly Effect[] = []): Run {
  return run.flatMap((line): Line[] => {
    if (line.record.position < position) return [line];
    if (line.record.position > position)
      return [{ ...line, record: { ...line.record, position: line.record.position + 1 } as Rec }];
    const record = { position: position + 1, atNs: line.record.atNs, kind: 'input', effects: 0, ...input } as Rec;
    return [line, { record, effects }];
  });
}

/** Another answer to a command that has one, right after the record at this position. */
export function addAnswer(
  run: Run,
  position: number,
  which: Which,
  event: RecordedEvent,
  by: Input['by'] = 'driver',
): Run {
  const { id, by: to } = commandOf(run, which);
  return addRecord(run, position, { to, by, event, answers: id });
}

export function dropFact(run: Run, type: string, data: Readonly<Record<string, unknown>> = {}): Run {
  return editFacts(run, type, data, () => undefined);
}

export function editFact(run: Run, type: string, data: Readonly<Record<string, unknown>>, event: object): Run {
  return editFacts(run, type, data, (before) => ({ ...before, ...event }));
}

export function withTime(run: Run, position: number, atNs: number): Run {
  return run.map((line) => (line.record.position === position ? { ...line, record: { ...line.record, atNs } } : line));
}

function editFacts(
  run: Run,
  type: string,
  data: object,
  edit: (event: RecordedEvent) => RecordedEvent | undefined,
): Run {
  announcedAt(run, type, data as Record<string, unknown>);
  return run.map(({ record, effects }) => ({
    record,
    effects: effects.flatMap((effect) => {
      if (effect.kind !== 'fact' || !hasAll(effect.event, { type, ...data })) return [effect];
      const event = edit(effect.event);
      return event === undefined ? [] : [{ ...effect, event }];
    }),
  }));
}

function giveCommand(run: Run, position: number, command: Command, place: 'first' | 'last' = 'last'): Run {
  positionOf(run, ({ record }) => record.position === position);
  return run.map(({ record, effects }) => {
    if (record.position !== position) return { record, effects };
    return { record, effects: place === 'last' ? [...effects, command] : [command, ...effects] };
  });
}

function nothing(record: Extract<Rec, { kind: 'input' }>): Rec {
  const { answers: _, ...rest } = record;
  return { ...rest, to: 'migration', event: { type: 'NOTHING' } };
}

function fits(command: Command, { name, by, params = {} }: Which): boolean {
  return command.name === name && (by === undefined || command.by === by) && hasAll(command.params, params);
}

function hasAll(object: object, data: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(data).every(([key, value]) => (object as Record<string, unknown>)[key] === value);
}

function positionOf(run: Run, where: (line: Line) => boolean): number {
  const line = run.find(where);
  if (line === undefined) throw new Error('no such record in this run');
  return line.record.position;
}
