/**
 * Who was in which state when, as a projection of a run's records: the migration's status, the guest, each device on either
 * host, and the throttle. It reads records and nothing else, so a journal gives the same as the run itself did.
 */
import type { Recorded } from '../../run/runner.ts';
import type { ThrottleStep } from './plots/throttle.ts';

export interface Span {
  readonly lane: string;
  readonly state: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Course {
  /** Ordered by lane: the migration, the guest, then devices as they are first heard of. */
  readonly spans: readonly Span[];
  readonly throttle: readonly ThrottleStep[];
}

interface Lane {
  readonly changes: { readonly atNs: number; readonly state: string }[];
}

export const GUEST = { there: 'runs on the source', stands: 'stands', arrived: 'runs on the destination' } as const;

export class Timeline {
  private readonly lanes = new Map<string, Lane>();
  private readonly throttle: { readonly atNs: number; readonly percent: number }[] = [];
  private startedNs: number | undefined;
  private endedNs = 0;

  constructor() {
    this.lane('migration');
    this.lane('guest');
  }

  see({ record, effects }: Pick<Recorded, 'record' | 'effects'>): void {
    const { atNs } = record;
    if (record.kind === 'input') {
      if (record.event.type === 'MIGRATE' && this.startedNs === undefined) {
        this.startedNs = atNs;
        this.enter('guest', GUEST.there, atNs);
      }
      this.answered(record.to, record.event, atNs);
    }
    this.endedNs = Math.max(this.endedNs, atNs);
    for (const effect of effects) {
      if (effect.kind === 'fact' && effect.event.type === 'STATUS_CHANGED')
        this.enter('migration', String(effect.event.status), atNs);
      if (effect.kind === 'command' && effect.name === 'throttleVcpus')
        this.throttle.push({ atNs, percent: effect.params.percent });
    }
  }

  /** As far as the run has come. */
  course(): Course {
    const started = this.startedNs ?? 0;
    const ms = (ns: number) => Math.max(0, ns - started) / 1e6;
    const spans = [...this.lanes].flatMap(([lane, { changes }]) =>
      changes.flatMap(({ atNs, state }, nth): Span[] => {
        const untilNs = changes[nth + 1]?.atNs ?? this.endedNs;
        return untilNs > atNs ? [{ lane, state, fromMs: ms(atNs), toMs: ms(untilNs) }] : [];
      }),
    );
    return { spans, throttle: this.throttle.map(({ atNs, percent }) => ({ atMs: ms(atNs), percent })) };
  }

  private answered(to: string, event: { readonly type: string; readonly [key: string]: unknown }, atNs: number): void {
    switch (event.type) {
      case 'DONE.setDeviceState':
      case 'DONE.getDeviceState':
      case 'DONE.resetDevice':
        this.deviceIn(to, String(event.state), atNs);
        break;
      case 'DONE.stopVcpus':
        this.enter('guest', GUEST.stands, atNs);
        break;
      case 'DONE.resumeVcpus':
        this.enter('guest', GUEST.there, atNs);
        break;
      case 'DONE.startDestination':
        this.enter('guest', GUEST.arrived, atNs);
        break;
    }
  }

  /** `device/nic0` or `device/destination/nic0`; a device on the source ran before anybody asked. */
  private deviceIn(address: string, state: string, atNs: number): void {
    const [kind, first, second] = address.split('/');
    if (kind !== 'device' || first === undefined) return;
    const source = `${second ?? first}, source`;
    if (!this.lanes.has(source)) this.enter(source, 'RUNNING', this.startedNs ?? atNs);
    this.enter(second === undefined ? source : `${second}, destination`, state, atNs);
  }

  private enter(name: string, state: string, atNs: number): void {
    const { changes } = this.lane(name);
    if (changes.at(-1)?.state !== state) changes.push({ atNs, state });
  }

  private lane(name: string): Lane {
    const known = this.lanes.get(name) ?? { changes: [] };
    this.lanes.set(name, known);
    return known;
  }
}
