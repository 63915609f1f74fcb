/**
 * The frame of every page: one file that needs nothing but itself. No script, no font, no picture and no style comes from
 * anywhere else, and a policy in its head forbids a browser to fetch any. It carries neither a date nor a path, so that the
 * same results are the same bytes.
 */
import { VERSION } from '../../version.ts';
import { embeddedJson, html, Markup } from './markup.ts';
import { STYLE } from './style.ts';

export interface Figure {
  readonly name: string;
  readonly value: string;
  /** Beneath it, small. */
  readonly note?: string;
}

export interface PageContents {
  /** What kind of page it is: `Migration`. */
  readonly kind: string;
  readonly title: string;
  /** One word on how it came out, and whether that is good. */
  readonly verdict?: { readonly word: string; readonly mood: 'good' | 'bad' | 'mixed' };
  /** The whole in a sentence or two. */
  readonly lead: string;
  /** Under the lead: which loop, which policy, which seed. */
  readonly about: readonly string[];
  readonly figures: readonly Figure[];
  readonly body: readonly Markup[];
  /** What to type to make it again; absent where no command line made it. */
  readonly command?: string | undefined;
  /** More of how it was made, under the command. */
  readonly appendix?: Markup;
  /** Everything that is drawn, for programs. */
  readonly data: unknown;
}

export function pageText(contents: PageContents): string {
  const { kind, title, verdict, lead, about, figures, body, command, appendix, data } = contents;
  const badge = verdict === undefined ? undefined : html`<span class="badge ${verdict.mood}">${verdict.word}</span>`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="switchover ${VERSION}">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}: ${kind.toLowerCase()}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<main>
<header>
<p class="kind">${kind} ${badge}</p>
<h1>${title}</h1>
<p class="lead">${lead}</p>
<p class="about">${about.join(' · ')}</p>
</header>
${figuresMarkup(figures)}
${body}
<section class="made"><h2>How it was made</h2>
${command === undefined ? undefined : html`<pre class="command">${command}</pre>`}
<p>Switchover ${VERSION}. The same input and seed give the same page, to the byte. The numbers behind it are in the page as JSON, in the script element <code>switchover-data</code>.</p>
${appendix}
</section>
</main>
${embeddedJson('switchover-data', data)}
</body>
</html>
`;
  return page.text;
}

function figuresMarkup(figures: readonly Figure[]): Markup | undefined {
  if (figures.length === 0) return undefined;
  const items = figures.map(
    ({ name, value, note }) =>
      html`<div><dt>${name}</dt><dd><span class="value">${value}</span>${
        note === undefined ? undefined : html`<span class="note">${note}</span>`
      }</dd></div>\n`,
  );
  return html`<dl class="figures">${items}</dl>`;
}

export function sectionMarkup(title: string, parts: readonly Markup[]): Markup {
  const full = parts.filter(({ text }) => text !== '');
  return full.length === 0 ? html`` : html`<section><h2>${title}</h2>\n${full}</section>\n`;
}
