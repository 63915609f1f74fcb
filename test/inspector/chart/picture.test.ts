/** Every chart, painted and measured in a browser; and proof that the measuring finds what it looks for. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import { machines } from '../../../machines/index.ts';
import { drawScxml, drawSvg } from '../../../src/inspector/chart/index.ts';
import { GALLERY } from '../../docs/generated.ts';
import { canMeasure, isWellFormed, launchBrowser, violations } from './measure.ts';
import { sampleMachines } from './sample-machines.ts';

/** The gallery holds what the charts look like today, which test/cli/draw.test.ts keeps so: no chart is laid out again. */
const kept = async (name: string) => readFile(join(GALLERY, `${name}.svg`), 'utf8');
type Picture = [name: string, machine: AnyStateMachine, svg: () => Promise<string>];
const charts: readonly Picture[] = [
  ...Object.entries(machines).map(([name, machine]): Picture => [name, machine, () => kept(name)]),
  ...Object.entries(sampleMachines).map(
    ([name, machine]): Picture => [`sample ${name}`, machine, () => drawSvg(machine as AnyStateMachine)],
  ),
];

describe.skipIf(!canMeasure)('pictures in a browser', () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
  });
  afterAll(() => browser?.close());

  test.each(charts)('%s: nothing overlaps, everything is readable, XML is XML', async (_, machine, picture) => {
    const svg = await picture();
    expect(await violations(page, svg)).toEqual([]);
    expect(await isWellFormed(page, svg)).toBe(true);
    expect(await isWellFormed(page, drawScxml(machine))).toBe(true);
  });

  describe('a planted fault is found', () => {
    const moved = (svg: string, group: RegExp, by: string): string => {
      const planted = svg.replace(group, (tag) => `${tag.slice(0, -1)} transform="translate(${by})">`);
      expect(planted).not.toBe(svg);
      return planted;
    };
    const label = (line: string) => new RegExp(`<g class="label" data-line="${line.replace('>', '&gt;')}"[^>]*>`);
    const state = (id: string) => new RegExp(`<g class="state[^"]*" data-state="${id}"[^>]*>`);
    /** From one element to where another is, both found by a selector, in px. */
    const way = async (from: string, to: string): Promise<string> => {
      const [a, b] = await Promise.all([from, to].map((selector) => page.locator(selector).first().boundingBox()));
      if (!a || !b) throw new Error(`${from} or ${to} is not in the picture`);
      return `${b.x - a.x} ${b.y - a.y}`;
    };
    let svg: string;

    beforeAll(async () => {
      svg = await drawSvg(sampleMachines.nested as AnyStateMachine);
    });

    test('a label on a label', async () => {
      await violations(page, svg);
      const by = await way(
        '.label[data-line="idle>active"] .plate',
        '.label[data-line="active.rollingBack>idle"] .plate',
      );
      const planted = moved(svg, label('idle>active'), by);
      expect((await violations(page, planted)).join()).toContain(
        'label idle>active meets label active.rollingBack>idle',
      );
    });

    test('a label on a state', async () => {
      await violations(page, svg);
      const by = await way('.label[data-line="idle>active"] .plate', '[data-state="completed"] .border');
      expect((await violations(page, moved(svg, label('idle>active'), by))).join()).toContain(
        'label idle>active meets state completed',
      );
    });

    test('a label on a line that is not its own', async () => {
      await violations(page, svg);
      const by = await way('.label[data-line="idle>active"] .plate', '.edge[data-line="active>failed"] .arrow');
      expect((await violations(page, moved(svg, label('idle>active'), by))).join()).toContain(
        'label idle>active meets edge active>failed',
      );
    });

    test('a state outside its parent', async () => {
      const planted = moved(svg, state('active.copying.converged'), '0 400');
      expect((await violations(page, planted)).join()).toContain(
        'state active.copying.converged is not inside its parent',
      );
    });

    test('a line through a state', async () => {
      const planted = moved(svg, /<g class="edge[^"]*" data-line="idle&gt;active"[^>]*>/, '-30 -30');
      expect((await violations(page, planted)).join()).toMatch(/edge idle>active (enters|crosses)/);
    });

    test('text too small, and text that leaves its box', async () => {
      expect((await violations(page, svg.replaceAll('font-size="11"', 'font-size="9"'))).join()).toContain(
        'smaller than 11 px',
      );
      const long = svg.replace(/textLength="[\d.]+"([^>]*>rollingBack<)/, 'textLength="400"$1');
      expect((await violations(page, long)).join()).toContain('a text of active.rollingBack leaves its box');
    });

    test('no chart at all', async () => {
      expect(await violations(page, '<p>nothing</p>')).toEqual(['there is no chart in the page']);
    });
  });
});
