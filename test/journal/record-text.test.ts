import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import {
  parsedRecord,
  recordText,
  restoredRecord,
  storedRecord,
  storedRecords,
} from '../../src/journal/record-text.ts';
import { anyRun, inputRecord, openedRecord, runOf } from './records.ts';

describe('the text of a record', () => {
  test('is one line, its own keys in a fixed order, the event as it was', () => {
    const shuffled = {
      effects: 9,
      event: { type: 'T', z: 1, a: { y: 'line\nfeed', b: 2 } },
      answers: '3:1',
      by: 'driver',
      to: 'device/nic0',
      kind: 'input',
      atNs: 5,
      position: 4,
    } as const satisfies Rec;
    expect(recordText(shuffled)).toBe(
      '{"position":4,"atNs":5,"kind":"input","to":"device/nic0","by":"driver",' +
        '"event":{"type":"T","z":1,"a":{"y":"line\\nfeed","b":2}},"answers":"3:1","effects":9}',
    );
  });

  test('leaves out what is undefined and writes -0 as 0', () => {
    const event = { type: 'T', gone: undefined, zero: -0 };
    expect(recordText(inputRecord(1, { event }))).toContain('"event":{"type":"T","zero":0}');
  });

  test('gives back the record it was made of, and its text again the same', () => {
    fc.assert(
      fc.property(anyRun, (records) => {
        for (const record of records) {
          const text = recordText(record);
          expect(text).not.toContain('\n');
          const parsed = parsedRecord(text);
          expect(parsed).toEqual({ record });
          expect('record' in parsed && recordText(parsed.record)).toBe(text);
        }
      }),
    );
  });
});

describe('a text that is no record', () => {
  const input = JSON.parse(recordText(inputRecord(4))) as Record<string, unknown>;
  const opened = JSON.parse(recordText(openedRecord('r'))) as { opened: Record<string, unknown> };
  test.each<[unknown, string]>([
    [[], 'expected an object, found []'],
    [null, 'expected an object, found null'],
    [{ ...input, position: '4' }, 'position: expected an integer from 0, found "4"'],
    [{ ...input, position: -1 }, 'position: expected an integer from 0, found -1'],
    [{ ...input, position: 0 }, 'position: expected an integer from 1, since 0 opens the run, found 0'],
    [{ ...opened, position: 1 }, 'position: expected 0, where a run is opened, found 1'],
    [{ ...input, kind: 'output' }, 'kind: expected opened or input, found "output"'],
    [{ ...input, atNs: 1.5 }, 'atNs: expected an integer of nanoseconds, found 1.5'],
    [{ ...input, atNs: 2 ** 53 }, 'atNs: expected an integer of nanoseconds'],
    [{ ...input, to: '' }, 'to: expected a text, found ""'],
    [{ ...input, by: 'chart' }, 'by: expected operator, driver, timer, import or policy:<name>@<hash>, found "chart"'],
    [{ ...input, by: 'policy:' }, 'by: expected operator'],
    [{ ...input, event: { name: 'T' } }, 'event: expected an object with a type'],
    [{ ...input, event: 'T' }, 'event: expected an object with a type, found "T"'],
    [{ ...input, answers: '3' }, 'answers: expected an effect\'s id, position:index, found "3"'],
    [{ ...input, effects: -1 }, 'effects: expected an integer of 32 bits, found -1'],
    [{ ...input, effects: 2 ** 32 }, 'effects: expected an integer of 32 bits, found 4294967296'],
    [{ ...input, effects: undefined }, 'effects: expected an integer of 32 bits, found undefined'],
    [{ ...input, wallMs: 5 }, 'wallMs: expected no such key'],
    [{ ...opened, opened: undefined }, 'opened: expected an object, found undefined'],
    [{ ...opened, opened: { ...opened.opened, seed: 'x' } }, 'opened.seed: expected an integer, found "x"'],
    [{ ...opened, opened: { ...opened.opened, plan: undefined } }, 'opened.plan: expected a value, found undefined'],
    [{ ...opened, opened: { ...opened.opened, drivers: [1] } }, 'opened.drivers: expected a list of texts, found [1]'],
    [{ ...opened, opened: { ...opened.opened, policies: [{}] } }, 'opened.policies: expected a list of { name'],
    [{ ...opened, opened: { ...opened.opened, pid: 1 } }, 'opened.pid: expected no such key'],
  ])('%j', (value, problem) => {
    const parsed = parsedRecord(JSON.stringify(value));
    expect('problem' in parsed && parsed.problem).toContain(problem);
    // Nothing that cannot be read can be written.
    expect(() => recordText(value as Rec)).toThrow(TypeError);
  });

  test('is told from JSON that is torn', () => {
    expect(parsedRecord('{"position":4,')).toMatchObject({ problem: expect.stringContaining('expected JSON') });
  });
});

describe('the checksum of a stored record', () => {
  const record = inputRecord(4);
  const stored = storedRecord('r', record, 77);

  test('is the CRC-32 of run, position, the checksum before, and text', () => {
    expect(stored.crc).toBe(zlibCrc32(`r\n4\n77\n${recordText(record)}`));
  });

  test('holds', () => {
    expect(restoredRecord('r', 4, 77, stored)).toEqual(record);
  });

  test('of several is a chain', () => {
    const [first, second] = storedRecords('r', runOf('r', 2), 0);
    expect(restoredRecord('r', 1, first!.crc, second!)).toEqual(runOf('r', 2)[1]);
    expect(second).toEqual(storedRecord('r', inputRecord(1), first!.crc));
  });

  test.each<[string, () => unknown, string]>([
    ['another run', () => restoredRecord('s', 4, 77, stored), 'run "s", position 4: the record\'s checksum is'],
    ['another record before it', () => restoredRecord('r', 4, 78, stored), "position 4: the record's checksum is"],
    [
      'another position, relabelled',
      () => restoredRecord('r', 5, 77, { ...stored, position: 5 }),
      "position 5: the record's checksum",
    ],
    ['a gap', () => restoredRecord('r', 2, 77, stored), 'expected position 2, found 4: 2 before it missing'],
    ['a duplicate', () => restoredRecord('r', 5, 77, stored), 'expected position 5, found 4 once more'],
    ['another checksum', () => restoredRecord('r', 4, 77, { ...stored, crc: stored.crc ^ 1 }), 'when it was written'],
  ])('does not hold for %s', (_, restore, words) => {
    expect(restore).toThrow(expect.objectContaining({ kind: 'damaged', message: expect.stringContaining(words) }));
  });

  test.each([
    ['a kind that is not known', { kind: 'note' }, 'kind: expected opened or input, found "note"'],
    ['a key that is not known', { wallMs: 5 }, 'wallMs: expected no such key'],
  ])('a whole record of %s is of a later release, not damaged', (_, more, words) => {
    const text = JSON.stringify({ ...record, ...more });
    expect(() => restoredRecord('r', 4, 0, { position: 4, text, crc: zlibCrc32(`r\n4\n0\n${text}`) })).toThrow(
      expect.objectContaining({ kind: 'newer-version', position: 4, message: expect.stringContaining(words) }),
    );
  });

  test('a text with a good checksum whose own position is another is damaged too', () => {
    const text = recordText(inputRecord(9));
    expect(() => restoredRecord('r', 4, 0, { position: 4, text, crc: zlibCrc32(`r\n4\n0\n${text}`) })).toThrow(
      'expected position 4, found 9',
    );
  });

  test('does not hold after any change of one byte', () => {
    const bytes = Buffer.from(stored.text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at]! ^= flip;
        expect(() => restoredRecord('r', 4, 77, { ...stored, text: changed.toString('utf8') })).toThrow('position 4');
      }),
      { numRuns: 1_000 },
    );
  });
});
