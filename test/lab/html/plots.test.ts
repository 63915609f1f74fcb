/** What is drawn is what the report says: the numbers of plots, before they are pictures; and colours that can be read. */
import { describe, expect, test } from 'vitest';
import { dirtyRatePlot } from '../../../src/lab/html/plots/dirty-rate.ts';
import { downtimePlot } from '../../../src/lab/html/plots/downtime.ts';
import { remainingPlot } from '../../../src/lab/html/plots/remaining.ts';
import { throttlePlot } from '../../../src/lab/html/plots/throttle.ts';
import { scaleOf } from '../../../src/lab/html/scale.ts';
import { STYLE } from '../../../src/lab/html/style.ts';
import { COLOURS, logBase, shape } from '../../../src/lab/html/theme.ts';
import { smallScenario } from '../small-scenario.ts';
import { ranWith } from './results.ts';

const { report, course } = ranWith(smallScenario({ vmm: { downtimeLimit: '20ms' } }));
const judged = report.rounds.filter(({ verdict }) => verdict !== null);
const MIB = 2 ** 20;

type Series = readonly { readonly data: readonly unknown[]; readonly type: string }[];
const seriesOf = (plot: { readonly option: object } | undefined) => (plot!.option as { series: Series }).series;

test('remaining and threshold, round by round', () => {
  const scale = scaleOf(
    'bytes',
    judged.flatMap(({ remainingBytes, thresholdBytes }) => [remainingBytes, thresholdBytes]),
  );
  const [remaining, threshold] = seriesOf(remainingPlot(report)) as [Series[number], Series[number]];
  const bytes = ({ data }: Series[number]) => (data as [number, number][]).map(([, value]) => value * scale.per);
  expect(judged.length).toBeGreaterThan(1);
  for (const [nth, round] of judged.entries()) {
    expect(bytes(remaining)[nth]).toBeCloseTo(round.remainingBytes, 0);
    expect(bytes(threshold)[nth]).toBeCloseTo(round.thresholdBytes, 0);
  }
});

test('dirty rate by source: pages of a round over its time', () => {
  const series = seriesOf(dirtyRatePlot(report, 4096));
  const bars = series.filter(({ type }) => type === 'bar');
  const [first] = judged;
  const sources = Object.keys(first!.dirtyPagesBySource);
  expect(sources).toEqual(expect.arrayContaining(['vcpu', 'dma:nic0', 'dma:nic1']));
  const mbit = (pages: number) => (pages * 4096 * 8) / (first!.durationMs / 1000) / 1e6;
  const scale = Math.max(...bars.flatMap(({ data }) => data as number[])) > 10 ? 1 : 1000;
  for (const [nth, source] of sources.entries()) {
    expect((bars[nth]!.data[0] as number) * scale).toBeCloseTo(mbit(first!.dirtyPagesBySource[source]!), 3);
  }
  const many = { ...report, rounds: Array.from({ length: 1000 }, (_, nth) => ({ ...first!, round: nth + 1 })) };
  const grouped = seriesOf(dirtyRatePlot(many, 4096)).find(({ type }) => type === 'bar')!;
  expect(grouped.data.length).toBeLessThan(50);
  expect(grouped.data[0]).toBeCloseTo(bars[0]!.data[0] as number, 9);
});

test('the parts of the downtime sum to it', () => {
  const plot = downtimePlot(report);
  const [first] = seriesOf(plot);
  const drawn = seriesOf(plot).flatMap(({ data }) => {
    const at = data[0] as { value: number } | null;
    return at === null ? [] : [at.value];
  });
  expect(first).toBeDefined();
  expect(drawn.reduce((sum, value) => sum + value, 0)).toBeCloseTo(report.downtimeMs!, 6);
  expect(plot?.says).toContain('The guest stood for');
});

test('no throttle, no plot; a throttle from its first order to the end', () => {
  expect(throttlePlot(course.throttle, 100)).toBeUndefined();
  const [line] = seriesOf(throttlePlot([{ atMs: 40, percent: 20 }], 100));
  expect(line?.data).toEqual([
    [0, 0],
    [40, 20],
    [100, 20],
  ]);
});

test('the course of a run has no gap and ends where the run ends', () => {
  const devices = ['nic0, source', 'nic0, destination', 'nic1, source', 'nic1, destination'];
  expect([...new Set(course.spans.map(({ lane }) => lane))]).toEqual(
    expect.arrayContaining(['migration', 'guest', ...devices]),
  );
  for (const lane of ['migration', 'guest', 'nic0, source']) {
    const own = course.spans.filter((span) => span.lane === lane);
    for (const [nth, { fromMs }] of own.entries()) expect(fromMs).toBe(nth === 0 ? 0 : own[nth - 1]!.toMs);
  }
  const stood = course.spans.find(({ state }) => state === 'stands')!;
  expect(stood.toMs - stood.fromMs).toBeCloseTo(report.downtimeMs!, 6);
});

describe('axes', () => {
  test.each([
    [[1, 5], undefined],
    [[1, 50], 2],
    [[1, 5000], 10],
    [[0, 5000], undefined],
    [[7], undefined],
  ] as const)('%j: log base %s', (values, base) => {
    expect(logBase(values)).toBe(base);
  });

  test.each([
    ['bytes', 300 * MIB, 'MB'],
    ['rate', 1.25e9, 'Gbit/s'],
    ['ms', 2900, 'ms'],
    ['ms', 4300, 's'],
    ['percent', 40, '%'],
  ] as const)('%s up to %s: in %s', (kind, most, unit) => {
    expect(scaleOf(kind, [0, null, most]).unit).toBe(unit);
  });

  test('no two of 64 series have both the colour and the outline in common', () => {
    const looks = Array.from({ length: 64 }, (_, nth) => `${nth % COLOURS} ${shape(nth)}`);
    expect(new Set(looks).size).toBe(64);
  });
});

describe.each(['light', 'dark'] as const)('colours in %s', (scheme) => {
  const [light = '', dark = ''] = STYLE.split('color-scheme:dark;');
  const colours = Object.fromEntries(
    [...(scheme === 'light' ? light : dark).matchAll(/--([\w-]+):(#[0-9a-f]{6})/g)].map(([, name, hex]) => [
      name,
      hex!,
    ]),
  );

  test.each(['ink', 'soft', 'good', 'bad', 'mixed'])('%s can be read on the page and on panels', (name) => {
    expect(contrast(colours[name]!, colours.ground!)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours[name]!, colours.panel!)).toBeGreaterThanOrEqual(4.5);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('series %i is seen, and text on it is read', (nth) => {
    const hex = colours[`c${nth}`]!;
    expect(contrast(hex, colours.ground!)).toBeGreaterThanOrEqual(3);
    expect(contrast(colours['on-colour']!, hex)).toBeGreaterThanOrEqual(4.5);
  });
});

/** WCAG 2.2's contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [luminance(a), luminance(b)].sort((one, other) => one - other) as [number, number];
  return (high + 0.05) / (low + 0.05);
}
