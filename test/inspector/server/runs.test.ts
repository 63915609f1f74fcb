/** What the server hands out of journals: records as they are, at once and no faster than they are read; and what is wrong with them. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Rec } from '../../../src/core/record.ts';
import type { Branch, MemoryMap, RunHeader, Session } from '../../../src/inspector/page-data.ts';
import { RUNS_MAX } from '../../../src/inspector/server/exhibition.ts';
import { startServer } from '../../../src/inspector/server/server.ts';
import type { Workbench } from '../../../src/inspector/server/workbench.ts';
import { exportOf } from '../../../src/journal/export.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { NdjsonJournal } from '../../../src/journal/ndjson-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { branch } from '../../../src/lab/branch/branch.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { emptyExhibition, served } from './served.ts';

const journal = new MemoryJournal();
const { opened } = rehearse(smallScenario({ vmm: { downtimeLimit: '20ms' } }), { journal });
const { run } = opened;
const records = [...journal.read(run)];
const lines = records.map(recordText);
const middle = Math.floor(records.length / 2);
branch(journal, { run, at: middle, change: { 'link.bandwidth': '2Gbit/s' }, into: journal });

const exhibition = emptyExhibition();
exhibition.addJournal(journal, 'runs.db', journal.runs());
const { url, port } = await served(exhibition);
const ask = async <T>(path: string) => (await (await fetch(`${url}api/${path}`)).json()) as T;
const textOf = async (path: string) => (await fetch(`${url}api/${path}`)).text();
const post = (path: string, wish: unknown) => {
  const headers = { 'content-type': 'application/json', origin: url.slice(0, -1) };
  return fetch(`${url}api/${path}`, { method: 'POST', headers, body: JSON.stringify(wish) });
};

describe('a run of a journal', () => {
  test('comes with its branch, named by the id of its parent', async () => {
    const { runs, machines, mode } = await ask<Session>('session');
    expect(mode).toBe('served');
    expect(machines.find(({ name }) => name === 'manager-nova')?.group).toBe('manager');
    expect(runs[0]).toEqual({ id: '0', run, source: 'runs.db', records: records.length, state: 'whole' });
    expect(runs[1]?.branch).toEqual({ of: '0', position: middle, changes: { 'link.bandwidth': '2Gbit/s' } });
  });

  test('is given as its lines, from any of them on', async () => {
    expect(await textOf('runs/0/records')).toBe(lines.map((line) => `${line}\n`).join(''));
    const tail = lines.slice(-3).map((line) => `${line}\n`);
    expect(await textOf(`runs/0/records?from=${lines.length - 3}`)).toBe(tail.join(''));
    expect(await textOf(`runs/0/records?from=${lines.length}`)).toBe('');
    for (const from of ['-1', '1.5', 'x', '1e3']) {
      const response = await fetch(`${url}api/runs/0/records?from=${from}`);
      expect([response.status, await response.json()]).toEqual([
        400,
        { error: expect.stringContaining('whole number') },
      ]);
    }
    expect((await fetch(`${url}api/runs/0/live`)).status).toBe(404);
  });

  test('has a memory map, of a span if one is named', async () => {
    const endNs = records.at(-1)?.atNs ?? 0;
    expect(await ask<MemoryMap>('runs/0/memory-map')).toMatchObject({ fromNs: 0, toNs: endNs });
    expect(await ask<MemoryMap>('runs/0/memory-map?from=1000000&to=9000000')).toMatchObject({ toNs: 9_000_000 });
    expect(await ask('runs/0/memory-map?from=5&to=2')).toHaveProperty('error');
  });

  test('nobody works on for a browser that has hung up', async () => {
    let gone: AbortSignal | undefined;
    const memoryMap: Workbench['memoryMap'] = (_, __, signal) => {
      gone = signal;
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('gone'))));
    };
    const slow = emptyExhibition({ ...exhibition.workbench, memoryMap });
    slow.addJournal(journal, 'runs.db', journal.runs());
    const said: unknown[] = [];
    const server = await startServer({ exhibition: slow, pageFolder: '', onBug: (error) => said.push(error) });
    const browser = new AbortController();
    const asked = fetch(`${server.url}api/runs/0/memory-map`, { signal: browser.signal });
    await expect.poll(() => gone).toBeDefined();
    browser.abort();
    await expect(asked).rejects.toThrow();
    await expect.poll(() => gone?.aborted).toBe(true);
    await server.close();
    expect(said).toEqual([]);
  });

  test('is branched, and the branch is a run like any other', async () => {
    const response = await post('runs/0/branch', { position: middle, set: { 'link.bandwidth': '4Gbit/s' } });
    const made = (await response.json()) as Branch;
    expect(made.run).toMatchObject({ id: '2', branch: { of: '0', position: middle } });
    expect(made.figures.find(({ name }) => name === 'outcome')).toMatchObject({ parent: 'completed' });
    expect(made.sentence).toMatch(/differ from round \d+ on\.$/);
    const branched = (await textOf('runs/2/records')).trim().split('\n');
    expect(branched).toHaveLength(made.run.records);
    expect(branched.slice(1, middle + 1)).toEqual(lines.slice(1, middle + 1));
    expect((await ask<Session>('session')).runs).toHaveLength(3);
  });

  test.each([
    [{ position: 1e6, set: {} }, 400, /is not in run/],
    [{ position: 2, set: { 'vm.memory': '1GiB' } }, 400, /vm\.memory/],
    [{ position: 2, set: { policy: 'nobody' } }, 400, /no policy "nobody"/],
    [{ position: 2, set: { 'link.bandwidth': 'fast' } }, 400, /link\.bandwidth/],
    [{ position: -1, set: {} }, 400, /position/],
    [{ position: 2, set: { cancel: 1 } }, 400, /set\.cancel/],
  ])('a branch that cannot be is refused: %j', async (wish, status, because) => {
    const response = await post('runs/0/branch', wish);
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toMatch(because);
  });

  test('its pictures are those of the gallery', async () => {
    const response = await fetch(`${url}api/pictures/pre-copy.svg`);
    expect(response.headers.get('content-type')).toContain('image/svg+xml');
    expect(await response.text()).toContain('data-chart="pre-copy"');
  });
});

describe('what is wrong with a journal', () => {
  const { lines: exported } = exportOf(journal, run);
  const damaged = (change: (all: string[]) => readonly string[]) => {
    const shown = emptyExhibition();
    const text = new NdjsonJournal(change([...exported]).join(''), 'x.ndjson');
    shown.addJournal(text, 'x.ndjson', text.runs());
    return shown.runs[0]!;
  };

  test.each<[string, (all: string[]) => readonly string[], number]>([
    ['a changed record', (all) => all.with(4, (all[4] ?? '').replace('"atNs":', '"atNs":1')), 3],
    ['a torn end', (all) => [...all.slice(0, -1), (all.at(-1) ?? '').slice(0, 20)], records.length - 1],
    ['a lost end', (all) => all.slice(0, 6), 5],
    ['a lost first line', (all) => all.slice(1), records.length],
  ])('%s: the records before it, then what is broken', (_, change, good) => {
    const shown = damaged(change);
    const all = [...shown.lines(0)];
    expect(all.slice(0, good)).toEqual(lines.slice(0, good));
    expect(all).toHaveLength(good + 1);
    const { damage } = JSON.parse(all.at(-1) ?? '') as { damage: string };
    expect(damage).not.toBe('');
    expect(shown.header()).toMatchObject({ damage, noBranch: expect.stringContaining('damaged') });
  });

  test('other charts made it: it says so, and cannot be branched', async () => {
    const first = records[0] as Extract<Rec, { kind: 'opened' }>;
    const other = new MemoryJournal();
    const drifted = { ...first, opened: { ...first.opened, fingerprint: 'ffff', version: '0.0.1' } };
    other.append(run, 0, [drifted, ...records.slice(1)]);
    const shown = emptyExhibition();
    shown.addJournal(other, 'x.db', other.runs());
    const header = shown.runs[0]?.header() as RunHeader;
    expect(header.drift).toMatch(/^it was made by version 0\.0\.1 with charts ffff, and this is version/);
    expect(header.noBranch).toContain('0.0.1');
    await expect(shown.branch(shown.runs[0]!, { position: 2, set: {} })).rejects.toThrow('0.0.1');
  });

  test('somebody else drove it, or its first record holds nothing known: it is shown all the same', () => {
    const first = records[0] as Extract<Rec, { kind: 'opened' }>;
    const changes = [{ drivers: ['qmp'] }, { scenario: '<script>', plan: null }, { plan: {} }];
    for (const change of changes) {
      const other = new MemoryJournal();
      other.append(run, 0, [{ ...first, opened: { ...first.opened, ...change } }]);
      const shown = emptyExhibition();
      shown.addJournal(other, 'x.db', other.runs());
      expect(shown.runs[0]?.header().noBranch).toMatch(/driven by qmp|nothing known|no scenario and no plan/);
      expect([...shown.runs[0]!.lines(0)]).toHaveLength(1);
    }
  });

  test('more runs than can be told apart: the others are named', () => {
    const many = new MemoryJournal();
    for (let nth = 0; nth < RUNS_MAX + 3; nth++) {
      const first = records[0] as Extract<Rec, { kind: 'opened' }>;
      many.append(`run-${nth}`, 0, [{ ...first, opened: { ...first.opened, run: `run-${nth}` } }]);
    }
    const shown = emptyExhibition();
    shown.addJournal(many, 'x.db', many.runs());
    expect(shown.runs).toHaveLength(RUNS_MAX);
    expect(shown.session().notice).toMatch(/3 more runs .* run-50, run-51, run-52\. .*--run/);
  });
});

/** A journal as long as anybody likes, which counts what was read of it. */
class LongJournal extends MemoryJournal implements Journal {
  reads = 0;
  readonly #long: number;

  constructor(long: number) {
    super();
    this.#long = long;
  }

  override *read(name: string, from = 0): Generator<Rec, void> {
    const [first, second] = records as unknown as readonly [Rec, Extract<Rec, { kind: 'input' }>];
    if (from === 0) yield { ...first, opened: { ...opened, run: name } } as Rec;
    for (let position = Math.max(1, from); position < this.#long; position++) {
      this.reads++;
      yield { ...second, position };
    }
  }
}

describe('a journal of 10^5 records', () => {
  const long = 100_000;

  test('begins to arrive at once, is read no faster than it is taken, and no further when the reader is gone', async () => {
    const journalOf = new LongJournal(long);
    exhibition.addJournal(journalOf, 'long.db', [{ run: 'long', records: long }]);
    const id = exhibition.runs.at(-1)?.id;
    journalOf.reads = 0;
    const socket = connect(port, '127.0.0.1');
    const first = new Promise<number>((resolve) => {
      socket.once('data', () => {
        socket.pause();
        resolve(journalOf.reads);
      });
    });
    socket.write(`GET /api/runs/${id}/records HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    expect(await first).toBeLessThan(2000);
    // The buffers of both ends fill up, and then nothing moves.
    let before = -1;
    while (before !== journalOf.reads) {
      before = journalOf.reads;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(before).toBeLessThan(long - 1);
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(journalOf.reads).toBeLessThan(before + 2000);
    expect((await fetch(url)).status).toBe(200);
  });
});
