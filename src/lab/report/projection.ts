/**
 * The report as a projection: give it every record of a run with its effects, in order, and ask. It holds history so that
 * charts need not, and reads nothing but records. The file is long because every kind of record leaves something in a report.
 */
import { isQemu } from '../../../machines/loops.ts';
import type { Facts, Outcome, SwitchoverPhase } from '../../../machines/messages.ts';
import type { Plan } from '../../../machines/plan.ts';
import type { Commands, RoundSent, ThroughputPercent } from '../../../machines/words.ts';
import type { Effect } from '../../core/effect.ts';
import type { Opened, Rec, RecordedEvent } from '../../core/record.ts';
import type { Recorded } from '../../run/runner.ts';
import { detachedReport } from '../detach.ts';
import { managerName, policyName } from '../policy/own-policy.ts';
import { downtimeLimitMsOf } from '../scenario/policy.ts';
import { type Device, devicesOf, type Scenario } from '../scenario/scenario.ts';
import { expectations } from './expectations.ts';
import { formatMs } from './format.ts';
import { PostCopyStory } from './post-copy.ts';
import {
  type Check,
  type DeviceReport,
  type DowntimeSplit,
  type ManagerDecision,
  PHASE_KEYS,
  type Report,
  type Round,
} from './report.ts';
import { sentence } from './sentence.ts';
import { Service } from './service.ts';
import { ShadowStory } from './shadows.ts';
import { Story } from './story.ts';

type Fact<T extends keyof Facts> = Facts[T] & { readonly type: T };
type AnyFact = { [T in keyof Facts]: Fact<T> }[keyof Facts];

/** A round while it is being put together. */
type Draft = { -readonly [K in keyof Round]: Round[K] };

export class ReportProjection {
  private opened: Opened | undefined;
  private startedNs: number | undefined;
  private activeNs: number | undefined;
  private endedNs = 0;
  private ended: Fact<'ENDED'> | undefined;
  private readonly status: { atMs: number; status: string }[] = [];
  private readonly trackers: Report['trackers'][number][] = [];
  private readonly warnings: string[] = [];
  private readonly phases: { phase: SwitchoverPhase; atNs: number }[] = [];
  private readonly decisions: ManagerDecision[] = [];
  private resumedNs: number | undefined;
  private readonly rounds: Draft[] = [];
  private drafted: Draft | undefined;
  private roundStartNs = 0;
  /** The round that the pass under way continues. */
  private continued: Draft | undefined;
  private readonly service = new Service();
  private readonly stateBytes = new Map<string, number>();
  private readonly bytes = { memory: 0, deviceState: 0, resent: 0, inDowntime: 0, zeroPages: 0, normalPages: 0 };
  private dirtySyncCount = 0;
  /** Summed over all vCPUs, by cause. */
  private readonly stalledNs: Record<string, number> = {};
  /** As the latest sync told it, by device. */
  private throughput: Readonly<Record<string, ThroughputPercent>> = {};
  private expectedDowntimeMs: number | null = null;
  private remainingBytes = 0;
  private lostPages: number | undefined;
  private firstLostPages: readonly number[] = [];
  private lostAt: number | undefined;
  private readonly story = new Story();
  private readonly postCopy = new PostCopyStory();
  private readonly shadows = new ShadowStory();
  /** The pass whose end was last assessed, or is being. */
  private assessing = 0;

  see(recorded: Recorded): void {
    const { record, effects, outcome } = recorded;
    this.story.see(recorded);
    this.postCopy.see(recorded);
    if (record.kind === 'opened') this.opened = record.opened;
    else if (outcome === 'taken') this.seeEvent(record.to, record.event, record.atNs, record.position);
    for (const effect of effects) this.seeEffect(effect, record);
    if (this.ended === undefined) this.endedNs = record.atNs;
  }

  /** Of a run that has ended, or of what is known so far (outcome `failed`, reason `still running`). */
  report(checks: readonly Check[] = []): Report {
    const { opened } = this;
    if (opened === undefined) throw new Error('no record opened this run');
    const scenario = opened.scenario as Scenario;
    const outcome = this.ended?.outcome ?? 'failed';
    const started = this.startedNs ?? 0;
    const downtime = this.downtimeSplit();
    const downtimeMs = downtime === null ? null : ms(sum(Object.values(downtime).map((part) => ns(part))));
    const arrivedNs = this.postCopy.arrivedNs ?? this.resumedNs;
    const endNs = outcome === 'completed' && arrivedNs !== undefined ? arrivedNs : this.endedNs;
    const totalMs = ms(endNs - started);
    const stalledMs = {
      downtime: downtimeMs ?? 0,
      ...this.loggingStalls(scenario.vm.vcpus),
      ...this.postCopy.stalledMs(scenario.vm.vcpus),
    };
    const report: Omit<Report, 'sentence' | 'expectations'> = {
      scenario: scenario.name,
      seed: opened.seed,
      version: opened.version,
      ...originOf(opened),
      vmm: {
        loop: scenario.vmm.loop,
        policy: policyName(scenario.vmm.policy),
        parameters: opened.policies[0]?.parameters as Readonly<Record<string, unknown>>,
        downtimeLimitMs: downtimeLimitMsOf(scenario.vmm),
        maxBandwidthBytesPerSecond: scenario.vmm.maxBandwidthBytesPerSecond,
      },
      manager: { policy: managerName(scenario.manager), ...this.managed(opened.plan as Plan) },
      outcome,
      reason: this.ended?.reason ?? 'still running',
      ...this.ending(outcome),
      status: this.status,
      trackers: this.trackers,
      warnings: [...this.warnings, ...this.story.troubles],
      totalMs,
      setupMs: this.activeNs === undefined ? null : ms(this.activeNs - started),
      downtimeMs,
      downtime,
      vmmDowntimeMs: this.vmmDowntimeMs(scenario, downtimeMs),
      expectedDowntimeMs: this.expectedDowntimeMs,
      dirtySyncCount: this.dirtySyncCount,
      devices: devicesOf(scenario).map(
        (device) => detachedReport(device, scenario, { outcome, totalMs }) ?? this.deviceReport(device),
      ),
      bytes: { total: this.bytes.memory + this.bytes.deviceState, ...this.bytes },
      missingBytes: outcome === 'completed' ? null : this.remainingBytes,
      rounds: this.rounds,
      guest: {
        slowdownPercent: totalMs === 0 ? 0 : round3((100 * sum(Object.values(stalledMs))) / totalMs),
        stalledMs,
        brownoutMs: ms(ns(totalMs) - ns(downtimeMs ?? 0)),
      },
      ...this.postCopy.section(),
      ...this.shadows.section(scenario, this.startedNs ?? 0, this.rounds),
      checks: checks.some(({ name }) => name === 'no-lost-write') ? checks : [...this.lostCheck(), ...checks],
    };
    const told =
      this.ended === undefined
        ? `Has not ended: its last record is at ${formatMs(totalMs)}.`
        : sentence(report, scenario);
    return { ...report, sentence: told, expectations: expectations(report, scenario) };
  }

  private managed({ manager }: Plan): Pick<Report['manager'], 'parameters' | 'decisions'> {
    return manager === undefined ? {} : { parameters: manager.parameters, decisions: this.decisions };
  }

  private ending(outcome: Outcome) {
    const { failure, aftermath, cancels, guest, storageWasReleased } = this.story;
    return {
      ...(failure === undefined ? {} : { failure }),
      ...(aftermath.length === 0 ? {} : { aftermath }),
      guestRunsOn: guest.runsOn,
      guestRunsOnBecause: guest.because,
      ...(storageWasReleased && outcome !== 'completed' ? { storageWasReleased } : {}),
      ...(outcome === 'in-doubt' ? { doubtfulHost: this.story.doubtfulHost } : {}),
      ...(cancels.length === 0 ? {} : { cancels }),
    };
  }

  private seeEvent(to: string, event: RecordedEvent, atNs: number, position: number): void {
    switch (event.type) {
      case 'MIGRATE':
        this.startedNs ??= atNs;
        break;
      case 'DONE.startTracking': {
        const { extraPages } = result(event, 'startTracking');
        if (extraPages !== undefined) this.watchesMore(to, extraPages);
        break;
      }
      case 'DONE.sendRound':
        this.roundSent(result(event, 'sendRound'), atNs);
        break;
      case 'DONE.sendRemaining': {
        const sent = result(event, 'sendRemaining');
        this.count(sent, true);
        this.bytes.inDowntime += sent.sentBytes;
        this.remainingBytes = sent.remainingBytes;
        break;
      }
      case 'DONE.sendDeviceState': {
        const device = this.sendingDevice;
        const { sentBytes, bytesOf } = result(event, 'sendDeviceState');
        this.bytes.deviceState += sentBytes;
        this.bytes.inDowntime += sentBytes;
        for (const [id, bytes] of Object.entries(bytesOf ?? (device === undefined ? {} : { [device]: sentBytes }))) {
          this.stateBytes.set(id, (this.stateBytes.get(id) ?? 0) + bytes);
        }
        break;
      }
      case 'DONE.syncBitmap':
        this.synced(result(event, 'syncBitmap'));
        break;
      case 'DONE.setDeviceState':
      case 'DONE.resetDevice':
        this.service.moved(to, String(event.state), atNs);
        break;
      case 'DONE.haltDma':
        this.service.halted(to, atNs);
        break;
      case 'DONE.resumeDma':
        this.service.resumed(to, atNs);
        break;
      case 'DONE.discardDirty': {
        const { sentBytes } = result(event, 'discardDirty');
        this.bytes.memory += sentBytes;
        this.bytes.inDowntime += sentBytes;
        break;
      }
      case 'DONE.sendMissing': {
        const { sentPages, zeroPages, sentBytes, missingPages, lostPages, firstLostPages } = result(
          event,
          'sendMissing',
        );
        this.bytes.memory += sentBytes;
        this.bytes.resent += sentBytes;
        this.bytes.zeroPages += zeroPages;
        this.bytes.normalPages += sentPages - zeroPages;
        this.remainingBytes = missingPages * this.pageSizeBytes;
        if (lostPages === undefined || lostPages === 0) break;
        this.lostPages = lostPages;
        this.firstLostPages = firstLostPages ?? [];
        this.lostAt = position;
        break;
      }
      case 'DONE.startDestination': {
        const { lostPages, firstLostPages } = result(event, 'startDestination');
        this.resumedNs = atNs;
        this.lostPages = lostPages;
        this.firstLostPages = firstLostPages ?? [];
        this.lostAt = position;
        break;
      }
      case 'DONE.resumeVcpus':
        if (this.phases.length > 0) this.resumedNs = atNs;
        break;
    }
  }

  /** A log that spans what is mapped nowhere: it may name pages that there are not, and those are dropped. */
  private watchesMore(tracking: string, pages: number): void {
    if (this.opened === undefined) return;
    const mib = (pages * (this.opened.scenario as Scenario).vm.pageSizeBytes) / 2 ** 20;
    const container = tracking.replace(/^tracking\//, '');
    this.warnings.push(`container ${container}: a device joined its DMA ranges and watches ${mib} MiB of gaps as well`);
  }

  private sendingDevice: string | undefined;

  private seeEffect(effect: Effect, record: Rec): void {
    const { atNs } = record;
    if (effect.kind === 'command') {
      if (effect.name === 'sendRound') this.sendingRound(effect.params.round, atNs);
      if (effect.name === 'resumeDma') this.service.resuming(effect.by, effect.params.host);
      if (effect.name === 'sendDeviceState') this.sendingDevice = effect.params.device;
      return;
    }
    if (effect.kind !== 'fact') return;
    const fact = effect.event as unknown as AnyFact;
    switch (fact.type) {
      case 'STATUS_CHANGED':
        this.status.push({ atMs: ms(atNs - (this.startedNs ?? 0)), status: fact.status });
        if (fact.status === 'active') this.activeNs ??= atNs;
        break;
      case 'TRACKER_CHOSEN':
        this.trackers.push({
          container: fact.tracking,
          tracker: fact.tracker,
          because: fact.because,
          ...(fact.again === true ? { atMs: ms(atNs - (this.startedNs ?? 0)) } : {}),
        });
        if (fact.tracker === 'perpetual') {
          this.warnings.push(`container ${fact.tracking}: ${fact.because}`);
        }
        break;
      case 'WARNED':
        if (this.story.behind(record) === undefined) this.warnings.push(told(fact));
        break;
      case 'ROUND_ASSESSED':
        this.assessed(fact);
        break;
      case 'MANAGER_DECIDED':
        this.decisions.push({ atMs: ms(atNs - (this.startedNs ?? 0)), verdict: fact.verdict, because: fact.because });
        break;
      case 'SHADOW_JUDGED':
      case 'SHADOW_FAILED':
        // What one that wakes says while the guest stands comes too late to have been done.
        if (atNs <= (this.phases[0]?.atNs ?? atNs)) this.shadows.see(effect.by, fact, atNs, this.assessing);
        break;
      case 'GUEST_SUSPENDED':
        this.phases.push({ phase: 'suspend', atNs });
        break;
      case 'SWITCHOVER_PHASE_ENTERED':
        this.phases.push({ phase: fact.phase, atNs });
        break;
      case 'ENDED':
        this.ended = fact;
        this.endedNs = atNs;
        break;
      default:
        fact satisfies never;
    }
  }

  /** A pass that was cut short for a sync goes on: it is one round. */
  private sendingRound(round: number, atNs: number): void {
    const last = this.rounds.at(-1);
    this.continued = last?.round === round ? last : undefined;
    if (this.continued === undefined) this.roundStartNs = atNs;
  }

  private roundSent(sent: RoundSent, atNs: number): void {
    if (this.continued !== undefined) {
      this.count(sent, this.continued.round > 1);
      const { sentPages, zeroPages, sentBytes } = this.continued;
      this.drafted = Object.assign(this.continued, {
        durationMs: ms(atNs - this.roundStartNs),
        sentPages: sentPages + sent.sentPages,
        zeroPages: zeroPages + sent.zeroPages,
        sentBytes: sentBytes + sent.sentBytes,
        bandwidthBytesPerSecond: sent.bandwidthBytesPerSecond,
        remainingBytes: sent.remainingBytes,
      });
      this.remainingBytes = sent.remainingBytes;
      return;
    }
    this.count(sent, this.rounds.length > 0);
    this.assessing = this.rounds.length + 1;
    this.drafted = {
      round: this.rounds.length + 1,
      startMs: ms(this.roundStartNs - (this.startedNs ?? 0)),
      durationMs: ms(atNs - this.roundStartNs),
      syncMs: 0,
      dirtyPagesBySource: {},
      dirtyPages: 0,
      sentPages: sent.sentPages,
      zeroPages: sent.zeroPages,
      sentBytes: sent.sentBytes,
      bandwidthBytesPerSecond: sent.bandwidthBytesPerSecond,
      thresholdBytes: 0,
      remainingBytes: sent.remainingBytes,
      throttlePercent: 0,
      verdict: null,
      because: {},
    };
    this.rounds.push(this.drafted);
    this.remainingBytes = sent.remainingBytes;
  }

  private synced(sync: Commands['syncBitmap']['result']): void {
    this.dirtySyncCount++;
    for (const [cause, stalledNs] of Object.entries(sync.guestStalledNs ?? {})) {
      this.stalledNs[cause] = (this.stalledNs[cause] ?? 0) + stalledNs;
    }
    this.throughput = sync.deviceThroughputPercent ?? {};
    this.remainingBytes = sync.remainingBytes;
    const round = this.drafted;
    if (round === undefined) return;
    round.syncMs = ms(sync.syncNs);
    round.dirtyPagesBySource = sync.dirtyPagesBySource;
    round.dirtyPages = sync.remainingPages;
    this.drafted = undefined;
  }

  private assessed(fact: Fact<'ROUND_ASSESSED'>): void {
    const round = this.rounds.at(-1);
    if (round === undefined) return;
    const { observation } = fact;
    round.verdict = fact.verdict;
    round.because = fact.because;
    round.throttlePercent = observation.throttlePercent;
    round.remainingBytes = observation.remainingBytes;
    round.bandwidthBytesPerSecond = observation.bandwidthBytesPerSecond;
    round.thresholdBytes = Math.floor((observation.bandwidthBytesPerSecond * observation.downtimeLimitMs) / 1000);
    this.remainingBytes = observation.remainingBytes;
    if (observation.bandwidthBytesPerSecond > 0) {
      this.expectedDowntimeMs = round3((1000 * observation.remainingBytes) / observation.bandwidthBytesPerSecond);
    }
  }

  private count(sent: RoundSent, again: boolean): void {
    const memory = sent.sentBytes - sent.deviceBytes;
    this.bytes.memory += memory;
    this.bytes.deviceState += sent.deviceBytes;
    this.bytes.zeroPages += sent.zeroPages;
    this.bytes.normalPages += sent.sentPages - sent.zeroPages;
    if (again) this.bytes.resent += memory;
  }

  private deviceReport(device: Device): DeviceReport {
    const { id, kind } = device;
    const downtimeNs = this.service.downtimeNs(id);
    const serviceDowntimeMs = downtimeNs === undefined ? null : ms(downtimeNs);
    const haltedNs = this.service.haltedNs(id);
    return {
      id,
      kind,
      serviceDowntimeMs,
      ...watchdogOf(device, serviceDowntimeMs),
      stateBytes: this.stateBytes.get(id) ?? 0,
      ...(haltedNs === undefined ? {} : { dmaHaltedMs: ms(haltedNs) }),
      ...this.throughputOf(id),
    };
  }

  /** After it is on the destination, so of a run that did not get there nothing is said. */
  private throughputOf(id: string): Pick<DeviceReport, 'throughputPercent'> {
    const told = this.throughput[id];
    if (told === undefined) return {};
    return { throughputPercent: this.ended?.outcome === 'completed' ? told : { ...told, after: null } };
  }

  private downtimeSplit(): DowntimeSplit | null {
    if (this.phases.length === 0 || this.resumedNs === undefined) return null;
    const split: { -readonly [Key in keyof DowntimeSplit]: number } = {
      ...(this.phases.some(({ phase }) => phase === 'suspend') ? { suspendedMs: 0 } : {}),
      stopVcpusMs: 0,
      quiesceMs: 0,
      pauseMs: 0,
      finalSyncMs: 0,
      memoryMs: 0,
      deviceStateMs: 0,
      loadMs: 0,
      resumeMs: 0,
    };
    this.phases.forEach(({ phase, atNs }, index) => {
      const until = this.phases[index + 1]?.atNs ?? (this.resumedNs as number);
      split[PHASE_KEYS[phase]] = ms(ns(split[PHASE_KEYS[phase]] ?? 0) + Math.max(0, until - atNs));
    });
    return split;
  }

  private vmmDowntimeMs(scenario: Scenario, downtimeMs: number | null): number | null {
    const stop = this.phases[0];
    // Of a post-copy it ends when the package is sent.
    const last = this.postCopy.report() === undefined ? 'resume' : 'load';
    const sent = this.phases.find(({ phase }) => phase === last);
    if (stop === undefined || sent === undefined || !isQemu(scenario.vmm.loop)) return downtimeMs;
    return ms(sent.atNs - stop.atNs);
  }

  private loggingStalls(vcpus: number): Readonly<Record<string, number>> {
    const causes = Object.entries(this.stalledNs);
    return Object.fromEntries(causes.map(([cause, stalledNs]) => [cause, ms(Math.round(stalledNs / vcpus))]));
  }

  private get pageSizeBytes(): number {
    return this.opened === undefined ? 0 : (this.opened.scenario as Scenario).vm.pageSizeBytes;
  }

  private lostCheck(): readonly Check[] {
    if (this.lostPages === undefined) return [];
    if (this.lostPages === 0) return [{ name: 'no-lost-write', held: true }];
    const because = `${this.lostPages} pages differ at the hand-over, the first of them ${this.firstLostPages.join(', ')}`;
    return [{ name: 'no-lost-write', held: false, because, position: this.lostAt as number }];
  }
}

function originOf({ origin }: Opened): Pick<Report, 'origin'> {
  if (origin === undefined) return {};
  const { run, position, atNs, changes } = origin;
  return { origin: { run, position, atMs: ms(atNs), changes } };
}

function told({ of, errno }: Fact<'WARNED'>): string {
  return errno === undefined ? of : `${of}: ${errno}`;
}

function result<N extends keyof Commands>(event: RecordedEvent, _name: N): Commands[N]['result'] {
  return event as unknown as Commands[N]['result'];
}

/** The guest's watchdog fires when the service stopped for longer than it waits; a guest without one says nothing. */
function watchdogOf(device: Device, serviceDowntimeMs: number | null): Pick<DeviceReport, 'watchdogFired'> {
  if (!('watchdogNs' in device) || device.watchdogNs === undefined) return {};
  return { watchdogFired: serviceDowntimeMs === null ? null : ns(serviceDowntimeMs) > device.watchdogNs };
}

/** Nanoseconds as ms, exact to the nanosecond. */
function ms(nanoseconds: number): number {
  return nanoseconds / 1e6;
}

function ns(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function round3(number: number): number {
  return Math.round(number * 1000) / 1000;
}
