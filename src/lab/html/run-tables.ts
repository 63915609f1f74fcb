/** The tables of one migration's page: its rounds, its manager's decisions, devices, trackers, checks, and what was done after a failure. */
import { failureText } from '../report/ending.ts';
import { formatBytes, formatCount, formatMs, formatRate } from '../report/format.ts';
import { valueText, verdictWords, wordsOf } from '../report/manager.ts';
import type { ManagerDecision, Report, Round } from '../report/report.ts';
import { verdictText } from '../report/text.ts';
import { html, type Markup } from './markup.ts';
import { sourceText } from './plots/dirty-rate.ts';
import { type Column, ends, tableMarkup } from './table.ts';

/** The rows of a run that hovers are alike: the first and the last tell the story, and the JSON has all. */
const ROWS_MAX = 60;

const words = (head: string): Column => ({ head, words: true });
const number = (head: string): Column => ({ head });

export function roundsTable({ rounds }: Report): Markup {
  const throttled = rounds.some(({ throttlePercent }) => throttlePercent > 0);
  const columns = [
    words('round'),
    number('began at'),
    number('took'),
    number('sent'),
    number('at'),
    number('remaining'),
    number('fits'),
    ...(throttled ? [number('throttle')] : []),
    words('verdict'),
    words('found dirty, in pages'),
  ];
  const row = (round: Round) => [
    String(round.round),
    formatMs(round.startMs),
    formatMs(round.durationMs),
    formatBytes(round.sentBytes),
    formatRate(round.bandwidthBytesPerSecond),
    formatBytes(round.remainingBytes),
    round.verdict === null ? '' : formatBytes(round.thresholdBytes),
    ...(throttled ? [`${round.throttlePercent} %`] : []),
    verdictText(round, rounds),
    writers(round),
  ];
  return tableMarkup('Rounds', columns, rowsOf(rounds, row, columns.length));
}

function writers({ dirtyPagesBySource }: Round): string {
  return Object.entries(dirtyPagesBySource)
    .filter(([, pages]) => pages > 0)
    .map(([source, pages]) => `${sourceText(source)} ${formatCount(pages)}`)
    .join(', ');
}

export function decisionsTable({ manager: { policy, decisions = [] } }: Report): Markup {
  const row = ({ atMs, verdict, because }: ManagerDecision) => [
    formatMs(atMs),
    verdictWords(verdict),
    becauseText(because),
  ];
  return tableMarkup(
    `What the manager (${policy}) decided`,
    [words('at'), words('ordered'), words('because')],
    rowsOf(decisions, row, 3),
  );
}

function becauseText(because: ManagerDecision['because']): string {
  return Object.entries(because)
    .map(([name, value]) => `${wordsOf(name)} ${valueText(name, value)}`)
    .join(', ');
}

export function devicesTable({ devices }: Report): Markup {
  const halted = devices.some(({ dmaHaltedMs }) => dmaHaltedMs !== undefined);
  const watched = devices.some(({ watchdogFired }) => watchdogFired !== undefined);
  return tableMarkup(
    'Devices',
    [
      words('device'),
      words('kind'),
      number('took no DMA for'),
      number('state sent'),
      ...(halted ? [number('halted by its driver')] : []),
      ...(watched ? [words('watchdog')] : []),
    ],
    devices.map(({ id, kind, serviceDowntimeMs, stateBytes, dmaHaltedMs, watchdogFired }) => [
      id,
      kind,
      serviceDowntimeMs === null ? 'unknown' : formatMs(serviceDowntimeMs),
      formatBytes(stateBytes),
      ...(halted ? [dmaHaltedMs === undefined ? '' : formatMs(dmaHaltedMs)] : []),
      ...(watched ? [watchdogText(watchdogFired)] : []),
    ]),
  );
}

function watchdogText(fired: boolean | null | undefined): string {
  if (fired === undefined) return 'none';
  return fired === null ? 'unknown' : fired ? 'fired' : 'held';
}

export function trackersTable({ trackers }: Report): Markup {
  return tableMarkup(
    'Who tracked what devices wrote',
    [words('container'), words('tracker'), words('from'), words('because')],
    trackers.map(({ container, tracker, because, atMs }) => [
      container,
      tracker,
      atMs === undefined ? 'the start' : formatMs(atMs),
      because,
    ]),
  );
}

export function checksTable({ checks, expectations }: Report): Markup {
  return tableMarkup(
    'Checks',
    [words('check'), words('result'), words('because')],
    [...checks, ...expectations].map(({ name, held, because, position }) => [
      name,
      held ? html`<span class="good">held</span>` : html`<span class="bad">broken</span>`,
      `${because ?? ''}${position === undefined ? '' : ` (record ${position})`}`,
    ]),
  );
}

/** What failed and what was done about it, or after a cancel. */
export function aftermathTable({
  failure,
  aftermath = [],
  cancels = [],
  guestRunsOn,
  guestRunsOnBecause,
}: Report): Markup {
  const failed =
    failure === undefined ? [] : [[formatMs(failure.atMs), `record ${failure.position}`, failureText(failure)]];
  const ordered = cancels.map((cancel) => [
    formatMs(cancel.atMs),
    `record ${cancel.position}`,
    cancel.inTime ? 'an operator cancelled' : `an operator cancelled, too late: ${cancel.because}`,
  ]);
  const done = aftermath.map(({ atMs, position, text }) => [formatMs(atMs), `record ${position}`, text]);
  const rows = [...failed, ...ordered, ...done];
  if (rows.length === 0) return html``;
  return tableMarkup(
    'What went wrong, and what was done',
    [words('at'), words('where'), words('what')],
    [...rows, ['in the end', '', `the guest runs on: ${guestRunsOn}, because ${guestRunsOnBecause}`]],
  );
}

export function postCopyTable({ postcopy }: Report): Markup {
  if (postcopy === undefined) return html``;
  const { startMs, durationMs, missingPages, requestedPages, pushedPages, sentBytes, blocktimeMs, pauses, pauseMs } =
    postcopy;
  const rows = [
    ['the guest ran on the destination from', formatMs(startMs)],
    ['pages were missing for', formatMs(durationMs)],
    ['missing at the start', `${formatCount(missingPages)} pages`],
    ['asked for by somebody who waited', `${formatCount(requestedPages)} pages`],
    ['pushed', `${formatCount(pushedPages)} pages`],
    ['sent', formatBytes(sentBytes)],
    ...(pauses === 0 ? [] : [['paused', `${pauses} times, ${formatMs(pauseMs)} in all`]]),
    ...Object.entries(blocktimeMs ?? {}).map(([vcpu, waitedMs]) => [
      `vCPU ${vcpu} waited for pages`,
      formatMs(waitedMs),
    ]),
  ];
  return tableMarkup('Post-copy', [words('what'), number('how much')], rows);
}

function rowsOf<T>(
  list: readonly T[],
  row: (one: T) => readonly string[],
  columns: number,
): readonly (readonly string[])[] {
  const { first, omitted, last } = ends(list, ROWS_MAX);
  if (omitted === 0) return list.map(row);
  const gap = [`... ${omitted} more`, ...Array.from({ length: columns - 1 }, () => '')];
  return [...first.map(row), gap, ...last.map(row)];
}
