/** What every journal does. A store is one place that several handles can be opened on. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Rec } from '../../src/core/record.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { JournalError, type JournalErrorKind } from '../../src/journal/journal-error.ts';
import { anyRun, inputRecord, openedRecord, partOf, runOf } from './records.ts';

export interface Store {
  open(): Journal;
  /** Closes what is still open and removes what is left. */
  remove(): void;
}

/** A store that can be written: memory, SQLite, PostgreSQL. */
export function conformsToJournal(makeStore: () => Store): void {
  let store: Store;
  let journal: Journal;
  beforeEach(() => {
    store = makeStore();
    journal = store.open();
  });
  afterEach(() => {
    journal.close();
    store.remove();
  });

  describe('append and read', () => {
    test('gives back what was appended, key by key in the same order', async () => {
      await fc.assert(
        fc.asyncProperty(anyRun, async (records) => {
          const fresh = makeStore();
          const writer = fresh.open();
          try {
            await writer.append('r', 0, records);
            const read = [...writer.read('r')];
            expect(read).toEqual(records);
            read.forEach((record, index) => {
              if (record.kind === 'input')
                expect(JSON.stringify(record.event)).toBe(JSON.stringify((records[index] as typeof record).event));
            });
          } finally {
            writer.close();
            fresh.remove();
          }
        }),
        { numRuns: 30 },
      );
    });

    test('one by one or in batches makes no difference', async () => {
      await journal.append('a', 0, runOf('a', 5));
      for (const record of runOf('b', 5)) await journal.append('b', record.position, [record]);
      expect([...journal.read('b')].slice(1)).toEqual([...journal.read('a')].slice(1));
    });

    test('from a position on; from the end or beyond, nothing', async () => {
      await journal.append('a', 0, runOf('a', 6));
      expect([...journal.read('a', 4)]).toEqual(partOf('a', 4, 6));
      expect([...journal.read('a', 6)]).toEqual([]);
      expect([...journal.read('a', 7)]).toEqual([]);
      expect(() => [...journal.read('a', -1)]).toThrow(RangeError);
      expect(() => [...journal.read('a', 0.5)]).toThrow(RangeError);
    });

    test('of a run longer than any page of rows', async () => {
      const records = runOf('long', 1_500);
      await journal.append('long', 0, records);
      expect([...journal.read('long')]).toEqual(records);
    });

    test('of a run that does not exist is nothing', () => {
      expect([...journal.read('nobody')]).toEqual([]);
      expect(journal.runs()).toEqual([]);
    });

    test('of nothing changes nothing', async () => {
      await journal.append('a', 0, []);
      expect(journal.runs()).toEqual([]);
      await journal.append('a', 0, runOf('a', 2));
      await journal.append('a', 2, []);
      expect(journal.runs()).toMatchObject([{ run: 'a', records: 2 }]);
    });

    test('records are values: changing one afterwards changes no journal', async () => {
      const event = { type: 'PAUSE', nested: { count: 1 } };
      await journal.append('a', 0, [openedRecord('a'), inputRecord(1, { event })]);
      event.nested.count = 2;
      expect([...journal.read('a', 1)]).toMatchObject([{ event: { nested: { count: 1 } } }]);
      const [read] = [...journal.read('a', 1)] as unknown as { event: typeof event }[];
      read!.event.nested.count = 3;
      expect([...journal.read('a', 1)]).toMatchObject([{ event: { nested: { count: 1 } } }]);
    });

    test('a reader sees the records there were when it began, while the writer goes on', async () => {
      await journal.append('a', 0, runOf('a', 600));
      const reader = journal.read('a')[Symbol.iterator]();
      const first = reader.next();
      await journal.append('a', 600, partOf('a', 600, 700));
      const rest: Rec[] = [];
      for (let next = reader.next(); next.done !== true; next = reader.next()) rest.push(next.value);
      expect([first.value, ...rest]).toEqual(runOf('a', 600));
    });
  });

  describe('what is refused', () => {
    test('another number of records than expected is a conflict, and changes nothing', async () => {
      await journal.append('a', 0, runOf('a', 3));
      for (const [position, records] of [
        [0, runOf('a', 1)],
        [2, partOf('a', 2, 4)],
        [4, partOf('a', 4, 5)],
        [1, []],
      ] as const) {
        await expectError('conflict', () => journal.append('a', position, records), { run: 'a', position });
      }
      await expectError('conflict', () => journal.append('new', 1, partOf('new', 1, 2)), { run: 'new', position: 1 });
      expect([...journal.read('a')]).toEqual(runOf('a', 3));
      expect(journal.runs()).toMatchObject([{ run: 'a', records: 3 }]);
    });

    test.each<[string, number, Rec[]]>([
      ['a first record at another position', 0, partOf('a', 1, 2)],
      ['a gap', 0, [openedRecord('a'), inputRecord(2)]],
      ['the same position twice', 0, [openedRecord('a'), inputRecord(1), inputRecord(1)]],
      ['a position that is no integer', 0.5, [inputRecord(0.5)]],
      ['a negative position', -1, [inputRecord(-1)]],
      ['a record that opens another run', 0, [openedRecord('b')]],
    ])('%s is a mistake of the caller', async (_, position, records) => {
      await expect((async () => journal.append('a', position, records))()).rejects.toThrow(RangeError);
      expect(journal.runs()).toEqual([]);
    });

    test.each<[string, unknown, string]>([
      ['NaN', { load: Number.NaN }, 'event.load: NaN'],
      ['Infinity, deep inside', { a: [{ b: Infinity }] }, 'event.a[0].b: Infinity'],
      ['a date', { at: new Date(0) }, 'event.at: a Date'],
      ['a map', { pages: new Map() }, 'event.pages: a Map'],
      ['a typed array', { pages: new Uint32Array(2) }, 'event.pages: a Uint32Array'],
      ['a bigint', { address: 2n ** 60n }, 'event.address: bigint'],
      ['a function', { later: () => {} }, 'event.later: function'],
      ['undefined in a list', { a: [undefined] }, 'event.a[0]: undefined'],
    ])('an event with %s is not JSON, and nothing of the batch is appended', async (_, data, words) => {
      const event = { type: 'ODD', ...(data as object) };
      const records = [openedRecord('a'), inputRecord(1), inputRecord(2, { event })];
      const appended = (async () => journal.append('a', 0, records))();
      await expect(appended).rejects.toThrow(TypeError);
      await expect(appended).rejects.toThrow(words);
      expect(journal.runs()).toEqual([]);
    });

    test.each(['', 'two\nlines', 'x'.repeat(201), '\ud800'])('%j is no name of a run', async (run) => {
      await expect((async () => journal.append(run, 0, [openedRecord(run)]))()).rejects.toThrow(RangeError);
      expect(() => journal.claim(run)).toThrow(RangeError);
    });
  });

  describe('runs', () => {
    test('many in one journal do not touch each other', async () => {
      const names = ['b', 'a', 'ä 🚚', "o'brien", 'a%', 'a_'];
      for (const [index, run] of names.entries()) await journal.append(run, 0, runOf(run, index + 1));
      await journal.append('a', 2, partOf('a', 2, 3));
      for (const [index, run] of names.entries())
        expect([...journal.read(run)]).toEqual(runOf(run, run === 'a' ? 3 : index + 1));
      expect(journal.runs().map(({ run, records }) => `${run}:${records}`)).toEqual([
        'b:1',
        'a:3',
        'ä 🚚:3',
        "o'brien:4",
        'a%:5',
        'a_:6',
      ]);
    });

    test("carry the name of their scenario, when it has one that's a text", async () => {
      await journal.append('a', 0, [openedRecord('a', { scenario: { name: 'two NICs' } })]);
      await journal.append('b', 0, [openedRecord('b', { scenario: null })]);
      await journal.append('c', 0, [openedRecord('c', { scenario: { name: 5 } })]);
      expect(journal.runs().map(({ scenario }) => scenario)).toEqual(['two NICs', undefined, undefined]);
    });
  });

  describe('two handles', () => {
    let other: Journal;
    beforeEach(() => {
      other = store.open();
    });
    afterEach(() => {
      other.close();
    });

    test('see the same records at once', async () => {
      await journal.append('a', 0, runOf('a', 2));
      expect([...other.read('a')]).toEqual(runOf('a', 2));
      await other.append('a', 2, partOf('a', 2, 3));
      expect([...journal.read('a')]).toEqual(runOf('a', 3));
    });

    test('racing on one run: one of them wins each position, the other gets a conflict', async () => {
      await journal.append('a', 0, runOf('a', 1));
      let conflicts = 0;
      for (let position = 1; position < 50; position++) {
        const racers = position % 2 === 0 ? [journal, other] : [other, journal];
        for (const racer of racers) {
          try {
            await racer.append('a', position, [inputRecord(position)]);
          } catch (error) {
            expect(error).toMatchObject({ kind: 'conflict', run: 'a', position });
            conflicts++;
          }
        }
      }
      expect(conflicts).toBe(49);
      expect([...journal.read('a')]).toEqual(runOf('a', 50));
    });

    test('one claim at a time: the second is locked, whoever makes it, until the first lets go', async () => {
      journal.claim('a');
      await expectError('locked', () => other.claim('a'), { run: 'a' });
      await expectError('locked', () => journal.claim('a'), { run: 'a' });
      other.claim('b');
      journal.release('a');
      other.claim('a');
      await expectError('locked', () => journal.claim('a'), { run: 'a' });
    });

    test("a claimed run takes its writer's records only", async () => {
      await journal.append('a', 0, runOf('a', 1));
      journal.claim('a');
      await expectError('locked', () => other.append('a', 1, partOf('a', 1, 2)), { run: 'a', position: 1 });
      await journal.append('a', 1, partOf('a', 1, 2));
      journal.release('a');
      await other.append('a', 2, partOf('a', 2, 3));
      expect([...journal.read('a')]).toEqual(runOf('a', 3));
    });

    test('releasing what one does not hold does nothing', async () => {
      journal.claim('a');
      other.release('a');
      other.release('never claimed');
      await expectError('locked', () => other.claim('a'), { run: 'a' });
    });

    test('closing lets go of all claims', () => {
      journal.claim('a');
      journal.claim('b');
      journal.close();
      other.claim('a');
      other.claim('b');
    });

    test('an operator can take a place over; the former writer can then append no more', async () => {
      journal.claim('a');
      await journal.append('a', 0, runOf('a', 1));
      other.claim('a', { takeOver: true });
      await expectError('locked', () => journal.append('a', 1, partOf('a', 1, 2)), { run: 'a', position: 1 });
      await other.append('a', 1, partOf('a', 1, 2));
      other.release('a');
      // Whoever was displaced does not know what was appended meanwhile: it has to claim, and look, again.
      await expectError('locked', () => journal.append('a', 2, partOf('a', 2, 3)), { run: 'a' });
      journal.claim('a');
      await journal.append('a', 2, partOf('a', 2, 3));
      expect([...other.read('a')]).toEqual(runOf('a', 3));
    });
  });

  test('closed, a journal does nothing more; closing twice is no mistake', async () => {
    await journal.append('a', 0, runOf('a', 2));
    journal.close();
    journal.close();
    await expect((async () => journal.append('a', 2, partOf('a', 2, 3)))()).rejects.toThrow('closed');
    expect(() => [...journal.read('a')]).toThrow('closed');
    expect(() => journal.runs()).toThrow('closed');
    expect(() => journal.claim('a')).toThrow('closed');
    const again = store.open();
    expect([...again.read('a')]).toHaveLength(2);
    again.close();
  });
}

/** The reading half, over a store that somebody else has filled with one run. */
export function conformsToReading(openWith: (run: string, records: readonly Rec[]) => Journal, numRuns: number): void {
  test('gives back what was appended', () => {
    fc.assert(
      fc.property(anyRun, (records) => {
        const journal = openWith('r', records);
        expect([...journal.read('r')]).toEqual(records);
        journal.close();
      }),
      { numRuns },
    );
  });

  test('from a position on, and nothing of another run', () => {
    const journal = openWith('a', runOf('a', 6));
    expect([...journal.read('a', 4)]).toEqual(partOf('a', 4, 6));
    expect([...journal.read('a', 6)]).toEqual([]);
    expect([...journal.read('a', 9)]).toEqual([]);
    expect([...journal.read('b')]).toEqual([]);
    expect(() => [...journal.read('a', -1)]).toThrow(RangeError);
    expect(journal.runs()).toMatchObject([{ run: 'a', records: 6, scenario: 'scenario of a' }]);
    journal.close();
  });

  test('cannot be written', async () => {
    const journal = openWith('a', runOf('a', 2));
    await expectError('read-only', () => journal.append('a', 2, partOf('a', 2, 3)));
    await expectError('read-only', () => journal.claim('a'));
    journal.release('a');
    journal.close();
  });
}

/** That a JournalError of this kind comes, thrown or as a rejection, with this run and position. */
export async function expectError(
  kind: JournalErrorKind,
  work: () => unknown,
  place: { run?: string; position?: number } = {},
): Promise<JournalError> {
  const error = await (async () => work())().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error, 'no error came').toBeInstanceOf(JournalError);
  expect(error).toMatchObject({ kind, ...place });
  return error as JournalError;
}
