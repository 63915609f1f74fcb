/** Time on the page, in a browser: scrubbing, playing, zooming, lanes, plots and the memory map all show the same instant. */
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ticksOf } from '../../../src/inspector/page/dock/time-scale.ts';
import type { MemoryMap } from '../../../src/inspector/page-data.ts';
import type { Lane } from '../../../src/inspector/view/lanes.ts';
import { Lanes } from '../../../src/inspector/view/lanes.ts';
import { SeriesBook, valueAt } from '../../../src/inspector/view/series.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { fold } from '../view/folded.ts';
import { browserForTests, canOpen, emptyExhibition, eventually, goTo } from './open-page.ts';

const journal = new MemoryJournal();
const { opened, ended } = rehearse(smallScenario(), { journal });
rehearse(smallScenario({ vmm: { downtimeLimit: '50ms' } }), { journal });
const records = [...journal.read(opened.run)];
const [book, series] = [new Lanes(), new SeriesBook()];
fold(records, (folded) => {
  book.see(folded);
  series.see(folded);
});
const laneOf = (id: string) => book.all().find((lane) => lane.id === id) as Lane;

function exhibition(runs = [journal.runs()[0]!]) {
  const shown = emptyExhibition();
  shown.addJournal(journal, 'small.db', runs);
  return shown;
}

const positionOf = async (page: Page) => Number(await page.locator('.numbers').getAttribute('data-position'));
const atPosition = (page: Page, position: number) => page.waitForSelector(`.numbers[data-position="${position}"]`);
const folded = (page: Page) => page.waitForSelector(`.numbers[data-folded="${records.length}"]`);
const figure = (page: Page, name: string) => page.locator(`[data-figure="${name}"] .value`).textContent();
const drawnIn = (page: Page, selector: string) =>
  page.locator(selector).evaluate((one) => {
    const canvas = one as unknown as {
      width: number;
      height: number;
      getContext(of: '2d'): { getImageData(x: number, y: number, w: number, h: number): { data: Uint8ClampedArray } };
    };
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Map<string, number>();
    for (let at = 0; at < data.length; at += 4) {
      if ((data[at + 3] as number) < 40) continue;
      const colour = `${data[at]} ${data[at + 1]} ${data[at + 2]}`;
      colours.set(colour, (colours.get(colour) ?? 0) + 1);
    }
    return [...colours.values()].filter((count) => count > 60).length;
  });

describe.skipIf(!canOpen)('time on the page', () => {
  const browser = browserForTests();

  test('the line, the lanes and the figures show one instant, and the keyboard moves it', async () => {
    const { page, said } = await browser.open(exhibition());
    await folded(page);

    const line = page.getByRole('slider', { name: 'Time of the run' });
    const box = (await line.boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.5, box.y + 8);
    const middle = records.findLastIndex(({ atNs }) => atNs <= (records.at(-1)?.atNs ?? 0) * 0.5);
    await eventually(async () => Math.abs((await positionOf(page)) - middle)).toBeLessThanOrEqual(2);
    await page.getByLabel('by record').check();
    await page.mouse.click(box.x + box.width * 0.5, box.y + 8);
    await atPosition(page, Math.round((records.length - 1) / 2));

    // Each name says what its lane is in, at any record.
    const last = records.length - 1;
    const ways: readonly (readonly [position: number, keys: readonly string[]])[] = [
      [5, ['Home', ...Array<string>(5).fill('ArrowRight')]],
      [14, ['Shift+ArrowRight', 'ArrowLeft']],
      [last, ['End']],
    ];
    for (const [position, keys] of ways) {
      for (const key of keys) await page.keyboard.press(key);
      await atPosition(page, position);
      for (const id of ['phases', 'device/nic0', 'storage']) {
        const span = laneOf(id).spans.findLast((one) => one.position <= position);
        const said = span?.towards === undefined ? (span?.state ?? '') : `→ ${span.towards}`;
        const now = page.locator(`[data-lane="run ${id}"] .now`);
        await eventually(() => now.textContent(), `${id} at ${position}`).toBe(said);
      }
      const passes = series.all().find(({ id }) => id === 'round')!;
      await eventually(() => figure(page, 'pass')).toBe(String(valueAt(passes, position) ?? '–'));
    }

    // On a lane's name the arrows go from state to state.
    await page.keyboard.press('Home');
    await page.locator('[data-lane="run device/nic0"]').focus();
    for (const { position } of laneOf('device/nic0').spans.slice(0, 4)) {
      await page.keyboard.press('ArrowRight');
      await atPosition(page, position);
    }
    await eventually(() => page.getByRole('tooltip').textContent()).toContain('nic0, source');
    await page.keyboard.press('ArrowDown');
    await eventually(() => page.evaluate('document.activeElement.dataset.lane')).toBe('run service/nic0');
    expect(said).toEqual([]);
  });

  test('zooming to the switchover draws the downtime to scale; wheel, drag and keys zoom; playing comes to the end of it', async () => {
    const { page, said } = await browser.open(exhibition());
    await folded(page);
    const ticks = () => page.locator('.time-frame .tick').allTextContents();
    const plotBox = async () => (await page.locator('.time-frame .plot').boundingBox())!;
    const { width } = await plotBox();
    const whole = ticksOf({ fromNs: 0, toNs: records.at(-1)?.atNs ?? 0, width }).map(({ label }) => label);
    await eventually(ticks).toEqual(whole);
    await page.keyboard.press('z');
    await page.waitForSelector('.zoom-strip[data-zoomed="true"]');
    await eventually(() => ticks()).not.toEqual(whole);
    const label = await page.locator('[data-lane="run downtime"] .name').textContent();
    expect(Number.parseFloat(label?.replace('downtime ', '') ?? '')).toBeCloseTo(ended.downtimeMs ?? Number.NaN, 0);
    await eventually(() => drawnIn(page, '.lanes canvas')).toBeGreaterThan(5);

    const plot = await plotBox();
    await page.mouse.move(plot.x + plot.width / 2, plot.y + 30);
    const zoomed = await ticks();
    await page.mouse.wheel(0, -600);
    await eventually(ticks).not.toEqual(zoomed);
    await page.keyboard.press('0');
    await eventually(ticks).toEqual(whole);
    await page.mouse.down();
    await page.mouse.move(plot.x + plot.width * 0.7, plot.y + 30, { steps: 3 });
    await page.mouse.up();
    await page.waitForSelector('.zoom-strip[data-zoomed="true"]');
    await page.keyboard.press('0');

    await page.keyboard.press('z');
    await page.locator('.speed select').selectOption('0.5');
    await page.keyboard.press('Home');
    await page.getByRole('button', { name: 'Play' }).click();
    await page.getByRole('button', { name: 'Play' }).waitFor({ timeout: 20_000 });
    await atPosition(page, records.length - 1);
    await eventually(() => figure(page, 'downtime')).toContain('ms');
    expect(said).toEqual([]);
  });

  test('plots have each figure at the cursor, of the run beside as well, and the memory map is asked for anew where it is zoomed', async () => {
    const asked: string[] = [];
    const shown = exhibition(journal.runs().slice(0, 2) as never);
    const { workbench } = shown as unknown as {
      workbench: { memoryMap(...args: readonly unknown[]): Promise<MemoryMap> };
    };
    const memoryMap = workbench.memoryMap.bind(workbench);
    workbench.memoryMap = (all, span, ...rest) => {
      asked.push(JSON.stringify(span ?? 'whole'));
      return memoryMap(all, span, ...rest);
    };
    const { page, said } = await browser.open(shown, { colorScheme: 'dark' });
    await folded(page);
    // A record of a run that nobody has looked at yet; then one of the first again, while the page writes where it stands.
    await goTo(page, { run: '1', record: 20 });
    expect(await page.locator('.run-choice select').first().inputValue()).toBe('1');
    await page.evaluate(
      `location.hash = 'run=0&record=${records.length - 1}'; history.replaceState(null, '', '#record=3')`,
    );
    await atPosition(page, records.length - 1);
    await page.locator('.run-choice select').last().selectOption('1');
    await page.getByRole('tab', { name: 'Plots' }).click();
    await page.locator('.one-plot canvas').first().waitFor();
    const remaining = page.locator('.plot-value.run', { hasText: 'remaining' });
    await eventually(() => remaining.locator('.value').textContent()).toBe(await figure(page, 'remaining'));
    await eventually(() => page.locator('.plot-value.beside').count()).toBeGreaterThan(3);
    await eventually(() => drawnIn(page, '.one-plot canvas >> nth=0')).toBeGreaterThan(1);
    await page.getByRole('checkbox', { name: 'log', exact: true }).check();

    await page.getByRole('tab', { name: 'Memory' }).click();
    await eventually(() => drawnIn(page, '.memory canvas')).toBeGreaterThan(1);
    await page.getByRole('checkbox', { name: 'dirtied by vCPUs' }).uncheck();
    await page.keyboard.press('z');
    await eventually(() => asked.length).toBe(2);
    expect(asked[0]).toBe('"whole"');
    expect(JSON.parse(asked[1] ?? '{}')).toHaveProperty('fromNs');
    expect(said).toEqual([]);
  });
});
