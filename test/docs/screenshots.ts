/**
 * Takes the README's pictures of the inspector: `npm run screenshots`. The runs are rehearsed here, so the pictures show what the
 * reader sees who types the same; a browser is needed, and nothing else of the machine is in them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { modelWorkbench } from '../../src/cli/model-workbench.ts';
import { Exhibition } from '../../src/inspector/server/exhibition.ts';
import { startServer } from '../../src/inspector/server/server.ts';
import { MemoryJournal } from '../../src/journal/memory-journal.ts';
import { rehearse } from '../../src/lab/rehearse.ts';
import { readScenario, readWritten } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarioOf } from '../../src/lab/trial/trial.ts';
import { launchBrowser } from '../inspector/chart/measure.ts';
import { builtPage } from '../inspector/page/open-page.ts';
import { GALLERY } from './generated.ts';

const FOLDER = fileURLToPath(new URL('../../src/inspector/screenshots/', import.meta.url));
const SIZE = { width: 1280, height: 800 };

interface Shot {
  readonly name: string;
  readonly runs: readonly Scenario[];
  /** What the page's address says after `#`. */
  readonly place: string;
  readonly act?: (page: Page) => Promise<void>;
}

const named = (name: string, policy: string): Scenario => {
  const { input, folder } = readWritten(name);
  return scenarioOf({ scenario: input, folder, policy });
};
const press =
  (...keys: readonly string[]) =>
  async (page: Page) => {
    for (const key of keys) await page.keyboard.press(key);
  };

const SHOTS: readonly Shot[] = [
  {
    name: 'gallery',
    runs: [],
    place: '',
    act: async (page) => {
      await page.locator('[data-machine="device-control"]').click();
      await page.locator('.walk[data-walk="device-control"]').waitFor();
      await page.locator('[data-step="SET_STATE"] .send').click();
      await page.locator('.walk[data-at="1"]').waitFor();
    },
  },
  { name: 'vgpu', runs: [readScenario('vgpu-10g')], place: 'record=27&chart=stop-and-copy&dock=lanes' },
  {
    name: 'switchover',
    runs: [readScenario('two-nics')],
    place: 'record=29&view=messages&dock=lanes',
    act: press('z'),
  },
  {
    name: 'roll-back',
    runs: [readScenario('fault-device-midway')],
    place: 'record=9999&view=records&dock=lanes',
    act: press('End', 'z'),
  },
  {
    name: 'two-policies',
    runs: [named('vgpu-hovers', 'qemu'), named('vgpu-hovers', 'kubevirt-stall')],
    place: 'beside=1&chart=pre-copy&dock=plots',
    act: press('End'),
  },
];

mkdirSync(FOLDER, { recursive: true });
const browser = await launchBrowser();
const workbench = modelWorkbench();
const pageFolder = await builtPage();
for (const { name, runs, place, act } of SHOTS) {
  const exhibition = new Exhibition({ workbench, galleryFolder: GALLERY });
  for (const [index, scenario] of runs.entries()) {
    const journal = new MemoryJournal();
    rehearse(scenario, { journal });
    exhibition.addJournal(journal, index === 0 ? 'runs.db' : 'others.db', journal.runs());
  }
  const server = await startServer({ exhibition, pageFolder });
  const page = await browser.newPage({ viewport: SIZE, colorScheme: 'light' });
  await page.goto(`${server.url}#${place}`);
  await page.waitForSelector(runs.length === 0 ? '.walk' : '.numbers[data-position]');
  await page.waitForTimeout(1500);
  await act?.(page);
  await page.waitForTimeout(1000);
  writeFileSync(join(FOLDER, `${name}.png`), await page.screenshot());
  await page.close();
  await server.close();
}
await browser.close();
await workbench.close();
