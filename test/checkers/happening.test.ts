/** The checkers' own reading of records: whose answer it is, whether anybody still waited, and in which order. */
import { beforeEach, describe, expect, test } from 'vitest';
import { type Happening, Reader } from '../../src/checkers/happening.ts';
import type { Effect } from '../../src/core/effect.ts';
import type { EffectId, Input, Opened, Rec } from '../../src/core/record.ts';

const ID: EffectId = '1:0';
const STOP: Effect = { kind: 'command', id: ID, by: 'guest', name: 'stopVcpus', params: {}, deadlineNs: 9 };
const ABANDON: Effect = { kind: 'abandon', id: '2:0', of: ID };
const FACT: Effect = { kind: 'fact', id: '1:1', by: 'migration', event: { type: 'ENDED', outcome: 'failed' } };

let reader: Reader;
let position: number;
beforeEach(() => {
  reader = new Reader();
  position = 0;
});

function read(input: Partial<Input>, effects: readonly Effect[] = []): readonly Happening[] {
  position++;
  const whole: Input = { to: 'guest', by: 'driver', event: { type: 'NOTHING' }, ...input };
  return reader.read({
    record: { position, atNs: position * 10, kind: 'input', effects: 0, ...whole } as Rec,
    effects,
  });
}

const done = (): Partial<Input> => ({ event: { type: 'DONE.stopVcpus' }, answers: ID });
const timedOut = (): Partial<Input> => ({
  by: 'timer',
  event: { type: 'FAILED.stopVcpus', errno: 'ETIMEDOUT' },
  answers: ID,
});
const kinds = (happenings: readonly Happening[]) =>
  happenings.map((one) => ('late' in one ? `${one.kind}, late: ${one.late}` : one.kind));

test('the first record tells the planned hardware', () => {
  const containers = [{ id: '0', iommuTracks: true, devices: [{ id: 'nic0', features: 7, logsDma: true }] }];
  const opened = { plan: { containers } } as unknown as Opened;
  const record: Rec = { position: 0, atNs: 0, kind: 'opened', opened, effects: 0 };
  expect(reader.read({ record, effects: [] })).toEqual([{ position: 0, atNs: 0, kind: 'opened', containers }]);
});

test('the event of a record happens before what it caused, in order, at its position and time', () => {
  const timer: Effect = { kind: 'setTimer', id: '1:2', by: 'migration', timer: 'x', dueNs: 5, event: { type: 'X' } };
  const clear: Effect = { kind: 'clearTimer', id: '1:3', of: '1:2' };
  const happened = read({ event: { type: 'STOP' } }, [FACT, timer, clear, STOP]);
  expect(kinds(happened)).toEqual(['told', 'fact', 'issued']);
  expect(happened.map(({ position: at, atNs }) => [at, atNs])).toEqual([
    [1, 10],
    [1, 10],
    [1, 10],
  ]);
});

describe('given a command', () => {
  beforeEach(() => {
    read({}, [STOP]);
  });

  test('its answer is done', () => {
    expect(read(done())).toEqual([
      { position: 2, atNs: 20, kind: 'done', command: STOP, event: { type: 'DONE.stopVcpus' }, late: false },
    ]);
  });

  test('its refusal is failed, with the errno', () => {
    const refused = { event: { type: 'FAILED.stopVcpus', errno: 'EIO' }, answers: ID };
    expect(read(refused)).toEqual([
      { position: 2, atNs: 20, kind: 'failed', command: STOP, errno: 'EIO', late: false },
    ]);
  });

  test('a second answer answers nothing, also after a refusal by the driver', () => {
    expect(kinds([...read(done()), ...read(done())])).toEqual(['done, late: false', 'told']);
    read({}, [STOP]);
    const refused = { event: { type: 'FAILED.stopVcpus', errno: 'EIO' }, answers: ID };
    expect(kinds([...read(refused), ...read(done())])).toEqual(['failed, late: false', 'told']);
  });

  test('an answer after its time is late, once', () => {
    expect(kinds([...read(timedOut()), ...read(done()), ...read(done())])).toEqual([
      'failed, late: false',
      'done, late: true',
      'told',
    ]);
  });

  test('an answer after it was abandoned is late', () => {
    const abandoned = read({}, [ABANDON]);
    expect(abandoned[1]).toEqual({ position: 2, atNs: 20, kind: 'abandoned', command: STOP });
    expect(kinds(read(done()))).toEqual(['done, late: true']);
  });

  test('it is abandoned only while somebody waits', () => {
    read(done());
    expect(kinds(read({}, [ABANDON]))).toEqual(['told']);
  });

  test('an event of another name answers nothing, whatever it says', () => {
    expect(kinds(read({ event: { type: 'DONE.resumeVcpus' }, answers: ID }))).toEqual(['told']);
  });

  test('an event that names no command answers none', () => {
    expect(kinds(read({ event: { type: 'DONE.stopVcpus' } }))).toEqual(['told']);
    expect(kinds(read(done()))).toEqual(['done, late: false']);
  });
});
