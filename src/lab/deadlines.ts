/**
 * Every command with its class, its time limit, why that is as long as it is, and what follows when it passes, as
 * `switchover list deadlines` and the table of machines/README.md say it.
 */
import { type Consequence, DEADLINES } from '../../machines/deadlines.ts';
import { COMMANDS, type CommandClass, type CommandName } from '../../machines/words.ts';
import { formatMs } from './report/format.ts';

export interface DeadlineListing {
  readonly name: CommandName;
  readonly class: CommandClass;
  /** Unless the scenario says something else under `deadlines`. */
  readonly deadlineMs: number;
  readonly why: string;
  readonly follows: readonly Consequence[];
  /** All of it in a paragraph. */
  readonly description: string;
  readonly paragraph: true;
}

export function listDeadlines(): readonly DeadlineListing[] {
  return (Object.keys(COMMANDS) as CommandName[]).map((name) => {
    const { class: commandClass, deadlineMs } = COMMANDS[name];
    const { why, follows } = DEADLINES[name];
    const description = `${formatMs(deadlineMs)}, ${commandClass}: ${followsText(follows)}. It ${why}.`;
    return { name, class: commandClass, deadlineMs, why, follows, description, paragraph: true };
  });
}

const WORDS = {
  'turns-back': 'the migration turns back',
  'goes-on': 'it goes on',
  pauses: 'it pauses',
  'in-doubt': 'in doubt',
} as const;

/** `on the destination: the migration turns back (...); on the source, the last time: in doubt (...)`. */
export function followsText(follows: readonly Consequence[]): string {
  return follows
    .map(({ when, leadsTo, text }) => `${when === undefined ? '' : `${when}: `}${WORDS[leadsTo]} (${text})`)
    .join('; ');
}
