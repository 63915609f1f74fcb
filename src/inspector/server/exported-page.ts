/**
 * One run as a page in a single file that needs no network: the page's own code and style, and everything that it would have
 * asked a server for as JSON. Its policy lets it run that one script, draw, and reach nobody.
 */
import { createHash } from 'node:crypto';
import type { Plan } from '../../../machines/plan.ts';
import type { Opened, Rec } from '../../core/record.ts';
import { kindOf, type System } from '../../core/system.ts';
import { stepperFor } from '../../run/stepper.ts';
import { VERSION } from '../../version.ts';
import type { Aside, MachineHeader, MemoryMap, RunHeader, SessionFile } from '../page-data.ts';
import { pictureOf } from '../view/pictures.ts';
import { Tapes } from '../view/taped-charts.ts';
import type { Exhibition } from './exhibition.ts';
import { readPageFile } from './page-files.ts';
import { goodRecordsOf, type ShownRun } from './shown-run.ts';

export interface ExportedPage {
  readonly html: string;
  /** What is broken in the run, if anything. */
  readonly damage: string | undefined;
}

/** Throws a RefusedError where the page was not built. */
export async function exportedPage(exhibition: Exhibition, run: ShownRun, pageFolder: string): Promise<ExportedPage> {
  const [html, script, style] = await Promise.all(
    ['index.html', 'app.js', 'app.css'].map(async (file) => String(await readPageFile(pageFolder, { file }))),
  );
  const lines = [...run.lines(0)];
  const mapped = await mapOf(exhibition, run);
  const { branch: _, ...header } = run.header();
  const shown: RunHeader = {
    ...header,
    id: ID,
    records: lines.filter(isRecord).length,
    noBranch: NO_BRANCH,
    ...('because' in mapped ? { noMemoryMap: mapped.because } : {}),
  };
  const names = picturesIn(lines, shown);
  const machines = exhibition.gallery.headers().filter(({ name }) => names.has(name));
  const session: SessionFile = {
    session: { version: VERSION, mode: 'file', runs: [shown], machines },
    lines: { [ID]: lines },
    pictures: await drawn(exhibition, machines),
    memoryMaps: 'map' in mapped ? { [ID]: mapped.map } : {},
  };
  return { html: inOneFile({ html: html!, script: script!, style: style! }, session), damage: shown.damage };
}

const ID = '0';
const NO_BRANCH = 'an exported file replays, and does not branch: switchover inspect of its journal does';

async function mapOf(
  { workbench }: Exhibition,
  run: ShownRun,
): Promise<{ readonly map: MemoryMap } | { readonly because: string }> {
  const { noMemoryMap } = run.header();
  if (noMemoryMap !== undefined) return { because: noMemoryMap };
  try {
    return { map: await workbench.memoryMap(goodRecordsOf(run)) };
  } catch (error) {
    return { because: (error as Error).message };
  }
}

async function drawn(
  { gallery }: Exhibition,
  machines: readonly MachineHeader[],
): Promise<Readonly<Record<string, string>>> {
  const pictures: Record<string, string> = {};
  for (const { name } of machines) pictures[name] = (await gallery.picture(name)) ?? '';
  return pictures;
}

const isRecord = (line: string) => line.startsWith('{"position":');

/** Names of the pictures of every chart that the run opens, as the page will ask for them. */
function picturesIn(lines: readonly string[], { tapes: pictures }: RunHeader): ReadonlySet<string> {
  const names = new Set<string>();
  const tapes = pictures === undefined ? undefined : new Tapes(pictures);
  const stepperOf = (opened: Opened) => {
    const charts = tapes?.charts(opened.plan as Plan, () => {});
    const stepper = stepperFor(opened, {
      charts,
      listen: ({ to, after }) => names.add(pictureOf(stepper.charts.chart(kindOf(to), to).machine, after)),
    });
    return stepper;
  };
  let stepper: ReturnType<typeof stepperOf> | undefined;
  let system: System | undefined;
  try {
    for (const line of lines) {
      const read = JSON.parse(line) as Rec | Aside;
      if ('damage' in read) break;
      if ('tape' in read) tapes?.add(read.tape);
      else if (read.kind === 'opened') {
        stepper = stepperOf(read.opened);
        system = stepper.open(read.opened, read.atNs).system;
      } else if (stepper !== undefined && system !== undefined) system = stepper.step(system, read).system;
    }
  } catch {
    // The page folds no further than this either, and says why.
  }
  return names;
}

interface PageSources {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

/** Throws where the page's HTML is not what the build makes of it. */
export function inOneFile({ html, script, style }: PageSources, session: SessionFile): string {
  const code = inlineScript(script);
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(code).digest('base64')}'`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const data = `<script type="application/json" id="session">${inlineJson(session)}</script>`;
  const parts: readonly (readonly [RegExp, string])[] = [
    [
      /<meta charset="utf-8" ?\/?>/i,
      `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`,
    ],
    [/<script\b[^>]*\bsrc="[^"]*app\.js"[^>]*><\/script>/, `<script type="module">${code}</script>`],
    [/<link\b[^>]*\bhref="[^"]*app\.css"[^>]*>/, `<style>${style.replaceAll('</', '<\\/')}</style>`],
    [/<\/body>/, `${data}\n  </body>`],
  ];
  // The page's own places are found before anything is put in: what is put in may look like any of them.
  const places = parts
    .map(([place, text]) => {
      const found = place.exec(html);
      if (found === null) throw new Error(`the page has no ${place.source}`);
      return { from: found.index, to: found.index + found[0].length, text };
    })
    .sort((a, b) => a.from - b.from);
  let at = 0;
  let whole = '';
  for (const { from, to, text } of places) {
    whole += html.slice(at, from) + text;
    at = to;
  }
  return whole + html.slice(at);
}

/** Inside a script element nothing but its end may look like it; a browser hashes the text with its line ends made one. */
function inlineScript(code: string): string {
  return code
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/<\/(script)/gi, '<\\/$1')
    .replaceAll('<!--', '<\\!--');
}

/** JSON in which nothing can end its element, or a line of a script. */
export function inlineJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('<', '\\u003c')
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029');
}
