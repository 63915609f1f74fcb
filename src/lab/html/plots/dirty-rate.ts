/**
 * How fast memory was written during each round, by who wrote it, against how fast it was sent. Long runs are drawn in groups
 * of rounds, each group as one rate over its time. A page that two wrote counts for each of them, as the logs have it.
 */
import { formatRate } from '../../report/format.ts';
import type { Report, Round } from '../../report/report.ts';
import type { Key, Plot } from '../plot.ts';
import { scaled, scaleOf } from '../scale.ts';
import { categoriesAcross, colour, GROUND, INK, STILL, upAxis } from '../theme.ts';

/** More bars than this are too thin to read. */
const BARS_MAX = 48;

interface Group {
  readonly name: string;
  readonly seconds: number;
  readonly sentBytes: number;
  readonly dirtyBytesBySource: Readonly<Record<string, number>>;
}

/** Undefined where no round was judged. */
export function dirtyRatePlot({ rounds }: Report, pageSizeBytes: number): Plot | undefined {
  const judged = rounds.filter(({ verdict, durationMs }) => verdict !== null && durationMs > 0);
  if (judged.length === 0) return undefined;
  const size = Math.ceil(judged.length / BARS_MAX);
  const groups: Group[] = [];
  for (let from = 0; from < judged.length; from += size)
    groups.push(groupOf(judged.slice(from, from + size), pageSizeBytes));
  const sources = sourcesOf(groups);
  const rates = (of: (group: Group) => number) => groups.map((group) => of(group) / group.seconds);
  const dirty = rates(({ dirtyBytesBySource }) =>
    Object.values(dirtyBytesBySource).reduce((sum, bytes) => sum + bytes, 0),
  );
  const sent = rates(({ sentBytes }) => sentBytes);
  const scale = scaleOf('rate', [...dirty, ...sent]);
  return {
    id: 'dirty-rate',
    title: 'How fast memory was written, and how fast it was sent',
    says: says(groups, dirty, sent, sources),
    heightPx: 320,
    keys: [
      ...sources.map((source, nth): Key => ({ name: sourceText(source), colour: colour(nth), mark: 'block' })),
      { name: 'sent', colour: INK, mark: 'line' },
    ],
    option: {
      grid: { left: 76, right: 24, top: 20, bottom: 56 },
      xAxis: categoriesAcross(
        size === 1 ? 'round' : `rounds, ${size} to a bar`,
        groups.map(({ name }) => name),
      ),
      yAxis: upAxis({ name: 'new dirty pages, and sent', scale }),
      series: [
        ...sources.map((source, nth) => ({
          ...STILL,
          type: 'bar',
          stack: 'dirty',
          barMaxWidth: 64,
          data: rates(({ dirtyBytesBySource }) => dirtyBytesBySource[source] ?? 0).map((rate) => scaled(rate, scale)),
          itemStyle: { color: colour(nth), borderColor: GROUND, borderWidth: groups.length > 24 ? 0 : 1 },
        })),
        {
          ...STILL,
          type: 'line',
          data: sent.map((rate) => scaled(rate, scale)),
          symbol: 'diamond',
          symbolSize: 9,
          showSymbol: groups.length <= BARS_MAX / 2,
          lineStyle: { color: INK, width: 2 },
          itemStyle: { color: INK, borderColor: GROUND, borderWidth: 1 },
        },
      ],
    },
  };
}

function groupOf(rounds: readonly Round[], pageSizeBytes: number): Group {
  const [first, last] = [rounds[0] as Round, rounds.at(-1) as Round];
  const dirtyBytesBySource: Record<string, number> = {};
  for (const { dirtyPagesBySource } of rounds) {
    for (const [source, pages] of Object.entries(dirtyPagesBySource)) {
      dirtyBytesBySource[source] = (dirtyBytesBySource[source] ?? 0) + pages * pageSizeBytes;
    }
  }
  return {
    name: first === last ? String(first.round) : `${first.round}-${last.round}`,
    seconds: rounds.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000,
    sentBytes: rounds.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
    dirtyBytesBySource,
  };
}

/** In the order in which they are first heard of. */
function sourcesOf(groups: readonly Group[]): readonly string[] {
  return [...new Set(groups.flatMap(({ dirtyBytesBySource }) => Object.keys(dirtyBytesBySource)))];
}

/** `vcpu`, `dma:nic0`, `iommu:0`, as a person says it. */
export function sourceText(source: string): string {
  const [kind, of] = source.split(':');
  if (source === 'vcpu') return 'vCPUs';
  if (kind === 'dma') return `DMA of ${of}`;
  if (kind === 'iommu') return `IOMMU of container ${of}`;
  return source;
}

function says(
  groups: readonly Group[],
  dirty: readonly number[],
  sent: readonly number[],
  sources: readonly string[],
): string {
  const at = groups.length - 1;
  const [wrote, carried] = [dirty[at] as number, sent[at] as number];
  const when = groups.length === 1 ? 'In the only round' : `In round ${(groups[at] as Group).name}`;
  if (wrote === 0) return `${when} nothing was written anew, and ${formatRate(carried)} were sent.`;
  const last = groups[at] as Group;
  const most = sources.reduce((top, one) =>
    (last.dirtyBytesBySource[one] ?? 0) > (last.dirtyBytesBySource[top] ?? 0) ? one : top,
  );
  const share = Math.round((100 * (last.dirtyBytesBySource[most] ?? 0)) / (wrote * last.seconds));
  const ratio = Math.round((100 * wrote) / carried);
  const by = sources.length === 1 ? `all of it by ${sourceText(most)}` : `${share} % of it by ${sourceText(most)}`;
  return `${when} pages became dirty at ${formatRate(wrote)}, ${by}; they were sent at ${formatRate(carried)}${ratio >= 100 ? ', no faster' : ''}.`;
}
