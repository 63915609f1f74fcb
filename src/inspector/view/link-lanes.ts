/** What is on the wire: which pass, the last copy or a device's state is being sent; and whether the link carries anything. */
import type { Command } from '../../core/effect.ts';
import type { Happenings } from './happenings.ts';
import type { Folded } from './instant.ts';
import type { LaneOf, LaneWriter } from './lane-writer.ts';

export class LinkLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  readonly #happenings: Happenings;
  /** Commands that send and have no answer yet, with what they are called. */
  readonly #sending = new Map<string, string>();
  #isDown = false;

  constructor(laneOf: LaneOf, happenings: Happenings) {
    this.#laneOf = laneOf;
    this.#happenings = happenings;
  }

  see({ record, effects, told, closed }: Folded): void {
    this.#seeLink();
    if (record.kind === 'opened') return;
    const before = this.#sending.size > 0 || effects.some((effect) => effect.kind === 'command');
    if (record.answers !== undefined) this.#sending.delete(record.answers);
    for (const effect of effects) {
      if (effect.kind === 'abandon') this.#sending.delete(effect.of);
      const what = effect.kind === 'command' ? sentBy(effect) : undefined;
      if (what !== undefined) this.#sending.set(effect.id, what);
    }
    const pass = told.find(({ to, event }) => to === 'observed' && event.type === 'PASS_SEEN')?.event.pass;
    if (pass !== undefined) this.#sender().enter(`pass ${String(pass)}`, record);
    else if (told.some(({ to, after }) => to === 'observed' && after.includes('status.completed')))
      this.#sender().leave(record);
    else if (before || closed.length > 0) this.#rest(record);
  }

  #rest(record: Folded['record']): void {
    const all = [...new Set(this.#sending.values())];
    if (all.length > 0) this.#sender().enter(all.join(', '), record);
    else if (this.#sender().now !== undefined) this.#sender().enter('idle', record);
  }

  #seeLink(): void {
    for (const happening of this.#happenings.now) {
      switch (happening.what) {
        case 'link-down':
          this.#isDown = true;
          this.#link().enter('down', happening);
          break;
        case 'link-slow':
          if (!this.#isDown) this.#link().enter(`slow, ${happening.percent ?? '?'} %`, happening);
          break;
        case 'link-restored':
          this.#isDown = false;
          this.#link().enter('up', happening);
          break;
        case 'destination-dies':
        case 'source-dies':
          break;
        default:
          happening.what satisfies never;
      }
    }
  }

  #link() {
    return this.#laneOf('link', 'link', 'link');
  }

  #sender() {
    return this.#laneOf('sender', 'link', 'sender');
  }
}

/** What a command puts on the wire; undefined: nothing. */
function sentBy(command: Command): string | undefined {
  switch (command.name) {
    case 'sendRound':
      return `pass ${command.params.round}`;
    case 'sendRemaining':
      return 'last copy';
    case 'sendDeviceState':
      return `state of ${[command.params.device, ...(command.params.beside ?? [])].join(' + ')}`;
    case 'discardDirty':
      return 'discards';
    case 'sendMissing':
      return 'missing pages';
    case 'reconnect':
      return 'reconnects';
    case 'compareReceived':
      return 'compares';
    default:
      return undefined;
  }
}
