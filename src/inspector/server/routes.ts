/** What can be asked for, by path: the page's files, and what page-data.ts lists. Anything else is not found. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BranchWish, WalkWish } from '../page-data.ts';
import { RefusedError, send, sendJson } from './answer.ts';
import type { Exhibition } from './exhibition.ts';
import { streamLines, streamLive } from './line-stream.ts';
import { LiveRun } from './live-run.ts';
import { pageFile, readPageFile } from './page-files.ts';
import { branchWish, readBody, walkWish } from './request-body.ts';
import { goodRecordsOf, type ShownRun } from './shown-run.ts';
import type { Span } from './workbench.ts';

export interface Served {
  readonly exhibition: Exhibition;
  /** Of the page's files. */
  readonly pageFolder: string;
  /** Called when a page asks what there is, and awaited. */
  readonly ready?: (() => Promise<void>) | undefined;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
}

/** Answers a request that was let in. Throws a RefusedError, or what went wrong. */
export async function answer(served: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  const exchange = { request, response, query: new URLSearchParams(query) };
  const posted = request.method === 'POST';
  if (posted) {
    if (path === '/api/walk') return walkOne(served, exchange);
    const [, branched] = /^\/api\/runs\/(\d{1,9})\/branch$/.exec(path) ?? [];
    if (branched !== undefined) return branchOne(served, exchange, runOf(served, branched));
    throw new RefusedError(pageFile(path) === undefined ? 404 : 405, `${shown(path)}: nothing can be posted here`);
  }
  const file = pageFile(path);
  if (file !== undefined) return send(response, file.type, await readPageFile(served.pageFolder, file));
  if (path === '/api/session') {
    await served.ready?.();
    return sendJson(response, served.exhibition.session());
  }
  const [, id, what] = /^\/api\/runs\/(\d{1,9})\/(records|live|memory-map)$/.exec(path) ?? [];
  if (id !== undefined) return answerOfRun(served, exchange, runOf(served, id), what as 'records');
  const [, picture] = /^\/api\/pictures\/(.+)\.svg$/.exec(path) ?? [];
  if (picture !== undefined) return sendPicture(served, response, picture);
  throw new RefusedError(404, `${shown(path)}: there is nothing here`);
}

async function answerOfRun(
  { exhibition }: Served,
  { request, response, query }: Exchange,
  run: ShownRun,
  what: 'records' | 'live' | 'memory-map',
): Promise<void> {
  switch (what) {
    case 'records':
      return streamLines(response, request.method === 'HEAD' ? [] : run.lines(wholeIn(query, 'from') ?? 0));
    case 'live': {
      if (!(run instanceof LiveRun)) throw new RefusedError(404, 'this run is whole: ask for its records');
      if (request.method === 'HEAD') throw new RefusedError(405, 'HEAD: events have no end to be told of');
      const last = request.headers['last-event-id'];
      const from = wholeIn(query, 'from') ?? 0;
      return streamLive(response, run, { from, last: typeof last === 'string' ? last : undefined });
    }
    case 'memory-map': {
      const { noMemoryMap } = run.header();
      if (noMemoryMap !== undefined) throw new RefusedError(409, noMemoryMap);
      const [records, span] = [goodRecordsOf(run), spanIn(query)];
      return sendJson(response, await exhibition.workbench.memoryMap(records, span, goneOf(response)));
    }
    default:
      what satisfies never;
  }
}

async function branchOne({ exhibition }: Served, { request, response }: Exchange, run: ShownRun): Promise<void> {
  const wish: BranchWish = await readBody(request, branchWish);
  sendJson(response, await exhibition.branch(run, wish));
}

async function walkOne({ exhibition }: Served, { request, response }: Exchange): Promise<void> {
  const wish = (await readBody(request, walkWish)) as WalkWish;
  const machine = exhibition.gallery.machine(wish.machine);
  if (machine === undefined) throw new RefusedError(404, `no chart "${shown(wish.machine)}"`);
  const { walk } = await import('../walk.ts');
  const input = wish.input ?? (await exhibition.workbench.exampleInput?.(wish.machine));
  sendJson(response, walk(machine, { ...wish, input }));
}

async function sendPicture({ exhibition }: Served, response: ServerResponse, encoded: string): Promise<void> {
  const name = decoded(encoded);
  const picture = exhibition.gallery.picture(name);
  if (picture === undefined) throw new RefusedError(404, `no picture "${shown(name)}"`);
  send(response, 'image/svg+xml; charset=utf-8', await picture);
}

function runOf({ exhibition }: Served, id: string): ShownRun {
  const run = exhibition.run(id);
  if (run === undefined) throw new RefusedError(404, `no run ${id}`);
  return run;
}

/** Aborted when the browser hangs up before it has its answer. */
function goneOf(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
}

function spanIn(query: URLSearchParams): Span | undefined {
  const [fromNs, toNs] = [wholeIn(query, 'from'), wholeIn(query, 'to')];
  if (fromNs === undefined && toNs === undefined) return undefined;
  if (fromNs === undefined || toNs === undefined || fromNs >= toNs)
    throw new RefusedError(400, 'from, to: expected times in ns, the first before the second');
  return { fromNs, toNs };
}

function wholeIn(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new RefusedError(400, `${key}: expected a whole number, got "${shown(text)}"`);
  return Number(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RefusedError(400, `${shown(text)}: not an encoded name`);
  }
}

const SHOWN_CHARACTERS = 80;

/** What was asked, as far as an answer repeats it. */
function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
}
