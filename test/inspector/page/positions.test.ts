/**
 * At two hundred random positions of a long journal the page shows what a replay has there: every chart's active states, and
 * the figures. Whichever checkpoint the fold begins at, the instant is the same.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Effect } from '../../../src/core/effect.ts';
import type { Rec } from '../../../src/core/record.ts';
import type { System } from '../../../src/core/system.ts';
import { pathsOfValue } from '../../../src/inspector/view/active.ts';
import { FoldedRun } from '../../../src/inspector/view/folded-run.ts';
import { MemoryJournal } from '../../../src/journal/memory-journal.ts';
import { rehearse } from '../../../src/lab/rehearse.ts';
import { ReportProjection } from '../../../src/lab/report/projection.ts';
import { replay } from '../../../src/run/replay.ts';
import { smallScenario } from '../../lab/small-scenario.ts';
import { browserForTests, canOpen, emptyExhibition, eventually } from './open-page.ts';

const POSITIONS = 200;

/** It never converges, so it goes round and round until it is given up. */
const journal = new MemoryJournal();
const { opened } = rehearse(
  smallScenario({ vmm: { downtimeLimit: '1ms' }, rest: { seed: 3, giveUpAfter: '1500ms' } }),
  {
    journal,
  },
);
const records: readonly Rec[] = [...journal.read(opened.run)];
const positions = fc.sample(fc.nat(records.length - 1), { numRuns: POSITIONS, seed: 6 });

interface Replayed {
  readonly system: System;
  readonly effects: readonly Effect[];
  /** The one that is under way. */
  readonly pass: number | undefined;
  readonly sentBytes: number;
}

/** What a replay from the start comes to at each of them, and what its report says there. */
const replayed = new Map<number, Replayed>();
const projection = new ReportProjection();
const addresses = new Set<string>();
const wanted = new Set(positions);
let pass: number | undefined;
replay(records, (recorded) => {
  projection.see(recorded);
  const { record, system, effects } = recorded;
  for (const address of system.charts.keys()) addresses.add(address);
  for (const effect of effects) {
    if (effect.kind === 'command' && effect.name === 'sendRound') pass = effect.params.round;
  }
  if (!wanted.has(record.position)) return;
  replayed.set(record.position, { system, effects, pass, sentBytes: projection.report().bytes.total });
});

test('from any checkpoint and from the start alike', () => {
  expect(records.length).toBeGreaterThan(1000);
  const folds = [1, 7, 64, Number.MAX_SAFE_INTEGER].map((keepEvery) => {
    const fold = new FoldedRun({ keepEvery });
    fold.append(records);
    while (fold.fold(500));
    return fold;
  });
  for (const position of positions) {
    const { system, effects } = replayed.get(position)!;
    // Folding from the start each time is what the others spare: a few are enough.
    const [first, ...others] = (position % 20 === 0 ? folds : folds.slice(0, 3)).map((fold) => fold.at(position));
    for (const other of others) expect(other).toEqual(first);
    expect(first?.effects).toEqual(effects);
    expect(first?.charts.map(({ address, context }) => [address, context])).toEqual(
      [...system.charts].map(([address, { context }]) => [address, context] as const),
    );
    for (const { address, active } of first?.charts ?? []) {
      expect([...active].sort()).toEqual([...pathsOfValue(system.charts.get(address)?.value)].sort());
    }
    expect(first?.pending).toEqual([...system.pending.values()]);
    expect(first?.timers).toEqual([...system.timers.values()]);
  }
});

describe.skipIf(!canOpen)('on the page', () => {
  const browser = browserForTests();

  test('states and figures are those of the replay', async () => {
    const exhibition = emptyExhibition();
    exhibition.addJournal(journal, 'long.db', journal.runs());
    const { page, said } = await browser.open(exhibition);
    await page.locator(`.numbers[data-folded="${records.length}"]`).waitFor();
    await eventually(() => page.locator('.chart-list [data-chart]').count()).toBe(addresses.size);
    const shown = (await page.evaluate(`(${SHOWN_AT})(${JSON.stringify(positions)})`)) as readonly Shown[];
    for (const [index, position] of positions.entries()) {
      const { system, sentBytes, ...under } = replayed.get(position)!;
      const { states, figures } = shown[index]!;
      expect(states, `record ${position}`).toEqual(
        Object.fromEntries([...system.charts].map(([address, { value }]) => [address, leaves(value)] as const)),
      );
      expect(figures.pass, `record ${position}`).toBe(under.pass === undefined ? '–' : String(under.pass));
      expect(figures.record).toBe(`${position} of ${records.length - 1}`);
      expect(figures['sent in all'], `record ${position}`).toBe(sentBytes === 0 ? '–' : asBytes(sentBytes));
    }
    expect(said).toEqual([]);
  });
});

/** In the page: goes to each position by its address and reads what stands there. */
const SHOWN_AT = `async (positions) => {
  const all = [];
  for (const position of positions) {
    location.hash = 'record=' + position;
    const numbers = () => document.querySelector('.numbers');
    while (Number(numbers().dataset.position) !== position) await new Promise((next) => setTimeout(next));
    const states = [...document.querySelectorAll('.chart-list [data-chart]')]
      .filter((row) => !row.matches('.is-away'))
      .map((row) => [row.dataset.chart, row.querySelector('.state').textContent]);
    const figures = [...numbers().querySelectorAll('[data-figure]')]
      .map((one) => [one.dataset.figure, one.querySelector('.value').textContent]);
    all.push({ states: Object.fromEntries(states), figures: Object.fromEntries(figures) });
  }
  return all;
}`;

interface Shown {
  readonly states: Readonly<Record<string, string>>;
  readonly figures: Readonly<Record<string, string>>;
}

function leaves(value: unknown): string {
  const paths = pathsOfValue(value);
  return paths.filter((path) => path !== '' && !paths.some((other) => other.startsWith(`${path}.`))).join(', ');
}

/** As the page writes bytes: three digits and a decimal unit. */
function asBytes(value: number): string {
  const units = ['B', 'KB', 'MB', 'GB'];
  const rounded = Number(value.toPrecision(3));
  const power = rounded < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(rounded) / 3));
  const scaled = rounded / 1000 ** power;
  return power === 0 ? `${value} B` : `${scaled.toPrecision(3)} ${units[power]}`;
}
