/** Charts on the page, in a browser: what is lit is what a replay says; states explain themselves; nothing moves by itself; any chart can be walked through. */
import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { machines } from '../../../machines/index.ts';
import type { Rec } from '../../../src/core/record.ts';
import type { System } from '../../../src/core/system.ts';
import { chartGraph, statesOf } from '../../../src/inspector/chart/graph.ts';
import { pathsOfValue } from '../../../src/inspector/view/active.ts';
import { Engine } from '../../../src/inspector/view/engine.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { stepperFor } from '../../../src/run/stepper.ts';
import { trafficLight } from '../../fixtures/machines/traffic-light.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { browserForTests, canOpen, emptyExhibition, eventually, goTo } from './open-page.ts';

const journal = new MemoryJournal();
const { opened } = rehearse(smallScenario(), { journal });
const records: readonly Rec[] = [...journal.read(opened.run)];

/** The system after each record, by the stepper alone. */
function replayed(): readonly System[] {
  const stepper = stepperFor(opened);
  const systems: System[] = [];
  for (const record of records) {
    const last = systems.at(-1);
    if (record.kind === 'opened') systems.push(stepper.open(record.opened, record.atNs).system);
    else if (last !== undefined) systems.push(stepper.step(last, record).system);
  }
  return systems;
}

describe.skipIf(!canOpen)('charts on the page', () => {
  const browser = browserForTests();

  test('what is lit is what a replay says, states say what leads out of them, and nothing moves by itself', async () => {
    const exhibition = emptyExhibition();
    exhibition.addJournal(journal, 'small.db', journal.runs());
    const { page, said } = await browser.open(exhibition);
    const systems = replayed();
    const engine = new Engine();
    engine.open({ id: '0' });
    engine.append('0', records.map(recordText));
    engine.fold('0', records.length);
    await folded(page);

    for (const address of ['migration', 'device/nic0', 'pre-copy']) {
      await page.locator(`.chart-list [data-chart="${address}"]`).click();
      for (const share of [0.3, 0.55, 0.9]) {
        const position = Math.floor(records.length * share);
        await seek(page, address, position);
        const snapshot = systems[position]?.charts.get(address);
        const lit = await texts(page.locator('.chart-view .state.active'), 'data-state');
        expect(lit.sort(), `${address} at ${position}`).toEqual(
          snapshot === undefined ? [] : [...pathsOfValue(snapshot.value)].sort(),
        );
      }
    }

    // Counts on the picture, of states and of transitions.
    await page.locator('.chart-list [data-chart="pre-copy"]').click();
    const position = records.findLastIndex((_, at) => systems[at]?.charts.has('pre-copy') === true);
    await seek(page, 'pre-copy', position);
    const { states, transitions } = engine.visits('0', 'pre-copy', position);
    const { '': _, ...counted } = states;
    await eventually(() => badges(page)).toEqual({ ...strings(counted), ...strings(transitions) });

    // A state tells what it is for and what leads out of it, guards included.
    const state = statesOf(chartGraph(machines['pre-copy']!).root).find(
      ({ description, id }) => description !== undefined && id !== '' && counted[id] !== undefined,
    );
    await page.locator(`.chart-view [data-texts="${state?.id}"]`).dispatchEvent('click');
    const details = page.locator(`.details [data-state-details="${state?.id}"]`);
    await details.locator('.description').first().waitFor();
    expect(await details.locator('.description').first().textContent()).toBe(state?.description);
    await eventually(() => details.getAttribute('data-exits-at')).toBe(String(position));
    const exits = engine.exits('0', 'pre-copy', position);
    const guarded = chartGraph(machines['pre-copy']!).transitions.filter(
      ({ source, guard }) =>
        guard !== undefined && (source === '' || state?.id === source || state?.id.startsWith(`${source}.`)),
    );
    for (const { id, guard } of guarded) {
      const exit = details.locator(`[data-exit="${id}"]`);
      expect(await exit.locator('.guard').textContent()).toContain(`[${guard}]`);
      expect(await exit.getAttribute('data-holds')).toBe(exits[id] ?? null);
    }
    expect(guarded.length).toBeGreaterThan(0);

    // Zoomed by the wheel and dragged it stays where it is while records pass, until another chart is chosen.
    const view = page.locator('.chart-view');
    const box = (await view.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const before = await cameraOf(page);
    await page.mouse.move(box.x + 200, box.y + 150);
    await page.mouse.wheel(0, -300);
    await eventually(async () => scaleOf(await cameraOf(page))).toBeGreaterThan(scaleOf(before));
    const zoomed = await cameraOf(page);
    await page.mouse.down();
    await page.mouse.move(box.x + 140, box.y + 120, { steps: 3 });
    await page.mouse.up();
    const moved = await cameraOf(page);
    expect(moved).not.toBe(zoomed);
    expect(scaleOf(moved)).toBe(scaleOf(zoomed));
    await eventually(() => page.locator('.state.chosen').count()).toBe(1);
    await seek(page, 'pre-copy', position - 5);
    expect(await cameraOf(page)).toBe(moved);
    await page.locator('.chart-list [data-chart="guest"]').click();
    await eventually(() => cameraOf(page)).not.toBe(moved);

    // By keys alone: the list, a state, the overview.
    await page.locator('.chart-list [data-chart="guest"]').focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('.chart-list [aria-current="true"]').getAttribute('data-chart')).not.toBe(
      'guest',
    );
    await page.locator('.chart-view[data-picture] [tabindex="0"]').focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('.chart-view .texts.chosen:focus').getAttribute('aria-pressed')).toBe('true');
    await page.keyboard.press('o');
    const open = [...(engine.at('0', position - 5)?.charts ?? [])].map(({ address }) => address);
    const cards = async () => (await texts(page.locator('.chart-card'), 'data-chart')).sort();
    await eventually(cards).toEqual(open.sort());
    expect(said).toEqual([]);
  });

  test('a chart of this package and one of the user’s own are walked through by hand', async () => {
    const exhibition = emptyExhibition();
    exhibition.gallery.add(trafficLight);
    const { page, said } = await browser.open(exhibition);
    const lit = async () =>
      (await texts(page.locator('.chart-view .state.active'), 'data-state')).filter((path) => path !== '');
    const send = (type: string) => page.locator(`[data-step="${type}"] .send`).click();
    const at = (step: number) => page.locator(`.walk[data-at="${step}"]`).waitFor();

    // The user's own comes first, and is open.
    await at(0);
    await eventually(lit).toEqual(['working', 'working.green']);
    await send('BUTTON');
    await at(1);
    await eventually(lit).toEqual(['working', 'working.yellow']);
    await eventually(() => texts(page.locator('.chart-view .label [data-edge].taken'), 'data-edge')).toEqual([
      'working.green|BUTTON|0',
    ]);

    // Sent as it was edited; what is no JSON cannot be sent.
    await page.getByRole('button', { name: 'Edit what is sent with SET_GREEN' }).click();
    const draft = page.getByRole('textbox', { name: 'SET_GREEN as JSON' });
    await draft.fill('{ "type": ');
    await eventually(() => page.locator('[data-step="SET_GREEN"] .send').isDisabled()).toBe(true);
    await eventually(() => page.locator('.step .trouble').textContent()).toContain('This is not JSON');
    await draft.fill('{ "type": "SET_GREEN", "ms": 4321 }');
    await send('SET_GREEN');
    await at(2);
    await eventually(() => page.locator('.walk').textContent()).toContain('4321');

    // Back to any step, and on from there.
    await page.locator('.history button').first().click();
    await at(0);
    await eventually(lit).toEqual(['working', 'working.green']);
    await page.getByRole('button', { name: 'Redo' }).click();
    await at(1);

    // One of ours, found by its name.
    await page.getByRole('searchbox', { name: 'Filter the charts' }).fill('guest stat');
    await eventually(() => texts(page.locator('.machine-row'), 'data-machine')).toEqual(['guest']);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('.walk[data-walk="guest"][data-at="0"]').waitFor();
    await send('STOP');
    await at(1);
    await eventually(lit).toEqual(['stopping']);
    await eventually(() => page.locator('.walk-actions').textContent()).toContain('stopVcpus');
    await send('DONE.stopVcpus');
    await eventually(lit).toEqual(['stopped']);
    expect(said).toEqual([]);
  });

  test('a picture that would run something is not shown, and says so', async () => {
    const exhibition = emptyExhibition();
    const { page, said } = await browser.open(exhibition);
    const svg = (inside: string) => `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">${inside}</svg>`;
    const bad = {
      guest: svg('<script>alert(1)</script>'),
      'hot-plug': svg('<g onclick="alert(1)"/>'),
      'in-doubt': svg('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>'),
      'roll-back': svg('<a href="https://example.com/">x</a>'),
      observed: '<!doctype html><p>hello',
    };
    for (const [name, body] of Object.entries(bad)) {
      await page.route(`**/api/pictures/${name}.svg`, (route) => route.fulfill({ contentType: 'image/svg+xml', body }));
      await page.locator(`[data-machine="${name}"]`).click();
      const trouble = page.locator(`.chart-view[aria-label="Chart ${name}"] .no-picture`);
      await trouble.waitFor();
      expect(await trouble.textContent(), name).toMatch(name === 'observed' ? /not an SVG/ : /not shown/);
    }
    expect(await page.locator('.chart-view svg.chart, .chart-view script').count()).toBe(0);
    // The browser says of a handler, while it parses it, that it would not run.
    expect(said.filter((one) => !one.includes('Content Security Policy'))).toEqual([]);
  });
});

/** All records are there, and folded. */
async function folded(page: Page): Promise<void> {
  await page.locator(`.numbers[data-folded="${records.length}"]`).waitFor();
}

/** To a record, and until the picture shows it, too. */
async function seek(page: Page, chart: string, record: number): Promise<void> {
  await goTo(page, { record });
  await page.locator(`.chart-view[aria-label="Chart ${chart}"][data-position="${record}"][data-picture]`).waitFor();
}

const texts = (found: Locator, attribute: string) =>
  found.evaluateAll(
    (all, name) => all.map((one) => (one as unknown as { getAttribute(name: string): string }).getAttribute(name)),
    attribute,
  );

async function badges(page: Page): Promise<Readonly<Record<string, string>>> {
  const shown = page.locator('.chart-view .badge:not([visibility="hidden"])');
  const keys = await texts(shown, 'data-badge');
  const counts = await shown.locator('text').allTextContents();
  return Object.fromEntries(keys.map((key, index) => [key, counts[index] ?? '']));
}

const strings = (counts: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(counts).map(([key, count]) => [key, String(count)]));

const scaleOf = (camera: string | null) => Number(/scale\((.*?)\)/.exec(camera ?? '')?.[1]);

/** Once what was done with the mouse has been drawn. */
async function cameraOf(page: Page): Promise<string | null> {
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
  return page.locator('.chart-view .picture').getAttribute('style');
}
