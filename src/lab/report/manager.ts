/** What a manager ordered and what it saw, as text. A manager that doubles or steps has dozens of decisions: first and last. */
import type { Because, Verdict } from '../../../machines/words.ts';
import { formatBytes, formatMs, formatRate } from './format.ts';
import type { ManagerDecision, Report } from './report.ts';

const DECISIONS_SHOWN_MAX = 16;

/** Nothing where there is no manager. */
export function managerText({ manager: { policy, decisions } }: Pick<Report, 'manager'>): string {
  if (decisions === undefined) return '';
  if (decisions.length === 0) return `  ${policy} ordered nothing`;
  const lines = decisions.map(decisionText);
  if (lines.length <= DECISIONS_SHOWN_MAX) return lines.join('\n');
  const half = DECISIONS_SHOWN_MAX / 2;
  return [...lines.slice(0, half), `  ... ${lines.length - 2 * half} more`, ...lines.slice(-half)].join('\n');
}

function decisionText({ atMs, verdict, because }: ManagerDecision): string {
  const numbers = becauseText(because);
  return `  ${formatMs(atMs)}: ${verdictWords(verdict)}${numbers === '' ? '' : ` (${numbers})`}`;
}

/** A reason's numbers, each in its unit; empty where there are none. */
export function becauseText(because: Because): string {
  return Object.entries(because)
    .map(([name, value]) => `${wordsOf(name)} ${valueText(name, value)}`)
    .join(', ');
}

/** What was ordered, in words. */
export function verdictWords(verdict: Verdict): string {
  if (typeof verdict === 'object') {
    return 'downtimeLimitMs' in verdict ? `downtime limit ${verdict.downtimeLimitMs} ms` : JSON.stringify(verdict);
  }
  switch (verdict) {
    case 'postcopy':
      return 'start post-copy';
    case 'pauseGuest':
      return 'suspend the guest';
    case 'continue':
    case 'switchover':
    case 'abort':
      return verdict;
    default:
      return verdict satisfies never;
  }
}

/** `remainingBytes` -> `remaining`: the unit is said with the value. */
export function wordsOf(name: string): string {
  return name
    .replace(/(BytesPerSecond|Bytes|Ms)$/, '')
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    .trim();
}

export function valueText(name: string, value: number): string {
  if (name.endsWith('BytesPerSecond')) return formatRate(value);
  if (name.endsWith('Bytes')) return formatBytes(value);
  return name.endsWith('Ms') ? formatMs(value) : String(value);
}
