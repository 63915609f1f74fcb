/**
 * What a run returns: one object, the same from the API, from `--json` and from the journal, because it is a projection of
 * records and nothing else. Times are ms on the run's clock, sizes bytes; null means that the run did not get that far, and
 * unknown is never zero.
 */
import type { Outcome, SwitchoverPhase } from '../../../machines/messages.ts';
import type { Because, PagesBySource, ThroughputPercent, Tracker, Verdict } from '../../../machines/words.ts';
import type { Remedy } from './aftermath.ts';
import type { Host } from './command-about.ts';
import type { Failure } from './failure.ts';
import type { GuestRunsOn } from './guest-place.ts';
import type { OriginReport } from './origin.ts';
import type { PostcopyReport } from './post-copy.ts';
import type { Cancel } from './story.ts';

export interface Report {
  readonly scenario: string;
  readonly seed: number;
  readonly version: string;
  /** Of a run that goes on from another one's records with something other than there; absent: it began by itself. */
  readonly origin?: OriginReport;
  readonly vmm: {
    readonly loop: string;
    readonly policy: string;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly downtimeLimitMs: number;
    /** 0: no limit but the link. */
    readonly maxBandwidthBytesPerSecond: number;
  };
  readonly manager: {
    readonly policy: string;
    /** Absent where there is none. */
    readonly parameters?: Readonly<Record<string, unknown>>;
    /** What it ordered, and what it saw, in numbers; absent where there is none. */
    readonly decisions?: readonly ManagerDecision[];
  };
  readonly outcome: Outcome;
  /** Why, in the charts' words; empty for a run that completed. */
  readonly reason: string;
  /** The whole run in a sentence or two, for a person. */
  readonly sentence: string;
  /** The command that failed and so ended the run, with its errno; absent where none did. */
  readonly failure?: Failure;
  /** What was done after a failure, a cancel or giving up, in order; absent where nothing was. */
  readonly aftermath?: readonly Remedy[];
  /** `unknown`: a host that was told to run has not answered, or not so that one could tell. */
  readonly guestRunsOn: GuestRunsOn;
  readonly guestRunsOnBecause: string;
  /** The source let go of its storage on the way; absent where it did not, or where the run completed. */
  readonly storageWasReleased?: boolean;
  /** The host to ask or to fence, where the outcome is `in-doubt`. */
  readonly doubtfulHost?: Host;
  /** An operator's orders to cancel, each with whether it came in time; absent where there was none. */
  readonly cancels?: readonly Cancel[];
  readonly status: readonly { readonly atMs: number; readonly status: string }[];
  readonly trackers: readonly {
    readonly container: string;
    readonly tracker: Tracker;
    readonly because: string;
    /** When devices came or went and it was chosen anew; absent: at the start. */
    readonly atMs?: number;
  }[];
  readonly warnings: readonly string[];
  /** From `migrate` to the end (for a completed run: until the destination runs; cleanup is outside). */
  readonly totalMs: number;
  readonly setupMs: number | null;
  /** vCPUs stopped on the source until they run on the destination, or on the source again. */
  readonly downtimeMs: number | null;
  readonly downtime: DowntimeSplit | null;
  /** What this vmm would have said itself: QEMU counts from the stop until the source is done with it, which is before the
   * destination runs. */
  readonly vmmDowntimeMs: number | null;
  /** Remainder over bandwidth at the decision (or at the last assessment). */
  readonly expectedDowntimeMs: number | null;
  /** Syncs of the dirty bitmap so far, QEMU's dirty-sync-count up to 11.0: the first one, one a pass, those in the middle of a pass, the
   * final one. (11.1 counts neither of the last two.) */
  readonly dirtySyncCount: number;
  readonly devices: readonly DeviceReport[];
  readonly bytes: {
    /** On the wire, headers included. */
    readonly total: number;
    readonly memory: number;
    readonly deviceState: number;
    /** Of memory, after the first pass. */
    readonly resent: number;
    readonly inDowntime: number;
    readonly zeroPages: number;
    readonly normalPages: number;
  };
  /** Known dirty and not sent when the run ended without completing; null otherwise. */
  readonly missingBytes: number | null;
  readonly rounds: readonly Round[];
  readonly guest: {
    /** Share of the run in which the vCPUs stood still, whatever the cause. */
    readonly slowdownPercent: number;
    /**
     * How long, by cause: `downtime`, and what dirty logging cost, `dirtyFaults`, `pmlExits` and `ringFull`, where the log
     * charges it. The mean over all of the VM's vCPUs, so that causes add up.
     */
    readonly stalledMs: Readonly<Record<string, number>>;
    /** Time under migration with the guest running. */
    readonly brownoutMs: number;
  };
  /** What policies that only watched would have done; absent where there were none. */
  readonly shadows?: readonly ShadowReport[];
  /** Absent where the guest never ran on the destination with pages missing. */
  readonly postcopy?: PostcopyReport;
  readonly checks: readonly Check[];
  readonly expectations: readonly Check[];
}

export interface Check {
  readonly name: string;
  readonly held: boolean;
  readonly because?: string;
  /** The record that broke it. */
  readonly position?: number;
}

/** A policy that watched and decided nothing. */
export interface ShadowReport {
  readonly policy: string;
  /** How often it was asked and answered. */
  readonly verdicts: number;
  /** When it would have switched over for the first time; null: it never would have. */
  readonly wouldSwitchOver: {
    readonly atMs: number;
    /** The pass that had ended; a policy that is asked in the middle of one judges by what the last one left. */
    readonly round: number;
    readonly because: Because;
    readonly remainingBytes: number;
    /** Of that remainder at the bandwidth of that moment; null while none had been measured. */
    readonly expectedDowntimeMs: number | null;
  } | null;
  /** What a user's own function did instead of judging, each time; absent: it always did. */
  readonly failures?: readonly string[];
}

export interface ManagerDecision {
  readonly atMs: number;
  readonly verdict: Verdict;
  readonly because: Because;
}

/** Where every millisecond of the downtime went; sums to `downtimeMs`. */
export interface DowntimeSplit {
  /** A manager had stopped the guest, and pre-copy went on; absent: none had. */
  readonly suspendedMs?: number;
  readonly stopVcpusMs: number;
  readonly quiesceMs: number;
  readonly pauseMs: number;
  readonly finalSyncMs: number;
  readonly memoryMs: number;
  readonly deviceStateMs: number;
  readonly loadMs: number;
  /** Storage hand-over, devices to RUNNING, vCPUs started. */
  readonly resumeMs: number;
}

export const PHASE_KEYS: Readonly<Record<SwitchoverPhase, keyof DowntimeSplit>> = {
  suspend: 'suspendedMs',
  'stop-vcpus': 'stopVcpusMs',
  quiesce: 'quiesceMs',
  pause: 'pauseMs',
  'final-sync': 'finalSyncMs',
  memory: 'memoryMs',
  'device-state': 'deviceStateMs',
  load: 'loadMs',
  resume: 'resumeMs',
};

export interface DeviceReport {
  readonly id: string;
  readonly kind: string;
  /** From the last moment at which the source's device took DMA to the first at which the destination's did. */
  readonly serviceDowntimeMs: number | null;
  /** Its service stopped for longer than the guest's watchdog waits; only where the guest has one. Null with the downtime. */
  readonly watchdogFired?: boolean | null;
  readonly stateBytes: number;
  /** How long its guest driver kept its DMA halted, all halts together; absent: it never did. */
  readonly dmaHaltedMs?: number;
  /**
   * Of its own rate, by phase; only where its IOMMU can make it wait. `before`: as the VM ran; `during`: until the last sync;
   * `after`: on the destination, null when it did not get there. Null also where nobody knows.
   */
  readonly throughputPercent?: ThroughputPercent;
}

export interface Round {
  readonly round: number;
  readonly startMs: number;
  readonly durationMs: number;
  /** How long the sync after it took. */
  readonly syncMs: number;
  /** What the sync after it found, by who wrote it, and all that remains after the union with what was not sent. */
  readonly dirtyPagesBySource: PagesBySource;
  readonly dirtyPages: number;
  readonly sentPages: number;
  readonly zeroPages: number;
  readonly sentBytes: number;
  readonly bandwidthBytesPerSecond: number;
  readonly thresholdBytes: number;
  readonly remainingBytes: number;
  readonly throttlePercent: number;
  /** Null for a round that nobody judged: it was cut short, or came after the decision. */
  readonly verdict: Verdict | null;
  readonly because: Because;
}
