/** Who decides: the vmm's rule with its verdicts, the manager above it, policies that only watch, and what throttles the guest. */
import type { Effect } from '../../core/effect.ts';
import type { Folded } from './instant.ts';
import { inWords, type LaneOf, type LaneWriter, leafOf } from './lane-writer.ts';
import type { MarkBook } from './marks.ts';

type Fact = Extract<Effect, { readonly kind: 'fact' }>;
interface Names {
  readonly policy: string;
  readonly manager: string;
  readonly shadows: readonly string[];
}

export class PolicyLanes implements LaneWriter {
  readonly #laneOf: LaneOf;
  readonly #marks: MarkBook;
  #names: Names = { policy: '', manager: '', shadows: [] };
  #hasStopped = false;
  /** By shadow: what it said last. */
  readonly #said = new Map<string, string>();

  constructor(laneOf: LaneOf, marks: MarkBook) {
    this.#laneOf = laneOf;
    this.#marks = marks;
  }

  see({ record, effects, told, closed }: Folded): void {
    if (record.kind === 'opened') this.#names = namesIn(record.opened.plan);
    for (const { to, opens, after, event } of told) {
      if (to === 'manager') this.#lane(to).enter(inWords(leafOf(after)), record);
      else if (opens && (to === 'policy' || to.startsWith('shadow/'))) this.#lane(to).enter('watches', record);
      else if (to === 'pre-copy' && event.type === 'THROTTLED')
        this.#throttle(percentText(Number(event.percent)), record);
    }
    for (const effect of effects) {
      if (effect.kind === 'fact') this.#fact(effect, record);
      if (effect.kind === 'command' && effect.name === 'limitVcpuDirtyRate')
        this.#throttle(limitText(effect.params.bytesPerSecond), record);
    }
    for (const address of closed) {
      if (address === 'policy' || address === 'manager' || address.startsWith('shadow/'))
        this.#lane(address).leave(record);
    }
  }

  #fact({ by, event }: Fact, record: Folded['record']): void {
    switch (event.type) {
      case 'SWITCHOVER_PHASE_ENTERED':
      case 'GUEST_SUSPENDED':
        this.#hasStopped = true;
        break;
      case 'ROUND_ASSESSED': {
        const note = `pass ${String(event.round)}: ${becauseText(event.because)}`;
        this.#lane('policy').enter(verdictText(event.verdict), record, { note });
        break;
      }
      case 'MANAGER_DECIDED': {
        const label = `${this.#names.manager}: ${verdictText(event.verdict)} (${becauseText(event.because)})`;
        this.#marks.add({ ...at(record), kind: 'manager', label, lane: 'manager' });
        break;
      }
      case 'SHADOW_JUDGED':
        this.#judged(by, event, record);
        break;
      case 'SHADOW_FAILED':
        this.#lane(by).enter('failed', record, { note: String(event.during) });
        break;
    }
  }

  /** Marked where it would do something other than what it said before: there it would have acted. */
  #judged(by: string, event: Fact['event'], record: Folded['record']): void {
    // What it says while the guest stands comes too late to be done.
    if (this.#hasStopped) return;
    const verdict = verdictText(event.verdict);
    const because = becauseText(event.because);
    this.#lane(by).enter(verdict, record, { note: because });
    if (verdict !== 'continue' && this.#said.get(by) !== verdict) {
      const label = `${this.#nameOf(by)} would have said ${verdict}${because === '' ? '' : ` (${because})`}`;
      this.#marks.add({ ...at(record), kind: 'shadow', label, lane: by });
    }
    this.#said.set(by, verdict);
  }

  #throttle(state: string, record: Folded['record']): void {
    this.#laneOf('throttle', 'policy', 'throttle').enter(state, record);
  }

  #lane(address: string) {
    const kind = address.split('/')[0] ?? '';
    const name = this.#nameOf(address);
    return this.#laneOf(address, 'policy', name === '' ? kind : `${kind}: ${name}`);
  }

  #nameOf(address: string): string {
    if (address === 'policy') return this.#names.policy;
    if (address === 'manager') return this.#names.manager;
    return this.#names.shadows[Number(address.split('/')[1])] ?? '';
  }
}

const at = ({ atNs, position }: Folded['record']) => ({ atNs, position });

/** A plan as it stands in a journal: of another version anything may be missing in it. */
function namesIn(plan: unknown): Names {
  const { policy, manager, shadows } = (plan ?? {}) as {
    readonly policy?: { readonly name?: unknown };
    readonly manager?: { readonly name?: unknown };
    readonly shadows?: readonly { readonly name?: unknown }[];
  };
  const nameOf = (one: { readonly name?: unknown } | undefined) => (one?.name === undefined ? '' : String(one.name));
  return {
    policy: nameOf(policy),
    manager: nameOf(manager),
    shadows: Array.isArray(shadows) ? shadows.map(nameOf) : [],
  };
}

/** `switchover`, `throttlePercent 20`. */
export function verdictText(verdict: unknown): string {
  if (typeof verdict === 'string') return verdict;
  const [knob] = Object.entries((verdict ?? {}) as Readonly<Record<string, unknown>>);
  if (knob === undefined) return '?';
  const [name, value] = knob;
  switch (name) {
    case 'throttlePercent':
      return `throttle ${String(value)} %`;
    case 'downtimeLimitMs':
      return `limit ${String(value)} ms`;
    default:
      return `${name} ${String(value)}`;
  }
}

/** Numbers with their names, as a rule gave them. */
export function becauseText(because: unknown): string {
  const rounded = (value: unknown) =>
    typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(3) : String(value);
  return Object.entries((because ?? {}) as Readonly<Record<string, unknown>>)
    .map(([name, value]) => `${name} ${rounded(value)}`)
    .join(', ');
}

const percentText = (percent: number) => (percent === 0 ? 'off' : `${percent} %`);

const limitText = (bytesPerSecond: number) =>
  bytesPerSecond === 0 ? 'off' : `${(bytesPerSecond / 2 ** 20).toFixed(1)} MiB/s a vCPU`;
