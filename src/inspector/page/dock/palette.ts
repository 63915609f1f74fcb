/** The colours of canvases: CSS has them, light and dark; a canvas has to ask, and to be drawn anew when they change. */
import { scheme } from '../theme.ts';

/** Of one scheme: a name without dashes, `lane-good`, to its colour. */
export type Palette = (name: string) => string;

let known: { readonly scheme: string; readonly colours: Map<string, string> } | undefined;

/** Asked when drawing, after the style sheet has seen the theme. */
export function palette(): Palette {
  if (known?.scheme !== scheme.value) known = { scheme: scheme.value, colours: new Map() };
  const { colours } = known;
  const style = getComputedStyle(document.documentElement);
  return (name) => {
    let colour = colours.get(name);
    if (colour === undefined) {
      colour = style.getPropertyValue(`--${name}`).trim();
      colours.set(name, colour);
    }
    return colour;
  };
}
