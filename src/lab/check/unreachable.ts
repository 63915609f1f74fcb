/**
 * What no run of a check can come to, with the rule that makes it so; a pattern may stand for many. Everything else is only not
 * reached yet. Most of these are what a chart says for safety's sake about a message that its senders, as they are, do not
 * send then: each chart is proved against it by its own tests, and a check counts only whole runs.
 */
import { STATUS_ROWS } from './status-rows.ts';

interface Unreachable {
  readonly pattern: RegExp;
  readonly because: string;
}

/** `chart.state | EVENT | nth`, the state being any of them. */
const at = (chart: string, states: string, events: string, nth = '\\d+'): RegExp =>
  new RegExp(`^${chart}${states} \\| (${events}) \\| ${nth}$`);

const UNREACHABLE: readonly Unreachable[] = [
  {
    pattern: /^decide /,
    because: 'a function is asked beside the driver: nothing that a driver can do fails it',
  },
  {
    pattern:
      /^auto-converge\S* \| xstate\.after\.untilNextTick\S* \| 0$|^pre-copy(\.iterating\.sending)? \| SYNC_NOW \||^pre-copy\.iterating\.(cuttingPass|syncingInPass) \|/,
    because: 'a pass is synced in its middle after five seconds, and here one that lasts so long has failed',
  },
  {
    pattern: /^migration\.none \| BRANCHED \|/,
    because: 'a branch begins where something has happened: before the order to migrate there is nothing to change',
  },
  {
    pattern: /^manager-[\w-]+ \| MIGRATION_ACTIVE \|/,
    because: 'a manager waits for pre-copy to run, and that is told once',
  },
  {
    pattern:
      /^manager-(kubevirt-downtime-tuning|kubevirt-stall|ovirt-[\w-]+|vdsm-exponential|proxmox) \| GUEST_REACHED \|/,
    because: 'the guest answers who stops it, and this manager does not',
  },
  {
    // The chart of a run is the mirror of a device; the modelled device has one of its own.
    pattern:
      /^vfio-device\S* \| (SET|ARC|ARC_FAILED|READ|GET_PRECOPY_INFO|MIG_DATA_SIZE|STATE_CHANGED|REINIT_OPT_IN|REINITIALISED|IMAGE_WRITTEN) \||^vfio-device(\.RESUMING)? \| always \| 0$|^vfio-device\.RESUMING \| always \| 1$/,
    because: 'happens in a device, and the chart of a run is only its mirror',
  },
  {
    pattern: at('vfio-device', '', 'STATE_READ_BACK', '0'),
    because: 'a driver answers with states that the features of its device have',
  },
  {
    pattern: /^vfio-device\.(PRE_COPY_P2P \| always \| 0|RUNNING_P2P \| always \| 2)$/,
    because: 'no order sends a device that is quiet back to pre-copy',
  },
  {
    pattern: /^(migration|in-doubt|in-doubt\.resting) \| (SOURCE|DESTINATION)_FENCED \| 0$/,
    because: 'recover refuses to fence a host twice, or while nothing is in doubt, before a record is written',
  },
  {
    pattern: at('in-doubt', '', 'RESOLVE'),
    because: 'the root chart passes the order on only while the doubt rests',
  },
  {
    pattern: at('in-doubt\\.resting', '', 'RESOLVE', '0'),
    because: 'with the source fenced and the destination given up the guest is lost at once, which ends the run',
  },
  {
    pattern: at('in-doubt', '', 'DONE\\.\\*|FAILED\\.\\*|DESTINATION_REACHED'),
    because: 'each state waits for its one command or order; a late answer of a driver is recorded and not delivered',
  },
  {
    pattern: /^migration(?!\S*preparingDestination)\S* \| DESTINATION_REACHED \|/,
    because:
      'the destination answers who gave it the last order: the root chart only prepares it, and waits for that answer in one state',
  },
  {
    pattern: at('migration\\.(cancelling|failing)', '', 'PRECOPY_FAILED|SWITCHOVER_FAILED|PAUSED_BEFORE_SWITCHOVER'),
    because: 'who sends is halted in the step that begins the way back, and a chart that halts tells only that it has',
  },
  {
    pattern: at('migration\\.completed', '', '(DEVICE|DRIVER)_REACHED'),
    because: 'each device and driver answers its last order once, and is counted then',
  },
  {
    pattern: at('pre-copy\\.(decided|decidedPostCopy)', '', 'HALT'),
    because: 'the root chart closes this one in the step that decides',
  },
  {
    pattern: /^(pre-copy\.halting|pre-copy\.halted|stop-and-copy\.halted) \| HALT \|/,
    because: 'the one way back of a run halts who sends once',
  },
  {
    pattern: at('stop-and-copy\\.switching', '', '(GUEST|DRIVER|DEVICE|DIRTY_LOG|DESTINATION)_REACHED'),
    because:
      'an answer comes once, and the state that gave the order takes it; what pre-copy asked for has been answered',
  },
  {
    pattern: at('stop-and-copy', '\\.(switching|handingOver)', 'CONTINUE'),
    because: 'the root chart passes the order on only while this one is paused',
  },
  {
    pattern: at('stop-and-copy\\.failed', '', '\\*'),
    because: 'the root chart halts it in the step in which it fails',
  },
  {
    pattern: at('stop-and-copy\\.awaitingRelease', '', '\\*'),
    because: 'of its orders only the release is without an answer',
  },
  {
    pattern: at('post-copy\\.pushing', '', 'DONE\\.sendMissing', '1'),
    because: 'only a halt cuts the copy short without an error, and then post-copy is pausing',
  },
  {
    pattern: at('roll-back', '', '(DEVICE|GUEST|DRIVER|DIRTY_LOG|DESTINATION)_REACHED'),
    because: 'it waits for all answers to an order before it gives the next, and nobody answers an order twice',
  },
  {
    pattern:
      /^roll-back\.(abandoningDestination|stoppingLog) \| \w+ \| 1$|^roll-back\.(quietingDevices|returningDevices|resumingGuest|resumingDma) \| \w+ \| 2$/,
    because: 'it waits for all answers to an order before it gives the next, and nobody answers an order twice',
  },
  {
    pattern: at('destination\\.incoming', '', 'DEVICE_REACHED'),
    because: 'the states that order devices wait for all of them and take the answers themselves',
  },
  {
    pattern: at('destination\\.failed', '', 'LOAD|DEVICE_REACHED|DONE\\.\\*|FAILED\\.\\*'),
    because: 'who is told of the failure gives the destination up in the same step; after it took over nothing is open',
  },
  {
    pattern: at('destination\\.inDoubt', '', 'DONE\\.\\*|FAILED\\.\\*'),
    because: 'its own commands are answered by then: the last one, or a device, failed',
  },
  {
    pattern: at('destination\\.inmigrate', '', 'ABANDON'),
    because: 'it is told to prepare in the step that opens it',
  },
  {
    pattern: at('destination\\.quitting', '', 'ABANDON|LOAD'),
    because: 'one way back gives it up, once, after who sends was halted',
  },
  {
    pattern: /^guest\.(stopping|resuming|uncertain) \| STOP \||^guest\.resuming \| (RESUME|\w+\.resumeVcpus) \| 0$/,
    because: 'a migration stops the guest once, and what is asked for on the way back is to resume it',
  },
  {
    pattern: /^dirty-log((\.on\.(collecting|resting))? \| START|(\.on\.collecting)? \| SYNC) \| 0$/,
    because: 'one chart at a time asks for the log, waits for the answer, and starts it once',
  },
  {
    pattern: /^dirty-log\.(on\.resting \| always \| 0|stopped \| always \| 1)$/,
    because: 'follows from an order that came while another ran: one chart at a time asks for the log, and waits',
  },
  {
    pattern: at('dirty-log', '', 'DEVICES_CHANGED'),
    because: 'devices change inside a sync, and who is told to stop the log has told them to settle before',
  },
  {
    pattern: at('dirty-log', '', 'TRACKING_(REACHED|SYNCED)'),
    because: 'a container answers its latest order only',
  },
  {
    pattern:
      /^dirty-tracking\.(starting|retiring|dismissing|stopping|tracking|tracking\.reporting) \| (START|SYNC) \| 0$|^dirty-tracking\.(off \| SYNC|stopping \| STOP) \|/,
    because: 'the dirty log is the only one that asks a container, and waits for the answer before it asks again',
  },
  {
    pattern: /^dirty-tracking\.(off|starting|retiring|dismissing|stopping|tracking\.reporting) \| DEVICES_CHANGED \|/,
    because: 'devices change while every container rests in a sync, one change after the other',
  },
  {
    pattern: /^dirty-tracking\.(off|tracking\.resting) \| always \| [012]$|^dirty-tracking\.stopped \| always \| 2$/,
    because: 'follows from an order that came while another ran: the dirty log waits for each answer',
  },
  {
    pattern: at('device-control\\.deciding', '', 'always', '1'),
    because: 'a device in ERROR is lost or reset, and is not ordered about from any other state',
  },
  {
    pattern: /^guest-driver(\.quiet|\.uncertain)? \| HALT_DMA \||^guest-driver\.resuming \| \w+\.resumeDma \| 0$/,
    because: 'a driver is told to halt only while it drives: whoever had it halt has it resume, and waits',
  },
  {
    pattern: at('guest-driver\\.confirming', '', 'DONE\\.confirmDmaHalted', '2'),
    because: 'the modelled driver has turned bus mastering off when it says that it has halted',
  },
  {
    pattern: at('guest-driver\\.dirtying', '', 'DONE\\.dirtyDmaPages', '2'),
    because: 'the modelled driver writes every page that it has told of',
  },
  {
    pattern: at('hot-plug', '', 'CHANGE_NOW'),
    because: 'the dirty log waits for the change that it asked for before it goes on',
  },
];

export function reasonFor(what: string): string | undefined {
  const known = UNREACHABLE.find(({ pattern }) => pattern.test(what))?.because;
  if (known !== undefined) return known;
  return STATUS_ROWS.find(({ from, to, unreached }) => unreached !== undefined && what.endsWith(`: ${from} -> ${to}`))
    ?.unreached;
}

/** For a test: a transition that was reached and has a reason why it cannot be is a reason that is wrong. */
export function reachedAllTheSame(counts: Readonly<Record<string, number>>): readonly string[] {
  return Object.keys(counts).filter((what) => UNREACHABLE.some(({ pattern }) => pattern.test(what)));
}

/** For a test: reasons that are for nothing of all that there is have outlived what they were for. */
export function reasonsForNothing(all: readonly string[]): readonly string[] {
  return UNREACHABLE.flatMap(({ pattern, because }) => (all.some((what) => pattern.test(what)) ? [] : [because]));
}
