/** A drain as text for a terminal: when the host is empty, a row for each VM with its place in time, and the link's use. */
import { formatBytes, formatMs, formatRate } from '../report/format.ts';
import { plainTable } from '../report/text.ts';
import { wrapped } from '../report/wrapped.ts';
import type { Drained, DrainedVm } from './drain.ts';
import type { Drains, Spread } from './drains.ts';

/** Columns of the whole, and of the timeline at most and at least. */
const WIDTH = 100;
const TIMELINE_MAX = 48;
const TIMELINE_MIN = 12;
const LEVELS = ' ▁▂▃▄▅▆▇█';

export function drainText(drains: Drains): string {
  const { first } = drains;
  const figures = first.vms.map((vm) => [
    vm.name,
    vm.outcome,
    formatMs(vm.startedMs),
    formatMs(vm.totalMs),
    vm.downtimeMs === null ? '-' : formatMs(vm.downtimeMs),
    formatBytes(vm.bytes),
    String(vm.rounds),
  ]);
  const use = ['link', '', '', '', '', formatBytes(first.bytes), ''];
  const head = ['VM', 'outcome', 'begins', 'takes', 'downtime', 'sent', 'rounds'];
  const columns = timelineColumns([head, ...figures, use]);
  const rows = figures.map((row, index) => [...row, timeline(first.vms[index] as DrainedVm, first, columns)]);
  const parts = [
    wrapped(drainSentence(first)),
    plainTable([...head, `0 to ${formatMs(first.endedMs)}`], [...rows, [...use, linkUse(first, columns)]]),
    ...(drains.seeds.length === 1 ? [] : [seedsText(drains)]),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

/** What the other columns leave; each stands two apart. */
function timelineColumns(rows: readonly (readonly string[])[]): number {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const left = widths.reduce((rest, width) => rest - width - 2, WIDTH - 2);
  return Math.max(TIMELINE_MIN, Math.min(TIMELINE_MAX, left));
}

export function drainSentence({
  vms,
  left,
  emptyMs,
  endedMs,
  atOnce,
  order,
  bytesPerSecond,
  downtime,
}: Drained): string {
  const how = `${vms.length} ${vms.length === 1 ? 'VM' : 'VMs'}, ${atOnce} at a time, ${order}, over ${formatRate(bytesPerSecond)}`;
  const when =
    emptyMs === null
      ? `the host is not empty after ${formatMs(endedMs)}: ${left.length} of them stayed (${left.slice(0, 5).join(', ')}${left.length > 5 ? ', …' : ''})`
      : `the host is empty after ${formatMs(emptyMs)}`;
  return `${how}: ${when}. Downtime: ${downtimeText(downtime, vms.length)}.`;
}

function downtimeText({ sumMs, worstMs, unknown }: Drained['downtime'], vms: number): string {
  if (unknown === vms) return 'not known';
  const of = unknown === 0 ? '' : `, of ${vms - unknown} of ${vms} VMs`;
  return `${formatMs(sumMs)} in all, ${formatMs(worstMs)} at worst${of}`;
}

function seedsText({ seeds, emptyMs, downtimeSumMs, downtimeWorstMs, downtimeUnknown, notEmpty }: Drains): string {
  const text = (spread: Spread | null) =>
    spread === null ? ['-', '-', '-'] : [spread.mean, spread.least, spread.most].map(formatMs);
  const rows = [
    ['empty after', ...text(emptyMs)],
    ['downtime in all', ...text(downtimeSumMs)],
    ['worst downtime', ...text(downtimeWorstMs)],
  ];
  const told = (what: string, some: readonly number[]) =>
    some.length === 0 ? '' : `\n${what} with ${some.length} of ${seeds.length} seeds: ${some.slice(0, 10).join(', ')}`;
  const stayed = told('The host did not become empty', notEmpty);
  const unknown = told('It is not known of some VM how long it stood', downtimeUnknown);
  return `${plainTable([`${seeds.length} seeds`, 'mean', 'least', 'most'], rows)}${stayed}${unknown}`;
}

/** The guest runs here while it is copied; the downtime is at the end of it. */
function timeline({ startedMs, endedMs, outcome }: DrainedVm, { endedMs: allMs }: Drained, columns: number): string {
  const at = (ms: number) => Math.round((ms / Math.max(allMs, 1e-6)) * columns);
  const from = Math.min(at(startedMs), columns - 1);
  const to = Math.max(at(endedMs), from + 1);
  const end = outcome === 'completed' ? '█' : '✗';
  return `${'·'.repeat(from)}${'▒'.repeat(to - from - 1)}${end}${'·'.repeat(columns - to)}`;
}

function linkUse({ windowBytes, windowMs, endedMs, bytesPerSecond }: Drained, columns: number): string {
  return Array.from({ length: columns }, (_, column) => {
    const [fromMs, toMs] = [column, column + 1].map((one) => (one * endedMs) / columns) as [number, number];
    let bytes = 0;
    for (let index = Math.floor(fromMs / windowMs); index * windowMs < toMs; index++) {
      const part = Math.min(toMs, (index + 1) * windowMs) - Math.max(fromMs, index * windowMs);
      bytes += ((windowBytes[index] ?? 0) * part) / windowMs;
    }
    const share = bytes / ((bytesPerSecond * (toMs - fromMs)) / 1000);
    return LEVELS[Math.min(LEVELS.length - 1, Math.ceil(share * (LEVELS.length - 1) - 1e-6))];
  }).join('');
}
