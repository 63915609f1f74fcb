/**
 * Judges a painted chart in a real browser: what overlaps, what lies outside its parent, what is too small to read.
 *
 * It knows the SVG's attributes and nothing of the layout that made it: boxes come from getBoundingClientRect, lines from
 * sampling their paths. Text boxes are shrunk by a pixel above and below, where fonts keep room for accents.
 */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** The little of the DOM that is used here; the project is not compiled with the DOM's types. */
interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}
interface PagePoint {
  readonly x: number;
  readonly y: number;
  matrixTransform(matrix: object): PagePoint;
}
interface PageElement {
  readonly textContent: string;
  getBoundingClientRect(): Box;
  getAttribute(name: string): string | null;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
  getScreenCTM(): object | null;
  getTotalLength(): number;
  getPointAtLength(at: number): PagePoint;
}
declare const document: PageElement;
declare const getComputedStyle: (element: PageElement) => { readonly fontSize: string };
declare const DOMParser: new () => { parseFromString(text: string, type: string): PageElement };

const EXECUTABLE = '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Without a browser the pictures go unjudged: allowed on a developer's machine, never in CI. */
export const canMeasure = existsSync(EXECUTABLE) || process.env.CI === 'true';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}

/** Sentences, one for each violation; empty for a picture to put on a wall. */
export async function violations(page: Page, svg: string): Promise<readonly string[]> {
  await page.setContent(`<!doctype html><body style="margin:0">${svg}</body>`);
  return page.evaluate(judge);
}

/** True when a browser's XML parser takes the text as it stands. */
export async function isWellFormed(page: Page, xml: string): Promise<boolean> {
  return page.evaluate(
    (text) => new DOMParser().parseFromString(text, 'application/xml').querySelector('parsererror') === null,
    xml,
  );
}

/** Runs in the page: everything that it uses is inside it. */
function judge(): string[] {
  const found = new Set<string>();
  const all = (selector: string): PageElement[] => [...document.querySelectorAll(`svg.chart ${selector}`)];
  const boxOf = (element: PageElement): Box => element.getBoundingClientRect();
  const textBox = (element: PageElement): Box => {
    const { left, top, right, bottom } = boxOf(element);
    return { left, top: top + 1, right, bottom: bottom - 1 };
  };
  // Nothing moves while it is judged: each text is measured once.
  const textBoxes = (elements: Iterable<PageElement>): Box[] => [...elements].map(textBox);
  const meet = (a: Box, b: Box): boolean =>
    a.left < b.right - 0.5 && b.left < a.right - 0.5 && a.top < b.bottom - 0.5 && b.top < a.bottom - 0.5;
  const holds = (outer: Box, inner: Box): boolean =>
    inner.left >= outer.left - 0.5 &&
    inner.top >= outer.top - 0.5 &&
    inner.right <= outer.right + 0.5 &&
    inner.bottom <= outer.bottom + 0.5;
  const attribute = (element: PageElement, name: string): string => element.getAttribute(name) ?? '';
  const isInside = (state: string, ancestor: string): boolean =>
    ancestor === '' || state === ancestor || state.startsWith(`${ancestor}.`);

  const states = all('g[data-state]').map((group) => ({
    id: attribute(group, 'data-state'),
    box: boxOf(group.querySelector('.border') ?? group),
    texts: all('g[data-texts]')
      .filter((texts) => attribute(texts, 'data-texts') === attribute(group, 'data-state'))
      .flatMap((texts) => textBoxes(texts.querySelectorAll('text, .icon'))),
  }));
  const labels = all('g.label').map((group) => ({
    line: attribute(group, 'data-line'),
    source: attribute(group, 'data-source'),
    target: attribute(group, 'data-target'),
    box: boxOf(group.querySelector('.plate') ?? group),
    texts: textBoxes(group.querySelectorAll('text, .icon')),
  }));
  /** Each 2 px; where the way between two points is as short as can be, all that lie between them are on one line. */
  const sampled = (path: PageElement, matrix: object): { x: number; y: number }[] => {
    const points: { x: number; y: number }[] = [];
    const length = path.getTotalLength();
    const at = (px: number) => path.getPointAtLength(px);
    for (let fromPx = 0; fromPx <= length; fromPx += 32) {
      const [from, to, px] = [at(fromPx), at(Math.min(fromPx + 32, length)), Math.min(32, length - fromPx)];
      const isStraight = Math.abs(Math.hypot(to.x - from.x, to.y - from.y) - px) < 0.001;
      const [first, last] = [from.matrixTransform(matrix), to.matrixTransform(matrix)];
      for (let onPx = 0; onPx < 32 && onPx <= px; onPx += 2) {
        const part = px === 0 ? 0 : onPx / px;
        const between = { x: first.x + part * (last.x - first.x), y: first.y + part * (last.y - first.y) };
        points.push(isStraight ? between : at(fromPx + onPx).matrixTransform(matrix));
      }
    }
    return points;
  };
  const edges = all('g.edge').map((group) => ({
    line: attribute(group, 'data-line'),
    source: attribute(group, 'data-source'),
    target: attribute(group, 'data-target'),
    points: [...group.querySelectorAll('path')].flatMap((path) => {
      const matrix = path.getScreenCTM();
      return matrix === null ? [] : sampled(path, matrix);
    }),
  }));
  const passes = (points: readonly { x: number; y: number }[], box: Box, marginPx: number): boolean =>
    points.some(
      ({ x, y }) =>
        x > box.left + marginPx && x < box.right - marginPx && y > box.top + marginPx && y < box.bottom - marginPx,
    );
  const hasChildren = (id: string): boolean => states.some((other) => other.id !== id && isInside(other.id, id));

  labels.forEach((label, index) => {
    for (const other of labels.slice(index + 1)) {
      if (meet(label.box, other.box)) found.add(`label ${label.line} meets label ${other.line}`);
    }
    for (const edge of edges) {
      if (edge.line !== label.line && passes(edge.points, label.box, 0.5))
        found.add(`label ${label.line} meets edge ${edge.line}`);
    }
    for (const state of states) {
      const mayHold = hasChildren(state.id) && (isInside(label.source, state.id) || isInside(label.target, state.id));
      if (mayHold ? meet(label.box, state.box) && !holds(state.box, label.box) : meet(label.box, state.box)) {
        found.add(`label ${label.line} meets state ${state.id}`);
      }
      if (state.texts.some((text) => meet(label.box, text)))
        found.add(`label ${label.line} covers a text of ${state.id}`);
    }
    for (const text of label.texts)
      if (!holds(label.box, text)) found.add(`label ${label.line} is smaller than its text`);
  });

  for (const edge of edges) {
    for (const state of states) {
      const isStranger = !isInside(edge.source, state.id) && !isInside(edge.target, state.id);
      if (isStranger && passes(edge.points, state.box, 1))
        found.add(`edge ${edge.line} runs through state ${state.id}`);
      if (!hasChildren(state.id) && passes(edge.points, state.box, 2))
        found.add(`edge ${edge.line} enters state ${state.id}`);
      if (state.texts.some((text) => passes(edge.points, text, 0)))
        found.add(`edge ${edge.line} crosses a text of ${state.id}`);
    }
  }

  for (const state of states) {
    const parent = states.find(({ id }) => id === state.id.split('.').slice(0, -1).join('.') && id !== state.id);
    if (state.id !== '' && (parent === undefined || !holds(parent.box, state.box)))
      found.add(`state ${state.id} is not inside its parent`);
    for (const other of states) {
      if (other.id <= state.id || isInside(other.id, state.id) || isInside(state.id, other.id)) continue;
      if (meet(state.box, other.box)) found.add(`state ${state.id} meets state ${other.id}`);
    }
    for (const text of state.texts) {
      if (!holds(state.box, text)) found.add(`a text of ${state.id} leaves its box`);
      for (const other of states) {
        if (other.id !== state.id && isInside(other.id, state.id) && meet(text, other.box)) {
          found.add(`state ${other.id} covers a text of ${state.id}`);
        }
      }
    }
  }

  const page = document.querySelector('svg.chart')?.getBoundingClientRect();
  const texts = all('text').map((text) => ({ text, says: text.textContent, box: textBox(text) }));
  for (const { text, says, box } of texts) {
    if (Number.parseFloat(getComputedStyle(text).fontSize) < 11) found.add(`"${says}" is smaller than 11 px`);
    if (page === undefined || !holds(page, box)) found.add(`"${says}" leaves the picture`);
  }
  texts.forEach(({ says, box }, index) => {
    for (const other of texts.slice(index + 1)) {
      if (meet(box, other.box)) found.add(`"${says}" meets "${other.says}"`);
    }
  });
  if (states.length === 0 || texts.length === 0) found.add('there is no chart in the page');
  return [...found];
}
