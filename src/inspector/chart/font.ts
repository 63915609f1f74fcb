/**
 * How wide a text is, without a browser: advance widths of one font family that nearly every system has.
 *
 * Helvetica, Arial, Liberation Sans and Nimbus Sans were made to share their widths, so one table serves all; a drawing
 * also pins each text to the width computed here (`textLength`), so that a system with none of them keeps the layout.
 * Widths are in 1/1000 of the font size. Source: Adobe Core 14 AFM, Helvetica.afm and Helvetica-Bold.afm, fields WX of
 * C 32 to 126 (the quotes are those of ASCII: quotesingle and grave).
 */

export const FONT_FAMILY = "Helvetica, Arial, 'Liberation Sans', 'Nimbus Sans', sans-serif";

const REGULAR = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
  556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
  260, 334, 584,
] as const;

const BOLD = [
  278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
  722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
  556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
  280, 389, 584,
] as const;

/** Latin letters with accents are no wider than this; ideographs, arrows and emoji fill the em square. */
const ACCENTED = 800;
const FULL_WIDTH = 1000;

/** Width in px of a text at a font size in px, rounded up to a tenth. */
export function textWidth(text: string, sizePx: number, bold: boolean): number {
  const table: readonly number[] = bold ? BOLD : REGULAR;
  let thousandths = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    thousandths += table[code - 32] ?? (code < 0x300 ? ACCENTED : FULL_WIDTH);
  }
  return Math.ceil((thousandths * sizePx) / 100) / 10;
}
