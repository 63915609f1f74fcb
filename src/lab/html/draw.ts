/**
 * A plot's options as one SVG, drawn without a browser and without a document. The library numbers ids and classes by a
 * counter of the process; here they are named after the plot, so that the same plot is the same text every time and no two on
 * a page clash. Whoever imports this file loads the plotting library: nothing does that before a page is asked for.
 */
import { BarChart, CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { escaped, Markup } from './markup.ts';
import { FONT, FONT_PX, INK } from './theme.ts';

use([BarChart, CustomChart, LineChart, ScatterChart, GridComponent, MarkLineComponent, SVGRenderer]);

export interface Drawing {
  /** Unique in its page. */
  readonly id: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** What somebody hears who cannot see it. */
  readonly label: string;
  readonly option: EChartsCoreOption;
}

export function drawSvg({ id, widthPx, heightPx, label, option }: Drawing): Markup {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: widthPx, height: heightPx });
  try {
    chart.setOption({
      animation: false,
      // Colours are the page's variables, which the library cannot tell light from dark.
      darkMode: false,
      textStyle: { color: INK, fontFamily: FONT, fontSize: FONT_PX },
      ...option,
    });
    return new Markup(settled(chart.renderToSVGString(), id, label));
  } finally {
    // Or its timers keep the process alive.
    chart.dispose();
  }
}

/** Without what serves a live chart only, and with names that do not depend on what was drawn before. */
function settled(svg: string, id: string, label: string): string {
  const names = new Map<string, string>();
  const nameOf = (name: string) => {
    const known = names.get(name) ?? `${id}-${names.size}`;
    names.set(name, known);
    return known;
  };
  return svg
    .replace(/<style[^>]*>[\s\S]*?<\/style>/g, '')
    .replace(/ (?:ecmeta_\w+|class|pointer-events|xmlns:xlink|baseProfile|version)="[^"]*"/g, '')
    .replace(/ id="([^"]+)"/g, (_, name: string) => ` id="${nameOf(name)}"`)
    .replace(/url\(#([^)]+)\)/g, (_, name: string) => `url(#${nameOf(name)})`)
    .replace(/-?\d+\.\d{3,}/g, (number) => String(Math.round(Number(number) * 100) / 100))
    .replace(/\n+/g, '\n')
    .replace('<svg ', `<svg role="img" aria-label="${escaped(label)}" `);
}
