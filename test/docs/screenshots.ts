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
import { readScenario } from '../../src/lab/scenario/read.ts';
import type { Scenario } from '../../src/lab/scenario/scenario.ts';
import { scenarioOf } from '../../src/lab/trial/trial.ts';
import { launchBrowser } from '../inspector/chart/measure.ts';
import { builtPage } from '../inspector/page/open-page.ts';
import { GALLERY } from './generated.ts';

const FOLDER = fileURLToPath(new URL('../../src/inspector/screenshots/', import.meta.url));
const SIZE = { width: 1280, height: 800 } as const;

interface Shot {
  readonly name: string;
  readonly runs: readonly Scenario[];
  /** The files that they are said to be from. */
  readonly sources?: readonly string[];
  /** What the page's address says after `#`. */
  readonly place: string;
  /** px; 800 unless given. */
  readonly height?: number;
  readonly act?: (page: Page) => Promise<void>;
}

/** It dirties memory faster than the link takes it: only what slows it down, or pauses it, ends its migration. */
const busy = (policy: string): Scenario =>
  scenarioOf({
    scenario: {
      name: 'busy VM',
      vm: { memory: '8GiB', vcpus: 4, workloads: [{ kind: 'random', set: '2GiB', rate: '400k/s' }] },
      containers: [],
      link: { bandwidth: '10Gbit/s' },
      vmm: { loop: 'qemu-10.2', downtimeLimit: '300ms', maxBandwidth: 0 },
      giveUpAfter: '90s',
      seed: 1,
    },
    policy,
  });
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
    sources: ['auto-converge.db', 'kubevirt-stall.db'],
    runs: [busy('auto-converge'), busy('kubevirt-stall')],
    place: 'beside=1&record=45&chart=guest&dock=plots',
    height: 1000,
  },
];

mkdirSync(FOLDER, { recursive: true });
const browser = await launchBrowser();
const workbench = modelWorkbench();
const pageFolder = await builtPage();
for (const { name, runs, sources, place, act, height = SIZE.height } of SHOTS) {
  const exhibition = new Exhibition({ workbench, galleryFolder: GALLERY });
  for (const [index, scenario] of runs.entries()) {
    const journal = new MemoryJournal();
    rehearse(scenario, { journal });
    exhibition.addJournal(journal, sources?.[index] ?? 'runs.db', journal.runs());
  }
  const server = await startServer({ exhibition, pageFolder });
  const page = await browser.newPage({ viewport: { width: SIZE.width, height }, colorScheme: 'light' });
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
