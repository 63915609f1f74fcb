/**
 * The ends that are not `completed`, as a sentence: which command of which device failed with what, what the migration was
 * doing, what was done about it, and where the guest runs now. An end in doubt names the host to ask or fence, and the command.
 */
import { inShort } from './aftermath.ts';
import { commandText, failedText } from './command-about.ts';
import type { Failure } from './failure.ts';
import { formatMs } from './format.ts';
import type { Report } from './report.ts';

type Told = Omit<Report, 'sentence' | 'expectations'>;

export function failedSentence(report: Told): string {
  const { failure, totalMs, reason } = report;
  const what = failure === undefined ? reason : failureText(failure);
  return `Failed after ${formatMs(totalMs)}: ${what}${whatFollowed(report)}; ${guestText(report)}.${cancelsText(report)}`;
}

export function cancelledSentence(report: Told): string {
  const by = report.reason.startsWith('aborted by ') ? `, ${report.reason}` : '';
  return `Cancelled after ${formatMs(report.totalMs)}${by}${whatFollowed(report)}; ${guestText(report)}.${cancelsText(report)}`;
}

export function inDoubtSentence(report: Told): string {
  const { failure, totalMs, reason } = report;
  if (report.postcopy !== undefined) return `In doubt after ${formatMs(totalMs)}: ${reason}.`;
  const what = failure === undefined ? reason : failureText(failure);
  return `In doubt after ${formatMs(totalMs)}: ${what}${whatFollowed(report)}; ${guestText(report)}. ${adviceText(report)}${cancelsText(report)}`;
}

/** `setDeviceState of nic0 to STOP_COPY failed with EIO while quiescing and stopping the devices`. */
export function failureText(failure: Failure): string {
  const { command, during } = failure;
  if (command === null || (command === 'decide' && failure.said !== undefined))
    return `${failure.said} while ${during}`;
  return `${commandText({ ...failure, command })} ${failedText(failure)} while ${during}`;
}

/** `; nic0 was read back as ERROR, the destination was given up and nic0 was reset`; nothing where nothing had to be done. */
export function whatFollowed({ aftermath = [], storageWasReleased = false }: Told): string {
  const clauses = inShort(aftermath, storageWasReleased);
  if (clauses.length === 0) return '';
  return `; ${clauses.length === 1 ? clauses[0] : `${clauses.slice(0, -1).join(', ')} and ${clauses.at(-1)}`}`;
}

/** `the guest runs on the source`, `nobody runs the guest: ...`. */
export function guestText({
  guestRunsOn,
  guestRunsOnBecause,
}: Pick<Told, 'guestRunsOn' | 'guestRunsOnBecause'>): string {
  switch (guestRunsOn) {
    case 'source':
    case 'destination':
      return `the guest runs on the ${guestRunsOn}`;
    case 'nobody':
      return `nobody runs the guest: ${guestRunsOnBecause}`;
    case 'unknown':
      return `it is not known where the guest runs: ${guestRunsOnBecause}`;
    default:
      return guestRunsOn satisfies never;
  }
}

/** Who can clear up a doubt, and how. */
function adviceText({ doubtfulHost }: Told): string {
  if (doubtfulHost === 'source') {
    return 'Ask or fence the source: "switchover recover JOURNAL" tries the way back again, and --source-fenced says that it is dead, and the guest with it.';
  }
  return 'Ask or fence the destination: "switchover recover JOURNAL" asks it, and with --destination-fenced the source goes on.';
}

/** One that came too late is said, because whoever gave it believes the migration cancelled. */
export function cancelsText({ cancels = [] }: Told): string {
  return cancels
    .filter(({ inTime }) => !inTime)
    .map(({ atMs, because }) => ` A cancel at ${formatMs(atMs)} came too late: ${because}.`)
    .join('');
}
