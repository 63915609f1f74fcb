/**
 * A plot as the pages take it: what is drawn, a title, one sentence that says what is to be seen, made from the data, and a
 * legend that stands beside the drawing and never on it.
 */
import { type Drawing, drawSvg } from './draw.ts';
import { html, type Markup } from './markup.ts';
import { WIDTH_PX } from './theme.ts';

export interface Key {
  readonly name: string;
  readonly colour: string;
  /** How it is drawn: a filled area, a line, a dashed line, an upright bar, points. */
  readonly mark: 'block' | 'line' | 'dashed' | 'bar' | 'point';
  /** Its outline, where points have one: in a square of 10 by 10. */
  readonly shape?: string;
  /** Its figure, where there is one to say. */
  readonly value?: string;
}

export interface Plot extends Pick<Drawing, 'id' | 'heightPx' | 'option'> {
  readonly title: string;
  /** What to see. */
  readonly says: string;
  readonly keys: readonly Key[];
  /** Of a map: what its colours run from and to. */
  readonly ramp?: { readonly colours: readonly string[]; readonly from: string; readonly to: string };
}

export function plotMarkup({ id, heightPx, option, title, says, keys, ramp }: Plot): Markup {
  const svg = drawSvg({ id, widthPx: WIDTH_PX, heightPx, label: `${title}. ${says}`, option });
  return html`<figure class="plot" id="${id}">
<figcaption><h3>${title}</h3><p>${says}</p>${keysMarkup(keys)}${rampMarkup(ramp)}</figcaption>
<div class="drawing">${svg}</div>
</figure>
`;
}

function keysMarkup(keys: readonly Key[]): Markup | undefined {
  if (keys.length === 0) return undefined;
  const items = keys.map(
    ({ name, colour, mark, shape, value }) =>
      html`<li>${markMarkup(mark, colour, shape)}<span>${name}</span>${
        value === undefined ? undefined : html` <span class="value">${value}</span>`
      }</li>`,
  );
  return html`<ul class="keys">${items}</ul>`;
}

function rampMarkup(ramp: Plot['ramp']): Markup | undefined {
  if (ramp === undefined) return undefined;
  return html`<div class="ramp" style="background:linear-gradient(90deg,${ramp.colours.join(',')})"></div><div class="ends"><span>${ramp.from}</span><span>${ramp.to}</span></div>`;
}

function markMarkup(mark: Key['mark'], colour: string, shape: string | undefined): Markup {
  const drawn =
    shape === undefined
      ? undefined
      : html`<svg viewBox="0 0 10 10" aria-hidden="true"><path d="${shape}" fill="${colour}"/></svg>`;
  const kind = shape !== undefined && mark === 'point' ? 'shape' : mark;
  return html`<span class="mark ${kind}" style="--mark:${colour}">${drawn}</span>`;
}
