/** Who may ask the inspector's server and for what: everything else is refused with a sentence, and the server goes on. */
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { emptyExhibition, PAGE, pageFolder, raw, served } from './served.ts';

const { port, url } = await served(emptyExhibition(), pageFolder());
const host = `Host: 127.0.0.1:${port}`;
const own = `http://127.0.0.1:${port}`;
const other = port === 65535 ? port - 1 : port + 1;

test("the page's own files are given, with headers that keep the page to itself", async () => {
  for (const [path, file] of [
    ['', 'index.html'],
    ['app.js', 'app.js'],
    ['app.css', 'app.css'],
  ] as const) {
    const response = await fetch(url + path);
    expect(await response.text()).toBe(PAGE[file]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self'; .*connect-src 'self'/),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
  }
});

describe('a request that this page did not make', () => {
  test.each([
    ['another host', [`Host: evil.example`], 403, 'Host'],
    ['a name that points here', [`Host: evil.example:${port}`], 403, 'Host'],
    ['another port', [`Host: 127.0.0.1:${other}`], 403, 'Host'],
    ['no port', ['Host: 127.0.0.1'], 403, 'Host'],
    ['every address', [`Host: 0.0.0.0:${port}`], 403, 'Host'],
    ['an address behind a name', [`Host: 127.0.0.1:${port}.evil.example`], 403, 'Host'],
    ['another origin', [host, 'Origin: http://evil.example'], 403, 'Origin'],
    ['another server on loopback', [host, `Origin: http://127.0.0.1:${other}`], 403, 'Origin'],
    ['an origin of another scheme', [host, `Origin: https://127.0.0.1:${port}`], 403, 'Origin'],
    ['a sandboxed page', [host, 'Origin: null'], 403, 'Origin'],
    ['a page from elsewhere', [host, 'Sec-Fetch-Site: cross-site'], 403, 'Sec-Fetch-Site'],
    ['a page of the same site', [host, 'Sec-Fetch-Site: same-site'], 403, 'Sec-Fetch-Site'],
  ] as const)('%s', async (_, headers, status, names) => {
    for (const path of ['/', '/api/session']) {
      const answer = await raw(port, [`GET ${path} HTTP/1.1`, ...headers]);
      expect(answer.status).toBe(status);
      expect((JSON.parse(answer.body) as { error: string }).error).toContain(names);
    }
  });

  test('its own page and a person are let in, by either name', async () => {
    for (const headers of [
      [host, 'Sec-Fetch-Site: same-origin', `Origin: ${own}`],
      [host, 'Sec-Fetch-Site: none'],
      [`Host: localhost:${port}`, `Origin: http://localhost:${port}`],
    ]) {
      expect((await raw(port, ['GET / HTTP/1.1', ...headers])).status).toBe(200);
    }
  });
});

describe('a path', () => {
  test.each([
    '/secret.txt',
    '/../secret.txt',
    '/./app.js/../secret.txt',
    '/%2e%2e/secret.txt',
    '//etc/passwd',
    '/..\\secret.txt',
    '/app.js%00',
    '/api/pictures/../../../package.json.svg',
    '/api/pictures/%2e%2e%2f%2e%2e%2fREADME.svg',
    '/api/pictures/constructor.svg',
    '/api/pictures/%zz.svg',
    '/api/runs/0/records',
    '/api/runs/99999999999999999999/records',
    '/api/runs/__proto__/records',
    'http://evil.example/app.js',
    '*',
  ])('%s is nothing here', async (path) => {
    const answer = await raw(port, [`GET ${path} HTTP/1.1`, host]);
    expect([400, 404]).toContain(answer.status);
    expect(answer.body).not.toContain('secret"');
    expect((JSON.parse(answer.body) as { error: string }).error).not.toBe('');
  });
});

describe('a method', () => {
  test.each(['PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('%s is not understood', async (method) => {
    expect((await raw(port, [`${method} / HTTP/1.1`, host])).status).toBe(405);
  });

  test('HEAD has the headers of a GET and no body', async () => {
    const answer = await raw(port, ['HEAD /app.js HTTP/1.1', host]);
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(answer.headers).toContain('text/javascript');
  });

  test('POST must come from the page, in JSON, of the agreed shape and not too large', async () => {
    const json = 'Content-Type: application/json';
    const walk = JSON.stringify({ machine: 'nobody', events: [] });
    const post = (headers: readonly string[], body: string) =>
      raw(port, ['POST /api/walk HTTP/1.1', host, `Content-Length: ${Buffer.byteLength(body)}`, ...headers], body);
    expect(await post([json], walk)).toMatchObject({ status: 403 });
    expect(await post([json, 'Sec-Fetch-Site: same-origin'], walk)).toMatchObject({ status: 403 });
    expect(await post([`Origin: ${own}`], walk)).toMatchObject({ status: 415 });
    expect(await post([`Origin: ${own}`, 'Content-Type: text/plain'], walk)).toMatchObject({ status: 415 });
    expect(await post([`Origin: ${own}`, json], '{"machine":')).toMatchObject({ status: 400 });
    expect(await post([`Origin: ${own}`, json], '{"machine":"guest","events":[{"kind":1}]}')).toMatchObject({
      status: 400,
      body: expect.stringContaining('events.0.type'),
    });
    expect(await post([`Origin: ${own}`, json], walk)).toMatchObject({ status: 404 });
    expect((await post([`Origin: ${own}`, `${json}; charset=utf-8`], walk)).body).toContain('no chart');
  });

  test('a body without end is cut off', async () => {
    const status = await new Promise<number | string>((resolve) => {
      const headers = { 'content-type': 'application/json', origin: own };
      const posted = request({ port, host: '127.0.0.1', method: 'POST', path: '/api/walk', headers }, (response) => {
        resolve(response.statusCode ?? 0);
        posted.destroy();
      });
      posted.on('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)));
      for (let sent = 0; sent < 20; sent++) posted.write(' '.repeat(100_000));
    });
    expect(status).toBe(413);
  });
});

test('what is no HTTP ends its own connection, and nothing else', async () => {
  expect((await raw(port, ['\u0016\u0003\u0001 hello'])).status).toBe(400);
  expect((await raw(port, ['GET / HTTP/1.1'])).status).toBe(400);
  expect((await fetch(url)).status).toBe(200);
});
