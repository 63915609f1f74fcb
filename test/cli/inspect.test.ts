/** `switchover inspect`: what it takes, what it refuses with a sentence, how it ends; and machines out of a user's own modules. */
import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { findMachine } from '../../src/cli/find-machine.ts';
import { untilEnded } from '../../src/cli/inspect.ts';
import { exportOne, openInspection } from '../../src/cli/inspection.ts';
import { openBrowser } from '../../src/cli/open-browser.ts';
import type { Session, Walk } from '../../src/inspector/page-data.ts';
import { exportOf } from '../../src/journal/export.ts';
import { openJournal } from '../../src/journal/open.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { pageFolder } from '../inspector/server/served.ts';
import { smallInput, smallScenario } from '../lab/small-scenario.ts';
import { expectMistake, inProcess } from './switchover.ts';

const folder = mkdtempSync(join(tmpdir(), 'inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const page = pageFolder();
const at = (name: string) => join(folder, name);
const NOTHING = { run: [], set: [] } as const;

const journal = openJournal(at('runs.db'));
const [first, second] = [1, 2].map((seed) => rehearse({ ...smallScenario(), seed }, { journal }).opened.run);
const { lines } = exportOf(journal, first ?? '');
writeFileSync(at('one.ndjson'), lines.join(''));
writeFileSync(at('torn.ndjson'), lines.slice(0, 9).join(''));
writeFileSync(at('no-journal.txt'), 'hello');
writeFileSync(at('small.json'), JSON.stringify(smallInput({ vmm: { downtimeLimit: '20ms' } })));
journal.close();
writeFileSync(at('other.ts'), "export const id: string = 'light';");
writeFileSync(
  at('light.ts'),
  `import { createMachine } from 'xstate';
import { raise } from 'xstate/actions';
import { id } from './other';
interface Context { readonly count: number }
const states = { red: { on: { GO: { target: 'green', actions: raise({ type: 'X' }) } } }, green: {} };
export const light = createMachine({ id, context: { count: 0 } as Context, initial: 'red', states });
export const dark = createMachine({ id: 'dark' });`,
);

async function sessionOf(paths: readonly string[], options: Parameters<typeof openInspection>[1] = NOTHING) {
  const inspection = await openInspection(paths, options, page);
  try {
    return (await (await fetch(`${inspection.url}api/session`)).json()) as Session;
  } finally {
    await inspection.close();
  }
}

describe('what is shown', () => {
  test('all runs of the journals in their order, or those that are named', async () => {
    const { runs } = await sessionOf([at('one.ndjson'), at('runs.db')]);
    expect(runs.map(({ id, run, source }) => [id, run, source])).toEqual([
      ['0', first, at('one.ndjson')],
      ['1', first, at('runs.db')],
      ['2', second, at('runs.db')],
    ]);
    expect((await sessionOf([at('runs.db')], { ...NOTHING, run: [second ?? ''] })).runs).toMatchObject([
      { run: second },
    ]);
  });

  test('no journal: the charts', async () => {
    const { runs, machines } = await sessionOf([]);
    expect(runs).toEqual([]);
    expect(machines[0]?.name).toBe('migration');
    const preferred = (await sessionOf(['guest'])).machines.map(({ name }) => name);
    expect(preferred[0]).toBe('guest');
    expect([...preferred].sort()).toEqual(machines.map(({ name }) => name).sort());
  });

  test("a machine of the user's own, which can be walked through and has its picture", async () => {
    const inspection = await openInspection([`${at('light.ts')}#light`], NOTHING, page);
    try {
      const { machines } = (await (await fetch(`${inspection.url}api/session`)).json()) as Session;
      expect(machines[0]).toMatchObject({ name: 'own/light', group: 'own' });
      const picture = await fetch(`${inspection.url}api/pictures/${encodeURIComponent('own/light')}.svg`);
      expect(await picture.text()).toContain('data-state="green"');
      const headers = { 'content-type': 'application/json', origin: new URL(inspection.url).origin };
      const body = JSON.stringify({ machine: 'own/light', events: [{ type: 'GO' }] });
      const walked = await fetch(`${inspection.url}api/walk`, { method: 'POST', headers, body });
      expect(((await walked.json()) as Walk).active).toContain('green');
    } finally {
      await inspection.close();
    }
  });
});

describe('what it refuses', () => {
  test.each<[readonly string[], RegExp]>([
    [['nowhere.db'], /nowhere\.db: there is no such file; expected a journal .*a module .*a chart/],
    [['no-journal.txt'], /not a journal.*expected a journal/],
    [['vgpu-10g'], /inspect --live vgpu-10g/],
    [['small.json'], /inspect --live .*small\.json/],
    [['light.ts'], /several machines.*light\.ts#dark \(dark, light\)/],
    [['other.ts'], /exports no XState machine/],
    [['runs.db', '--run', 'nobody'], /no run "nobody": there are small-1/],
    [['--run', 'nobody'], /no journal was named/],
    [['--seed', '3'], /--seed is said of a live run/],
    [['runs.db', '--set', 'a=b'], /--set is said of a live run/],
    [['--live', 'nobody'], /nobody/],
    [['--live', 'small.json', '--export', 'x.html'], /--export writes a run that has ended/],
    [['--export', 'x.html'], /name its journal/],
    [['runs.db', '--export', 'x.html'], /which run to export\? --run small-1 \| --run small-2/],
    [['--port', '70000'], /a port from 1 to 65535/],
    [['--port', '0'], /a port from 1 to 65535/],
    [['--live', 'small.json', '--pace', 'fast'], /expected a factor such as 1x/],
  ])('%j', async (args, message) => {
    expectMistake(await inProcess(['inspect', '--no-open', ...args], { cwd: folder }), message);
    expect(existsSync(at('x.html'))).toBe(false);
  });

  test('a port that somebody has', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { readonly port: number };
    await expect(openInspection([], { ...NOTHING, port }, page)).rejects.toThrow(/cannot listen on port \d+: somebody/);
    await new Promise((resolve) => other.close(resolve));
  });

  test('a page that was not built', async () => {
    await expect(openInspection([], NOTHING, folder)).rejects.toThrow(/npm run build/);
  });
});

describe('how it ends', () => {
  const quiet = () => vi.spyOn(process.stderr, 'write').mockImplementation(() => true);

  test('with Ctrl-C, or a signal to end: 0', async () => {
    for (const signal of ['SIGINT', 'SIGTERM']) {
      const signals = new EventEmitter();
      const inspection = await openInspection([at('runs.db')], NOTHING, page);
      const code = untilEnded(inspection, signals);
      signals.emit(signal);
      expect(await code).toBe(0);
      expect(signals.listenerCount('SIGINT')).toBe(0);
      await expect(fetch(inspection.url)).rejects.toThrow();
    }
  });

  test('a live migration is cancelled by the first Ctrl-C, and the second ends: 130', async () => {
    const said = quiet();
    const signals = new EventEmitter();
    const live = { ...NOTHING, live: at('small.json'), pace: 0.5 };
    const inspection = await openInspection([], live, page);
    expect(inspection.live?.state).toBe('waits');
    await fetch(`${inspection.url}api/session`);
    const code = untilEnded(inspection, signals);
    signals.emit('SIGINT');
    expect(await inspection.live?.sentence).toMatch(/^Cancelled/);
    expect((await fetch(inspection.url)).status).toBe(200);
    signals.emit('SIGINT');
    expect(await code).toBe(130);
    expect(said.mock.calls.join()).toMatch(/cancelling the migration; once more ends the inspector/);
    said.mockRestore();
  });

  test('one that nobody has looked at yet never begins: 0', async () => {
    const signals = new EventEmitter();
    const inspection = await openInspection([], { ...NOTHING, live: at('small.json') }, page);
    const code = untilEnded(inspection, signals);
    signals.emit('SIGINT');
    expect([await code, inspection.live?.state]).toEqual([0, 'waits']);
  });

  test('one that has ended by itself needs no second: 0', async () => {
    const said = quiet();
    const signals = new EventEmitter();
    const inspection = await openInspection([], { ...NOTHING, live: at('small.json'), pace: 'max' }, page);
    await fetch(`${inspection.url}api/session`);
    const code = untilEnded(inspection, signals);
    await inspection.live?.sentence;
    signals.emit('SIGINT');
    expect(await code).toBe(0);
    said.mockRestore();
  });
});

describe('--export', () => {
  test('writes one file and nothing beside it', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const before = readdirSync(folder).length;
    await exportOne([at('runs.db')], { ...NOTHING, run: [first ?? ''] }, at('one.html'), page);
    expect(readdirSync(folder)).toHaveLength(before + 1);
    expect(readFileSync(at('one.html'), 'utf8')).toContain('id="session"');
    expect(said.mock.calls.join()).toMatch(/wrote .*one\.html \([\d.]+ [kM]B\)/);
    said.mockRestore();
  });

  test('of a damaged run it takes what is good, says so, and ends with 4', async () => {
    const said = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    const before = process.exitCode;
    await exportOne([at('torn.ndjson')], NOTHING, at('torn.html'), page);
    expect(process.exitCode).toBe(4);
    process.exitCode = before;
    expect(said.mock.calls.join()).toMatch(/it is missing, with all that followed/);
    said.mockRestore();
    await expect(exportOne([at('one.ndjson')], NOTHING, join(folder, 'no', 'x.html'), page)).rejects.toThrow(
      /--export .*x\.html: there is no folder/,
    );
  });
});

test('a module is found as TypeScript, with what it imports; no browser is opened where there is no display', async () => {
  expect((await findMachine(`${at('light.ts')}#dark`)).id).toBe('dark');
  writeFileSync(at('broken.ts'), 'const const = 1;');
  await expect(findMachine(at('broken.ts'))).rejects.toThrow(/cannot import .*broken\.ts/);
  expect(openBrowser('http://127.0.0.1:1/', {}, 'linux')).toBe(false);
});
