/**
 * Both hosts, as far as their answers tell, and who holds the storage. A host that lets orders run out of time is silent, which
 * is not dead; that it is dead only the scenario knows, or an operator who has fenced it.
 */
import type { Command } from '../../core/effect.ts';
import type { Happenings } from './happenings.ts';
import type { Folded } from './instant.ts';
import type { LaneOf, LaneWriter } from './lane-writer.ts';

type Host = 'source' | 'destination';
type Input = Extract<Folded['record'], { readonly kind: 'input' }>;

/** An answer that leaves open whether the command was carried out. */
const LEAVES_OPEN: ReadonlySet<string> = new Set(['ETIMEDOUT', 'ECONNRESET', 'ENOTCONN']);
/** Nobody is there any more who could answer. */
const IS_GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'ENOTCONN']);

export class HostLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  readonly #happenings: Happenings;
  readonly #commands = new Map<string, Command>();
  readonly #dead = new Set<Host>();

  constructor(laneOf: LaneOf, happenings: Happenings) {
    this.#laneOf = laneOf;
    this.#happenings = happenings;
  }

  see({ record, effects, told }: Folded): void {
    for (const happening of this.#happenings.now) {
      const host =
        happening.what === 'source-dies' ? 'source' : happening.what === 'destination-dies' ? 'destination' : undefined;
      if (host === undefined) continue;
      this.#lane(host).enter('dead', happening, { note: 'as the scenario has it' });
      this.#dead.add(host);
    }
    if (record.kind === 'opened') return;
    if (record.event.type === 'MIGRATE') {
      this.#host('source', 'alive', record);
      this.#host('destination', 'alive', record);
      this.#storage('source', record);
    }
    if (record.event.type === 'SOURCE_FENCED') this.#host('source', 'fenced', record);
    if (record.event.type === 'DESTINATION_FENCED') this.#host('destination', 'fenced', record);
    this.#answered(record);
    if (told.some(({ to, after }) => to === 'destination' && after.at(-1) === 'gone'))
      this.#host('destination', 'gone', record);
    for (const effect of effects) if (effect.kind === 'command') this.#commanded(effect, record);
  }

  #commanded(command: Command, record: Input): void {
    this.#commands.set(command.id, command);
    if (command.name === 'releaseStorage') this.#storage('source lets go', record);
    if (command.name === 'acquireStorage') this.#storage(`${command.params.host} takes it`, record);
  }

  #answered(record: Input): void {
    const { answers, event, by } = record;
    const command = answers === undefined ? undefined : this.#commands.get(answers);
    if (command === undefined) return;
    // After its time has run out it may still be answered.
    if (by !== 'timer') this.#commands.delete(command.id);
    const failed = event.type.startsWith('FAILED.');
    const errno = String(event.errno);
    this.#ofStorage(command, failed, errno, record);
    if (command.name === 'decide') return;
    const host = hostOf(command);
    if (by === 'timer') this.#host(host, 'silent', record);
    else if (!failed || !IS_GONE.has(errno)) this.#host(host, 'alive', record);
    else if (host === 'destination') this.#host(host, 'gone', record);
  }

  #ofStorage(command: Command, failed: boolean, errno: string, record: Input): void {
    switch (command.name) {
      case 'releaseStorage':
        this.#storage(failed ? (LEAVES_OPEN.has(errno) ? 'unknown' : 'source') : 'nobody', record);
        break;
      case 'acquireStorage':
        this.#storage(failed ? (LEAVES_OPEN.has(errno) ? 'unknown' : 'nobody') : command.params.host, record);
        break;
      case 'queryStorage':
        if (!failed) this.#storage(String(record.event.holder), record);
        break;
      default:
    }
  }

  /** What has died or was fenced, answers nothing that would make it alive again. */
  #host(host: Host, state: string, record: Input): void {
    const lane = this.#lane(host);
    if (this.#dead.has(host) || lane.now?.state === 'fenced') return;
    if (state === 'alive' && lane.now?.state === 'gone') return;
    lane.enter(state, record);
  }

  #lane(host: Host) {
    return this.#laneOf(`host/${host}`, 'hosts', `${host} host`);
  }

  #storage(holder: string, record: Input): void {
    this.#laneOf('storage', 'hosts', 'storage').enter(holder, record);
  }
}

/** Who carries it out. */
export function hostOf(command: Command): Host {
  switch (command.name) {
    case 'prepareDestination':
    case 'loadDestination':
    case 'startDestination':
    case 'quitDestination':
    case 'queryDestination':
    case 'compareReceived':
      return 'destination';
    case 'acquireStorage':
    case 'resumeDma':
      return command.params.host;
    default:
      return command.by.includes('/destination/') ? 'destination' : 'source';
  }
}
