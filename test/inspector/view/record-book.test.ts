/**
 * What is asked of a run's records: found ones, causes and consequences, the sequence, who told whom. Each is held to the records
 * themselves, to the systems of a replay, or to the table of events, and never to another answer of the same book.
 */
import { describe, expect, test } from 'vitest';
import type { Kind } from '../../../machines/messages.ts';
import type { Rec } from '../../../src/core/record.ts';
import { kindOf, type System } from '../../../src/core/system.ts';
import { Engine } from '../../../src/inspector/view/engine.ts';
import { positionOfEffect } from '../../../src/inspector/view/links.ts';
import { piecesOf } from '../../../src/inspector/view/search.ts';
import { columnsOf } from '../../../src/inspector/view/sequence.ts';
import { chartsOfPlan, tellersOf } from '../../../src/inspector/view/tellers.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { replay } from '../../../src/run/replay.ts';
import { MESSAGES } from '../../core/event-table.ts';
import { recordsOf } from './folded.ts';

const RUNS = ['two-nics', 'fault-destination-dies', 'own-policy', 'postcopy-link-lost'] as const;

interface Run {
  readonly engine: Engine;
  readonly records: readonly Rec[];
  readonly systems: readonly System[];
}

const known = new Map<string, Run>();

function runOf(scenario: string): Run {
  const found = known.get(scenario);
  if (found !== undefined) return found;
  const records = recordsOf(scenario);
  const systems: System[] = [];
  replay(records, ({ system }) => void systems.push(system));
  const engine = new Engine();
  engine.open({ id: 'a' });
  engine.append('a', records.map(recordText));
  while (engine.fold('a', 1000));
  const run = { engine, records, systems };
  known.set(scenario, run);
  return run;
}

describe.each(RUNS)('causes and consequences in %s', (scenario) => {
  const { engine, records, systems } = runOf(scenario);
  const links = records.map(({ position }) => engine.links('a', position));

  test('the cause of a record is the one whose effect it answers', () => {
    for (const record of records) {
      const { cause } = links[record.position] as (typeof links)[number];
      const answers = record.kind === 'input' ? record.answers : undefined;
      expect(cause?.position, `record ${record.position}`).toBe(positionOfEffect(answers));
      expect(cause?.effect?.id).toBe(answers);
    }
  });

  test('an effect has its fate in the record that took it off the lists of what is waited for', () => {
    let fates = 0;
    for (const { effects } of links) {
      for (const { effect, fate } of effects) {
        if (effect.kind !== 'command' && effect.kind !== 'setTimer') continue;
        const waits = (system: System | undefined) =>
          system !== undefined && (system.pending.has(effect.id) || system.timers.has(effect.id));
        const from = Number(effect.id.split(':')[0]);
        const over = systems.findIndex((system, position) => position > from && !waits(system));
        // Issued and taken back by one record, it never stood on a list.
        const isNever = !waits(systems[from]);
        expect(fate?.position, effect.id).toBe(isNever ? from : over === -1 ? undefined : over);
        const record = fate === undefined ? undefined : records[fate.position];
        const isAnswer = record?.kind === 'input' && record.answers === effect.id;
        expect(fate === undefined ? false : ['answered', 'failed', 'fired'].includes(fate.how)).toBe(isAnswer);
        fates += fate === undefined ? 0 : 1;
      }
    }
    expect(fates).toBeGreaterThan(20);
  });

  test('a row says how many of its effects are still waited for', () => {
    const last = systems.at(-1) as System;
    const waiting = [...last.pending.keys(), ...last.timers.keys()].map((id) => positionOfEffect(id));
    const rows = engine.rows(
      'a',
      records.map(({ position }) => position),
      '',
    );
    for (const { position, pending } of rows) {
      expect(pending, `record ${position}`).toBe(waiting.filter((one) => one === position).length);
    }
  });
});

describe('search', () => {
  const { engine, records } = runOf('two-nics');
  const lines = records.map(recordText);

  test.each(['DONE.setDeviceState', 'nic1 resuming', 'answers', '"by":"driver"', '(', 'nowhere at all'])(
    '%s',
    (text) => {
      const words = text.toLowerCase().split(' ');
      const expected = lines.flatMap((line, at) =>
        words.every((word) => line.toLowerCase().includes(word)) ? [at] : [],
      );
      expect([...engine.search('a', { text }).positions]).toEqual(expected);
    },
  );

  test('goes on where it stopped', () => {
    const half = Math.floor(lines.length / 2);
    const early = new Engine();
    early.open({ id: 'a' });
    early.append('a', lines.slice(0, half));
    const first = early.search('a', { text: 'driver' });
    early.append('a', lines.slice(half));
    const rest = early.search('a', { text: 'driver', from: first.upTo });
    expect([...first.positions, ...rest.positions]).toEqual([...engine.search('a', { text: 'driver' }).positions]);
    expect(rest.positions.length).toBeGreaterThan(0);
  });

  test('by chart, by whom, and by what a person looks for', () => {
    const inputs = records.flatMap((record) => (record.kind === 'input' ? [record] : []));
    const of = (wish: object) => [...engine.search('a', { text: '', ...wish }).positions];
    expect(of({ to: 'dirty-log' })).toEqual(
      inputs.filter(({ to }) => to === 'dirty-log').map(({ position }) => position),
    );
    expect(of({ by: 'operator' })).toEqual([1]);
    const failed = runOf('fault-destination-dies');
    const found = [...failed.engine.search('a', { text: '', only: 'failure' }).positions];
    const failures = failed.records.filter(
      (record) => record.kind === 'input' && record.event.type.startsWith('FAILED.'),
    );
    expect(failures.length).toBeGreaterThan(0);
    expect(found).toEqual(expect.arrayContaining(failures.map(({ position }) => position)));
  });

  test('where a shadow would have acted', () => {
    const run = runOf('own-policy');
    const found = [...run.engine.search('a', { text: '', only: 'shadow' }).positions];
    const folded = run.engine.between('a', 0, run.records.length - 1);
    const acted = folded
      .filter(({ effects }) =>
        effects.some(
          (effect) =>
            effect.kind === 'fact' && effect.event.type === 'SHADOW_JUDGED' && effect.event.verdict !== 'continue',
        ),
      )
      .map(({ record }) => record.position);
    expect(acted.length).toBeGreaterThan(0);
    expect(found).toEqual(acted);
  });

  test.each(['a', 'Done.', '<b>', '.*', ''])('pieces around "%s" put together are the text', (word) => {
    const text = 'DONE.sendRound of <b>a</b>, done.';
    const pieces = piecesOf(text, word === '' ? [] : [word]);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    for (const { text: piece, isMatch } of pieces) expect(piece.toLowerCase() === word.toLowerCase()).toBe(isMatch);
  });
});

describe.each(RUNS)('the sequence of %s', (scenario) => {
  const { engine, records } = runOf(scenario);
  const groups = engine.sequence('a', 0, records.length - 1);
  const folded = engine.between('a', 0, records.length - 1);

  test('has every delivery once and in order, and then every effect', () => {
    for (const [position, { rows }] of groups.entries()) {
      const { told, effects } = folded[position] as (typeof folded)[number];
      const drawn = rows.flatMap((row) => {
        if (row.kind === 'input' || row.kind === 'message') return [`${row.to} ${row.type}`];
        return row.kind === 'opened' ? row.charts.map((chart) => `${chart} xstate.init`) : [];
      });
      const record = records[position] as Rec;
      const isUndelivered = record.kind === 'input' && (told[0]?.from !== undefined || told.length === 0);
      const inputs = record.kind === 'input' && isUndelivered ? [`${record.to} ${record.event.type}`] : [];
      expect(drawn, `record ${position}`).toEqual([...inputs, ...told.map(({ to, event }) => `${to} ${event.type}`)]);
      expect(rows.flatMap((row) => (row.effect === undefined ? [] : [row.effect]))).toEqual(
        effects.map(({ id }) => id),
      );
    }
  });

  test('counts its rows before they are asked for', () => {
    const { counts, charts } = engine.sequenceCounts('a', 0);
    expect([...counts]).toEqual(groups.map(({ rows }) => rows.length));
    expect([...engine.sequenceCounts('a', 5).counts]).toEqual([...counts].slice(5));
    expect(new Set(charts)).toEqual(
      new Set(folded.flatMap(({ told }) => told.filter(({ opens }) => opens).map(({ to }) => to))),
    );
  });

  test('has a column for whoever tells or is told', () => {
    const { charts } = engine.sequenceCounts('a', 0);
    const columns = columnsOf(groups, charts);
    for (const { told } of folded) for (const { to, opens } of told) if (!opens) expect(columns).toContain(to);
    expect(columns.slice(0, 2)).toEqual(expect.arrayContaining(['operator']));
    expect(new Set(columns).size).toBe(columns.length);
  });
});

/** Said by an operator, or by a driver that was not asked: in no chart's table. */
const FROM_OUTSIDE: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  migration: ['BRANCHED', 'CONTINUE', 'DESTINATION_FENCED', 'MIGRATE', 'PAUSE', 'RECOVER', 'SOURCE_FENCED', 'TAKE_UP'],
  'pre-copy': ['SWITCHOVER_ACKED'],
  'hot-plug': ['PLUG', 'UNPLUG'],
};

describe('who tells whom', () => {
  const plan = { policy: { name: 'qemu' }, manager: { name: 'nova' }, shadows: [{ name: 'qemu' }] };
  const edges = tellersOf(chartsOfPlan(plan));
  const toldTypes = (to: string) =>
    edges.filter((edge) => edge.how === 'message' && edge.to === to).flatMap(({ types }) => types);

  test.each(Object.entries(MESSAGES).filter(([kind]) => kind !== 'observed'))(
    'whatever %s may be told is in its inbox',
    (kind, inbox) => {
      const types = new Set(toldTypes(kind));
      expect([...types].filter((type) => !(type in inbox))).toEqual([]);
      expect(types.size).toBeGreaterThan(kind === 'guest' ? 2 : 0);
      for (const type of FROM_OUTSIDE[kind as Kind] ?? []) expect(types.has(type), type).toBe(false);
    },
  );

  test.each(RUNS)('whatever was told in %s may be told, and is counted', (scenario) => {
    const { engine, records } = runOf(scenario);
    const { edges: all } = engine.tellers('a');
    const counted = new Map<string, number>();
    const folded = engine.between('a', 0, records.length - 1);
    for (const { told } of folded) {
      for (const { from, to, event } of told) {
        if (from === undefined) continue;
        const edge = all.find((one) => one.how === 'message' && one.from === kindOf(from) && one.to === kindOf(to));
        expect(edge?.types, `${from} tells ${to} ${event.type}`).toContain(event.type);
        const key = `${kindOf(from)} ${kindOf(to)} ${event.type}`;
        counted.set(key, (counted.get(key) ?? 0) + 1);
      }
    }
    const soFar = engine.tellings('a', records.length - 1).filter(({ how }) => how === 'message');
    expect(new Map(soFar.map(({ from, to, type, count }) => [`${from} ${to} ${type}`, count]))).toEqual(counted);
    expect(engine.tellings('a', 0).every(({ count, last }) => count === 0 || last.at(-1) === 0)).toBe(true);
  });
});
