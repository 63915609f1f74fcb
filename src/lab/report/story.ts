/**
 * What went wrong in a run and what became of it: the failure that ended it, what was done about it, where the guest runs,
 * and which cancels came too late. A projection like the report that it is a part of: fed with every record in order, it reads
 * commands, answers and facts, and holds what charts need not remember.
 */
import type { Facts, SwitchoverPhase } from '../../../machines/messages.ts';
import type { CommandName, DeviceState, Errno } from '../../../machines/words.ts';
import type { Command, Effect } from '../../core/effect.ts';
import type { EffectId, Rec, RecordedEvent } from '../../core/record.ts';
import type { Recorded } from '../../run/runner.ts';
import { type Remedy, remedyOf } from './aftermath.ts';
import { aboutOf, type Host, type HowItFailed } from './command-about.ts';
import { failureText, guestText } from './ending.ts';
import { type FailedCommand, type Failure, OpenFailures } from './failure.ts';
import { type GuestPlace, GuestWhereabouts } from './guest-place.ts';
import { stageText } from './stage.ts';

/** An operator's order to cancel. Times in ms since the order to migrate. */
export interface Cancel {
  readonly atMs: number;
  readonly position: number;
  /** False: it changed nothing, and `because` says why. */
  readonly inTime: boolean;
  readonly because?: string;
}

type Input = Extract<Rec, { kind: 'input' }>;

/** Commands that belong to a way back, or to finding out where something is. */
const REMEDIES: ReadonlySet<CommandName> = new Set<CommandName>([
  'getDeviceState',
  'resetDevice',
  'setDeviceState',
  'haltRound',
  'quitDestination',
  'acquireStorage',
  'resumeVcpus',
  'resumeDma',
  'stopTracking',
  'stopDirtyLog',
  'stopVcpus',
  'releaseStorage',
]);
/** Of those, what also happens before anybody turns back, because of a failure. */
const AT_ONCE: ReadonlySet<CommandName> = new Set<CommandName>([
  'getDeviceState',
  'resetDevice',
  'stopTracking',
  'stopDirtyLog',
]);

export class Story {
  private startedNs = 0;
  private readonly commands = new Map<EffectId, Command>();
  private readonly givenNs = new Map<EffectId, number>();
  private readonly failures = new OpenFailures();
  private readonly whereabouts = new GuestWhereabouts();
  private readonly warned: string[] = [];
  private remedies: Remedy[] = [];
  private readonly orders: Cancel[] = [];
  private readonly dmaPages = new Map<string, number>();
  private status = 'none';
  private phase: SwitchoverPhase | undefined;
  private round = 0;
  private handingOver = false;
  private ended: Facts['ENDED'] | undefined;
  private endedAt = { atMs: 0, position: 0 };

  see({ record, effects, outcome }: Recorded): void {
    if (record.kind === 'input') {
      if (record.event.type === 'MIGRATE' && this.startedNs === 0) this.startedNs = record.atNs;
      if (record.event.type === 'SOURCE_FENCED') this.whereabouts.found('source-fenced');
      if (record.event.type === 'DESTINATION_FENCED') this.whereabouts.found('destination-fenced');
      this.answered(record, outcome);
    }
    for (const effect of effects) this.caused(effect, record);
    if (record.kind === 'input' && record.event.type === 'CANCEL') this.cancelled(record, effects);
  }

  /** What ended it; undefined where nothing failed. */
  get failure(): Failure | undefined {
    const { ended } = this;
    if (ended === undefined || (ended.outcome !== 'failed' && ended.outcome !== 'in-doubt')) return undefined;
    const found = this.failures.cause ?? (ended.outcome === 'in-doubt' ? this.failures.lastOfAll : undefined);
    if (found === undefined) {
      const { reason } = ended;
      return { command: null, host: 'source', errno: 'EIO', ...this.endedAt, said: reason, during: this.stage() };
    }
    const { by: _, ...failure } = found;
    return failure;
  }

  /** Empty where nothing had to be done. */
  get aftermath(): readonly Remedy[] {
    return this.failures.hasTurned ? this.remedies : [];
  }

  get cancels(): readonly Cancel[] {
    return this.orders;
  }

  get guest(): GuestPlace {
    return this.ended?.outcome === 'blocked'
      ? { runsOn: 'source', because: 'nothing was started' }
      : this.whereabouts.place;
  }

  /** Whose answer would tell: the destination once it may have the storage for good, the source on its way back. */
  get doubtfulHost(): Host {
    return this.whereabouts.destinationMayRun ? 'destination' : 'source';
  }

  get storageWasReleased(): boolean {
    return this.whereabouts.released;
  }

  /** Warnings of commands that failed and did not end the run, each with where the guest runs in spite of it. */
  get troubles(): readonly string[] {
    const { runsOn, because } = this.guest;
    const place = guestText({ guestRunsOn: runsOn, guestRunsOnBecause: because });
    return this.warned.map((trouble) => `${trouble}; ${place}`);
  }

  /** The command behind a warning that was given when this record was taken: `resetDevice of nic0 failed with EIO`. */
  behind(record: Rec): string | undefined {
    if (record.kind !== 'input' || record.answers === undefined) return undefined;
    const failed = this.failures.lastOf(record.to);
    return failed === undefined ? undefined : failureText(failed);
  }

  private answered(record: Input, outcome: Recorded['outcome']): void {
    const { event, answers, position } = record;
    const command = answers === undefined ? undefined : this.commands.get(answers);
    if (command === undefined) return;
    // One that was not answered in time may be answered late; any other has been heard of.
    if (record.by !== 'timer') this.commands.delete(command.id);
    // What a policy that only watches does is no trouble of the run.
    if (command.by.startsWith('shadow/')) return;
    const about = aboutOf(command);
    const wrong = event.type.startsWith('FAILED.')
      ? this.howItFailed(record, command)
      : this.saidOtherwise(command, event);
    // A host that says late that it has begun to run runs all the same.
    if (wrong === undefined) this.whereabouts.done(command.name, about.host);
    if (command.name === 'queryDestination' && wrong === undefined) this.asked(String(event.state));
    if (outcome === 'late') return;
    if (wrong !== undefined) this.whereabouts.failed(command.name, about.host, wrong.errno);
    const atMs = this.msOf(record.atNs);
    const isRemedy = this.isRemedy(command.name, about.host, wrong !== undefined);
    if (isRemedy) this.remedies.push(remedyOf(about, { ...event, ...wrong }, { atMs, position, ...limitOf(wrong) }));
    if (wrong === undefined) this.madeUp(this.failures.done(command.by, command.name, event), command.name);
    else {
      const during = this.stage(about);
      this.failures.failed({ ...about, ...wrong, by: command.by, atMs, position, during });
    }
  }

  /** One that is starting is not known to run, nor not to. */
  private asked(state: string): void {
    if (state === 'running') this.whereabouts.found('destination-runs');
    else if (state !== 'starting') this.whereabouts.found('destination-does-not-run');
  }

  private isRemedy(name: CommandName, host: Host, failed: boolean): boolean {
    if (this.failures.hasTurned)
      return REMEDIES.has(name) && (host === 'source' || name === 'quitDestination' || AT_ONCE.has(name));
    // Whatever else fails before anybody has turned back belongs to the same trouble.
    return this.failures.isOpen && (AT_ONCE.has(name) || failed);
  }

  private howItFailed({ event, by, answers, atNs }: Input, command: Command): HowItFailed {
    const errno = event.errno as Errno;
    if (command.name === 'decide' && event.reason !== undefined)
      return { errno, said: `policy ${command.params.policy} ${event.reason}` };
    const givenNs = this.givenNs.get(answers as EffectId) ?? atNs;
    return by === 'timer' ? { errno, deadlineMs: (command.deadlineNs - givenNs) / 1e6 } : { errno };
  }

  /** Answers that say "done" and show that it is not, as the charts take them. */
  private saidOtherwise(command: Command, event: RecordedEvent): HowItFailed | undefined {
    if (command.name === 'haltDma') this.dmaPages.set(command.by, Number(event.dmaPages));
    if (command.name === 'confirmDmaHalted' && event.halted !== true) return { errno: 'EBUSY', said: 'DMA still on' };
    if (command.name === 'dirtyDmaPages') {
      const all = this.dmaPages.get(command.by) ?? 0;
      if (Number(event.dirtiedPages) < all)
        return { errno: 'EIO', said: `${event.dirtiedPages} of ${all} pages written` };
    }
    if (command.name === 'setDeviceState' && event.state !== command.params.target) {
      return { errno: 'EIO', said: `the device in ${event.state as DeviceState}` };
    }
    return undefined;
  }

  private caused(effect: Effect, record: Rec): void {
    if (effect.kind === 'command') {
      // A pass is halted also where post-copy begins, and nothing has failed.
      const halts = effect.name === 'haltRound' && this.failures.isOpen;
      if (halts || (effect.name === 'quitDestination' && this.ended === undefined)) this.turn();
      this.commands.set(effect.id, effect);
      this.givenNs.set(effect.id, record.atNs);
      for (const failed of this.failures.commanded(effect)) this.wentOn(failed);
      if (!this.failures.isOpen && !this.failures.hasTurned) this.remedies = [];
      this.whereabouts.commanded(effect.name);
      if (effect.name === 'sendRound') this.round = effect.params.round;
      if (effect.name === 'acquireStorage' && effect.params.host === 'destination') this.handingOver = true;
      return;
    }
    if (effect.kind !== 'fact') return;
    if (effect.event.type === 'STATUS_CHANGED') {
      this.status = String(effect.event.status);
      if (this.status === 'cancelling' || this.status === 'failing') this.turn();
    }
    if (effect.event.type === 'SWITCHOVER_PHASE_ENTERED') this.phase = effect.event.phase as SwitchoverPhase;
    if (effect.event.type === 'WARNED') this.warns(String(effect.event.of), record);
    if (effect.event.type === 'ENDED') {
      this.ended = effect.event as unknown as Facts['ENDED'];
      this.endedAt = { atMs: this.msOf(record.atNs), position: record.position };
      if (this.ended.outcome !== 'completed') this.turn();
    }
  }

  private warns(of: string, record: Rec): void {
    const behind = this.behind(record);
    if (behind !== undefined && record.kind === 'input') this.warned.push(`${behind}: ${whatBecame(of, record.to)}`);
  }

  /** On the way back it is told of among the rest. */
  private madeUp(failed: FailedCommand | undefined, by: CommandName): void {
    if (failed === undefined || this.failures.hasTurned) return;
    this.tolerated(failed, by === failed.command ? 'it was done when tried again' : 'it was read back as done');
  }

  private wentOn(failed: FailedCommand): void {
    this.tolerated(failed, 'the migration went on');
  }

  /** Whatever a chart has not warned of itself. */
  private tolerated(failed: FailedCommand, how: string): void {
    const what = failureText(failed);
    if (!this.warned.some((warning) => warning.startsWith(`${what}: `))) this.warned.push(`${what}: ${how}`);
  }

  private turn(): void {
    if (!this.failures.isOpen && !this.failures.hasTurned) this.remedies = [];
    this.failures.turn();
  }

  private cancelled({ atNs, position }: Input, effects: readonly Effect[]): void {
    const order = { atMs: this.msOf(atNs), position };
    const turnedBack = effects.some(
      (effect) =>
        effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED' && effect.event.status === 'cancelling',
    );
    if (turnedBack) this.orders.push({ ...order, inTime: true });
    else this.orders.push({ ...order, inTime: false, because: this.whyTooLate() });
  }

  private whyTooLate(): string {
    if (this.status === 'completed') return 'the guest ran on the destination already';
    if (this.failures.hasTurned) return 'the way back had begun already';
    return this.handingOver ? 'the storage was being handed over' : 'nothing was under way';
  }

  private stage(about: { readonly command: CommandName; readonly host: 'source' | 'destination' } = NOTHING): string {
    const { status, phase, round } = this;
    return stageText({ status, phase, round, turned: this.failures.hasTurned }, about);
  }

  private msOf(ns: number): number {
    return (ns - this.startedNs) / 1e6;
  }
}

/** Where no command is at hand, the phase alone says what was being done. */
const NOTHING = { command: 'sendRound', host: 'source' } as const;

function limitOf(wrong: HowItFailed | undefined): Pick<HowItFailed, 'deadlineMs'> {
  return wrong?.deadlineMs === undefined ? {} : { deadlineMs: wrong.deadlineMs };
}

/** What a chart warns of is what became of it; where it only names the order, there is no more to say than this. */
function whatBecame(of: string, chart: string): string {
  if (chart === 'dirty-log' || chart.startsWith('tracking/')) return 'a log that runs on costs time and loses nothing';
  return chart === 'hot-plug' ? 'the migration went on' : of;
}
