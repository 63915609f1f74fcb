/** A report as text for a terminal: the sentence, the rounds, where the downtime went, and what was checked. */
import Table from 'cli-table3';
import { failureText } from './ending.ts';
import { formatBytes, formatCount, formatMs, formatRate } from './format.ts';
import { managerText } from './manager.ts';
import { originText } from './origin.ts';
import { postCopyText } from './post-copy.ts';
import type { DowntimeSplit, Report, Round } from './report.ts';
import { shadowsText } from './shadows.ts';
import { wrapped } from './wrapped.ts';

export interface TextOptions {
  /** ANSI bold and colours. */
  readonly colour?: boolean;
  /** Lines of at most 100 columns, except for the command that comes next. */
  readonly narrow?: boolean;
  /** The last line: the command that replays or inspects this run. */
  readonly next?: string;
}

/** Indent of what a line goes on with. */
const MORE = '    ';

export function reportText(report: Report, { colour = false, narrow = false, next }: TextOptions = {}): string {
  const folded = (text: string, later?: string) => (narrow ? wrapped(text, later) : text);
  const bold = (text: string) => (colour ? `\u001b[1m${text}\u001b[22m` : text);
  const parts = [
    `${bold(report.scenario)}  (${report.vmm.loop}, policy ${report.vmm.policy}, seed ${report.seed})`,
    ...(report.origin === undefined ? [] : [folded(originText(report.origin), MORE)]),
    folded(report.sentence),
    ...section(bold('What was done'), aftermathTable(report)),
    ...section(bold('Rounds'), narrow ? lastColumnWrapped(roundsTable(report.rounds)) : roundsTable(report.rounds)),
    ...section(bold('Manager'), folded(managerText(report), MORE)),
    ...section(bold('Shadows'), folded(shadowsText(report), MORE)),
    ...section(bold('Downtime'), downtimeTable(report)),
    ...section(bold('Post-copy'), report.postcopy === undefined ? '' : postCopyText(report.postcopy)),
    ...section(bold('Sent'), report.rounds.length === 0 ? '' : folded(bytesLines(report), MORE)),
    ...section(bold('Guest'), folded(guestLine(report), MORE)),
    ...section(bold('Devices'), folded(deviceLines(report), MORE)),
    ...section(
      bold('Dirty tracking'),
      report.trackers
        .map(({ container, tracker, because, atMs }) => {
          const when = atMs === undefined ? '' : `, from ${formatMs(atMs)} on`;
          return folded(`  container ${container}: ${tracker}${when} (${because})`, MORE);
        })
        .join('\n'),
    ),
    ...section(bold('Warnings'), report.warnings.map((warning) => folded(`  ${warning}`, MORE)).join('\n')),
    ...section(bold('Checks'), folded(checkLines(report), MORE)),
    ...(next === undefined ? [] : [next]),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}

function section(title: string, body: string): readonly string[] {
  return body === '' ? [] : [`${title}\n${body}`];
}

/** Nothing where nothing had to be done. */
function aftermathTable({ failure, aftermath = [] }: Report): string {
  if (aftermath.length === 0) return '';
  const rows = aftermath.map(({ atMs, position, text }) => [formatMs(atMs), `record ${position}`, text]);
  const first =
    failure === undefined ? [] : [[formatMs(failure.atMs), `record ${failure.position}`, failureText(failure)]];
  return plainTable(['', '', ''], [...first, ...rows], [2])
    .split('\n')
    .slice(1)
    .join('\n');
}

export function plainTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[] = [0],
): string {
  const table = new Table({
    head: [...head],
    colAligns: head.map((_, index) => (left.includes(index) ? 'left' : 'right')),
    style: { head: [], border: [], compact: true, 'padding-left': 2, 'padding-right': 0 },
    chars: Object.fromEntries(BORDERS.map((name) => [name, ''])),
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

const BORDERS = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
  'middle',
] as const;

/** Columns of the rounds that hold words. */
const LEFT = [0, 6, 7];

/** A run that hovers has hundreds of rounds: the first and the last tell the story. */
const ROUNDS_SHOWN_MAX = 16;

function roundsTable(rounds: readonly Round[]): string {
  if (rounds.length === 0) return '';
  const head = ['round', 'took', 'sent', 'at', 'remaining', 'fits', 'verdict', 'found dirty, in pages'];
  const row = (round: Round) => [
    String(round.round),
    formatMs(round.durationMs),
    formatBytes(round.sentBytes),
    formatRate(round.bandwidthBytesPerSecond),
    formatBytes(round.remainingBytes),
    round.verdict === null ? '' : formatBytes(round.thresholdBytes),
    verdictText(round, rounds),
    writers(round),
  ];
  const half = ROUNDS_SHOWN_MAX / 2;
  if (rounds.length <= ROUNDS_SHOWN_MAX) return plainTable(head, rounds.map(row), LEFT);
  const gap = ['...', `${rounds.length - 2 * half} more`, ...head.slice(2).map(() => '')];
  const ends = [...rounds.slice(0, half).map(row), gap, ...rounds.slice(-half).map(row)];
  return plainTable(head, ends, LEFT);
}

/** A VM with many devices has many writers. */
function lastColumnWrapped(table: string): string {
  const lines = table.replace(/ +$/gm, '');
  const column = (lines.split('\n', 1)[0] ?? '').lastIndexOf('  ') + 2;
  const GLUE = '\u00a0';
  const glued = lines.replace(/ (?=\d[\d,]*(?:, |$))/gm, GLUE);
  return wrapped(glued, ' '.repeat(column)).replaceAll(GLUE, ' ');
}

/** A round after the decision sends what the guest's drivers have written; any other that nobody judged was cut short. */
export function verdictText({ round, verdict }: Round, rounds: readonly Round[]): string {
  if (verdict === null) return rounds[round - 2]?.verdict === 'switchover' ? 'decided' : 'cut short';
  return typeof verdict === 'string' ? verdict : JSON.stringify(verdict);
}

function writers(round: Round): string {
  const sources = Object.entries(round.dirtyPagesBySource).filter(([, pages]) => pages > 0);
  if (round.verdict === null) return '';
  return sources.length === 0 ? 'none' : sources.map(([source, pages]) => `${source} ${formatCount(pages)}`).join(', ');
}

export const PHASES: readonly (readonly [keyof DowntimeSplit, string])[] = [
  ['suspendedMs', 'suspended by the manager'],
  ['stopVcpusMs', 'stop the vCPUs'],
  ['quiesceMs', 'quiesce and stop the devices'],
  ['pauseMs', 'pause before the switchover'],
  ['finalSyncMs', 'last look at the dirty logs'],
  ['memoryMs', 'copy the memory that is left'],
  ['deviceStateMs', 'copy the device state'],
  ['loadMs', 'load on the destination'],
  ['resumeMs', 'hand over and resume'],
];

function downtimeTable(report: Report): string {
  const { downtime, downtimeMs } = report;
  if (downtime === null || downtimeMs === null) return '';
  const rows = PHASES.map(([key, name]) => ({ name, phaseMs: downtime[key] ?? 0 }))
    .filter(({ phaseMs }) => phaseMs > 0)
    .map(({ name, phaseMs }) => [name, formatMs(phaseMs), `${((100 * phaseMs) / downtimeMs).toFixed(1)} %`]);
  rows.push(['total', formatMs(downtimeMs), '']);
  for (const { id, serviceDowntimeMs, watchdogFired } of report.devices) {
    const fired = watchdogFired === true ? 'its watchdog fired' : '';
    if (serviceDowntimeMs !== null) rows.push([`${id} took no DMA`, formatMs(serviceDowntimeMs), fired]);
  }
  return plainTable(['', '', ''], rows).split('\n').slice(1).join('\n');
}

function bytesLines({ bytes }: Report): string {
  const memory = `${formatCount(bytes.normalPages)} pages with content, ${formatCount(bytes.zeroPages)} zero pages, ${formatBytes(bytes.resent)} after the first round`;
  return [
    `  ${formatBytes(bytes.total)} in all: memory ${formatBytes(bytes.memory)}, device state ${formatBytes(bytes.deviceState)}; ${formatBytes(bytes.inDowntime)} while the guest stood`,
    `  ${memory}`,
  ].join('\n');
}

/** Nothing where dirty logging costs the guest nothing: the downtime has its own table. */
function guestLine({ guest }: Report): string {
  const { downtime: _, ...logging } = guest.stalledMs;
  const causes = Object.entries(logging);
  if (causes.length === 0) return '';
  const words = causes.map(([cause, stalledMs]) => `${STALLS[cause] ?? cause} ${formatMs(stalledMs)}`).join(', ');
  return `  slowed down by ${guest.slowdownPercent} %, downtime included; mean of a vCPU: ${words}`;
}

/** Nothing where no device has to wait for its IOMMU. */
function deviceLines({ devices }: Report): string {
  const lines = devices.flatMap(({ id, throughputPercent }) => {
    if (throughputPercent === undefined) return [];
    const { before, during, after } = throughputPercent;
    const known = [percentOf(before, 'before'), percentOf(during, 'during'), percentOf(after, 'after')];
    return [`  ${id} reached of its rate: ${known.filter((part) => part !== '').join(', ')} the migration`];
  });
  return lines.join('\n');
}

function percentOf(percent: number | null, when: string): string {
  return percent === null ? '' : `${percent} % ${when}`;
}

export const STALLS: Readonly<Record<string, string>> = {
  dirtyFaults: 'write-protection faults',
  pmlExits: 'exits of a full PML buffer',
  ringFull: 'a full dirty ring',
  splits: 'split huge mappings',
  missingPages: 'missing pages',
};

function checkLines(report: Report): string {
  const all = [...report.checks, ...report.expectations];
  if (all.length === 0) return '';
  const broken = all.filter(({ held }) => !held);
  const held = all.filter((check) => check.held).map(({ name }) => name);
  return [
    ...(held.length > 0 ? [`  held: ${held.join(', ')}`] : []),
    ...broken.map(
      ({ name, because, position }) =>
        `  BROKEN: ${name}${position === undefined ? '' : ` at record ${position}`}: ${because ?? ''}`,
    ),
  ].join('\n');
}
