/** Pages as text: nothing from elsewhere, the same bytes twice, the report's own numbers, and no name that becomes a tag. */
import { beforeAll, describe, expect, test } from 'vitest';
import { comparisonHtml, experimentHtml, runHtml, sweepHtml } from '../../../src/lab/html/index.ts';
import { formatBytes, formatMs } from '../../../src/lab/report/format.ts';
import { smallScenario } from '../small-scenario.ts';
import { comparisonResult, EVIL, experimentResult, ranWith, sweepResult } from './results.ts';

const run = ranWith({ ...smallScenario({ vmm: { downtimeLimit: '20ms' } }), name: EVIL });
const comparison = comparisonResult();
const maps = sweepResult({ rate: ['1k/s', '2k/s'], link: ['1Gbit/s', '10Gbit/s'] });

const makers: Readonly<Record<string, () => Promise<string>>> = {
  run: () => runHtml(run),
  comparison: () => comparisonHtml({ result: comparison, command: `switchover compare '${EVIL}'` }),
  experiment: () => experimentHtml({ result: experimentResult() }),
  'sweep over two axes': () => sweepHtml({ result: maps }),
  'sweep over one axis': () => sweepHtml({ result: sweepResult({ rate: ['1k/s', '2k/s', '4k/s'] }) }),
  'sweep over three axes': () =>
    sweepHtml({ result: sweepResult({ rate: ['1k/s', '2k/s'], vcpus: [1, 2], who: [EVIL, 'b'] }) }),
};
const pages = new Map<string, string>();
const pageOf = (name: string) => pages.get(name) ?? '';

beforeAll(async () => {
  for (const [name, make] of Object.entries(makers)) pages.set(name, await make());
});

describe.each(Object.keys(makers))('%s', (name) => {
  test('needs nothing but itself', () => {
    const page = pageOf(name);
    const scripts = page.match(/<script[^>]*>/g);
    expect(scripts).toEqual(['<script type="application/json" id="switchover-data">']);
    // What stands in quotation marks is text.
    const tags = (page.match(/<[a-z][^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, ''));
    expect(tags.length).toBeGreaterThan(100);
    expect(tags.filter((tag) => /\s(?:src|href|xlink:href|srcset|data|action|on\w+)=/.test(tag))).toEqual([]);
    expect(page.match(/@import|url\((?!#)/g)).toBeNull();
    expect(page.replaceAll('http://www.w3.org/2000/svg', '').match(/https?:\/\/.{0,40}/g)).toBeNull();
  });

  test('no name of it becomes a tag, and its JSON is whole', () => {
    const page = pageOf(name);
    expect(page.includes('<img')).toBe(false);
    expect(page.includes(EVIL)).toBe(false);
    expect(page.includes('&lt;/script&gt;&lt;img')).toBe(true);
    const json = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(page)?.[1] ?? '';
    expect(JSON.stringify(JSON.parse(json))).toContain(JSON.stringify(EVIL).slice(1, -1));
  });

  test('every id is there once, and every reference has one', () => {
    const page = pageOf(name);
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const references = [...page.matchAll(/url\(#([^)]+)\)/g)].map(([, id]) => id);
    expect(references.filter((id) => !ids.includes(id))).toEqual([]);
    expect(page.match(/.{20}(?:zr\d|ecmeta|NaN|undefined|Infinity)/g)).toBeNull();
  });

  test('every plot has a title, a sentence and a name for who cannot see it', () => {
    const page = pageOf(name);
    const plots = page.split('<figure').slice(1);
    expect(plots.length).toBeGreaterThan(1);
    for (const plot of plots) {
      expect(/<h3>[^<]+<\/h3><p>[^<]+\.<\/p>/.test(plot)).toBe(true);
      expect(/<svg role="img" aria-label="[^"]{20,}"/.test(plot)).toBe(true);
      for (const [, px] of plot.matchAll(/font-size:(\d+)px/g)) expect(Number(px)).toBeGreaterThanOrEqual(12);
    }
  });

  test('is the same to the byte when it is made again', async () => {
    expect((await makers[name]!()) === pageOf(name)).toBe(true);
  });
});

describe('the page of a run', () => {
  const { report } = run;

  test("has the report's numbers", () => {
    const page = pageOf('run');
    expect(report.outcome).toBe('completed');
    expect(JSON.parse(/<script[^>]*>(.*?)<\/script>/s.exec(page)?.[1] ?? '')).toEqual({ report, course: run.course });
    const values = [...page.matchAll(/<span class="value">([^<]*)<\/span>/g)].map(([, value]) => value);
    const figures = [formatMs(report.totalMs), formatMs(report.downtimeMs ?? 0), formatBytes(report.bytes.total)];
    for (const figure of figures) expect(values).toContain(figure);
    const rounds = page.slice(page.indexOf('<h3>Rounds</h3>')).split('</table>')[0];
    const rows = rounds?.match(/<tr><th scope="row" class="words">\d+<\/th>/g);
    expect(rows?.length).toBe(report.rounds.length);
    for (const { name } of report.checks)
      expect(page.includes(`<th scope="row" class="words">${name}</th>`)).toBe(true);
  });

  test('draws what happened, and nothing that did not', () => {
    const page = pageOf('run');
    const plots = [...page.matchAll(/<figure class="plot" id="([^"]+)"/g)].map(([, id]) => id);
    expect(plots).toEqual(['remaining', 'dirty-rate', 'downtime', 'course', 'course-closely']);
  });

  test('a run that was blocked has a page without plots of rounds', async () => {
    const blocked = {
      ...report,
      outcome: 'blocked' as const,
      rounds: [],
      downtime: null,
      downtimeMs: null,
      status: [],
    };
    const page = await runHtml({ report: { ...blocked, reason: 'no', totalMs: 0 }, scenario: run.scenario });
    expect(page.match(/<figure.{0,60}/g)).toBeNull();
    expect(page.includes('class="badge bad">blocked')).toBe(true);
  });
});

test('a comparison tells differences of shares in points', () => {
  const [, table = ''] = /Differences from (.*?)<\/table>/s.exec(pageOf('comparison')) ?? [];
  expect(table).toMatch(/\d points/);
  expect(table).not.toMatch(/\d %/);
});

test('a comparison marks what is sure, and says who does not complete', () => {
  const page = pageOf('comparison');
  expect(page.match(/<strong class="good">−8\d(?:\.\d)? ms/g)).toHaveLength(1);
  expect(page.includes('>1 of 6<')).toBe(true);
  expect(page.includes('>5 unconverged<')).toBe(true);
});

test('a sweep over two axes has a map for each policy, and names whose cell is best', () => {
  const page = pageOf('sweep over two axes');
  const plots = [...page.matchAll(/<figure class="plot" id="([^"]+)"/g)].map(([, id]) => id);
  expect(plots).toEqual(
    expect.arrayContaining(['best-downtimeMs', 'map-downtimeMs-0', 'map-downtimeMs-1', 'pareto-0']),
  );
  // 10 + point against 20 - point, and qemu did not complete at the second point.
  expect(page.includes('In 1 of 4 cells no run has the figure.')).toBe(true);
});

test('a sweep of one axis of numbers and two of words has a panel for each pair of words, and its conclusions first', async () => {
  const result = sweepResult({ rate: ['1k/s', '2k/s'], guest: ['small', 'large'], who: [EVIL, 'b'] });
  const page = await sweepHtml({ result: { ...result, description: `Why ${EVIL}`, notModelled: [EVIL] } });
  const drawn = [...page.matchAll(/<figure class="plot" id="(along-[^"]+)"/g)].map(([, id]) => id);
  expect(drawn).toEqual(['downtimeMs', 'totalMs'].flatMap((key) => [0, 1, 2, 3].map((nth) => `along-${key}-${nth}`)));
  expect(page).toContain('by rate, with small, b</h3>');
  const heads = [...page.matchAll(/<h2>([^<]+)<\/h2>/g)].map(([, head]) => head);
  expect(heads.slice(0, 3)).toEqual(['Conclusions', 'What was run', 'Outcomes']);
  for (const { about } of result.conclusions) expect(page).toContain(`<h3>${about.replace(EVIL, '')}`.slice(0, 12));
  expect(page.includes(EVIL)).toBe(false);
});
