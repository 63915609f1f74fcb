/** A server in this process over runs in memory, with a page of three small files in the place of the built one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { modelWorkbench } from '../../../src/cli/model-workbench.ts';
import { Exhibition } from '../../../src/inspector/server/exhibition.ts';
import { type InspectorServer, startServer } from '../../../src/inspector/server/server.ts';
import type { Workbench } from '../../../src/inspector/server/workbench.ts';
import { GALLERY } from '../../docs/generated.ts';

export const PAGE: Readonly<Record<string, string>> = {
  'index.html': `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <script type="module" crossorigin src="./app.js"></script>
    <link rel="stylesheet" crossorigin href="./app.css">
  </head>
  <body>
    <div id="app"></div>
  </body>
</html>
`,
  'app.js': 'document.title = "$& </script><!-- "; const text = document.getElementById("session").textContent;',
  'app.css': 'body { color: red }',
};

/** In a folder that has something else, too, which nobody may read. */
export function pageFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'inspector-page-'));
  for (const [name, text] of Object.entries(PAGE)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function emptyExhibition(workbench: Workbench = modelWorkbench()): Exhibition {
  return new Exhibition({ workbench, galleryFolder: GALLERY });
}

/** Closed when the tests of the file are done. */
export async function served(exhibition: Exhibition, folder = pageFolder()): Promise<InspectorServer> {
  const server = await startServer({ exhibition, pageFolder: folder });
  afterAll(() => server.close());
  return server;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** A request exactly as it is written, which no client would write. */
export function raw(port: number, lines: readonly string[], body = ''): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const end = text.indexOf('\r\n\r\n');
      const headers = text.slice(0, end).toLowerCase();
      resolve({ status: Number(/^http\/1\.1 (\d+)/.exec(headers)?.[1]), headers, body: text.slice(end + 4) });
    });
    socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${body}`);
  });
}
