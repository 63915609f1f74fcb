/** The run in a sentence or two, for a person: what came of it, and which number decided. */
import { PUBLISHED_RULES } from '../../../machines/index.ts';
import { downtimeLimitMsOf } from '../scenario/policy.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { cancelledSentence, cancelsText, failedSentence, guestText, inDoubtSentence, whatFollowed } from './ending.ts';
import { formatBytes, formatMs, formatRate } from './format.ts';
import { becauseText } from './manager.ts';
import { postCopySentence } from './post-copy.ts';
import type { Report, Round } from './report.ts';

type Told = Omit<Report, 'sentence' | 'expectations'>;

export function sentence(report: Told, scenario: Scenario): string {
  switch (report.outcome) {
    case 'completed':
      return `${completed(report, scenario)}${cancelsText(report)}`;
    case 'unconverged':
      return `${unconverged(report, scenario)}${cancelsText(report)}`;
    case 'blocked':
      return `Blocked before anything started: ${report.reason}; ${guestText(report)}.`;
    case 'cancelled':
      return cancelledSentence(report);
    case 'failed':
      return failedSentence(report);
    case 'in-doubt':
      return inDoubtSentence(report);
    default:
      return report.outcome satisfies never;
  }
}

function completed(report: Told, scenario: Scenario): string {
  // A pass that sends what the guest's drivers wrote comes after the decision.
  const last = report.rounds.findLast(({ verdict }) => verdict !== null) ?? report.rounds.at(-1);
  const passes = roundsText(report.rounds);
  const first = `Completed in ${formatMs(report.totalMs)}: ${passes}, ${formatBytes(report.bytes.total)} sent, ${downtimeText(report)}.`;
  if (report.postcopy !== undefined) return `${first} ${postCopySentence(report.postcopy)}`;
  return last === undefined ? first : `${first} ${decision(last, report, scenario)}`;
}

/** A run that was settled by asking who runs says when that was answered, not since when it was so. */
function downtimeText({ downtimeMs }: Told): string {
  return downtimeMs === null ? 'an unknown time of downtime' : `${formatMs(downtimeMs)} of downtime`;
}

function roundsText({ length }: readonly Round[]): string {
  return length === 1 ? '1 round' : `${length} rounds`;
}

/** Why the last verdict was to switch over. */
function decision(last: Round, report: Told, scenario: Scenario): string {
  if (scenario.vmm.policy.name === 'own' || isByAnotherRule(last, scenario)) {
    const reason = becauseText(last.because);
    return `It switched over because ${report.vmm.policy} said so after round ${last.round}${reason === '' ? '' : `: ${reason}`}.`;
  }
  if (report.vmm.policy === 'no-progress') {
    const { shrankPercent, neededPercent } = last.because;
    if (shrankPercent === undefined) return 'Nothing was left to send.';
    return `It switched over because the dirty set no longer shrank: by ${shrankPercent} % after round ${last.round}, where less than ${neededPercent} % counts as none.`;
  }
  const fits = `what remained (${formatBytes(last.remainingBytes)}) fits into ${limitText(last, report, scenario)} at ${formatRate(last.bandwidthBytesPerSecond)} (${formatBytes(last.thresholdBytes)})`;
  const hovered = report.rounds.filter(near).length;
  const often = hovered > 1 ? ` It hovered: ${hovered} rounds ended within ${HOVERING_PERCENT} % of what fits.` : '';
  return `It switched over because ${fits}.${often}`;
}

/** A rule of another vmm that did not go by what fits into the limit. */
function isByAnotherRule({ because, remainingBytes, thresholdBytes }: Round, { vmm }: Scenario): boolean {
  if (!(PUBLISHED_RULES as readonly string[]).includes(vmm.policy.name)) return false;
  return because.thresholdBytes === undefined || remainingBytes > thresholdBytes;
}

/** The limit that was in force; a manager may have set another one than the scenario. */
function limitText({ thresholdBytes, bandwidthBytesPerSecond }: Round, { manager }: Told, { vmm }: Scenario): string {
  const set = manager.decisions?.some(({ verdict }) => typeof verdict === 'object' && 'downtimeLimitMs' in verdict);
  const ownMs = downtimeLimitMsOf(vmm);
  if (set !== true || bandwidthBytesPerSecond === 0) return `${ownMs} ms`;
  const limitMs = Math.round((1000 * thresholdBytes) / bandwidthBytesPerSecond);
  return limitMs === ownMs ? `${limitMs} ms` : `${limitMs} ms (set by ${manager.policy})`;
}

/** How near to the threshold, above or below it, a remainder counts as hovering; this project's own word and figure. */
const HOVERING_PERCENT = 5;

function near({ thresholdBytes, remainingBytes }: Round): boolean {
  return thresholdBytes > 0 && Math.abs(remainingBytes - thresholdBytes) <= (HOVERING_PERCENT / 100) * thresholdBytes;
}

function unconverged(report: Told, scenario: Scenario): string {
  const gaveUp = `Did not converge: ${report.reason} and ${roundsText(report.rounds)}${whatFollowed(report)}; ${guestText(report)}.`;
  const assessed = report.rounds.filter((round) => round.thresholdBytes > 0);
  if (assessed.length === 0) return gaveUp;
  const best = assessed.reduce((low, round) => (missing(round) < missing(low) ? round : low));
  const limit = `${formatBytes(best.thresholdBytes)} fit into ${limitText(best, report, scenario)} at ${formatRate(best.bandwidthBytesPerSecond)}`;
  if (missing(best) <= 0) {
    return `${gaveUp} What remained after round ${best.round} would have fitted (${formatBytes(best.remainingBytes)}, and ${limit}), but the destination had not acknowledged the devices' initial data.`;
  }
  return `${gaveUp} ${limit}; the best round (${best.round}) still left ${formatBytes(best.remainingBytes)}, ${formatBytes(missing(best))} too much.`;
}

function missing(round: Round): number {
  return round.remainingBytes - round.thresholdBytes;
}
