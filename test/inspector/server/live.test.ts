/** A run that is watched while it goes on: every record once, however often the connection breaks, and the end as the file has it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openInspection } from '../../../src/cli/inspection.ts';
import type { Snapshot } from '../../../src/core/chart.ts';
import type { Rec } from '../../../src/core/record.ts';
import type { Session } from '../../../src/inspector/page-data.ts';
import type { LiveFeed } from '../../../src/inspector/server/workbench.ts';
import { activePaths } from '../../../src/inspector/view/active.ts';
import { FoldedRun } from '../../../src/inspector/view/folded-run.ts';
import { openJournal } from '../../../src/journal/open.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { replay } from '../../../src/run/replay.ts';
import { smallInput, smallScenario } from '../../lab/small-scenario.ts';
import { emptyExhibition, pageFolder, served } from './served.ts';

const folder = mkdtempSync(join(tmpdir(), 'inspector-live-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const scenarioFile = join(folder, 'small.json');
writeFileSync(scenarioFile, JSON.stringify(smallInput({ vmm: { downtimeLimit: '20ms' } })));

interface Event {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** Follows until `enough` of what came, or the end; then hangs up without a word. */
async function follow(
  url: string,
  { last, enough = () => false }: { last?: string | undefined; enough?: (events: readonly Event[]) => boolean },
): Promise<{ readonly status: number; readonly events: readonly Event[] }> {
  const asked = get(url, last === undefined ? {} : { headers: { 'last-event-id': last } });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let rest = '';
  const events: Event[] = [];
  for await (const part of response as AsyncIterable<string>) {
    const texts = (rest + part).split('\n\n');
    rest = texts.pop() ?? '';
    for (const text of texts) {
      const read = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(text);
      if (read !== null) events.push({ id: read[1] ?? '', type: read[2] ?? '', data: JSON.parse(read[3] ?? '') });
    }
    if (enough(events)) break;
  }
  asked.destroy();
  return { status: response.statusCode ?? 0, events };
}

const linesIn = (events: readonly Event[]) =>
  events.flatMap(({ type, data }) => (type === 'records' ? (data as readonly string[]) : []));

describe('a connection that breaks', () => {
  const { journal, opened } = rehearse(smallScenario({ vmm: { downtimeLimit: '20ms' } }));
  const records = [...journal.read(opened.run)];
  const lines = records.map(recordText);
  let tell: { readonly record: (record: Rec) => void; readonly ended: (error?: Error) => void } | undefined;
  const feed: LiveFeed = {
    ...{ run: opened.run, source: 'small', journal, nowNs: 1_234_567 },
    follow: (listener) => {
      tell = listener;
    },
  };

  test('is taken up where it broke: no record is missed, and none comes twice', async () => {
    const exhibition = emptyExhibition();
    const live = exhibition.addLive(feed);
    const { url } = await served(exhibition);
    expect(live.header()).toMatchObject({ state: 'live', records: 0, noBranch: expect.any(String) });
    for (const record of records.slice(0, 3)) tell?.record(record);
    const all: string[] = [];
    let last: string | undefined;
    for (let position = 3; position < records.length; position += 3) {
      const watching = follow(`${url}api/runs/0/live?from=0`, { last, enough: (events) => events.length > 0 });
      // Half of them are there before somebody asks, half come while somebody waits.
      if (position % 2 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      for (const record of records.slice(position, position + 3)) tell?.record(record);
      const { events } = await watching;
      all.push(...linesIn(events));
      last = events.at(-1)?.id;
      expect(Number(last)).toBe(all.length);
    }
    tell?.ended();
    const { events } = await follow(`${url}api/runs/0/live?from=0`, { last });
    all.push(...linesIn(events));
    expect(all).toEqual(lines);
    expect(events.at(-1)).toMatchObject({ type: 'ended', data: { state: 'whole', records: lines.length } });
    // A browser that lost the connection after the end asks once more, and is told to leave it.
    expect(await follow(`${url}api/runs/0/live?from=0`, { last: events.at(-1)?.id })).toEqual({
      status: 204,
      events: [],
    });
    expect(linesIn((await follow(`${url}api/runs/0/live?from=${lines.length - 2}`, {})).events)).toEqual(
      lines.slice(-2),
    );
    expect((await (await fetch(`${url}api/runs/0/records`)).text()).trim().split('\n')).toEqual(lines);
  });

  test('who waits for a record is told the time meanwhile', async () => {
    const exhibition = emptyExhibition();
    exhibition.addLive(feed);
    const { url } = await served(exhibition);
    const said = await fetch(`${url}api/runs/0/live?from=0`);
    const reader = said.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('event: now\ndata: 1234567\n\n');
    await reader?.cancel();
  });

  test('a run that breaks off says why, and who has gone is forgotten', async () => {
    const exhibition = emptyExhibition();
    const live = exhibition.addLive(feed);
    const { url } = await served(exhibition);
    tell?.record(records[0] as Rec);
    const waiting = new Set<() => void>();
    const { onMore } = live;
    live.onMore = (wake) => {
      waiting.add(wake);
      const forget = onMore.call(live, wake);
      return () => {
        waiting.delete(wake);
        forget();
      };
    };
    const enough = (events: readonly Event[]) => events.length > 0;
    await Promise.all([1, 2, 3].map(() => follow(`${url}api/runs/0/live`, { enough })));
    await expect.poll(() => waiting.size).toBe(0);
    tell?.ended(new Error('the disk is full'));
    const { events } = await follow(`${url}api/runs/0/live`, {});
    expect(events.at(-1)?.data).toMatchObject({ damage: 'the run broke off: the disk is full' });
  });
});

test('a live migration comes to the same records and the same state as the journal that it writes', async () => {
  const file = join(folder, 'runs.db');
  const options = { run: [], set: [], live: scenarioFile, pace: 'max', seed: 7, journal: file } as const;
  const inspection = await openInspection([], options, pageFolder());
  try {
    const [, header] = await Promise.all([
      inspection.live?.sentence,
      fetch(`${inspection.url}api/session`).then(async (response) => ((await response.json()) as Session).runs[0]),
    ]);
    expect(header).toMatchObject({ source: scenarioFile, run: 'small-7' });
    const { events } = await follow(`${inspection.url}api/runs/0/live?from=0`, {});
    const journal = openJournal(file, { readonly: true });
    const kept = [...journal.read('small-7')];
    journal.close();
    expect(linesIn(events)).toEqual(kept.map(recordText));
    const folded = new FoldedRun();
    folded.append(linesIn(events).map((line) => JSON.parse(line) as Rec));
    folded.fold(kept.length);
    expect(folded.broken).toBeUndefined();
    const root = folded.at(kept.length - 1).charts.find(({ address }) => address === 'migration');
    const end = replay(kept).system?.charts.get('migration');
    expect(end?.status).toBe('done');
    expect(root).toMatchObject({ status: 'done', active: activePaths(end as Snapshot), context: end?.context });
    const { runs } = (await (await fetch(`${inspection.url}api/session`)).json()) as Session;
    expect(runs[0]).toEqual({ id: '0', run: 'small-7', source: scenarioFile, records: kept.length, state: 'whole' });
  } finally {
    await inspection.close();
  }
});
