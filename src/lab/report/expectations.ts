/** What the scenario's author said that the run comes to, held against the report. */
import type { Bounds, Scenario } from '../scenario/scenario.ts';
import type { Check, Report } from './report.ts';

export function expectations(
  report: Omit<Report, 'sentence' | 'expectations'>,
  { expect }: Scenario,
): readonly Check[] {
  const checks: Check[] = [];
  if (expect.outcome !== null) {
    const held = report.outcome === expect.outcome;
    checks.push({
      name: 'outcome',
      held,
      ...(held ? {} : { because: `expected ${expect.outcome}, got ${report.outcome}` }),
    });
  }
  checks.push(...within('downtimeMs', report.downtimeMs, expect.downtimeMs));
  checks.push(...within('totalMs', report.totalMs, expect.totalMs));
  checks.push(...within('rounds', report.rounds.length, expect.rounds));
  return checks;
}

function within(name: string, value: number | null, { min, max }: Bounds): readonly Check[] {
  if (min === null && max === null) return [];
  const held = value !== null && (min === null || value >= min) && (max === null || value <= max);
  if (held) return [{ name, held }];
  const range = `${min === null ? '' : `at least ${min}`}${min !== null && max !== null ? ' and ' : ''}${max === null ? '' : `at most ${max}`}`;
  return [{ name, held, because: `expected ${range}, got ${value ?? 'none'}` }];
}
