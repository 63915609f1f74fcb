/**
 * What is generated in src/hardware/README.md: the table of trackers between its two marks. `npx tsx test/docs/generate.ts`
 * writes it; a test holds the page to it.
 */
import { join } from 'node:path';
import { TRACKERS, type TrackerListing } from '../../src/lab/trackers.ts';
import { ROOT } from './consumer.ts';

export const HARDWARE_PAGE = join(ROOT, 'src', 'hardware', 'README.md');

const COLUMNS: readonly (readonly [string, (tracker: TrackerListing) => string])[] = [
  ['tracker', ({ name, hypothetical }) => `[${name}](#${name})${hypothetical ? ' (hypothetical)' : ''}`],
  ['dirty since when', ({ dirtySince }) => dirtySince],
  ['what ends an epoch', ({ epochEnds }) => epochEnds],
  ['does it run while nobody migrates', ({ whileIdle }) => whileIdle],
  ['what may a stopped device or vCPU still report', ({ afterStop }) => afterStop],
  ['what does it over-report', ({ overReports }) => overReports],
];

function trackerTable(): string {
  const rows = [
    COLUMNS.map(([head]) => head),
    COLUMNS.map(() => '---'),
    ...TRACKERS.map((tracker) => COLUMNS.map(([, cell]) => cell(tracker))),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const BEGIN = '<!-- trackers: generated -->';
const END = '<!-- end -->';

/** The page with today's table. Throws when the marks are gone. */
export function withTrackers(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`src/hardware/README.md has no "${BEGIN}" followed by "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n${trackerTable()}\n${page.slice(end)}`;
}
