/** How often each state was entered and each transition taken, as small numbers on the picture; none where that never happened. */
import { number } from './boxes.ts';

export interface Counts {
  readonly states: Readonly<Record<string, number>>;
  readonly transitions: Readonly<Record<string, number>>;
}

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT_PX = 14;
const DIGIT_PX = 6.2;
const PADDING_PX = 8;

interface Badge {
  readonly group: SVGGElement;
  readonly plate: SVGRectElement;
  readonly text: SVGTextElement;
  /** Its middle, or its left end where words stand before it. */
  readonly at: Place;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly isLeftEnd?: true;
}

export class Badges {
  readonly #svg: SVGSVGElement;
  readonly #layer: SVGGElement;
  readonly #badges = new Map<string, Badge | undefined>();
  #shown: ReadonlyMap<string, number> = new Map();

  constructor(svg: SVGSVGElement) {
    this.#svg = svg;
    this.#layer = document.createElementNS(SVG, 'g');
    this.#layer.setAttribute('class', 'badges');
    this.#layer.setAttribute('aria-hidden', 'true');
    svg.append(this.#layer);
  }

  show(counts: Counts | undefined): void {
    const wanted = new Map<string, number>();
    // The root is entered once, at the beginning: that says nothing.
    for (const [state, count] of Object.entries(counts?.states ?? {})) if (state !== '') wanted.set(`s${state}`, count);
    for (const [id, count] of Object.entries(counts?.transitions ?? {})) wanted.set(`t${id}`, count);
    for (const [key, count] of wanted) if (this.#shown.get(key) !== count) this.#write(key, count);
    for (const key of this.#shown.keys()) {
      if (!wanted.has(key)) this.#badges.get(key)?.group.setAttribute('visibility', 'hidden');
    }
    this.#shown = wanted;
  }

  #write(key: string, count: number): void {
    if (!this.#badges.has(key)) this.#badges.set(key, this.#make(key));
    const badge = this.#badges.get(key);
    if (badge === undefined) return;
    const text = shortCount(count);
    const width = PADDING_PX + text.length * DIGIT_PX;
    badge.text.textContent = text;
    const left = badge.at.isLeftEnd === true ? badge.at.x : badge.at.x - width / 2;
    badge.plate.setAttribute('x', String(left));
    badge.text.setAttribute('x', String(left + width / 2));
    badge.plate.setAttribute('width', String(width));
    badge.group.removeAttribute('visibility');
  }

  #make(key: string): Badge | undefined {
    const isState = key.startsWith('s');
    const at = isState ? this.#cornerOf(key.slice(1)) : this.#placeOf(key.slice(1));
    if (at === undefined) return undefined;
    const group = made('g', { class: isState ? 'badge' : 'badge of-transition', 'data-badge': key.slice(1) });
    const plate = made('rect', { y: at.y - HEIGHT_PX / 2, height: HEIGHT_PX, rx: HEIGHT_PX / 2 });
    const text = made('text', {
      x: at.x,
      y: at.y + 3.6,
      'text-anchor': 'middle',
      'font-size': 10.5,
      'font-weight': 700,
    });
    group.append(plate, text);
    this.#layer.append(group);
    return { group, plate, text, at };
  }

  /** On the upper right corner of its box. */
  #cornerOf(state: string): Place | undefined {
    const box = this.#svg.querySelector(`g[data-state="${CSS.escape(state)}"]`);
    const rect = box?.querySelector('rect.body');
    const circle = box?.querySelector('circle');
    if (rect) return { x: number(rect, 'x') + number(rect, 'width') - 12, y: number(rect, 'y') };
    if (circle) return { x: number(circle, 'cx') + number(circle, 'r'), y: number(circle, 'cy') - number(circle, 'r') };
    return undefined;
  }

  /** At the right end of its first line: of its label's plate, or of its state's box; without a label, in the middle of its way. */
  #placeOf(id: string): Place | undefined {
    const group = this.#svg.querySelector<SVGGElement>(`g[data-edge="${CSS.escape(id)}"]`);
    if (group === null) return undefined;
    const line = group.querySelector<SVGPathElement>('path.line');
    if (line !== null) return line.getPointAtLength(line.getTotalLength() / 2);
    const words = group.querySelector('text');
    const state = group.closest<SVGGElement>('g[data-texts]')?.dataset.texts;
    const plate =
      state === undefined
        ? group.parentElement?.querySelector('rect.plate')
        : this.#svg.querySelector(`g[data-state="${CSS.escape(state)}"] rect.body`);
    if (!words || !plate) return undefined;
    return { x: number(plate, 'x') + number(plate, 'width') - 3, y: number(words, 'y') - 4, isLeftEnd: true };
  }
}

function made<K extends 'g' | 'rect' | 'text'>(
  name: K,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** Three digits and a unit are all that a badge has room for. */
function shortCount(count: number): string {
  if (count < 1000) return String(count);
  return count < 1e6 ? `${Math.floor(count / 100) / 10}k` : `${Math.floor(count / 1e5) / 10}M`;
}
