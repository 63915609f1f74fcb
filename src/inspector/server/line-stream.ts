/**
 * Lines on their way to a browser, no faster than it takes them: as one long answer, or as events of a run that goes on. A
 * browser that has gone is noticed, and whatever was under way for it ends.
 */
import type { ServerResponse } from 'node:http';
import { begin } from './answer.ts';
import type { LiveRun } from './live-run.ts';

/** Enough to keep a browser busy, small enough that others get their turn in between. */
const CHUNK_CHARACTERS = 32 * 1024;
/** Records in one event. */
const EVENT_RECORDS = 500;
/** How often somebody who waits for a record is told the time: a clock that stands looks like a run that does. */
const NOW_EVERY_MS = 100;
const ENDED = 'ended';

export async function streamLines(response: ServerResponse, lines: Iterable<string>): Promise<void> {
  begin(response, 200, 'application/x-ndjson; charset=utf-8');
  let chunk = '';
  for (const line of lines) {
    chunk += `${line}\n`;
    if (chunk.length < CHUNK_CHARACTERS) continue;
    if (!(await written(response, chunk))) return;
    chunk = '';
  }
  response.end(chunk);
}

/**
 * Server-sent events from position `from` on. `last` is the id of the last event that came before the connection broke: the
 * position that comes next, or that the end was told.
 */
export async function streamLive(
  response: ServerResponse,
  run: LiveRun,
  { from, last }: { readonly from: number; readonly last: string | undefined },
): Promise<void> {
  if (last === ENDED) {
    // 204: a browser does not connect again.
    begin(response, 204, 'text/event-stream');
    response.end();
    return;
  }
  begin(response, 200, 'text/event-stream; charset=utf-8');
  response.flushHeaders();
  let next = last !== undefined && /^\d+$/.test(last) ? Number(last) : from;
  for (;;) {
    const end = Math.min(run.count, next + EVENT_RECORDS);
    if (end > next) {
      const records = JSON.stringify([...run.lines(next, end)]);
      if (!(await written(response, eventText('records', String(end), records)))) return;
      next = end;
    } else if (run.hasEnded) {
      response.end(eventText('ended', ENDED, JSON.stringify(run.header())));
      return;
    } else if ((await moreOf(run, response)) === 'silence' && !(await written(response, nowText(run)))) return;
    if (response.destroyed) return;
  }
}

/** Without an id: what comes next after a broken connection are records. */
function nowText({ nowNs }: LiveRun): string {
  return `event: now\ndata: ${nowNs}\n\n`;
}

function eventText(type: string, id: string, data: string): string {
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}

function moreOf(run: LiveRun, response: ServerResponse): Promise<'more' | 'silence'> {
  return new Promise((resolve) => {
    const settle = (what: 'more' | 'silence') => {
      clearTimeout(timer);
      forget();
      response.off('close', gone);
      // What is written in one turn goes out together.
      setImmediate(resolve, what);
    };
    const timer = setTimeout(() => settle('silence'), NOW_EVERY_MS);
    const forget = run.onMore(() => settle('more'));
    const gone = () => settle('more');
    response.on('close', gone);
  });
}

/** False: nobody reads any more. Resolves when there is room for more, after a turn of the event loop for everybody else. */
function written(response: ServerResponse, text: string): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  const hasRoom = response.write(text);
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle);
      response.off('close', settle);
      setImmediate(() => resolve(!response.destroyed));
    };
    if (hasRoom) return settle();
    response.on('drain', settle);
    response.on('close', settle);
  });
}
