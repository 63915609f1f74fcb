/** What policies that only watched would have done: read from what their charts tell, and nobody acted on. */
import type { Facts } from '../../../machines/messages.ts';
import type { Because } from '../../../machines/words.ts';
import { policyName } from '../policy/own-policy.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { formatBytes, formatMs } from './format.ts';
import { becauseText } from './manager.ts';
import type { Report, Round, ShadowReport } from './report.ts';

type Told = ({ type: 'SHADOW_JUDGED' } & Facts['SHADOW_JUDGED']) | ({ type: 'SHADOW_FAILED' } & Facts['SHADOW_FAILED']);

interface Seen {
  verdicts: number;
  first: { readonly atNs: number; readonly round: number; readonly because: Because } | undefined;
  readonly failures: string[];
}

export class ShadowStory {
  readonly #seen = new Map<string, Seen>();

  /** `round`: the pass whose end is judged. */
  see(address: string, told: Told, atNs: number, round: number): void {
    const seen = this.#seen.get(address) ?? { verdicts: 0, first: undefined, failures: [] };
    this.#seen.set(address, seen);
    if (told.type === 'SHADOW_FAILED') {
      seen.failures.push(told.during);
      return;
    }
    seen.verdicts++;
    if (told.verdict === 'switchover') seen.first ??= { atNs, round, because: told.because };
  }

  section({ shadows = [] }: Scenario, startedNs: number, rounds: readonly Round[]): Pick<Report, 'shadows'> {
    if (shadows.length === 0) return {};
    return {
      shadows: shadows.map((policy, index): ShadowReport => {
        const { verdicts = 0, first, failures = [] } = this.#seen.get(`shadow/${index}`) ?? {};
        return {
          policy: policyName(policy),
          verdicts,
          wouldSwitchOver:
            first === undefined ? null : { ...whenOf(first, startedNs), ...left(rounds[first.round - 1]) },
          ...(failures.length === 0 ? {} : { failures }),
        };
      }),
    };
  }
}

const whenOf = ({ atNs, round, because }: NonNullable<Seen['first']>, startedNs: number) => ({
  atMs: (atNs - startedNs) / 1e6,
  round,
  because,
});

function left(round: Round | undefined): { remainingBytes: number; expectedDowntimeMs: number | null } {
  const { remainingBytes = 0, bandwidthBytesPerSecond = 0 } = round ?? {};
  const ms = (1000 * remainingBytes) / bandwidthBytesPerSecond;
  return { remainingBytes, expectedDowntimeMs: bandwidthBytesPerSecond === 0 ? null : Math.round(ms * 1000) / 1000 };
}

/** A line each; nothing where there are none. */
export function shadowsText({ shadows = [] }: Pick<Report, 'shadows'>): string {
  return shadows.map((shadow) => `  ${shadow.policy}: ${lineOf(shadow)}`).join('\n');
}

function lineOf({ verdicts, wouldSwitchOver: first, failures = [] }: ShadowReport): string {
  const failed =
    failures[0] === undefined
      ? ''
      : `; ${failures.length === 1 ? '' : `${failures.length} times, first: `}${failures[0]}`;
  if (first === null)
    return `would never have switched over (asked ${verdicts} ${verdicts === 1 ? 'time' : 'times'})${failed}`;
  const { atMs, round, remainingBytes, expectedDowntimeMs } = first;
  // What is left is said already.
  const { remainingBytes: _, bandwidthBytesPerSecond: __, ...because } = first.because;
  const copy = expectedDowntimeMs === null ? '' : `, ${formatMs(expectedDowntimeMs)} to copy`;
  const reason = becauseText(because);
  return `would have switched over at ${formatMs(atMs)}, after round ${round}, with ${formatBytes(remainingBytes)} left${copy}${reason === '' ? '' : ` (${reason})`}${failed}`;
}
