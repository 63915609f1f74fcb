/**
 * The inspector's page in a headless Chromium, for tests: built once from what is in the tree (and again when that has changed),
 * served by a server of this process. What the page logs, throws or asks another host for is collected.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect } from 'vitest';
import type { View } from '../../../src/inspector/page/store.ts';
import type { Exhibition } from '../../../src/inspector/server/exhibition.ts';
import { type InspectorServer, startServer } from '../../../src/inspector/server/server.ts';
import { ROOT } from '../../docs/consumer.ts';
import { launchBrowser } from '../chart/measure.ts';

export { canMeasure as canOpen } from '../chart/measure.ts';
export { emptyExhibition } from '../server/served.ts';

export interface Opened {
  readonly page: Page;
  readonly url: string;
  /** What went wrong so far, in words; a silent page has none. */
  readonly said: readonly string[];
}

export interface OpenOptions {
  readonly size?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
}

/** One Chromium for the tests of a file, and what it has open is closed with it. */
export function browserForTests() {
  let browser: Browser | undefined;
  const servers: InspectorServer[] = [];
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(servers.map((server) => server.close()));
  });
  const goTo = async (url: string, { size, colorScheme }: OpenOptions): Promise<Opened> => {
    if (browser === undefined) throw new Error('tests open pages, not files of tests');
    const context = {
      viewport: size ?? { width: 1280, height: 800 },
      ...(colorScheme !== undefined && { colorScheme }),
    };
    const page = await browser.newPage(context);
    const said: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') said.push(message.text());
    });
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('dialog', (dialog) => {
      said.push(`it asks: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const asked = request.url();
      const isOwn = asked.startsWith(new URL(url).origin) || /^(data|blob|file):/.test(asked);
      if (!isOwn) said.push(`it asks for ${asked}`);
    });
    await page.goto(url);
    await page.waitForSelector('.app');
    return { page, url, said };
  };
  return {
    /** Serves what is exhibited, and opens it. */
    async open(exhibition: Exhibition, options: OpenOptions = {}): Promise<Opened> {
      const server = await startServer({ exhibition, pageFolder: await builtPage() });
      servers.push(server);
      return goTo(server.url, options);
    },
    /** A file on disk, or a page that is served already. */
    openUrl: (url: string, options: OpenOptions = {}) => goTo(url, options),
  };
}

/** As long as Playwright waits for an element: a machine that does something else meanwhile is slow, not wrong. */
const PATIENCE = { timeout: 30_000, interval: 20 };

/** What the page comes to show; nothing that follows from an action is there at once. */
export const eventually = <T>(read: () => T | Promise<T>, message = '') =>
  expect.poll(read, message === '' ? PATIENCE : { ...PATIENCE, message });

/** Of a page's address. */
export interface Place {
  readonly run?: string;
  readonly record?: number;
  readonly view?: View;
  readonly chart?: string;
}

/** By the page's address, as by a bookmark, until it shows what the address says. */
export async function goTo(page: Page, place: Place): Promise<void> {
  const said = new URLSearchParams(Object.entries(place).map(([key, value]) => [key, String(value)]));
  await page.evaluate(`location.hash = ${JSON.stringify(said.toString())}`);
  if (place.view !== undefined) await page.waitForSelector(`.app[data-view="${place.view}"]`);
  if (place.record !== undefined) await page.waitForSelector(`.numbers[data-position="${place.record}"]`);
  if (place.chart !== undefined) await page.waitForSelector(`.chart-view[aria-label="Chart ${place.chart}"]`);
}

let built: Promise<string> | undefined;

/** A folder with the page; kept between test runs for as long as nothing that it is made of changes. */
export function builtPage(): Promise<string> {
  built ??= buildPage();
  return built;
}

async function buildPage(): Promise<string> {
  const folder = join(tmpdir(), `switchover-page-${sourcesMark()}`);
  if (existsSync(folder)) return folder;
  const fresh = mkdtempSync(join(tmpdir(), 'switchover-page-'));
  const configFile = join(ROOT, 'src/inspector/page/vite.config.ts');
  await build({ configFile, logLevel: 'error', build: { outDir: fresh } });
  try {
    renameSync(fresh, folder);
  } catch {
    // Another test file was faster.
    rmSync(fresh, { recursive: true, force: true });
  }
  return folder;
}

/** Of the names, sizes and times of all that may be built into the page. */
function sourcesMark(): string {
  const hash = createHash('sha256');
  for (const folder of ['machines', 'src/core', 'src/run', 'src/inspector', 'node_modules/.package-lock.json']) {
    const at = join(ROOT, folder);
    const files = statSync(at).isFile()
      ? ['']
      : (readdirSync(at, { recursive: true, encoding: 'utf8' }) as string[]).sort();
    for (const file of files) {
      const { size, mtimeMs } = statSync(join(at, file));
      hash.update(`${folder}/${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}
