/**
 * Records, messages and what-if in a real browser: opened, searched, followed, and held to what the records themselves say; a
 * branch is made by the server, and is its parent up to the record that it leaves.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Rec } from '../../../src/core/record.ts';
import { kindOf } from '../../../src/core/system.ts';
import { differenceOf } from '../../../src/inspector/view/difference.ts';
import { FoldedRun } from '../../../src/inspector/view/folded-run.ts';
import type { Told } from '../../../src/inspector/view/instant.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { recordText } from '../../../src/journal/record-text.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { readScenario } from '../../../src/lab/scenario/read.ts';
import { browserForTests, canOpen, emptyExhibition, eventually, goTo } from './open-page.ts';

const { open } = browserForTests();

interface Shown {
  readonly page: Page;
  readonly said: readonly string[];
  readonly url: string;
  readonly records: readonly Rec[];
  readonly journal: MemoryJournal;
}

async function show(scenario: string): Promise<Shown> {
  const journal = new MemoryJournal();
  const { opened } = rehearse(readScenario(scenario), { journal });
  const exhibition = emptyExhibition();
  exhibition.addJournal(journal, `${scenario}.db`, journal.runs());
  const shown = await open(exhibition);
  const records = [...journal.read(opened.run)];
  await shown.page.waitForSelector(`.numbers[data-folded="${records.length}"]`);
  return { ...shown, records, journal };
}

function foldedRun(records: readonly Rec[]): FoldedRun {
  const run = new FoldedRun();
  run.append(records);
  while (run.fold(1000));
  return run;
}

async function view(page: Page, name: string): Promise<void> {
  await page.locator('.views button', { hasText: name }).click();
}

const at = (page: Page, position: number) => page.waitForSelector(`.numbers[data-position="${position}"]`);
/** Below the head of the table, and above its end; a row that is not there is not in sight. */
const isInSight = (page: Page, position: number) =>
  page.locator('.record-table').evaluate((table, selector) => {
    const [head, row] = [table.querySelector('thead'), table.querySelector(selector)];
    const [seen, from, at] = [table, head, row].map((one) => one?.getBoundingClientRect());
    if (seen === undefined || from === undefined || at === undefined) return false;
    return at.top >= from.bottom && at.bottom <= seen.bottom;
  }, `tr.record[data-position="${position}"]`);
const positionsIn = (page: Page, rows: string) =>
  page.locator(rows).evaluateAll((all) => all.map((one) => Number(one.getAttribute('data-position'))));

describe.runIf(canOpen)('the table of records', () => {
  test('has the rows in sight only, keeps the current one there, and is searched in all of a record', async () => {
    const { page, said, records } = await show('own-policy');
    await view(page, 'Records');
    await page.waitForSelector('tr.record');
    await eventually(() => page.locator('tr.record').count()).toBeLessThan(records.length / 4);
    const last = records.length - 1;
    await page.keyboard.press('End');
    await page.waitForSelector(`tr.record[data-position="${last}"][aria-current]`);
    const row = page.locator(`tr.record[data-position="${last}"]`);
    const input = records[last] as Extract<Rec, { kind: 'input' }>;
    await eventually(() => row.locator('td').allInnerTexts()).toEqual(
      expect.arrayContaining([input.to, input.event.type, input.by]),
    );
    await eventually(() => isInSight(page, last)).toBe(true);

    // From another view the table opens, and takes what is typed on.
    await view(page, 'Charts');
    await page.waitForSelector('.chart-pane');
    await page.keyboard.press('/');
    await page.keyboard.type('switchover "verdict"', { delay: 0 });
    const expected = records
      .filter((record) => ['switchover', '"verdict"'].every((word) => recordText(record).toLowerCase().includes(word)))
      .map(({ position }) => position);
    expect(expected.length).toBeGreaterThan(0);
    await page.waitForSelector(`.found[data-found="${expected.length}"]`);
    await eventually(() => positionsIn(page, 'tr.record')).toEqual(expected.slice(0, 40));
    await eventually(() => page.locator('tr.record mark').allInnerTexts()).toContain('switchover');
    await page.keyboard.press('Enter');
    await at(page, expected[0] as number);

    await page.locator('[data-search]').fill('');
    await page.locator('.record-filter select').nth(2).selectOption('shadow');
    const shadows = foldedRun(records)
      .between(0, last)
      .filter(({ effects }) =>
        effects.some(
          (one) => one.kind === 'fact' && one.event.type === 'SHADOW_JUDGED' && one.event.verdict !== 'continue',
        ),
      );
    await page.waitForSelector(`.found[data-found="${shadows.length}"]`);
    await page.locator('.shadow-jump').click();
    const wouldAct = new Set(shadows.map(({ record }) => record.position));
    await eventually(async () =>
      wouldAct.has(Number(await page.locator('.numbers').getAttribute('data-position'))),
    ).toBe(true);
    expect(said).toEqual([]);
    await page.close();
  });
});

describe.runIf(canOpen)('one run', () => {
  let shown: Shown;
  beforeAll(async () => {
    shown = await show('two-nics');
  });
  afterAll(() => shown.page.close());

  test('is followed by cause and consequence, and says what each record changed and told', async () => {
    const { page, said, records } = shown;
    await view(page, 'Records');
    const answered = records.filter((record) => record.kind === 'input' && record.answers !== undefined);
    const one = answered[Math.floor(answered.length / 2)] as Extract<Rec, { kind: 'input' }>;
    const cause = Number(one.answers?.split(':')[0]);
    await goTo(page, { record: one.position });
    await page.keyboard.press('c');
    await at(page, cause);
    const consequence = records.findIndex(
      (record) => record.kind === 'input' && record.answers?.split(':')[0] === String(cause),
    );
    await page.keyboard.press('e');
    await at(page, consequence);
    await eventually(() => isInSight(page, consequence)).toBe(true);
    await page.locator(`tr.record[data-position="${consequence}"] .record-link.cause`).click();
    await at(page, cause);

    const run = foldedRun(records);
    await sameDifference(page, run, cause);
    await view(page, 'Messages');
    await sameSequence(page, run, cause);
    await page.keyboard.press('ArrowRight');
    await sameSequence(page, run, cause + 1);
    await view(page, 'Who tells whom');
    await sameTellers(page, run, cause + 1);
    expect(said).toEqual([]);
  });

  test('is branched: the branch is the same up to where it leaves, runs beside, and nothing is written', async () => {
    const { page, said, records, url, journal } = shown;
    const position = 12;
    await goTo(page, { record: position });
    await page.keyboard.press('w');
    await page.locator('.what-if [name=bandwidth]').fill('5Gbit/s');
    await page.locator('.what-if [name=others]').fill('vmm.downtimeLimit=1s');
    await eventually(() => page.locator('.what-if code').textContent()).toBe(
      `switchover branch two-nics.db --run ${journal.runs()[0]?.run} --at ${position} --set link.bandwidth=5Gbit/s --set vmm.downtimeLimit=1s`,
    );
    await page.locator('.what-if .primary').click();
    await page.waitForSelector('.branch-result[data-branch="1"]');
    await eventually(() => page.locator('.branch-result [data-figure]').count()).toBe(6);
    await eventually(() => page.locator('[data-figure=total] td').nth(1).getAttribute('class')).toBe('worse');
    await eventually(() => page.locator('.run-choice select').nth(1).inputValue()).toBe('1');
    const text = await (await fetch(`${url}api/runs/1/records`)).text();
    const branch = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Rec);
    const [theirs, ours] = [foldedRun(records).at(position), foldedRun(branch).at(position)];
    expect(ours).toEqual(theirs);
    expect(branch[position + 1]).toMatchObject({ by: 'operator', event: { type: 'BRANCHED' } });
    expect([journal.runs().length, [...journal.read(journal.runs()[0]?.run ?? '')].length]).toEqual([
      1,
      records.length,
    ]);

    // A branch of the branch, which is in no file.
    await page.locator('.branch-result button', { hasText: 'Go into the branch' }).click();
    await page.waitForSelector(`.numbers[data-folded="${branch.length}"]`);
    await goTo(page, { record: position + 3 });
    await eventually(() => page.locator('.what-if .branch-result').count()).toBe(0);
    await page.locator('.what-if [name=cancels]').check();
    await page.locator('.what-if .primary').click();
    await page.waitForSelector('.branch-result[data-branch="2"]');
    await eventually(() => page.locator('[data-figure=outcome] td').nth(1).textContent()).toBe('cancelled');
    expect(said).toEqual([]);

    await page.locator('.what-if [name=cancels]').uncheck();
    await page.locator('.what-if [name=others]').fill('vm.memory=1GiB');
    await page.locator('.what-if .primary').click();
    const refusal = page.locator('.what-if-refused');
    await eventually(() => refusal.textContent()).toMatch(/vm\.memory cannot be changed in a run that is under way/);
    expect(await refusal.textContent()).not.toMatch(/\bat .*\.ts/);
  });
});

async function sameDifference(page: Page, run: FoldedRun, position: number): Promise<void> {
  await page.waitForSelector(`.record-details[data-record="${position}"]`);
  const { charts } = differenceOf(run.systemAt(position - 1), run.systemAt(position));
  const shown = page.locator('.record-details .difference');
  expect(charts.length).toBeGreaterThan(0);
  await eventually(() => shown.evaluateAll((all) => all.map((each) => each.getAttribute('data-chart')))).toEqual(
    charts.map(({ address }) => address),
  );
  const texts = await page.locator('.difference-state').allInnerTexts();
  for (const [index, { before, after }] of charts.entries()) {
    for (const state of [before, after]) if (state !== undefined) expect(texts[index]).toContain(state);
  }
}

async function sameSequence(page: Page, run: FoldedRun, position: number): Promise<void> {
  await page.waitForSelector(`.sequence-group[aria-current][data-position="${position}"]`);
  const drawn = page.locator(`.sequence-group[data-position="${position}"] .sequence-row.message`);
  const [folded] = run.between(position, position);
  const told = (folded?.told ?? []).filter((each): each is Told & { from: string } => each.from !== undefined);
  await eventually(() => drawn.evaluateAll((all) => all.map((each) => each.getAttribute('aria-label')))).toEqual(
    told.map(({ from, to, event }) => `${from} tells ${to} ${event.type}`),
  );
}

async function sameTellers(page: Page, run: FoldedRun, position: number): Promise<void> {
  await page.locator('[data-kind="dirty-log"]').click();
  const counts = new Map<string, number>();
  for (const { told } of run.between(0, position)) {
    for (const { from, to, event } of told) {
      if (from === undefined || (kindOf(from) !== 'dirty-log' && kindOf(to) !== 'dirty-log')) continue;
      const key = `${kindOf(from)} to ${kindOf(to)} ${event.type}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  expect(counts.size).toBeGreaterThan(3);
  for (const [key, times] of counts) {
    const [, pair = '', type = ''] = /^(.*) (\S+)$/.exec(key) ?? [];
    const line = page.locator(`section[aria-label="${pair}"] li[data-type="${type}"] .times`);
    await eventually(() => line.textContent(), key).toBe(`${times}×`);
  }
}
