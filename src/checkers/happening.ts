/**
 * What happened, read off the records: which command was given, what it came to, what was announced.
 *
 * The checkers' own reading of a journal. It knows no chart and asks no fold who waits for what: an answer belongs to the
 * command whose id it names. A command that ran out of time or that nobody waits for any more may still be answered; that
 * answer is `late`, true of the world and not of the run.
 */
import type { CommandName, Commands, DeviceState, Errno, FeatureMask } from '../../machines/words.ts';
import type { Command, Effect } from '../core/effect.ts';
import type { Address, EffectId, Rec, RecordedEvent } from '../core/record.ts';

/** A record with what it caused: the part of a runner's `Recorded` that a checker looks at. */
export interface CheckedRecord {
  readonly record: Rec;
  readonly effects: readonly Effect[];
}

export interface PlannedDevice {
  readonly id: string;
  readonly features: FeatureMask;
  readonly logsDma: boolean;
  /** Absent: its container is collected at every sync. */
  readonly preCopyDirtyTracking?: false;
  /** The guest's driver halts its DMA and writes its pages. */
  readonly cooperates?: boolean;
}

/** The hardware that a run was opened with. */
export interface PlannedContainer {
  readonly id: string;
  readonly iommuTracks: boolean;
  /** Whose rule decides between the trackers; absent: QEMU's. */
  readonly choice?: 'qemu' | 'iommu-first' | 'per-device';
  readonly devices: readonly PlannedDevice[];
  /** Described and not there yet: they may be plugged. Absent: none. */
  readonly pluggable?: readonly PlannedDevice[];
}

interface When {
  readonly position: number;
  readonly atNs: number;
}

type Of<N extends CommandName> = N extends CommandName ? Command<N> : never;

export type Happening = When &
  (
    | { readonly kind: 'opened'; readonly containers: readonly PlannedContainer[] }
    | { readonly kind: 'issued'; readonly command: Of<CommandName> }
    | {
        readonly kind: 'done';
        readonly command: Of<CommandName>;
        readonly event: RecordedEvent;
        readonly late: boolean;
      }
    | { readonly kind: 'failed'; readonly command: Of<CommandName>; readonly errno: Errno; readonly late: boolean }
    | { readonly kind: 'abandoned'; readonly command: Of<CommandName> }
    | { readonly kind: 'told'; readonly to: Address; readonly event: RecordedEvent }
    | { readonly kind: 'fact'; readonly event: RecordedEvent }
  );

/** What a success of command `name` answered. The caller has seen that the event is that command's. */
export function resultOf<N extends CommandName>(event: RecordedEvent, _name: N): Commands[N]['result'] {
  return event as unknown as Commands[N]['result'];
}

/** The state that an answer about a device names. */
export function stateOf(event: RecordedEvent): DeviceState {
  return event.state as DeviceState;
}

/** The answer to the order to run; or, where that was lost, to the question whether it does. */
export function destinationSaysThatItRuns(command: Command, event: RecordedEvent): boolean {
  return command.name === 'startDestination' || (command.name === 'queryDestination' && event.state === 'running');
}

/** Reads records in order and says what happened: first the event of a record, then its effects. */
export class Reader {
  private readonly waiting = new Map<EffectId, Command>();
  /** Out of time or abandoned: the work itself may still be done, and an answer come. */
  private readonly unheard = new Map<EffectId, Command>();

  read({ record, effects }: CheckedRecord): readonly Happening[] {
    const { position, atNs } = record;
    const happenings: Happening[] = [];
    if (record.kind === 'opened') {
      const { containers } = record.opened.plan as { containers: PlannedContainer[] };
      happenings.push({ position, atNs, kind: 'opened', containers });
    } else happenings.push(this.input(record));
    for (const effect of effects) {
      const happening = this.effect(record, effect);
      if (happening !== undefined) happenings.push(happening);
    }
    return happenings;
  }

  private input({ position, atNs, to, by, event, answers }: Extract<Rec, { kind: 'input' }>): Happening {
    const told = { position, atNs, kind: 'told', to, event } as const;
    if (answers === undefined) return told;
    const waited = this.waiting.get(answers);
    const command = waited ?? this.unheard.get(answers);
    if (command === undefined) return told;
    const late = waited === undefined;
    this.waiting.delete(answers);
    this.unheard.delete(answers);
    if (event.type === `DONE.${command.name}`) return { position, atNs, kind: 'done', command, event, late };
    if (event.type !== `FAILED.${command.name}`) return told;
    if (by === 'timer') this.unheard.set(answers, command);
    return { position, atNs, kind: 'failed', command, errno: event.errno as Errno, late };
  }

  private effect({ position, atNs }: When, effect: Effect): Happening | undefined {
    switch (effect.kind) {
      case 'command':
        this.waiting.set(effect.id, effect);
        return { position, atNs, kind: 'issued', command: effect };
      case 'abandon': {
        const command = this.waiting.get(effect.of);
        if (command === undefined) return undefined;
        this.waiting.delete(effect.of);
        this.unheard.set(effect.of, command);
        return { position, atNs, kind: 'abandoned', command };
      }
      case 'fact':
        return { position, atNs, kind: 'fact', event: effect.event };
      case 'setTimer':
      case 'clearTimer':
        return undefined;
      default:
        return effect satisfies never;
    }
  }
}
