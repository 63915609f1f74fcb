/** Moments of a run that are not states: what an operator ordered, what failed, what was decided, what a shadow would have done. */
import type { Folded } from './instant.ts';
import type { LaneWriter } from './lane-writer.ts';

export const MARK_KINDS = ['order', 'decision', 'manager', 'shadow', 'fault', 'timeout', 'warning', 'end'] as const;
/** `timeout`: nobody answered in time, or somebody gave up. */
export type MarkKind = (typeof MARK_KINDS)[number];

export interface Mark {
  readonly atNs: number;
  readonly position: number;
  readonly kind: MarkKind;
  readonly label: string;
  /** Id of the lane that it belongs to; absent: the whole run's. */
  readonly lane?: string;
}

type Input = Extract<Folded['record'], { readonly kind: 'input' }>;

export class MarkBook implements LaneWriter {
  readonly #marks: Mark[] = [];

  all(): readonly Mark[] {
    return this.#marks;
  }

  add(mark: Mark): void {
    this.#marks.push(mark);
  }

  see(folded: Folded): void {
    const { record, told } = folded;
    const { atNs, position } = record;
    const failed = record.kind === 'input' ? this.#seeInput(record, folded) : false;
    for (const { to, event } of told) {
      if (to !== 'migration' || event.type !== 'SWITCHOVER_DECIDED') continue;
      const label = `switchover decided after pass ${String(event.round)}`;
      this.add({ atNs, position, kind: 'decision', label, lane: 'policy' });
    }
    for (const effect of folded.effects) {
      if (effect.kind !== 'fact') continue;
      if (effect.event.type === 'WARNED' && !failed)
        this.add({ atNs, position, kind: 'warning', label: warningText(effect.event), ...laneOfChart(effect.by) });
      if (effect.event.type === 'ENDED')
        this.add({ atNs, position, kind: 'end', label: `ended: ${String(effect.event.outcome)}` });
    }
  }

  /** Whether it tells of a failure. */
  #seeInput(record: Input, { effects }: Folded): boolean {
    const { atNs, position, to, by, event } = record;
    const at = { atNs, position };
    if (by === 'operator') {
      this.add({ ...at, kind: 'order', label: orderText(event.type) });
      return false;
    }
    if (event.type.startsWith('FAILED.')) {
      const command = event.type.slice('FAILED.'.length);
      const isLate = by === 'timer';
      const label = isLate ? `no answer to ${command} in time` : `${command} failed with ${String(event.errno)}`;
      this.add({ ...at, kind: isLate ? 'timeout' : 'fault', label: `${to}: ${label}`, ...laneOfChart(to) });
      return true;
    }
    if (event.type === 'RESET') {
      this.add({ ...at, kind: 'fault', label: `${to.replace('vfio/', '')}: reset by the guest`, ...laneOfChart(to) });
      return true;
    }
    if (by !== 'timer') return false;
    const ends = effects.some((effect) => effect.kind === 'fact' && ENDINGS.has(String(effect.event.status)));
    if (ends) this.add({ ...at, kind: 'timeout', label: `${timerName(event.type)} passed` });
    return ends;
  }
}

/** Statuses that a timer leads to where somebody gives up. */
const ENDINGS: ReadonlySet<string> = new Set(['cancelling', 'cancelled', 'failing', 'failed', 'in-doubt']);

/** `START_POSTCOPY` -> `start postcopy`. */
export function orderText(type: string): string {
  return type.toLowerCase().replaceAll('_', ' ');
}

function warningText({ of, errno }: { readonly [key: string]: unknown }): string {
  return errno === undefined ? String(of) : `${String(of)}: ${String(errno)}`;
}

/** `xstate.after.giveUpAfter.migration.active` -> `giveUpAfter`. */
export function timerName(type: string): string {
  return type.split('.')[2] ?? type;
}

/** Charts with a lane of their own, and those whose lane bears another name. */
function laneOfChart(address: string): { readonly lane?: string } {
  const [kind = '', ...names] = address.split('/');
  const name = names.join('/');
  switch (kind) {
    case 'device':
    case 'vfio':
      return { lane: `device/${name}` };
    case 'guest-driver':
      return { lane: `service/${name}` };
    case 'guest':
      return { lane: 'guest/source' };
    case 'destination':
      return { lane: 'guest/destination' };
    case 'pre-copy':
    case 'stop-and-copy':
    case 'post-copy':
      return { lane: 'sender' };
    case 'tracking':
    case 'dirty-log':
    case 'policy':
    case 'manager':
    case 'shadow':
    case 'roll-back':
    case 'in-doubt':
    case 'hot-plug':
      return { lane: address };
    default:
      return {};
  }
}
