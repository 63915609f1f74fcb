/** Where the states of a picture stand: read from the picture itself, which is the only one that knows. */

export interface Box {
  readonly state: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** It has states inside. */
  readonly isOuter: boolean;
}

export interface Boxes {
  readonly width: number;
  readonly height: number;
  /** Parents before their children. */
  readonly states: readonly Box[];
}

const known = new WeakMap<SVGSVGElement, Boxes>();

export function boxesOf(picture: SVGSVGElement): Boxes {
  let boxes = known.get(picture);
  if (boxes === undefined) {
    boxes = {
      width: number(picture, 'width'),
      height: number(picture, 'height'),
      states: [...picture.querySelectorAll<SVGGElement>('g[data-state]')].map(boxOf),
    };
    known.set(picture, boxes);
  }
  return boxes;
}

function boxOf(group: SVGGElement): Box {
  const state = group.dataset.state ?? '';
  const rect = group.querySelector('rect.body');
  const circle = group.querySelector('circle');
  const isOuter = group.classList.contains('compound') || group.classList.contains('parallel');
  if (rect === null && circle !== null) {
    const r = number(circle, 'r');
    const [x, y] = [number(circle, 'cx') - r, number(circle, 'cy') - r];
    return { state, x, y, width: 2 * r, height: 2 * r, isOuter };
  }
  const of = rect ?? group;
  const [x, y, width, height] = [number(of, 'x'), number(of, 'y'), number(of, 'width'), number(of, 'height')];
  return { state, x, y, width, height, isOuter };
}

export function number(element: Element, attribute: string): number {
  return Number(element.getAttribute(attribute)) || 0;
}
