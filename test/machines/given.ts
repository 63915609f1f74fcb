/**
 * Given, when, then over one chart: its events go in, and what it tells, commands, announces, opens, closes and times comes
 * out as plain data.
 *
 * `then` is complete: what it does not name must not have happened, so that a test cannot overlook an order to a device.
 * An event that the chart does not take is an error, as it is in a run under `strict`; `ignores` says that it is meant.
 * One chart only: what charts do to each other is tested by running them together (test/simulation).
 */
import { expect } from 'vitest';
import type { AnyStateMachine } from 'xstate';
import type { Address, Facts, Kind, Opening } from '../../machines/messages.ts';
import type { CommandName } from '../../machines/words.ts';
import { type Chart, type ChartOutput, createChart, type Snapshot } from '../../src/core/chart.ts';
import type { RecordedEvent } from '../../src/core/record.ts';

/** A message as its receiver gets it, without what the core adds. */
export interface Told {
  readonly to: Address;
  readonly type: string;
  readonly [data: string]: unknown;
}
export interface Commanded {
  readonly command: CommandName;
  readonly [param: string]: unknown;
}
export interface Announced {
  readonly type: keyof Facts;
  readonly [data: string]: unknown;
}

export interface Outcome {
  /** The snapshot's value; not compared when left out. */
  readonly state?: unknown;
  readonly told?: readonly Told[];
  readonly commanded?: readonly Commanded[];
  readonly facts?: readonly Announced[];
  /** Addresses, in order. */
  readonly opened?: readonly Address[];
  readonly closed?: readonly Address[];
  /** Delays of the timers that were armed, in ms, and `cleared` for each that was cleared. */
  readonly timers?: readonly (number | 'cleared')[];
}

/** What a chart put out, by kind, in the words of `Outcome`. */
interface Seen {
  told: Told[];
  commanded: Commanded[];
  facts: Announced[];
  openings: Opening[];
  closed: Address[];
  timers: (number | 'cleared')[];
}

const nothing = (): Seen => ({ told: [], commanded: [], facts: [], openings: [], closed: [], timers: [] });

/** Starts a chart; what its start puts out is what a first `then` sees. */
export function given(machine: AnyStateMachine, input: unknown = {}): Given {
  const chart = createChart(machine);
  const { snapshot, outputs } = chart.start(input);
  return new Given(chart, snapshot, collected(nothing(), outputs));
}

/** One chart at one moment. Never changed: each step gives another one, so that several tests may go on from it. */
export class Given {
  readonly snapshot: Snapshot;
  private readonly chart: Chart;
  private readonly seen: Seen;

  constructor(chart: Chart, snapshot: Snapshot, seen: Seen) {
    this.chart = chart;
    this.snapshot = snapshot;
    this.seen = seen;
  }

  /** Delivers events; `then` sees what they put out together. The sender is the driver unless an event says `from`. */
  when(...events: readonly RecordedEvent[]): Given {
    const seen = nothing();
    let { snapshot } = this;
    for (const event of events) {
      const step = this.chart.step(snapshot, { from: 'driver', atNs: 0, ...event });
      if (!step.taken)
        throw new Error(`${this.chart.machine.id} in ${JSON.stringify(snapshot.value)} does not take ${event.type}`);
      snapshot = step.snapshot;
      collected(seen, step.outputs);
    }
    return new Given(this.chart, snapshot, seen);
  }

  /** Each of these events is taken by no transition and changes nothing. */
  ignores(...events: readonly RecordedEvent[]): Given {
    for (const event of events) {
      const step = this.chart.step(this.snapshot, { from: 'driver', atNs: 0, ...event });
      expect({ event: event.type, taken: step.taken }).toEqual({ event: event.type, taken: false });
    }
    return this;
  }

  /** Exactly this came of it. */
  // biome-ignore lint/suspicious/noThenProperty: the word of given-when-then; it takes an outcome and is never awaited.
  then(outcome: Outcome): Given {
    const { openings, ...seen } = this.seen;
    const state = 'state' in outcome ? { state: this.snapshot.value } : {};
    expect({ ...state, ...seen, opened: openings.map(({ address }) => address) }).toEqual({
      told: [],
      commanded: [],
      facts: [],
      opened: [],
      closed: [],
      timers: [],
      ...outcome,
    });
    return this;
  }

  /** The input of a chart that has just been opened. */
  inputOf(address: Address): unknown {
    const opening = this.seen.openings.find((candidate) => candidate.address === address);
    if (opening === undefined) throw new Error(`${this.chart.machine.id} has not opened ${address}`);
    return opening.input;
  }

  /** What was told, for a test that looks at a part of it. */
  get told(): readonly Told[] {
    return this.seen.told;
  }

  get opened(): readonly Address[] {
    return this.seen.openings.map(({ address }) => address);
  }

  get commanded(): readonly Commanded[] {
    return this.seen.commanded;
  }

  get facts(): readonly Announced[] {
    return this.seen.facts;
  }

  /** Delays of the timers that were armed, in ms, and `cleared` for each that was cleared. */
  get timers(): readonly (number | 'cleared')[] {
    return this.seen.timers;
  }
}

function collected(seen: Seen, outputs: readonly ChartOutput[]): Seen {
  for (const output of outputs) {
    switch (output.kind) {
      case 'routed':
        collectRouted(seen, output);
        break;
      case 'setTimer':
        seen.timers.push(output.delayMs);
        break;
      case 'clearTimer':
        seen.timers.push('cleared');
        break;
      case 'emitted':
        throw new Error(`emitted ${output.event.type}: these charts announce facts by their table`);
      default:
        output satisfies never;
    }
  }
  return seen;
}

function collectRouted(seen: Seen, { route, action, params }: Extract<ChartOutput, { kind: 'routed' }>): void {
  const data = (params ?? {}) as Readonly<Record<string, unknown>>;
  switch (route.kind) {
    case 'message':
      seen.told.push(...letters(route.to, route.type, data));
      break;
    case 'command':
      seen.commanded.push({ command: route.name, ...data });
      break;
    case 'fact':
      seen.facts.push({ type: route.type, ...data });
      break;
    case 'open':
      for (const opening of data.charts as readonly Opening[]) {
        if (kindOf(opening.address) !== route.chart) throw new Error(`${action} may not open ${opening.address}`);
        seen.openings.push(opening);
      }
      break;
    case 'close':
      seen.closed.push(...((data.addresses as readonly Address[] | undefined) ?? [route.chart]));
      break;
    default:
      route satisfies never;
  }
}

/** One letter for each receiver, as the core sends them. */
function letters(kinds: readonly Kind[], type: string, params: Readonly<Record<string, unknown>>): Told[] {
  const { to, ...data } = params;
  const receivers = to === undefined ? [kinds[0] as Address] : ([to].flat() as Address[]);
  return receivers.map((receiver) => {
    if (!(kinds as readonly string[]).includes(kindOf(receiver)))
      throw new Error(`${receiver} may not be told ${type}`);
    return { to: receiver, type, ...data };
  });
}

const kindOf = (address: Address) => address.split('/')[0] as string;
