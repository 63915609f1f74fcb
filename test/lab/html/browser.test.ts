/** A page in a browser: silent, within its window, and readable in light and dark; whatever it draws is inside its drawing. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparisonHtml, runHtml, sweepHtml } from '../../../src/lab/html/index.ts';
import { canMeasure, launchBrowser } from '../../inspector/chart/measure.ts';
import { smallScenario } from '../small-scenario.ts';
import { comparisonResult, ranWith, sweepResult } from './results.ts';

/** The little of the DOM that is used in the page; the project is not compiled with the DOM's types. */
interface PageElement {
  readonly tagName: string;
  readonly textContent: string;
  readonly parentElement: PageElement | null;
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string }>;
  readonly scrollWidth: number;
  closest(selector: string): PageElement | null;
  getBoundingClientRect(): {
    readonly left: number;
    readonly right: number;
    readonly top: number;
    readonly bottom: number;
  };
}
declare const document: {
  readonly documentElement: PageElement;
  querySelectorAll(selector: string): Iterable<PageElement>;
};
declare const innerWidth: number;
declare const getComputedStyle: (element: PageElement) => Readonly<Record<string, string>>;

describe.skipIf(!canMeasure)('pages in a browser', () => {
  let browser: Browser;
  let pages: readonly string[];

  beforeAll(async () => {
    const sweep = sweepResult({ rate: ['1k/s', '2k/s'], link: ['1Gbit/s', '10Gbit/s'] });
    [browser, ...pages] = await Promise.all([
      launchBrowser(),
      runHtml(ranWith(smallScenario({ vmm: { downtimeLimit: '20ms' } }))),
      comparisonHtml({ result: comparisonResult() }),
      sweepHtml({ result: sweep }),
    ]);
  });
  afterAll(() => browser?.close());

  test.each(['light', 'dark'] as const)('%s, 800 px wide', async (colorScheme) => {
    const page = await browser.newPage({ colorScheme, viewport: { width: 800, height: 900 } });
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    page.on('request', ({ url }) => said.push(`asked for ${url()}`));
    for (const html of pages) {
      await page.setContent(html);
      expect(await page.evaluate(judge)).toEqual([]);
    }
    expect(said).toEqual([]);
    await page.close();
  });

  test('what is judged can fail', async () => {
    const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
    await page.setContent(
      '<body style="background:#fff"><p style="color:#bbb;width:900px">pale</p><svg width="90" height="20"><text x="60" y="15" fill="#000" style="font-size:10px">leaves it</text></svg>',
    );
    expect((await page.evaluate(judge)).join()).toMatch(/wider than.*pale.*1\.9.*leaves it.*leaves its drawing.*10px/s);
    await page.close();
  });
});

/** Runs in the page: everything that it uses is inside it. */
function judge(): readonly string[] {
  const found: string[] = [];
  if (document.documentElement.scrollWidth > innerWidth)
    found.push(`the page is wider than its window: ${document.documentElement.scrollWidth} px`);
  const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element: PageElement | null): string => {
    if (element === null) return 'rgb(255, 255, 255)';
    const { backgroundColor = '' } = getComputedStyle(element);
    return channels(backgroundColor)[3] === 0 ? groundOf(element.parentElement) : backgroundColor;
  };
  const contrast = (a: string, b: string) => {
    const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  };
  for (const element of document.querySelectorAll('body, body *')) {
    const own = [...element.childNodes].filter(({ nodeType }) => nodeType === 3).map((node) => node.textContent);
    const text = own.join('').trim();
    if (text === '' || element.closest('script, details') !== null) continue;
    const style = getComputedStyle(element);
    const drawing = element.closest('svg');
    const colour = (drawing === null ? style.color : style.fill) ?? '';
    const ratio = contrast(colour, groundOf(element));
    // Text on a coloured bar has the bar's contrast, which the colours' own test holds.
    const onBar = drawing !== null && ratio < 4.5 && onColour(element, drawing);
    if (ratio < 4.5 && !onBar) found.push(`"${text}" has a contrast of ${ratio.toFixed(1)}`);
    if (drawing !== null) {
      const [box, frame] = [element.getBoundingClientRect(), drawing.getBoundingClientRect()];
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1)
        found.push(`"${text}" leaves its drawing`);
    }
    if (Number.parseFloat(style.fontSize ?? '0') < 12) found.push(`"${text}" has ${style.fontSize}`);
  }
  return found;

  function onColour(element: PageElement, drawing: PageElement): boolean {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (top + bottom) / 2];
    return [...document.querySelectorAll('svg path, svg rect')].some((shape) => {
      if (shape.closest('svg') !== drawing || shape.closest('defs') !== null) return false;
      const { fill = 'none' } = getComputedStyle(shape);
      const box = shape.getBoundingClientRect();
      return fill !== 'none' && box.left <= x && x <= box.right && box.top <= y && y <= box.bottom;
    });
  }
}
