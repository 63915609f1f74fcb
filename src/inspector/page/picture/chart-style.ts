/** The drawings' own style, once for the whole page, and following the page's switch for light and dark. */
import { COLOURS, STYLE } from '../../chart/style.ts';

export function addChartStyle(): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    [
      STYLE,
      `:root[data-theme="light"] .chart{${COLOURS.light()}}`,
      `:root[data-theme="dark"] .chart{${COLOURS.dark()}}`,
    ].join('\n'),
  );
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}
