/** The run in a sentence or two, for a person: what came of it, and which number decided. */
import type { Scenario } from '../scenario/scenario.ts';
import { formatBytes, formatMs, formatRate } from './format.ts';
import type { Report, Round } from './report.ts';

type Told = Omit<Report, 'sentence' | 'expectations'>;

export function sentence(report: Told, scenario: Scenario): string {
  switch (report.outcome) {
    case 'completed':
      return completed(report, scenario);
    case 'unconverged':
      return unconverged(report, scenario);
    case 'blocked':
      return `Blocked before anything started: ${report.reason}.`;
    case 'cancelled':
      return `Cancelled after ${formatMs(report.totalMs)}; the guest runs on the source.`;
    case 'failed':
      return `Failed after ${formatMs(report.totalMs)}: ${report.reason}; the guest runs on the source.`;
    case 'in-doubt':
      return `In doubt: ${report.reason}.`;
    default:
      return report.outcome satisfies never;
  }
}

function completed(report: Told, scenario: Scenario): string {
  const last = report.rounds.at(-1);
  const passes = report.rounds.length === 1 ? '1 round' : `${report.rounds.length} rounds`;
  const first = `Completed in ${formatMs(report.totalMs)}: ${passes}, ${formatBytes(report.bytes.total)} sent, ${formatMs(report.downtimeMs ?? 0)} of downtime.`;
  return last === undefined ? first : `${first} ${decision(last, report, scenario)}`;
}

/** Why the last verdict was to switch over. */
function decision(last: Round, report: Told, scenario: Scenario): string {
  if (report.vmm.policy === 'no-progress') {
    const { shrankPercent, neededPercent } = last.because;
    if (shrankPercent === undefined) return 'Nothing was left to send.';
    return `It switched over because the dirty set no longer shrank: by ${shrankPercent} % after round ${last.round}, where less than ${neededPercent} % counts as none.`;
  }
  const fits = `what remained (${formatBytes(last.remainingBytes)}) fits into ${scenario.vmm.downtimeLimitMs} ms at ${formatRate(last.bandwidthBytesPerSecond)} (${formatBytes(last.thresholdBytes)})`;
  const hovered = report.rounds.filter(near).length;
  const often = hovered > 1 ? ` It hovered: ${hovered} rounds ended within ${HOVERING_PERCENT} % of what fits.` : '';
  return `It switched over because ${fits}.${often}`;
}

/** How near to the threshold, above or below it, a remainder counts as hovering; this project's own word and figure. */
const HOVERING_PERCENT = 5;

function near({ thresholdBytes, remainingBytes }: Round): boolean {
  return thresholdBytes > 0 && Math.abs(remainingBytes - thresholdBytes) <= (HOVERING_PERCENT / 100) * thresholdBytes;
}

function unconverged(report: Told, scenario: Scenario): string {
  const gaveUp = `Did not converge: ${report.reason} and ${report.rounds.length} rounds; the guest runs on the source.`;
  const assessed = report.rounds.filter((round) => round.thresholdBytes > 0);
  if (assessed.length === 0) return gaveUp;
  const best = assessed.reduce((low, round) => (missing(round) < missing(low) ? round : low));
  const limit = `${formatBytes(best.thresholdBytes)} fit into ${scenario.vmm.downtimeLimitMs} ms at ${formatRate(best.bandwidthBytesPerSecond)}`;
  if (missing(best) <= 0) {
    return `${gaveUp} What remained after round ${best.round} would have fitted (${formatBytes(best.remainingBytes)}, and ${limit}), but the destination had not acknowledged the devices' initial data.`;
  }
  return `${gaveUp} ${limit}; the best round (${best.round}) still left ${formatBytes(best.remainingBytes)}, ${formatBytes(missing(best))} too much.`;
}

function missing(round: Round): number {
  return round.remainingBytes - round.thresholdBytes;
}
