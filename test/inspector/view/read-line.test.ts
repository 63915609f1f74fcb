/** A line that is no record ends what is shown, says why, and breaks nothing: whatever it is. */
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../../src/core/record.ts';
import { Engine } from '../../../src/inspector/view/engine.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { recordsOf } from './folded.ts';

const records = recordsOf(smallScenario());
const AT = 9;

function broken(line: (record: Rec) => string, at = AT) {
  const engine = new Engine();
  engine.open({ id: 'a' });
  engine.append(
    'a',
    records.map((record, index) => (index === at ? line(record) : recordText(record))),
  );
  while (engine.fold('a', 1000));
  const positions = records.map(({ position }) => position);
  // What a page asks next is answered, too.
  const rows = engine.rows('a', positions, 'x');
  engine.search('a', { text: 'x', only: 'failure' });
  engine.tellers('a');
  return { ...engine.course('a'), rows: rows.length };
}

const changed = (changes: object) => (record: Rec) => JSON.stringify({ ...record, ...changes });
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

describe('a line among records', () => {
  test.each<readonly [string, (record: Rec) => string, string]>([
    ['cut off', (record) => recordText(record).slice(0, 40), 'it is not JSON'],
    ['empty', () => '', 'it is not JSON'],
    ['a number', () => '42', 'it is no record'],
    ['a list', () => '[1]', 'it is no record'],
    ['null', () => 'null', 'it is no record'],
    ['of another position', changed({ position: 99 }), 'it says that it is record 99'],
    ['of another kind', changed({ kind: 'opened' }), 'it is of kind "opened", and input was expected'],
    ['without an event', changed({ event: undefined }), 'it has no event'],
    ['with a nameless event', changed({ event: { type: 5 } }), 'its type is 5, and the name of an event was expected'],
    ['to nobody', changed({ to: null }), 'its to is null, and an address was expected'],
    ['by nobody', changed({ by: undefined }), 'its by is missing, and who says it was expected'],
    ['out of time', changed({ atNs: '1s' }), 'its atNs is "1s", and a time in ns was expected'],
    [
      'that answers a mapping',
      changed({ answers: {} }),
      'its answers is {}, and the id of an effect such as 4:0 was expected',
    ],
    ['without a checksum', changed({ effects: undefined }), 'its effects is missing, and a checksum was expected'],
    [
      'that is too deep',
      (record) => recordText(record).replace('"type"', `"x":${DEEP},"type"`),
      'it is nested deeper than 2000 levels',
    ],
    ['that says what is damaged', () => JSON.stringify({ damage: 'the file ends here' }), 'the file ends here'],
  ])('%s', (_, line, because) => {
    expect(broken(line)).toMatchObject({ known: AT, folded: AT, rows: AT, broken: { position: AT, because } });
  });

  test.each<readonly [string, (record: Rec) => string, RegExp]>([
    [
      'with another checksum',
      changed({ effects: 1 }),
      /^it caused effects 00000001 then, and effects [0-9a-f]{8} now$/,
    ],
    ['with an event that nobody knows', changed({ event: { type: 'UNKNOWN' } }), /^it caused effects .* then, and/],
    ['to a chart that is not there', changed({ to: 'nowhere' }), /^it caused effects .* then, and/],
  ])('%s is found when it is folded', (_, line, because) => {
    const { known, folded, broken: found } = broken(line);
    expect({ known, folded }).toEqual({ known: records.length, folded: AT });
    expect(found?.because).toMatch(because);
  });
});

describe('a first line', () => {
  test.each<readonly [string, object, string]>([
    ['that opens nothing', { opened: undefined }, 'it does not say what it opens'],
    ['without a name', { opened: {} }, 'its run is missing, and a name was expected'],
    ['without a plan', { opened: { run: 'a' } }, 'its plan is missing, and a mapping was expected'],
    [
      'without drivers',
      { opened: { run: 'a', plan: {}, drivers: 'model' } },
      'its drivers is "model", and a list of names was expected',
    ],
  ])('%s', (_, changes, because) => {
    expect(broken(changed(changes), 0)).toMatchObject({ known: 0, folded: 0, broken: { position: 0, because } });
  });
});
