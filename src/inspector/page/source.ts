/** Where a page gets what it shows: from the server that sent it, or from itself when it is an exported file. */
import type { Branch, BranchWish, MemoryMap, RunHeader, Session, SessionFile, Walk, WalkWish } from '../page-data.ts';

export interface Take {
  lines(lines: readonly string[]): void;
  /** What the clock of a live run shows. */
  now(ns: number): void;
}

export interface Source {
  session(): Promise<Session>;
  /** All lines of a run as they come; of a live one, until it has ended, with what its header is then. */
  lines(run: RunHeader, take: Take): Promise<RunHeader>;
  /** An SVG. */
  picture(name: string): Promise<string>;
  /** The whole run unless a span is given. */
  memoryMap(run: string, span?: { readonly fromNs: number; readonly toNs: number }): Promise<MemoryMap>;
  branch(run: string, wish: BranchWish): Promise<Branch>;
  walk(wish: WalkWish): Promise<Walk>;
}

/** Given to the page at once: enough for a first picture, small enough not to hold up a frame. */
const CHUNK_LINES = 2000;

export function sourceOfPage(): Source {
  const embedded = document.getElementById('session')?.textContent;
  return embedded ? new FileSource(JSON.parse(embedded) as SessionFile) : new ServedSource();
}

class ServedSource implements Source {
  session(): Promise<Session> {
    return asked('api/session').then((response) => response.json() as Promise<Session>);
  }

  async lines(run: RunHeader, take: Take): Promise<RunHeader> {
    const { id, state } = run;
    if (state === 'live') return this.live(id, take);
    const { body } = await asked(`api/runs/${id}/records`);
    if (body === null) return run;
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const lines = (rest + read.value).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) take.lines(lines);
    }
    if (rest !== '') take.lines([rest]);
    return run;
  }

  picture(name: string): Promise<string> {
    return asked(`api/pictures/${encodeURIComponent(name)}.svg`).then((response) => response.text());
  }

  memoryMap(run: string, span?: { readonly fromNs: number; readonly toNs: number }): Promise<MemoryMap> {
    const query = span === undefined ? '' : `?from=${Math.round(span.fromNs)}&to=${Math.round(span.toNs)}`;
    return asked(`api/runs/${run}/memory-map${query}`).then((response) => response.json() as Promise<MemoryMap>);
  }

  branch(run: string, wish: BranchWish): Promise<Branch> {
    return told(`api/runs/${run}/branch`, wish);
  }

  walk(wish: WalkWish): Promise<Walk> {
    return told('api/walk', wish);
  }

  /** The browser takes a broken connection up again, with the last position that came. */
  private live(id: string, take: Take): Promise<RunHeader> {
    return new Promise((resolve) => {
      const events = new EventSource(`api/runs/${id}/live?from=0`);
      events.addEventListener('records', ({ data }: MessageEvent<string>) => take.lines(JSON.parse(data) as string[]));
      events.addEventListener('now', ({ data }: MessageEvent<string>) => take.now(Number(data)));
      events.addEventListener('ended', ({ data }: MessageEvent<string>) => {
        events.close();
        resolve(JSON.parse(data) as RunHeader);
      });
    });
  }
}

class FileSource implements Source {
  private readonly embedded: SessionFile;

  constructor(embedded: SessionFile) {
    this.embedded = embedded;
  }

  async session(): Promise<Session> {
    return this.embedded.session;
  }

  async lines(run: RunHeader, take: Take): Promise<RunHeader> {
    const lines = this.embedded.lines[run.id] ?? [];
    for (let from = 0; from < lines.length; from += CHUNK_LINES) take.lines(lines.slice(from, from + CHUNK_LINES));
    return run;
  }

  async picture(name: string): Promise<string> {
    const found = this.embedded.pictures[name];
    if (found === undefined) throw new Error(`this file holds no picture of ${name}`);
    return found;
  }

  async memoryMap(run: string): Promise<MemoryMap> {
    const found = this.embedded.memoryMaps[run];
    if (found === undefined) throw new Error('this file was written without a memory map');
    return found;
  }

  async branch(): Promise<Branch> {
    throw new Error('an exported file replays, and does not branch: open the journal with switchover inspect');
  }

  async walk(): Promise<Walk> {
    throw new Error('an exported file has no charts to walk through: switchover inspect has');
  }
}

async function asked(path: string, request?: RequestInit): Promise<Response> {
  const response = await fetch(path, request);
  if (response.ok) return response;
  const text = await response.text();
  let because = text;
  try {
    because = (JSON.parse(text) as { readonly error?: string }).error ?? text;
  } catch {
    // Not from our server: what it says stands for itself.
  }
  throw new Error(because || `${response.status} ${response.statusText}`);
}

async function told<T>(path: string, wish: unknown): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  const response = await asked(path, { method: 'POST', headers, body: JSON.stringify(wish) });
  return (await response.json()) as T;
}
