/** A branch beside its parent as text for a terminal. */
import { commandLine } from '../report/command-line.ts';
import { formatMs } from '../report/format.ts';
import { changesText } from '../report/origin.ts';
import { plainTable } from '../report/text.ts';
import { wrapped } from '../report/wrapped.ts';
import type { Branched } from './branch.ts';
import { comparisonRows } from './compare.ts';

export function branchText(
  { run, origin, parent, branch, comparison }: Omit<Branched, 'journal'>,
  { journal }: { readonly journal?: string | undefined } = {},
): string {
  const from = comparison.differsFromRound;
  const parts = [
    wrapped(
      `Branch of ${origin.run} after record ${origin.position}, at ${formatMs(origin.atNs / 1e6)}: ${changesText(origin.changes)}`,
      '  ',
    ),
    plainTable(['', 'parent', 'branch', ''], comparisonRows(comparison)),
    from === null ? 'No round differs.' : `They differ from round ${from} on.`,
    wrapped(`Parent: ${parent.sentence}\nBranch: ${branch.sentence}`, '  '),
    ...(journal === undefined
      ? []
      : [`Replay it:  ${commandLine(['npx', 'switchover', 'replay', journal, '--run', run, '--re-run'])}`]),
  ];
  return `${parts.join('\n\n').replace(/[ \t]+$/gm, '')}\n`;
}
