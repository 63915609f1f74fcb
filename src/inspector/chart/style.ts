/**
 * The colours of a chart, light and dark, and what they mean: messages blue, commands violet, facts green, time limits
 * amber, guards and remarks grey. Text has a contrast of at least 4.5 to 1 on its ground in both. Everything is scoped to
 * `.chart`, so that several charts can stand in one page.
 */

const LIGHT = {
  canvas: '#ffffff',
  even: '#f6f8fa',
  odd: '#ffffff',
  atomic: '#ffffff',
  header: '#e4ebf3',
  'atomic-header': '#dbe7f6',
  border: '#8796a8',
  ink: '#1c2733',
  soft: '#57636f',
  line: '#4a5a6b',
  plate: '#fffef8',
  'plate-border': '#d6d9dc',
  message: '#0b5cad',
  command: '#7a3fb0',
  fact: '#187040',
  timer: '#955200',
  active: '#ffd866',
  'active-border': '#b07900',
};

const DARK: typeof LIGHT = {
  canvas: '#0f1419',
  even: '#171e26',
  odd: '#121820',
  atomic: '#1d2631',
  header: '#233040',
  'atomic-header': '#2b3e55',
  border: '#5c6d80',
  ink: '#e6edf3',
  soft: '#a3b0bd',
  line: '#93a4b6',
  plate: '#1a222c',
  'plate-border': '#3a4653',
  message: '#79b8ff',
  command: '#d2a8ff',
  fact: '#7ee2a8',
  timer: '#ffbe6b',
  active: '#6b5200',
  'active-border': '#ffd24d',
};

/** The same as CSS, for a page with a switch of its own for light and dark. */
export const COLOURS = { light: () => variables(LIGHT), dark: () => variables(DARK) } as const;

const variables = (colours: typeof LIGHT): string =>
  Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');

export const STYLE = [
  `.chart{${variables(LIGHT)};color-scheme:light dark}`,
  `@media(prefers-color-scheme:dark){.chart{${variables(DARK)}}}`,
  '.chart text{fill:var(--ink)}',
  '.chart .canvas{fill:var(--canvas)}',
  '.chart .state .body{fill:var(--atomic)}',
  '.chart .compound.even>.body,.chart .parallel.even>.body{fill:var(--even)}',
  '.chart .compound.odd>.body,.chart .parallel.odd>.body{fill:var(--odd)}',
  '.chart .state .header{fill:var(--atomic-header)}',
  '.chart .compound>.header,.chart .parallel>.header{fill:var(--header)}',
  '.chart .state .border{fill:none;stroke:var(--border);stroke-width:1.25}',
  '.chart .state.region>.border{stroke-dasharray:6 4}',
  '.chart .state.history .border{fill:var(--atomic)}',
  '.chart .state.active>.header{fill:var(--active)}',
  '.chart .state.active>.border{stroke:var(--active-border);stroke-width:2.5}',
  '.chart .initial{fill:var(--ink)}',
  '.chart .any circle{fill:var(--atomic);stroke:var(--line)}',
  '.chart .any path{fill:var(--line)}',
  '.chart .line{fill:none;stroke:var(--line);stroke-width:1.25}',
  '.chart .arrow{fill:var(--line)}',
  '.chart .edge.timer .line{stroke:var(--timer)}',
  '.chart .edge.timer .arrow{fill:var(--timer)}',
  '.chart .edge.always .line,.chart .edge.done .line{stroke-dasharray:5 3}',
  '.chart .edge.taken .line{stroke:var(--active-border);stroke-width:2.5}',
  '.chart .edge.taken .arrow{fill:var(--active-border)}',
  '.chart .plate{fill:var(--plate);stroke:var(--plate-border)}',
  '.chart .hairline{stroke:var(--plate-border)}',
  '.chart .icon{fill-rule:evenodd;fill:var(--soft)}',
  '.chart text.tag{fill:var(--soft);font-style:italic}',
  '.chart text.guard{fill:var(--soft)}',
  ...['message', 'command', 'fact', 'timer'].map(
    (kind) => `.chart text.${kind},.chart .icon.${kind}{fill:var(--${kind})}`,
  ),
  '.chart text.open,.chart text.close,.chart .icon.open,.chart .icon.close{fill:var(--message)}',
].join('\n');
