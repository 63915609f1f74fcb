/** What is generated in machines/README.md besides: the table of time limits between its two marks. */
import { followsText, listDeadlines } from '../../src/lab/deadlines.ts';
import { formatMs } from '../../src/lab/report/format.ts';

const BEGIN = '<!-- time limits: generated -->';
const END = '<!-- end -->';

function deadlineTable(): string {
  const rows = [
    ['command', 'class', 'limit', 'when it passes', 'why so long'],
    ['---', '---', '--:', '---', '---'],
    ...listDeadlines().map(({ name, class: commandClass, deadlineMs, follows, why }) => [
      `\`${name}\``,
      commandClass,
      formatMs(deadlineMs),
      followsText(follows),
      `it ${why}`,
    ]),
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The page with today's limits. Throws when the marks are gone. */
export function withDeadlines(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END, begin);
  if (begin < 0 || end < begin) throw new Error(`machines/README.md has no "${BEGIN}" followed by "${END}"`);
  return `${page.slice(0, begin)}${BEGIN}\n${deadlineTable()}\n${page.slice(end)}`;
}
