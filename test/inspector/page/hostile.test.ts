/**
 * A hostile journal is text: markup in names, in devices and in data, strings of a megabyte, deep nesting, records that are
 * none. The page runs nothing of it, shows it as it stands, and says what is broken and where.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { checksumOfEffects } from '../../../src/core/checksum.ts';
import type { Rec } from '../../../src/core/record.ts';
import type { System } from '../../../src/core/system.ts';
import { exportedPage } from '../../../src/inspector/server/exported-page.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { stepperFor } from '../../../src/run/stepper.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { browserForTests, builtPage, canOpen, emptyExhibition, eventually, goTo, type Opened } from './open-page.ts';

const { open, openUrl } = browserForTests();

/** Runs when it becomes markup, wherever that happens. */
const MARKUP = "<img src=x onerror='window.hacked=1'><svg onload='window.hacked=2'>";
const SCRIPT = '</script><script>window.hacked=3</script><!--';
const MEGABYTE = 'A'.repeat(1024 * 1024);

function nested(depth: number): unknown {
  let value: unknown = MARKUP;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { [SCRIPT]: value };
  return value;
}

/** Said by a driver, too late: folded by any chart, and its data is anybody's. */
const LATE: readonly Readonly<Record<string, unknown>>[] = [
  { type: `DONE.${MARKUP}`, [SCRIPT]: MARKUP },
  { type: 'DONE.sendRound', text: `${MARKUP}${MEGABYTE}` },
  { type: MEGABYTE, [MEGABYTE]: MEGABYTE },
  { type: 'DONE.sendRound', nested: nested(1000) },
  { type: 'DONE.sendRound', __proto__2: 1, constructor: { prototype: SCRIPT } },
];

/** A run whose charts, devices, names and data are all hostile, and which is right in every checksum. */
function hostileRecords(): readonly Rec[] {
  const { journal, opened } = rehearse(smallScenario());
  const text = JSON.stringify([...journal.read(opened.run)]);
  const named = JSON.parse(
    text.replaceAll('nic0', JSON.stringify(MARKUP).slice(1, -1)).replaceAll('"small"', JSON.stringify(SCRIPT)),
  ) as Rec[];
  const [first, ...inputs] = named as [Extract<Rec, { kind: 'opened' }>, ...Extract<Rec, { kind: 'input' }>[]];
  const opens = { ...first, opened: { ...first.opened, run: 'hostile', fingerprint: MARKUP } };
  const stepper = stepperFor(opens.opened);
  let { system, effects } = stepper.open(opens.opened, 0);
  const records: Rec[] = [{ ...opens, effects: checksumOfEffects(effects) }];
  const push = (input: Omit<Extract<Rec, { kind: 'input' }>, 'position' | 'effects'>) => {
    const next = { ...input, position: records.length, effects: 0 };
    ({ system, effects } = stepper.step(system as System, next));
    records.push({ ...next, effects: checksumOfEffects(effects) });
  };
  for (const input of inputs) push(input);
  const atNs = records.at(-1)?.atNs ?? 0;
  for (const event of LATE) {
    push({ kind: 'input', to: 'migration', by: 'driver', answers: '2:0', atNs, event: event as { type: string } });
  }
  return records;
}

const records = hostileRecords();

async function show(): Promise<Opened> {
  const journal = new MemoryJournal();
  journal.append('hostile', 0, records);
  const exhibition = emptyExhibition();
  exhibition.addJournal(journal, `${MARKUP}.db`, journal.runs());
  const opened = await open(exhibition);
  await opened.page.waitForSelector(`.numbers[data-folded="${records.length}"]`);
  return opened;
}

const QUIET = `({
  hacked: window.hacked,
  elements: document.querySelectorAll('#app :is(img, script, iframe, object, embed, base, link, meta)').length,
  handlers: [...document.querySelectorAll('#app *')].filter((one) =>
    [...one.attributes].some(({ name, value }) => /^on/i.test(name) || /^\\s*javascript:/i.test(value)),
  ).length,
})`;

/** Nothing of the journal has become more than text. */
async function isQuiet(page: Page): Promise<void> {
  const found = await page.evaluate(QUIET);
  expect(found).toEqual({ hacked: undefined, elements: 0, handlers: 0 });
}

/** The other views, each with what has been asked for once it is there. */
const VIEWS = [
  ['Messages', '.sequence-group[aria-current="true"]'],
  ['Who tells whom', '.teller-picture .teller'],
  ['Charts', '.chart-view[data-picture] .state.active'],
] as const;

const showView = (page: Page, name: string) => page.locator('.views button', { hasText: name }).click();

describe.runIf(canOpen)('a hostile journal', () => {
  test('is text in every view', async () => {
    const { page, said, url } = await show();
    expect((await fetch(url)).headers.get('content-security-policy')).toMatch(/default-src 'none'|script-src 'self'/);
    await isQuiet(page);
    // The last one, and all that came too late are in sight around it.
    await goTo(page, { record: records.length - 1, view: 'records' });
    await page.waitForSelector(`.record-details[data-record="${records.length - 1}"]`);
    const first = records.length - LATE.length;
    for (const [index] of LATE.entries()) {
      await page.locator(`tr.record[data-position="${first + index}"]`).click();
      await page.waitForSelector(`.record-details[data-record="${first + index}"]`);
      await isQuiet(page);
      expect((await page.locator('.record-details').innerHTML()).length).toBeLessThan(20_000);
    }
    await page.locator(`tr.record[data-position="${first + 1}"]`).click();
    const details = page.locator(`.record-details[data-record="${first + 1}"]`);
    await details.getByText(MARKUP).first().waitFor();
    await details.getByRole('button', { name: /^show/ }).click();
    const whole = details.locator('.value-whole');
    await eventually(() => whole.evaluate((one) => one.textContent?.length ?? 0)).toBeGreaterThan(90_000);
    await page.locator('[data-search]').fill('onerror');
    await page.locator('tr.record mark').first().waitFor();
    await isQuiet(page);
    for (const [name, shown] of VIEWS) {
      await showView(page, name);
      await page.locator(shown).first().waitFor();
      await isQuiet(page);
    }
    await page.keyboard.press('w');
    await page.locator('.what-if').waitFor();
    await isQuiet(page);
    expect(said).toEqual([]);
    await page.close();
  });

  test('is text in an exported file, too', async () => {
    const journal = new MemoryJournal();
    journal.append('hostile', 0, records);
    const exhibition = emptyExhibition();
    exhibition.addJournal(journal, `${SCRIPT}.db`, journal.runs());
    const [run] = exhibition.runs;
    if (run === undefined) throw new Error('no run');
    const { html } = await exportedPage(exhibition, run, await builtPage());
    const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'hostile.html'), html);
    const { page, said } = await openUrl(pathToFileURL(join(folder, 'hostile.html')).href);
    await page.waitForSelector(`.numbers[data-folded="${records.length}"]`);
    await showView(page, 'Records');
    await page.locator('tr.record').first().waitFor();
    await isQuiet(page);
    expect(said).toEqual([]);
    await page.close();
  });
});

/** Of records that are right, one is not; what else may be wrong with a line is in read-line.test.ts. */
const BROKEN: readonly (readonly [what: string, line: (record: Rec) => string, says: RegExp])[] = [
  ['no JSON', () => `{"position": ${MARKUP}`, /it is not JSON/],
  ['another checksum', (record) => recordText({ ...record, effects: 1 } as Rec), /it caused effects 00000001 then/],
];

describe.runIf(canOpen)('a broken record', () => {
  test('ends what is shown, and is named with its reason', async () => {
    const { page, said } = await show();
    // One that causes something.
    const at = records.findIndex(({ effects, position }) => position > 8 && effects !== checksumOfEffects([]));
    let lines: readonly string[] = [];
    await page.route('**/api/runs/0/records*', (route) => route.fulfill({ body: `${lines.join('\n')}\n` }));
    for (const [what, line, says] of BROKEN) {
      lines = records.map((record, index) => (index === at ? line(record) : recordText(record)));
      await page.reload();
      await page.waitForSelector(`.numbers[data-folded="${at}"]`);
      const troubles = page.locator('.troubles');
      await eventually(() => troubles.textContent(), what).toMatch(says);
      const told = await troubles.textContent();
      expect(told, what).toContain(`record ${at}`);
      expect(told, what).not.toMatch(/\n\s+at /);
      await showView(page, 'Records');
      await page.locator('tr.record').first().waitFor();
      await page.keyboard.press('End');
      await isQuiet(page);
    }
    expect(said).toEqual([]);
    await page.close();
  });
});
