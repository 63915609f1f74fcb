/**
 * Which command's failure ended a migration, out of all that failed in it. A failure is open until its chart has made up for
 * it: the same command is done at last, a read-back finds the device where it was to go, or the migration goes on without.
 * When the way back begins, or the run ends, the one that has been open longest is the cause. What fails later is the
 * aftermath's. It reads commands and answers and no chart's text.
 */
import type { CommandName } from '../../../machines/words.ts';
import type { Command } from '../../core/effect.ts';
import type { RecordedEvent } from '../../core/record.ts';
import type { About, HowItFailed } from './command-about.ts';

/** Times in ms since the order to migrate. */
export interface Failure extends Omit<About, 'command'>, HowItFailed {
  /** Null: no command failed; `reason` says what did. */
  readonly command: CommandName | null;
  readonly atMs: number;
  /** The record of the answer, or of the deadline. */
  readonly position: number;
  /** What the migration was doing, to stand after "while". */
  readonly during: string;
}

/** A failure together with the chart whose command it was. */
export interface FailedCommand extends Failure {
  readonly command: CommandName;
  readonly by: string;
}

/** Commands that a migration gives only once it has got over everything before them. */
const GOES_ON: ReadonlySet<CommandName> = new Set<CommandName>([
  'sendRound',
  'stopVcpus',
  'sendRemaining',
  'loadDestination',
  'releaseStorage',
  'startDestination',
  'sendMissing',
]);

/** Of one chart, a read-back that fails is another trouble than the SET before it. */
const keyOf = (by: string, command: CommandName) => `${by} ${command}`;

const NONE: readonly FailedCommand[] = [];

export class OpenFailures {
  private readonly open = new Map<string, FailedCommand>();
  private readonly latest = new Map<string, FailedCommand>();
  private turned = false;
  private found: FailedCommand | undefined;
  private last: FailedCommand | undefined;

  failed(failure: FailedCommand): void {
    this.last = failure;
    this.latest.set(failure.by, failure);
    const key = keyOf(failure.by, failure.command);
    const before = this.open.get(key);
    // A retry that fails again is the same trouble, and has lasted since the first.
    this.open.set(key, before === undefined ? failure : { ...failure, position: before.position, atMs: before.atMs });
  }

  get isOpen(): boolean {
    return this.open.size > 0;
  }

  /** The failure that this answer makes up for, if there is one. */
  done(by: string, name: CommandName, event: RecordedEvent): FailedCommand | undefined {
    if (this.open.size === 0) return undefined;
    const set = this.open.get(keyOf(by, 'setDeviceState'));
    const madeUp = name === 'getDeviceState' && event.state === set?.target ? set : this.open.get(keyOf(by, name));
    if (madeUp !== undefined) this.open.delete(keyOf(by, madeUp.command));
    return madeUp;
  }

  /** What the migration has got over by giving this command, and goes on without. */
  commanded({ name }: Command): readonly FailedCommand[] {
    if (this.turned || !GOES_ON.has(name) || this.open.size === 0) return NONE;
    const passedOver = [...this.open.values()];
    this.open.clear();
    return passedOver;
  }

  /** The way back begins, or the run ends: nothing that fails from here on is the cause. */
  turn(): void {
    if (this.turned) return;
    this.turned = true;
    this.found = [...this.open.values()].sort((one, other) => one.position - other.position)[0];
  }

  get hasTurned(): boolean {
    return this.turned;
  }

  get cause(): FailedCommand | undefined {
    return this.found;
  }

  /** Of all that failed, whenever. */
  get lastOfAll(): FailedCommand | undefined {
    return this.last;
  }

  lastOf(by: string): FailedCommand | undefined {
    return this.latest.get(by);
  }
}
